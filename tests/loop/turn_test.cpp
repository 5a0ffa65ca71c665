// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What a turn does: nobody starves, and what it costs.

#include <rondo/detail/turn.hpp>

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include "base/allocations.hpp"
#include "loops.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::EventLoop;
using rondo::LoopMetrics;
using rondo_test::Ends;
using rondo_test::real_time;
using rondo_test::virtual_time_in_order;

namespace {

Coro<> yield_for_ever() {
    for (;;) {
        co_await rondo::sleep(0s);
    }
}

} // namespace

TEST_CASE("tasks that yield for ever starve neither I/O nor timers", "[loop][turn][b35]") {
    const auto main = []() -> Coro<> {
        EventLoop& loop = rondo::get_running_loop();
        auto first = rondo::create_task(yield_for_ever());
        auto second = rondo::create_task(yield_for_ever());
        const Ends pipe = Ends::pipe();
        const rondo::Future<char> got;
        loop.add_reader(pipe.read_end(), [&] { got.try_set_result(pipe.get()); });
        co_await rondo::sleep(1ms); // a timer
        pipe.put('x');
        const char letter = co_await got;
        CHECK(letter == 'x');
        loop.remove_reader(pipe.read_end());
    };
    rondo::run(main(), real_time());
}

TEST_CASE("a callback that schedules itself again starves neither I/O nor timers",
          "[loop][turn][b35]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    std::function<void()> again = [&] { loop.call_soon([&] { again(); }); };
    again();
    std::string trace;
    loop.add_reader(pipe.read_end(), [&] {
        (void)pipe.get();
        trace += 'r';
        loop.call_later(1ms, [&] {
            trace += 't';
            loop.stop();
        });
    });
    pipe.put('x');
    loop.run_forever();
    CHECK(trace == "rt");
}

TEST_CASE("a timer is not kept waiting by tasks that take long steps", "[loop][turn]") {
    const auto main = []() -> Coro<int> {
        for (int round = 0; round < 1000; ++round) {
            co_await rondo::sleep(0s); // short ones: the loop seldom reads the clock
        }
        bool rang = false;
        int steps_too_late = 0;
        const auto deadline = rondo::Clock::now() + 150ms;
        rondo::get_running_loop().call_at(deadline, [&] { rang = true; });
        while (!rang) {
            steps_too_late += rondo::Clock::now() > deadline;
            const auto end = rondo::Clock::now() + 200us;
            while (rondo::Clock::now() < end) {}
            co_await rondo::sleep(0s);
        }
        co_return steps_too_late;
    };
    CHECK(rondo::run(main(), real_time()) <= 2);
}

TEST_CASE("a timer is late by a few turns at most when steps begin to take long", "[loop][turn]") {
    const auto main = []() -> Coro<int> {
        bool rang = false;
        rondo::TimerHandle far = rondo::get_running_loop().call_later(1h, [] {});
        for (int round = 0; round < 2000; ++round) {
            co_await rondo::sleep(0s); // the loop learns that steps are short
        }
        rondo::get_running_loop().call_later(1ms, [&] { rang = true; });
        int steps = 0;
        while (!rang) {
            const auto end = rondo::Clock::now() + 2ms;
            while (rondo::Clock::now() < end) {}
            ++steps;
            co_await rondo::sleep(0s);
        }
        far.cancel();
        co_return steps;
    };
    CHECK(rondo::run(main(), real_time()) <= 9);
}

TEST_CASE("I/O that is always ready does not starve tasks and timers", "[loop][turn]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    pipe.put('x');
    int calls = 0;
    loop.add_reader(pipe.read_end(), [&] { ++calls; }); // never reads
    const auto main = []() -> Coro<int> {
        int steps = 0;
        const auto end = rondo::Clock::now() + 2ms;
        while (rondo::Clock::now() < end) {
            co_await rondo::sleep(0s);
            ++steps;
        }
        co_await rondo::sleep(1ms);
        co_return steps;
    };
    CHECK(loop.run_until_complete(main()) > 10);
    CHECK(calls > 10);
}

TEST_CASE("a turn runs a bounded number of steps", "[loop][turn]") {
    EventLoop loop(virtual_time_in_order());
    int ran = 0;
    for (int number = 0; number < 10'000; ++number) {
        loop.call_soon([&] { ++ran; });
    }
    loop.run_once(0s);
    CHECK(ran > 0);
    CHECK(ran <= 1000);
    while (ran < 10'000) {
        loop.run_once(0s);
    }
    CHECK(loop.metrics().ready == 0);
}

TEST_CASE("no system call is made while tasks are ready and the kernel has nothing",
          "[loop][turn][metrics]") {
    const auto main = []() -> Coro<LoopMetrics> {
        EventLoop& loop = rondo::get_running_loop();
        for (int round = 0; round < 10; ++round) {
            co_await rondo::sleep(0s);
        }
        const LoopMetrics before = loop.metrics();
        for (int round = 0; round < 10'000; ++round) {
            co_await rondo::sleep(0s);
        }
        LoopMetrics after = loop.metrics();
        after.turns -= before.turns;
        after.steps -= before.steps;
        after.system_calls -= before.system_calls;
        co_return after;
    };
    const LoopMetrics difference = rondo::run(main(), real_time());
    CHECK(difference.turns == 10'000);
    CHECK(difference.steps == 10'000);
    CHECK(difference.system_calls == 0);
}

TEST_CASE("a loop that waits makes one system call per turn", "[loop][turn][metrics]") {
    EventLoop loop(real_time());
    int ticks = 0;
    std::function<void()> tick = [&] {
        if (++ticks == 20) {
            loop.stop();
        } else {
            loop.call_later(1ms, [&] { tick(); });
        }
    };
    tick();
    const LoopMetrics before = loop.metrics();
    loop.run_forever();
    const LoopMetrics after = loop.metrics();
    CHECK(ticks == 20);
    // The first and the last turn arm and disarm the loop's own request.
    CHECK(after.system_calls - before.system_calls <= after.turns - before.turns + 2);
    CHECK(after.turns - before.turns <= 2 * 20 + 2);
}

TEST_CASE("metrics count what there is", "[loop][turn][metrics]") {
    EventLoop loop(virtual_time_in_order());
    const Ends pipe = Ends::pipe();
    loop.call_later(1h, [] {});
    loop.call_soon([] {});
    loop.call_soon([] {});
    auto task = loop.create_task([]() -> Coro<> { co_await rondo::sleep(1h); }());
    LoopMetrics metrics = loop.metrics();
    CHECK(metrics.turns == 0);
    CHECK(metrics.steps == 0);
    CHECK(metrics.timers == 1);
    CHECK(metrics.ready == 3);
    CHECK(metrics.tasks_created == 1);
    CHECK(metrics.tasks_alive == 1);
    CHECK(metrics.operations == 0);
    loop.add_reader(pipe.read_end(), [] {});
    loop.run_once(0s);
    metrics = loop.metrics();
    CHECK(metrics.turns == 1);
    CHECK(metrics.steps == 4); // the watch begins with the run
    CHECK(metrics.timers == 2);
    CHECK(metrics.ready == 0);
    CHECK(metrics.operations >= 1);
    CHECK(metrics.submitted >= 1);
    CHECK(metrics.system_calls >= 1);
    task.cancel();
    loop.run_once(0s);
    metrics = loop.metrics();
    CHECK(metrics.timers == 1);
    CHECK(metrics.tasks_alive == 0);
    CHECK(metrics.tasks_created == 1);
}

TEST_CASE("sleeping and yielding allocate nothing once the loop is warm",
          "[loop][turn][allocations]") {
    const auto options = GENERATE(real_time(), virtual_time_in_order());
    const auto main = []() -> Coro<std::size_t> {
        const auto round = []() -> Coro<> {
            for (int number = 0; number < 50; ++number) {
                co_await rondo::sleep(0s);
                co_await rondo::sleep(1us);
            }
        };
        co_await round();
        const std::size_t before = rondo_test::allocation_count();
        for (int number = 0; number < 50; ++number) {
            co_await rondo::sleep(0s);
            co_await rondo::sleep(1us);
        }
        co_return rondo_test::allocation_count() - before;
    };
    CHECK(rondo::run(main(), options) == 0);
}

TEST_CASE("a ring of four entries serves many watchers", "[loop][turn]") {
    rondo::LoopOptions options = real_time();
    options.entries = 4;
    EventLoop loop(options);
    std::vector<Ends> ends;
    int calls = 0;
    constexpr int count = 100;
    for (int number = 0; number < count; ++number) {
        ends.push_back(Ends::sockets());
    }
    for (const Ends& pair : ends) {
        loop.add_reader(pair.read_end(), [&] {
            loop.remove_reader(pair.read_end());
            if (++calls == count) {
                loop.stop();
            }
        });
    }
    loop.call_soon([&] {
        for (const Ends& pair : ends) {
            pair.put('x');
        }
    });
    loop.run_forever();
    CHECK(calls == count);
}
