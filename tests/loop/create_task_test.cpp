// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// create_task from callables; ensure_future; and a task that could not be made. What tasks do is
// in tests/core.

#include <rondo/create_task.hpp>

#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include "base/allocations.hpp"
#include "loops.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::Task;
using rondo_test::Tracked;

namespace {

Coro<int> length(std::string text) {
    co_await rondo::sleep(0s);
    co_return static_cast<int>(text.size());
}

struct Counter {
    int count = 0;
    Coro<int> add(int number) {
        co_await rondo::sleep(0s);
        count += number;
        co_return count;
    }
};

} // namespace

ASYNC_TEST_CASE("create_task keeps a capturing lambda and its arguments alive",
                "[loop][create_task]") {
    const auto before = Tracked::counts.alive;
    const Tracked kept_alive(1);
    {
        auto task = rondo::create_task(
            [held = Tracked(20)](const Tracked& argument, std::string text) -> Coro<int> {
                co_await rondo::sleep(1s);
                co_return held.number() + argument.number() + static_cast<int>(text.size());
            },
            Tracked(300), std::string(4000, 'x'));
        const int sum = co_await task;
        CHECK(sum == 4320);
    }
    CHECK(Tracked::counts.alive == before + 1);
    CHECK(Tracked::counts.broken == 0);
}

ASYNC_TEST_CASE("create_task takes functions, member functions, and references by std::ref",
                "[loop][create_task]") {
    auto by_function = rondo::create_task(length, "four");
    const int four = co_await by_function;
    CHECK(four == 4);
    Counter counter;
    auto by_member = rondo::create_task(&Counter::add, std::ref(counter), 5);
    const int five = co_await by_member;
    CHECK(five == 5);
    CHECK(counter.count == 5);
    auto by_pointer = rondo::create_task(&Counter::add, &counter, 2);
    const int seven = co_await by_pointer;
    CHECK(seven == 7);
}

ASYNC_TEST_CASE("create_task takes arguments that only move", "[loop][create_task]") {
    auto task = rondo::create_task(
        [](std::unique_ptr<int> number) -> Coro<std::unique_ptr<int>> {
            co_await rondo::sleep(0s);
            ++*number;
            co_return std::move(number);
        },
        std::make_unique<int>(6));
    const std::unique_ptr<int> result = co_await std::move(task);
    CHECK(*result == 7);
}

TEST_CASE("only a callable that makes a coroutine can be made a task", "[loop][create_task]") {
    const auto plain = [] { return 5; };
    const auto coroutine = [](int) -> Coro<> { co_return; };
    STATIC_REQUIRE_FALSE(rondo::CoroutineFunction<decltype(plain)>);
    STATIC_REQUIRE_FALSE(rondo::CoroutineFunction<decltype(coroutine)>);
    STATIC_REQUIRE(rondo::CoroutineFunction<decltype(coroutine), int>);
    STATIC_REQUIRE(rondo::CoroutineFunction<decltype(coroutine)&, const int&>);
    STATIC_REQUIRE(rondo::CoroutineFunction<decltype(&length), const char*>);
}

TEST_CASE("create_task of a callable outside a loop is an error, and destroys its arguments",
          "[loop][create_task][b126]") {
    const auto before = Tracked::counts.alive;
    const auto hold = [](Tracked) -> Coro<> { co_return; };
    CHECK_THROWS_AS(rondo::create_task(hold, Tracked(1)), rondo::LoopError);
    CHECK(Tracked::counts.alive == before);
}

ASYNC_TEST_CASE("a name is copied", "[loop][create_task][b81]") {
    std::string name = "a name that is too long for the small string optimisation";
    const std::string copy = name;
    auto task = rondo::create_task(length("x"), {.name = name});
    name.assign(name.size(), '?');
    CHECK(task.name() == copy);
    co_await task;
}

ASYNC_TEST_CASE("a task that could not be made leaves nothing behind", "[loop][create_task][b95]") {
    rondo::EventLoop& loop = rondo::get_running_loop();
    const auto before = Tracked::counts.alive;
    const auto hold = [](Tracked) -> Coro<> { co_return; };
    int failures = 0;
    bool made = false;
    // The frame, the state, the name: whichever allocation fails.
    for (std::size_t allowed = 0; !made; ++allowed) {
        const std::size_t tasks = loop.metrics().tasks_alive;
        const std::size_t listed = rondo::all_tasks().size();
        try {
            const rondo_test::NoMemory no_memory(allowed);
            auto task = rondo::create_task(
                hold(Tracked(1)), {.name = "a name that is too long for the string itself"});
            made = true;
        } catch (const std::bad_alloc&) {
            ++failures;
            CHECK(loop.metrics().tasks_alive == tasks);
            CHECK(rondo::all_tasks().size() == listed);
            CHECK(Tracked::counts.alive == before);
        }
        REQUIRE(allowed < 100);
    }
    CHECK(failures > 0);
    while (loop.metrics().tasks_alive > 1) {
        co_await rondo::sleep(0s);
    }
    CHECK(Tracked::counts.alive == before);
}
