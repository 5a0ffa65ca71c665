#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Tests whose body is a coroutine. It runs on rondo::testing::run: time is virtual, a test that
// would hang fails with the list of who waits on what, and the environment may ask for a shuffled
// ready queue or a tiny ring.

#include <chrono>
#include <rondo/coro.hpp>
#include <rondo/sleep.hpp>
#include <rondo/testing/run.hpp>
#include <utility>

#include "support/catch.hpp"

#define RONDO_TEST_JOIN_(a, b) a##b
#define RONDO_TEST_JOIN(a, b) RONDO_TEST_JOIN_(a, b)
#define RONDO_ASYNC_TEST_(function, ...)                                                           \
    static ::rondo::Coro<> function();                                                             \
    TEST_CASE(__VA_ARGS__) {                                                                       \
        ::rondo::testing::run(function());                                                         \
    }                                                                                              \
    static ::rondo::Coro<> function()

/// TEST_CASE(name, tags) for a body that may co_await. An assertion never contains the co_await:
/// name the value first (the assertion macros evaluate their argument in ways that GCC breaks).
///
/// Example:
/// @code
/// ASYNC_TEST_CASE("a task gives its result", "[core][task]") {
///     auto task = rondo::create_task(add(1, 2));
///     const int sum = co_await task;
///     REQUIRE(sum == 3);
/// }
/// @endcode
#define ASYNC_TEST_CASE(...)                                                                       \
    RONDO_ASYNC_TEST_(RONDO_TEST_JOIN(rondo_async_test_, __LINE__), __VA_ARGS__)

namespace rondo_test {

/// Whether the environment asks for a shuffled ready queue: the order of tasks that are ready at
/// the same time is then anybody's guess, and tests of that order run on an unshuffled loop.
inline bool shuffled() {
    return rondo::testing::options().shuffle_seed != 0;
}

/// Options of a test's loop on which FIFO order holds, whatever the environment asks for.
inline rondo::LoopOptions in_order() {
    rondo::LoopOptions options = rondo::testing::options();
    options.shuffle_seed = 0;
    return options;
}

/// Lets everything that is ready run, and what that makes ready, a few turns long, in whatever
/// order the queue is.
inline rondo::Coro<> let_others_run() {
    for (int turn = 0; turn < 8; ++turn) {
        co_await rondo::sleep(std::chrono::seconds(0));
    }
}

/// Runs a coroutine function on a loop in FIFO order.
template <class F>
decltype(auto) run_in_order(F&& function) {
    return rondo::testing::run(std::forward<F>(function), in_order());
}

} // namespace rondo_test
