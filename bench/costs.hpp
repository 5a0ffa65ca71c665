#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What an operation costs beside time: calls of operator new and system calls, which bench/run.sh
// puts into its table.

#include <cstdint>

#include <benchmark/benchmark.h>

#include <rondo/event_loop.hpp>

#include "allocations.hpp"

namespace bench {

/// Totals, to be given as costs per iteration.
struct Costs {
    std::uint64_t allocations = 0;
    std::uint64_t system_calls = 0;
};

inline void report(benchmark::State& state, const Costs& costs) {
    using benchmark::Counter;
    state.counters["allocations"] =
        Counter(static_cast<double>(costs.allocations), Counter::kAvgIterations);
    state.counters["system_calls"] =
        Counter(static_cast<double>(costs.system_calls), Counter::kAvgIterations);
}

/// What this thread and its running loop have spent so far.
inline Costs spent() {
    return {allocations().count, rondo::get_running_loop().metrics().system_calls};
}

/// Reports what is spent while it lives: to be made before a benchmark's loop, in a coroutine.
class CountCosts {
public:
    explicit CountCosts(benchmark::State& state) : state_(state), before_(spent()) {}
    CountCosts(const CountCosts&) = delete;
    CountCosts& operator=(const CountCosts&) = delete;
    ~CountCosts() {
        const Costs after = spent();
        report(state_, {after.allocations - before_.allocations,
                        after.system_calls - before_.system_calls});
    }

private:
    benchmark::State& state_;
    Costs before_;
};

} // namespace bench
