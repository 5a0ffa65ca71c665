// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a callback cost that is given to the loop and called in its next turn? Baseline: a
// vector of std::function, filled and called a thousand at a time.

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"

using namespace std::chrono_literals;

namespace {

constexpr int callbacks = 1000;

void call_soon_functions(benchmark::State& state) {
    std::vector<std::function<void()>> queue;
    std::uint64_t sum = 0;
    while (state.KeepRunningBatch(callbacks)) {
        for (std::uint64_t i = 0; i < callbacks; ++i) {
            queue.emplace_back([&sum, i] { sum += i; });
        }
        for (const std::function<void()>& callback : queue) {
            callback();
        }
        queue.clear();
        benchmark::DoNotOptimize(sum);
    }
}

rondo::Coro<> rondo_calls(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::EventLoop& loop = rondo::get_running_loop();
    std::uint64_t sum = 0;
    while (state.KeepRunningBatch(callbacks)) {
        for (std::uint64_t i = 0; i < callbacks; ++i) {
            loop.call_soon([&sum, i] { sum += i; });
        }
        co_await rondo::sleep(0s); // its place in the queue is behind them
        benchmark::DoNotOptimize(sum);
    }
}

void call_soon_rondo(benchmark::State& state) {
    rondo::run(rondo_calls(state));
}

} // namespace

BENCHMARK(call_soon_functions)->Name("call_soon/functions");
BENCHMARK(call_soon_rondo)->Name("call_soon/rondo");
