#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// async_with: entering and leaving that may both await. Guards whose release need not await are
// plain RAII objects and need none of this.

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <rondo/as_result.hpp>
#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/body.hpp>
#include <rondo/result.hpp>

namespace rondo::inline RONDO_ABI {

/// What async_with() takes: `Coro<V> aenter()`, called first, whose value goes to the body; and
/// `Coro<> aexit(std::exception_ptr)`, called on every path, with what the body threw or null.
/// An aexit() that returns `Coro<bool>` gives true to say that it has dealt with the exception.
template <class M>
concept AsyncContextManager = requires(M& manager, std::exception_ptr error) {
    { manager.aenter() } -> Awaitable;
    { manager.aexit(error) } -> Awaitable;
};

namespace detail {

template <class M>
using entered_t = await_result_t<decltype(std::declval<M&>().aenter())>;

template <class M, class Body>
struct ManagedBody {
    using Coro = body_coro_t<Body, std::remove_reference_t<entered_t<M>>>;
};
template <class M, class Body>
    requires std::is_void_v<entered_t<M>>
struct ManagedBody<M, Body> {
    using Coro = body_coro_t<Body>;
};

template <class M, class Body>
using managed_coro_t = typename ManagedBody<std::remove_reference_t<M>, Body>::Coro;

} // namespace detail

/// Enters the manager, runs `body(value)` (or `body()`, if entering gives nothing), and leaves it
/// again, whatever the body does. An lvalue manager must outlive the await; an rvalue is moved in
/// and kept, as the body is.
///
/// Returns: what the body returns. Throws: what aenter() throws (then aexit() is not called); what
/// the body throws; what aexit() throws, which replaces the body's. A body without a result whose
/// exception aexit() has dealt with throws nothing; one with a result has none to give, and throws.
/// Cancellation: of the body, is an exception like others: aexit() runs, and may await.
/// Example:
/// @code
/// co_await rondo::async_with(Connection(url), [&](Session& session) -> rondo::Coro<> {
///     co_await session.send("hello");
/// });
/// @endcode
template <class M, class Body>
    requires AsyncContextManager<std::remove_reference_t<M>>
auto async_with(M&& manager, Body body) -> detail::managed_coro_t<M, Body>;

// Implementation

namespace detail {

/// Enters, and runs the body. `entered` tells whether it came so far: what fails afterwards, were
/// it for lack of memory, is the body's.
/// Lifetime: everything belongs to the caller, who awaits in place.
template <class R, class M, class Body>
Coro<R> run_managed(M& manager, Body& body, bool& entered) {
    if constexpr (std::is_void_v<entered_t<M>>) {
        co_await manager.aenter();
        entered = true;
        auto coro = body();
        co_return co_await std::move(coro);
    } else {
        auto&& value = co_await manager.aenter();
        entered = true;
        auto coro = body(value);
        co_return co_await std::move(coro);
    }
}

template <class R, class M, class Body>
Coro<R> run_with(M given, Body body) {
    auto& manager = given;
    bool entered = false;
    Result<R> outcome = co_await as_result(run_managed<R>(manager, body, entered));
    if (!entered) {
        co_return std::move(outcome).value(); // throws what aenter() threw
    }
    const std::exception_ptr error = outcome.exception();
    auto exit = manager.aexit(error);
    if constexpr (std::is_same_v<await_result_t<decltype(exit)>, bool>) {
        const bool handled = co_await std::move(exit);
        if constexpr (std::is_void_v<R>) {
            if (handled) {
                co_return;
            }
        }
    } else {
        co_await std::move(exit);
    }
    co_return std::move(outcome).value();
}

} // namespace detail

template <class M, class Body>
    requires AsyncContextManager<std::remove_reference_t<M>>
auto async_with(M&& manager, Body body) -> detail::managed_coro_t<M, Body> {
    using R = typename detail::managed_coro_t<M, Body>::value_type;
    using Kept = std::conditional_t<std::is_lvalue_reference_v<M>, M, std::remove_cvref_t<M>>;
    return detail::run_with<R, Kept, Body>(std::forward<M>(manager), std::move(body));
}

} // namespace rondo::inline RONDO_ABI
