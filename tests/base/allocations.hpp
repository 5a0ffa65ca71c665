#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Counts what this binary allocates with operator new, and makes an allocation fail: claims about
// allocation are tested, not believed.

#include <cstddef>

namespace rondo_test {

/// How many calls of operator new there have been.
std::size_t allocation_count() noexcept;

/// While it lives, every operator new throws std::bad_alloc, once `left` more have succeeded.
class NoMemory {
public:
    explicit NoMemory(std::size_t left = 0) noexcept;
    NoMemory(const NoMemory&) = delete;
    NoMemory& operator=(const NoMemory&) = delete;
    ~NoMemory();
};

} // namespace rondo_test
