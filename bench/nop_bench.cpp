// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does Rondo add to a trip through the ring: one operation at a time, and 64 in flight?
// Baseline: liburing by hand, with the same set-up flags; it looks at what became of each operation,
// and has nobody to tell it.

#include <vector>

#include <benchmark/benchmark.h>
#include <liburing.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "hand_ring.hpp"

namespace {

void nop_liburing(benchmark::State& state) {
    const auto depth = static_cast<unsigned>(state.range(0));
    bench::HandRing ring(1024);
    while (state.KeepRunningBatch(depth)) {
        for (unsigned i = 0; i < depth; ++i) {
            io_uring_prep_nop(&ring.entry());
        }
        ring.submit_and_wait(depth);
        unsigned head = 0;
        io_uring_cqe* completion = nullptr;
        io_uring_for_each_cqe(&ring.native(), head, completion) {
            bench::require(completion->res == 0, "nop");
        }
        io_uring_cq_advance(&ring.native(), depth);
    }
}

rondo::Coro<> nops(int count) {
    for (int i = 0; i < count; ++i) {
        co_await rondo::io::nop();
    }
}

rondo::Coro<> many_nops(benchmark::State& state, int depth) {
    const bench::CountCosts costs(state);
    constexpr int each = 1000;
    while (state.KeepRunningBatch(depth * each)) {
        std::vector<rondo::Task<>> tasks;
        for (int i = 0; i < depth; ++i) {
            tasks.push_back(rondo::create_task(nops(each)));
        }
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
    }
}

void nop_rondo(benchmark::State& state) {
    rondo::run(many_nops(state, static_cast<int>(state.range(0))));
}

} // namespace

BENCHMARK(nop_liburing)->Name("nop/liburing")->ArgName("in_flight")->Arg(1)->Arg(64);
BENCHMARK(nop_rondo)->Name("nop/rondo")->ArgName("in_flight")->Arg(1)->Arg(64);
