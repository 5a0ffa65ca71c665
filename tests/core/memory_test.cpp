// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What happens when memory runs out: each operation is tried with the first allocation failing,
// then with the second, and so on until it succeeds. What fails has had no effect. Frames come from
// the pool, so it is sanitizer builds that see every allocation.

#include <chrono>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../base/allocations.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

// Calls `operation` with less and less memory missing, and `check` after each failure. Returns how
// often it failed.
template <class Operation, class Check>
std::size_t fail_each_allocation(Operation operation, Check check) {
    for (std::size_t left = 0;; ++left) {
        REQUIRE(left < 100);
        try {
            const NoMemory limit(left);
            operation();
            return left;
        } catch (const std::bad_alloc&) {
            check();
        }
    }
}

const std::string long_text(100, 'x');

Coro<Tracked> keep(Tracked parameter) {
    co_await sleep(1s);
    co_return parameter;
}

Coro<int> wait_for_it(Future<int> future) {
    co_return co_await future;
}

} // namespace

ASYNC_TEST_CASE("a task that cannot be made leaves nothing behind", "[core][task][memory][b95]") {
    LeakCheck leaks;
    std::optional<Task<Tracked>> task;
    fail_each_allocation([&] { task = create_task(keep(Tracked(1)), {.name = long_text}); },
                         [&] {
                             REQUIRE(leaks.alive() == 0);
                             REQUIRE(rondo::all_tasks().size() == 1);
                             REQUIRE(rondo::get_running_loop().metrics().tasks_alive == 1);
                         });
    REQUIRE(task->name() == long_text);
    const Tracked value = co_await *std::exchange(task, std::nullopt);
    REQUIRE(value.number() == 1);
}

ASYNC_TEST_CASE("a Coro that cannot be made destroys its arguments", "[core][coro][memory]") {
    LeakCheck leaks;
    std::optional<Coro<Tracked>> coro;
    fail_each_allocation([&] { coro.emplace(keep(Tracked(1))); },
                         [&] { REQUIRE(leaks.alive() == 0); });
    const Tracked value = co_await *std::move(coro);
    REQUIRE(value.number() == 1);
}

ASYNC_TEST_CASE("a cancel() that finds no memory for its message has no effect",
                "[core][cancel][memory]") {
    const Future<int> future;
    auto task = create_task(wait_for_it(future));
    co_await let_others_run();
    const std::size_t failures = fail_each_allocation([&] { task.cancel(long_text); },
                                                      [&] {
                                                          REQUIRE(task.cancelling() == 0);
                                                          REQUIRE_FALSE(future.done());
                                                      });
    REQUIRE(failures > 0);
    std::string message;
    try {
        co_await task;
    } catch (const CancelledError& cancelled) {
        message = cancelled.message();
    }
    REQUIRE(message == long_text);
}

ASYNC_TEST_CASE("a cancellation whose message cannot be passed on still ends the wait",
                "[core][cancel][memory]") {
    const Future<int> future;
    auto inner = create_task(wait_for_it(future));
    const auto wait_for_task = [](Task<int> task) -> Coro<int> { co_return co_await task; };
    auto outer = create_task(wait_for_task(inner));
    auto measured = create_task(wait_for_task(inner));
    // Enough memory for one task's message, and none for the task that it awaits.
    const std::size_t before = allocation_count();
    measured.cancel(long_text);
    const std::size_t needed = allocation_count() - before;
    co_await let_others_run();
    bool asked = false;
    {
        const NoMemory limit(needed);
        asked = outer.cancel(long_text);
    }
    REQUIRE(asked);
    REQUIRE(inner.cancelling() == 0);
    std::string message;
    try {
        co_await outer;
    } catch (const CancelledError& cancelled) {
        message = cancelled.message();
    }
    REQUIRE(message == long_text);
    REQUIRE(outer.cancelled());
    REQUIRE_FALSE(inner.done());
    inner.cancel();
}

ASYNC_TEST_CASE("a done callback that cannot be kept is not added", "[core][future][memory]") {
    LeakCheck leaks;
    const Future<> future;
    int calls = 0;
    struct Large {
        int* calls;
        Tracked tracked;
        char more[100];
        void operator()() const { ++*calls; }
    };
    fail_each_allocation([&] { future.add_done_callback(Large{&calls, Tracked(), {}}); },
                         [&] { REQUIRE(leaks.alive() == 0); });
    future.set_result();
    co_await let_others_run();
    REQUIRE(calls == 1);
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("a sleep that finds no memory for its timer throws", "[core][timer][memory]") {
    // The heap grows by doubling: one of so many sleeps needs memory, and does not get it.
    int failures = 0;
    int slept = 0;
    const auto sleeper = [&]() -> Coro<> {
        try {
            co_await sleep(1h);
            ++slept;
        } catch (const std::bad_alloc&) {
            ++failures;
        }
    };
    std::vector<Task<>> tasks;
    for (int i = 0; i < 100; ++i) {
        tasks.push_back(create_task(sleeper()));
    }
    {
        std::optional<NoMemory> none;
        none.emplace();
        co_await sleep(0s);
        co_await sleep(0s);
    }
    REQUIRE(failures > 0);
    for (const Task<>& task : tasks) {
        co_await task;
    }
    REQUIRE(failures + slept == 100);
}

ASYNC_TEST_CASE("a value that finds no memory leaves the future pending",
                "[core][future][memory]") {
    const Future<std::string> future;
    const std::size_t failures = fail_each_allocation([&] { future.set_result(long_text); },
                                                      [&] { REQUIRE_FALSE(future.done()); });
    REQUIRE(failures > 0);
    REQUIRE(future.result() == long_text);
    co_return;
}

ASYNC_TEST_CASE("a name that finds no memory leaves the old one", "[core][task][memory]") {
    auto self = rondo::current_task();
    self.set_name("a name");
    fail_each_allocation([&] { self.set_name(long_text); },
                         [&] { REQUIRE(self.name() == "a name"); });
    REQUIRE(self.name() == long_text);
    co_return;
}
