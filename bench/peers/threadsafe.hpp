#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The questions of threadsafe_bench, for any Loop that has a thread of its own, which callbacks can
// be posted to, and which can be stopped. Both threads are on one core.

#include <cstdint>
#include <semaphore>

#include <benchmark/benchmark.h>

#include "../cores.hpp"

namespace peer {

/// Posts `count` callbacks at a time and waits until the last has run.
template <class Loop, int count>
void post_from_thread(benchmark::State& state) {
    const bench::OnOneCore both;
    Loop loop;
    std::uint64_t sum = 0;
    std::binary_semaphore answered(0);
    while (state.KeepRunningBatch(count)) {
        for (int i = 1; i < count; ++i) {
            loop.post([&sum] { ++sum; });
        }
        loop.post([&sum, &answered] {
            ++sum;
            answered.release();
        });
        answered.acquire();
    }
    loop.stop();
}

} // namespace peer
