// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// An echo server of Rondo's streams, in a process of its own as the peers' are. Prints its port.

#include <cstddef>
#include <iostream>
#include <vector>

#include <rondo/rondo.hpp>

namespace {

rondo::Coro<> echo(rondo::Stream stream) {
    std::vector<char> buffer(16384);
    while (const std::size_t count = co_await stream.read_some(buffer)) {
        co_await stream.write(rondo::ConstBuffer(buffer.data(), count));
    }
}

rondo::Coro<> serve() {
    auto starting = rondo::start_server(&echo, "127.0.0.1", 0);
    const rondo::Server server = co_await std::move(starting);
    std::cout << server.endpoints().front().port() << std::endl;
    co_await server.serve_forever();
}

} // namespace

int main() {
    rondo::run(serve());
}
