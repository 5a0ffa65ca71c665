// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The questions of call_soon_bench and threadsafe_bench, put to Asio: post().

#include <cstdint>
#include <thread>
#include <utility>

#include <asio/executor_work_guard.hpp>
#include <benchmark/benchmark.h>

#include "../threadsafe.hpp"
#include "run.hpp"

namespace {

using peer::run;

constexpr int callbacks = 1000;

peer::Awaitable<> call_soon(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    std::uint64_t sum = 0;
    while (state.KeepRunningBatch(callbacks)) {
        for (std::uint64_t i = 0; i < callbacks; ++i) {
            asio::post(executor, [&sum, i] { sum += i; });
        }
        co_await asio::post(executor, peer::use_awaitable); // its place in the queue is behind them
        benchmark::DoNotOptimize(sum);
    }
}

class Loop {
public:
    template <class F>
    void post(F callback) {
        asio::post(context_, std::move(callback));
    }
    void stop() {
        work_.reset();
        thread_.join();
    }

private:
    asio::io_context context_{1};
    asio::executor_work_guard<peer::Executor> work_{context_.get_executor()};
    std::thread thread_{[this] { context_.run(); }};
};

} // namespace

BENCHMARK(run<&call_soon>)->Name("call_soon/asio");
BENCHMARK(peer::post_from_thread<Loop, 1>)
    ->Name("threadsafe_round_trip/asio")
    ->MeasureProcessCPUTime();
BENCHMARK(peer::post_from_thread<Loop, 1000>)
    ->Name("threadsafe_posts/asio")
    ->MeasureProcessCPUTime();
