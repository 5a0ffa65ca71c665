#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// as_completed: tasks one by one, in the order in which they are done.

#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <rondo/awaitable.hpp>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/leaf.hpp>
#include <rondo/detail/pointer_set.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>
#include <rondo/suspension.hpp>
#include <rondo/timer.hpp>

namespace rondo::inline RONDO_ABI {

struct AsCompletedOptions {
    Clock::duration timeout = Clock::duration::max(); ///< for all of them, from now on
};

/// What as_completed() returns: an async stream of the tasks, or futures, that are done.
///
/// Move-only. Destroyed early, it leaves the rest running.
template <class H>
class AsCompleted {
    class Awaiter;
    class State;

public:
    AsCompleted(std::vector<H> tasks, const AsCompletedOptions& options)
        : state_(std::make_unique<State>(std::move(tasks), options)) {}

    /// `co_await stream.next()` gives the next task that is done, empty after the last. Its
    /// result() returns what it returned or throws what it threw. One task at a time may wait here.
    ///
    /// Ordering: of completion; of those that were done before as_completed(), of the argument.
    /// Throws: TimeoutError, once for each task that was not done in time; none is cancelled.
    /// InvalidStateError if another task waits here.
    /// Cancellation: loses nothing; the stream can be used again.
    [[nodiscard("rondo: this waits for nothing until it is awaited: co_await it")]] auto
    next() noexcept {
        return Next{state_.get()};
    }

private:
    struct Next {
        State* state;
        Awaiter operator co_await() const {
            state->require_free();
            return Awaiter(*state);
        }
    };

    std::unique_ptr<State> state_; // the observers must not move
};

/// Runs the coroutines concurrently, as tasks, and gives them in the order in which they are done.
/// Tasks and Futures may be given as well; one that is given twice comes once.
///
/// Unstructured, as in asyncio: leaving early leaves the rest running. It starts them all or none.
/// Throws: LoopError outside a loop, or for a task of another loop; InvalidStateError for a Coro
/// that has been used up.
/// Example:
/// @code
/// auto stream = rondo::as_completed(std::move(downloads));
/// while (auto task = co_await stream.next()) {
///     use(task->result());
/// }
/// @endcode
template <Awaitable A>
auto as_completed(std::vector<A> awaitables, AsCompletedOptions options = {}) {
    detail::Scheduler& scheduler = detail::running_scheduler();
    using H = decltype(detail::ensure_future(scheduler, std::declval<A>()));
    std::vector<H> tasks;
    tasks.reserve(awaitables.size());
    try {
        for (A& awaitable : awaitables) {
            tasks.push_back(detail::ensure_future(scheduler, std::move(awaitable)));
        }
        return AsCompleted<H>(tasks, options);
    } catch (...) {
        if constexpr (!detail::is_task_or_future_v<A>) {
            for (const H& task : tasks) {
                task.cancel(); // before its first step: its body never runs
            }
        }
        throw;
    }
}

// Implementation

template <class H>
class AsCompleted<H>::State final : Timer {
public:
    State(std::vector<H> tasks, const AsCompletedOptions& options)
        : tasks_(std::move(tasks)), members_(std::make_unique<Member[]>(tasks_.size())) {
        if (options.timeout <= Clock::duration::zero()) {
            timed_out_ = true;
        } else if (options.timeout != Clock::duration::max()) {
            start(detail::deadline_after(detail::running_scheduler().now(), options.timeout));
        }
        detail::PointerSet seen(tasks_.size());
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            if (!seen.insert(tasks_[i].state())) {
                continue;
            }
            ++left_;
            members_[i].stream = this;
            members_[i].index = i;
            if (tasks_[i].done()) {
                one_done(members_[i]);
            } else {
                tasks_[i].observe(members_[i]);
            }
        }
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { stop_observing(); }

    void require_free() const {
        if (awaiter_ != nullptr) {
            throw InvalidStateError("rondo: another task waits for this as_completed() already");
        }
    }

private:
    friend class Awaiter;

    struct Member final : DoneObserver {
        void on_done() noexcept override { stream->one_done(*this); }
        State* stream = nullptr;
        std::size_t index = 0;
        Member* next_done = nullptr;
    };

    void on_deadline() noexcept override {
        timed_out_ = true;
        if (awaiter_ != nullptr) {
            awaiter_->resume(); // what is done in this turn is still in time
        } else {
            expire();
        }
    }

    /// From now on no task is in time.
    void expire() noexcept {
        expired_ = true;
        stop_observing();
    }

    void stop_observing() noexcept {
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            tasks_[i].forget(members_[i]);
        }
    }

    void one_done(Member& member) noexcept {
        *last_done_ = &member;
        last_done_ = &member.next_done;
        if (awaiter_ != nullptr) {
            awaiter_->resume();
        }
    }

    /// Whether next() has something to say.
    [[nodiscard]] bool ready() const noexcept {
        return first_done_ != nullptr || left_ == 0 || expired_;
    }

    /// Throws: TimeoutError.
    std::optional<H> take() {
        if (left_ == 0) {
            return std::nullopt;
        }
        --left_;
        if (first_done_ == nullptr) {
            expire();
            throw TimeoutError("rondo: time ran out before all tasks were done");
        }
        Member& member = *first_done_;
        first_done_ = member.next_done;
        if (first_done_ == nullptr) {
            last_done_ = &first_done_;
        }
        return std::move(tasks_[member.index]);
    }

    std::vector<H> tasks_;              // null once delivered
    std::unique_ptr<Member[]> members_; // one per task; unused for one that was given before
    std::size_t left_ = 0;              // not delivered yet
    Member* first_done_ = nullptr;      // done and not delivered, in order
    Member** last_done_ = &first_done_;
    Awaiter* awaiter_ = nullptr;
    bool timed_out_ = false; // the next that finds none done, after a turn, expires
    bool expired_ = false;
};

template <class H>
class AsCompleted<H>::Awaiter final : public Suspension {
public:
    explicit Awaiter(State& state) noexcept : state_(state) {}
    ~Awaiter() {
        if (state_.awaiter_ == this) {
            state_.awaiter_ = nullptr;
        }
    }

    [[nodiscard]] bool await_ready() const noexcept { return state_.ready(); }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        state_.awaiter_ = this;
        if (state_.timed_out_) {
            resume(); // others may still be done in this turn
        }
        return true;
    }
    std::optional<H> await_resume() {
        throw_if_cancelled();
        return state_.take();
    }

private:
    void on_cancel() noexcept override { resume(); }
    [[nodiscard]] const char* describe() const noexcept override { return "as_completed"; }

    State& state_;
};

} // namespace rondo::inline RONDO_ABI
