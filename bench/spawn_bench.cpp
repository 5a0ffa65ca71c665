// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a task cost: made, run and joined one by one; in a crowd; and suspended once in a crowd,
// so that all are alive at the same time? The crowds of a million also tell the memory of a task.
// Baseline: the limit kernel, whose tasks have no state beside their frame.

#include <chrono>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "fresh_process.hpp"
#include "limit.hpp"

using namespace std::chrono_literals;

namespace {

[[gnu::noinline]] limit::Spawned limit_nothing() {
    co_return;
}
[[gnu::noinline]] limit::Spawned limit_yield_once() {
    co_await limit::Yield{};
}
[[gnu::noinline]] rondo::Coro<> rondo_nothing() {
    co_return;
}
[[gnu::noinline]] rondo::Coro<> rondo_yield_once() {
    co_await rondo::sleep(0s);
}

limit::Spawned limit_spawn(benchmark::State& state) {
    while (state.KeepRunningBatch(1000)) {
        for (int i = 0; i < 1000; ++i) {
            auto task = limit_nothing();
            co_await task;
        }
    }
}

rondo::Coro<> rondo_spawn(benchmark::State& state) {
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(1000)) {
        for (int i = 0; i < 1000; ++i) {
            const auto task = rondo::create_task(rondo_nothing());
            co_await task;
        }
    }
}

/// Makes `count` tasks of the function, then joins them all.
template <auto Function>
limit::Spawned limit_many(std::size_t count) {
    std::vector<limit::Spawned> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(Function());
    }
    for (limit::Spawned& task : tasks) {
        co_await task;
    }
}

template <auto Function>
rondo::Coro<> rondo_many(std::size_t count) {
    std::vector<rondo::Task<>> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(rondo::create_task(Function()));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

template <auto Function>
limit::Spawned limit_crowds(benchmark::State& state, std::size_t count) {
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        const limit::Spawned crowd = limit_many<Function>(count);
        co_await crowd;
    }
}

template <auto Function>
rondo::Coro<> rondo_crowds(benchmark::State& state, std::size_t count) {
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        co_await rondo_many<Function>(count);
    }
}

void spawn_limit(benchmark::State& state) {
    limit::run(limit_spawn(state));
}
void spawn_rondo(benchmark::State& state) {
    rondo::run(rondo_spawn(state));
}
void crowd_limit(benchmark::State& state) {
    limit::run(limit_crowds<&limit_nothing>(state, static_cast<std::size_t>(state.range(0))));
}
void crowd_rondo(benchmark::State& state) {
    rondo::run(rondo_crowds<&rondo_nothing>(state, static_cast<std::size_t>(state.range(0))));
}

/// Of a million, in a process of its own.
template <auto Function>
void million_limit(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    bench::run_in_fresh_processes(state, count,
                                  [count] { limit::run(limit_many<Function>(count)); });
}
template <auto Function>
void million_rondo(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    bench::run_in_fresh_processes(state, count,
                                  [count] { rondo::run(rondo_many<Function>(count)); });
}

void many(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("tasks")->Arg(1000)->Arg(100000);
}
void a_million(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("tasks")->Arg(1000000)->UseManualTime();
}

} // namespace

BENCHMARK(spawn_limit)->Name("spawn_one/limit");
BENCHMARK(spawn_rondo)->Name("spawn_one/rondo");
BENCHMARK(crowd_limit)->Name("spawn_crowd/limit")->Apply(many);
BENCHMARK(crowd_rondo)->Name("spawn_crowd/rondo")->Apply(many);
BENCHMARK(million_limit<&limit_nothing>)->Name("spawn_crowd/limit")->Apply(a_million);
BENCHMARK(million_rondo<&rondo_nothing>)->Name("spawn_crowd/rondo")->Apply(a_million);
BENCHMARK(million_limit<&limit_yield_once>)->Name("spawn_alive/limit")->Apply(a_million);
BENCHMARK(million_rondo<&rondo_yield_once>)->Name("spawn_alive/rondo")->Apply(a_million);
