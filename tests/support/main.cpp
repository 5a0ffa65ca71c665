// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// main() of every test binary, compiled once. Besides running Catch2 it draws the seed of a
// shuffled run, so that the seed is printed before anything can hang, and counts skipped tests.
//
// Environment:
//   RONDO_TEST_SHUFFLE=<seed>|random  the suite's runs shuffle the ready queue by this seed
//   RONDO_TEST_ENTRIES=<n>            the suite's rings have n entries
//   RONDO_TEST_FORBID_SKIPS=1         a skipped test fails the binary

#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#endif

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

namespace {

// Reads an environment variable; an unset one is empty.
std::string_view environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

// Leaves a number in RONDO_TEST_SHUFFLE where it says `random`, and says how to repeat the run.
void announce_shuffle() {
    std::string seed{environment("RONDO_TEST_SHUFFLE")};
    if (seed.empty()) {
        return;
    }
    if (seed == "random") {
        seed = std::to_string(std::random_device{}());
        ::setenv("RONDO_TEST_SHUFFLE", seed.c_str(), 1);
    }
    std::printf("ready queue shuffled; to repeat this run: RONDO_TEST_SHUFFLE=%s\n", seed.c_str());
    std::fflush(stdout);
}

} // namespace

int main(int argc, char* argv[]) {
    announce_shuffle();
    const int failed = Catch::Session().run(argc, argv);
    if (rondo_test::skipped_tests != 0) {
        std::printf("%d test(s) skipped\n", rondo_test::skipped_tests);
        if (failed == 0 && environment("RONDO_TEST_FORBID_SKIPS") == "1") {
            std::printf("skipped tests count as failures here (RONDO_TEST_FORBID_SKIPS=1)\n");
            return 1;
        }
    }
    return failed;
}
