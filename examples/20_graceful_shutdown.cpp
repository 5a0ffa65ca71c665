// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A server that finishes what it has begun. On Ctrl-C (or SIGTERM) it takes no more connections,
// and its clients seem to have said all: a handler that waits for the next request sees the end of
// its stream, one that is at work answers first. Whoever needs longer than a second is cancelled.
//
//   20_graceful_shutdown         then: nc 127.0.0.1 PORT, type a line, and press Ctrl-C here
//
//   asyncio                                       | prints
//   stop = asyncio.Event()                        | listening on 127.0.0.1:40123
//   loop.add_signal_handler(SIGINT, stop.set)     | ... until Ctrl-C ...
//   server = await asyncio.start_server(          | closing
//       answer, "127.0.0.1", 0)                   | bye
//   await stop.wait()                             |
//   server.close()                                |
//   # 3.12: hangs while a client is connected     |
//   await server.wait_closed()                    |

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<> answer(rondo::Stream client) {
    for (;;) {
        const std::string request = co_await client.read_line();
        if (request.empty()) {
            break; // the client has ended its side, or the server is closing
        }
        co_await rondo::sleep(300ms); // work
        const std::string reply = "done: " + request;
        co_await client.write(reply);
    }
    co_await client.close();
}

rondo::Coro<> serve() {
    rondo::Event stop;
    rondo::EventLoop& loop = rondo::get_running_loop();
    loop.add_signal_handler(SIGINT, [&stop] { stop.set(); });
    loop.add_signal_handler(SIGTERM, [&stop] { stop.set(); });

    rondo::Server server = co_await rondo::start_server(answer, "127.0.0.1", 0);
    std::printf("listening on %s\n", server.endpoints().front().to_string().c_str());
    std::fflush(stdout);
    co_await stop.wait(); // it serves meanwhile

    std::puts("closing");
    std::fflush(stdout);
    co_await server.shutdown(1s); // close(), close_clients() and wait_closed(), with a limit
    loop.remove_signal_handler(SIGINT);
    loop.remove_signal_handler(SIGTERM);
}

int main() {
    try {
        rondo::run(serve());
        std::puts("bye");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "20_graceful_shutdown: %s\n", error.what());
        return 1;
    }
}
