#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Allocations counted, and failing on demand: for sweeps, and for tests of your own that say how
// much something allocates. Does nothing until one source file of the program includes
// rondo/testing/operator_new.hpp.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <rondo/config.hpp>

namespace rondo::inline RONDO_ABI::testing {

namespace detail {

struct AllocationCounts {
    std::atomic<bool> replaced = false; // operator new is ours
    std::atomic<std::size_t> made = 0;
    std::atomic<std::size_t> freed = 0;
    std::atomic<std::size_t> left = SIZE_MAX; // until one fails; SIZE_MAX: none does
    std::atomic<std::size_t> failed = 0;
    std::atomic<bool (*)() noexcept> concerned = nullptr; // whether this one may; null: all may

    /// Whether this allocation is to fail.
    [[nodiscard]] bool fails() noexcept {
        if (left == SIZE_MAX) {
            return false;
        }
        bool (*const ask)() noexcept = concerned;
        if ((ask != nullptr && !ask()) || left-- != 0) {
            return false;
        }
        left = SIZE_MAX;
        ++failed;
        return true;
    }
};

inline constinit AllocationCounts allocation_counts;

} // namespace detail

/// Whether allocations are counted in this program.
[[nodiscard]] inline bool counts_allocations() noexcept {
    return detail::allocation_counts.replaced;
}

/// How many allocations there have been so far, on all threads.
[[nodiscard]] inline std::size_t allocations_made() noexcept {
    return detail::allocation_counts.made;
}

/// How many of them have not been freed.
[[nodiscard]] inline std::size_t allocations_alive() noexcept {
    return detail::allocation_counts.made - detail::allocation_counts.freed;
}

/// While it lives, one allocation fails with std::bad_alloc: the one after `left` more. Only those
/// count of which `concerned()` says so, if it is given; it is called inside operator new.
class FailingAllocation {
public:
    explicit FailingAllocation(std::size_t left, bool (*concerned)() noexcept = nullptr) noexcept {
        detail::allocation_counts.failed = 0;
        detail::allocation_counts.concerned = concerned;
        detail::allocation_counts.left = left;
    }
    FailingAllocation(const FailingAllocation&) = delete;
    FailingAllocation& operator=(const FailingAllocation&) = delete;
    ~FailingAllocation() { detail::allocation_counts.left = SIZE_MAX; }

    /// Whether it has failed.
    [[nodiscard]] bool happened() const noexcept { return detail::allocation_counts.failed != 0; }
};

} // namespace rondo::inline RONDO_ABI::testing
