// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does an item cost that goes through a queue, from one task to another: with room for 1, 64
// and 1024? Baseline: a ring of slots and two lists of handles in the limit kernel.

#include <cstddef>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"
#include "limit_sync.hpp"

namespace {

constexpr int items = 100'000;

[[gnu::noinline]] limit::Spawned limit_producer(limit::Queue& queue) {
    for (int i = 0; i < items; ++i) {
        co_await queue.put(i);
    }
}

[[gnu::noinline]] rondo::Coro<> rondo_producer(rondo::Queue<int>& queue) {
    for (int i = 0; i < items; ++i) {
        co_await queue.put(i);
    }
}

limit::Spawned limit_consumer(benchmark::State& state) {
    limit::Queue queue(static_cast<std::size_t>(state.range(0)));
    while (state.KeepRunningBatch(items)) {
        const limit::Spawned producer = limit_producer(queue);
        for (int i = 0; i < items; ++i) {
            const int item = co_await queue.get();
            benchmark::DoNotOptimize(item);
        }
        co_await producer;
    }
}

rondo::Coro<> rondo_consumer(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::Queue<int> queue(static_cast<std::size_t>(state.range(0)));
    while (state.KeepRunningBatch(items)) {
        const auto producer = rondo::create_task(rondo_producer(queue));
        for (int i = 0; i < items; ++i) {
            const int item = co_await queue.get();
            benchmark::DoNotOptimize(item);
        }
        co_await producer;
    }
}

void limit_queue(benchmark::State& state) {
    limit::run(limit_consumer(state));
}
void rondo_queue(benchmark::State& state) {
    rondo::run(rondo_consumer(state));
}

} // namespace

BENCHMARK(limit_queue)->Name("queue/limit")->Arg(1)->Arg(64)->Arg(1024);
BENCHMARK(rondo_queue)->Name("queue/rondo")->Arg(1)->Arg(64)->Arg(1024);
