// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The questions of await_bench, exception_bench, spawn_bench, yield_bench, gather_bench and
// task_group_bench, put to Asio: awaitable<> and co_spawn(). This version has no gather() for ranges
// and no task groups: crowds are joined by counting.

#include <cstddef>
#include <exception>

#include <benchmark/benchmark.h>

#include "run.hpp"

namespace {

using peer::Awaitable;
using peer::Crowd;
using peer::run;
using peer::use_awaitable;

[[gnu::noinline]] Awaitable<int> leaf(int value) {
    co_return value;
}
[[gnu::noinline]] Awaitable<int> nested(int depth) {
    if (depth <= 1) {
        co_return 1;
    }
    const int below = co_await nested(depth - 1);
    co_return below + 1;
}

Awaitable<> await_depth(benchmark::State& state) {
    const int depth = static_cast<int>(state.range(0));
    while (state.KeepRunningBatch(1000)) {
        for (int i = 0; i < 1000; ++i) {
            if (depth == 1) {
                const int result = co_await leaf(i);
                benchmark::DoNotOptimize(result);
            } else {
                const int result = co_await nested(depth);
                benchmark::DoNotOptimize(result);
            }
        }
    }
}

class Failure : public std::exception {};

[[gnu::noinline]] Awaitable<int> fail(int depth) {
    if (depth <= 1) {
        throw Failure();
    }
    const int below = co_await fail(depth - 1);
    co_return below + 1;
}

Awaitable<> exception(benchmark::State& state) {
    const int depth = static_cast<int>(state.range(0));
    for (auto _ : state) {
        try {
            const int result = co_await fail(depth);
            benchmark::DoNotOptimize(result);
        } catch (const Failure& failure) {
            benchmark::DoNotOptimize(&failure);
        }
    }
}

[[gnu::noinline]] Awaitable<> nothing() {
    co_return;
}

Awaitable<> spawn_one(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    while (state.KeepRunningBatch(1000)) {
        for (int i = 0; i < 1000; ++i) {
            co_await asio::co_spawn(executor, nothing(), use_awaitable);
        }
    }
}

Awaitable<> crowds(benchmark::State& state, std::size_t count) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        Crowd crowd(executor);
        for (std::size_t i = 0; i < count; ++i) {
            crowd.spawn(nothing());
        }
        co_await crowd.join();
    }
}

Awaitable<> spawn_crowd(benchmark::State& state) {
    return crowds(state, static_cast<std::size_t>(state.range(0)));
}
Awaitable<> gather_ready(benchmark::State& state) {
    return crowds(state, 10000);
}
Awaitable<> task_group(benchmark::State& state) {
    return crowds(state, 1000);
}

constexpr int yields = 10000;

[[gnu::noinline]] Awaitable<> yielder() {
    const peer::Executor executor = co_await asio::this_coro::executor;
    for (int i = 0; i < yields; ++i) {
        co_await asio::post(executor, use_awaitable);
    }
}

Awaitable<> yield(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    const int tasks = static_cast<int>(state.range(0));
    while (state.KeepRunningBatch(yields * tasks)) {
        Crowd crowd(executor);
        for (int i = 0; i < tasks; ++i) {
            crowd.spawn(yielder());
        }
        co_await crowd.join();
    }
}

} // namespace

BENCHMARK(run<&await_depth>)->Name("await/asio")->ArgName("depth")->Arg(1)->Arg(10);
BENCHMARK(run<&exception>)->Name("exception/asio")->ArgName("depth")->Arg(1)->Arg(10);
BENCHMARK(run<&spawn_one>)->Name("spawn_one/asio");
BENCHMARK(run<&spawn_crowd>)->Name("spawn_crowd/asio")->ArgName("tasks")->Arg(1000)->Arg(100000);
BENCHMARK(run<&gather_ready>)->Name("gather_ready/asio");
BENCHMARK(run<&task_group>)->Name("task_group/asio");
BENCHMARK(run<&yield>)->Name("yield/asio")->ArgName("tasks")->Arg(2)->Arg(100);
