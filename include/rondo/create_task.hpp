#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How a coroutine becomes a task: create_task from a Coro, or from a callable whose closure and
// arguments are kept alive; ensure_future from anything that can be awaited.

#include <concepts>
#include <coroutine>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/context.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>
#include <rondo/future.hpp>
#include <rondo/task.hpp>

namespace rondo::inline RONDO_ABI {

/// A callable, and arguments for it, that give a Coro.
template <class F, class... Args>
concept CoroutineFunction =
    std::invocable<std::decay_t<F>, std::decay_t<Args>...> &&
    detail::is_coro_v<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>;

namespace detail {

[[noreturn, gnu::noinline]] inline void throw_loop_closed() {
    throw LoopError("rondo: this event loop is closed");
}

/// A loop other than the running one cannot start a task eagerly.
[[gnu::noinline]] inline void launch_with(TaskBase& task, const TaskOptions& options) {
    if (!options.name.empty()) {
        task.set_name(std::string(options.name));
    }
    if (options.context != nullptr) {
        task.run_in(options.context->cell());
    }
    if (options.eager_start && current_scheduler == task.scheduler()) {
        task.launch_eagerly();
    } else {
        task.launch();
    }
}

/// A task that the loop does not know yet: dropped before it is launched, it has never run.
template <class T>
Task<T> unlaunched_task(Scheduler& scheduler, Coro<T>&& coro) {
    struct Owner {
        ~Owner() {
            if (handle) {
                handle.destroy();
            }
        }
        std::coroutine_handle<Promise<T>> handle;
    } owner{release(std::move(coro))};
    Ref<TaskState<T>> state(new TaskState<T>(scheduler, owner.handle));
    owner.handle = nullptr;
    return Task<T>(std::move(state));
}

template <class T>
Task<T> spawn(Scheduler& scheduler, Coro<T>&& coro) {
    if (scheduler.loop == nullptr) [[unlikely]] {
        throw_loop_closed();
    }
    Task<T> task = unlaunched_task(scheduler, std::move(coro));
    task.state()->launch();
    return task;
}

template <class T>
Task<T> spawn(Scheduler& scheduler, Coro<T>&& coro, const TaskOptions& options) {
    if (scheduler.loop == nullptr) {
        throw_loop_closed();
    }
    Task<T> task = unlaunched_task(scheduler, std::move(coro));
    if (options.name.empty() && options.context == nullptr && !options.eager_start) {
        task.state()->launch();
    } else {
        launch_with(*task.state(), options);
    }
    return task;
}

template <class A>
inline constexpr bool is_task_or_future_v = false;
template <class T>
inline constexpr bool is_task_or_future_v<Task<T>> = true;
template <class T>
inline constexpr bool is_task_or_future_v<Future<T>> = true;

/// A Coro that awaits something else.
template <class A>
Coro<await_result_t<A>> await_in_coro(A awaitable) {
    co_return co_await std::move(awaitable);
}

/// A Coro that keeps a callable and its arguments alive while the Coro they make runs.
template <class F, class... Args>
std::invoke_result_t<F, Args...> invoke_and_keep(F function, Args... args) {
    auto coro = std::apply(std::move(function), std::forward_as_tuple(std::move(args)...));
    co_return co_await std::move(coro);
}

/// A Task or Future as it is; a task of anything else, with the options.
template <Awaitable A>
auto ensure_future(Scheduler& scheduler, A&& awaitable, const TaskOptions& options = {}) {
    using Plain = std::remove_cvref_t<A>;
    if constexpr (is_task_or_future_v<Plain>) {
        if (!awaitable.done() && awaitable.state()->scheduler() != &scheduler) {
            throw LoopError("rondo: this task or future belongs to another event loop");
        }
        return Plain(std::forward<A>(awaitable));
    } else if constexpr (is_coro_v<Plain>) {
        static_assert(!std::is_lvalue_reference_v<A>,
                      "rondo: a Coro runs only once: pass it as std::move(coro)");
        return spawn(scheduler, std::forward<A>(awaitable), options);
    } else {
        return spawn(scheduler, await_in_coro<Plain>(std::forward<A>(awaitable)), options);
    }
}

} // namespace detail

/// Schedules a coroutine to run concurrently: at the back of the ready queue, its first step in a
/// later turn.
///
/// The loop owns the task; it runs on if the handle is dropped, and its failure is reported then.
/// Throws: LoopError outside a loop; the coroutine is destroyed then.
template <class T>
[[nodiscard("rondo: keep the Task, or write (void) to let it run on its own")]] Task<T> create_task(
    Coro<T> coro) {
    return detail::spawn(detail::running_scheduler(), std::move(coro));
}
template <class T>
[[nodiscard("rondo: keep the Task, or write (void) to let it run on its own")]] Task<T> create_task(
    Coro<T> coro, const TaskOptions& options) {
    return detail::spawn(detail::running_scheduler(), std::move(coro), options);
}

/// The same from a callable and arguments, which are kept alive for as long as the coroutine runs:
/// the safe way to start a capturing lambda. Arguments are passed on as rvalues of their decayed
/// copies (use std::ref for references).
///
/// Example:
/// @code
/// auto task = rondo::create_task([&log](int n) -> rondo::Coro<> { co_await log.write(n); }, 7);
/// @endcode
template <class F, class... Args>
    requires CoroutineFunction<F, Args...>
[[nodiscard("rondo: keep the Task, or write (void) to let it run on its own")]] auto create_task(
    F&& function, Args&&... args) {
    detail::Scheduler& scheduler = detail::running_scheduler();
    return detail::spawn(scheduler, detail::invoke_and_keep<std::decay_t<F>, std::decay_t<Args>...>(
                                        std::forward<F>(function), std::forward<Args>(args)...));
}

/// Turns anything that can be awaited into a Task (a Task or Future stays what it is).
/// Throws: LoopError outside a loop, or if a Task or Future belongs to another one.
template <Awaitable A>
auto ensure_future(A&& awaitable) {
    return detail::ensure_future(detail::running_scheduler(), std::forward<A>(awaitable));
}

} // namespace rondo::inline RONDO_ABI
