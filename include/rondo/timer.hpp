#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Timer: a deadline that calls back, without an allocation. The building block of sleep, of
// time-outs and of your own awaitables; programs use those or EventLoop::call_later.

#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/timer_heap.hpp>

namespace rondo::inline RONDO_ABI {

/// Derive from it, implement on_deadline(), start() it.
///
/// on_deadline() is called by the loop between steps, at or after the deadline; it must only record
/// and wake (Suspension::resume), never run user code. Timers with the same deadline fire in the
/// order in which they were started.
///
/// Lifetime: the destructor cancels. A timer belongs to the loop that ran when it was started.
class Timer : public detail::TimerNode {
public:
    Timer() noexcept = default;
    ~Timer() { cancel(); }

    /// Arms the timer, anew if it is armed. A deadline in the past fires in the next turn.
    /// Throws: LoopError outside a loop; std::bad_alloc.
    void start(Clock::time_point deadline) { start_on(detail::running_scheduler(), deadline); }

    /// Disarms it. No effect if it is not armed.
    void cancel() noexcept {
        if (armed()) {
            scheduler_->timers.remove(*this);
        }
    }

    /// When it will fire; only meaningful while armed().
    [[nodiscard]] Clock::time_point deadline() const noexcept {
        return scheduler_->timers.deadline_of(*this);
    }

protected:
    void start_on(detail::Scheduler& scheduler, Clock::time_point deadline) {
        cancel();
        scheduler_ = &scheduler;
        scheduler.start_timer(*this, deadline);
    }

private:
    detail::Scheduler* scheduler_ = nullptr;
};

} // namespace rondo::inline RONDO_ABI
