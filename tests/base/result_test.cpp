// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/result.hpp>

#include "allocations.hpp"
#include "child.hpp"
#include "support/catch.hpp"

#include <cerrno>
#include <csignal>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

using rondo::CancelledError;
using rondo::CancelReason;
using rondo::Result;

namespace {

const std::error_code reset(ECONNRESET, std::system_category());

struct Broken : std::runtime_error {
    Broken() : std::runtime_error("broken") {}
};

template <class T>
Result<T> broken() {
    return Result<T>::failure(std::make_exception_ptr(Broken()));
}

// The text of what value() throws; empty if it throws nothing.
template <class T>
std::string thrown_by(const Result<T>& result) {
    try {
        static_cast<void>(result.value());
    } catch (const std::exception& error) {
        return error.what();
    } catch (const CancelledError& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("a result of a value has it, and no problem", "[base][result]") {
    Result<int> result = 3;
    REQUIRE(result.has_value());
    REQUIRE(static_cast<bool>(result));
    REQUIRE(result.value() == 3);
    REQUIRE(*result == 3);
    REQUIRE_FALSE(result.cancelled());
    REQUIRE_FALSE(static_cast<bool>(result.error()));
    REQUIRE(result.exception() == nullptr);
    REQUIRE(result.operation() == nullptr);
    *result = 4;
    REQUIRE(result.value() == 4);
}

TEST_CASE("a result of an error code says which, and throws it when its value is wanted",
          "[base][result]") {
    const auto result = Result<int>::failure(reset, "recv");
    REQUIRE_FALSE(result.has_value());
    REQUIRE_FALSE(result.cancelled());
    REQUIRE(result.error() == std::errc::connection_reset);
    REQUIRE(std::string(result.operation()) == "recv");
    REQUIRE(thrown_by(result) == "rondo: recv: " + reset.message());
    REQUIRE_THROWS_AS(result.value(), std::system_error);
    REQUIRE(thrown_by(Result<int>::failure(reset)) == "rondo: " + reset.message());
}

TEST_CASE("for an error code an exception is made on demand", "[base][result]") {
    const std::size_t before = rondo_test::allocation_count();
    const auto result = Result<std::string>::failure(reset, "recv");
    const Result<std::string> copy = result;
    const bool is_reset = copy.error() == reset;
    const std::size_t after = rondo_test::allocation_count();
    REQUIRE(is_reset);
    REQUIRE(after == before);

    std::error_code code;
    try {
        std::rethrow_exception(result.exception());
    } catch (const std::system_error& error) {
        code = error.code();
    }
    REQUIRE(code == reset);
}

TEST_CASE("a result of an exception throws that very exception", "[base][result]") {
    const std::exception_ptr exception = std::make_exception_ptr(Broken());
    const auto result = Result<int>::failure(exception);
    REQUIRE_FALSE(result.has_value());
    REQUIRE(result.exception() == exception);
    REQUIRE_FALSE(result.cancelled());
    REQUIRE_FALSE(static_cast<bool>(result.error()));
    REQUIRE(result.operation() == nullptr);
    REQUIRE_THROWS_AS(result.value(), Broken);
}

TEST_CASE("the error code inside an exception is found", "[base][result]") {
    const auto result =
        Result<int>::failure(std::make_exception_ptr(std::system_error(reset, "rondo: recv")));
    REQUIRE(result.error() == reset);
    REQUIRE_FALSE(result.cancelled());
}

TEST_CASE("an exception that is no std::exception is kept, too", "[base][result]") {
    const auto result = Result<int>::failure(std::make_exception_ptr(42));
    REQUIRE_FALSE(static_cast<bool>(result.error()));
    REQUIRE_FALSE(result.cancelled());
    REQUIRE_THROWS_AS(result.value(), int);
}

TEST_CASE("a result of a cancellation is cancelled, and throws it", "[base][result]") {
    const auto result =
        Result<int>::from_cancellation(CancelledError(CancelReason::timeout, "slow"));
    REQUIRE_FALSE(result.has_value());
    REQUIRE(result.cancelled());
    REQUIRE_FALSE(static_cast<bool>(result.error()));
    REQUIRE(result.operation() == nullptr);
    REQUIRE(thrown_by(result) == "slow");

    CancelReason reason = CancelReason::user;
    try {
        std::rethrow_exception(result.exception());
    } catch (const CancelledError& error) {
        reason = error.reason();
    }
    REQUIRE(reason == CancelReason::timeout);
}

TEST_CASE("a cancellation given as an exception is recognised", "[base][result]") {
    const auto result = Result<int>::failure(std::make_exception_ptr(CancelledError()));
    REQUIRE(result.cancelled());
    REQUIRE_THROWS_AS(result.value(), CancelledError);
}

TEST_CASE("a result of void has a value that is nothing", "[base][result]") {
    Result<> result;
    REQUIRE(result.has_value());
    REQUIRE_NOTHROW(result.value());
    REQUIRE_NOTHROW(std::as_const(result).value());
    REQUIRE_NOTHROW(std::move(result).value());
    REQUIRE_NOTHROW(*result);
    STATIC_REQUIRE(std::is_void_v<decltype(result.value())>);
    result = Result<>::failure(reset, "fsync");
    REQUIRE_FALSE(result.has_value());
    REQUIRE_THROWS_WITH(result.value(), "rondo: fsync: " + reset.message());
}

TEST_CASE("a result of a reference refers to the object", "[base][result]") {
    int number = 1;
    const Result<int&> result = number;
    result.value() = 2;
    REQUIRE(number == 2);
    *result = 3;
    REQUIRE(number == 3);
    REQUIRE(&result.value() == &number);
    REQUIRE(&Result<int&>(number).value() == &number);

    const Result<const std::string&> missing = broken<const std::string&>();
    REQUIRE_THROWS_AS(missing.value(), Broken);
    // A temporary would be gone at once.
    STATIC_REQUIRE_FALSE(std::is_constructible_v<Result<const int&>, int>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<Result<int&>, const int&>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<Result<int&>, long&>);
}

TEST_CASE("a result refers to a derived object as its base", "[base][result]") {
    Broken error;
    const Result<std::exception&> result = error;
    REQUIRE(&result.value() == &error);
}

TEST_CASE("a value that only moves is moved out", "[base][result]") {
    Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
    Result<std::unique_ptr<int>> moved = std::move(result);
    const std::unique_ptr<int> value = std::move(moved).value();
    REQUIRE(*value == 5);
    Result<std::unique_ptr<int>> second = std::make_unique<int>(6);
    const std::unique_ptr<int> direct = *std::move(second);
    REQUIRE(*direct == 6);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Result<std::unique_ptr<int>>>);
    STATIC_REQUIRE(std::is_copy_constructible_v<Result<std::string>>);
    STATIC_REQUIRE(std::is_copy_assignable_v<Result<>>);
}

TEST_CASE("a result is made of what converts to its value", "[base][result]") {
    Result<std::string> text = "abc";
    REQUIRE(text->size() == 3);
    REQUIRE(std::as_const(text)->size() == 3);
    const auto make = []() -> Result<std::string> { return "returned"; };
    REQUIRE(make().value() == "returned");
    // As explicit as the value's own constructor.
    STATIC_REQUIRE(std::is_constructible_v<Result<std::vector<int>>, std::size_t>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<std::size_t, Result<std::vector<int>>>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<Result<std::string>, std::vector<int>>);
    // It would be neither a value nor a reason.
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<Result<int>>);
}

TEST_CASE("a result can hold as its value what could also be a reason", "[base][result]") {
    const Result<std::error_code> code = reset;
    REQUIRE(code.has_value());
    REQUIRE(code.value() == reset);
    REQUIRE_FALSE(static_cast<bool>(code.error()));
    const Result<std::exception_ptr> exception = std::make_exception_ptr(Broken());
    REQUIRE(exception.has_value());
    REQUIRE(exception.exception() == nullptr);
    const Result<CancelledError> cancellation = CancelledError();
    REQUIRE_FALSE(cancellation.cancelled());
    const Result<Result<int>> nested = Result<int>::failure(reset);
    REQUIRE(nested.has_value());
    REQUIRE(nested->error() == reset);
    const Result<bool> no = false;
    REQUIRE(no.has_value());
    REQUIRE_FALSE(no.value());
}

TEST_CASE("value_or gives the other value for any reason", "[base][result]") {
    const Result<std::string> text = "here";
    REQUIRE(text.value_or("other") == "here");
    REQUIRE(broken<std::string>().value_or("other") == "other");
    REQUIRE(Result<int>::failure(reset).value_or(7) == 7);
    REQUIRE(Result<int>::from_cancellation(CancelledError()).value_or(8) == 8);
    Result<std::unique_ptr<int>> moved = std::make_unique<int>(1);
    REQUIRE(*std::move(moved).value_or(nullptr) == 1);
    int a = 1;
    int b = 2;
    REQUIRE(&Result<int&>(a).value_or(b) == &a);
    REQUIRE(&broken<int&>().value_or(b) == &b);
}

TEST_CASE("results live in vectors and tuples", "[base][result]") {
    std::vector<Result<std::unique_ptr<int>>> all;
    for (int i = 0; i < 20; ++i) {
        if (i % 3 == 0) {
            all.push_back(Result<std::unique_ptr<int>>::failure(reset, "accept"));
        } else {
            all.push_back(std::make_unique<int>(i));
        }
    }
    int sum = 0;
    int failures = 0;
    for (const auto& one : all) {
        failures += one ? 0 : 1;
        sum += one ? **one : 0;
    }
    REQUIRE(failures == 7);
    REQUIRE(sum == 190 - 63);

    std::tuple<Result<int>, Result<>, Result<std::string>> mixed(
        1, Result<>(), Result<std::string>::failure(reset));
    auto moved = std::move(mixed);
    REQUIRE(std::get<0>(moved).value() == 1);
    REQUIRE(std::get<1>(moved).has_value());
    REQUIRE(std::get<2>(moved).error() == reset);
}

TEST_CASE("a result is assigned whatever it was before", "[base][result]") {
    Result<std::string> result = "text";
    result = Result<std::string>::failure(reset, "read");
    REQUIRE(result.error() == reset);
    result = broken<std::string>();
    REQUIRE(thrown_by(result) == "broken");
    result = Result<std::string>::from_cancellation(CancelledError(CancelReason::shutdown));
    REQUIRE(result.cancelled());
    result = "again";
    REQUIRE(result.value() == "again");
}

TEST_CASE("a result whose assignment threw half-way has no value, and says so when asked",
          "[base][result]") {
    struct Thrower {
        Thrower() = default;
        Thrower(const Thrower&) = default;
        Thrower(Thrower&&) { throw Broken(); }
        Thrower& operator=(const Thrower&) = default;
    };
    const Thrower value;
    Result<Thrower> target = Result<Thrower>::failure(reset);
    Result<Thrower> source = value;
    REQUIRE_THROWS_AS(target = std::move(source), Broken);
    if (!target.has_value() && !target.error()) {
        REQUIRE(target.exception() == nullptr);
        REQUIRE_THROWS_AS(target.value(), std::bad_variant_access);
    } else {
        // The library kept the old state, which is just as well.
        REQUIRE(target.error() == reset);
    }
}

#ifndef NDEBUG
TEST_CASE("to use a value that is not there, or to fail with success, fails an assertion",
          "[base][result]") {
    const auto output = [](auto function) { return rondo_test::run_in_child(function).output; };
    const auto missing = Result<int>::failure(reset);
    const std::string unchecked = output([&] { static_cast<void>(*missing); });
    REQUIRE(unchecked.ends_with("this Result has no value: check it, or call value()\n"));
    const std::string success =
        output([] { static_cast<void>(Result<>::failure(std::error_code())); });
    REQUIRE(success.ends_with("Result::failure() needs an error: 0 is success\n"));
    const std::string null =
        output([] { static_cast<void>(Result<>::failure(std::exception_ptr())); });
    REQUIRE(null.ends_with("Result::failure() needs an exception, got null\n"));
}
#endif
