#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Benchmarks that are coroutines of Asio, and crowds of tasks, for which this version has nothing.

#include <cstddef>
#include <exception>
#include <utility>

#include <benchmark/benchmark.h>

#include "loop.hpp"

namespace peer {

/// Runs a benchmark that is a coroutine.
template <Awaitable<> (*coroutine)(benchmark::State& state)>
void run(benchmark::State& state) {
    asio::io_context context(1);
    const auto rethrow = [](const std::exception_ptr& failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    };
    asio::co_spawn(context.get_executor(), coroutine(state), rethrow);
    context.run();
}

/// Tasks that are joined together. They are counted, which is the least that this can take.
class Crowd {
public:
    explicit Crowd(Executor executor) : executor_(std::move(executor)), finished_(executor_, 1) {}

    void spawn(Awaitable<> task) {
        ++running_;
        asio::co_spawn(executor_, std::move(task), [this](const std::exception_ptr&) {
            if (--running_ == 0) {
                finished_.try_send(asio::error_code(), 0);
            }
        });
    }

    /// To be awaited once all are spawned.
    Awaitable<> join() { co_await finished_.async_receive(use_awaitable); }

private:
    Executor executor_;
    std::size_t running_ = 0;
    Channel finished_;
};

} // namespace peer
