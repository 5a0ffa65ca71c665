#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Time limits: wait_for. A limit is a cancel scope around a direct await, and a timer that cancels
// the scope: no helper task, and nothing runs on behind it.

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/cancellation.hpp>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>
#include <rondo/timer.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// Cancels the current task inside the scope when the deadline passes; at once if it has.
class DeadlineScope final : public Timer {
public:
    explicit DeadlineScope(Clock::duration limit) {
        if (limit <= Clock::duration::zero()) {
            on_deadline();
        } else {
            start(deadline_after(running_scheduler().now(), limit));
        }
    }

    /// Leaves the scope. Returns whether a CancelledError that came out of it is its own doing:
    /// time ran out.
    [[nodiscard]] bool leave() noexcept {
        cancel();
        return scope_.leave();
    }

private:
    void on_deadline() noexcept override { scope_.cancel(CancelReason::timeout); }

    CancelScope scope_;
};

/// A TimeoutError whose cause is the given CancelledError.
[[noreturn]] inline void throw_timeout(const std::exception_ptr& cause) {
    try {
        std::rethrow_exception(cause);
    } catch (...) {
        throw TimeoutError("rondo: time ran out");
    }
}

/// Whether an A is a handle whose result is copied out, so that its other holders keep theirs.
template <class A>
inline constexpr bool leave_result_v =
    is_task_or_future_v<A> &&
    (std::is_void_v<await_result_t<A>> ||
     (!std::is_reference_v<await_result_t<A>> && std::copy_constructible<await_result_t<A>>));

/// Awaits a handle and leaves the result in it, or awaits an rvalue.
template <class A>
decltype(auto) await_shared(A& awaitable) noexcept {
    if constexpr (leave_result_v<A>) {
        return std::as_const(awaitable);
    } else {
        return std::move(awaitable);
    }
}

/// Stands in for the copy of a handle where there is none.
struct NoHandle {
    template <class A>
    explicit NoHandle(const A& /*awaitable*/) noexcept {}
};

/// The result of a Task or Future that is done. Throws: the exception it ended with.
template <class A>
await_result_t<A> result_of_done(const A& future) {
    future.state()->require_value();
    if constexpr (leave_result_v<A>) {
        return future.state()->value();
    } else {
        return future.state()->take();
    }
}

} // namespace detail

/// Awaits, but not longer than `timeout`.
///
/// Returns: the awaitable's result, also if it arrives together with the time-out, or if the
/// awaitable answers the cancellation with a value.
/// Throws: TimeoutError when time runs out, whose cause is the CancelledError; by then the
/// awaitable has been cancelled and has really ended. What the awaitable throws, also in answer to
/// the cancellation. With a timeout of zero or less a Coro is never started; a Task that is not
/// done is cancelled.
/// Cancellation: reaches the awaitable, whose end is waited for; never swallowed.
/// Example:
/// @code
/// try { reply = co_await rondo::wait_for(ask(server), 3s); }
/// catch (const rondo::TimeoutError&) { … }
/// @endcode
template <Awaitable A, Duration D>
Coro<await_result_t<A>> wait_for(A awaitable, D timeout);

// Implementation

template <Awaitable A, Duration D>
Coro<await_result_t<A>> wait_for(A awaitable, D timeout) {
    const Clock::duration limit = detail::saturating_nanoseconds(timeout);
    if constexpr (!detail::is_task_or_future_v<A>) {
        if (limit <= Clock::duration::zero()) { // never started
            detail::throw_timeout(std::make_exception_ptr(CancelledError(CancelReason::timeout)));
        }
    }
    // Awaiting may take the handle away.
    using Kept = std::conditional_t<detail::is_task_or_future_v<A>, A, detail::NoHandle>;
    const Kept kept(awaitable);
    detail::DeadlineScope scope(limit);
    std::exception_ptr interruption;
    try {
        if constexpr (std::is_void_v<await_result_t<A>>) {
            co_await detail::await_shared(awaitable);
            co_return;
        } else {
            co_return co_await detail::await_shared(awaitable);
        }
    } catch (const CancelledError&) {
        interruption = std::current_exception();
    }
    if (!scope.leave()) {
        std::rethrow_exception(interruption);
    }
    if constexpr (detail::is_task_or_future_v<A>) {
        if (kept.done() && !kept.cancelled()) {
            co_return detail::result_of_done(kept); // it came in the same turn
        }
    }
    detail::throw_timeout(interruption);
}

} // namespace rondo::inline RONDO_ABI
