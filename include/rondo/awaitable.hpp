#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What `co_await` takes inside a Coro, as concepts. Native awaiters (those that derive from
// Suspension, and what Rondo builds of them) cancel correctly; any other awaiter of the C++
// protocol works too, but a cancellation has to wait for it. How to write a native one, with a
// worked example, stands in suspension.hpp.

#include <concepts>
#include <coroutine>
#include <rondo/config.hpp>
#include <rondo/detail/leaf.hpp>
#include <type_traits>
#include <utility>

namespace rondo::inline RONDO_ABI {

namespace detail {

template <class A>
concept HasMemberCoAwait =
    requires(A&& awaitable) { static_cast<A&&>(awaitable).operator co_await(); };

template <class A>
concept HasFreeCoAwait =
    requires(A&& awaitable) { operator co_await(static_cast<A&&>(awaitable)); };

template <class W>
concept AwaiterShape = requires(W& awaiter, std::coroutine_handle<> handle) {
    { awaiter.await_ready() ? 1 : 0 };
    awaiter.await_resume();
};

/// Marks awaiters that are no leaf themselves but treat one natively: of a Coro, or an adaptor.
struct NativeAwaiterTag {};

template <class W>
concept NativeAwaiter = std::derived_from<std::remove_cvref_t<W>, Leaf> ||
                        std::derived_from<std::remove_cvref_t<W>, NativeAwaiterTag>;

/// The awaiter of an awaitable, by the rules of the language.
template <class A>
decltype(auto) get_awaiter(A&& awaitable) {
    if constexpr (HasMemberCoAwait<A>) {
        return static_cast<A&&>(awaitable).operator co_await();
    } else if constexpr (HasFreeCoAwait<A>) {
        return operator co_await(static_cast<A&&>(awaitable));
    } else {
        return static_cast<A&&>(awaitable);
    }
}

template <class A>
struct AwaiterOf {};

template <class A>
    requires(HasMemberCoAwait<A> || HasFreeCoAwait<A> || AwaiterShape<std::remove_reference_t<A>>)
struct AwaiterOf<A> {
    using type = decltype(get_awaiter(std::declval<A>()));
};

template <class A>
using awaiter_of_t = typename AwaiterOf<A>::type;

} // namespace detail

/// Anything that `co_await` takes inside a Coro: a Coro, a Task, a Future, an operation, or an
/// awaiter of the C++ protocol from elsewhere.
template <class A>
concept Awaitable = requires { typename detail::AwaiterOf<A>::type; } &&
                    detail::AwaiterShape<std::remove_reference_t<detail::awaiter_of_t<A>>>;

/// What `co_await` on an A gives.
template <Awaitable A>
using await_result_t =
    decltype(std::declval<std::remove_reference_t<detail::awaiter_of_t<A>>&>().await_resume());

} // namespace rondo::inline RONDO_ABI
