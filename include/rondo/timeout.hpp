#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Time limits: wait_for for one awaitable, timeout for a block, move_on_after for both without an
// exception. A limit is a cancel scope around a direct await, and a timer that cancels the scope:
// no helper task, and nothing runs on behind it.

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <rondo/as_result.hpp>
#include <rondo/awaitable.hpp>
#include <rondo/cancellation.hpp>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/body.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>
#include <rondo/fwd.hpp>
#include <rondo/result.hpp>
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
    explicit DeadlineScope(std::optional<Clock::time_point> deadline) { set(deadline); }

    /// Another deadline, or none.
    void set(std::optional<Clock::time_point> deadline) {
        cancel();
        if (deadline && *deadline <= running_scheduler().now()) {
            on_deadline();
        } else if (deadline) {
            start(*deadline);
        }
    }

    /// Whether the deadline has passed.
    [[nodiscard]] bool expired() const noexcept { return scope_.cancel_called(); }

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

/// What timeout() takes.
template <class Body>
concept LimitedBody = BodyOf<Body, Timeout> || BodyOf<Body>;

template <class Body>
struct LimitedCoro {};
template <BodyOf<Timeout> Body>
struct LimitedCoro<Body> {
    using type = body_coro_t<Body, Timeout>;
};
template <BodyOf Body>
    requires(!BodyOf<Body, Timeout>)
struct LimitedCoro<Body> {
    using type = body_coro_t<Body>;
};
template <class Body>
using limited_coro_t = typename LimitedCoro<Body>::type;

/// What is in the optional that move_on_after() gives.
template <class A>
using limited_value_t =
    std::conditional_t<std::is_void_v<await_result_t<A>>, std::monostate, await_result_t<A>>;

class TimeoutBlock;

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

/// The limit of a timeout() block: its body may look at it and move it.
///
/// | state   | from                           | reschedule()             |
/// | ------- | ------------------------------ | ------------------------ |
/// | created | construction                   | throws InvalidStateError |
/// | active  | the await of timeout()         | moves the deadline       |
/// | expired | the deadline has passed        | throws InvalidStateError |
/// | left    | the body has ended             | throws InvalidStateError |
///
/// Example: a limit for each step instead of for all of them.
/// @code
/// co_await rondo::timeout(5s, [&](rondo::Timeout& limit) -> rondo::Coro<> {
///     co_await first_step();
///     limit.reschedule(rondo::get_running_loop().time() + 5s);
///     co_await second_step();
/// });
/// @endcode
class Timeout {
public:
    /// To be given to timeout(), once; none for no limit.
    explicit Timeout(std::optional<Clock::time_point> deadline) noexcept : deadline_(deadline) {}
    Timeout(const Timeout&) = delete;
    Timeout& operator=(const Timeout&) = delete;

    /// The deadline, or none; also after the block has ended.
    [[nodiscard]] std::optional<Clock::time_point> when() const noexcept { return deadline_; }

    /// Another deadline, or none; one in the past expires at the next suspension.
    /// Throws: InvalidStateError unless the block is running and its time has not run out.
    void reschedule(std::optional<Clock::time_point> deadline);

    /// Whether time has run out in the block.
    [[nodiscard]] bool expired() const noexcept { return scope_ ? scope_->expired() : expired_; }

private:
    friend class detail::TimeoutBlock;

    std::optional<Clock::time_point> deadline_;
    std::optional<detail::DeadlineScope> scope_; // while the block runs
    bool used_ = false;
    bool expired_ = false;
};

/// Runs `body()` or `body(Timeout&)` with a time limit for all of it.
///
/// Returns: what the body returns, also if time has run out and it returns all the same.
/// Throws: TimeoutError when time runs out and the body lets the CancelledError pass, which is the
/// cause; by then the body has ended. What the body throws otherwise. A limit of zero or less runs
/// out at the body's first suspension.
/// Cancellation: reaches the body; never swallowed.
/// Lifetime: the body is kept alive while it runs, so it may be a capturing lambda.
/// Example:
/// @code
/// co_await rondo::timeout(2s, [&]() -> rondo::Coro<> {
///     auto stream = co_await rondo::open_connection("example.org", 80);
///     co_await stream.write(request);
/// });
/// @endcode
template <Duration D, detail::LimitedBody Body>
auto timeout(D limit, Body body) -> detail::limited_coro_t<Body>;
/// No limit, until the body sets one by Timeout::reschedule().
template <detail::LimitedBody Body>
auto timeout(std::nullopt_t none, Body body) -> detail::limited_coro_t<Body>;
/// With the limit in the caller's hands: it can be asked afterwards whether it has expired.
/// Throws: InvalidStateError if it has been used before. Lifetime: the limit outlives the await.
template <detail::LimitedBody Body>
auto timeout(Timeout& limit, Body body) -> detail::limited_coro_t<Body>;
/// The same with a point in time on the loop's clock, or none.
template <detail::LimitedBody Body>
auto timeout_at(std::optional<Clock::time_point> deadline, Body body)
    -> detail::limited_coro_t<Body>;

/// timeout() without the exception: empty if time has run out, and the value otherwise
/// (std::monostate if there is none). Takes a body, or one awaitable; a result of a Task or Future
/// that comes together with the time-out is given.
///
/// Throws: what the body throws, a TimeoutError of its own included.
/// Cancellation: reaches the body; never swallowed.
/// Example:
/// @code
/// if (auto reply = co_await rondo::move_on_after(50ms, ask(cache))) { use(*reply); }
/// @endcode
template <Duration D, detail::LimitedBody Body>
Coro<std::optional<detail::limited_value_t<detail::limited_coro_t<Body>>>> move_on_after(D limit,
                                                                                         Body body);
template <Duration D, Awaitable A>
    requires(!detail::LimitedBody<A>)
Coro<std::optional<detail::limited_value_t<A>>> move_on_after(D limit, A awaitable);

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
/// Awaits without a limit, as asyncio's None.
template <Awaitable A>
Coro<await_result_t<A>> wait_for(A awaitable, std::nullopt_t none);

// Implementation

inline void Timeout::reschedule(std::optional<Clock::time_point> deadline) {
    if (!scope_) {
        throw InvalidStateError(used_ ? "rondo: this timeout has ended; it cannot be rescheduled"
                                      : "rondo: this timeout has not been entered yet");
    }
    if (scope_->expired()) {
        throw InvalidStateError("rondo: this timeout has expired; it cannot be rescheduled");
    }
    deadline_ = deadline;
    scope_->set(deadline);
}

namespace detail {

/// While the body of a timeout runs.
class TimeoutBlock {
public:
    explicit TimeoutBlock(Timeout& limit) : limit_(limit) {
        if (limit.used_) {
            throw InvalidStateError("rondo: a Timeout can be used only once");
        }
        limit.scope_.emplace(limit.deadline_);
        limit.used_ = true;
    }
    TimeoutBlock(const TimeoutBlock&) = delete;
    TimeoutBlock& operator=(const TimeoutBlock&) = delete;
    ~TimeoutBlock() {
        limit_.expired_ = limit_.scope_->expired();
        limit_.scope_.reset();
    }

    /// The body has ended. Returns whether it did because time ran out.
    template <class T>
    [[nodiscard]] bool ran_out(const Result<T>& outcome) noexcept {
        return outcome.cancelled() && limit_.scope_->leave();
    }

private:
    Timeout& limit_;
};

template <class Body>
limited_coro_t<Body> call_limited(Body& body, Timeout& limit) {
    if constexpr (BodyOf<Body, Timeout>) {
        return call_body(body, limit);
    } else {
        return call_body(body);
    }
}

/// Lifetime: body and limit belong to the caller, who awaits in place.
template <class Body>
Coro<std::optional<limited_value_t<limited_coro_t<Body>>>> run_quietly(Timeout& limit, Body& body) {
    TimeoutBlock block(limit);
    auto outcome = co_await as_result(call_limited(body, limit));
    if (block.ran_out(outcome)) {
        co_return std::nullopt;
    }
    if constexpr (std::is_void_v<typename limited_coro_t<Body>::value_type>) {
        outcome.value();
        co_return std::monostate{};
    } else {
        co_return std::move(outcome).value();
    }
}

/// A body of one await.
/// Lifetime: the awaitable belongs to the caller, who awaits in place.
template <class A>
Coro<await_result_t<A>> await_once(A& awaitable) {
    co_return co_await await_shared(awaitable);
}

template <class A>
auto body_of(A& awaitable) noexcept {
    return [&awaitable] { return await_once(awaitable); };
}

} // namespace detail

template <detail::LimitedBody Body>
auto timeout(Timeout& limit, Body body) -> detail::limited_coro_t<Body> {
    detail::TimeoutBlock block(limit);
    auto outcome = co_await as_result(detail::call_limited(body, limit));
    if (block.ran_out(outcome)) {
        detail::throw_timeout(outcome.exception());
    }
    co_return std::move(outcome).value();
}

template <Duration D, detail::LimitedBody Body>
auto timeout(D limit, Body body) -> detail::limited_coro_t<Body> {
    Timeout moment(detail::deadline_after(detail::running_scheduler().now(),
                                          detail::saturating_nanoseconds(limit)));
    co_return co_await timeout(moment, std::move(body));
}

template <detail::LimitedBody Body>
auto timeout(std::nullopt_t /*none*/, Body body) -> detail::limited_coro_t<Body> {
    return timeout_at(std::nullopt, std::move(body));
}

template <detail::LimitedBody Body>
auto timeout_at(std::optional<Clock::time_point> deadline, Body body)
    -> detail::limited_coro_t<Body> {
    Timeout moment(deadline);
    co_return co_await timeout(moment, std::move(body));
}

template <Duration D, detail::LimitedBody Body>
Coro<std::optional<detail::limited_value_t<detail::limited_coro_t<Body>>>> move_on_after(
    D limit, Body body) {
    Timeout moment(detail::deadline_after(detail::running_scheduler().now(),
                                          detail::saturating_nanoseconds(limit)));
    co_return co_await detail::run_quietly(moment, body);
}

template <Duration D, Awaitable A>
    requires(!detail::LimitedBody<A>)
Coro<std::optional<detail::limited_value_t<A>>> move_on_after(D limit, A awaitable) {
    if constexpr (detail::is_task_or_future_v<A>) {
        if (awaitable.done()) { // whatever it came to, time is not why: a cancellation included
            if constexpr (std::is_void_v<await_result_t<A>>) {
                detail::result_of_done(awaitable);
                co_return std::monostate{};
            } else {
                co_return detail::result_of_done(awaitable);
            }
        }
    }
    Timeout moment(detail::deadline_after(detail::running_scheduler().now(),
                                          detail::saturating_nanoseconds(limit)));
    // Awaiting may take the handle away.
    using Kept = std::conditional_t<detail::is_task_or_future_v<A>, A, detail::NoHandle>;
    const Kept kept(awaitable);
    auto body = detail::body_of(awaitable);
    auto value = co_await detail::run_quietly(moment, body);
    if constexpr (detail::is_task_or_future_v<A>) {
        if (!value && kept.done() && !kept.cancelled()) { // it came in the same turn
            if constexpr (std::is_void_v<await_result_t<A>>) {
                detail::result_of_done(kept);
                value.emplace();
            } else {
                value.emplace(detail::result_of_done(kept));
            }
        }
    }
    co_return value;
}

template <Awaitable A>
Coro<await_result_t<A>> wait_for(A awaitable, std::nullopt_t /*none*/) {
    co_return co_await detail::await_shared(awaitable);
}

template <Awaitable A, Duration D>
Coro<await_result_t<A>> wait_for(A awaitable, D timeout) {
    const Clock::duration limit = detail::saturating_nanoseconds(timeout);
    if constexpr (detail::is_task_or_future_v<A>) {
        if (awaitable.done()) { // whatever it came to, time is not why: a cancellation included
            co_return detail::result_of_done(awaitable);
        }
    } else {
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
