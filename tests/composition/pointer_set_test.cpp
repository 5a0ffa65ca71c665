// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/pointer_set.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <vector>

using rondo::detail::PointerSet;

namespace {

/// How many of `count` addresses, each twice and in random order, are new.
std::size_t count_new(std::size_t count, std::size_t spacing) {
    static const std::vector<char> memory(64U * 1024 * 1024);
    std::vector<const void*> pointers;
    for (std::size_t i = 0; i < count; ++i) {
        pointers.push_back(memory.data() + i * spacing);
        pointers.push_back(memory.data() + i * spacing);
    }
    std::shuffle(pointers.begin(), pointers.end(), std::mt19937(1));
    PointerSet set(pointers.size());
    return static_cast<std::size_t>(
        std::count_if(pointers.begin(), pointers.end(),
                      [&](const void* pointer) { return set.insert(pointer); }));
}

} // namespace

TEST_CASE("a pointer set tells which addresses are new", "[composition][pointer_set]") {
    const int here[3] = {};
    PointerSet set(3);
    REQUIRE(set.insert(&here[0]));
    REQUIRE(set.insert(&here[1]));
    REQUIRE_FALSE(set.insert(&here[0]));
    REQUIRE(set.insert(&here[2]));
    REQUIRE_FALSE(set.insert(&here[1]));
    REQUIRE_FALSE(set.insert(&here[2]));
}

TEST_CASE("a pointer set has room for as many as were announced", "[composition][pointer_set]") {
    for (const std::size_t count : {1U, 2U, 3U, 4U, 5U, 8U, 9U, 64U, 65U}) {
        const std::vector<int> objects(count);
        PointerSet set(count);
        std::size_t added = 0;
        for (const int& object : objects) {
            added += set.insert(&object) ? 1U : 0U;
        }
        REQUIRE(added == count);
        REQUIRE_FALSE(set.insert(&objects.back()));
    }
    [[maybe_unused]] const PointerSet none(0);
}

TEST_CASE("a pointer set finds every address again, however they are spaced",
          "[composition][pointer_set]") {
    for (const std::size_t spacing : {1U, 8U, 16U, 48U, 64U, 160U, 4096U}) {
        REQUIRE(count_new(1000, spacing) == 1000);
    }
}

// These spacings cost hundreds of probes each with one multiplication for a hash.
TEST_CASE("no spacing of addresses makes a pointer set slow", "[composition][pointer_set][slow]") {
    const auto time_of = [](std::size_t spacing) {
        auto best = std::chrono::steady_clock::duration::max();
        for (int attempt = 0; attempt < 5; ++attempt) {
            static const std::vector<char> memory(64U * 1024 * 1024);
            const auto before = std::chrono::steady_clock::now();
            PointerSet set(8000);
            for (std::size_t i = 0; i < 8000; ++i) {
                set.insert(memory.data() + i * spacing);
            }
            best = std::min(best, std::chrono::steady_clock::now() - before);
        }
        return best;
    };
    const auto usual = time_of(64);
    for (const std::size_t spacing : {2992U, 3632U, 7264U, 7728U}) {
        CAPTURE(spacing);
        REQUIRE(time_of(spacing) < 20 * usual);
    }
}
