#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Readiness as it changes.

#include <cstddef>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/io/multishot.hpp>
#include <rondo/io/multishot_record.hpp>

namespace rondo::inline RONDO_ABI::io {

namespace detail {

class PollRecord final : public MultishotRecord {
public:
    using Value = int;

    PollRecord(int fd, int events)
        : MultishotRecord("poll_multishot", fd, ~std::size_t{0}),
          events_(static_cast<unsigned>(events)) {}

    [[nodiscard]] int pop() noexcept { return std::exchange(ready_, 0); }
    [[nodiscard]] std::size_t count() const noexcept override { return ready_ != 0 ? 1 : 0; }

private:
    void prepare_entry(io_uring_sqe& entry) noexcept override {
        if (is_one_shot()) {
            io_uring_prep_poll_add(&entry, fd(), events_);
        } else {
            io_uring_prep_poll_multishot(&entry, fd(), events_);
        }
    }
    void take(int result, unsigned /*flags*/) override { ready_ |= result; }
    Verdict judge(int /*error*/, unsigned /*flags*/) noexcept override { return Verdict::fatal; }
    void discard() noexcept override { ready_ = 0; }
    // What is ready already would be so at once again.
    [[nodiscard]] bool reads_ahead() const noexcept override { return false; }

    unsigned events_;
    int ready_ = 0; // events since the last next()
};

} // namespace detail

/// Readiness, as POLL….
using ReadinessStream = Multishot<detail::PollRecord>;

/// Tells when a descriptor becomes ready; `events` as for poll(). Results are the events since the
/// last next(), POLL….
///
/// It tells of changes: after each result, read or write until EAGAIN. Now and then it tells of
/// readiness that is none any more, or of none that is new.
[[nodiscard]] inline ReadinessStream poll_multishot(int fd, int events) {
    return Multishot(detail::Ref<detail::PollRecord>::adopt(new detail::PollRecord(fd, events)));
}

} // namespace rondo::inline RONDO_ABI::io
