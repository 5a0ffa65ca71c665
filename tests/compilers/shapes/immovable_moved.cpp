// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// An awaiter that cannot be moved, awaited as an xvalue: GCC before 12.3 wants to copy it and does
// not compile.

#include "../shape.hpp"

#include <utility>

struct Immovable {
    Immovable() = default;
    Immovable(Immovable&&) = delete;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 1; }
};

SHAPE(immovable_moved) {
    Immovable awaiter;
    int result = co_await std::move(awaiter);
    expect(result == 1);
}
