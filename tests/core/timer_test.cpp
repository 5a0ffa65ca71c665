// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/timer.hpp>

#include <chrono>
#include <coroutine>
#include <memory>
#include <random>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <rondo/suspension.hpp>
#include <utility>
#include <vector>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

using rondo::Clock;
using rondo::Coro;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

class Alarm final : public rondo::Timer {
public:
    explicit Alarm(std::vector<int>& fired, int number = 0) : fired_(fired), number_(number) {}

private:
    void on_deadline() noexcept override { fired_.push_back(number_); }
    std::vector<int>& fired_;
    int number_;
};

Clock::time_point now() {
    return rondo::get_running_loop().time();
}

} // namespace

TEST_CASE("a timer needs a loop", "[core][timer]") {
    std::vector<int> fired;
    Alarm alarm(fired);
    REQUIRE_THROWS_AS(alarm.start(Clock::time_point()), rondo::LoopError);
    REQUIRE_FALSE(alarm.armed());
    alarm.cancel(); // no effect
}

ASYNC_TEST_CASE("a timer fires once at its deadline", "[core][timer]") {
    std::vector<int> fired;
    Alarm alarm(fired);
    const Clock::time_point deadline = now() + 10s;
    alarm.start(deadline);
    REQUIRE(alarm.armed());
    REQUIRE(alarm.deadline() == deadline);
    co_await sleep(10s - 1ns);
    REQUIRE(fired.empty());
    co_await sleep(1ns);
    co_await let_others_run();
    REQUIRE(fired.size() == 1);
    REQUIRE_FALSE(alarm.armed());
    co_await sleep(1h);
    REQUIRE(fired.size() == 1);
}

ASYNC_TEST_CASE("a timer is stopped, started anew, and stopped by its destructor",
                "[core][timer]") {
    std::vector<int> fired;
    {
        Alarm stopped(fired, 1);
        stopped.start(now() + 1s);
        stopped.cancel();
        REQUIRE_FALSE(stopped.armed());
        Alarm again(fired, 2);
        again.start(now() + 1s);
        again.start(now() + 3s); // anew
        Alarm destroyed(fired, 3);
        destroyed.start(now() + 5s);
        co_await sleep(2s);
        REQUIRE(fired.empty());
        co_await sleep(2s);
        REQUIRE(fired == std::vector<int>{2});
    }
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
    co_await sleep(10s);
    REQUIRE(fired == std::vector<int>{2});
}

ASYNC_TEST_CASE("a timer with a deadline in the past fires in the next turn", "[core][timer]") {
    std::vector<int> fired;
    Alarm alarm(fired);
    alarm.start(now() - 1s);
    REQUIRE(fired.empty());
    co_await let_others_run();
    REQUIRE(fired.size() == 1);
}

ASYNC_TEST_CASE("timers with the same deadline fire in the order of their start", "[core][timer]") {
    std::vector<int> fired;
    std::vector<std::unique_ptr<Alarm>> alarms;
    std::vector<int> expected;
    const Clock::time_point deadline = now() + 1s;
    for (int i = 0; i < 100; ++i) {
        alarms.push_back(std::make_unique<Alarm>(fired, i));
        alarms.back()->start(deadline);
        expected.push_back(i);
    }
    co_await sleep(2s);
    REQUIRE(fired == expected);
}

ASYNC_TEST_CASE("a hundred thousand sleepers wake up on time", "[core][timer][slow]") {
    std::mt19937 random(3);
    int awake = 0;
    int late = 0;
    const auto sleeper = [&](std::chrono::milliseconds duration) -> Coro<> {
        const Clock::time_point due = now() + duration;
        co_await sleep(duration);
        ++awake;
        late += now() != due;
    };
    for (int i = 0; i < 100000; ++i) {
        static_cast<void>(
            rondo::create_task(sleeper(std::chrono::milliseconds(1 + random() % 1000))));
    }
    co_await sleep(2s);
    REQUIRE(awake == 100000);
    REQUIRE(late == 0);
}

TEST_CASE("a call_later that never comes due is released with the loop", "[core][timer]") {
    LeakCheck leaks;
    rondo::TimerHandle kept;
    rondo::testing::run([&]() -> Coro<> {
        rondo::get_running_loop().call_later(1h, [held = Tracked()] {});
        kept = rondo::get_running_loop().call_later(1h, [held = Tracked()] {});
        co_return;
    });
    REQUIRE(leaks.alive() == 0);
    kept.cancel();
}
