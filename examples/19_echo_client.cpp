// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Sends lines to a server and prints what comes back. One Stream is both directions, reader and
// writer; a write is over when the kernel has taken all, so there is no drain().
//
//   19_echo_client PORT WORD...  prints each WORD as the server returned it
//
//   asyncio
//   reader, writer = await asyncio.open_connection("127.0.0.1", port)
//   writer.write(b"hello\n")
//   await writer.drain()
//   print(await reader.readline())

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

rondo::Coro<> talk(std::uint16_t port, std::vector<std::string> words) {
    rondo::Stream server = co_await rondo::open_connection("127.0.0.1", port);
    for (const std::string& word : words) {
        const std::string line = word + "\n";
        co_await server.write(line);
        const std::string answer = co_await server.read_line();
        if (answer.empty()) { // the end of the stream is a value
            throw std::runtime_error("the server has closed the connection");
        }
        std::printf("%s", answer.c_str());
    }
    co_await server.close();
}

int main(int argc, char** argv) {
    std::uint16_t port = 0;
    if (argc > 2) {
        std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), port);
    }
    if (port == 0) {
        std::fputs("usage: 19_echo_client PORT WORD...\n", stderr);
        return 2;
    }
    try {
        std::vector<std::string> words(argv + 2, argv + argc);
        rondo::run(talk(port, std::move(words)));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "19_echo_client: %s\n", error.what());
        return 1;
    } catch (const rondo::KeyboardInterrupt&) {
        return 130;
    }
}
