#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Replaces two functions that the library calls and that would otherwise hide what it costs: the
// program's operator new and delete, and clock_gettime.

#include <chrono>
#include <cstdint>

namespace costs {

struct Counts {
    std::uint64_t allocations = 0; ///< calls of operator new
    std::uint64_t clock_reads = 0; ///< calls of clock_gettime by this program
};

/// Since the program began.
Counts counts() noexcept;

/// The monotonic clock starts with the kernel's time, goes on by 25 ns whenever it is read, which is
/// what a read takes, and by this: how often the loop reads it, and which timers are due, does not
/// depend on how fast the machine is. What the kernel waits for does not know of it.
void advance_clock(std::chrono::nanoseconds time) noexcept;

} // namespace costs
