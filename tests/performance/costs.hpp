#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What the files of cases share. A case is one operation as users write it, done again and again;
// check_costs.sh counts what each further one costs. Nothing in a case may depend on the time of day
// or on other threads: what is counted must be the same in every run.

#include <span>

#include <rondo/coro.hpp>

namespace costs {

struct Case {
    const char* name;
    /// So many that one more or less makes no difference to the average, and a multiple of the
    /// crowd if the case works in crowds.
    int operations;
    rondo::Coro<> (*run)(int operations);
};

/// The compiler must make the value, though nobody uses it.
template <typename Value>
void keep(const Value& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

// From the files of the same names. Each is a group, and a test of its own.
std::span<const Case> core_cases();
std::span<const Case> loop_cases();
std::span<const Case> composition_cases();
std::span<const Case> sync_cases();
std::span<const Case> io_cases();

} // namespace costs
