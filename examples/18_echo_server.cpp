// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A server that sends back what it gets, to any number of clients at once. Each connection is a
// task of its own; a client that waits costs the others nothing. Ctrl-C cancels main: the server
// closes, cancels its handlers and waits for them, and then run() throws KeyboardInterrupt.
//
//   18_echo_server [PORT]        then: 19_echo_client PORT hello, or: nc 127.0.0.1 PORT
//
//   asyncio                                       | prints
//   async def echo(reader, writer):               | listening on 127.0.0.1:40123
//       while data := await reader.read(4096):    | ... until Ctrl-C ...
//           writer.write(data)                    | bye
//           await writer.drain()                  |
//       writer.close()                            |
//   server = await asyncio.start_server(          |
//       echo, "127.0.0.1", port)                  |
//   await server.serve_forever()                  |

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>

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
    std::uint16_t port = 0; // any free one
    if (argc > 1) {
        const char* end = argv[1] + std::strlen(argv[1]);
        const auto parsed = std::from_chars(argv[1], end, port);
        if (parsed.ec != std::errc() || parsed.ptr != end) {
            std::fputs("usage: 18_echo_server [PORT]\n", stderr);
            return 2;
        }
    }
    try {
        rondo::run(serve(port));
    } catch (const rondo::KeyboardInterrupt&) {
        std::puts("bye");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "18_echo_server: %s\n", error.what());
        return 1;
    }
}
