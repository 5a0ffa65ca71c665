// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a task cost: made, run and joined one by one; and a million alive at once?
// Baseline: the limit kernel, whose tasks have no state beside their frame.

#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

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
    while (state.KeepRunningBatch(1000)) {
        for (int i = 0; i < 1000; ++i) {
            const auto task = rondo::create_task(rondo_nothing());
            co_await task;
        }
    }
}

limit::Spawned limit_many(benchmark::State& state, std::size_t count) {
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        std::vector<limit::Spawned> tasks;
        tasks.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            tasks.push_back(limit_yield_once());
        }
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
    }
}

rondo::Coro<> rondo_many(benchmark::State& state, std::size_t count) {
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        std::vector<rondo::Task<>> tasks;
        tasks.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            tasks.push_back(rondo::create_task(rondo_yield_once()));
        }
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
    }
}

void spawn_limit(benchmark::State& state) {
    limit::run(limit_spawn(state));
}
void spawn_rondo(benchmark::State& state) {
    rondo::run(rondo_spawn(state));
}
void many_limit(benchmark::State& state) {
    limit::run(limit_many(state, static_cast<std::size_t>(state.range(0))));
}
void many_rondo(benchmark::State& state) {
    rondo::run(rondo_many(state, static_cast<std::size_t>(state.range(0))));
}

} // namespace

BENCHMARK(spawn_limit)->Name("spawn_and_join/limit");
BENCHMARK(spawn_rondo)->Name("spawn_and_join/rondo");
BENCHMARK(many_limit)->Name("spawn_alive/limit")->ArgName("tasks")->Arg(1000)->Arg(1000000);
BENCHMARK(many_rondo)->Name("spawn_alive/rondo")->ArgName("tasks")->Arg(1000)->Arg(1000000);
