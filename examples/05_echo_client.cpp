// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Sends lines to a server and prints what comes back.
//
//   05_echo_client PORT WORD...  prints each WORD as the server returned it
//
//   asyncio
//   reader, writer = await asyncio.open_connection("127.0.0.1", port)
//   writer.write(b"hello\n"); await writer.drain()
//   print(await reader.readline())

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
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
        std::printf("%s", answer.c_str());
    }
    co_await server.close();
}

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: 05_echo_client PORT WORD...\n", stderr);
        return 2;
    }
    try {
        std::vector<std::string> words(argv + 2, argv + argc);
        rondo::run(talk(static_cast<std::uint16_t>(std::atoi(argv[1])), std::move(words)));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "05_echo_client: %s\n", error.what());
        return 1;
    }
}
