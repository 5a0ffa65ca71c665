#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A set of addresses: to find those of many handles that are the same. <set> and <unordered_set>
// would cost every user's compilation more than they are worth here.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <rondo/config.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// Open addressing with a fixed number of slots.
class PointerSet {
public:
    /// Room for `count` addresses.
    explicit PointerSet(std::size_t count) {
        std::size_t slots = 2;
        while (slots < count * 2) {
            slots *= 2;
        }
        slots_.resize(slots);
    }

    /// Returns whether it is new. Not null.
    bool insert(const void* pointer) noexcept {
        for (std::size_t slot = first_slot(pointer);; ++slot) {
            const void*& found = slots_[slot & (slots_.size() - 1)];
            if (found == pointer) {
                return false;
            }
            if (found == nullptr) {
                found = pointer;
                return true;
            }
        }
    }

private:
    [[nodiscard]] static std::size_t first_slot(const void* pointer) noexcept {
        // Addresses from one pool are evenly spaced. One multiplication would send some spacings
        // to a few neighbouring slots; the fold between two breaks them up.
        constexpr std::uint64_t golden_ratio = 0x9E3779B97F4A7C15U;
        std::uint64_t number = reinterpret_cast<std::uintptr_t>(pointer);
        number *= golden_ratio;
        number ^= number >> 32U;
        return static_cast<std::size_t>((number * golden_ratio) >> 32U);
    }

    std::vector<const void*> slots_;
};

} // namespace rondo::inline RONDO_ABI::detail
