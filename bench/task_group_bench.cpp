// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a child of a task group cost, that ends at once? Baseline: tasks of the limit kernel,
// which are joined one after another.

#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

namespace {

constexpr int children = 1000;

[[gnu::noinline]] limit::Spawned limit_child() {
    co_return;
}
[[gnu::noinline]] rondo::Coro<> rondo_child() {
    co_return;
}

limit::Spawned limit_groups(benchmark::State& state) {
    while (state.KeepRunningBatch(children)) {
        std::vector<limit::Spawned> tasks;
        tasks.reserve(children);
        for (int i = 0; i < children; ++i) {
            tasks.push_back(limit_child());
        }
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
    }
}

[[gnu::noinline]] rondo::Coro<> start_children(rondo::TaskGroup& group) {
    for (int i = 0; i < children; ++i) {
        group.create_task(rondo_child());
    }
    co_return;
}

rondo::Coro<> rondo_groups(benchmark::State& state) {
    const bench::CountCosts costs(state);
    while (state.KeepRunningBatch(children)) {
        co_await rondo::task_group(&start_children);
    }
}

void limit_group(benchmark::State& state) {
    limit::run(limit_groups(state));
}
void rondo_group(benchmark::State& state) {
    rondo::run(rondo_groups(state));
}

} // namespace

BENCHMARK(limit_group)->Name("task_group/limit");
BENCHMARK(rondo_group)->Name("task_group/rondo");
