#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What a loop knows of an async generator that has been started and has not ended: how to close it.

#include <rondo/config.hpp>
#include <rondo/detail/intrusive_list.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/fwd.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// In its loop's list from its first step until it ends or is destroyed.
class LiveGenerator : public ListHook<LiveGenerator> {
public:
    LiveGenerator(const LiveGenerator&) = delete;
    LiveGenerator& operator=(const LiveGenerator&) = delete;

    /// Lets it clean up, and ends it.
    virtual Coro<void> close_at_shutdown() = 0;

    [[nodiscard]] Scheduler* scheduler() const noexcept { return scheduler_.get(); }

protected:
    LiveGenerator() noexcept = default;
    ~LiveGenerator() { forget(); }

    /// Before each step, since one that has outlived its loop may go on in another.
    void tell_loop(Scheduler& scheduler) noexcept {
        if (scheduler_.get() != &scheduler) {
            forget();
            scheduler_ = Ref<Scheduler>(&scheduler);
            scheduler.generators.push_back(*this);
        }
    }

    /// The loop has nothing to do with it any more.
    void forget() noexcept {
        if (scheduler_ != nullptr && this->is_linked()) {
            scheduler_->generators.remove(*this);
        }
    }

private:
    Ref<Scheduler> scheduler_; // of the task that took the last step
};

} // namespace rondo::inline RONDO_ABI::detail
