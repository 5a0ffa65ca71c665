// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The questions of sleep_bench, timer_bench and wait_for_bench, and of gather_bench's sleepers, put
// to Asio: steady timers. Cancelling one calls its handler, in the next turn: that is part of what
// is asked.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <asio/experimental/awaitable_operators.hpp>
#include <benchmark/benchmark.h>

#include "../random.hpp"
#include "run.hpp"

using namespace std::chrono_literals;

namespace {

using peer::Awaitable;
using peer::Crowd;
using peer::run;
using peer::Timer;
using peer::use_awaitable;

[[gnu::noinline]] Awaitable<> sleeper(std::chrono::nanoseconds time) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    Timer timer(executor, time);
    co_await timer.async_wait(use_awaitable);
}

Awaitable<> sleeps(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    const auto count = static_cast<std::size_t>(state.range(0));
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        peer::Random random;
        Crowd crowd(executor);
        for (std::size_t i = 0; i < count; ++i) {
            crowd.spawn(sleeper(std::chrono::nanoseconds(random.up_to(1'000'000'000))));
        }
        co_await crowd.join();
    }
}

constexpr int children = 10000;

Awaitable<> gather_sleepers(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    while (state.KeepRunningBatch(children)) {
        Crowd crowd(executor);
        for (int i = 0; i < children; ++i) {
            crowd.spawn(sleeper(10ms));
        }
        co_await crowd.join();
    }
}

constexpr int at_once = 1000;

void ignore(const asio::error_code&) {}

/// Armed and cancelled a thousand times, then their handlers run.
Awaitable<> timer_cancelled(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    const bool first = state.range(1) != 0;
    const peer::Clock::time_point due = peer::Clock::now() + (first ? 20min : 10min);
    std::vector<Timer> others;
    others.reserve(static_cast<std::size_t>(state.range(0)));
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        others.emplace_back(executor, due + std::chrono::microseconds(i));
        others.back().async_wait(&ignore);
    }
    Timer timer(executor);
    while (state.KeepRunningBatch(at_once)) {
        for (int i = 0; i < at_once; ++i) {
            timer.expires_after(15min);
            timer.async_wait(&ignore);
            timer.cancel();
        }
        co_await asio::post(executor, use_awaitable);
    }
}

Awaitable<> call_later_cancelled(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    while (state.KeepRunningBatch(at_once)) {
        for (int i = 0; i < at_once; ++i) {
            Timer timer(executor, 15min);
            timer.async_wait(&ignore);
            timer.cancel();
        }
        co_await asio::post(executor, use_awaitable);
    }
}

[[gnu::noinline]] Awaitable<int> ready_soon() {
    const peer::Executor executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, use_awaitable);
    co_return 1;
}

Awaitable<> wait_for(benchmark::State& state) {
    using namespace asio::experimental::awaitable_operators;
    const peer::Executor executor = co_await asio::this_coro::executor;
    for (auto _ : state) {
        Timer timer(executor, 10s);
        auto either = ready_soon() || timer.async_wait(use_awaitable);
        const auto result = co_await std::move(either);
        benchmark::DoNotOptimize(result);
    }
}

void among_others(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"others", "first"})->Args({0, 0})->Args({100000, 0})->Args({100000, 1});
}

} // namespace

BENCHMARK(run<&sleeps>)->Name("sleep/asio")->ArgName("tasks")->Arg(100000)->Iterations(100000);
BENCHMARK(run<&gather_sleepers>)->Name("gather_sleepers/asio")->Iterations(20 * children);
BENCHMARK(run<&timer_cancelled>)->Name("timer_cancelled/asio")->Apply(among_others);
BENCHMARK(run<&call_later_cancelled>)->Name("call_later_cancelled/asio");
BENCHMARK(run<&wait_for>)->Name("wait_for/asio");
