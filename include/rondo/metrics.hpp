#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What a loop counts about itself.

#include <cstddef>
#include <cstdint>

#include <rondo/config.hpp>

namespace rondo::inline RONDO_ABI {

/// A snapshot of a loop's counters. Totals count from the making of the loop.
struct LoopMetrics {
    std::uint64_t turns = 0;        ///< iterations of the loop
    std::uint64_t steps = 0;        ///< callbacks and steps of tasks that were run
    std::uint64_t system_calls = 0; ///< io_uring_enter
    std::uint64_t submitted = 0;    ///< requests handed to the kernel (SQEs)
    std::uint64_t completed = 0;    ///< completions (CQEs)
    std::uint64_t overflows = 0;    ///< times the completion queue was found overflowed
    std::uint64_t submit_busy = 0;  ///< times the kernel refused to take requests for now
    std::uint64_t parked = 0;       ///< requests that had to wait for a submission entry
    std::uint64_t tasks_created = 0;
    std::size_t tasks_alive = 0; ///< not done yet
    std::size_t timers = 0;      ///< armed now
    std::size_t ready = 0;       ///< waiting to be run now
    std::size_t operations = 0;  ///< in flight in the kernel now
};

} // namespace rondo::inline RONDO_ABI
