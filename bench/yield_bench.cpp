// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does it cost to give up the thread to the next task: two that alternate, and a hundred?
// Baseline: the limit kernel's ring buffer of handles.

#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

using namespace std::chrono_literals;

namespace {

constexpr int yields = 10000;

[[gnu::noinline]] limit::Spawned limit_yielder() {
    for (int i = 0; i < yields; ++i) {
        co_await limit::Yield{};
    }
}
[[gnu::noinline]] rondo::Coro<> rondo_yielder() {
    for (int i = 0; i < yields; ++i) {
        co_await rondo::sleep(0s);
    }
}

limit::Spawned limit_yield(benchmark::State& state, int tasks) {
    while (state.KeepRunningBatch(yields * tasks)) {
        std::vector<limit::Spawned> running;
        for (int i = 0; i < tasks; ++i) {
            running.push_back(limit_yielder());
        }
        for (limit::Spawned& task : running) {
            co_await task;
        }
    }
}

rondo::Coro<> rondo_yield(benchmark::State& state, int tasks) {
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(yields * tasks)) {
        std::vector<rondo::Task<>> running;
        for (int i = 0; i < tasks; ++i) {
            running.push_back(rondo::create_task(rondo_yielder()));
        }
        for (const rondo::Task<>& task : running) {
            co_await task;
        }
    }
}

void yield_limit(benchmark::State& state) {
    limit::run(limit_yield(state, static_cast<int>(state.range(0))));
}
void yield_rondo(benchmark::State& state) {
    rondo::run(rondo_yield(state, static_cast<int>(state.range(0))));
}

} // namespace

BENCHMARK(yield_limit)->Name("yield/limit")->ArgName("tasks")->Arg(2)->Arg(100);
BENCHMARK(yield_rondo)->Name("yield/rondo")->ArgName("tasks")->Arg(2)->Arg(100);
