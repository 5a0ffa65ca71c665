// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Does an operation cost the same, however many tasks there are: spawn and join, sleep, and get from
// a queue, with 100 to 1,000,000 tasks at a time; an echo with 10 to 8000 connections? Baselines: the
// limit kernel, and liburing by hand. Before time is taken there has been one crowd of that size, so
// that memory is there. bench/run.sh --growth runs each in a process of its own, so that none finds
// memory that a larger crowd has left.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "cores.hpp"
#include "costs.hpp"
#include "echo_set_up.hpp"
#include "limit.hpp"
#include "limit_sync.hpp"
#include "loopback.hpp"

namespace {

constexpr std::size_t queue_capacity = 64;

[[gnu::noinline]] limit::Spawned limit_nothing() {
    co_return;
}
[[gnu::noinline]] rondo::Coro<> rondo_nothing() {
    co_return;
}

limit::Spawned limit_spawn(std::size_t count) {
    std::vector<limit::Spawned> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(limit_nothing());
    }
    for (limit::Spawned& task : tasks) {
        co_await task;
    }
}

rondo::Coro<> rondo_spawn(std::size_t count) {
    std::vector<rondo::Task<>> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(rondo::create_task(rondo_nothing()));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

/// Times of sleep in no order, a microsecond for each sleeper on average, so that their density in
/// time does not depend on how many there are.
class SleepTimes {
public:
    explicit SleepTimes(std::size_t count) : longest_(count * 2000) {}
    std::int64_t next() {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return static_cast<std::int64_t>((state_ >> 16U) % longest_);
    }

private:
    std::uint64_t longest_;
    std::uint64_t state_ = 88172645463325252ULL;
};

[[gnu::noinline]] limit::Spawned limit_sleeper(std::int64_t time) {
    co_await limit::Sleep{time};
}
[[gnu::noinline]] rondo::Coro<> rondo_sleeper(std::chrono::nanoseconds time) {
    co_await rondo::sleep(time);
}

limit::Spawned limit_sleep(std::size_t count) {
    SleepTimes times(count);
    std::vector<limit::Spawned> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(limit_sleeper(times.next()));
    }
    for (limit::Spawned& task : tasks) {
        co_await task;
    }
}

rondo::Coro<> rondo_sleep(std::size_t count) {
    SleepTimes times(count);
    std::vector<rondo::Task<>> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::chrono::nanoseconds time(times.next());
        tasks.push_back(rondo::create_task(rondo_sleeper(time)));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

[[gnu::noinline]] limit::Spawned limit_getter(limit::Queue& queue) {
    const int item = co_await queue.get();
    benchmark::DoNotOptimize(item);
}
[[gnu::noinline]] rondo::Coro<> rondo_getter(rondo::Queue<int>& queue) {
    const int item = co_await queue.get();
    benchmark::DoNotOptimize(item);
}

/// All wait for an item each.
limit::Spawned limit_queue(std::size_t count) {
    limit::Queue queue(queue_capacity);
    std::vector<limit::Spawned> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(limit_getter(queue));
    }
    co_await limit::Yield{};
    for (std::size_t i = 0; i < count; ++i) {
        co_await queue.put(static_cast<int>(i));
    }
    for (limit::Spawned& task : tasks) {
        co_await task;
    }
}

rondo::Coro<> rondo_queue(std::size_t count) {
    rondo::Queue<int> queue(queue_capacity);
    std::vector<rondo::Task<>> tasks;
    tasks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(rondo::create_task(rondo_getter(queue)));
    }
    co_await rondo::sleep(std::chrono::nanoseconds(0));
    for (std::size_t i = 0; i < count; ++i) {
        co_await queue.put(static_cast<int>(i));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

template <auto Crowd>
limit::Spawned limit_rounds(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    const limit::Spawned first = Crowd(count);
    co_await first;
    while (state.KeepRunningBatch(state.range(0))) {
        const limit::Spawned crowd = Crowd(count);
        co_await crowd;
    }
}

template <auto Crowd>
rondo::Coro<> rondo_rounds(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    co_await Crowd(count);
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(state.range(0))) {
        co_await Crowd(count);
    }
}

template <auto Crowd>
void with_limit(benchmark::State& state) {
    limit::run(limit_rounds<Crowd>(state));
}
template <auto Crowd>
void with_rondo(benchmark::State& state) {
    rondo::run(rondo_rounds<Crowd>(state));
}

void many(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("tasks")->RangeMultiplier(10)->Range(100, 1'000'000);
}

void echo(benchmark::State& state, const bench::EchoContender& contender) {
    constexpr std::size_t bytes = 64;
    const bench::OnOneCore both;
    bench::EchoSetUp set_up(contender, bench::Network::tcp,
                            static_cast<std::size_t>(state.range(0)), bytes, both.core());
    set_up.load().start();
    for (auto _ : state) {
        set_up.load().next();
    }
    set_up.load().finish();
    bench::report(state, set_up.end());
}

} // namespace

BENCHMARK(with_limit<&limit_spawn>)->Name("growth_spawn/limit")->Apply(many);
BENCHMARK(with_rondo<&rondo_spawn>)->Name("growth_spawn/rondo")->Apply(many);
BENCHMARK(with_limit<&limit_sleep>)->Name("growth_sleep/limit")->Apply(many);
BENCHMARK(with_rondo<&rondo_sleep>)->Name("growth_sleep/rondo")->Apply(many);
BENCHMARK(with_limit<&limit_queue>)->Name("growth_queue/limit")->Apply(many);
BENCHMARK(with_rondo<&rondo_queue>)->Name("growth_queue/rondo")->Apply(many);

namespace {

// After the others, as in the table.
[[maybe_unused]] const bool echoes = [] {
    // A connection has two ends in this process.
    const auto most = static_cast<std::int64_t>(bench::allow_many_descriptors() / 2) - 50;
    for (const bench::EchoContender& contender : bench::echo_contenders) {
        const std::string who = contender.who;
        if (who != "liburing" && who != "rondo") {
            continue;
        }
        const auto run = [=](benchmark::State& state) { echo(state, contender); };
        auto* const benchmark = benchmark::RegisterBenchmark(("growth_echo/" + who).c_str(), run);
        benchmark->ArgName("connections")->MeasureProcessCPUTime();
        for (const std::int64_t connections : {10, 100, 1000, 8000}) {
            if (connections <= most) {
                benchmark->Arg(connections);
            }
        }
        // As many as it takes that it does not matter where among the connections it ends.
        benchmark->Iterations(100'000);
    }
    return true;
}();

} // namespace
