// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A braced list that needs an array behind it, in an expression with co_await. GCC before 12.3 does
// not compile it, whatever the elements are.

#include "../shape.hpp"

#include <vector>

static Task<int> count(std::vector<int> values) {
    co_return static_cast<int>(values.size());
}

SHAPE(braced_list_argument) {
    int result = co_await count({1, 2, 3});
    expect(result == 3);
}
