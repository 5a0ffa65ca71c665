// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What lives in a frame: destroyed once when the coroutine ends, when it is destroyed where it is
// suspended, and when an exception passes; aligned as its type asks.

#include "../shape.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

struct Pair {
    Tracked first;
    int second;
};

static Task<> suspended_in_braces() {
    Pair pair{Tracked(1), co_await Never{}};
    expect(pair.second == 0);
}

static Task<int> suspended_leaf(Tracked argument) {
    Tracked local(2);
    co_await Never{};
    co_return argument.value() + local.value();
}

static Task<> suspended_chain() {
    Tracked local(3);
    int result = co_await suspended_leaf(Tracked(1));
    expect(result + local.value() == 6);
}

static Task<std::pair<Tracked, int>> pair_of(int second) {
    co_return std::pair<Tracked, int>(Tracked(1), second);
}

static Task<> suspended_after_structured_binding() {
    for (int i = 0; i < 2; ++i) {
        auto [first, second] = co_await pair_of(i);
        co_await Never{};
        expect(first.value() == second);
    }
}

static Task<int> throws(Tracked) {
    throw 1;
    co_return 0;
}

// How far a local that wants 64 bytes is from being aligned so.
static Task<std::uintptr_t> misalignment() {
    alignas(64) char buffer[64] = {};
    int one = co_await number(1);
    buffer[0] = static_cast<char>(one);
    co_return reinterpret_cast<std::uintptr_t>(buffer) % 64;
}

SHAPE(destroyed_in_braces) {
    Task<> task = suspended_in_braces();
    task.start();
    co_return;
}

SHAPE(destroyed_chain) {
    Task<> task = suspended_chain();
    task.start();
    co_return;
}

SHAPE(destroyed_after_structured_binding) {
    Task<> task = suspended_after_structured_binding();
    task.start();
    co_return;
}

SHAPE(exception_through_temporaries) {
    int caught = 0;
    for (int i = 0; i < 3; ++i) {
        try {
            int result = co_await throws(Tracked(1));
            expect(result == 1);
        } catch (int) {
            ++caught;
        }
    }
    int two = co_await number(2);
    expect(caught == 3 && two == 2);
}

SHAPE(over_aligned_local) {
    // Frames at many addresses: one may be aligned by luck.
    std::vector<void*> spread;
    std::uintptr_t sum = 0;
    for (std::size_t i = 0; i < 64; ++i) {
        spread.push_back(std::malloc(24 + 8 * i));
        std::uintptr_t off = co_await misalignment();
        sum += off;
    }
    for (void* block : spread) {
        std::free(block);
    }
    expect(sum == 0);
}

SHAPE(temporaries_until_end_of_expression) {
    int size = co_await [](const std::string& text) -> Task<int> {
        int one = co_await number(1);
        co_return one + static_cast<int>(text.size());
    }(std::string(64, 'a'));
    expect(size == 65);
}
