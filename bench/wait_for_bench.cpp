// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a time limit cost that is not reached, around something that is ready at the next turn?
// Baseline: the limit kernel, with a coroutine that arms a timer in a wheel and takes it out again.

#include <chrono>
#include <cstdint>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t ten_seconds = 10'000'000'000;

[[gnu::noinline]] limit::Lazy limit_ready_soon() {
    co_await limit::Yield{};
    co_return 1;
}
[[gnu::noinline]] limit::Lazy limit_wait_for(limit::Lazy awaited, std::int64_t time) {
    limit::Wheel::Node node;
    limit::wheel.arm(node, limit::Kernel::time() + time);
    const int value = co_await awaited;
    limit::Wheel::cancel(node);
    co_return value;
}

[[gnu::noinline]] rondo::Coro<int> rondo_ready_soon() {
    co_await rondo::sleep(0s);
    co_return 1;
}

limit::Spawned limit_waits(benchmark::State& state) {
    for (auto _ : state) {
        const int value = co_await limit_wait_for(limit_ready_soon(), ten_seconds);
        benchmark::DoNotOptimize(value);
    }
}

rondo::Coro<> rondo_waits(benchmark::State& state) {
    const bench::CountCosts costs(state);
    for (auto _ : state) {
        const int value = co_await rondo::wait_for(rondo_ready_soon(), 10s);
        benchmark::DoNotOptimize(value);
    }
}

void wait_for_limit(benchmark::State& state) {
    limit::run(limit_waits(state));
}
void wait_for_rondo(benchmark::State& state) {
    rondo::run(rondo_waits(state));
}

} // namespace

BENCHMARK(wait_for_limit)->Name("wait_for/limit");
BENCHMARK(wait_for_rondo)->Name("wait_for/rondo");
