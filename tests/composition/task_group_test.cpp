// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Task groups that work, are cancelled or ended early; task_group_errors_test.cpp has those in
// which something fails.

#include <rondo/task_group.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
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
#include <concepts>
#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::LoopError;
using rondo::sleep;
using rondo::Task;
using rondo::task_group;
using rondo::TaskGroup;
using rondo::TaskOptions;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

using VoidBody = Coro<> (*)(TaskGroup&);

// b314: entered by task_group() alone, so that nobody can enter one twice; b323: its end is no
// destructor's business, since nobody can make or destroy one.
static_assert(!std::default_initializable<TaskGroup>);
static_assert(!std::destructible<TaskGroup>);
static_assert(!std::copy_constructible<TaskGroup> && !std::move_constructible<TaskGroup>);
static_assert(!std::is_copy_assignable_v<TaskGroup> && !std::is_move_assignable_v<TaskGroup>);
// Known flaw 12: a body is a Coro, so a generator cannot yield out of a group.
static_assert(!rondo::detail::BodyOf<int (*)(TaskGroup&), TaskGroup>);
static_assert(!rondo::detail::BodyOf<Coro<> (*)(), TaskGroup>);
static_assert(std::same_as<decltype(task_group(std::declval<VoidBody>())), Coro<>>);
static_assert(
    std::same_as<decltype(task_group(std::declval<Coro<int&> (*)(TaskGroup&)>())), Coro<int&>>);

constexpr TaskOptions eager{.eager_start = true};

} // namespace

// Results

ASYNC_TEST_CASE("a group ends when its body and all its children have ended",
                "[composition][task_group][b323]") {
    std::vector<int> ended;
    const auto child = [&](int number) -> Coro<> {
        co_await sleep(number * 1s);
        ended.push_back(number);
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        for (const int number : {3, 1, 2}) {
            group.create_task(child, number);
        }
        co_return;
    };
    const auto before = now();
    co_await task_group(body);
    REQUIRE(ended == std::vector<int>{1, 2, 3});
    REQUIRE(now() - before == 3s);
    REQUIRE(rondo::all_tasks().size() == 1);
    REQUIRE(rondo::current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("a group gives what its body returns: nothing, a value, a reference, what only "
                "moves",
                "[composition][task_group]") {
    int here = 0;
    const auto none = [](TaskGroup&) -> Coro<> { co_return; };
    const auto value = [](TaskGroup& group) -> Coro<int> {
        group.create_task(nap(1s));
        co_return 7;
    };
    const auto reference = [&](TaskGroup&) -> Coro<int&> { co_return here; };
    const auto move_only = [](TaskGroup& group) -> Coro<MoveOnly> {
        group.create_task(nap(1s));
        co_return MoveOnly(8);
    };
    co_await task_group(none);
    const int seven = co_await task_group(value);
    REQUIRE(seven == 7);
    int& there = co_await task_group(reference);
    REQUIRE(&there == &here);
    const MoveOnly eight = co_await task_group(move_only);
    REQUIRE(eight.number() == 8);
}

ASYNC_TEST_CASE("a group of nothing, and one whose children are done, take no turn of the loop",
                "[composition][task_group]") {
    const auto none = [](TaskGroup&) -> Coro<> { co_return; };
    const auto at_once = [](TaskGroup& group) -> Coro<int> {
        auto child = group.create_task(number(4), eager);
        co_return child.result();
    };
    const auto turns = rondo::get_running_loop().metrics().turns;
    co_await task_group(none);
    const int four = co_await task_group(at_once);
    REQUIRE(four == 4);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("children give their results by their handles, to the body and after the group",
                "[composition][task_group]") {
    std::optional<Task<int>> kept;
    const auto body = [&](TaskGroup& group) -> Coro<int> {
        auto first = group.create_task(number(1, 1s));
        kept = group.create_task(number(20, 2s));
        co_return co_await first;
    };
    const int one = co_await task_group(body);
    REQUIRE(one == 1);
    REQUIRE(kept->result() == 20);
}

ASYNC_TEST_CASE("a child may be a callable, which is kept with its arguments",
                "[composition][task_group]") {
    std::string text;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        const std::string captured = "a text that is too long for the small string";
        group.create_task(
            [&text, captured](std::string suffix) -> Coro<> {
                co_await sleep(1s);
                text = captured + suffix;
            },
            std::string("!"));
        co_return; // the lambda's temporary is gone before it runs
    };
    co_await task_group(body);
    REQUIRE(text == "a text that is too long for the small string!");
}

ASYNC_TEST_CASE("a child takes a name", "[composition][task_group][b316]") {
    const auto body = [](TaskGroup& group) -> Coro<std::string> {
        auto child = group.create_task(nap(0s), TaskOptions{.name = "worker"});
        co_return std::string(child.name());
    };
    const std::string name = co_await task_group(body);
    REQUIRE(name == "worker");
}

ASYNC_TEST_CASE("a body that is a lambda with captures is kept while it runs",
                "[composition][task_group]") {
    const LeakCheck leaks;
    const auto make = [] {
        const Tracked luggage(9);
        return task_group([luggage](TaskGroup&) -> Coro<int> {
            co_await sleep(1s);
            co_return luggage.number();
        });
    };
    const int nine = co_await make();
    REQUIRE(nine == 9);
    REQUIRE(leaks.alive() == 0);
}

// Who may create, and when

ASYNC_TEST_CASE("children start children, and those are waited for too",
                "[composition][task_group]") {
    int ended = 0;
    struct Tree {
        static Coro<> grow(TaskGroup& group, int depth, int& ended) {
            co_await sleep(1ms);
            for (int i = 0; i < 2 && depth > 0; ++i) {
                group.create_task(grow(group, depth - 1, ended));
            }
            ++ended;
        }
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(Tree::grow(group, 6, ended));
        co_return;
    };
    co_await task_group(body);
    REQUIRE(ended == 127);
    REQUIRE(rondo::all_tasks().size() == 1);
}

TEST_CASE("a child that is made when the last one has ended and the group has not yet is waited "
          "for",
          "[composition][task_group]") {
    run_in_order([]() -> Coro<> {
        TaskGroup* here = nullptr;
        bool late_ended = false;
        const Future<> last;
        const auto late = [&]() -> Coro<> {
            co_await sleep(1s);
            late_ended = true;
        };
        const auto wait = [](Future<> future) -> Coro<> { co_await future; };
        const auto body = [&](TaskGroup& group) -> Coro<> {
            here = &group;
            group.create_task(wait(last));
            co_return;
        };
        auto whole = create_task(task_group(body));
        co_await let_others_run();
        // The child runs before this task, which was queued behind it, and wakes the group behind
        // this one: nothing is left in the group now, and it has not ended.
        last.set_result();
        co_await sleep(0s);
        REQUIRE_FALSE(whole.done());
        here->create_task(late());
        co_await whole;
        REQUIRE(late_ended);
    });
}

ASYNC_TEST_CASE("a group that is shutting down takes no more children, and drops the coroutine",
                "[composition][task_group]") {
    const LeakCheck leaks;
    std::string refused;
    bool ran = false;
    const auto child = [&](Tracked) -> Coro<> {
        ran = true;
        co_return;
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.cancel();
        try {
            group.create_task(child(Tracked()));
        } catch (const LoopError& error) {
            refused = error.what();
        }
        REQUIRE_THROWS_AS(group.create_task(child, Tracked()), LoopError);
        co_return;
    };
    co_await task_group(body);
    REQUIRE_THAT(refused, Catch::Matchers::StartsWith("rondo: ") &&
                              Catch::Matchers::Contains("shutting down"));
    REQUIRE_FALSE(ran);
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("a group that is cancelled again stays as it is",
                "[composition][task_group][b319]") {
    std::string entry;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        auto child = group.create_task(diary(entry, 1s));
        co_await sleep(1s);
        group.cancel();
        group.cancel();
        REQUIRE(child.cancelling() == 1);
        auto outcome = co_await rondo::as_result(sleep(1h));
        REQUIRE(outcome.cancelled());
        group.cancel();
        REQUIRE(child.cancelling() == 1);
    };
    co_await task_group(body);
    REQUIRE(entry == "user::cleaned");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s); // nothing is pending
}

// Ending early

ASYNC_TEST_CASE("cancel() cancels members and body, and the block ends without an exception",
                "[composition][task_group][b319]") {
    std::string entries[2];
    bool body_went_on = false;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        for (std::string& entry : entries) {
            group.create_task(diary(entry, 1s));
        }
        group.create_task([&group]() -> Coro<> {
            co_await sleep(5s);
            group.cancel();
        });
        co_await sleep(1h);
        body_went_on = true;
    };
    const auto before = now();
    co_await task_group(body);
    REQUIRE_FALSE(body_went_on);
    REQUIRE(now() - before == 6s);
    REQUIRE(entries[0] == "user::cleaned");
    REQUIRE(entries[1] == "user::cleaned");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("cancel() after the body has ended cancels the children, and gives the result",
                "[composition][task_group][b319]") {
    std::string entry;
    const auto body = [&](TaskGroup& group) -> Coro<int> {
        group.create_task(diary(entry));
        group.create_task([&group]() -> Coro<> {
            co_await sleep(5s);
            group.cancel();
        });
        co_return 3;
    };
    const int three = co_await task_group(body);
    REQUIRE(three == 3);
    REQUIRE(entry == "user::cleaned");
}

ASYNC_TEST_CASE("a body that cancels its group and returns gives its result",
                "[composition][task_group][b319]") {
    bool ran = false;
    const auto child = [&]() -> Coro<> {
        ran = true;
        co_return;
    };
    const auto body = [&](TaskGroup& group) -> Coro<int> {
        group.create_task(child);
        group.cancel();
        co_return 3;
    };
    const int three = co_await task_group(body);
    REQUIRE(three == 3);
    REQUIRE_FALSE(ran);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a body that is cancelled by its group has no result to give",
                "[composition][task_group][b319]") {
    const auto body = [](TaskGroup& group) -> Coro<int> {
        group.cancel();
        co_await sleep(1h);
        co_return 3;
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "user:");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("an eager member that cancels its own group is itself cancelled",
                "[composition][task_group][b320]") {
    std::string entry;
    const auto child = [&](TaskGroup& group) -> Coro<> {
        group.cancel();
        co_await diary(entry);
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(child(group), eager);
        co_await sleep(1h);
    };
    const auto before = now();
    co_await task_group(body);
    REQUIRE(entry == "sibling_failed::cleaned");
    REQUIRE(now() == before);
    REQUIRE(rondo::current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("a member that is cancelled by itself does not disturb the group",
                "[composition][task_group][cancel][b293]") {
    std::string entry;
    bool other_ended = false;
    const auto other = [&]() -> Coro<> {
        co_await sleep(5s);
        other_ended = true;
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        auto child = group.create_task(diary(entry));
        group.create_task(other);
        co_await sleep(1s);
        child.cancel("you alone");
        co_await sleep(1s);
        REQUIRE(child.cancelled());
        group.create_task(nap(1s)); // it takes children still
    };
    co_await task_group(body);
    REQUIRE(entry == "user:you alone:cleaned");
    REQUIRE(other_ended);
}

ASYNC_TEST_CASE("a body that awaits a cancelled member takes the others down, for that reason",
                "[composition][task_group][cancel]") {
    const std::string earlier = co_await outcome_of(rondo::wait_for(sleep(2s), 1s));
    REQUIRE(earlier == timed_out); // and it is no reason of what comes
    std::string entry;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        auto child = group.create_task(nap(1h));
        group.create_task(diary(entry));
        co_await sleep(1s);
        child.cancel("you alone");
        co_await child;
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "user:you alone");
    REQUIRE(entry == "sibling_failed::cleaned");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

// Nesting, and limits around

ASYNC_TEST_CASE("a limit around a group cancels body and children, and waits for them",
                "[composition][task_group][timeout]") {
    std::string entries[2];
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(diary(entries[0], 3s));
        co_await diary(entries[1], 1s);
    };
    const auto before = now();
    const std::string outcome = co_await outcome_of(rondo::wait_for(task_group(body), 2s));
    REQUIRE(outcome == timed_out);
    REQUIRE(entries[0] == "timeout::cleaned");
    REQUIRE(entries[1] == "timeout::cleaned");
    REQUIRE(now() - before == 6s); // the children are told when the body has cleaned up
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("cancel() of an inner group leaves the outer one alone, and the reverse takes both",
                "[composition][task_group][nested][b319]") {
    std::string inner_entry;
    std::string outer_entry;
    TaskGroup* outer = nullptr;
    const auto inner_body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(diary(inner_entry));
        co_await sleep(1s);
        (inner_entry.empty() && outer_entry == "again" ? *outer : group).cancel();
        co_await sleep(1h);
    };
    const auto outer_body = [&](TaskGroup& group) -> Coro<> {
        outer = &group;
        co_await task_group(inner_body);
        REQUIRE(inner_entry == "user::cleaned");
        inner_entry.clear();
        outer_entry = "again";
        co_await task_group(inner_body);
        FAIL("the outer group has been cancelled");
    };
    const auto before = now();
    co_await task_group(outer_body);
    REQUIRE(inner_entry == "user::cleaned");
    REQUIRE(now() - before == 2s);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

// Memory, and the ends of other things

ASYNC_TEST_CASE("a member that has ended costs nothing more", "[composition][task_group][slow]") {
    constexpr int count = 100'000;
    constexpr int at_a_time = 100;
    int ended = 0;
    std::size_t most_tasks = 0;
    std::ptrdiff_t most_alive = 0;
    const LeakCheck leaks;
    const auto child = [&](Tracked) -> Coro<> {
        co_await sleep(1ms);
        ++ended;
    };
    std::size_t allocations = 0;
    const auto body = [&](TaskGroup& group) -> Coro<> {
        for (int made = 0; made < count; made += at_a_time) {
            if (made == 2 * at_a_time) {
                allocations = allocation_count();
            }
            for (int i = 0; i < at_a_time; ++i) {
                group.create_task(child(Tracked()));
            }
            co_await sleep(2ms);
            const std::size_t tasks = rondo::all_tasks().size();
            most_tasks = tasks > most_tasks ? tasks : most_tasks;
            most_alive = leaks.alive() > most_alive ? leaks.alive() : most_alive;
        }
        allocations = allocation_count() - allocations;
    };
    co_await task_group(body);
    REQUIRE(ended == count);
    REQUIRE(most_tasks == 1); // all members had ended, and the group was open
    REQUIRE(most_alive == 0);
    if (!RONDO_SANITIZED) { // there every frame is allocated
        REQUIRE(allocations <= count / at_a_time);
    } // those of all_tasks(): what members had is reused
}

ASYNC_TEST_CASE("a hundred thousand members run at once, and are cancelled at once",
                "[composition][task_group][cancel][slow]") {
    constexpr int count = 100'000;
    int cancelled = 0;
    const auto child = [&]() -> Coro<> {
        auto slept = co_await rondo::as_result(sleep(1h));
        cancelled += slept.cancelled() ? 1 : 0;
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        for (int i = 0; i < count; ++i) {
            group.create_task(child());
        }
        co_await sleep(1s);
        throw Broken();
    };
    const std::string outcome = co_await outcome_of(task_group(body));
    REQUIRE(outcome == "[broken]");
    REQUIRE(cancelled == count);
    REQUIRE(rondo::all_tasks().size() == 1);
}

ASYNC_TEST_CASE("a member for which there is no memory leaves nothing behind",
                "[composition][task_group]") {
    const LeakCheck leaks;
    int ran = 0;
    int failures = 0;
    const auto child = [&](Tracked) -> Coro<> {
        ++ran;
        co_await sleep(1s);
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        // Frames come from free lists, which these empty: so that the next one has to allocate.
        std::vector<Coro<>> hoard;
        for (int i = 0; i < 2'000; ++i) {
            hoard.push_back(child(Tracked()));
            hoard.push_back(nap(0s));
        }
        const TaskOptions named{.name = "a name that is too long for the small string"};
        for (std::size_t left = 0;; ++left) {
            Coro<> coro = child(Tracked());
            const std::size_t tasks = rondo::all_tasks().size();
            bool made = false;
            {
                const NoMemory none(left);
                try {
                    (void)group.create_task(std::move(coro), named);
                    made = true;
                } catch (const std::bad_alloc&) {
                    ++failures;
                }
            }
            REQUIRE(rondo::all_tasks().size() == tasks + (made ? 1 : 0));
            if (made) {
                break;
            }
        }
        co_return;
    };
    co_await task_group(body);
    REQUIRE(failures >= 1);
    REQUIRE(ran == 1); // the one that could be made
    REQUIRE(leaks.alive() == 0);
}

TEST_CASE("a loop that is closed on groups leaves nothing behind", "[composition][task_group]") {
    for (const bool body_runs : {false, true}) {
        const LeakCheck leaks;
        rondo::EventLoop loop(rondo::testing::options());
        loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
        const auto child = [](Tracked) -> Coro<> { co_await sleep(1h); };
        const auto inner = [&](TaskGroup& group) -> Coro<> {
            group.create_task(child(Tracked()));
            if (body_runs) {
                co_await sleep(1h);
            }
        };
        const auto outer = [&](TaskGroup& group) -> Coro<> {
            group.create_task(child, Tracked());
            group.create_task(task_group(inner));
            co_await task_group(inner);
        };
        auto task = loop.create_task(task_group(outer));
        loop.run_until_complete(let_others_run());
        REQUIRE(leaks.alive() >= 3);
        loop.close();
        REQUIRE(task.cancelled());
    }
}

namespace {

/// A failure that counts.
struct CountedFailure : Tracked {};

} // namespace

TEST_CASE("when what a group has thrown has been handled, nothing of it is left",
          "[composition][task_group][b318]") {
    rondo::testing::run([]() -> Coro<> {
        const LeakCheck leaks;
        const auto child = [](Tracked) -> Coro<> {
            co_await sleep(1s);
            throw CountedFailure();
        };
        const auto body = [&](TaskGroup& group) -> Coro<> {
            group.create_task(child(Tracked()));
            group.create_task(child(Tracked()));
            co_await child(Tracked());
        };
        std::ptrdiff_t inside = 0;
        try {
            co_await task_group(body);
        } catch (const rondo::ExceptionGroup& group) {
            inside = leaks.alive();
            REQUIRE(group.members().size() >= 1);
        }
        REQUIRE(inside >= 1); // the exceptions alone
        REQUIRE(inside <= 3);
        REQUIRE(leaks.alive() == 0);
        REQUIRE(rondo::all_tasks().size() == 1);
    });
}

TEST_CASE("a KeyboardInterrupt of a member leaves its group by itself, and the other failures are "
          "reported",
          "[composition][task_group][b322]") {
    std::string thrown = "nothing";
    std::vector<std::string> reported;
    const auto interrupted = []() -> Coro<> {
        co_await sleep(1s);
        throw rondo::KeyboardInterrupt();
    };
    const auto body = [&](TaskGroup& group) -> Coro<> {
        group.create_task(interrupted());
        group.create_task(answer_with("on the way"));
        co_await sleep(1h);
    };
    const auto program = [&]() -> Coro<> {
        rondo::get_running_loop().set_exception_handler(
            [&](rondo::EventLoop&, const rondo::ErrorContext& context) {
                reported.push_back(text_of(context.exception));
            });
        std::exception_ptr error;
        try {
            co_await task_group(body);
        } catch (...) {
            error = std::current_exception();
        }
        thrown = text_of(error);
    };
    REQUIRE_THROWS_AS(rondo::testing::run(program), rondo::KeyboardInterrupt);
    REQUIRE(thrown == "KeyboardInterrupt");
    REQUIRE(reported == std::vector<std::string>{"on the way"});
}

// At every moment

namespace {

/// Children of every kind under a body that works, too.
struct BusyGroup {
    rondo::Semaphore semaphore{1};
    int begun = 0;
    int ended = 0;
    bool finished = false;

    Coro<> victim() {
        const auto body = [this](TaskGroup& group) -> Coro<> {
            for (int i = 0; i < 3; ++i) {
                group.create_task(child(group, i));
            }
            co_await child(group, 0);
            group.create_task(nap(2ms));
        };
        co_await task_group(body);
        finished = true;
    }
    Coro<> others() {
        auto permit = co_await semaphore.acquire();
        co_await sleep(1ms);
    }
    void check(const Task<>& task) const {
        REQUIRE(begun == ended);
        REQUIRE(semaphore.value() == 1);
        REQUIRE((finished || task.cancelled()));
    }

private:
    Coro<> child(TaskGroup& group, int depth) {
        const Tracked luggage;
        const Running running(begun, ended);
        if (depth > 0) {
            group.create_task(child(group, depth - 1), eager);
        }
        {
            auto permit = co_await semaphore.acquire();
            co_await sleep(depth % 2 * 1ms);
        }
        co_await sleep(0s);
    }

    struct Running {
        Running(int& beginnings, int& ends) : end(ends) { ++beginnings; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() { ++end; }
        int& end;
    };
};

/// A member fails, another answers late and with a failure, a third swallows.
struct FailingGroup {
    int swallowed = 0;
    bool ran = false;
    bool group_ended = false;
    std::string how;

    Coro<> victim() {
        ran = true;
        const auto body = [this](TaskGroup& group) -> Coro<> {
            group.create_task(fail("on the way", 3ms));
            group.create_task(answer_with("late", 1ms));
            group.create_task(stubborn());
            co_await sleep(5ms);
        };
        how = co_await outcome_of(task_group(body));
        group_ended = true;
        CHECK(rondo::all_tasks().size() <= 4); // main, the others, the canceller and this one
        co_await sleep(1ms);
    }
    static Coro<> others() { co_await sleep(1ms); }
    void check(const Task<>& task) const {
        REQUIRE(group_ended == ran);
        if (how != "user:") { // failures hide a cancellation, but do not swallow it
            REQUIRE(task.cancelled() == (task.cancelling() > 0));
        }
    }

private:
    Coro<> stubborn() {
        const Tracked luggage;
        auto slept = co_await rondo::as_result(sleep(4ms));
        swallowed += slept.cancelled() ? 1 : 0;
        co_await sleep(1ms);
    }
};

} // namespace

TEST_CASE("wherever a group is cancelled, nothing is left behind",
          "[composition][task_group][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<BusyGroup>();
    REQUIRE(report.moments >= 6);
    REQUIRE(report.cancelled >= report.moments);
}

TEST_CASE("wherever a failing group is cancelled, nothing is left behind",
          "[composition][task_group][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<FailingGroup>();
    REQUIRE(report.moments >= 6);
    REQUIRE(report.cancelled >= report.moments);
}
