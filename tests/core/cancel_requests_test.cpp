// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/cancel_requests.hpp>

#include "support/catch.hpp"

using rondo::detail::CancelRequests;

TEST_CASE("a request is outstanding until it is withdrawn, and pending until it is delivered",
          "[core][cancel_requests]") {
    CancelRequests requests;
    REQUIRE_FALSE(requests.pending());
    REQUIRE(requests.outstanding() == 0);
    requests.add_user();
    REQUIRE(requests.pending());
    REQUIRE(requests.outstanding() == 1);
    requests.deliver();
    REQUIRE_FALSE(requests.pending());
    REQUIRE(requests.outstanding() == 1);
    REQUIRE(requests.withdraw_user(false) == 0);
    REQUIRE(requests.withdraw_user(false) == 0);
}

TEST_CASE("the last request withdrawn takes what is pending along, unless it is too late",
          "[core][cancel_requests]") {
    CancelRequests requests;
    requests.add_user();
    requests.add_user();
    REQUIRE(requests.withdraw_user(false) == 1);
    REQUIRE(requests.pending());
    REQUIRE(requests.withdraw_user(false) == 0);
    REQUIRE_FALSE(requests.pending());
    requests.add_user();
    REQUIRE(requests.withdraw_user(true) == 0);
    REQUIRE(requests.pending());
    requests.deliver();
    REQUIRE_FALSE(requests.pending());
}

TEST_CASE("a scope takes back its own request only", "[core][cancel_requests]") {
    CancelRequests requests;
    const CancelRequests::Ticket ticket = requests.add_scoped();
    requests.add_user();
    REQUIRE(requests.outstanding() == 2);
    requests.withdraw_scoped(ticket);
    REQUIRE(requests.outstanding() == 1);
    REQUIRE(requests.pending()); // the user's
    REQUIRE(requests.withdraw_user(false) == 0);
    REQUIRE_FALSE(requests.pending());
}

TEST_CASE("a scope whose request was delivered does not take back a later one",
          "[core][cancel_requests]") {
    CancelRequests requests;
    const CancelRequests::Ticket ticket = requests.add_scoped();
    requests.deliver();
    requests.add_user();
    requests.withdraw_scoped(ticket);
    REQUIRE(requests.outstanding() == 1);
    REQUIRE(requests.pending());
}

TEST_CASE("a user's uncancel() never withdraws a scope's request", "[core][cancel_requests]") {
    CancelRequests requests;
    static_cast<void>(requests.add_scoped());
    REQUIRE(requests.withdraw_user(false) == 1);
    REQUIRE(requests.pending());
}

TEST_CASE("more requests than can be counted stay requests", "[core][cancel_requests]") {
    CancelRequests requests;
    for (int i = 0; i < 100000; ++i) {
        requests.add_user();
    }
    REQUIRE(requests.outstanding() == 65535);
    REQUIRE(requests.pending());
    requests.deliver();
    REQUIRE_FALSE(requests.pending());
}
