// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does Rondo add to a trip through the ring: one operation at a time, and 64 in flight?
// Baseline: liburing by hand, with the same set-up flags.

#include <cstdlib>
#include <vector>

#include <benchmark/benchmark.h>
#include <liburing.h>

#include <rondo/rondo.hpp>

namespace {

void nop_liburing(benchmark::State& state) {
    const auto depth = static_cast<unsigned>(state.range(0));
    io_uring ring{};
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init_params(1024, &ring, &parameters) != 0) {
        std::abort();
    }
    io_uring_register_ring_fd(&ring);
    while (state.KeepRunningBatch(depth)) {
        for (unsigned i = 0; i < depth; ++i) {
            io_uring_prep_nop(io_uring_get_sqe(&ring));
        }
        io_uring_submit_and_wait(&ring, depth);
        io_uring_cq_advance(&ring, depth);
    }
    io_uring_queue_exit(&ring);
}

rondo::Coro<> nops(int count) {
    for (int i = 0; i < count; ++i) {
        co_await rondo::io::nop();
    }
}

rondo::Coro<> many_nops(benchmark::State& state, int depth) {
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
