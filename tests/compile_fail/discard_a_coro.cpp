// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Calling a coroutine function and dropping what it returns: nothing would run.

// expect: rondo: a Coro does nothing until it is awaited: did you forget co_await?
// expect errors: 1

#include <rondo/coro.hpp>

rondo::Coro<> cook() {
    co_return;
}

rondo::Coro<> user() {
#ifdef MISTAKE
    cook();
#else
    co_await cook();
#endif
    co_return;
}
