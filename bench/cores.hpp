#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Which cores the threads of a benchmark run on.

#include <optional>

#include <sched.h>

#include "hand_ring.hpp"

namespace bench {

/// While it lives, this thread and those that it starts share one core: the sum of what both ends
/// cost is then all that counts.
class OnOneCore {
public:
    OnOneCore() {
        require(::sched_getaffinity(0, sizeof allowed_, &allowed_) == 0, "sched_getaffinity");
        core_ = ::sched_getcpu();
        stay_on_core(core_);
    }
    OnOneCore(const OnOneCore&) = delete;
    OnOneCore& operator=(const OnOneCore&) = delete;
    ~OnOneCore() { ::sched_setaffinity(0, sizeof allowed_, &allowed_); }

    [[nodiscard]] int core() const { return core_; }

    /// Keeps the calling thread on that core, and those that it starts.
    static void stay_on_core(int core) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(core), &one);
        require(::sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
    }

private:
    cpu_set_t allowed_{};
    int core_ = 0;
};

/// A core other than this thread's, whatever this process has been restricted to: a benchmark of two
/// machines' worth of work needs two. None on a machine with only one.
inline std::optional<int> another_core() {
    cpu_set_t before{};
    cpu_set_t all{};
    require(::sched_getaffinity(0, sizeof before, &before) == 0, "sched_getaffinity");
    const int here = ::sched_getcpu();
    for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
        CPU_SET(core, &all);
    }
    require(::sched_setaffinity(0, sizeof all, &all) == 0 &&
                ::sched_getaffinity(0, sizeof all, &all) == 0 &&
                ::sched_setaffinity(0, sizeof before, &before) == 0,
            "sched_setaffinity");
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (core != here && CPU_ISSET(static_cast<unsigned>(core), &all)) {
            return core;
        }
    }
    return std::nullopt;
}

} // namespace bench
