// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/config.hpp>

#include "child.hpp"
#include "support/catch.hpp"

#include <csignal>
#include <string>
#include <type_traits>

#define RONDO_TEST_TEXT_OF(x) #x
#define RONDO_TEST_TEXT(x) RONDO_TEST_TEXT_OF(x)

namespace rondo::inline RONDO_ABI {
struct InAbiNamespace {};
} // namespace rondo::inline RONDO_ABI

TEST_CASE("the version as a number and as text agree", "[base][config]") {
    const std::string text = std::to_string(RONDO_VERSION_MAJOR) + '.' +
                             std::to_string(RONDO_VERSION_MINOR) + '.' +
                             std::to_string(RONDO_VERSION_PATCH);
    REQUIRE(text == RONDO_VERSION_STRING);
    REQUIRE(RONDO_VERSION / 10000 == RONDO_VERSION_MAJOR);
    REQUIRE(RONDO_VERSION / 100 % 100 == RONDO_VERSION_MINOR);
    REQUIRE(RONDO_VERSION % 100 == RONDO_VERSION_PATCH);
}

TEST_CASE("the inline namespace names the version and the options that change a layout",
          "[base][config]") {
    STATIC_REQUIRE(std::is_same_v<rondo::InAbiNamespace, rondo::RONDO_ABI::InAbiNamespace>);
    const std::string abi = RONDO_TEST_TEXT(RONDO_ABI);
    const std::string version =
        "v" + std::to_string(RONDO_VERSION_MAJOR) + '_' + std::to_string(RONDO_VERSION_MINOR);
    REQUIRE(abi == (RONDO_TRACK_LOCATIONS ? version + "_t" : version));
}

TEST_CASE("locations are tracked just in builds with assertions, unless it is chosen",
          "[base][config]") {
#ifdef NDEBUG
    REQUIRE(RONDO_TRACK_LOCATIONS == 0);
#else
    REQUIRE(RONDO_TRACK_LOCATIONS == 1);
#endif
}

TEST_CASE("either sanitizer makes a sanitized build", "[base][config]") {
    REQUIRE(RONDO_SANITIZED == (RONDO_SANITIZE_ADDRESS || RONDO_SANITIZE_THREAD));
    REQUIRE_FALSE((RONDO_SANITIZE_ADDRESS && RONDO_SANITIZE_THREAD));
}

TEST_CASE("only GCC 12.0 to 12.2 is said to drop coroutines", "[base][config]") {
#if defined(__clang__)
    REQUIRE(RONDO_GCC_DROPS_COROUTINES == 0);
#elif __GNUC__ == 12
    REQUIRE(RONDO_GCC_DROPS_COROUTINES == (__GNUC_MINOR__ < 3));
#else
    REQUIRE(RONDO_GCC_DROPS_COROUTINES == 0);
#endif
}

TEST_CASE("an assertion that holds does nothing", "[base][config]") {
    bool evaluated = false;
    const auto hold = [&] { return evaluated = true; };
    RONDO_ASSERT(hold(), "never printed");
#ifdef NDEBUG
    REQUIRE_FALSE(evaluated);
#else
    REQUIRE(evaluated);
#endif
}

#ifdef NDEBUG
TEST_CASE("with NDEBUG an assertion that does not hold does nothing", "[base][config]") {
    RONDO_ASSERT(1 + 1 == 3, "never printed");
    SUCCEED("still here");
}
#else
TEST_CASE("an assertion that does not hold says where and what to do, and aborts",
          "[base][config]") {
    const int line = __LINE__ + 1;
    const auto fail = [] { RONDO_ASSERT(1 + 1 == 3, "count again"); };
    const rondo_test::ChildEnd end = rondo_test::run_in_child(fail);
    REQUIRE(end.signal == SIGABRT);
    REQUIRE(end.output ==
            "rondo: " + std::string(__FILE__) + ":" + std::to_string(line) + ": count again\n");
}
#endif

TEST_CASE("an assertion can stand in a constant expression", "[base][config]") {
    constexpr auto checked = [](int value) {
        RONDO_ASSERT(value > 0, "give a positive number");
        return value;
    };
    STATIC_REQUIRE(checked(3) == 3);
}
