// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a timer cost that is armed and cancelled before it fires, as most time limits are: as a
// Timer and by call_later; alone, and among 100,000 others which are due before it (as when all
// limits are alike) or after it (the worst for a heap)? Baseline: a wheel of buckets, and the same
// look at the clock.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t quarter_of_an_hour = 15 * 60 * std::int64_t{1'000'000'000};

class SilentTimer final : public rondo::Timer {
    void on_deadline() noexcept override {}
};

/// Timers that are due a microsecond after one another.
class ManyTimers {
public:
    ManyTimers(std::size_t count, std::chrono::seconds delay)
        : timers_(std::make_unique<SilentTimer[]>(count)) {
        const rondo::Clock::time_point due = rondo::Clock::now() + delay;
        for (std::size_t i = 0; i < count; ++i) {
            timers_[i].start(due + std::chrono::microseconds(i));
        }
    }

private:
    std::unique_ptr<SilentTimer[]> timers_;
};

void timer_limit(benchmark::State& state) {
    // The others are left out: they are in other buckets.
    limit::Wheel::Node node;
    for (auto _ : state) {
        limit::wheel.arm(node, limit::Kernel::time() + quarter_of_an_hour);
        benchmark::DoNotOptimize(node);
        limit::Wheel::cancel(node);
    }
}

rondo::Coro<> rondo_timer(benchmark::State& state) {
    const bool first = state.range(1) != 0;
    const ManyTimers others(static_cast<std::size_t>(state.range(0)), first ? 20min : 10min);
    const bench::CountCosts costs(state);
    SilentTimer timer;
    for (auto _ : state) {
        timer.start(rondo::Clock::now() + 15min);
        benchmark::DoNotOptimize(timer);
        timer.cancel();
    }
    co_return;
}

rondo::Coro<> rondo_call_later(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::EventLoop& loop = rondo::get_running_loop();
    for (auto _ : state) {
        rondo::TimerHandle timer = loop.call_later(15min, [] {});
        timer.cancel();
    }
    co_return;
}

void timer_rondo(benchmark::State& state) {
    rondo::run(rondo_timer(state));
}
void call_later_rondo(benchmark::State& state) {
    rondo::run(rondo_call_later(state));
}

void among_others(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"others", "first"})->Args({0, 0})->Args({100000, 0})->Args({100000, 1});
}

} // namespace

BENCHMARK(timer_limit)->Name("timer_cancelled/limit")->Apply(among_others);
BENCHMARK(timer_rondo)->Name("timer_cancelled/rondo")->Apply(among_others);
BENCHMARK(timer_limit)->Name("call_later_cancelled/limit");
BENCHMARK(call_later_rondo)->Name("call_later_cancelled/rondo");
