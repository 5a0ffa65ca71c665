// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a permit cost: a free one, and one of 8 that 64 tasks want, who give up the thread while
// they have it? Baseline: a counter and a list of handles in the limit kernel.

#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"
#include "limit_sync.hpp"

using namespace std::chrono_literals;

namespace {

constexpr int permits = 8;
constexpr int tasks_that_want = 64;
constexpr int times = 1000;

[[gnu::noinline]] limit::Spawned limit_user(limit::Semaphore& semaphore) {
    for (int i = 0; i < times; ++i) {
        co_await semaphore.acquire();
        co_await limit::Yield{};
        semaphore.release();
    }
}

[[gnu::noinline]] rondo::Coro<> rondo_user(rondo::Semaphore& semaphore) {
    for (int i = 0; i < times; ++i) {
        const auto permit = co_await semaphore.acquire();
        co_await rondo::sleep(0s);
    }
}

limit::Spawned limit_contended(benchmark::State& state) {
    limit::Semaphore semaphore(permits);
    while (state.KeepRunningBatch(tasks_that_want * times)) {
        std::vector<limit::Spawned> tasks;
        for (int i = 0; i < tasks_that_want; ++i) {
            tasks.push_back(limit_user(semaphore));
        }
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
    }
}

rondo::Coro<> rondo_contended(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::Semaphore semaphore(permits);
    while (state.KeepRunningBatch(tasks_that_want * times)) {
        std::vector<rondo::Task<>> tasks;
        for (int i = 0; i < tasks_that_want; ++i) {
            tasks.push_back(rondo::create_task(rondo_user(semaphore)));
        }
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
    }
}

limit::Spawned limit_uncontended(benchmark::State& state) {
    limit::Semaphore semaphore(1);
    for (auto _ : state) {
        co_await semaphore.acquire();
        benchmark::DoNotOptimize(semaphore);
        semaphore.release();
    }
}

rondo::Coro<> rondo_uncontended(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::Semaphore semaphore(1);
    for (auto _ : state) {
        const auto permit = co_await semaphore.acquire();
        benchmark::DoNotOptimize(semaphore);
    }
}

void contended_limit(benchmark::State& state) {
    limit::run(limit_contended(state));
}
void contended_rondo(benchmark::State& state) {
    rondo::run(rondo_contended(state));
}
void uncontended_limit(benchmark::State& state) {
    limit::run(limit_uncontended(state));
}
void uncontended_rondo(benchmark::State& state) {
    rondo::run(rondo_uncontended(state));
}

} // namespace

BENCHMARK(contended_limit)->Name("semaphore_contended/limit");
BENCHMARK(contended_rondo)->Name("semaphore_contended/rondo");
BENCHMARK(uncontended_limit)->Name("semaphore_free/limit");
BENCHMARK(uncontended_rondo)->Name("semaphore_free/rondo");
