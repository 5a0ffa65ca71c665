#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Letting time pass: sleep, sleep_until.

#include <coroutine>
#include <exception>
#include <new>

#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/detail/timer_heap.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// A suspended sleeper.
class SleepAwaiter final : public Suspension, private TimerNode {
public:
    /// Sleeps until `deadline`; or one turn of the loop, if it is `one_turn`.
    explicit SleepAwaiter(Clock::time_point deadline) noexcept : deadline_(deadline) {}
    ~SleepAwaiter() { disarm(); }

    static constexpr Clock::time_point one_turn = Clock::time_point::min();

    [[nodiscard]] static bool await_ready() noexcept { return false; }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        if (deadline_ == one_turn) {
            resume();
        } else {
            arm();
        }
        return true;
    }

    void await_resume() {
        throw_if_cancelled();
        if (deadline_ == no_memory) [[unlikely]] {
            throw std::bad_alloc();
        }
    }

    Result<void> await_result() noexcept {
        if (cancellation_pending()) {
            return Result<void>::from_cancellation(take_cancellation());
        }
        if (deadline_ == no_memory) {
            return Result<void>::failure(std::make_exception_ptr(std::bad_alloc()));
        }
        return {};
    }

private:
    // In deadline_, so that a sleeper has no member for what is hardly ever the case.
    static constexpr Clock::time_point no_memory = one_turn + Clock::duration(1);

    // Not inlined, so that a mere yield is short.
    [[gnu::noinline]] void arm() noexcept {
        Scheduler& scheduler = *task()->scheduler();
        try {
            scheduler.start_timer(*this, deadline_);
        } catch (...) {
            deadline_ = no_memory;
            resume();
        }
    }
    void disarm() noexcept {
        if (armed()) {
            task()->scheduler()->timers.remove(*this);
        }
    }
    void on_deadline() noexcept override { resume(); }
    void on_cancel() noexcept override {
        disarm();
        resume();
    }
    [[nodiscard]] const char* describe() const noexcept override { return "sleep"; }

    Clock::time_point deadline_;
};

/// What sleep() returns: counts from the moment it is awaited.
class [[nodiscard(
    "rondo: a sleep does nothing until it is awaited: co_await rondo::sleep(…)")]] Sleep {
public:
    explicit Sleep(Clock::duration duration) noexcept : duration_(duration) {}

    SleepAwaiter operator co_await() const {
        if (duration_ <= Clock::duration::zero()) {
            return SleepAwaiter(SleepAwaiter::one_turn);
        }
        return SleepAwaiter(deadline_after(running_scheduler().now(), duration_));
    }

private:
    Clock::duration duration_;
};

class [[nodiscard(
    "rondo: this does nothing until it is awaited: co_await rondo::sleep_until(…)")]] SleepUntil {
public:
    explicit SleepUntil(Clock::time_point deadline) noexcept : deadline_(deadline) {}

    SleepAwaiter operator co_await() const {
        return SleepAwaiter(deadline_ <= running_scheduler().now() ? SleepAwaiter::one_turn
                                                                   : deadline_);
    }

private:
    Clock::time_point deadline_;
};

} // namespace detail

/// Suspends the task for at least `duration`. Zero or less gives up one turn of the loop: whatever
/// is ready runs first.
///
/// Throws: std::invalid_argument for a duration that is not a number.
/// Cancellation: ends the sleep at once; its timer is gone.
template <Duration D>
detail::Sleep sleep(D duration) {
    return detail::Sleep(detail::saturating_nanoseconds(duration));
}

/// Suspends the task until the loop's clock reads `deadline`; for one turn if that is past.
///
/// Cancellation: as for sleep().
inline detail::SleepUntil sleep_until(Clock::time_point deadline) noexcept {
    return detail::SleepUntil(deadline);
}

} // namespace rondo::inline RONDO_ABI
