// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/ready_queue.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "support/catch.hpp"

using rondo::detail::ReadyQueue;

namespace {

struct Item final : rondo::detail::Runnable {
    explicit Item(int value) : number(value) {}
    void run() noexcept override {}
    void discard() noexcept override {}
    int number;
};

std::vector<int> drain(ReadyQueue& queue) {
    std::vector<int> numbers;
    while (!queue.empty()) {
        numbers.push_back(static_cast<Item&>(queue.pop_front()).number);
    }
    return numbers;
}

} // namespace

TEST_CASE("the ready queue is first in, first out", "[core][ready_queue]") {
    ReadyQueue queue;
    Item a(1);
    Item b(2);
    Item c(3);
    REQUIRE(queue.empty());
    queue.push_back(a);
    queue.push_back(b);
    REQUIRE(queue.size() == 2);
    REQUIRE(&queue.pop_front() == &a);
    queue.push_back(c);
    queue.push_back(a); // an item that has left may come back
    REQUIRE(drain(queue) == std::vector<int>{2, 3, 1});
    REQUIRE(queue.empty());
    REQUIRE(queue.size() == 0);
    queue.push_back(b);
    REQUIRE(drain(queue) == std::vector<int>{2});
}

TEST_CASE("a shuffled queue has the same items, in an order that the seed decides",
          "[core][ready_queue]") {
    std::vector<std::unique_ptr<Item>> items;
    std::vector<int> in_order;
    for (int i = 0; i < 100; ++i) {
        items.push_back(std::make_unique<Item>(i));
        in_order.push_back(i);
    }
    const auto shuffled = [&](std::uint64_t seed) {
        ReadyQueue queue;
        for (const auto& item : items) {
            queue.push_back(*item);
        }
        queue.shuffle(seed);
        REQUIRE(queue.size() == items.size());
        return drain(queue);
    };
    const std::vector<int> one = shuffled(1);
    REQUIRE(one == shuffled(1));
    REQUIRE(one != shuffled(2));
    REQUIRE(one != in_order);
    std::vector<int> sorted = one;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted == in_order);
}

TEST_CASE("a shuffle can bring about every order of a few items", "[core][ready_queue]") {
    Item a(0);
    Item b(1);
    Item c(2);
    std::set<std::vector<int>> orders;
    std::uint64_t random = 42;
    for (int round = 0; round < 1000; ++round) {
        ReadyQueue queue;
        queue.push_back(a);
        queue.push_back(b);
        queue.push_back(c);
        queue.shuffle(random);
        orders.insert(drain(queue));
    }
    REQUIRE(orders.size() == 6);
}

TEST_CASE("shuffling none or one is nothing", "[core][ready_queue]") {
    std::uint64_t random = 7;
    ReadyQueue queue;
    queue.shuffle(random);
    REQUIRE(queue.empty());
    Item only(1);
    queue.push_back(only);
    queue.shuffle(random);
    REQUIRE(drain(queue) == std::vector<int>{1});
}
