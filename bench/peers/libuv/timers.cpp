// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The questions of timer_bench and sleep_bench, put to libuv: timers with callbacks. It has no tasks,
// so what sleeps is but a timer; and they are exact to the millisecond.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>
#include <uv.h>

#include "../random.hpp"

namespace {

constexpr std::uint64_t minute = 60'000;

class Loop {
public:
    Loop() { uv_loop_init(&loop_); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() {
        uv_walk(&loop_, [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); }, nullptr);
        run();
        uv_loop_close(&loop_);
    }

    void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
    uv_loop_t* native() { return &loop_; }

private:
    uv_loop_t loop_{};
};

void ignore(uv_timer_t*) {}

void sleeps(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    while (state.KeepRunningBatch(state.range(0))) {
        std::vector<uv_timer_t> timers(count);
        Loop loop;
        peer::Random random;
        for (uv_timer_t& timer : timers) {
            uv_timer_init(loop.native(), &timer);
            uv_timer_start(&timer, &ignore, static_cast<std::uint64_t>(random.up_to(1000)), 0);
        }
        loop.run();
    }
}

void timer_cancelled(benchmark::State& state) {
    const bool first = state.range(1) != 0;
    std::vector<uv_timer_t> others(static_cast<std::size_t>(state.range(0)));
    uv_timer_t timer{};
    Loop loop;
    std::uint64_t microseconds = 0;
    for (uv_timer_t& other : others) {
        uv_timer_init(loop.native(), &other);
        uv_timer_start(&other, &ignore, (first ? 20 : 10) * minute + microseconds++ / 1000, 0);
    }
    uv_timer_init(loop.native(), &timer);
    for (auto _ : state) {
        uv_update_time(loop.native()); // it would count from the beginning of the turn
        uv_timer_start(&timer, &ignore, 15 * minute, 0);
        benchmark::DoNotOptimize(timer);
        uv_timer_stop(&timer);
    }
}

void among_others(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"others", "first"})->Args({0, 0})->Args({100000, 0})->Args({100000, 1});
}

} // namespace

BENCHMARK(sleeps)->Name("sleep/libuv")->ArgName("tasks")->Arg(100000)->Iterations(100000);
BENCHMARK(timer_cancelled)->Name("timer_cancelled/libuv")->Apply(among_others);
