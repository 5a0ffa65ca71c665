// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Gathering what cannot be awaited, such as a function that was not called: one error, which says
// what gather() takes.

// expect: rondo: gather() takes what can be awaited
// expect errors: 1

#include <rondo/gather.hpp>

rondo::Coro<int> five() {
    co_return 5;
}

rondo::Coro<> user() {
#ifdef MISTAKE
    auto both = co_await rondo::gather(five(), five);
#else
    auto both = co_await rondo::gather(five(), five());
#endif
    static_cast<void>(both);
}
