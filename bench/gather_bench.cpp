// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does each of 10,000 children of a gather cost: that end at once, and that sleep for 10 ms?
// Baseline: the limit kernel, whose tasks are joined one after another.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

using namespace std::chrono_literals;

namespace {

constexpr std::size_t children = 10000;
constexpr std::int64_t ten_milliseconds = 10'000'000;

[[gnu::noinline]] limit::Spawned limit_ready() {
    co_return;
}
[[gnu::noinline]] limit::Spawned limit_sleeper() {
    co_await limit::Sleep{ten_milliseconds};
}
[[gnu::noinline]] rondo::Coro<> rondo_ready() {
    co_return;
}
[[gnu::noinline]] rondo::Coro<> rondo_sleeper() {
    co_await rondo::sleep(10ms);
}

template <auto Function>
limit::Spawned limit_gather(benchmark::State& state) {
    while (state.KeepRunningBatch(children)) {
        std::vector<limit::Spawned> tasks;
        tasks.reserve(children);
        for (std::size_t i = 0; i < children; ++i) {
            tasks.push_back(Function());
        }
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
    }
}

template <auto Function>
rondo::Coro<> rondo_gather(benchmark::State& state) {
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(children)) {
        std::vector<rondo::Coro<>> coros;
        coros.reserve(children);
        for (std::size_t i = 0; i < children; ++i) {
            coros.push_back(Function());
        }
        co_await rondo::gather(std::move(coros));
    }
}

void ready_limit(benchmark::State& state) {
    limit::run(limit_gather<&limit_ready>(state));
}
void ready_rondo(benchmark::State& state) {
    rondo::run(rondo_gather<&rondo_ready>(state));
}
void sleepers_limit(benchmark::State& state) {
    limit::run(limit_gather<&limit_sleeper>(state));
}
void sleepers_rondo(benchmark::State& state) {
    rondo::run(rondo_gather<&rondo_sleeper>(state));
}

} // namespace

BENCHMARK(ready_limit)->Name("gather_ready/limit");
BENCHMARK(ready_rondo)->Name("gather_ready/rondo");
// Twenty rounds: most of the time is spent asleep.
BENCHMARK(sleepers_limit)->Name("gather_sleepers/limit")->Iterations(20 * children);
BENCHMARK(sleepers_rondo)->Name("gather_sleepers/rondo")->Iterations(20 * children);
