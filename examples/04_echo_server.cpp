// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A server that sends back what it gets, to any number of clients at once. Each connection is a
// task of its own; a client that waits costs the others nothing. Ctrl-C ends it in order.
//
//   04_echo_server [PORT]        then: 05_echo_client PORT hello, or: nc 127.0.0.1 PORT
//
//   asyncio                                              | prints
//   async def echo(reader, writer):                      | listening on 127.0.0.1:40123
//       while data := await reader.read(4096):           |
//           writer.write(data); await writer.drain()     |
//       writer.close()                                   |
//   server = await asyncio.start_server(echo, host, port)|
//   await server.serve_forever()                         |

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <rondo/rondo.hpp>

rondo::Coro<> echo(rondo::Stream client) {
    std::array<std::byte, 4096> buffer;
    for (;;) {
        const std::size_t count = co_await client.read_some(buffer);
        if (count == 0) {
            break; // the client is done
        }
        co_await client.write(rondo::ConstBuffer(buffer.data(), count));
    }
    co_await client.close();
}

rondo::Coro<> serve(std::uint16_t port) {
    rondo::Server server = co_await rondo::start_server(echo, "127.0.0.1", port);
    std::printf("listening on %s\n", server.endpoints().front().to_string().c_str());
    std::fflush(stdout);
    co_await server.serve_forever();
}

int main(int argc, char** argv) {
    const int port = argc > 1 ? std::atoi(argv[1]) : 0; // 0: any free one
    try {
        rondo::run(serve(static_cast<std::uint16_t>(port)));
    } catch (const rondo::KeyboardInterrupt&) {
        std::puts("bye");
    }
}
