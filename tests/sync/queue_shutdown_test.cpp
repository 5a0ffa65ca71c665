// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/queue.hpp>

#include <rondo/create_task.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>

#include "support/async_test.hpp"
#include "support/tracked.hpp"
#include "sync/tasks.hpp"

#include <stdexcept>
#include <string>
#include <vector>

using rondo::Coro;
using rondo::create_task;
using rondo::Queue;
using rondo::QueueEmpty;
using rondo::QueueShutDown;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

Coro<> get_one(Queue<int>& queue, std::vector<int>& got) {
    const int item = co_await queue.get();
    got.push_back(item);
}

Coro<> get_all(Queue<int>& queue, std::vector<int>& got) {
    while (auto item = co_await queue.next()) {
        got.push_back(*item);
    }
}

Coro<> put_one(Queue<int>& queue, int item) {
    co_await queue.put(item);
}

Coro<> join(Queue<int>& queue) {
    co_await queue.join();
}

using Items = std::vector<int>;

} // namespace

ASYNC_TEST_CASE("a queue that is shut down takes nothing more, and gives what it has",
                "[sync][queue][shutdown]") {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.put_nowait(2);
    queue.shutdown();
    REQUIRE(queue.is_shut_down());
    REQUIRE_THROWS_AS(queue.put_nowait(3), QueueShutDown);
    auto putter = create_task(put_one(queue, 3));
    co_await end_of(putter);
    REQUIRE(failed_with<QueueShutDown>(putter));
    REQUIRE(queue.qsize() == 2);
    const int first = co_await queue.get();
    REQUIRE(first == 1);
    REQUIRE(queue.get_nowait() == 2);
    REQUIRE_THROWS_AS(queue.get_nowait(), QueueShutDown);
    REQUIRE_THROWS_WITH(queue.get_nowait(), Catch::Matchers::Contains("rondo: ") &&
                                                Catch::Matchers::Contains("shut down"));
    std::vector<int> got;
    auto getter = create_task(get_one(queue, got));
    co_await end_of(getter);
    REQUIRE(failed_with<QueueShutDown>(getter));
    auto end = co_await queue.next();
    REQUIRE_FALSE(end.has_value());
}

ASYNC_TEST_CASE("a full queue that is shut down refuses puts at once, not when there is room",
                "[sync][queue][shutdown]") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    queue.shutdown();
    REQUIRE_THROWS_AS(queue.put_nowait(2), QueueShutDown);
    auto putter = create_task(put_one(queue, 2));
    co_await end_of(putter);
    REQUIRE(failed_with<QueueShutDown>(putter));
    REQUIRE(queue.get_nowait() == 1);
    REQUIRE_FALSE(queue.full());
}

ASYNC_TEST_CASE("shutdown ends every wait: getters, putters, and loops over the queue",
                "[sync][queue][shutdown]") {
    Queue<int> empty;
    Queue<int> full(1);
    full.put_nowait(1);
    std::vector<int> got;
    std::vector<Task<>> failing;
    for (int i = 0; i < 3; ++i) {
        failing.push_back(create_task(get_one(empty, got)));
        failing.push_back(create_task(put_one(full, 2)));
    }
    auto loop = create_task(get_all(empty, got));
    co_await let_others_run();
    empty.shutdown();
    full.shutdown();
    full.shutdown(); // idempotent
    for (const Task<>& task : failing) {
        co_await end_of(task);
        REQUIRE(failed_with<QueueShutDown>(task));
    }
    co_await loop;
    REQUIRE(got.empty());
    REQUIRE(full.get_nowait() == 1);
}

TEST_CASE("a getter whose item came before the shutdown has it", "[sync][queue][shutdown]") {
    run_in_order([]() -> Coro<> {
        Queue<int> queue;
        std::vector<int> got;
        auto first = create_task(get_one(queue, got));
        auto second = create_task(get_one(queue, got));
        co_await let_others_run();
        queue.put_nowait(1);
        queue.shutdown();
        co_await end_of(first);
        co_await end_of(second);
        REQUIRE(got == Items{1});
        REQUIRE(failed_with<QueueShutDown>(second));
    });
}

TEST_CASE("an item whose getter is cancelled goes to one that the shutdown woke",
          "[sync][queue][shutdown][cancel]") {
    run_in_order([]() -> Coro<> {
        Queue<int> queue;
        std::vector<int> got;
        auto first = create_task(get_one(queue, got));
        auto second = create_task(get_all(queue, got));
        co_await let_others_run();
        queue.put_nowait(1);
        queue.shutdown();
        first.cancel();
        co_await end_of(first);
        co_await second;
        REQUIRE(first.cancelled());
        REQUIRE(got == Items{1});
    });
}

ASYNC_TEST_CASE("a putter that had a place when the queue was shut down puts nothing",
                "[sync][queue][shutdown]") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto putter = create_task(put_one(queue, 2));
    co_await let_others_run();
    REQUIRE(queue.get_nowait() == 1);
    queue.shutdown();
    co_await end_of(putter);
    REQUIRE(failed_with<QueueShutDown>(putter));
    REQUIRE(queue.empty());
    REQUIRE_FALSE(queue.full());
}

ASYNC_TEST_CASE("who is cancelled in the turn of the shutdown is cancelled",
                "[sync][queue][shutdown][cancel]") {
    Queue<int> queue(1);
    std::vector<int> got;
    for (const bool cancelled_first : {false, true}) {
        Queue<int> one;
        auto task = create_task(get_all(one, got));
        co_await let_others_run();
        if (cancelled_first) {
            task.cancel();
        }
        one.shutdown();
        task.cancel();
        co_await end_of(task);
        REQUIRE(task.cancelled());
    }
}

ASYNC_TEST_CASE("shutdown does not release join() while items are not done",
                "[sync][queue][shutdown][b402]") {
    Queue<int> queue;
    queue.put_nowait(1);
    auto joiner = create_task(join(queue));
    co_await let_others_run();
    queue.shutdown();
    co_await let_others_run();
    REQUIRE_FALSE(joiner.done());
    REQUIRE(queue.get_nowait() == 1);
    co_await let_others_run();
    REQUIRE_FALSE(joiner.done());
    queue.task_done();
    co_await joiner;
}

ASYNC_TEST_CASE("an immediate shutdown drops the items, which count as done",
                "[sync][queue][shutdown][b403]") {
    const LeakCheck leaks;
    Queue<Tracked> queue;
    queue.put_nowait(Tracked(1));
    queue.put_nowait(Tracked(2));
    const auto join_it = [&]() -> Coro<> { co_await queue.join(); };
    auto joiner = create_task(join_it());
    co_await let_others_run();
    REQUIRE_FALSE(joiner.done());
    queue.shutdown(true);
    REQUIRE(queue.empty());
    REQUIRE(leaks.alive() == 0);
    co_await joiner;
    REQUIRE_THROWS_AS(queue.get_nowait(), QueueShutDown);
    REQUIRE_THROWS_AS(queue.task_done(), std::logic_error);
}

ASYNC_TEST_CASE("after an immediate shutdown join() waits for what is in work",
                "[sync][queue][shutdown][b404]") {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.put_nowait(2);
    REQUIRE(queue.get_nowait() == 1);
    auto joiner = create_task(join(queue));
    co_await let_others_run();
    queue.shutdown(true);
    queue.shutdown(true); // drops nothing twice
    co_await let_others_run();
    REQUIRE_FALSE(joiner.done());
    queue.task_done();
    co_await joiner;
}

ASYNC_TEST_CASE("an immediate shutdown takes away items that nobody has taken yet",
                "[sync][queue][shutdown]") {
    Queue<int> queue;
    std::vector<int> got;
    auto getter = create_task(get_one(queue, got));
    auto loop = create_task(get_all(queue, got));
    auto cancelled = create_task(get_one(queue, got));
    co_await let_others_run();
    for (int i = 1; i <= 4; ++i) {
        queue.put_nowait(i);
    }
    REQUIRE(queue.qsize() == 1);
    queue.shutdown(true);
    REQUIRE(queue.qsize() == 0);
    cancelled.cancel();
    co_await end_of(getter);
    co_await end_of(cancelled);
    co_await loop;
    REQUIRE(got.empty());
    REQUIRE(failed_with<QueueShutDown>(getter));
    REQUIRE(cancelled.cancelled());
    REQUIRE(queue.qsize() == 0);
    co_await queue.join();
}

TEST_CASE("an immediate shutdown after a queue was shut down drops what is left",
          "[sync][queue][shutdown]") {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.shutdown();
    REQUIRE(queue.qsize() == 1);
    queue.shutdown(true);
    REQUIRE(queue.qsize() == 0);
    queue.shutdown(); // stays as it is
    REQUIRE_THROWS_AS(queue.get_nowait(), QueueShutDown);
}

ASYNC_TEST_CASE("an immediate shutdown counts nothing as done that is done already",
                "[sync][queue][shutdown]") {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.put_nowait(2);
    queue.task_done(); // who counts may do so before it takes
    queue.task_done();
    co_await queue.join();
    queue.shutdown(true);
    co_await queue.join();
    REQUIRE_THROWS_AS(queue.task_done(), std::logic_error);
}

ASYNC_TEST_CASE("two consumers share a queue until it is shut down and drained",
                "[flaw17][sync][queue][shutdown]") {
    // The asyncio idiom of a None at the end needs one for each consumer, and hangs with one.
    Queue<int> queue(2);
    std::vector<int> got;
    const auto produce = [&]() -> Coro<> {
        for (int i = 0; i < 20; ++i) {
            co_await queue.put(i);
        }
        queue.shutdown();
    };
    co_await rondo::gather(get_all(queue, got), produce(), get_all(queue, got));
    REQUIRE(got.size() == 20);
    REQUIRE(queue.empty());
}

TEST_CASE("shutdown wakes a hundred thousand", "[sync][queue][shutdown][slow]") {
    run_in_order([]() -> Coro<> {
        Queue<int> queue;
        std::vector<int> got;
        std::vector<Coro<>> loops;
        for (int i = 0; i < 100'000; ++i) {
            loops.push_back(get_all(queue, got));
        }
        auto all = create_task(rondo::gather(std::move(loops)));
        co_await sleep(1s);
        queue.put_nowait(1);
        queue.shutdown();
        co_await all;
        REQUIRE(got == Items{1});
    });
}
