// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does an exception cost that leaves one coroutine, or ten nested ones, and is caught by who
// awaits them? Baselines: functions that let it pass, of which the unwinder makes one trip; and
// functions that catch it, keep it and throw it again, each, as every coroutine has to, since its
// body's exceptions end in its promise.

#include <exception>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"

namespace {

// No message, so that what is measured is the way and not its load.
class Failure : public std::exception {};

[[gnu::noinline]] int pass(int depth) {
    if (depth <= 1) {
        throw Failure();
    }
    const int below = pass(depth - 1);
    benchmark::DoNotOptimize(below); // no loop instead of calls
    return below + 1;
}

[[gnu::noinline]] int rethrow(int depth) {
    std::exception_ptr caught;
    try {
        if (depth <= 1) {
            throw Failure();
        }
        const int below = rethrow(depth - 1);
        benchmark::DoNotOptimize(below);
        return below + 1;
    } catch (...) {
        caught = std::current_exception();
    }
    std::rethrow_exception(caught);
}

[[gnu::noinline]] rondo::Coro<int> nested(int depth) {
    if (depth <= 1) {
        throw Failure();
    }
    const int below = co_await nested(depth - 1);
    co_return below + 1;
}

void throw_through(benchmark::State& state, int (*function)(int depth)) {
    const auto depth = static_cast<int>(state.range(0));
    for (auto _ : state) {
        try {
            const int result = function(depth);
            benchmark::DoNotOptimize(result);
            state.SkipWithError("nothing was thrown");
        } catch (const Failure& failure) {
            benchmark::DoNotOptimize(&failure);
        }
    }
}

rondo::Coro<> throw_through_coroutines(benchmark::State& state) {
    const bench::CountCosts costs(state);
    const auto depth = static_cast<int>(state.range(0));
    for (auto _ : state) {
        try {
            const int result = co_await nested(depth);
            benchmark::DoNotOptimize(result);
            state.SkipWithError("nothing was thrown");
        } catch (const Failure& failure) {
            benchmark::DoNotOptimize(&failure);
        }
    }
}

void exception_functions(benchmark::State& state) {
    throw_through(state, pass);
}
void exception_rethrow(benchmark::State& state) {
    throw_through(state, rethrow);
}
void exception_rondo(benchmark::State& state) {
    rondo::run(throw_through_coroutines(state));
}

} // namespace

BENCHMARK(exception_functions)->Name("exception/functions")->ArgName("depth")->Arg(1)->Arg(10);
BENCHMARK(exception_rethrow)->Name("exception/rethrow")->ArgName("depth")->Arg(1)->Arg(10);
BENCHMARK(exception_rondo)->Name("exception/rondo")->ArgName("depth")->Arg(1)->Arg(10);
