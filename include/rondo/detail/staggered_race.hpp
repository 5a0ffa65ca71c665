#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// asyncio's staggered_race: attempts at the same thing, each started when the one before has failed
// or has had a head start. The first success wins; the others are cancelled and awaited.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>
#include <rondo/task.hpp>
#include <rondo/timer.hpp>

namespace rondo::inline RONDO_ABI::detail {

class RaceWaitAwaiter;

/// Counts what happens to the attempts, and tells who waits for it.
class RaceNews {
public:
    /// An attempt has ended.
    void ended(bool won) noexcept;
    [[nodiscard]] std::size_t ended() const noexcept { return ended_; }
    [[nodiscard]] bool won() const noexcept { return won_; }

private:
    friend RaceWaitAwaiter;
    std::size_t ended_ = 0;
    bool won_ = false;
    RaceWaitAwaiter* waiter_ = nullptr;
};

/// Until when to wait.
class RaceWait {
public:
    /// Until so many attempts have ended, whatever happens.
    RaceWait(RaceNews& news, std::size_t until) noexcept : news_(news), until_(until) {}

    /// The same; but also until one has won, a deadline has come, or the task is cancelled.
    RaceWait(RaceNews& news, std::size_t until, std::optional<Clock::time_point> deadline) noexcept
        : news_(news), until_(until), deadline_(deadline), interruptible_(true) {}

    RaceWaitAwaiter operator co_await() const noexcept;

private:
    friend RaceWaitAwaiter;
    RaceNews& news_;
    std::size_t until_;
    std::optional<Clock::time_point> deadline_;
    bool interruptible_ = false;
};

class RaceWaitAwaiter final : public Suspension, public Timer {
public:
    explicit RaceWaitAwaiter(const RaceWait& wait) noexcept : wait_(wait) {}
    ~RaceWaitAwaiter() { wait_.news_.waiter_ = nullptr; }

    [[nodiscard]] bool await_ready() const noexcept {
        return wait_.news_.ended() >= wait_.until_ || (wait_.interruptible_ && wait_.news_.won());
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!wait_.interruptible_) {
            suspend(awaiting);
        } else if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        wait_.news_.waiter_ = this;
        if (wait_.deadline_) {
            try {
                start_on(*task()->scheduler(), *wait_.deadline_);
            } catch (...) {
                resume(); // no memory for a timer: no head start
            }
        }
        return true;
    }
    void await_resume() {
        if (wait_.interruptible_) {
            throw_if_cancelled();
        }
    }

    void on_news() noexcept {
        if (await_ready()) {
            resume();
        }
    }

private:
    void on_deadline() noexcept override { resume(); }
    void on_cancel() noexcept override {
        if (wait_.interruptible_) {
            resume();
        }
    }
    [[nodiscard]] const char* describe() const noexcept override { return "a race of attempts"; }

    RaceWait wait_;
};

inline RaceWaitAwaiter RaceWait::operator co_await() const noexcept {
    return RaceWaitAwaiter(*this);
}

inline void RaceNews::ended(bool won) noexcept {
    ++ended_;
    won_ = won_ || won;
    if (waiter_ != nullptr) {
        waiter_->on_news();
    }
}

/// What came of a race.
template <class T>
struct RaceOutcome {
    std::optional<T> winner;
    std::size_t index = 0;                  // of the winner
    std::vector<std::exception_ptr> errors; // of each attempt that was started; null: no error
};

template <class T>
Coro<> run_attempt(Coro<T> attempt, RaceOutcome<T>& outcome, std::size_t index) {
    std::exception_ptr error;
    try {
        T result = co_await std::move(attempt);
        if (!outcome.winner) {
            outcome.winner.emplace(std::move(result));
            outcome.index = index;
        }
    } catch (...) {
        error = std::current_exception();
    }
    outcome.errors[index] = error;
}

/// Tells the news when an attempt's task ends, however that is: it need not have begun.
template <class T>
class AttemptObserver final : public DoneObserver {
public:
    AttemptObserver(RaceNews& news, const RaceOutcome<T>& outcome) noexcept
        : news_(news), outcome_(outcome) {}
    ~AttemptObserver() { task_.forget(*this); }

    void observe(TaskRef task) noexcept {
        task_ = std::move(task);
        task_.observe(*this);
    }
    void cancel() const {
        if (!task_.done()) {
            task_.state()->cancel(CancelReason::sibling_failed, {});
        }
    }

private:
    void on_done() noexcept override { news_.ended(outcome_.winner.has_value()); }

    RaceNews& news_;
    const RaceOutcome<T>& outcome_;
    TaskRef task_;
};

/// Runs the attempts, each `head_start` after the one before, or as soon as one fails.
///
/// Returns: the first success, if there is one.
/// Cancellation: cancels the attempts that run and waits for them; what won all the same is lost.
template <class T>
Coro<RaceOutcome<T>> staggered_race(std::vector<Coro<T>> attempts, Clock::duration head_start) {
    RaceOutcome<T> outcome;
    RaceNews news;
    std::vector<std::unique_ptr<AttemptObserver<T>>> observers;
    std::size_t started = 0;
    std::exception_ptr interrupted;
    try {
        outcome.errors.reserve(attempts.size());
        for (std::size_t index = 0; index < attempts.size(); ++index) {
            observers.push_back(std::make_unique<AttemptObserver<T>>(news, outcome));
        }
        while (!news.won() && started < attempts.size()) {
            TaskRef task = create_task(run_attempt(std::move(attempts[started]), outcome, started));
            outcome.errors.emplace_back();
            observers[started]->observe(std::move(task));
            ++started;
            std::optional<Clock::time_point> deadline;
            if (started != attempts.size()) {
                deadline = deadline_after(running_scheduler().now(), head_start);
            }
            const RaceWait wait(news, deadline ? news.ended() + 1 : started, deadline);
            co_await wait;
        }
    } catch (...) {
        interrupted = std::current_exception();
    }
    for (std::size_t index = 0; index < started; ++index) {
        observers[index]->cancel();
    }
    const RaceWait all(news, started);
    co_await all;
    if (interrupted) {
        std::rethrow_exception(interrupted);
    }
    co_return outcome;
}

} // namespace rondo::inline RONDO_ABI::detail
