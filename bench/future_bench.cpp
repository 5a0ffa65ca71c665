// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does it cost to hand a value from one task to another in a Future that is made for it, with
// the turn of the loop that this takes? Baseline: a slot with a handle in the limit kernel.

#include <chrono>
#include <coroutine>
#include <optional>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

using namespace std::chrono_literals;

namespace {

/// Waits until a value is put in.
class Slot {
public:
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) noexcept { awaiting_ = awaiting; }
    [[nodiscard]] int await_resume() const noexcept { return value_; }

    void put(int value) {
        value_ = value;
        limit::kernel.push(awaiting_);
    }

private:
    int value_ = 0;
    std::coroutine_handle<> awaiting_;
};

// The giver runs once per turn and after the taker, which waits by then.

limit::Spawned limit_giver(Slot*& wanted) {
    for (int i = 0; wanted != nullptr; ++i) {
        wanted->put(i);
        co_await limit::Yield{};
    }
}

limit::Spawned limit_taker(benchmark::State& state) {
    Slot slot;
    Slot* wanted = &slot;
    const limit::Spawned giver = limit_giver(wanted);
    for (auto _ : state) {
        const int value = co_await slot;
        benchmark::DoNotOptimize(value);
    }
    wanted = nullptr;
    co_await limit::Yield{};
}

rondo::Coro<> rondo_giver(std::optional<rondo::Future<int>>& wanted) {
    for (int i = 0; wanted.has_value(); ++i) {
        wanted->set_result(i);
        co_await rondo::sleep(0s);
    }
}

rondo::Coro<> rondo_taker(benchmark::State& state) {
    const bench::CountCosts costs(state);
    std::optional<rondo::Future<int>> wanted;
    wanted.emplace();
    const rondo::Task<> giver = rondo::create_task(rondo_giver(wanted));
    for (auto _ : state) {
        const int value = co_await *wanted;
        benchmark::DoNotOptimize(value);
        wanted.emplace();
    }
    wanted.reset();
    co_await giver;
}

void future_limit(benchmark::State& state) {
    limit::run(limit_taker(state));
}
void future_rondo(benchmark::State& state) {
    rondo::run(rondo_taker(state));
}

} // namespace

BENCHMARK(future_limit)->Name("future_hand_over/limit");
BENCHMARK(future_rondo)->Name("future_hand_over/rondo");
