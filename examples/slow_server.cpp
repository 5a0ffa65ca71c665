// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Serves HTTP on the loopback interface and answers each request after a delay.
//
//   slow_server [PORT [MILLISECONDS]]      prints: listening on 127.0.0.1:PORT

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <rondo/rondo.hpp>

#include "slow_server.hpp"

rondo::Coro<> serve(std::uint16_t port, std::chrono::milliseconds delay) {
    rondo::Server server = co_await start_slow_server(port, delay);
    std::printf("listening on %s\n", server.endpoints().front().to_string().c_str());
    std::fflush(stdout);
    co_await server.serve_forever();
}

int main(int argc, char** argv) {
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
    const std::chrono::milliseconds delay(argc > 2 ? std::atoi(argv[2]) : 50);
    try {
        rondo::run(serve(port, delay));
    } catch (const rondo::KeyboardInterrupt&) {
        std::puts("bye");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "slow_server: %s\n", error.what());
        return 1;
    }
}
