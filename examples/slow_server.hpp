#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// An HTTP server that thinks for a while before it answers: something to crawl.

#include <chrono>
#include <string>

#include <rondo/rondo.hpp>

/// Answers every GET on the connection after `delay`, with a page of 1 KiB.
inline rondo::Coro<> answer_slowly(rondo::Stream client, std::chrono::milliseconds delay) {
    const std::string body(1024, 'x');
    const std::string response = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 1024\r\n\r\n" +
                                 body;
    try {
        for (;;) {
            const std::string request = co_await client.read_until("\r\n\r\n");
            co_await rondo::sleep(delay);
            co_await client.write(response);
        }
    } catch (const rondo::IncompleteReadError&) {
        // the client has closed
    }
}

/// Starts the server on a free port of the loopback interface.
inline rondo::Coro<rondo::Server> start_slow_server(std::uint16_t port,
                                                    std::chrono::milliseconds delay) {
    auto handler = [delay](rondo::Stream client) {
        return answer_slowly(std::move(client), delay);
    };
    auto server = rondo::start_server(std::move(handler), "127.0.0.1", port);
    co_return co_await std::move(server);
}
