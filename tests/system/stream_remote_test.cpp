// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/stream_remote.hpp>

#include <string>

#include <rondo/endpoint.hpp>

#include "support/catch.hpp"

using rondo::Endpoint;
using rondo::detail::StreamRemote;

TEST_CASE("a peer's address comes back as it was, whatever it is", "[system][stream]") {
    const std::string longest(107, 'x');
    for (const Endpoint& endpoint :
         {Endpoint(), Endpoint::ip("192.0.2.1", 8080), Endpoint::ip("2001:db8::1", 443),
          Endpoint::ip("fe80::1%1", 1), Endpoint::unix_path("/a"), Endpoint::unix_path(longest),
          Endpoint::unix_abstract("name"), Endpoint::unix_abstract(longest),
          Endpoint::parse("unix:@" + longest.substr(0, 25)),
          Endpoint::parse("unix:@" + longest.substr(0, 26))}) {
        const StreamRemote remote(endpoint);
        CHECK(remote.get() == endpoint);
        CHECK(remote.get().to_string() == endpoint.to_string());
    }
}

TEST_CASE("a peer's address takes the room of an IPv6 one", "[system][stream]") {
    CHECK(sizeof(StreamRemote) <= 32);
}
