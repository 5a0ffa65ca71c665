// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Running, stopping and closing a loop.

#include <rondo/event_loop.hpp>

#include <rondo/future.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include "loops.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::EventLoop;
using rondo::LoopError;
using rondo_test::real_time;
using rondo_test::virtual_time_in_order;

namespace {

Coro<int> answer() {
    co_await rondo::sleep(0s);
    co_return 42;
}

Coro<int> fail() {
    co_await rondo::sleep(0s);
    throw std::runtime_error("no answer");
}

Coro<> for_ever() {
    const rondo::Future<> never;
    co_await never;
}

} // namespace

TEST_CASE("run_until_complete returns the result of a coroutine, a task or a future",
          "[loop][event_loop][b55]") {
    EventLoop loop(real_time());
    CHECK(loop.run_until_complete(answer()) == 42);

    auto task = loop.create_task(answer());
    CHECK(loop.run_until_complete(task) == 42);
    CHECK(loop.run_until_complete(task) == 42); // done already

    const auto future = loop.create_future<std::string>();
    loop.call_soon([&] { future.set_result("set"); });
    CHECK(loop.run_until_complete(future) == "set");
}

TEST_CASE("run_until_complete gives a move-only result away", "[loop][event_loop]") {
    EventLoop loop(real_time());
    const auto make = []() -> Coro<std::unique_ptr<int>> {
        co_await rondo::sleep(0s);
        co_return std::make_unique<int>(7);
    };
    const std::unique_ptr<int> result = loop.run_until_complete(make());
    CHECK(*result == 7);
}

TEST_CASE("run_until_complete throws what the coroutine throws", "[loop][event_loop][b55]") {
    EventLoop loop(real_time());
    CHECK_THROWS_AS(loop.run_until_complete(fail()), std::runtime_error);
    const auto future = loop.create_future<int>();
    loop.call_soon([&] { future.set_exception(std::out_of_range("range")); });
    CHECK_THROWS_AS(loop.run_until_complete(future), std::out_of_range);
    const auto cancelled = loop.create_future<int>();
    loop.call_soon([&] { cancelled.cancel(); });
    CHECK_THROWS_AS(loop.run_until_complete(cancelled), rondo::CancelledError);
    CHECK(loop.run_until_complete(answer()) == 42); // and goes on
}

TEST_CASE("a loop that is stopped before the awaitable is done says so", "[loop][event_loop]") {
    EventLoop loop(virtual_time_in_order());
    loop.call_soon([&] { loop.stop(); });
    auto task = loop.create_task(answer());
    CHECK_THROWS_AS(loop.run_until_complete(task), LoopError);
    CHECK_FALSE(task.done());
    CHECK(loop.run_until_complete(task) == 42); // a later run ends it
}

TEST_CASE("a future of an earlier run does not stop a later one", "[loop][event_loop][b60]") {
    EventLoop loop(virtual_time_in_order());
    const auto earlier = loop.create_future<>();
    loop.call_soon([&] { loop.stop(); });
    CHECK_THROWS_AS(loop.run_until_complete(earlier), LoopError);

    bool later_ran = false;
    loop.call_soon([&] { earlier.set_result(); });
    loop.call_later(1s, [&] {
        later_ran = true;
        loop.stop();
    });
    loop.run_forever();
    CHECK(later_ran);

    // The same after an interrupt.
    const auto interrupted = loop.create_future<>();
    loop.call_soon([] { throw rondo::KeyboardInterrupt(); });
    CHECK_THROWS_AS(loop.run_until_complete(interrupted), rondo::KeyboardInterrupt);
    later_ran = false;
    loop.call_soon([&] { interrupted.set_result(); });
    loop.call_later(1s, [&] {
        later_ran = true;
        loop.stop();
    });
    loop.run_forever();
    CHECK(later_ran);
}

TEST_CASE("stop before a run lets it take one turn", "[loop][event_loop]") {
    EventLoop loop(virtual_time_in_order());
    int ran = 0;
    loop.call_soon([&] {
        ++ran;
        loop.call_soon([&] { ++ran; });
    });
    loop.stop();
    loop.run_forever();
    CHECK(ran == 1);
    // The request is used up: the next run goes on until it is stopped again.
    loop.call_later(1h, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(ran == 2);
}

TEST_CASE("stop within a run finishes the turn, and no more", "[loop][event_loop]") {
    EventLoop loop(virtual_time_in_order());
    std::string trace;
    loop.call_soon([&] {
        trace += 'a';
        loop.stop();
        loop.call_soon([&] { trace += 'c'; });
    });
    loop.call_soon([&] { trace += 'b'; });
    loop.run_forever();
    CHECK(trace == "ab");
    loop.stop();
    loop.run_forever();
    CHECK(trace == "abc");
}

TEST_CASE("a loop says whether it runs and whether it is closed", "[loop][event_loop][b65]") {
    EventLoop loop(real_time());
    CHECK_FALSE(loop.is_running());
    CHECK_FALSE(loop.is_closed());
    bool ran = false;
    loop.call_soon([&] {
        ran = loop.is_running() && !loop.is_closed();
        loop.stop();
    });
    loop.run_forever();
    CHECK(ran);
    CHECK_FALSE(loop.is_running());
    loop.close();
    CHECK(loop.is_closed());
    loop.close();
    CHECK(loop.is_closed());
}

TEST_CASE("a running loop cannot be closed", "[loop][event_loop][b64]") {
    EventLoop loop(real_time());
    bool refused = false;
    loop.call_soon([&] {
        try {
            loop.close();
        } catch (const LoopError& error) {
            refused = std::string(error.what()).find("stop()") != std::string::npos;
        }
        loop.stop();
    });
    loop.run_forever();
    CHECK(refused);
    CHECK_FALSE(loop.is_closed());
}

TEST_CASE("a closed loop refuses everything, and names the cause", "[loop][event_loop]") {
    EventLoop loop(real_time());
    const auto future = loop.create_future<>();
    loop.close();
    CHECK_THROWS_WITH(loop.call_soon([] {}), "rondo: this event loop is closed");
    CHECK_THROWS_AS(loop.call_later(1s, [] {}), LoopError);
    CHECK_THROWS_AS(loop.call_at(loop.time(), [] {}), LoopError);
    CHECK_THROWS_AS(loop.call_soon_threadsafe([] {}), LoopError);
    CHECK_THROWS_AS(loop.add_reader(0, [] {}), LoopError);
    CHECK_THROWS_AS(loop.add_writer(0, [] {}), LoopError);
    CHECK_THROWS_AS(loop.add_signal_handler(SIGUSR1, [] {}), LoopError);
    CHECK_THROWS_AS(loop.run_forever(), LoopError);
    CHECK_THROWS_AS(loop.run_once(), LoopError);
    CHECK_THROWS_AS(loop.run_until_complete(future), LoopError);
    CHECK_FALSE(loop.remove_reader(0));
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
    future.set_result(); // a future may outlive its loop
}

TEST_CASE("create_task on a closed loop destroys the coroutine", "[loop][event_loop][b67]") {
    const auto hold = [](rondo_test::Tracked) -> Coro<> { co_return; };
    const auto before = rondo_test::Tracked::counts.alive;
    EventLoop loop(real_time());
    loop.close();
    CHECK_THROWS_AS(loop.create_task(hold(rondo_test::Tracked(1))), LoopError);
    CHECK(rondo_test::Tracked::counts.alive == before);
    CHECK_THROWS_AS(loop.run_until_complete(hold(rondo_test::Tracked(1))), LoopError);
    CHECK(rondo_test::Tracked::counts.alive == before);
    CHECK(loop.metrics().tasks_alive == 0);
}

TEST_CASE("create_task outside a loop destroys the coroutine", "[loop][event_loop][b126]") {
    const auto hold = [](rondo_test::Tracked) -> Coro<> { co_return; };
    const auto before = rondo_test::Tracked::counts.alive;
    CHECK_THROWS_AS(rondo::create_task(hold(rondo_test::Tracked(1))), LoopError);
    CHECK(rondo_test::Tracked::counts.alive == before);
}

TEST_CASE("get_running_loop is the loop inside, and an error outside",
          "[loop][event_loop][b77][b12]") {
    CHECK_THROWS_AS(rondo::get_running_loop(), LoopError);
    EventLoop loop(real_time());
    CHECK_THROWS_AS(rondo::get_running_loop(), LoopError);
    const EventLoop* in_callback = nullptr;
    loop.call_soon([&] { in_callback = &rondo::get_running_loop(); });
    const auto look = []() -> Coro<const EventLoop*> {
        co_await rondo::sleep(0s);
        co_return &rondo::get_running_loop();
    };
    CHECK(loop.run_until_complete(look()) == &loop);
    CHECK(in_callback == &loop);
    CHECK_THROWS_AS(rondo::get_running_loop(), LoopError);
}

TEST_CASE("a nested run is refused, and the coroutine does not run", "[loop][event_loop][b7]") {
    EventLoop loop(real_time());
    EventLoop other(real_time());
    bool ran = false;
    const auto inner = [&]() -> Coro<> {
        ran = true;
        co_return;
    };
    std::vector<std::string> messages;
    const auto try_it = [&](auto run) {
        try {
            run();
        } catch (const LoopError& error) {
            messages.emplace_back(error.what());
        }
    };
    const auto main = [&]() -> Coro<> {
        try_it([&] { loop.run_until_complete(inner()); });
        try_it([&] { loop.run_forever(); });
        try_it([&] { loop.run_once(); });
        try_it([&] { other.run_until_complete(inner()); });
        try_it([&] { other.run_forever(); });
        try_it([&] { rondo::run(inner()); });
        co_await rondo::sleep(0s);
        co_await rondo::sleep(0s);
    };
    loop.run_until_complete(main());
    CHECK(messages.size() == 6);
    CHECK_FALSE(ran);
    CHECK(loop.metrics().tasks_alive == 0);
    // Nor later, on the other loop.
    CHECK(other.metrics().tasks_created == 0);
    CHECK(other.run_until_complete(answer()) == 42);
    CHECK_FALSE(ran);
}

TEST_CASE("single turns let a foreign loop drive this one", "[loop][event_loop][b79]") {
    EventLoop loop(virtual_time_in_order());
    auto task = loop.create_task(answer());
    int turns = 0;
    while (!task.done()) {
        loop.run_once(0s);
        ++turns;
    }
    CHECK(turns == 2);
    CHECK(task.result() == 42);
}

TEST_CASE("a single turn does not wait for longer than it may", "[loop][event_loop][b79]") {
    EventLoop loop(virtual_time_in_order());
    bool rang = false;
    loop.call_later(1h, [&] { rang = true; });
    const auto start = loop.time();
    loop.run_once(1min);
    CHECK(loop.time() - start == 1min);
    CHECK_FALSE(rang);
    loop.run_once(0s);
    CHECK(loop.time() - start == 1min);
    loop.run_once();
    CHECK(loop.time() - start == 1h);
    CHECK(rang);
}

TEST_CASE("all_tasks are those that are not done, in the order of creation", "[loop][event_loop]") {
    const auto main = []() -> Coro<> {
        auto first = rondo::create_task(for_ever(), {.name = "first"});
        auto ended = rondo::create_task(answer());
        auto second = rondo::create_task(for_ever(), {.name = "second"});
        co_await ended;
        const std::vector<rondo::TaskRef> tasks = rondo::all_tasks();
        REQUIRE(tasks.size() == 3);
        CHECK(tasks[0] == rondo::current_task());
        CHECK(tasks[1].name() == "first");
        CHECK(tasks[2] == rondo::TaskRef(second));
    };
    rondo::run(main(), real_time());
    CHECK_THROWS_AS(rondo::all_tasks(), LoopError);
}

TEST_CASE("closing a loop reports and destroys the tasks that are not done",
          "[loop][event_loop][b94]") {
    using rondo_test::Tracked;
    const auto before = Tracked::counts.alive;
    std::vector<std::string> reports;
    EventLoop loop(real_time());
    loop.set_exception_handler([&](EventLoop&, const rondo::ErrorContext& context) {
        reports.push_back(std::string(context.subject) + ": " + std::string(context.message));
    });
    const auto hold = [](Tracked) -> Coro<> { co_await for_ever(); };
    auto waiting = loop.create_task(hold(Tracked(1)), {.name = "waiting"});
    auto awaits_it = loop.create_task(
        [](rondo::Task<> task, Tracked) -> Coro<> { co_await task; }(waiting, Tracked(2)),
        {.name = "awaits it"});
    loop.stop();
    loop.run_forever();
    auto not_started = loop.create_task(hold(Tracked(3)), {.name = "not started"});
    CHECK(Tracked::counts.alive > before);
    loop.close();
    CHECK(Tracked::counts.alive == before);
    CHECK(reports == std::vector<std::string>{
                         "waiting: a task was destroyed while it was pending",
                         "awaits it: a task was destroyed while it was pending",
                         "not started: a task was destroyed while it was pending",
                     });
    for (const rondo::TaskRef& task :
         {rondo::TaskRef(waiting), rondo::TaskRef(awaits_it), rondo::TaskRef(not_started)}) {
        CHECK(task.done());
        CHECK(task.cancelled());
    }
}

TEST_CASE("closing a loop releases callbacks that have not run", "[loop][event_loop]") {
    bool ran = false;
    const auto held = std::make_shared<int>(1);
    const auto callback = [&ran, held] { ran = true; };
    EventLoop loop(real_time());
    loop.call_soon(callback);
    loop.call_later(1h, callback);
    loop.call_later(-1h, callback);
    loop.call_soon_threadsafe(callback);
    loop.create_future<>().add_done_callback(callback);
    rondo::TimerHandle kept = loop.call_later(1h, callback);
    CHECK(held.use_count() > 2);
    loop.close();
    CHECK_FALSE(ran);
    CHECK(held.use_count() == 2);
    CHECK(loop.metrics().timers == 0);
    CHECK(loop.metrics().ready == 0);
    kept.cancel(); // a handle may outlive the callback
}

TEST_CASE("run_until_complete runs the done callbacks of what it waits for", "[loop][event_loop]") {
    EventLoop loop(real_time());
    int called = 0;
    const auto callback = [&] { ++called; };
    auto task = loop.create_task(answer());
    task.add_done_callback(callback);
    loop.run_until_complete(task);
    CHECK(called == 1);
    task.add_done_callback(callback);
    loop.run_until_complete(task);
    CHECK(called == 2);
    const auto main = [&]() -> Coro<> {
        rondo::current_task().add_done_callback(callback);
        co_return;
    };
    rondo::run(main(), real_time());
    CHECK(called == 3);
}

TEST_CASE("time is the monotonic clock", "[loop][event_loop][b41]") {
    EventLoop loop(real_time());
    const auto before = rondo::Clock::now();
    const auto now = loop.time();
    CHECK(before <= now);
    CHECK(now <= rondo::Clock::now());
}
