// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a sleeping task cost? A hundred thousand and a million sleep random times of up to
// 100 ms. Baseline: the limit kernel's heap. CPU time counts; the wall time is the longest sleep.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

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

constexpr std::int64_t longest = 100'000'000;

[[gnu::noinline]] limit::Spawned limit_sleeper(std::int64_t time) {
    co_await limit::Sleep{time};
}
[[gnu::noinline]] rondo::Coro<> rondo_sleeper(std::chrono::nanoseconds time) {
    co_await rondo::sleep(time);
}

limit::Spawned limit_sleep(benchmark::State& state, std::size_t count) {
    Random random;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        std::vector<limit::Spawned> tasks;
        tasks.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            tasks.push_back(limit_sleeper(random.up_to(longest)));
        }
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
    }
}

rondo::Coro<> rondo_sleep(benchmark::State& state, std::size_t count) {
    Random random;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
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
}

void sleep_limit(benchmark::State& state) {
    limit::run(limit_sleep(state, static_cast<std::size_t>(state.range(0))));
}
void sleep_rondo(benchmark::State& state) {
    rondo::run(rondo_sleep(state, static_cast<std::size_t>(state.range(0))));
}

} // namespace

BENCHMARK(sleep_limit)->Name("sleep/limit")->ArgName("tasks")->Arg(100000)->Arg(1000000);
BENCHMARK(sleep_rondo)->Name("sleep/rondo")->ArgName("tasks")->Arg(100000)->Arg(1000000);
