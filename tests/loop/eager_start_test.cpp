// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Tasks that take their first step where they are created: TaskOptions::eager_start. There are no
// task factories, as in asyncio: each call says for itself whether its task starts at once.

#include <rondo/create_task.hpp>

#include <rondo/cancellation.hpp>
#include <rondo/context.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/gather.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task_group.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using rondo::Coro;
using rondo::create_task;
using rondo::current_task;
using rondo::Future;
using rondo::get_running_loop;
using rondo::Task;
using rondo::TaskOptions;
using rondo_test::LeakCheck;
using rondo_test::let_others_run;
using rondo_test::run_in_order;
using rondo_test::Tracked;

namespace {

constexpr TaskOptions eager{.name = {}, .eager_start = true, .context = nullptr};
constexpr TaskOptions lazy{.name = {}, .eager_start = false, .context = nullptr};

using Log = std::vector<std::string>;

rondo::ContextVar<int> variable("variable", 0);

Coro<int> at_once(Log& log) {
    log.emplace_back("ran");
    co_return 7;
}

Coro<int> wait_for_it(Log& log, Future<int> future) {
    log.emplace_back("began");
    const int value = co_await future;
    log.emplace_back("went on");
    co_return value;
}

/// A tree of eager tasks that each wait for those below; with nothing to suspend for.
Coro<int> count_nodes(int depth) {
    if (depth == 0) {
        co_return 1;
    }
    auto left = create_task(count_nodes(depth - 1), eager);
    auto right = create_task(count_nodes(depth - 1), eager);
    const auto both = co_await rondo::gather(left, right);
    co_return std::get<0>(both) + std::get<1>(both) + 1;
}

Coro<int> count_in_groups(int depth) {
    if (depth == 0) {
        co_return 1;
    }
    int sum = 1;
    co_await rondo::task_group([&](rondo::TaskGroup& group) -> Coro<> {
        auto left = group.create_task(count_in_groups(depth - 1), eager);
        auto right = group.create_task(count_in_groups(depth - 1), eager);
        const int of_left = co_await left;
        const int of_right = co_await right;
        sum += of_left + of_right;
    });
    co_return sum;
}

} // namespace

ASYNC_TEST_CASE("an eager task runs in the call that creates it, up to its first suspension",
                "[loop][task][eager][b178][b187]") {
    Log log;
    const Future<int> future;
    auto task = create_task(wait_for_it(log, future), eager);
    CHECK(log == Log{"began"});
    CHECK_FALSE(task.done());
    auto later = create_task(at_once(log), lazy);
    CHECK(log.size() == 1); // the other has not begun
    future.set_result(1);
    const int value = co_await task;
    CHECK(value == 1);
    (void)co_await later;
}

ASYNC_TEST_CASE("an await of something that is there does not end the eager step",
                "[loop][task][eager][b178]") {
    Log log;
    const Future<int> future;
    future.set_result(3);
    auto task = create_task(wait_for_it(log, future), eager);
    CHECK(task.done());
    CHECK(task.result() == 3);
    co_return;
}

ASYNC_TEST_CASE("an eager task that does not suspend is done, and takes no turn of the loop",
                "[loop][task][eager][b179]") {
    Log log;
    const auto before = get_running_loop().metrics();
    auto task = create_task(at_once(log), eager);
    REQUIRE(task.done());
    CHECK(task.result() == 7);
    const auto after = get_running_loop().metrics();
    CHECK(after.steps == before.steps);
    CHECK(after.ready == before.ready);
    CHECK(rondo::all_tasks().size() == 1);
    const int awaited = co_await task;
    CHECK(awaited == 7);
    CHECK(get_running_loop().metrics().steps == before.steps); // nor does the await of it
}

ASYNC_TEST_CASE("eager tasks in eager tasks are done in the one call",
                "[loop][task][eager][b179]") {
    auto tree = create_task(count_nodes(6), eager);
    CHECK(rondo::all_tasks().size() <= 1 + 128);
    const int nodes = co_await tree;
    CHECK(nodes == 127);
    auto groups = create_task(count_in_groups(6), eager);
    const int in_groups = co_await groups;
    CHECK(in_groups == 127);
}

TEST_CASE("an eager task that has suspended goes on as any other, at the back of the queue",
          "[loop][task][eager][b180]") {
    run_in_order([]() -> Coro<> {
        Log log;
        const auto yield_once = [](Log& its_log, const char* name) -> Coro<> {
            its_log.push_back(std::string(name) + " began");
            co_await rondo::sleep(std::chrono::seconds(0));
            its_log.push_back(std::string(name) + " went on");
        };
        auto first = create_task(yield_once(log, "lazy"), lazy);
        auto second = create_task(yield_once(log, "eager"), eager);
        co_await first;
        co_await second;
        CHECK(log == Log{"eager began", "lazy began", "eager went on", "lazy went on"});
    });
}

ASYNC_TEST_CASE("cancelling an eager task that is done does nothing",
                "[loop][task][eager][cancel][b181]") {
    Log log;
    auto task = create_task(at_once(log), eager);
    CHECK_FALSE(task.cancel("too late"));
    CHECK_FALSE(task.cancelled());
    CHECK(task.cancelling() == 0);
    const int value = co_await task;
    CHECK(value == 7);
}

ASYNC_TEST_CASE("cancelling one that has suspended is as usual, message included",
                "[loop][task][eager][cancel][b182]") {
    Log log;
    const Future<int> future;
    auto task = create_task(wait_for_it(log, future), eager);
    CHECK(task.cancel("enough"));
    CHECK(task.cancelling() == 1);
    std::string message;
    try {
        (void)co_await task;
    } catch (const rondo::CancelledError& error) {
        message = error.message();
    }
    CHECK(message == "enough");
    CHECK(task.cancelled());
    CHECK(log == Log{"began"});
}

ASYNC_TEST_CASE("an eager step changes only the task's own context",
                "[loop][task][eager][context][b185]") {
    variable.set(1);
    const auto set_twice = [](const Future<int>& future) -> Coro<int> {
        const int seen = variable.get();
        variable.set(2);
        (void)co_await future;
        const int own = variable.get();
        variable.set(3);
        co_return seen * 10 + own;
    };
    const Future<int> future;
    auto task = create_task(set_twice(future), eager);
    CHECK(variable.get() == 1);
    variable.set(4);
    future.set_result(0);
    const int seen = co_await task;
    CHECK(seen == 12);
    CHECK(variable.get() == 4);
}

ASYNC_TEST_CASE("an eager step in a given context leaves there what it sets",
                "[loop][task][eager][context][b412]") {
    const rondo::Context given;
    TaskOptions options = eager;
    options.context = &given;
    const auto set = []() -> Coro<> {
        variable.set(5);
        co_return;
    };
    auto task = create_task(set(), options);
    CHECK(given.get(variable) == 5);
    CHECK(variable.get() == 0);
    co_await task;
}

TEST_CASE("eager start waits for the loop to run", "[loop][task][eager][b186]") {
    Log log;
    rondo::EventLoop loop(rondo_test::in_order());
    auto task = loop.create_task(at_once(log), eager);
    CHECK(log.empty());
    CHECK_FALSE(task.done());
    CHECK(loop.run_until_complete(task) == 7);
    rondo::EventLoop other(rondo_test::in_order());
    std::optional<Task<int>> of_another;
    other.call_soon([&] { of_another = loop.create_task(at_once(log), eager); });
    other.run_until_complete(rondo::sleep(std::chrono::seconds(1)));
    CHECK(log.size() == 1); // that loop does not run, though this one does
    CHECK(loop.run_until_complete(*of_another) == 7);
}

ASYNC_TEST_CASE("a callback may start a task eagerly", "[loop][task][eager][b186]") {
    Log log;
    get_running_loop().call_soon([&] { (void)create_task(at_once(log), eager); });
    co_await let_others_run();
    CHECK(log == Log{"ran"});
}

ASYNC_TEST_CASE(
    "an eager step knows its own task and name, and its creator is itself again after it",
    "[loop][task][eager][b188]") {
    std::string name;
    std::uint64_t id = 0;
    const auto look = [](std::string& its_name, std::uint64_t& its_id) -> Coro<> {
        its_name = current_task().name();
        its_id = current_task().id();
        co_return;
    };
    const std::uint64_t creator = current_task().id();
    TaskOptions options = eager;
    options.name = "looks";
    auto task = create_task(look(name, id), options);
    CHECK(name == "looks");
    CHECK(id == task.id());
    CHECK(current_task().id() == creator);
    auto unnamed = create_task(look(name, id), eager);
    CHECK(name == unnamed.name());
    co_await task;
}

TEST_CASE("an eagerly finished task has let its coroutine go", "[loop][task][eager][b190]") {
    const LeakCheck leaks;
    rondo::testing::run([&]() -> Coro<> {
        const auto hold = [](Tracked parameter) -> Coro<int> {
            const Tracked local(2);
            co_return parameter.number();
        };
        auto task = create_task(hold(Tracked(1)), eager);
        CHECK(task.done());
        CHECK(leaks.alive() == 0); // though the handle is held
        const int value = co_await task;
        CHECK(value == 1);
    });
}

ASYNC_TEST_CASE("an eager step that fails is the task's failure, not its creator's",
                "[loop][task][eager]") {
    const auto fail = []() -> Coro<> {
        throw std::runtime_error("at once");
        co_return;
    };
    auto task = create_task(fail(), eager);
    CHECK(task.done());
    CHECK_THROWS_WITH(task.result(), "at once");
    co_return;
}

ASYNC_TEST_CASE("a creator that is cancelled in an eager step is cancelled at its next await",
                "[loop][task][eager][cancel]") {
    std::optional<rondo::TaskRef> parent;
    const auto body = [](std::optional<rondo::TaskRef>& itself) -> Coro<int> {
        itself = current_task();
        const auto cancel = [](const rondo::TaskRef& other) -> Coro<> {
            other.cancel();
            co_return;
        };
        co_await create_task(cancel(*itself), eager); // done: no place to be cancelled at
        co_await rondo::sleep(std::chrono::hours(1));
        co_return 1;
    };
    auto task = create_task(body(parent));
    co_await let_others_run();
    CHECK(task.cancelled());
}
