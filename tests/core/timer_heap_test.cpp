// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/timer_heap.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using rondo::Clock;
using rondo::detail::TimerHeap;
using namespace std::chrono_literals;

namespace {

struct Node final : rondo::detail::TimerNode {
    Node(int number, std::vector<int>& log) : id(number), fired(log) {}
    void on_deadline() noexcept override {
        fired.push_back(id);
        if (starts != nullptr) {
            heap->insert(*starts, starts_at);
        }
        if (stops != nullptr && stops->armed()) {
            heap->remove(*stops);
        }
    }

    int id;
    std::vector<int>& fired;
    TimerHeap* heap = nullptr;
    Node* starts = nullptr;
    Clock::time_point starts_at{};
    Node* stops = nullptr;
};

Clock::time_point at(std::chrono::nanoseconds since_start) {
    return Clock::time_point(since_start);
}

} // namespace

TEST_CASE("timers fire in the order of their deadlines, equal ones in the order of their start",
          "[core][timer_heap]") {
    TimerHeap heap;
    std::vector<int> fired;
    std::vector<std::unique_ptr<Node>> nodes;
    const std::vector<int> deadlines{5, 1, 3, 1, 5, 2, 1};
    for (std::size_t i = 0; i < deadlines.size(); ++i) {
        nodes.push_back(std::make_unique<Node>(static_cast<int>(i), fired));
        heap.insert(*nodes.back(), at(std::chrono::nanoseconds(deadlines[i])));
        REQUIRE(nodes.back()->armed());
        REQUIRE(heap.deadline_of(*nodes.back()) == at(std::chrono::nanoseconds(deadlines[i])));
    }
    REQUIRE(heap.size() == 7);
    REQUIRE(heap.earliest() == at(1ns));
    heap.fire_due(at(0ns));
    REQUIRE(fired.empty());
    heap.fire_due(at(2ns));
    REQUIRE(fired == std::vector<int>{1, 3, 6, 5});
    REQUIRE_FALSE(nodes[1]->armed());
    heap.fire_due(at(5ns));
    REQUIRE(fired == std::vector<int>{1, 3, 6, 5, 2, 0, 4});
    REQUIRE(heap.empty());
}

TEST_CASE("a timer that is started while others fire waits for the next call",
          "[core][timer_heap]") {
    TimerHeap heap;
    std::vector<int> fired;
    Node first(1, fired);
    Node started(2, fired);
    Node last(3, fired);
    first.heap = &heap;
    first.starts = &started;
    first.starts_at = at(0ns); // earlier than all
    heap.insert(first, at(1ns));
    heap.insert(last, at(3ns));
    heap.fire_due(at(2ns));
    REQUIRE(fired == std::vector<int>{1});
    heap.fire_due(at(3ns));
    REQUIRE(fired == std::vector<int>{1, 2, 3});
}

TEST_CASE("equal deadlines keep their order when the count of timers begins anew",
          "[core][timer_heap]") {
    for (std::uint32_t before = 0; before < 12; ++before) {
        TimerHeap heap(UINT32_MAX - before);
        std::vector<int> fired;
        std::vector<std::unique_ptr<Node>> nodes;
        const std::vector<int> deadlines{3, 1, 2, 1, 3, 3, 2, 1, 1, 2};
        for (std::size_t i = 0; i < deadlines.size(); ++i) {
            nodes.push_back(std::make_unique<Node>(static_cast<int>(i), fired));
            heap.insert(*nodes.back(), at(std::chrono::nanoseconds(deadlines[i])));
        }
        heap.remove(*nodes[3]);
        heap.fire_due(at(3ns));
        REQUIRE(fired == std::vector<int>{1, 7, 8, 2, 6, 9, 0, 4, 5});
        REQUIRE(heap.empty());
    }
}

TEST_CASE("timers that are taken out while they are young leave the rest whole",
          "[core][timer_heap]") {
    for (const std::size_t old : {0U, 1U, 5U, 20U}) {
        TimerHeap heap;
        std::vector<int> fired;
        std::vector<std::unique_ptr<Node>> nodes;
        std::vector<int> left;
        for (std::size_t i = 0; i < old + 12; ++i) {
            nodes.push_back(std::make_unique<Node>(static_cast<int>(i), fired));
            heap.insert(*nodes.back(), at(std::chrono::nanoseconds(i)));
            if (i + 1 == old) {
                CHECK(heap.earliest() == at(0ns)); // and from here on these are old
            }
        }
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (i % 3 == 0) {
                heap.remove(*nodes[i]);
            } else {
                left.push_back(static_cast<int>(i));
            }
        }
        CHECK(heap.size() == left.size());
        CHECK(heap.not_before() <= at(1ns));
        CHECK(heap.earliest() == at(1ns));
        heap.fire_due(at(100ns));
        CHECK(fired == left);
    }
}

TEST_CASE("a timer may stop another that is due at the same time", "[core][timer_heap]") {
    TimerHeap heap;
    std::vector<int> fired;
    Node first(1, fired);
    Node second(2, fired);
    first.heap = &heap;
    first.stops = &second;
    heap.insert(first, at(1ns));
    heap.insert(second, at(1ns));
    heap.fire_due(at(1ns));
    REQUIRE(fired == std::vector<int>{1});
    REQUIRE(heap.empty());
}

TEST_CASE("the heap agrees with a sorted map over random operations", "[core][timer_heap]") {
    std::mt19937_64 random(7);
    TimerHeap heap;
    std::vector<int> fired;
    std::vector<int> expected;
    constexpr int count = 300;
    std::vector<std::unique_ptr<Node>> nodes;
    for (int i = 0; i < count; ++i) {
        nodes.push_back(std::make_unique<Node>(i, fired));
    }
    // Keyed by deadline and order of start.
    std::map<std::pair<Clock::time_point, std::uint64_t>, int> model;
    std::vector<std::pair<Clock::time_point, std::uint64_t>> key(count);
    std::uint64_t started = 0;
    Clock::time_point now = at(0ns);
    for (int step = 0; step < 50000; ++step) {
        const auto chosen = static_cast<std::size_t>(random() % count);
        Node& node = *nodes[chosen];
        if (node.armed()) {
            heap.remove(node);
            model.erase(key[chosen]);
            REQUIRE_FALSE(node.armed());
        } else {
            const Clock::time_point deadline = now + std::chrono::nanoseconds(random() % 50);
            heap.insert(node, deadline);
            key[chosen] = {deadline, started++};
            model.emplace(key[chosen], static_cast<int>(chosen));
        }
        if (random() % 8 == 0) {
            now += std::chrono::nanoseconds(random() % 10);
            heap.fire_due(now);
            while (!model.empty() && model.begin()->first.first <= now) {
                expected.push_back(model.begin()->second);
                model.erase(model.begin());
            }
            if (fired != expected) {
                REQUIRE(fired == expected);
            }
            fired.clear();
            expected.clear();
        }
        if (heap.size() != model.size() ||
            (!model.empty() && heap.not_before() > model.begin()->first.first)) {
            FAIL("the heap and the model differ");
        }
        // Not in every step: it leaves no timer young.
        if (random() % 16 == 0 && !model.empty() && heap.earliest() != model.begin()->first.first) {
            FAIL("the heap and the model differ in the first one");
        }
    }
}

TEST_CASE("a hundred thousand timers are started, half of them stopped, and fire in order",
          "[core][timer_heap][slow]") {
    std::mt19937_64 random(8);
    TimerHeap heap;
    std::vector<int> fired;
    constexpr int count = 100000;
    std::vector<std::unique_ptr<Node>> nodes;
    std::vector<std::pair<Clock::time_point, int>> expected;
    for (int i = 0; i < count; ++i) {
        nodes.push_back(std::make_unique<Node>(i, fired));
        const Clock::time_point deadline = at(std::chrono::nanoseconds(random() % 1000));
        heap.insert(*nodes.back(), deadline);
        if (i % 2 == 0) {
            expected.emplace_back(deadline, i);
        }
    }
    for (int i = 1; i < count; i += 2) {
        heap.remove(*nodes[static_cast<std::size_t>(i)]);
    }
    std::sort(expected.begin(), expected.end());
    heap.fire_due(at(1000ns));
    REQUIRE(heap.empty());
    REQUIRE(fired.size() == expected.size());
    bool same = true;
    for (std::size_t i = 0; i < fired.size(); ++i) {
        same = same && fired[i] == expected[i].second;
    }
    REQUIRE(same);
}
