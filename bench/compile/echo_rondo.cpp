// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// An echo server on port 7777, for bench/compile.sh; echo_liburing.cpp is the same by hand.

#include <array>
#include <cstddef>

#include <rondo/rondo.hpp>

rondo::Coro<> echo(rondo::Stream client) {
    std::array<std::byte, 4096> buffer;
    for (;;) {
        const std::size_t count = co_await client.read_some(buffer);
        if (count == 0) {
            break;
        }
        co_await client.write(rondo::ConstBuffer(buffer.data(), count));
    }
}

rondo::Coro<> serve() {
    const rondo::Server server = co_await rondo::start_server(echo, "127.0.0.1", 7777);
    co_await server.serve_forever();
}

int main() {
    rondo::run(serve());
}
