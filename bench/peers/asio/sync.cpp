// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The questions of queue_bench, semaphore_bench and lock_bench, put to Asio: channels, which is all
// that it has. A semaphore is a channel that is full when no permit is left, a lock one with room
// for one.

#include <cstddef>

#include <benchmark/benchmark.h>

#include "run.hpp"

namespace {

using peer::Awaitable;
using peer::Crowd;
using peer::run;
using peer::use_awaitable;

constexpr int items = 100'000;
constexpr int users = 64;
constexpr int times = 1000;

[[gnu::noinline]] Awaitable<> producer(peer::Channel& queue) {
    for (int i = 0; i < items; ++i) {
        co_await queue.async_send(asio::error_code(), i, use_awaitable);
    }
}

Awaitable<> consumer(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    peer::Channel queue(executor, static_cast<std::size_t>(state.range(0)));
    while (state.KeepRunningBatch(items)) {
        Crowd producers(executor);
        producers.spawn(producer(queue));
        for (int i = 0; i < items; ++i) {
            const int item = co_await queue.async_receive(use_awaitable);
            benchmark::DoNotOptimize(item);
        }
        co_await producers.join();
    }
}

[[gnu::noinline]] Awaitable<> user(peer::Channel& taken) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    for (int i = 0; i < times; ++i) {
        co_await taken.async_send(asio::error_code(), 0, use_awaitable);
        co_await asio::post(executor, use_awaitable);
        taken.try_receive([](const asio::error_code&, int) {});
    }
}

Awaitable<> contended(benchmark::State& state, std::size_t permits) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    peer::Channel taken(executor, permits);
    while (state.KeepRunningBatch(users * times)) {
        Crowd crowd(executor);
        for (int i = 0; i < users; ++i) {
            crowd.spawn(user(taken));
        }
        co_await crowd.join();
    }
}

Awaitable<> semaphore_contended(benchmark::State& state) {
    return contended(state, 8);
}
Awaitable<> lock_contended(benchmark::State& state) {
    return contended(state, 1);
}

Awaitable<> uncontended(benchmark::State& state) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    peer::Channel taken(executor, 1);
    for (auto _ : state) {
        co_await taken.async_send(asio::error_code(), 0, use_awaitable);
        benchmark::DoNotOptimize(taken);
        taken.try_receive([](const asio::error_code&, int) {});
    }
}

} // namespace

BENCHMARK(run<&consumer>)->Name("queue/asio")->Arg(1)->Arg(64)->Arg(1024);
BENCHMARK(run<&semaphore_contended>)->Name("semaphore_contended/asio");
BENCHMARK(run<&uncontended>)->Name("semaphore_free/asio");
BENCHMARK(run<&lock_contended>)->Name("lock_contended/asio");
BENCHMARK(run<&uncontended>)->Name("lock_free/asio");
