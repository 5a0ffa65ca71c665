// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a sleeping task cost, if all sleep for random times of up to a second? A million of them
// also tell the memory of one. Baseline: the limit kernel's heap. CPU time counts; the wall time is
// the longest sleep.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "fresh_process.hpp"
#include "limit.hpp"

namespace {

class Random {
public:
    std::int64_t up_to(std::int64_t bound) {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return static_cast<std::int64_t>((state_ >> 16U) % static_cast<std::uint64_t>(bound));
    }

private:
    std::uint64_t state_ = 88172645463325252ULL;
};

constexpr std::int64_t longest = 1'000'000'000;

[[gnu::noinline]] limit::Spawned limit_sleeper(std::int64_t time) {
    co_await limit::Sleep{time};
}
[[gnu::noinline]] rondo::Coro<> rondo_sleeper(std::chrono::nanoseconds time) {
    co_await rondo::sleep(time);
}

limit::Spawned limit_sleeps(std::size_t count) {
    Random random;
    std::vector<limit::Spawned> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(limit_sleeper(random.up_to(longest)));
    }
    for (limit::Spawned& task : tasks) {
        co_await task;
    }
}

rondo::Coro<> rondo_sleeps(std::size_t count) {
    Random random;
    std::vector<rondo::Task<>> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::chrono::nanoseconds time(random.up_to(longest));
        tasks.push_back(rondo::create_task(rondo_sleeper(time)));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

limit::Spawned limit_rounds(benchmark::State& state, std::size_t count) {
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        const limit::Spawned sleeps = limit_sleeps(count);
        co_await sleeps;
    }
}

rondo::Coro<> rondo_rounds(benchmark::State& state, std::size_t count) {
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        co_await rondo_sleeps(count);
    }
}

void sleep_limit(benchmark::State& state) {
    limit::run(limit_rounds(state, static_cast<std::size_t>(state.range(0))));
}
void sleep_rondo(benchmark::State& state) {
    rondo::run(rondo_rounds(state, static_cast<std::size_t>(state.range(0))));
}

/// Of a million, in a process of its own.
void million_limit(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    bench::run_in_fresh_processes(state, count, [count] { limit::run(limit_sleeps(count)); });
}
void million_rondo(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    bench::run_in_fresh_processes(state, count, [count] { rondo::run(rondo_sleeps(count)); });
}

// One round each time: it takes a second, whatever the CPU time.
void many(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("tasks")->Arg(100000)->Iterations(100000);
}
void a_million(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("tasks")->Arg(1000000)->UseManualTime();
}

} // namespace

BENCHMARK(sleep_limit)->Name("sleep/limit")->Apply(many);
BENCHMARK(sleep_rondo)->Name("sleep/rondo")->Apply(many);
BENCHMARK(million_limit)->Name("sleep/limit")->Apply(a_million);
BENCHMARK(million_rondo)->Name("sleep/rondo")->Apply(a_million);
