#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Catch2, version 2 or 3, whichever CMake found: Debian 12 has 2.13, newer systems 3.x. Version 3
// has no header that is as cheap as it is complete, so this names the parts that our tests use.
// Adds what version 2 lacks: a way to say that a test was skipped, and why.

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

#include <cstdio>
#include <string>

namespace rondo_test {

/// How many tests of this binary were skipped. main() prints it and can be told to fail on it.
inline int skipped_tests = 0;

/// Notes on stderr that a test is skipped.
inline void note_skip(const char* file, int line, const std::string& reason) {
    ++skipped_tests;
    std::fprintf(stderr, "%s:%d: skipped: %s\n", file, line, reason.c_str());
}

} // namespace rondo_test

/// Ends the test: it cannot run here, for a reason outside the library. Counted, never silent.
///
/// Only in the test's own body (it returns from the function), not in a coroutine.
///
/// Example: `if (!ring.supports(IORING_OP_WAITID)) RONDO_SKIP("this kernel has no waitid");`
#define RONDO_SKIP(reason)                                                                         \
    do {                                                                                           \
        ::rondo_test::note_skip(__FILE__, __LINE__, reason);                                       \
        return;                                                                                    \
    } while (false)
