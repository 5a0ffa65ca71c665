#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Changes what the kernel says, for what no kernel says on request.

#include <concepts>
#include <cstddef>
#include <functional>
#include <utility>

#include <rondo/detail/ring.hpp>
#include <rondo/event_loop.hpp>

namespace rondo_test {

/// Shows a function each completion of the running loop while it lives: (int& result, unsigned&
/// flags). The completion that wakes the loop for other threads is among them.
class RingFilter final : rondo::detail::CompletionFilter {
public:
    explicit RingFilter(std::function<void(int&, unsigned&)> function)
        : function_(std::move(function)), ring_(rondo::get_running_loop().core().ring()) {
        ring_.set_completion_filter(this);
    }
    RingFilter(const RingFilter&) = delete;
    RingFilter& operator=(const RingFilter&) = delete;
    ~RingFilter() { ring_.set_completion_filter(nullptr); }

    /// How many results it has changed.
    [[nodiscard]] std::size_t changed() const noexcept { return changed_; }

private:
    void filter(rondo::detail::Completion& /*completion*/, int& result,
                unsigned& flags) noexcept override {
        const int before = result;
        function_(result, flags);
        changed_ += result != before;
    }

    std::function<void(int&, unsigned&)> function_;
    rondo::detail::Ring& ring_;
    std::size_t changed_ = 0;
};

} // namespace rondo_test
