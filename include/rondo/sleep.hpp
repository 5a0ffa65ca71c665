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

/// A suspended sleeper. Has a timer only while it waits for one: most sleeps are sleep(0).
class SleepAwaiter final : public Suspension {
public:
    /// Sleeps one turn of the loop.
    SleepAwaiter() noexcept : state_(State::one_turn) {}
    explicit SleepAwaiter(Clock::time_point deadline) noexcept
        : state_(State::to_be_armed), deadline_(deadline) {}
    ~SleepAwaiter() {
        if (state_ == State::armed) {
            alarm_.~Alarm();
        }
    }

    [[nodiscard]] static bool await_ready() noexcept { return false; }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        if (state_ == State::to_be_armed) {
            arm();
        } else {
            resume(); // in the next turn: of an awaiter that has slept before, the time is over
        }
        return true;
    }

    void await_resume() {
        throw_if_cancelled();
        if (state_ == State::no_memory) [[unlikely]] {
            throw std::bad_alloc();
        }
    }

    Result<void> await_result() noexcept {
        if (cancellation_pending()) {
            return Result<void>::from_cancellation(take_cancellation());
        }
        if (state_ == State::no_memory) {
            return Result<void>::failure(std::make_exception_ptr(std::bad_alloc()));
        }
        return {};
    }

private:
    enum class State : unsigned char { one_turn, to_be_armed, armed, no_memory };

    /// A timer that knows its sleeper, and by that its loop, from where it is: behind it.
    class Alarm final : public TimerNode {
    public:
        ~Alarm() { cancel(); }

        void start(Clock::time_point deadline) {
            sleeper().task()->scheduler()->start_timer(*this, deadline);
        }
        void cancel() noexcept {
            if (armed()) {
                sleeper().task()->scheduler()->timers.remove(*this);
            }
        }

    private:
        [[nodiscard]] inline SleepAwaiter& sleeper() noexcept;
        void on_deadline() noexcept override { sleeper().resume(); }
    };

    // Not inlined, so that a mere yield is short.
    [[gnu::noinline]] void arm() noexcept {
        const Clock::time_point deadline = deadline_;
        auto* const alarm = ::new (static_cast<void*>(&alarm_)) Alarm;
        state_ = State::armed;
        try {
            alarm->start(deadline);
        } catch (...) {
            alarm->~Alarm();
            state_ = State::no_memory;
            resume();
        }
    }
    void on_cancel() noexcept override {
        alarm_.cancel(); // one_turn does not wait
        resume();
    }
    [[nodiscard]] const char* describe() const noexcept override { return "sleep"; }

    State state_;
    union {
        Clock::time_point deadline_; // to_be_armed
        Alarm alarm_;                // armed
    };
};

inline SleepAwaiter& SleepAwaiter::Alarm::sleeper() noexcept {
    // A word less in every task that sleeps. The state is in the padding of the base.
    static_assert(sizeof(SleepAwaiter) == sizeof(Suspension) + sizeof(Alarm));
    auto* const here = reinterpret_cast<unsigned char*>(this);
    return *reinterpret_cast<SleepAwaiter*>(here - sizeof(Suspension));
}

/// What sleep() returns: counts from the moment it is awaited.
class [[nodiscard(
    "rondo: a sleep does nothing until it is awaited: co_await rondo::sleep(…)")]] Sleep {
public:
    explicit Sleep(Clock::duration duration) noexcept : duration_(duration) {}

    SleepAwaiter operator co_await() const {
        if (duration_ <= Clock::duration::zero()) {
            return SleepAwaiter();
        }
        return SleepAwaiter(deadline());
    }

private:
    // Not inlined, so that Clang inlines the rest into a mere yield.
    [[nodiscard, gnu::noinline]] Clock::time_point deadline() const {
        return deadline_after(running_scheduler().now(), duration_);
    }

    Clock::duration duration_;
};

class [[nodiscard(
    "rondo: this does nothing until it is awaited: co_await rondo::sleep_until(…)")]] SleepUntil {
public:
    explicit SleepUntil(Clock::time_point deadline) noexcept : deadline_(deadline) {}

    SleepAwaiter operator co_await() const {
        return deadline_ <= running_scheduler().now() ? SleepAwaiter() : SleepAwaiter(deadline_);
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
