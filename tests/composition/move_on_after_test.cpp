// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/timeout.hpp>

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>

#include "composition/cancel_sweep.hpp"
#include "composition/outcomes.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <variant>

using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::move_on_after;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

static_assert(
    std::same_as<decltype(move_on_after(1s, std::declval<Coro<int>>())), Coro<std::optional<int>>>);
static_assert(
    std::same_as<decltype(move_on_after(1s, sleep(1s))), Coro<std::optional<std::monostate>>>);
static_assert(std::same_as<decltype(move_on_after(1s, std::declval<Coro<int> (*)()>())),
                           Coro<std::optional<int>>>);

Coro<MoveOnly> move_only(int value) {
    co_await sleep(1s);
    co_return MoveOnly(value);
}

} // namespace

ASYNC_TEST_CASE("known flaw 11: move_on_after gives a value in time, and nothing if time runs out",
                "[flaw11][composition][move_on_after]") {
    auto in_time = co_await move_on_after(2s, number(1, 1s));
    REQUIRE(in_time == 1);
    auto none = co_await move_on_after(2s, sleep(1s));
    REQUIRE(none.has_value());
    auto only = co_await move_on_after(2s, move_only(3));
    REQUIRE(only->number() == 3);
    const auto before = now();
    auto late = co_await move_on_after(2s, number(1, 3s));
    REQUIRE_FALSE(late.has_value());
    auto late_sleep = co_await move_on_after(2s, sleep(3s));
    REQUIRE_FALSE(late_sleep.has_value());
    REQUIRE(now() - before == 4s);
    REQUIRE(rondo::current_task().cancelling() == 0);
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("move_on_after limits a body, which may move its limit",
                "[composition][move_on_after]") {
    const auto plain = [] { return move_only(5); };
    auto five = co_await move_on_after(2s, plain);
    REQUIRE(five->number() == 5);
    const auto moves = [](rondo::Timeout& limit) -> Coro<int> {
        limit.reschedule(now() + 10s);
        co_await sleep(5s);
        co_return 6;
    };
    auto six = co_await move_on_after(2s, moves);
    REQUIRE(six == 6);
    std::string entry;
    const auto late = [&] { return diary(entry, 1s); };
    auto none = co_await move_on_after(2s, late);
    REQUIRE_FALSE(none.has_value());
    REQUIRE(entry == "timeout::cleaned"); // it has ended
}

ASYNC_TEST_CASE("move_on_after passes on what is thrown, a TimeoutError of the body's own too",
                "[composition][move_on_after]") {
    const std::string broken = co_await outcome_of(move_on_after(2s, fail("at work", 1s)));
    REQUIRE(broken == "at work");
    const std::string inner =
        co_await outcome_of(move_on_after(5s, rondo::wait_for(sleep(1h), 1s)));
    REQUIRE(inner == timed_out);
    const std::string answer = co_await outcome_of(move_on_after(2s, answer_with("answer", 1s)));
    REQUIRE(answer == "answer");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a task that is given to move_on_after keeps its result for others",
                "[composition][move_on_after]") {
    const auto text = []() -> Coro<std::string> {
        co_await sleep(1s);
        co_return "a text that is too long for the small string";
    };
    auto task = create_task(text());
    auto first = co_await move_on_after(5s, task);
    REQUIRE(first == "a text that is too long for the small string");
    REQUIRE(task.result() == *first);
    auto again = co_await move_on_after(0s, task); // done: no time is needed
    REQUIRE(again == first);
    auto late = create_task(nap(1h));
    auto none = co_await move_on_after(1s, late);
    REQUIRE_FALSE(none.has_value());
    REQUIRE(late.cancelled());
}

ASYNC_TEST_CASE("with no time left the outcome of what is done is given, a cancellation too",
                "[composition][move_on_after]") {
    auto cancelled = create_task(nap(1h));
    cancelled.cancel("before");
    auto failed = create_task(fail("failed"));
    auto only = create_task(move_only(4));
    co_await sleep(2s);
    for (const auto limit : {0s, -1s}) {
        const std::string of_cancelled = co_await outcome_of(move_on_after(limit, cancelled));
        REQUIRE(of_cancelled == "user:before");
        const std::string of_failed = co_await outcome_of(move_on_after(limit, failed));
        REQUIRE(of_failed == "failed");
        REQUIRE(rondo::current_task().cancelling() == 0);
    }
    auto moved = co_await move_on_after(0s, only);
    REQUIRE(moved->number() == 4);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("known flaw 8: a task's result that comes together with the time-out is given",
                "[flaw8][composition][move_on_after]") {
    const Future<std::string> copied;
    const Future<MoveOnly> moved;
    const Future<> nothing;
    const Future<int> failed;
    const OnDeadline set(1s, [&] { copied.set_result("in time"); });
    auto first = co_await move_on_after(1s, copied);
    REQUIRE(first == "in time");
    const OnDeadline set_moved(1s, [&] { moved.set_result(MoveOnly(3)); });
    auto second = co_await move_on_after(1s, moved);
    REQUIRE(second->number() == 3);
    const OnDeadline set_nothing(1s, [&] { nothing.set_result(); });
    auto third = co_await move_on_after(1s, nothing);
    REQUIRE(third.has_value());
    const OnDeadline set_failed(1s, [&] { failed.set_exception(Broken("both")); });
    const std::string fourth = co_await outcome_of(move_on_after(1s, failed));
    REQUIRE(fourth == "both");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a cancellation from outside is no time-out, also in the same turn",
                "[composition][move_on_after][cancel]") {
    for (const auto when : {500ms, 1000ms}) {
        bool went_on = false;
        const auto body = [&]() -> Coro<> {
            co_await move_on_after(1s, sleep(1h));
            went_on = true;
        };
        auto task = create_task(body());
        co_await let_others_run();
        const OnDeadline cancel(when, [&] { task.cancel("stop"); });
        const std::string outcome = co_await outcome_of(task);
        REQUIRE_FALSE(went_on);
        REQUIRE(task.cancelled());
        REQUIRE(task.cancelling() == 1);
    }
}

namespace {

struct QuietWork {
    rondo::Semaphore semaphore{1};
    bool finished = false;

    Coro<> victim() {
        const Tracked luggage;
        for (int i = 0; i < 4; ++i) {
            auto permit = co_await move_on_after(i * 1ms, semaphore.acquire());
            co_await sleep(0s);
        }
        CHECK(rondo::current_task().cancelling() == 0);
        co_await move_on_after(2ms, create_task(nap(1ms)));
        finished = true;
    }
    Coro<> others() {
        for (int i = 0; i < 3; ++i) {
            auto permit = co_await semaphore.acquire();
            co_await sleep(1ms);
        }
    }
    void check(const Task<>& task) const {
        REQUIRE(semaphore.value() == 1);
        REQUIRE((finished || task.cancelled()));
    }
};

} // namespace

TEST_CASE("wherever a task that moves on is cancelled, nothing is left behind",
          "[composition][move_on_after][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<QuietWork>();
    REQUIRE(report.moments >= 4);
    REQUIRE(report.cancelled >= report.moments);
}
