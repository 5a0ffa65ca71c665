// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What asyncio checks when it runs, and the compiler checks here.

#include <rondo/as_completed.hpp>
#include <rondo/gather.hpp>
#include <rondo/task_group.hpp>
#include <rondo/wait.hpp>

#include "support/catch.hpp"

#include <concepts>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

using rondo::Coro;
using rondo::Result;

namespace {

template <class T>
concept WaitsUntil = requires(rondo::WaitOptions options, T when) { options.return_when = when; };

template <class... Args>
concept CompletesEach = requires(Args... args) { rondo::as_completed(std::move(args)...); };

template <class A>
using awaited = rondo::await_result_t<A>;

} // namespace

TEST_CASE("wait() ends by one of three conditions", "[composition][wait][b201]") {
    STATIC_REQUIRE(WaitsUntil<rondo::ReturnWhen>);
    STATIC_REQUIRE_FALSE(WaitsUntil<int>);
    STATIC_REQUIRE_FALSE(WaitsUntil<const char*>);
}

TEST_CASE("gather gives a tuple of its arguments' results, or a vector's",
          "[composition][gather][b230]") {
    using Unique = std::unique_ptr<int>;
    using Several = decltype(rondo::gather(std::declval<Coro<int>>(), std::declval<Coro<>>(),
                                           std::declval<Coro<Unique>>()));
    STATIC_REQUIRE(std::same_as<awaited<Several>, std::tuple<int, std::monostate, Unique>>);
    using Vector = decltype(rondo::gather(std::declval<std::vector<Coro<int>>>()));
    STATIC_REQUIRE(std::same_as<awaited<Vector>, std::vector<int>>);
    using Nothing = decltype(rondo::gather(std::declval<std::vector<Coro<>>>()));
    STATIC_REQUIRE(std::is_void_v<awaited<Nothing>>);
    using Results = decltype(rondo::gather(rondo::return_exceptions, std::declval<Coro<int>>(),
                                           std::declval<Coro<>>()));
    STATIC_REQUIRE(std::same_as<awaited<Results>, std::tuple<Result<int>, Result<>>>);
}

TEST_CASE("as_completed takes a collection", "[composition][as_completed][b239]") {
    STATIC_REQUIRE(CompletesEach<std::vector<Coro<int>>>);
    STATIC_REQUIRE_FALSE(CompletesEach<Coro<int>>);
    STATIC_REQUIRE_FALSE(CompletesEach<rondo::Task<int>>);
}

TEST_CASE("a group is made by task_group() alone, and entered once",
          "[composition][task_group][b314]") {
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<rondo::TaskGroup>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<rondo::TaskGroup>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<rondo::TaskGroup>);
}
