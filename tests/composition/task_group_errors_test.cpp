// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Task groups in which something fails or which are cancelled from outside, and both at once.

#include <rondo/task_group.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/exception_group.hpp>
#include <rondo/future.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "composition/outcomes.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::ExceptionGroup;
using rondo::sleep;
using rondo::Task;
using rondo::task_group;
using rondo::TaskGroup;
using rondo::TaskOptions;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

constexpr TaskOptions eager{.eager_start = true};

/// Runs something in a task of its own and cancels that after a while. Gives how it ended.
template <class T>
Coro<std::string> cancelled_after(rondo::Clock::duration time, Coro<T> coro) {
    auto task = create_task(outcome_of(std::move(coro)));
    co_await sleep(time);
    task.cancel("stop");
    co_return co_await std::move(task);
}

} // namespace

// Failures

ASYNC_TEST_CASE("a failing member cancels the others, which are waited for, and the group throws",
                "[composition][task_group][b294]") {
    std::string entry;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(fail("first", 2s));
        group.create_task(diary(entry, 3s));
        co_return;
    };
    const auto before = now();
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[first]");
    REQUIRE(entry == "sibling_failed::cleaned");
    REQUIRE(now() - before == 5s);
    REQUIRE(rondo::current_task().cancelling() == 0);
    REQUIRE(rondo::all_tasks().size() == 1);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a failing member interrupts the body where it waits",
                "[composition][task_group][b295]") {
    std::string entry;
    const auto body = [&](TaskGroup& group) -> Coro<int> {
        group.create_task(fail("first", 2s));
        co_await diary(entry);
        co_return 1;
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[first]");
    REQUIRE(entry == "sibling_failed::cleaned");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a body that awaits the failing member is interrupted, and fails no second time",
                "[composition][task_group][b295]") {
    const auto body = [](TaskGroup& group) -> Coro<int> {
        auto child = group.create_task(fail("first", 2s));
        co_return co_await child;
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[first]");
}

ASYNC_TEST_CASE("several failures are in the group in order of time, with the body's among them, "
                "and cancelled members are not",
                "[composition][task_group][b296]") {
    std::string entry;
    std::vector<std::string> names;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(answer_with("slow to answer", 3s), TaskOptions{.name = "slow"});
        group.create_task(answer_with("quick to answer", 1s), TaskOptions{.name = "quick"});
        group.create_task(diary(entry, 1s));
        group.create_task(fail("first", 1s), TaskOptions{.name = "culprit"});
        co_await answer_with("the body's answer", 2s);
    };
    try {
        co_await task_group(body);
        FAIL("it has failed");
    } catch (const ExceptionGroup& group) {
        for (const ExceptionGroup::Member& member : group.members()) {
            names.push_back(member.task + ": " + text_of(member.exception));
        }
    }
    REQUIRE(names == std::vector<std::string>{"culprit: first", "quick: quick to answer",
                                              "the body: the body's answer",
                                              "slow: slow to answer"});
    REQUIRE(rondo::current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("an exception in the body cancels all members, and is in the group",
                "[composition][task_group][b297]") {
    std::string entry;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(diary(entry, 1s));
        co_await sleep(1s);
        throw Broken("the body");
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[the body]");
    REQUIRE(entry == "sibling_failed::cleaned");
}

ASYNC_TEST_CASE("a body that fails before members have started: they never run",
                "[composition][task_group][b298]") {
    bool ran = false;
    std::optional<Task<>> child;
    const auto member = [&](Tracked) -> Coro<> {
        ran = true;
        co_return;
    };
    const LeakCheck leaks;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        child = group.create_task(member(Tracked()));
        throw Broken("the body");
        co_return;
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[the body]");
    REQUIRE_FALSE(ran);
    REQUIRE(child->cancelled());
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("a body that throws before it is a coroutine fails its group",
                "[composition][task_group][b297]") {
    const auto body = [](TaskGroup&) -> Coro<> { throw Broken("the call"); };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[the call]");
}

ASYNC_TEST_CASE("an eager member that fails at once fails the group", "[composition][task_group]") {
    std::string entry;
    std::string refused;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(diary(entry), eager);
        group.create_task(fail("at once"), eager);
        try {
            group.create_task(nap(1s));
        } catch (const rondo::LoopError& error) {
            refused = error.what();
        }
        co_await sleep(1h);
    };
    const auto before = now();
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[at once]");
    REQUIRE(entry == "sibling_failed::cleaned");
    REQUIRE_THAT(refused, Catch::Matchers::Contains("shutting down"));
    REQUIRE(now() == before);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a failure while a group is ended early is thrown", "[composition][task_group]") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(answer_with("on the way"));
        co_await sleep(1s);
        group.cancel();
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[on the way]");
    co_await sleep(1s);
}

ASYNC_TEST_CASE("anything can be thrown: an int is in the group, too",
                "[composition][task_group][b309]") {
    const auto throw_42 = []() -> Coro<> {
        co_await sleep(1s);
        throw 42;
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(throw_42());
        co_return;
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[int 42]");
}

ASYNC_TEST_CASE("clean-up in the body that fails after a member has: both are in the group",
                "[composition][task_group][b310]") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail("member", 1s));
        auto outcome = co_await rondo::as_result(sleep(1h));
        if (outcome.cancelled()) {
            throw Broken("clean-up");
        }
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[member, clean-up]");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("an inner group that fails is nested in the outer one's failures",
                "[composition][task_group][nested][b303]") {
    std::string entry;
    const auto inner = [](TaskGroup& group) -> Coro<> {
        group.create_task(fail("inner 1", 1s));
        group.create_task(answer_with("inner 2"));
        co_return;
    };
    const auto outer = [&](TaskGroup& group) -> Coro<> {
        group.create_task(diary(entry));
        group.create_task(task_group(inner));
        co_await answer_with("outer");
    };
    const std::string outcome = co_await outcome_of(task_group(outer));
    REQUIRE((outcome == "[[inner 1, inner 2], outer]"));
    REQUIRE(entry == "sibling_failed::cleaned");
    REQUIRE(rondo::current_task().cancelling() == 0);
}

// Cancellation from outside

ASYNC_TEST_CASE("cancelling while the children are waited for cancels and awaits them all",
                "[composition][task_group][cancel][b299]") {
    std::string entries[2];
    const auto body = [&](TaskGroup& group) -> Coro<int> {
        group.create_task(diary(entries[0], 1s));
        group.create_task(diary(entries[1], 2s));
        co_return 1;
    };
    const auto before = now();
    const std::string outcome = co_await cancelled_after(1s, task_group(body));
    REQUIRE(outcome == "user:stop");
    REQUIRE(entries[0] == "user::cleaned");
    REQUIRE(entries[1] == "user::cleaned");
    REQUIRE(now() - before == 3s);
}

ASYNC_TEST_CASE("cancelling while the body runs cancels body and children",
                "[composition][task_group][cancel][b300]") {
    std::string entries[2];
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(diary(entries[0], 1s));
        co_await diary(entries[1], 1s);
    };
    const std::string outcome = co_await cancelled_after(1s, task_group(body));
    REQUIRE(outcome == "user:stop");
    REQUIRE(entries[0] == "user::cleaned");
    REQUIRE(entries[1] == "user:stop:cleaned");
}

ASYNC_TEST_CASE("a body that swallows the cancellation goes on, and its children with it",
                "[composition][task_group][cancel]") {
    const auto body = [](TaskGroup& group) -> Coro<int> {
        auto child = group.create_task(number(5, 10s));
        auto slept = co_await rondo::as_result(sleep(1h));
        co_return co_await child;
    };
    auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel();
    const int five = co_await task;
    REQUIRE(five == 5);
    REQUIRE(task.cancelling() == 1);
}

ASYNC_TEST_CASE("members that fail when they are cancelled from outside: their failures are "
                "thrown, and the cancellation is delivered again",
                "[composition][task_group][cancel][b301][b321]") {
    for (const bool body_runs : {false, true}) {
        std::string outcome;
        std::string next;
        const auto body = [&](TaskGroup& group) -> Coro<> {
            group.create_task(answer_with("member", 1s));
            if (body_runs) {
                co_await sleep(1h);
            }
        };
        const auto whole = [&]() -> Coro<> {
            outcome = co_await outcome_of(task_group(body));
            next = co_await outcome_of(nap(1s));
            co_await sleep(1s); // delivered once
        };
        auto task = create_task(whole());
        co_await sleep(1s);
        task.cancel("stop");
        co_await task;
        REQUIRE(outcome == "[member]");
        REQUIRE(next == "user:stop");
        REQUIRE(task.cancelling() == 1);
    }
}

ASYNC_TEST_CASE("a body that turns the cancellation into another exception: it is in a group",
                "[composition][task_group][cancel][b302]") {
    const auto body = [](TaskGroup&) -> Coro<> { co_await answer_with("turned"); };
    const std::string outcome = co_await cancelled_after(1s, task_group(body));
    REQUIRE(outcome == "[turned]");
}

ASYNC_TEST_CASE("a cancellation from outside is not dropped when a failure cancels the body too",
                "[composition][task_group][cancel][b321]") {
    for (const bool failure_first : {false, true}) {
        std::string outcome;
        std::string next;
        const auto body = [&](TaskGroup& group) -> Coro<> {
            group.create_task(fail("member", failure_first ? 1s : 2s));
            auto slept = co_await rondo::as_result(sleep(1h));
            REQUIRE(slept.cancelled());
            co_await sleep(1h); // the second one comes here
        };
        const auto whole = [&]() -> Coro<> {
            outcome = co_await outcome_of(task_group(body));
            next = co_await outcome_of(nap(1s));
            co_await sleep(1s);
        };
        auto task = create_task(whole());
        co_await sleep(failure_first ? 2s : 1s);
        task.cancel("stop");
        co_await task;
        REQUIRE(outcome == "[member]");
        // The reason is that of the latest request.
        REQUIRE(next == (failure_first ? "user:stop" : "sibling_failed:"));
        REQUIRE(task.cancelling() == 1);
    }
}

ASYNC_TEST_CASE("a cancellation in the turn of cancel() is not the group's to absorb",
                "[composition][task_group][cancel][b321]") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task([&group]() -> Coro<> {
            co_await sleep(1s);
            group.cancel();
        });
        co_await sleep(1h);
    };
    auto task = create_task(task_group(body));
    co_await let_others_run();
    const OnDeadline both(1s, [&] { task.cancel("stop"); });
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome.substr(0, 5) == "user:");
    REQUIRE(task.cancelled());
    REQUIRE(task.cancelling() == 1);
}

ASYNC_TEST_CASE("known flaw 9: a limit around a nested group is never swallowed by the groups",
                "[flaw9][composition][task_group][timeout][nested][cancel]") {
    const auto inner = [](TaskGroup& group) -> Coro<> {
        group.create_task([&group]() -> Coro<> {
            auto slept = co_await rondo::as_result(sleep(1h));
            group.cancel(); // the limit has run out by now
        });
        co_await sleep(1h);
    };
    const auto outer = [&](TaskGroup& group) -> Coro<> {
        co_await task_group(inner);
        group.cancel();
    };
    const std::string outcome = co_await outcome_of(rondo::wait_for(task_group(outer), 1s));
    REQUIRE(outcome == timed_out);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("uncancel() does not call back a cancellation that has reached the members",
                "[composition][task_group][cancel]") {
    std::string entry;
    const auto body = [&](TaskGroup& group) -> Coro<int> {
        group.create_task(diary(entry, 1s));
        co_return 1;
    };
    auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel("stop");
    REQUIRE(task.uncancel() == 0);
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(entry == "user::cleaned");
    REQUIRE(outcome == "user:stop");
}

ASYNC_TEST_CASE("a second cancellation reaches children that clean up, or have swallowed the first",
                "[composition][task_group][cancel]") {
    std::string entry;
    const auto stubborn = [&]() -> Coro<> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_await diary(entry);
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(stubborn());
        co_return;
    };
    auto task = create_task(task_group(body));
    co_await sleep(1s);
    task.cancel("first");
    co_await sleep(1s);
    REQUIRE_FALSE(task.done());
    task.cancel("second");
    co_await sleep(1s);
    REQUIRE(entry == "user::cleaned");
    REQUIRE(task.cancelled());
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "user:second");
}

ASYNC_TEST_CASE("a child that a failure did not stop can be stopped from outside",
                "[composition][task_group][cancel]") {
    std::string entry;
    std::string outcome;
    const auto stubborn = [&]() -> Coro<> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_await diary(entry);
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(stubborn());
        group.create_task(fail("member", 1s));
        co_return;
    };
    outcome = co_await outcome_of(rondo::wait_for(outcome_of(task_group(body)), 5s));
    REQUIRE(entry == "timeout::cleaned");
    REQUIRE(outcome == "value"); // the failures, which outcome_of() gave as a text
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a limit around a group whose members fail when they are cancelled: their failures "
                "are thrown",
                "[composition][task_group][timeout][b278]") {
    const auto body = [](TaskGroup& group) -> Coro<> {
        group.create_task(answer_with("one", 1s));
        group.create_task(answer_with("two", 2s));
        co_await sleep(1h);
    };
    rondo::Timeout limit(now() + 1s);
    const auto limited = [&]() -> Coro<> { co_await task_group(body); };
    const std::string outcome = co_await outcome_of(rondo::timeout(limit, limited));
    REQUIRE(outcome == "[one, two]");
    REQUIRE(limit.expired());
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s); // the limit's request is not delivered again
}

ASYNC_TEST_CASE("a failure that there is no memory to note is thrown all the same",
                "[composition][task_group][memory]") {
    rondo::Future<> fails;
    const auto member = [&]() -> Coro<> { co_await fails; };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(member);
        co_await sleep(1s);
    };
    auto task = create_task([&]() -> Coro<> { co_await task_group(body); });
    co_await sleep(1ms);
    fails.set_exception(std::runtime_error("the failure"));
    std::optional<rondo_test::NoMemory> none;
    none.emplace();
    co_await sleep(0s);
    co_await sleep(0s);
    none.reset();
    std::string what;
    try {
        co_await task;
    } catch (const std::exception& error) {
        what = error.what();
    }
    CHECK(what.find("the failure") != std::string::npos);
}
