// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A header of a user that names Rondo's types only in declarations needs no more than this one.
#include <rondo/fwd.hpp>

#include <type_traits>

namespace {

// Each declaration is one that a class or function of a user could have; none needs a definition.
struct User {
    rondo::Coro<> serve(rondo::Stream stream);
    rondo::Task<> start(rondo::EventLoop& loop, const rondo::LoopOptions& options);
    rondo::Future<int>* promised;
    rondo::Result<>* result;
    rondo::Queue<int>* queue;
    rondo::PriorityQueue<int>* priorities;
    rondo::Semaphore& slots;
    rondo::Endpoint address() const;
};

} // namespace

// Second declarations, as the defining headers make them, must agree with the first.
namespace rondo::inline RONDO_ABI {
template <class T>
class Coro;
template <class T>
class Result;
template <class T, class Compare>
class PriorityQueue;
struct LoopOptions;
class Stream;
} // namespace rondo::inline RONDO_ABI

#include <rondo/buffer.hpp>
#include <rondo/clock.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>

#include "support/catch.hpp"

TEST_CASE("without an argument the coroutine types return nothing", "[base][fwd]") {
    STATIC_REQUIRE(std::is_same_v<rondo::Coro<>, rondo::Coro<void>>);
    STATIC_REQUIRE(std::is_same_v<rondo::Task<>, rondo::Task<void>>);
    STATIC_REQUIRE(std::is_same_v<rondo::Future<>, rondo::Future<void>>);
    STATIC_REQUIRE(std::is_same_v<rondo::Result<>, rondo::Result<void>>);
    STATIC_REQUIRE(std::is_pointer_v<decltype(User::promised)>);
}

TEST_CASE("a priority queue orders by operator< unless it is told otherwise", "[base][fwd]") {
    STATIC_REQUIRE(
        std::is_same_v<rondo::PriorityQueue<int>, rondo::PriorityQueue<int, rondo::detail::Less>>);
    const rondo::detail::Less less;
    REQUIRE(less(1, 2));
    REQUIRE_FALSE(less(2, 1));
    REQUIRE_FALSE(less(2, 2));
}

TEST_CASE("what is declared is what the headers define", "[base][fwd]") {
    STATIC_REQUIRE(sizeof(rondo::Clock) > 0);
    STATIC_REQUIRE(sizeof(rondo::ConstBuffer) > 0);
    STATIC_REQUIRE(sizeof(rondo::MutableBuffer) > 0);
    STATIC_REQUIRE(sizeof(rondo::Result<>) > 0);
    STATIC_REQUIRE(sizeof(rondo::CancelledError) > 0);
    STATIC_REQUIRE(sizeof(rondo::CancelReason) == 1);
}
