// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// In which order the three queues give their items.

#include <rondo/queue.hpp>

#include <rondo/create_task.hpp>
#include <rondo/detail/queue_storage.hpp>
#include <rondo/detail/ring_buffer.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>

#include "base/allocations.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"
#include "sync/tasks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <new>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::Coro;
using rondo::create_task;
using rondo::LifoQueue;
using rondo::PriorityQueue;
using rondo::Queue;
using rondo::QueueFull;
using rondo::QueueShutDown;
using namespace rondo_test;

namespace {

using Items = std::vector<int>;

template <class Q>
Items drain(Q& queue) {
    Items items;
    while (!queue.empty()) {
        items.push_back(queue.get_nowait());
    }
    return items;
}

template <class Q>
void put_all(Q& queue, const Items& items) {
    for (const int item : items) {
        queue.put_nowait(item);
    }
}

struct Greater {
    bool operator()(int a, int b) const noexcept { return a > b; }
};

/// Jobs are compared by their priority alone.
struct Job {
    int priority;
    int number;
    friend bool operator<(const Job& a, const Job& b) { return a.priority < b.priority; }
};

} // namespace

TEST_CASE("a queue gives first in, first out; a LifoQueue last in, first out; a PriorityQueue the "
          "smallest first",
          "[sync][queue][b383]") {
    const Items items{3, 1, 4, 1, 5, 9, 2, 6};
    Queue<int> fifo;
    put_all(fifo, items);
    REQUIRE(drain(fifo) == items);
    LifoQueue<int> lifo;
    put_all(lifo, items);
    REQUIRE(drain(lifo) == Items{6, 2, 9, 5, 1, 4, 1, 3});
    PriorityQueue<int> smallest;
    put_all(smallest, items);
    REQUIRE(drain(smallest) == Items{1, 1, 2, 3, 4, 5, 6, 9});
    PriorityQueue<int, Greater> largest;
    put_all(largest, items);
    REQUIRE(drain(largest) == Items{9, 6, 5, 4, 3, 2, 1, 1});
}

TEST_CASE("equal items of a PriorityQueue come in the order in which they were put",
          "[sync][queue]") {
    PriorityQueue<Job> queue;
    for (int number = 0; number < 100; ++number) {
        queue.put_nowait(Job{number * 7 % 3, number});
    }
    for (int priority = 0; priority < 3; ++priority) {
        int last = -1;
        for (int i = 0; i < 100 / 3 + (priority == 0 ? 1 : 0); ++i) {
            const Job job = queue.get_nowait();
            REQUIRE(job.priority == priority);
            REQUIRE(job.number > last);
            last = job.number;
        }
    }
    REQUIRE(queue.empty());
}

TEST_CASE("a PriorityQueue gives what a sorted list would, whatever is put and taken",
          "[sync][queue]") {
    std::mt19937 random(1);
    for (int round = 0; round < 50; ++round) {
        PriorityQueue<int> queue;
        std::multiset<int> expected;
        for (int step = 0; step < 200; ++step) {
            if (expected.empty() || random() % 3 != 0) {
                const int item = static_cast<int>(random() % 50);
                queue.put_nowait(item);
                expected.insert(item);
            } else {
                const int item = queue.get_nowait();
                REQUIRE(item == *expected.begin());
                expected.erase(expected.begin());
            }
        }
        REQUIRE(queue.qsize() == expected.size());
        REQUIRE(drain(queue) == Items(expected.begin(), expected.end()));
    }
}

TEST_CASE("the storage of a queue is a deque, wherever its first item lies", "[sync][queue]") {
    std::mt19937 random(2);
    const LeakCheck leaks;
    for (int round = 0; round < 50; ++round) {
        rondo::detail::RingBuffer<Tracked> buffer;
        std::deque<int> expected;
        int next = 0;
        for (int step = 0; step < 300; ++step) {
            const auto what = random() % 8;
            if (what < 4 || expected.empty()) {
                buffer.emplace_back(next);
                expected.push_back(next++);
            } else if (what < 7) {
                REQUIRE(buffer.front().number() == expected.front());
                buffer.pop_front();
                expected.pop_front();
            } else {
                REQUIRE(buffer.back().number() == expected.back());
                buffer.pop_back();
                expected.pop_back();
            }
            REQUIRE(buffer.size() == expected.size());
            REQUIRE(buffer.empty() == expected.empty());
            if (!expected.empty()) {
                const std::size_t index = random() % expected.size();
                REQUIRE(buffer[index].number() == expected[index]);
            }
        }
    }
    REQUIRE(leaks.copies() == 0);
    REQUIRE(leaks.alive() == 0);
}

TEMPLATE_TEST_CASE("each queue waits, is full and is shut down alike", "[sync][queue]", Queue<int>,
                   LifoQueue<int>, (PriorityQueue<int, Greater>)) {
    run_in_order([]() -> Coro<> {
        TestType queue(2);
        REQUIRE(queue.maxsize() == 2);
        put_all(queue, Items{10, 11});
        REQUIRE(queue.full());
        REQUIRE_THROWS_AS(queue.put_nowait(12), QueueFull);
        Items got;
        const auto get_all = [&]() -> Coro<> {
            while (auto item = co_await queue.next()) {
                got.push_back(*item);
                queue.task_done();
            }
        };
        const auto put_some = [&]() -> Coro<> {
            for (int i = 0; i < 10; ++i) {
                co_await queue.put(i);
            }
            co_await queue.join();
            queue.shutdown();
        };
        co_await rondo::gather(put_some(), get_all());
        std::sort(got.begin(), got.end());
        REQUIRE(got == Items{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
        REQUIRE_THROWS_AS(queue.get_nowait(), QueueShutDown);
    });
}

TEST_CASE("a getter that was woken gets the best item at the moment when it runs",
          "[sync][queue]") {
    run_in_order([]() -> Coro<> {
        PriorityQueue<int> queue;
        LifoQueue<int> stack;
        Items got;
        const auto get = [&got](auto& from) -> Coro<> {
            const int item = co_await from.get();
            got.push_back(item);
        };
        auto first = create_task(get(queue));
        auto second = create_task(get(stack));
        co_await let_others_run();
        put_all(queue, Items{5, 1, 3});
        put_all(stack, Items{5, 1, 3});
        REQUIRE(queue.qsize() == 2);
        co_await first;
        co_await second;
        REQUIRE(got == Items{1, 3});
        REQUIRE(drain(queue) == Items{3, 5});
        REQUIRE(drain(stack) == Items{1, 5});
    });
}

TEMPLATE_TEST_CASE("a cancelled getter leaves the order of every queue as it was", "[sync][queue]",
                   Queue<int>, LifoQueue<int>, PriorityQueue<int>) {
    run_in_order([]() -> Coro<> {
        TestType queue;
        TestType undisturbed;
        Items got;
        const auto get = [&]() -> Coro<> {
            const int item = co_await queue.get();
            got.push_back(item);
        };
        auto first = create_task(get());
        auto second = create_task(get());
        co_await let_others_run();
        put_all(queue, Items{2, 1, 3, 1});
        put_all(undisturbed, Items{2, 1, 3, 1});
        first.cancel();
        second.cancel();
        co_await end_of(first);
        co_await end_of(second);
        REQUIRE(got.empty());
        REQUIRE(queue.qsize() == 4);
        REQUIRE(drain(queue) == drain(undisturbed));
    });
}

namespace {

/// A number whose comparison fails while it is told to.
struct Fussy {
    int number;
    static inline int comparisons_left = -1;
    friend bool operator<(const Fussy& a, const Fussy& b) {
        if (comparisons_left == 0) {
            throw std::runtime_error("cannot compare");
        }
        comparisons_left -= comparisons_left > 0 ? 1 : 0;
        return a.number < b.number;
    }
};

} // namespace

TEST_CASE("a comparison that throws leaves a PriorityQueue as it was, at whichever comparison",
          "[sync][queue]") {
    for (const bool puts : {true, false}) {
        int failures = 0;
        for (int at = 0;; ++at) {
            PriorityQueue<Fussy> queue;
            for (const int number : {5, 9, 2, 7, 4, 8, 6, 3, 1}) {
                queue.put_nowait(Fussy{number});
            }
            bool failed = false;
            Fussy::comparisons_left = at;
            try {
                if (puts) {
                    queue.put_nowait(Fussy{0});
                } else {
                    (void)queue.get_nowait();
                }
            } catch (const std::runtime_error&) {
                failed = true;
            }
            Fussy::comparisons_left = -1;
            Items numbers;
            while (!queue.empty()) {
                numbers.push_back(queue.get_nowait().number);
                queue.task_done();
            }
            if (!failed) {
                break;
            }
            ++failures;
            CAPTURE(puts, at);
            REQUIRE(numbers == Items{1, 2, 3, 4, 5, 6, 7, 8, 9});
            REQUIRE_THROWS_AS(queue.task_done(), std::logic_error); // nine were put
        }
        REQUIRE(failures >= 3);
    }
}

TEST_CASE("a PriorityQueue without memory refuses an item and keeps the others", "[sync][queue]") {
    PriorityQueue<int> queue;
    put_all(queue, Items{8, 7, 6, 5, 4, 3, 2, 1});
    {
        const NoMemory none;
        CHECK_THROWS_AS(queue.put_nowait(0), std::bad_alloc);
    }
    REQUIRE(drain(queue) == Items{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("a PriorityQueue moves its items and copies none", "[sync][queue]") {
    struct ByNumber {
        bool operator()(const MoveOnly& a, const MoveOnly& b) const noexcept {
            return a.number() < b.number();
        }
    };
    const LeakCheck leaks;
    {
        PriorityQueue<MoveOnly, ByNumber> queue;
        for (const int number : {5, 9, 2, 7, 4, 8, 6, 3, 1}) {
            queue.put_nowait(MoveOnly(number));
        }
        for (int number = 1; number <= 5; ++number) {
            REQUIRE(queue.get_nowait().number() == number);
        }
        REQUIRE(leaks.alive() == 4);
    }
    REQUIRE(leaks.copies() == 0);
    REQUIRE(leaks.alive() == 0);
}

TEST_CASE("a hundred thousand items come out of a PriorityQueue sorted", "[sync][queue][slow]") {
    PriorityQueue<std::uint32_t> queue;
    std::mt19937 random(3);
    for (int i = 0; i < 100'000; ++i) {
        queue.put_nowait(static_cast<std::uint32_t>(random()));
    }
    std::uint32_t last = 0;
    bool sorted = true;
    while (!queue.empty()) {
        const std::uint32_t item = queue.get_nowait();
        sorted = sorted && item >= last;
        last = item;
    }
    REQUIRE(sorted);
}
