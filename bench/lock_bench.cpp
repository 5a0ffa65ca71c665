// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a lock cost: a free one, and one that 64 tasks want, who give up the thread while they
// have it? Baseline: a flag and a list of handles in the limit kernel.

#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"
#include "limit_sync.hpp"

using namespace std::chrono_literals;

namespace {

constexpr int tasks_that_want = 64;
constexpr int times = 1000;

[[gnu::noinline]] limit::Spawned limit_user(limit::Semaphore& lock) {
    for (int i = 0; i < times; ++i) {
        co_await lock.acquire();
        co_await limit::Yield{};
        lock.release();
    }
}

[[gnu::noinline]] rondo::Coro<> rondo_user(rondo::Lock& lock) {
    for (int i = 0; i < times; ++i) {
        const auto guard = co_await lock.acquire();
        co_await rondo::sleep(0s);
    }
}

limit::Spawned limit_contended(benchmark::State& state) {
    limit::Semaphore lock(1);
    while (state.KeepRunningBatch(tasks_that_want * times)) {
        std::vector<limit::Spawned> tasks;
        for (int i = 0; i < tasks_that_want; ++i) {
            tasks.push_back(limit_user(lock));
        }
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
    }
}

rondo::Coro<> rondo_contended(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::Lock lock;
    while (state.KeepRunningBatch(tasks_that_want * times)) {
        std::vector<rondo::Task<>> tasks;
        for (int i = 0; i < tasks_that_want; ++i) {
            tasks.push_back(rondo::create_task(rondo_user(lock)));
        }
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
    }
}

limit::Spawned limit_free(benchmark::State& state) {
    limit::Semaphore lock(1);
    for (auto _ : state) {
        co_await lock.acquire();
        benchmark::DoNotOptimize(lock);
        lock.release();
    }
}

rondo::Coro<> rondo_free(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::Lock lock;
    for (auto _ : state) {
        const auto guard = co_await lock.acquire();
        benchmark::DoNotOptimize(lock);
    }
}

void contended_limit(benchmark::State& state) {
    limit::run(limit_contended(state));
}
void contended_rondo(benchmark::State& state) {
    rondo::run(rondo_contended(state));
}
void free_limit(benchmark::State& state) {
    limit::run(limit_free(state));
}
void free_rondo(benchmark::State& state) {
    rondo::run(rondo_free(state));
}

} // namespace

BENCHMARK(contended_limit)->Name("lock_contended/limit");
BENCHMARK(contended_rondo)->Name("lock_contended/rondo");
BENCHMARK(free_limit)->Name("lock_free/limit");
BENCHMARK(free_rondo)->Name("lock_free/rondo");
