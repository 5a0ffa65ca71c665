// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A promise whose operator new sees the coroutine's arguments: GCC 12 warns falsely without
// optimisation (PR 109224). The pragma makes the warning count.

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic error "-Wmismatched-new-delete"
#endif

#include "../shape.hpp"

#include <cstddef>
#include <new>

struct Allocated {
    struct promise_type {
        template <class... Arguments>
        static void* operator new(std::size_t size, Arguments&&...) {
            return ::operator new(size);
        }
        static void operator delete(void* block, std::size_t) { ::operator delete(block); }
        Allocated get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

static Allocated body(int) {
    co_return;
}

SHAPE(new_with_arguments) {
    body(1);
    co_return;
}
