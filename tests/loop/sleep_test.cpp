// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/sleep.hpp>

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>

#include "base/allocations.hpp"
#include "loops.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cmath>
#include <limits>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo_test::run_in_order;

namespace {

rondo::Clock::time_point now() {
    return rondo::get_running_loop().time();
}

// Yields until the task is done; neither cancels it nor looks at its result.
Coro<> done(rondo::TaskRef task) {
    while (!task.done()) {
        co_await rondo::sleep(0s);
    }
}

} // namespace

ASYNC_TEST_CASE("sleep suspends for its time", "[loop][sleep][b192]") {
    const auto start = now();
    co_await rondo::sleep(90min);
    CHECK(now() - start == 90min);
    co_await rondo::sleep(std::chrono::duration<double>(0.25));
    CHECK(now() - start == 90min + 250ms);
    co_await rondo::sleep(std::chrono::duration<double, std::nano>(0.5));
    CHECK(now() - start == 90min + 250ms + 1ns); // never shorter than asked
}

TEST_CASE("on the real clock sleep is never short", "[loop][sleep][b192]") {
    const auto main = []() -> Coro<rondo::Clock::duration> {
        const auto start = rondo::Clock::now();
        co_await rondo::sleep(10ms);
        co_return rondo::Clock::now() - start;
    };
    CHECK(rondo::run(main(), rondo_test::real_time()) >= 10ms);
}

ASYNC_TEST_CASE("a sleep counts from the moment it is awaited", "[loop][sleep]") {
    const auto nap = rondo::sleep(10s);
    co_await rondo::sleep(1min);
    const auto start = now();
    co_await nap;
    CHECK(now() - start == 10s);
}

TEST_CASE("a sleep of zero or less lets what is ready run first, once", "[loop][sleep][b193]") {
    const auto delay = GENERATE(0s, -5s);
    std::string trace;
    const auto main = [&]() -> Coro<> {
        rondo::EventLoop& loop = rondo::get_running_loop();
        loop.call_soon([&] {
            trace += 'a';
            loop.call_soon([&] { trace += 'd'; });
        });
        loop.call_soon([&] { trace += 'b'; });
        co_await rondo::sleep(delay);
        trace += 'c';
        co_await rondo::sleep(delay);
        trace += 'e';
    };
    run_in_order(main);
    CHECK(trace == "abcde");
}

ASYNC_TEST_CASE("a sleep of zero takes exactly one turn and no time", "[loop][sleep][b193]") {
    const auto start = now();
    const auto turns = rondo::get_running_loop().metrics().turns;
    co_await rondo::sleep(0s);
    CHECK(rondo::get_running_loop().metrics().turns == turns + 1);
    CHECK(now() == start);
}

ASYNC_TEST_CASE("a sleep's awaiter may be awaited again: its deadline is past then",
                "[loop][sleep]") {
    auto awaiter = rondo::sleep(1h).operator co_await();
    const auto start = now();
    co_await awaiter;
    CHECK(now() == start + 1h);
    const auto turns = rondo::get_running_loop().metrics().turns;
    co_await awaiter;
    CHECK(rondo::get_running_loop().metrics().turns == turns + 1);
    CHECK(now() == start + 1h);
}

TEST_CASE("a sleep of no number is an error", "[loop][sleep][b194]") {
    const std::chrono::duration<double> no_number(std::nan(""));
    CHECK_THROWS_AS(rondo::sleep(no_number), std::invalid_argument);
}

ASYNC_TEST_CASE("sleep_until wakes at its deadline, or yields if that is past", "[loop][sleep]") {
    const auto start = now();
    co_await rondo::sleep_until(start + 1h);
    CHECK(now() - start == 1h);
    const auto turns = rondo::get_running_loop().metrics().turns;
    co_await rondo::sleep_until(start);
    co_await rondo::sleep_until(rondo::Clock::time_point::min());
    CHECK(rondo::get_running_loop().metrics().turns == turns + 2);
    CHECK(now() - start == 1h);
}

ASYNC_TEST_CASE("sleeps of any size can be cancelled", "[loop][sleep][b50]") {
    std::vector<rondo::Task<>> tasks;
    const auto nap = [](auto duration) -> Coro<> { co_await rondo::sleep(duration); };
    tasks.push_back(rondo::create_task(nap(std::chrono::hours::max())));
    tasks.push_back(rondo::create_task(nap(std::chrono::nanoseconds::max())));
    tasks.push_back(rondo::create_task(
        nap(std::chrono::duration<double>(std::numeric_limits<double>::infinity()))));
    tasks.push_back(rondo::create_task(
        []() -> Coro<> { co_await rondo::sleep_until(rondo::Clock::time_point::max()); }));
    co_await rondo::sleep(100 * 365 * 24h);
    for (const auto& task : tasks) {
        CHECK_FALSE(task.done());
        task.cancel();
    }
    for (const auto& task : tasks) {
        co_await done(task);
        CHECK(task.cancelled());
    }
    CHECK(rondo::get_running_loop().metrics().timers == 0);
}

ASYNC_TEST_CASE("cancelling a sleep ends it at once, its timer gone", "[loop][sleep][cancel]") {
    const auto start = now();
    auto task = rondo::create_task([]() -> Coro<> { co_await rondo::sleep(1h); });
    co_await rondo::sleep(1s);
    task.cancel("enough");
    CHECK(rondo::get_running_loop().metrics().timers == 0);
    std::string message;
    try {
        co_await task;
    } catch (const rondo::CancelledError& error) {
        message = error.message();
    }
    CHECK(message == "enough");
    CHECK(now() - start == 1s);
}

TEST_CASE("a sleep that has ended can be cancelled until its task goes on",
          "[loop][sleep][cancel][b159]") {
    const auto main = []() -> Coro<> {
        rondo::EventLoop& loop = rondo::get_running_loop();
        auto task = rondo::create_task([]() -> Coro<> { co_await rondo::sleep(1s); });
        bool timer_was_gone = false;
        // Started before the sleep, so that it comes first in the same turn.
        loop.call_later(1s, [&] {
            timer_was_gone = loop.metrics().timers == 1; // main's own is left
            CHECK_FALSE(task.done());
            task.cancel();
        });
        co_await rondo::sleep(2s);
        CHECK(timer_was_gone);
        CHECK(task.cancelled());
    };
    run_in_order(main);
}

ASYNC_TEST_CASE("a yield can be cancelled", "[loop][sleep][cancel][b160]") {
    int yields = 0;
    auto task = rondo::create_task(
        [](int& count) -> Coro<> {
            for (;;) {
                co_await rondo::sleep(0s);
                ++count;
            }
        },
        std::ref(yields));
    while (yields < 3) {
        co_await rondo::sleep(0s);
    }
    task.cancel();
    co_await done(task);
    CHECK(task.cancelled());
}

TEST_CASE("a sleep for which there is no memory says so", "[loop][sleep][memory]") {
    const auto main = []() -> Coro<bool> {
        bool said = false;
        {
            const rondo_test::NoMemory no_memory;
            try {
                co_await rondo::sleep(1s); // the first timer of this loop
            } catch (const std::bad_alloc&) {
                said = true;
            }
        }
        co_await rondo::sleep(1s);
        co_return said;
    };
    CHECK(rondo::testing::run(main));
}

ASYNC_TEST_CASE("a hundred thousand tasks sleep for random times", "[loop][sleep][slow]") {
    constexpr int count = 100'000;
    std::mt19937 random(7); // NOLINT: the same times in every run
    std::uniform_int_distribution<int> milliseconds(0, 1000);
    const auto start = now();
    rondo::Clock::time_point latest = start;
    int woken = 0;
    int late = 0;
    rondo::Clock::time_point last_wake = start;
    int out_of_order = 0;
    std::vector<rondo::Task<>> tasks;
    tasks.reserve(count);
    const auto nap = [&](std::chrono::milliseconds duration) -> Coro<> {
        const auto deadline = now() + duration;
        co_await rondo::sleep(duration);
        late += now() != deadline;
        out_of_order += now() < last_wake;
        last_wake = now();
        ++woken;
    };
    for (int number = 0; number < count; ++number) {
        const std::chrono::milliseconds duration(milliseconds(random));
        latest = std::max(latest, start + duration);
        tasks.push_back(rondo::create_task(nap(duration)));
    }
    for (const auto& task : tasks) {
        co_await task;
    }
    CHECK(woken == count);
    CHECK(late == 0);
    CHECK(out_of_order == 0);
    CHECK(now() == latest);
}

ASYNC_TEST_CASE("a hundred thousand tasks are cancelled in their sleep",
                "[loop][sleep][cancel][slow]") {
    constexpr int count = 100'000;
    int cleaned_up = 0;
    const auto nap = [&]() -> Coro<> {
        try {
            co_await rondo::sleep(1h);
        } catch (const rondo::CancelledError&) {
            ++cleaned_up;
            throw;
        }
    };
    std::vector<rondo::Task<>> tasks;
    tasks.reserve(count);
    for (int number = 0; number < count; ++number) {
        tasks.push_back(rondo::create_task(nap()));
    }
    while (rondo::get_running_loop().metrics().timers != count) {
        co_await rondo::sleep(0s);
    }
    const auto start = now();
    for (const auto& task : tasks) {
        task.cancel();
    }
    CHECK(rondo::get_running_loop().metrics().timers == 0);
    while (rondo::get_running_loop().metrics().tasks_alive != 1) {
        co_await rondo::sleep(0s);
    }
    CHECK(cleaned_up == count);
    CHECK(now() == start);
    for (const auto& task : tasks) {
        REQUIRE(task.cancelled());
    }
}
