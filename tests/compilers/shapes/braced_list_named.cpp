// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The same with a name, which every compiler takes; and arrays, which need no list.

#include "../shape.hpp"

#include <array>
#include <vector>

static Task<int> count(std::vector<int> values) {
    co_return static_cast<int>(values.size());
}

SHAPE(named_first) {
    std::vector<int> values{1, 2, 3};
    int result = co_await count(std::move(values));
    expect(result == 3);
}

SHAPE(task_named_first) {
    auto task = count({1, 2, 3});
    int result = co_await std::move(task);
    expect(result == 3);
}

SHAPE(array_of_awaits) {
    std::array<int, 2> values{co_await number(1), co_await number(2)};
    int plain[] = {co_await number(3), co_await number(4)};
    expect(values[1] == 2 && plain[1] == 4);
}
