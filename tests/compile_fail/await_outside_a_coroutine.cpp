// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A co_await in a function that returns no Coro: the compiler's own words, as users search for them.

// expect GNU: unable to find the promise type for this coroutine
// expect Clang: this function cannot be a coroutine
// expect errors: 1

#include <rondo/coro.hpp>

rondo::Coro<int> five() {
    co_return 5;
}

#ifdef MISTAKE
int user() {
    int value = co_await five();
    return value;
}
#endif
