// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Cancelled means no effect: what becomes of items and places whose tasks are cancelled.

#include <rondo/queue.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"
#include "sync/tasks.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

using rondo::Coro;
using rondo::create_task;
using rondo::Queue;
using rondo::QueueEmpty;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

using Items = std::vector<int>;

Coro<> get_and_note(Queue<int>& queue, std::string& log, char name) {
    const int item = co_await queue.get();
    log += name + std::to_string(item);
}

Coro<> put_and_note(Queue<int>& queue, std::string& log, int item) {
    co_await queue.put(item);
    log += std::to_string(item);
}

Items drain(Queue<int>& queue) {
    Items items;
    while (!queue.empty()) {
        items.push_back(queue.get_nowait());
    }
    return items;
}

} // namespace

ASYNC_TEST_CASE("a cancelled getter or putter leaves nothing behind",
                "[sync][queue][cancel][b394]") {
    Queue<int> queue(1);
    std::string log;
    auto getter = create_task(get_and_note(queue, log, 'a'));
    co_await let_others_run();
    getter.cancel("no more");
    co_await end_of(getter);
    REQUIRE(cancel_message(getter) == "no more");
    queue.put_nowait(1);
    REQUIRE(queue.qsize() == 1); // it is nobody's

    auto putter = create_task(put_and_note(queue, log, 2));
    co_await let_others_run();
    putter.cancel("no more");
    co_await end_of(putter);
    REQUIRE(cancel_message(putter) == "no more");
    REQUIRE(drain(queue) == Items{1});
    REQUIRE_FALSE(queue.full()); // no place is kept
    REQUIRE(log.empty());
    queue.task_done();
    co_await queue.join(); // what was not put need not be done
}

ASYNC_TEST_CASE("a wait_for on get that times out leaves no waiter behind",
                "[sync][queue][cancel][b256]") {
    Queue<int> queue;
    for (const auto limit : {1s, 0s}) {
        bool timed_out = false;
        try {
            [[maybe_unused]] const int item = co_await rondo::wait_for(queue.get(), limit);
        } catch (const rondo::TimeoutError&) {
            timed_out = true;
        }
        REQUIRE(timed_out);
    }
    queue.put_nowait(1);
    queue.put_nowait(2);
    REQUIRE(queue.qsize() == 2);
    const int item = co_await rondo::wait_for(queue.get(), 1s);
    REQUIRE(item == 1);
}

ASYNC_TEST_CASE("cancelled waiters are skipped", "[sync][queue][cancel][b395]") {
    Queue<int> queue(1);
    std::string log;
    std::vector<Task<>> tasks;
    for (const char name : {'a', 'b', 'c'}) {
        tasks.push_back(create_task(get_and_note(queue, log, name)));
        co_await let_others_run();
    }
    tasks[0].cancel();
    queue.put_nowait(1); // the first has not run since it was cancelled
    co_await let_others_run();
    REQUIRE(log == "b1");
    tasks[2].cancel();
    queue.put_nowait(2);
    co_await let_others_run();
    REQUIRE(queue.qsize() == 1);

    log.clear();
    tasks.clear();
    for (int item = 3; item <= 5; ++item) {
        tasks.push_back(create_task(put_and_note(queue, log, item)));
        co_await let_others_run();
    }
    tasks[0].cancel();
    REQUIRE(queue.get_nowait() == 2);
    co_await let_others_run();
    REQUIRE(log == "4");
    tasks[2].cancel();
    REQUIRE(drain(queue) == Items{4});
    co_await let_others_run();
    REQUIRE(drain(queue).empty());
}

ASYNC_TEST_CASE("a putter that is cancelled with its place gives it to the next, and its item is "
                "not in the queue",
                "[sync][queue][cancel][b393]") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    std::string log;
    std::vector<Task<>> tasks;
    for (int item = 2; item <= 4; ++item) {
        tasks.push_back(create_task(put_and_note(queue, log, item)));
        co_await let_others_run();
    }
    REQUIRE(queue.get_nowait() == 1); // the place is the first one's
    tasks[0].cancel();
    tasks[1].cancel(); // is not to be given it
    co_await let_others_run();
    REQUIRE(tasks[0].cancelled());
    REQUIRE(log == "4");
    REQUIRE(drain(queue) == Items{4});
    REQUIRE_FALSE(queue.full());
}

ASYNC_TEST_CASE("a put that did not have to wait is not affected by a later cancellation",
                "[sync][queue][cancel][b396]") {
    Queue<int> queue(1);
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel();
        co_await queue.put(1);
        co_await queue.put(2); // waits, and is cancelled
    };
    auto task = create_task(body());
    co_await end_of(task);
    REQUIRE(task.cancelled());
    REQUIRE(drain(queue) == Items{1});
    REQUIRE_FALSE(queue.full());
}

ASYNC_TEST_CASE("a get that need not wait takes its item although a cancellation is pending",
                "[sync][queue][cancel]") {
    Queue<int> queue;
    queue.put_nowait(1);
    Items got;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel();
        const int first = co_await queue.get();
        got.push_back(first);
        const int second = co_await queue.get(); // waits, and is cancelled
        got.push_back(second);
    };
    auto task = create_task(body());
    co_await end_of(task);
    REQUIRE(task.cancelled());
    REQUIRE(got == Items{1});
    queue.put_nowait(2);
    REQUIRE(queue.qsize() == 1);
}

ASYNC_TEST_CASE("a getter that is cancelled with its item hands it to the next who waits",
                "[sync][queue][cancel]") {
    Queue<int> queue;
    std::string log;
    std::vector<Task<>> tasks;
    for (const char name : {'a', 'b', 'c'}) {
        tasks.push_back(create_task(get_and_note(queue, log, name)));
        co_await let_others_run();
    }
    queue.put_nowait(1);
    tasks[0].cancel();
    tasks[1].cancel();
    co_await let_others_run();
    REQUIRE(tasks[0].cancelled());
    REQUIRE(tasks[1].cancelled());
    REQUIRE(log == "c1");
    REQUIRE(queue.empty());
}

TEST_CASE("items of cancelled getters are in the queue in the order in which they were put",
          "[flaw18][sync][queue][cancel]") {
    // Every way to cancel some of four getters that have an item each, with two more items behind.
    for (unsigned cancelled = 0; cancelled < 16; ++cancelled) {
        for (const bool from_the_back : {false, true}) {
            CAPTURE(cancelled, from_the_back);
            run_in_order([=]() -> Coro<> {
                Queue<int> queue;
                std::string log;
                std::vector<Task<>> tasks;
                for (const char name : {'a', 'b', 'c', 'd'}) {
                    tasks.push_back(create_task(get_and_note(queue, log, name)));
                }
                co_await let_others_run();
                for (int item = 1; item <= 6; ++item) {
                    queue.put_nowait(item);
                }
                CHECK(queue.qsize() == 2);
                for (std::size_t i = 0; i < 4; ++i) {
                    const std::size_t which = from_the_back ? 3 - i : i;
                    if ((cancelled >> which & 1U) != 0) {
                        tasks[which].cancel();
                    }
                }
                co_await let_others_run();
                std::string expected;
                int next = 1;
                for (unsigned i = 0; i < 4; ++i) {
                    if ((cancelled >> i & 1U) == 0) {
                        expected += static_cast<char>('a' + i) + std::to_string(next++);
                    }
                }
                CHECK(log == expected);
                Items rest;
                while (next <= 6) {
                    rest.push_back(next++);
                }
                CHECK(drain(queue) == rest);
            });
        }
    }
}

ASYNC_TEST_CASE("uncancel() after the hand-over keeps the item", "[sync][queue][cancel]") {
    Queue<int> queue;
    std::string log;
    auto task = create_task(get_and_note(queue, log, 'a'));
    co_await let_others_run();
    queue.put_nowait(1);
    task.cancel();
    task.uncancel();
    co_await task;
    REQUIRE(log == "a1");
}

ASYNC_TEST_CASE("as_result on get and put gives what came of them", "[sync][queue][cancel]") {
    Queue<int> queue(1);
    auto put = co_await rondo::as_result(queue.put(1));
    REQUIRE(put.has_value());
    auto got = co_await rondo::as_result(queue.get());
    REQUIRE(got.has_value());
    REQUIRE(*got == 1);
    bool cancelled = false;
    const auto body = [&]() -> Coro<> {
        auto nothing = co_await rondo::as_result(queue.get());
        cancelled = nothing.cancelled();
    };
    auto task = create_task(body());
    co_await let_others_run();
    queue.put_nowait(2);
    task.cancel();
    co_await task;
    REQUIRE(cancelled);
    REQUIRE(drain(queue) == Items{2});
}

ASYNC_TEST_CASE("a queue that dies leaves its waiters, who can be cancelled",
                "[sync][queue][cancel]") {
    std::string log;
    std::vector<Task<>> tasks;
    {
        Queue<int> empty;
        Queue<int> full(1);
        full.put_nowait(1);
        tasks.push_back(create_task(get_and_note(empty, log, 'a')));
        tasks.push_back(create_task(put_and_note(full, log, 2)));
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

TEST_CASE("a loop that is closed on getters and putters leaves the items where they belong",
          "[sync][queue]") {
    const LeakCheck leaks;
    {
        Queue<Tracked> queue(2);
        const auto get = [&]() -> Coro<> {
            const Tracked item = co_await queue.get();
            FAIL_CHECK("got " << item.number());
        };
        const auto put = [&](int number) -> Coro<> {
            co_await queue.emplace(number);
            FAIL_CHECK("has put " << number);
        };
        const auto getters = [&]() -> Coro<> {
            (void)create_task(get());
            (void)create_task(get());
            (void)create_task(get());
            co_await let_others_run();
        };
        const auto put_two = [&] {
            queue.put_nowait(Tracked(1));
            queue.put_nowait(Tracked(2)); // both are for getters that do not run any more
            CHECK(queue.empty());
        };
        run_and_close(getters, put_two);
        REQUIRE(queue.qsize() == 2);
        const auto putters = [&]() -> Coro<> {
            (void)create_task(put(3));
            (void)create_task(put(4));
            co_await let_others_run();
        };
        run_and_close(putters, [&] {
            REQUIRE(queue.get_nowait().number() == 1);
            CHECK(queue.full()); // the place is for a putter that does not run any more
        });
        REQUIRE(queue.qsize() == 1);
        REQUIRE_FALSE(queue.full());
        REQUIRE(queue.get_nowait().number() == 2);
    }
    REQUIRE(leaks.alive() == 0);
}

TEST_CASE("a hundred thousand getters are cancelled, and the items that some had are in order",
          "[sync][queue][cancel][slow]") {
    run_in_order([]() -> Coro<> {
        constexpr int count = 100'000;
        constexpr int items = 60'000;
        Queue<int> queue;
        std::string log;
        std::vector<Task<>> tasks;
        tasks.reserve(count);
        for (int i = 0; i < count; ++i) {
            tasks.push_back(create_task(get_and_note(queue, log, 'x')));
        }
        co_await let_others_run();
        Items expected;
        for (int i = 0; i < items; ++i) {
            queue.put_nowait(i);
            expected.push_back(i);
        }
        REQUIRE(queue.empty());
        for (const Task<>& task : tasks) {
            task.cancel();
        }
        co_await let_others_run();
        REQUIRE(log.empty());
        REQUIRE((drain(queue) == expected));
    });
}

namespace {

/// Three put four items each through two places, the victim and another get them.
struct PutAndGet {
    Queue<int> queue{2};
    std::vector<int> got;
    int victims = 0; // items that the victim has

    Coro<> victim() {
        const Tracked luggage;
        for (int i = 0; i < 5; ++i) {
            const int item = co_await queue.get();
            got.push_back(item);
            ++victims;
            if (i == 2) {
                co_await sleep(1ms);
            }
        }
    }
    Coro<> others() {
        co_await rondo::gather(produce(0), produce(4), produce(8));
        queue.shutdown();
        while (auto item = co_await queue.next()) {
            got.push_back(*item);
        }
    }
    void check(const Task<>& task) const {
        std::vector<int> seen(12, 0);
        for (const int item : got) {
            ++seen[static_cast<std::size_t>(item)];
        }
        CHECK(seen == std::vector<int>(12, 1));
        CHECK((victims == 5 || task.cancelled()));
        CHECK(queue.empty());
    }

private:
    Coro<> produce(int first) {
        for (int i = first; i < first + 4; ++i) {
            // Nobody else gets if the victim is no more: then the producer does.
            try {
                co_await rondo::wait_for(queue.put(i), 5ms);
            } catch (const rondo::TimeoutError&) {
                got.push_back(i);
            }
        }
    }
};

/// The victim puts; others get as much as there is.
struct PutByVictim {
    Queue<int> queue{1};
    int put = 0;
    int got = 0;

    Coro<> victim() {
        const Tracked luggage;
        for (int i = 0; i < 4; ++i) {
            co_await queue.put(i);
            ++put;
        }
    }
    Coro<> others() { co_await rondo::gather(produce(), consume(), consume()); }
    void check(const Task<>& task) const {
        CHECK(got + static_cast<int>(queue.qsize()) == put);
        CHECK_FALSE(queue.full());
        CHECK((put == 8 || task.cancelled()));
    }

private:
    Coro<> produce() {
        for (int i = 0; i < 4; ++i) {
            co_await queue.put(i);
            ++put;
        }
    }
    Coro<> consume() {
        for (;;) {
            try {
                [[maybe_unused]] const int item = co_await rondo::wait_for(queue.get(), 20ms);
                ++got;
                co_await sleep(0s);
            } catch (const rondo::TimeoutError&) {
                co_return;
            }
        }
    }
};

} // namespace

TEST_CASE("no item is lost or given twice wherever a getter is cancelled",
          "[sync][queue][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<PutAndGet>();
    REQUIRE(report.moments >= 4);
    REQUIRE(report.cancelled >= report.moments);
}

TEST_CASE("no item and no place is lost wherever a putter is cancelled",
          "[sync][queue][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<PutByVictim>();
    REQUIRE(report.moments >= 3);
    REQUIRE(report.cancelled >= report.moments);
}
