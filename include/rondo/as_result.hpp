#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// as_result: awaiting without exceptions.

#include <concepts>
#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

template <class W>
concept GivesResult = requires(W& awaiter) { awaiter.await_result(); };

/// Waits as the awaiter of A does; gives a Result.
template <class A>
class ResultAwaiter : public NativeAwaiterTag {
    using Awaiter = awaiter_of_t<A>;
    using Value = decltype(std::declval<std::remove_reference_t<Awaiter>&>().await_resume());

public:
    explicit ResultAwaiter(A&& awaitable) : awaiter_(get_awaiter(std::forward<A>(awaitable))) {}

    [[nodiscard]] bool await_ready() { return awaiter_.await_ready(); }

    template <class P>
    auto await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return awaiter_.await_suspend(awaiting);
    }

    Result<Value> await_resume() noexcept {
        if constexpr (GivesResult<std::remove_reference_t<Awaiter>>) {
            return awaiter_.await_result();
        } else {
            try {
                if constexpr (std::is_void_v<Value>) {
                    awaiter_.await_resume();
                    return Result<Value>();
                } else {
                    return Result<Value>(awaiter_.await_resume());
                }
            } catch (const CancelledError& cancellation) {
                return Result<Value>::from_cancellation(cancellation);
            } catch (...) {
                return Result<Value>::failure(std::current_exception());
            }
        }
    }

private:
    Awaiter awaiter_;
};

/// What as_result() returns. Holds the awaitable, and awaits it as what it was given as: of a Task
/// that is an lvalue the result is copied, for others may want it as well.
template <class A>
class [[nodiscard("rondo: co_await this")]] AsResult {
public:
    explicit AsResult(A&& awaitable) : awaitable_(std::forward<A>(awaitable)) {}
    ResultAwaiter<A> operator co_await() && {
        return ResultAwaiter<A>(std::forward<A>(awaitable_));
    }

private:
    using Plain = std::remove_cvref_t<A>;

    // An awaiter that lives elsewhere cannot be copied.
    std::conditional_t<std::copy_constructible<Plain> || !std::is_lvalue_reference_v<A>, Plain, A>
        awaitable_;
};

} // namespace detail

/// `co_await as_result(x)` gives what `co_await x` would as a Result, and throws nothing.
///
/// Of an operation that fails no exception object is ever made. An rvalue is moved in; a Task or
/// Future that is an lvalue keeps its result, as with `co_await x`.
/// Lifetime: an awaiter that cannot be copied must outlive the await.
/// Cancellation: is a result too: `result.cancelled()`. It counts as delivered then: code that goes
/// on has swallowed it.
/// Example:
/// @code
/// auto received = co_await rondo::as_result(rondo::io::recv(fd, buffer));
/// if (!received) { log(received.error().message()); }
/// @endcode
template <Awaitable A>
    requires detail::NativeAwaiter<detail::awaiter_of_t<A>>
auto as_result(A&& awaitable) {
    return detail::AsResult<A>(std::forward<A>(awaitable));
}

/// The same of a foreign awaitable.
template <Awaitable A>
auto as_result(A&& awaitable) {
    return detail::AsResult<Coro<await_result_t<A>>>(
        detail::await_in_coro<std::remove_cvref_t<A>>(std::forward<A>(awaitable)));
}

} // namespace rondo::inline RONDO_ABI
