// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The other half of first_unit.cpp.

#include "all_headers.hpp"

rondo::Clock::time_point (*clock_of_second_unit())();

rondo::Clock::time_point (*clock_of_second_unit())() {
    return &rondo::Clock::now;
}
