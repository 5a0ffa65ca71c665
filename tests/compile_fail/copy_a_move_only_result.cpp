// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Awaiting a Task whose result cannot be copied, as an lvalue: one error, which says how to move
// it out.

// expect: rondo: this result cannot be copied out of its task
// expect errors: 1

#include <memory>
#include <rondo/create_task.hpp>
#include <utility>

rondo::Coro<std::unique_ptr<int>> make() {
    co_return std::make_unique<int>(5);
}

rondo::Coro<int> user() {
    auto task = rondo::create_task(make());
#ifdef MISTAKE
    const auto value = co_await task;
#else
    const auto value = co_await std::move(task);
#endif
    co_return *value;
}
