#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The body of a scope: task_group, timeout and async_with take a coroutine function and call it
// with what the scope provides.

#include <type_traits>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/promise.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

template <class Body, class... Args>
using body_coro_t = std::remove_cvref_t<std::invoke_result_t<Body&, Args&...>>;

template <class Body, class... Args>
concept BodyOf = std::invocable<Body&, Args&...> && is_coro_v<body_coro_t<Body, Args...>>;

/// The call itself may throw, too: here it does so inside a coroutine.
/// Lifetime: body and arguments belong to the caller, who awaits in place.
template <class Body, class... Args>
    requires BodyOf<Body, Args...>
body_coro_t<Body, Args...> call_body(Body& body, Args&... args) {
    auto coro = body(args...);
    co_return co_await std::move(coro);
}

} // namespace detail
} // namespace rondo::inline RONDO_ABI
