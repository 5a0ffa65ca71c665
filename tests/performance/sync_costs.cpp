// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What tasks wait for one another with.

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include <rondo/rondo.hpp>

#include "costs.hpp"

using namespace std::chrono_literals;

namespace {

[[gnu::noinline]] rondo::Coro<> producer(rondo::Queue<int>& queue, int items) {
    for (int i = 0; i < items; ++i) {
        co_await queue.put(i);
    }
}

/// One operation is an item that goes from one task to another.
template <std::size_t room>
rondo::Coro<> pass_items(int operations) {
    rondo::Queue<int> queue(room);
    const auto producing = rondo::create_task(producer(queue, operations));
    for (int i = 0; i < operations; ++i) {
        const int item = co_await queue.get();
        costs::keep(item);
    }
    co_await producing;
}

template <typename Primitive>
[[gnu::noinline]] rondo::Coro<> user(Primitive& primitive, int times) {
    for (int i = 0; i < times; ++i) {
        const auto held = co_await primitive.acquire();
        co_await rondo::sleep(0s);
    }
}

/// 64 tasks that give up the thread while they have it.
template <typename Primitive>
rondo::Coro<> contend(Primitive& primitive, int operations) {
    constexpr int size = 64;
    std::vector<rondo::Task<>> tasks;
    for (int i = 0; i < size; ++i) {
        tasks.push_back(rondo::create_task(user(primitive, operations / size)));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

rondo::Coro<> semaphore_contended(int operations) {
    rondo::Semaphore semaphore(8);
    co_await contend(semaphore, operations);
}

rondo::Coro<> lock_contended(int operations) {
    rondo::Lock lock;
    co_await contend(lock, operations);
}

rondo::Coro<> semaphore_free(int operations) {
    rondo::Semaphore semaphore(1);
    for (int i = 0; i < operations; ++i) {
        const auto permit = co_await semaphore.acquire();
        costs::keep(semaphore);
    }
}

rondo::Coro<> lock_free(int operations) {
    rondo::Lock lock;
    for (int i = 0; i < operations; ++i) {
        const auto guard = co_await lock.acquire();
        costs::keep(lock);
    }
}

[[gnu::noinline]] rondo::Coro<> waiter(rondo::Event& event, int times) {
    for (int i = 0; i < times; ++i) {
        co_await event.wait();
    }
}

/// One operation is one task that wakes up and waits again.
template <int size>
rondo::Coro<> fan_out(int operations) {
    const int rounds = operations / size;
    rondo::Event event;
    std::vector<rondo::Task<>> tasks;
    tasks.reserve(size);
    for (int i = 0; i < size; ++i) {
        tasks.push_back(rondo::create_task(waiter(event, rounds)));
    }
    co_await rondo::sleep(0s);
    for (int i = 0; i < rounds; ++i) {
        event.set();
        event.clear();
        co_await rondo::sleep(0s);
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

constexpr costs::Case cases[] = {
    {"queue_1", 4000, pass_items<1>},
    {"queue_64", 6400, pass_items<64>},
    {"queue_1024", 10240, pass_items<1024>},
    {"semaphore_free", 4000, semaphore_free},
    {"semaphore_contended", 6400, semaphore_contended},
    {"lock_free", 4000, lock_free},
    {"lock_contended", 6400, lock_contended},
    {"event_fan_out_1000", 8000, fan_out<1000>},
};

} // namespace

std::span<const costs::Case> costs::sync_cases() {
    return cases;
}
