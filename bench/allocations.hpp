#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Counts what this program allocates with operator new: the third column of the table.

#include <cstddef>
#include <cstdint>

namespace bench {

/// What a thread has allocated so far, and has not given back.
struct Allocations {
    std::uint64_t count = 0;
    std::ptrdiff_t bytes_live = 0;
};

/// Of the calling thread: no atomics, so that counting costs next to nothing.
Allocations allocations() noexcept;

} // namespace bench
