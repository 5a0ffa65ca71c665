// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/scope_exit.hpp>

#include "support/catch.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using rondo::detail::ScopeExit;

TEST_CASE("a scope exit runs at the end of its scope, and not before", "[base][scope_exit]") {
    int runs = 0;
    {
        const ScopeExit count{[&] { ++runs; }};
        REQUIRE(runs == 0);
    }
    REQUIRE(runs == 1);
}

TEST_CASE("a scope exit runs when the scope is left by an exception", "[base][scope_exit]") {
    int runs = 0;
    const auto leave = [&] {
        const ScopeExit count{[&] { ++runs; }};
        throw std::runtime_error("out");
    };
    REQUIRE_THROWS_AS(leave(), std::runtime_error);
    REQUIRE(runs == 1);
}

TEST_CASE("a scope exit runs when the scope is left by a return", "[base][scope_exit]") {
    std::string order;
    const auto leave = [&] {
        const ScopeExit count{[&] { order += "exit "; }};
        order += "body ";
        return order.size();
    };
    const std::size_t size_at_return = leave();
    REQUIRE(order == "body exit ");
    REQUIRE(size_at_return == 5);
}

TEST_CASE("a released scope exit does not run", "[base][scope_exit]") {
    int runs = 0;
    {
        ScopeExit count{[&] { ++runs; }};
        count.release();
    }
    REQUIRE(runs == 0);
}

TEST_CASE("scope exits run in the reverse order of their making", "[base][scope_exit]") {
    std::string order;
    {
        const ScopeExit first{[&] { order += "first "; }};
        const ScopeExit second{[&] { order += "second "; }};
    }
    REQUIRE(order == "second first ");
}

TEST_CASE("a scope exit keeps what its callable owns", "[base][scope_exit]") {
    int seen = 0;
    {
        auto number = std::make_unique<int>(7);
        ScopeExit look{[&seen, kept = std::move(number)]() mutable { seen = (*kept)++; }};
    }
    REQUIRE(seen == 7);
}

TEST_CASE("a scope exit is neither copied nor moved", "[base][scope_exit]") {
    using Exit = ScopeExit<void (*)()>;
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Exit>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<Exit>);
    STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<Exit>);
}
