// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does it cost to await a coroutine that finishes at once: one, and ten nested in one another?
// Baseline: the limit kernel, which has symmetric transfer, and no exceptions and no cancellation.

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

namespace {

[[gnu::noinline]] limit::Lazy limit_leaf(int value) {
    co_return value;
}
[[gnu::noinline]] limit::Lazy limit_nested(int depth) {
    if (depth <= 1) {
        co_return 1;
    }
    const int below = co_await limit_nested(depth - 1);
    co_return below + 1;
}

[[gnu::noinline]] rondo::Coro<int> rondo_leaf(int value) {
    co_return value;
}
[[gnu::noinline]] rondo::Coro<int> rondo_nested(int depth) {
    if (depth <= 1) {
        co_return 1;
    }
    const int below = co_await rondo_nested(depth - 1);
    co_return below + 1;
}

limit::Spawned limit_await(benchmark::State& state, int depth) {
    while (state.KeepRunningBatch(1000)) {
        for (int i = 0; i < 1000; ++i) {
            const int value = depth == 1 ? i : depth;
            if (depth == 1) {
                const int result = co_await limit_leaf(value);
                benchmark::DoNotOptimize(result);
            } else {
                const int result = co_await limit_nested(value);
                benchmark::DoNotOptimize(result);
            }
        }
    }
}

rondo::Coro<> rondo_await(benchmark::State& state, int depth) {
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(1000)) {
        for (int i = 0; i < 1000; ++i) {
            const int value = depth == 1 ? i : depth;
            if (depth == 1) {
                const int result = co_await rondo_leaf(value);
                benchmark::DoNotOptimize(result);
            } else {
                const int result = co_await rondo_nested(value);
                benchmark::DoNotOptimize(result);
            }
        }
    }
}

void await_limit(benchmark::State& state) {
    limit::run(limit_await(state, static_cast<int>(state.range(0))));
}
void await_rondo(benchmark::State& state) {
    rondo::run(rondo_await(state, static_cast<int>(state.range(0))));
}

} // namespace

BENCHMARK(await_limit)->Name("await/limit")->ArgName("depth")->Arg(1)->Arg(10);
BENCHMARK(await_rondo)->Name("await/rondo")->ArgName("depth")->Arg(1)->Arg(10);
