// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Awaiting what is no awaitable: one error, which says what to await instead.

// expect: rondo: co_await needs a Coro
// expect errors: 1

#include <rondo/coro.hpp>

rondo::Coro<int> five() {
    co_return 5;
}

rondo::Coro<int> user() {
#ifdef MISTAKE
    int value = co_await 5;
#else
    int value = co_await five();
#endif
    co_return value;
}
