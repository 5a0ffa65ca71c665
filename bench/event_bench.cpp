// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does each of 100,000 tasks cost that an Event wakes, again and again? Baseline: a list of
// handles in the limit kernel.

#include <chrono>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"
#include "limit_sync.hpp"

using namespace std::chrono_literals;

namespace {

constexpr int waiters = 100'000;
constexpr int rounds = 4;

[[gnu::noinline]] limit::Spawned limit_waiter(limit::Event& event) {
    for (int i = 0; i < rounds; ++i) {
        co_await event.wait();
    }
}

[[gnu::noinline]] rondo::Coro<> rondo_waiter(rondo::Event& event) {
    for (int i = 0; i < rounds; ++i) {
        co_await event.wait();
    }
}

limit::Spawned limit_crowd(benchmark::State& state) {
    limit::Event event;
    while (state.KeepRunningBatch(waiters * rounds)) {
        state.PauseTiming();
        std::vector<limit::Spawned> tasks;
        tasks.reserve(waiters);
        for (int i = 0; i < waiters; ++i) {
            tasks.push_back(limit_waiter(event));
        }
        co_await limit::Yield{};
        state.ResumeTiming();
        for (int i = 0; i < rounds; ++i) {
            event.set();
            event.clear();
            co_await limit::Yield{};
        }
        state.PauseTiming();
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
        tasks.clear();
        state.ResumeTiming();
    }
}

rondo::Coro<> rondo_crowd(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::Event event;
    while (state.KeepRunningBatch(waiters * rounds)) {
        state.PauseTiming();
        std::vector<rondo::Task<>> tasks;
        tasks.reserve(waiters);
        for (int i = 0; i < waiters; ++i) {
            tasks.push_back(rondo::create_task(rondo_waiter(event)));
        }
        co_await rondo::sleep(0s);
        state.ResumeTiming();
        for (int i = 0; i < rounds; ++i) {
            event.set();
            event.clear();
            co_await rondo::sleep(0s);
        }
        state.PauseTiming();
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
        tasks.clear();
        state.ResumeTiming();
    }
}

void limit_event(benchmark::State& state) {
    limit::run(limit_crowd(state));
}
void rondo_event(benchmark::State& state) {
    rondo::run(rondo_crowd(state));
}

} // namespace

BENCHMARK(limit_event)->Name("event_fan_out/limit");
BENCHMARK(rondo_event)->Name("event_fan_out/rondo");
