#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// race: the first to finish wins; the others are cancelled and awaited.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/error.hpp>
#include <rondo/gather.hpp>

namespace rondo::inline RONDO_ABI {

/// Result of race() of a vector: who won, and with what.
template <class T>
struct RaceResult {
    std::size_t index;
    T value;
};
template <>
struct RaceResult<void> {
    std::size_t index;
};

namespace detail {

template <class V, std::size_t I, class... As, class Handles>
V take_winner_at(const Handles& children) {
    using A = std::tuple_element_t<I, std::tuple<As...>>;
    return V(std::in_place_index<I>, take_gathered<A>(std::get<I>(children)));
}

template <class V, class... As, class Handles, std::size_t... I>
V take_winner(std::size_t winner, const Handles& children, std::index_sequence<I...> /*indices*/) {
    using Take = V (*)(const Handles&);
    constexpr Take take[] = {&take_winner_at<V, I, As..., Handles>...};
    return take[winner](children);
}

} // namespace detail

/// Runs the awaitables concurrently until the first of them is done, by a result or an exception;
/// cancels the others (reason: sibling_failed) and waits for them.
///
/// Returns: a variant whose index says which one won; a void result is std::monostate. Of several
/// that are done in one turn the first in time wins; what the others come to is dropped.
/// Throws: what the winner throws.
/// Cancellation: cancels all, waits for them, and throws CancelledError; or the exception with
/// which one of them answers. If somebody had won by then, that result is returned, and the
/// cancellation waits for the task's next suspension.
/// Example:
/// @code
/// auto first = co_await rondo::race(fetch(mirror_a), fetch(mirror_b));
/// @endcode
template <Awaitable... As>
    requires(sizeof...(As) > 0)
Coro<std::variant<detail::gathered_t<As>...>> race(As... awaitables) {
    using V = std::variant<detail::gathered_t<As>...>;
    auto children = detail::make_children(awaitables...);
    detail::Gathering all(sizeof...(As), detail::Decision::first_done);
    detail::add_all(all, children);
    co_await all;
    co_return detail::take_winner<V, As...>(all.winner(), children,
                                            std::index_sequence_for<As...>());
}

/// The same of a vector. Throws: std::invalid_argument if it is empty.
template <Awaitable A>
Coro<RaceResult<await_result_t<A>>> race(std::vector<A> awaitables) {
    if (awaitables.empty()) {
        throw std::invalid_argument("rondo: race() needs at least one awaitable");
    }
    auto children = detail::make_children(awaitables);
    detail::Gathering all(children.size(), detail::Decision::first_done);
    detail::add_all(all, children);
    co_await all;
    const std::size_t winner = all.winner();
    if constexpr (std::is_void_v<await_result_t<A>>) {
        co_return RaceResult<void>{winner};
    } else {
        RaceResult<await_result_t<A>> result{winner, detail::take_gathered<A>(children[winner])};
        co_return result;
    }
}

} // namespace rondo::inline RONDO_ABI
