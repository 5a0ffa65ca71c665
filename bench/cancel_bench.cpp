// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does it cost to cancel a task that sleeps: made, begun, cancelled, ended and joined?
// Baselines: the limit kernel, where somebody takes the timer out and wakes the task, which sees a
// flag; and a function call that ends with an exception, which a CancelledError is.

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

using namespace std::chrono_literals;

namespace {

constexpr std::size_t sleepers = 1000;
constexpr std::int64_t ten_seconds = 10'000'000'000;

struct SleepInWheel {
    limit::Wheel::Node& node;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept {
        node.handle = handle;
        limit::wheel.arm(node, limit::Kernel::time() + ten_seconds);
    }
    static void await_resume() noexcept {}
};

[[gnu::noinline]] limit::Spawned limit_sleeper(limit::Wheel::Node& node) {
    co_await SleepInWheel{node};
}
[[gnu::noinline]] rondo::Coro<> rondo_sleeper() {
    co_await rondo::sleep(10s);
}
[[gnu::noinline]] void throw_cancelled() {
    throw rondo::CancelledError();
}

limit::Spawned limit_cancels(benchmark::State& state) {
    std::vector<limit::Wheel::Node> nodes(sleepers);
    while (state.KeepRunningBatch(sleepers)) {
        std::vector<limit::Spawned> tasks;
        tasks.reserve(sleepers);
        for (limit::Wheel::Node& node : nodes) {
            tasks.push_back(limit_sleeper(node));
        }
        co_await limit::Yield{};
        for (limit::Wheel::Node& node : nodes) {
            limit::Wheel::cancel(node);
            limit::kernel.push(node.handle);
        }
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
    }
}

rondo::Coro<> rondo_cancels(benchmark::State& state) {
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(sleepers)) {
        std::vector<rondo::Task<>> tasks;
        tasks.reserve(sleepers);
        for (std::size_t i = 0; i < sleepers; ++i) {
            tasks.push_back(rondo::create_task(rondo_sleeper()));
        }
        co_await rondo::sleep(0s);
        for (const rondo::Task<>& task : tasks) {
            task.cancel();
        }
        for (const rondo::Task<>& task : tasks) {
            const rondo::Result<void> result = co_await rondo::as_result(task);
            if (!result.cancelled()) {
                state.SkipWithError("a task was not cancelled");
            }
        }
    }
}

void cancel_limit(benchmark::State& state) {
    limit::run(limit_cancels(state));
}
void cancel_throw(benchmark::State& state) {
    for (auto _ : state) {
        try {
            throw_cancelled();
        } catch (const rondo::CancelledError& error) {
            benchmark::DoNotOptimize(&error);
        }
    }
}
void cancel_rondo(benchmark::State& state) {
    rondo::run(rondo_cancels(state));
}

} // namespace

BENCHMARK(cancel_limit)->Name("cancel_sleeper/limit");
BENCHMARK(cancel_throw)->Name("cancel_sleeper/throw");
BENCHMARK(cancel_rondo)->Name("cancel_sleeper/rondo");
