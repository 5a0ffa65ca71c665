// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/event.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"
#include "sync/tasks.hpp"

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using rondo::Coro;
using rondo::create_task;
using rondo::Event;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

static_assert(std::is_nothrow_default_constructible_v<Event>);
static_assert(!std::is_copy_constructible_v<Event>);
static_assert(!std::is_move_constructible_v<Event>);
static_assert(!rondo::Awaitable<Event>);

Coro<> wait_and_note(Event& event, std::string& log, char name) {
    co_await event.wait();
    log += name;
}

} // namespace

ASYNC_TEST_CASE("a new event is not set; set and clear change that", "[sync][event]") {
    Event event;
    REQUIRE_FALSE(event.is_set());
    event.clear();
    REQUIRE_FALSE(event.is_set());
    event.set();
    event.set();
    REQUIRE(event.is_set());
    event.clear();
    REQUIRE_FALSE(event.is_set());
    co_return;
}

TEST_CASE("set() wakes all who wait, in the order in which they came, and runs nobody",
          "[sync][event][b337]") {
    run_in_order([]() -> Coro<> {
        Event event;
        std::string log;
        std::vector<Task<>> tasks;
        for (char name = 'a'; name <= 'e'; ++name) {
            tasks.push_back(create_task(wait_and_note(event, log, name)));
        }
        co_await let_others_run();
        REQUIRE(log.empty());
        REQUIRE(tasks[0].describe_wait() == "Event::wait");
        event.set();
        REQUIRE(log.empty());
        co_await sleep(0s);
        REQUIRE(log == "abcde"); // in one turn
    });
}

TEST_CASE("wait() on a set event goes on at once, ahead of those who are being woken",
          "[sync][event][b338]") {
    run_in_order([]() -> Coro<> {
        Event event;
        std::string log;
        auto first = create_task(wait_and_note(event, log, 'a'));
        co_await let_others_run();
        event.set();
        const auto turns = rondo::get_running_loop().metrics().turns;
        const std::size_t allocations = allocation_count();
        co_await event.wait();
        co_await event.wait();
        REQUIRE(allocation_count() == allocations);
        REQUIRE(rondo::get_running_loop().metrics().turns == turns);
        log += 'n';
        co_await first;
        REQUIRE(log == "na");
    });
}

ASYNC_TEST_CASE("those who wait when the event is set are woken though it is cleared at once",
                "[flaw16][sync][event][b341]") {
    Event event;
    std::string log;
    auto first = create_task(wait_and_note(event, log, 'a'));
    auto second = create_task(wait_and_note(event, log, 'a'));
    co_await let_others_run();
    event.set();
    event.clear();
    auto late = create_task(wait_and_note(event, log, 'l'));
    co_await let_others_run();
    REQUIRE(log == "aa"); // once each, and not the one that came later
    REQUIRE(first.done());
    REQUIRE(second.done());
    REQUIRE_FALSE(late.done());
    event.set();
    co_await late;
    REQUIRE(log == "aal");
}

ASYNC_TEST_CASE("set() twice before the woken have run wakes each of them once", "[sync][event]") {
    Event event;
    int rounds = 0;
    const auto body = [&]() -> Coro<> {
        for (;;) {
            co_await event.wait();
            event.clear();
            ++rounds;
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    event.set();
    event.clear();
    event.set();
    event.clear();
    co_await let_others_run();
    REQUIRE(rounds == 1);
    task.cancel();
    co_await end_of(task);
}

ASYNC_TEST_CASE("a task that is cancelled while it waits for an event leaves the queue",
                "[sync][event][cancel]") {
    Event event;
    std::string log;
    auto a = create_task(wait_and_note(event, log, 'a'));
    auto b = create_task(wait_and_note(event, log, 'b'));
    co_await let_others_run();
    a.cancel("enough");
    event.set(); // a has not run since it was cancelled
    co_await end_of(a);
    co_await b;
    REQUIRE(cancel_message(a) == "enough");
    REQUIRE(log == "b");
}

ASYNC_TEST_CASE("a task that is cancelled after the event was set is cancelled",
                "[sync][event][cancel]") {
    Event event;
    std::string log;
    auto task = create_task(wait_and_note(event, log, 'a'));
    co_await let_others_run();
    event.set();
    task.cancel();
    co_await end_of(task);
    REQUIRE(task.cancelled());
    REQUIRE(log.empty());
    REQUIRE(event.is_set()); // a flag is nobody's: there is nothing to hand on
}

ASYNC_TEST_CASE(
    "a task with a cancellation pending does not wait for an event, nor is it cancelled "
    "at one that is set",
    "[sync][event][cancel]") {
    Event event;
    bool passed = false;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel();
        if (event.is_set()) {
            co_await event.wait();
            passed = true;
        }
        event.clear();
        co_await event.wait();
        FAIL_CHECK("was not cancelled");
    };
    for (int i = 0; i < 2; ++i) {
        auto task = create_task(body());
        co_await end_of(task);
        REQUIRE(task.cancelled());
        REQUIRE(passed == (i == 1));
        event.set();
    }
}

ASYNC_TEST_CASE("wait_for on an event ends in time, or with the event", "[sync][event][cancel]") {
    Event event;
    bool timed_out = false;
    try {
        co_await rondo::wait_for(event.wait(), 1s);
    } catch (const rondo::TimeoutError&) {
        timed_out = true;
    }
    REQUIRE(timed_out);
    const auto set_later = [&]() -> Coro<> {
        co_await sleep(500ms);
        event.set();
    };
    auto setter = create_task(set_later());
    co_await rondo::wait_for(event.wait(), 1s);
    co_await setter;
}

ASYNC_TEST_CASE("as_result on an event gives success or a cancellation", "[sync][event][cancel]") {
    Event event;
    for (const bool set : {false, true}) {
        std::optional<bool> cancelled;
        const auto body = [&]() -> Coro<> {
            auto outcome = co_await rondo::as_result(event.wait());
            cancelled = outcome.cancelled();
        };
        auto task = create_task(body());
        co_await let_others_run();
        if (set) {
            event.set();
        } else {
            task.cancel();
        }
        co_await task;
        REQUIRE(cancelled == !set);
    }
}

ASYNC_TEST_CASE("an event that dies leaves its waiters, who can be cancelled",
                "[sync][event][cancel]") {
    std::string log;
    std::vector<Task<>> tasks;
    {
        Event event;
        for (const char name : {'a', 'b', 'c'}) {
            tasks.push_back(create_task(wait_and_note(event, log, name)));
        }
        co_await let_others_run();
    }
    for (const Task<>& task : tasks) {
        REQUIRE_FALSE(task.done());
        task.cancel();
        co_await end_of(task);
        REQUIRE(task.cancelled());
    }
    REQUIRE(log.empty());
}

TEST_CASE("a loop that is closed on those who wait for an event, or were woken, frees them",
          "[sync][event]") {
    Event event;
    const LeakCheck leaks;
    const auto waiter = [&](Tracked luggage) -> Coro<> {
        co_await event.wait();
        FAIL_CHECK("ran on, with " << luggage.number());
    };
    const auto body = [&]() -> Coro<> {
        (void)create_task(waiter(Tracked(1)));
        (void)create_task(waiter(Tracked(2)));
        co_await let_others_run();
    };
    run_and_close(body, [] {});
    run_and_close(body, [&] { event.set(); });
    REQUIRE(leaks.alive() == 0);
    event.set(); // nobody is left in the queue
}

ASYNC_TEST_CASE("waiting for an event allocates nothing", "[sync][event]") {
    Event ping;
    Event pong;
    const auto answer = [&]() -> Coro<> {
        for (int i = 0; i < 100; ++i) {
            co_await ping.wait();
            ping.clear();
            pong.set();
        }
    };
    auto other = create_task(answer());
    std::size_t allocations = 0;
    for (int i = 0; i < 100; ++i) {
        if (i == 10) {
            allocations = allocation_count();
        }
        ping.set();
        co_await pong.wait();
        pong.clear();
        if (i == 90) {
            allocations = allocation_count() - allocations;
        }
    }
    co_await other;
    REQUIRE(allocations == 0);
}

TEST_CASE("an event is waited for, set and left without memory", "[sync][event]") {
    std::string log;
    log.reserve(16);
    run_in_order([&]() -> Coro<> {
        Event event;
        auto task = create_task(wait_and_note(event, log, 'a'));
        const NoMemory none;
        co_await sleep(0s);
        event.set();
        co_await task;
    });
    REQUIRE(log == "a");
}

TEST_CASE("a hundred thousand waiters are woken in order", "[sync][event][slow]") {
    run_in_order([]() -> Coro<> {
        constexpr int count = 100'000;
        Event event;
        std::vector<int> order;
        order.reserve(count);
        const auto waiter = [&](int number) -> Coro<> {
            co_await event.wait();
            order.push_back(number);
        };
        std::vector<Coro<>> waiters;
        std::vector<int> expected;
        for (int i = 0; i < count; ++i) {
            waiters.push_back(waiter(i));
            expected.push_back(i);
        }
        auto all = create_task(rondo::gather(std::move(waiters)));
        co_await sleep(1s);
        REQUIRE(order.empty());
        event.set();
        co_await all;
        REQUIRE((order == expected));
    });
}

ASYNC_TEST_CASE("a hundred thousand waiters of an event are cancelled, half of them woken before",
                "[sync][event][cancel][slow]") {
    constexpr std::size_t count = 100'000;
    Event event;
    Event other;
    std::vector<Task<>> tasks;
    tasks.reserve(count);
    const auto waiter = [](Event& one) -> Coro<> {
        co_await one.wait();
        FAIL_CHECK("ran on");
    };
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(create_task(waiter(i % 2 == 0 ? event : other)));
    }
    co_await sleep(1s);
    event.set();
    for (std::size_t i = count; i > 0; --i) { // from the back: leaving takes the same time anywhere
        tasks[i - 1].cancel();
    }
    co_await sleep(1s);
    std::size_t cancelled = 0;
    for (const Task<>& task : tasks) {
        cancelled += task.cancelled() ? 1U : 0U;
    }
    REQUIRE(cancelled == count);
}

namespace {

/// The victim and another wait for each of three events in turn; one goes ahead and sets them.
struct ThreeEvents {
    Event events[3];
    int arrived = 0;

    Coro<> victim() {
        const Tracked luggage;
        co_await march();
    }
    Coro<> others() { co_await rondo::gather(march(), set_all()); }
    void check(const Task<>& task) const { REQUIRE(arrived == (task.cancelled() ? 1 : 2)); }

private:
    Coro<> march() {
        for (Event& event : events) {
            co_await event.wait();
        }
        ++arrived;
    }
    Coro<> set_all() {
        for (Event& event : events) {
            co_await sleep(1ms);
            event.set();
        }
    }
};

} // namespace

TEST_CASE("a waiter of events can be cancelled anywhere, and the others go on",
          "[sync][event][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<ThreeEvents>();
    REQUIRE(report.moments >= 3);
    REQUIRE(report.cancelled >= report.moments);
}
