// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/queue.hpp>

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"
#include "sync/tasks.hpp"

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::Coro;
using rondo::create_task;
using rondo::Queue;
using rondo::QueueEmpty;
using rondo::QueueFull;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

static_assert(!std::is_copy_constructible_v<Queue<int>>);
static_assert(!std::is_move_constructible_v<Queue<int>>);
static_assert(std::is_same_v<Queue<int>::value_type, int>);
static_assert(
    std::is_same_v<rondo::await_result_t<decltype(std::declval<Queue<int>>().get())>, int>);
static_assert(std::is_same_v<rondo::await_result_t<decltype(std::declval<Queue<int>>().next())>,
                             std::optional<int>>);
static_assert(!rondo::Awaitable<Queue<int>>);

Coro<> get_into(Queue<int>& queue, std::vector<int>& got) {
    const int item = co_await queue.get();
    got.push_back(item);
}

/// Gets with a name: "a1" if task a got 1.
Coro<> get_and_note(Queue<int>& queue, std::string& log, char name) {
    const int item = co_await queue.get();
    log += name + std::to_string(item);
}

Coro<> put_and_note(Queue<int>& queue, std::string& log, int item) {
    co_await queue.put(item);
    log += std::to_string(item);
}

std::vector<int> drain(Queue<int>& queue) {
    std::vector<int> items;
    while (!queue.empty()) {
        items.push_back(queue.get_nowait());
    }
    return items;
}

using Items = std::vector<int>;

} // namespace

TEST_CASE("a queue reports how many items it has, and how many it may have",
          "[sync][queue][b384]") {
    Queue<int> queue(2);
    REQUIRE(queue.maxsize() == 2);
    REQUIRE(queue.empty());
    REQUIRE_FALSE(queue.full());
    REQUIRE(queue.qsize() == 0);
    queue.put_nowait(1);
    REQUIRE_FALSE(queue.empty());
    REQUIRE_FALSE(queue.full());
    queue.put_nowait(2);
    REQUIRE(queue.full());
    REQUIRE(queue.qsize() == 2);
    REQUIRE(queue.get_nowait() == 1);
    REQUIRE_FALSE(queue.full());
    REQUIRE(queue.qsize() == 1);
    REQUIRE_FALSE(queue.is_shut_down());
}

TEST_CASE("a queue of no maximal size is never full", "[sync][queue][b384]") {
    Queue<int> queue;
    REQUIRE(queue.maxsize() == 0);
    REQUIRE_FALSE(queue.full());
    for (int i = 0; i < 1'000; ++i) {
        queue.put_nowait(i);
        REQUIRE_FALSE(queue.full());
    }
    REQUIRE(queue.qsize() == 1'000);
}

TEST_CASE("put_nowait refuses a full queue and get_nowait an empty one, and change nothing",
          "[sync][queue][b389]") {
    Queue<int> queue(1);
    REQUIRE_THROWS_AS(queue.get_nowait(), QueueEmpty);
    REQUIRE_THROWS_WITH(queue.get_nowait(), Catch::Matchers::Contains("rondo: the queue is empty"));
    queue.put_nowait(1);
    REQUIRE_THROWS_AS(queue.put_nowait(2), QueueFull);
    REQUIRE_THROWS_WITH(queue.put_nowait(2), Catch::Matchers::Contains("rondo: the queue is full"));
    REQUIRE(queue.qsize() == 1);
    REQUIRE(queue.get_nowait() == 1);
}

ASYNC_TEST_CASE("put to a queue with room and get from one with items do not wait",
                "[sync][queue][b388]") {
    Queue<int> queue(3);
    const auto turns = rondo::get_running_loop().metrics().turns;
    for (int i = 0; i < 3; ++i) {
        co_await queue.put(i);
    }
    REQUIRE(queue.full());
    for (int i = 0; i < 3; ++i) {
        const int item = co_await queue.get();
        REQUIRE(item == i);
    }
    const auto none = queue.empty();
    REQUIRE(none);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("get waits for an item, and put for room", "[sync][queue][b388]") {
    Queue<int> queue(1);
    std::vector<int> got;
    auto getter = create_task(get_into(queue, got));
    co_await let_others_run();
    REQUIRE(getter.describe_wait() == "Queue::get");
    co_await queue.put(1);
    REQUIRE(got.empty()); // put() runs nobody
    co_await getter;
    REQUIRE(got == Items{1});

    std::string log;
    co_await queue.put(2);
    auto putter = create_task(put_and_note(queue, log, 3));
    co_await let_others_run();
    REQUIRE(putter.describe_wait() == "Queue::put");
    REQUIRE(queue.qsize() == 1);
    const int second = co_await queue.get();
    REQUIRE(second == 2);
    REQUIRE(log.empty());
    co_await putter;
    const int third = co_await queue.get();
    REQUIRE(third == 3);
}

TEST_CASE("each put wakes one getter and each get one putter, those who came first first",
          "[sync][queue][b390]") {
    run_in_order([]() -> Coro<> {
        Queue<int> queue(2);
        std::string log;
        std::vector<Task<>> tasks;
        for (const char name : {'a', 'b', 'c'}) {
            tasks.push_back(create_task(get_and_note(queue, log, name)));
        }
        co_await let_others_run();
        queue.put_nowait(1);
        queue.put_nowait(2);
        co_await let_others_run();
        REQUIRE(log == "a1b2");
        queue.put_nowait(3);
        co_await let_others_run();
        REQUIRE(log == "a1b2c3");

        log.clear();
        for (int item = 1; item <= 6; ++item) {
            tasks.push_back(create_task(put_and_note(queue, log, item)));
        }
        co_await let_others_run();
        REQUIRE(log == "12");
        REQUIRE(queue.get_nowait() == 1);
        co_await let_others_run();
        REQUIRE(log == "123");
        REQUIRE(queue.get_nowait() == 2);
        REQUIRE(queue.get_nowait() == 3);
        co_await let_others_run();
        REQUIRE(log == "12345");
        REQUIRE(drain(queue) == Items{4, 5});
        co_await let_others_run();
        REQUIRE(drain(queue) == Items{6});
    });
}

TEST_CASE("an item that has a getter has left the queue, and no newcomer can take it",
          "[sync][queue]") {
    run_in_order([]() -> Coro<> {
        Queue<int> queue(1);
        std::vector<int> got;
        auto getter = create_task(get_into(queue, got));
        co_await let_others_run();
        queue.put_nowait(1);
        REQUIRE(queue.qsize() == 0);
        REQUIRE(queue.empty());
        REQUIRE_FALSE(queue.full()); // there is room for another
        REQUIRE_THROWS_AS(queue.get_nowait(), QueueEmpty);
        std::vector<int> newcomers;
        auto newcomer = create_task(get_into(queue, newcomers));
        queue.put_nowait(2);
        REQUIRE(queue.qsize() == 1);
        co_await let_others_run();
        REQUIRE(got == Items{1});
        REQUIRE(newcomers == Items{2});
    });
}

TEST_CASE("a place that is kept for a putter is no newcomer's", "[sync][queue]") {
    run_in_order([]() -> Coro<> {
        Queue<int> queue(1);
        queue.put_nowait(1);
        std::string log;
        auto putter = create_task(put_and_note(queue, log, 2));
        co_await let_others_run();
        REQUIRE(queue.get_nowait() == 1);
        REQUIRE(queue.qsize() == 0);
        REQUIRE(queue.full());
        REQUIRE_THROWS_AS(queue.put_nowait(3), QueueFull);
        auto newcomer = create_task(put_and_note(queue, log, 3));
        co_await let_others_run();
        REQUIRE(log == "2");
        REQUIRE(queue.get_nowait() == 2);
        co_await newcomer;
        REQUIRE(queue.get_nowait() == 3);
    });
}

ASYNC_TEST_CASE("a place is offered on when its putter's item goes straight to a getter",
                "[sync][queue][b391]") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    std::string log;
    std::vector<int> got;
    auto first = create_task(put_and_note(queue, log, 2));
    co_await let_others_run();
    auto second = create_task(put_and_note(queue, log, 3));
    co_await let_others_run();
    REQUIRE(queue.get_nowait() == 1);                // the place is the first putter's,
    auto getter = create_task(get_into(queue, got)); // whose item is this getter's;
    co_await let_others_run();                       // so the second has room
    REQUIRE(log == "23");
    REQUIRE(got == Items{2});
    const int last = co_await rondo::wait_for(queue.get(), 1s);
    REQUIRE(last == 3);
    co_await first;
    co_await second;
    co_await getter;
}

ASYNC_TEST_CASE("many who put and many who get share a small queue without getting stuck",
                "[sync][queue][b391]") {
    for (const std::size_t maxsize : {1U, 2U, 3U}) {
        Queue<int> queue(maxsize);
        std::vector<int> seen(200, 0);
        const auto produce = [&](int first) -> Coro<> {
            for (int i = first; i < first + 20; ++i) {
                co_await queue.put(i);
            }
        };
        const auto consume = [&]() -> Coro<> {
            for (int i = 0; i < 25; ++i) {
                const int item = co_await queue.get();
                ++seen[static_cast<std::size_t>(item)];
            }
        };
        std::vector<Coro<>> all;
        for (int i = 0; i < 10; ++i) {
            all.push_back(produce(i * 20));
        }
        for (int i = 0; i < 8; ++i) {
            all.push_back(consume());
        }
        co_await rondo::gather(std::move(all));
        REQUIRE(seen == std::vector<int>(200, 1));
        REQUIRE(queue.empty());
    }
}

ASYNC_TEST_CASE("a queue takes items that only move, and moves them only", "[sync][queue]") {
    const LeakCheck leaks;
    Queue<MoveOnly> queue(1);
    co_await queue.put(MoveOnly(1));
    const auto produce = [&]() -> Coro<> {
        co_await queue.emplace(2); // waits
        MoveOnly item(3);
        co_await queue.put(std::move(item));
    };
    auto producer = create_task(produce());
    co_await let_others_run();
    for (int expected = 1; expected <= 2; ++expected) {
        const MoveOnly item = co_await queue.get();
        REQUIRE(item.number() == expected);
    }
    std::optional<MoveOnly> last = co_await queue.next();
    REQUIRE(last.has_value());
    REQUIRE(last->number() == 3);
    co_await producer;
    queue.put_nowait(MoveOnly(4));
    REQUIRE(queue.get_nowait().number() == 4);
    REQUIRE(leaks.copies() == 0);
}

TEST_CASE("a queue that dies destroys its items", "[sync][queue]") {
    const LeakCheck leaks;
    {
        Queue<Tracked> queue;
        for (int i = 0; i < 20; ++i) {
            queue.put_nowait(Tracked(i));
            if (i % 3 == 0) {
                REQUIRE(queue.get_nowait().number() == i / 3);
            }
        }
        REQUIRE(leaks.alive() == 13);
    }
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("join() returns at once if nothing was put, also twice", "[sync][queue][b397]") {
    Queue<int> queue;
    const auto turns = rondo::get_running_loop().metrics().turns;
    co_await queue.join();
    co_await queue.join();
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("join() waits until all that was put is done, not only taken", "[sync][queue]") {
    Queue<int> queue;
    bool joined = false;
    const auto join = [&]() -> Coro<> {
        co_await queue.join();
        joined = true;
    };
    queue.put_nowait(1);
    queue.put_nowait(2);
    auto joiner = create_task(join());
    REQUIRE(drain(queue) == Items{1, 2});
    co_await let_others_run();
    queue.task_done();
    co_await let_others_run();
    REQUIRE_FALSE(joined);
    queue.task_done();
    co_await joiner;
    REQUIRE(joined);

    joined = false;
    queue.put_nowait(3); // work again
    auto again = create_task(join());
    co_await let_others_run();
    REQUIRE_FALSE(joined);
    again.cancel();
    co_await end_of(again);
    REQUIRE(again.cancelled());
}

ASYNC_TEST_CASE("an item that a getter has not taken yet is not done", "[sync][queue]") {
    Queue<int> queue;
    std::vector<int> got;
    auto getter = create_task(get_into(queue, got));
    co_await let_others_run();
    queue.put_nowait(1);
    auto joiner = create_task([&]() -> Coro<> { co_await queue.join(); });
    co_await let_others_run();
    REQUIRE(got == Items{1});
    REQUIRE_FALSE(joiner.done());
    queue.task_done();
    co_await joiner;
}

TEST_CASE("task_done() more often than put() is a mistake", "[sync][queue]") {
    Queue<int> queue;
    REQUIRE_THROWS_AS(queue.task_done(), std::invalid_argument);
    REQUIRE_THROWS_WITH(queue.task_done(), Catch::Matchers::Contains("rondo: ") &&
                                               Catch::Matchers::Contains("task_done"));
    queue.put_nowait(1);
    queue.task_done();
    REQUIRE_THROWS_AS(queue.task_done(), std::invalid_argument);
}

ASYNC_TEST_CASE("queue operations allocate nothing once there was room for the items",
                "[sync][queue]") {
    Queue<int> queue(4);
    Queue<int> back(1);
    const auto echo = [&]() -> Coro<> {
        while (auto item = co_await queue.next()) {
            co_await back.put(*item);
        }
    };
    auto other = create_task(echo());
    std::size_t allocations = 0;
    for (int i = 0; i < 100; ++i) {
        if (i == 10) {
            allocations = allocation_count();
        }
        co_await queue.put(i);
        co_await queue.put(i);
        int item = co_await back.get();
        REQUIRE(item == i);
        item = co_await back.get();
        REQUIRE(item == i);
        if (i == 90) {
            allocations = allocation_count() - allocations;
        }
    }
    queue.shutdown();
    co_await other;
    REQUIRE(allocations == 0);
}

TEST_CASE("a put without memory throws, and the queue is as it was", "[sync][queue]") {
    Queue<int> queue;
    {
        const NoMemory none;
        CHECK_THROWS_AS(queue.put_nowait(1), std::bad_alloc);
    }
    REQUIRE(queue.empty());
    REQUIRE_THROWS_AS(queue.task_done(), std::logic_error); // nothing was put
    for (int i = 0; i < 8; ++i) {
        queue.put_nowait(i);
    }
    {
        const NoMemory none;
        CHECK_THROWS_AS(queue.put_nowait(8), std::bad_alloc);
    }
    REQUIRE(drain(queue) == Items{0, 1, 2, 3, 4, 5, 6, 7});
}

ASYNC_TEST_CASE("a put that waited and fails gives its place to the next", "[sync][queue]") {
    Queue<ThrowsOnMove> queue(1);
    queue.put_nowait(ThrowsOnMove(1));
    bool failed = false;
    const auto put = [&](int number, bool throws) -> Coro<> {
        ThrowsOnMove item(number);
        if (throws) {
            item.arm(3); // into the parameter, the description, the awaiter; not into the queue
        }
        try {
            co_await queue.put(std::move(item));
        } catch (const ThrowsOnMove::Error&) {
            failed = true;
        }
    };
    auto first = create_task(put(2, true));
    co_await let_others_run();
    auto second = create_task(put(3, false));
    co_await let_others_run();
    REQUIRE_FALSE(failed); // it waits
    REQUIRE(queue.get_nowait().number() == 1);
    co_await let_others_run();
    REQUIRE(failed);
    REQUIRE(second.done());
    REQUIRE(queue.qsize() == 1);
    REQUIRE(queue.get_nowait().number() == 3);
    co_await first;
}

ASYNC_TEST_CASE("an item that cannot be moved out stays in the queue, for the next who waits",
                "[sync][queue]") {
    Queue<ThrowsOnMove> queue;
    ThrowsOnMove item(1);
    item.arm(3); // into the parameter, the storage; and one more, out of it
    queue.put_nowait(std::move(item));
    auto got = queue.get_nowait();
    REQUIRE(got.number() == 1);

    int failures = 0;
    int successes = 0;
    const auto get = [&]() -> Coro<> {
        try {
            const ThrowsOnMove mine = co_await queue.get();
            ++successes;
        } catch (const ThrowsOnMove::Error&) {
            ++failures;
        }
    };
    auto first = create_task(get());
    auto second = create_task(get());
    co_await let_others_run();
    ThrowsOnMove bad(2);
    bad.arm(2);
    queue.put_nowait(std::move(bad));
    co_await let_others_run();
    REQUIRE(failures == 2); // each of the two in turn
    REQUIRE(successes == 0);
    REQUIRE(queue.qsize() == 1);
    co_await first;
    co_await second;
}

TEST_CASE("a storage that grows keeps its items when one cannot be moved", "[sync][queue]") {
    const LeakCheck leaks;
    Queue<ThrowsOnMove> queue;
    for (int i = 0; i < 8; ++i) {
        ThrowsOnMove item(i);
        if (i == 5) {
            item.arm(2);
        }
        queue.put_nowait(std::move(item));
    }
    REQUIRE_THROWS_AS(queue.put_nowait(ThrowsOnMove(8)), ThrowsOnMove::Error);
    REQUIRE(queue.qsize() == 8);
    for (int i = 0; i < 5; ++i) {
        REQUIRE(queue.get_nowait().number() == i);
    }
    REQUIRE_THROWS_AS(queue.get_nowait(), ThrowsOnMove::Error);
    REQUIRE(queue.qsize() == 3);
}

TEST_CASE("a hundred thousand items go through a queue, all at once and one by one",
          "[sync][queue][slow]") {
    constexpr int count = 100'000;
    run_in_order([]() -> Coro<> {
        Queue<int> queue;
        for (int i = 0; i < count; ++i) {
            queue.put_nowait(i);
        }
        bool in_order = true;
        for (int i = 0; i < count; ++i) {
            const int item = co_await queue.get();
            in_order = in_order && item == i;
        }
        REQUIRE(in_order);
        REQUIRE(queue.empty());

        Queue<int> narrow(1);
        const auto produce = [&narrow]() -> Coro<> {
            for (int i = 0; i < count; ++i) {
                co_await narrow.put(i);
            }
        };
        auto producer = create_task(produce());
        for (int i = 0; i < count; ++i) {
            const int item = co_await narrow.get();
            in_order = in_order && item == i;
        }
        co_await producer;
        REQUIRE(in_order);
    });
}

TEST_CASE("a hundred thousand wait to get, and as many to put", "[sync][queue][slow]") {
    constexpr int count = 100'000;
    run_in_order([]() -> Coro<> {
        Queue<int> queue(1);
        std::vector<int> got;
        std::vector<int> expected;
        std::vector<Coro<>> getters;
        std::vector<Coro<>> putters;
        std::string log;
        for (int i = 0; i < count; ++i) {
            getters.push_back(get_into(queue, got));
            putters.push_back(put_and_note(queue, log, i));
            expected.push_back(i);
        }
        auto all_getters = create_task(rondo::gather(std::move(getters)));
        co_await let_others_run();
        for (int i = 0; i < count; ++i) {
            queue.put_nowait(i);
        }
        co_await all_getters;
        REQUIRE((got == expected));

        got.clear();
        auto all_putters = create_task(rondo::gather(std::move(putters)));
        co_await let_others_run();
        for (int i = 0; i < count; ++i) {
            const int item = co_await queue.get();
            got.push_back(item);
        }
        co_await all_putters;
        REQUIRE((got == expected));
        REQUIRE(queue.empty());
    });
}
