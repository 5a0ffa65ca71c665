#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Letting time pass: sleep, sleep_until.

#include <coroutine>
#include <exception>

#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>
#include <rondo/timer.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// A suspended sleeper.
class SleepAwaiter final : public Suspension, public Timer {
public:
    /// Sleeps until `deadline`, or for one turn of the loop if `yield`.
    SleepAwaiter(Clock::time_point deadline, bool yield) noexcept
        : deadline_(deadline), yield_(yield) {}

    [[nodiscard]] static bool await_ready() noexcept { return false; }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        if (yield_) {
            resume();
        } else {
            arm();
        }
        return true;
    }

    void await_resume() {
        throw_if_cancelled();
        if (no_memory_) {
            throw std::bad_alloc();
        }
    }

    Result<void> await_result() noexcept {
        if (cancellation_pending()) {
            return Result<void>::from_cancellation(take_cancellation());
        }
        if (no_memory_) {
            return Result<void>::failure(std::make_exception_ptr(std::bad_alloc()));
        }
        return {};
    }

private:
    // Not inlined, so that a mere yield is short.
    [[gnu::noinline]] void arm() noexcept {
        try {
            start_on(*task()->scheduler(), deadline_);
        } catch (...) {
            no_memory_ = true;
            resume();
        }
    }
    void on_deadline() noexcept override { resume(); }
    void on_cancel() noexcept override {
        Timer::cancel();
        resume();
    }
    [[nodiscard]] const char* describe() const noexcept override { return "sleep"; }

    Clock::time_point deadline_;
    bool yield_;
    bool no_memory_ = false;
};

/// What sleep() returns: counts from the moment it is awaited.
class [[nodiscard(
    "rondo: a sleep does nothing until it is awaited: co_await rondo::sleep(…)")]] Sleep {
public:
    explicit Sleep(Clock::duration duration) noexcept : duration_(duration) {}

    SleepAwaiter operator co_await() const {
        if (duration_ <= Clock::duration::zero()) {
            return SleepAwaiter(Clock::time_point(), true);
        }
        return SleepAwaiter(deadline_after(running_scheduler().now(), duration_), false);
    }

private:
    Clock::duration duration_;
};

class [[nodiscard(
    "rondo: this does nothing until it is awaited: co_await rondo::sleep_until(…)")]] SleepUntil {
public:
    explicit SleepUntil(Clock::time_point deadline) noexcept : deadline_(deadline) {}

    SleepAwaiter operator co_await() const {
        return SleepAwaiter(deadline_, deadline_ <= running_scheduler().now());
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
