// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Awaits inside a braced list that needs an array behind it; GCC before 12.3 does not compile it.

#include "../shape.hpp"

#include <vector>

SHAPE(braced_list_of_awaits) {
    std::vector<int> values{co_await number(1), co_await number(2)};
    expect(values.size() == 2 && values[1] == 2);
}
