#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Task<T>: a handle to a coroutine that the loop runs concurrently with others.

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <rondo/context.hpp>
#include <rondo/detail/future_handle.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/fwd.hpp>

namespace rondo::inline RONDO_ABI {

/// How a task is made. Members are trivially destructible: GCC 12 destroys others twice when an
/// option list stands in a co_await expression.
struct TaskOptions {
    std::string_view name{};          ///< "Task-N" if empty; copied
    bool eager_start = false;         ///< run the first step at once instead of in a later turn
    const Context* context = nullptr; ///< to run in it; in a copy of the creator's if null
};

namespace detail {

/// What a task handle offers beyond a future's.
template <class Self, class State>
class TaskHandle : public FutureHandle<Self, State> {
public:
    /// The number of cancel requests that have been made and not withdrawn.
    [[nodiscard]] int cancelling() const noexcept { return this->state_->requests().outstanding(); }

    /// Withdraws one cancel() request. If none is left, a cancellation that has not been delivered
    /// is forgotten, unless what the task waited on has been broken off already. Requests of
    /// time-outs and groups are withdrawn by those alone.
    ///
    /// Returns: how many requests are left.
    int uncancel() const noexcept { return this->state_->uncancel(); }

    /// The name: "Task-N" unless one was given. Valid until set_name().
    [[nodiscard]] std::string_view name() const { return this->state_->name(); }

    void set_name(std::string name) const { this->state_->set_name(std::move(name)); }

    /// A number unique in the loop, in the order of creation, from 1.
    [[nodiscard]] std::uint64_t id() const noexcept { return this->state_->id(); }

    /// The context in which the task runs.
    [[nodiscard]] Context get_context() const { return Context(this->state_->context().cell()); }

    /// What the task waits on, in words: "sleep", "the result of Task-3"; for reports.
    [[nodiscard]] std::string describe_wait() const { return this->state_->describe_wait(); }

protected:
    using FutureHandle<Self, State>::FutureHandle;
};

} // namespace detail

/// A handle to a task whatever its result type; may be null. Every Task converts to it.
class TaskRef : public detail::TaskHandle<TaskRef, detail::TaskBase> {
public:
    TaskRef() noexcept = default;
    explicit TaskRef(detail::Ref<detail::TaskBase> state) noexcept : TaskHandle(std::move(state)) {}

    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(state_); }
};

/// A handle to a scheduled coroutine. Cheap to copy; all copies are the same task.
///
/// The loop owns the task: dropping every handle detaches it and it runs on. The result lives in
/// the task until the last handle goes; an exception that nobody looked at by then is reported to
/// the loop's exception handler. The coroutine frame is destroyed as soon as the body ends.
///
/// Awaiting: `co_await task` copies the result, and may be done again and by several tasks;
/// `co_await std::move(task)` moves it out. Throws what the task threw.
/// Cancellation: cancelling a task that awaits this one cancels this one too, and then throws what
/// this one answers; use shield() to prevent it. If this one was done already, its result stays
/// here and CancelledError is thrown.
/// Threads: handles belong to the loop's thread.
template <class T>
class Task : public detail::TaskHandle<Task<T>, detail::TaskState<T>> {
public:
    using value_type = T;
    using State = detail::TaskState<T>;

    explicit Task(detail::Ref<State> state) noexcept
        : detail::TaskHandle<Task<T>, State>(std::move(state)) {}

    /// The result. Throws: InvalidStateError if it is not done; CancelledError; or what it threw.
    decltype(auto) result() const {
        this->state_->require_value();
        return this->state_->value();
    }

    auto operator co_await() const& noexcept {
        return detail::FutureAwaiter<T, State, false>(this->state_);
    }
    auto operator co_await() && noexcept {
        return detail::FutureAwaiter<T, State, true>(std::move(this->state_));
    }

    operator TaskRef() const noexcept { // NOLINT(google-explicit-constructor)
        return TaskRef(detail::Ref<detail::TaskBase>(this->state_.get()));
    }
};

/// The task that is running; null in a plain callback. Throws: LoopError outside a loop.
[[nodiscard]] inline TaskRef current_task() {
    return TaskRef(detail::Ref<detail::TaskBase>(detail::running_scheduler().current));
}

} // namespace rondo::inline RONDO_ABI
