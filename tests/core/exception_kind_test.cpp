// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/exception_kind.hpp>

#include <exception>
#include <rondo/error.hpp>
#include <stdexcept>
#include <string>

#include "support/catch.hpp"

using rondo::CancelledError;
using rondo::CancelReason;
using rondo::KeyboardInterrupt;
using rondo::detail::describe_exception;
using rondo::detail::holds;
using rondo::detail::is_cancellation;

namespace {

struct Derived : std::runtime_error {
    Derived() : std::runtime_error("derived") {}
};

std::exception_ptr thrown_and_caught() {
    try {
        throw CancelledError(CancelReason::timeout);
    } catch (...) {
        return std::current_exception();
    }
}

} // namespace

TEST_CASE("a cancellation is told from other exceptions", "[core][exception_kind]") {
    REQUIRE(is_cancellation(std::make_exception_ptr(CancelledError())));
    REQUIRE(is_cancellation(thrown_and_caught()));
    REQUIRE_FALSE(is_cancellation(nullptr));
    REQUIRE_FALSE(is_cancellation(std::make_exception_ptr(Derived())));
    REQUIRE_FALSE(is_cancellation(std::make_exception_ptr(KeyboardInterrupt())));
    REQUIRE_FALSE(is_cancellation(std::make_exception_ptr(42)));
    REQUIRE(holds<KeyboardInterrupt>(std::make_exception_ptr(KeyboardInterrupt())));
    REQUIRE(holds<Derived>(std::make_exception_ptr(Derived())));
}

TEST_CASE("an exception is described by its type and what()", "[core][exception_kind]") {
    REQUIRE(describe_exception(nullptr) == "no exception");
    REQUIRE(describe_exception(std::make_exception_ptr(std::runtime_error("broken"))) ==
            "std::runtime_error: broken");
    REQUIRE(describe_exception(std::make_exception_ptr(Derived())).find("Derived: derived") !=
            std::string::npos);
    REQUIRE(describe_exception(std::make_exception_ptr(42)) == "int");
    const std::string cancelled =
        describe_exception(std::make_exception_ptr(CancelledError(CancelReason::user, "enough")));
    REQUIRE(cancelled.find("CancelledError: enough") != std::string::npos);
    const std::string interrupt = describe_exception(std::make_exception_ptr(KeyboardInterrupt()));
    REQUIRE(interrupt.find("KeyboardInterrupt: ") != std::string::npos);
}
