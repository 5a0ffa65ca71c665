#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Which cores the threads of a benchmark run on.

#include <optional>
#include <utility>

#include <sched.h>

#include "hand_ring.hpp"

namespace bench {

/// While it lives, this thread and those that it starts share one core: the sum of what both ends
/// cost is then all that counts.
class OnOneCore {
public:
    OnOneCore() {
        require(::sched_getaffinity(0, sizeof allowed_, &allowed_) == 0, "sched_getaffinity");
        stay_on_core(::sched_getcpu());
    }
    OnOneCore(const OnOneCore&) = delete;
    OnOneCore& operator=(const OnOneCore&) = delete;
    ~OnOneCore() { ::sched_setaffinity(0, sizeof allowed_, &allowed_); }

    /// Keeps the calling thread on that core, and those that it starts.
    static void stay_on_core(int core) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(core), &one);
        require(::sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
    }

private:
    cpu_set_t allowed_{};
};

} // namespace bench
