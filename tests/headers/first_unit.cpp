// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Every header in two translation units of one program: it links only if nothing is defined twice.
// Each unit also says where it sees the same inline entities, which must be one place.

#include "all_headers.hpp"

#include <cstdio>

rondo::Clock::time_point (*clock_of_second_unit())();

int main() {
    if (clock_of_second_unit() != &rondo::Clock::now) {
        std::fprintf(stderr, "the two units have a rondo::Clock each\n");
        return 1;
    }
    return 0;
}
