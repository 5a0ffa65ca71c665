// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The ring, and streams on it.

#include <cerrno>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"

namespace {

rondo::Coro<> nops(int times) {
    for (int i = 0; i < times; ++i) {
        co_await rondo::io::nop();
    }
}

template <int size>
rondo::Coro<> nops_in_flight(int operations) {
    std::vector<rondo::Task<>> tasks;
    for (int i = 0; i < size; ++i) {
        tasks.push_back(rondo::create_task(nops(operations / size)));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

rondo::Coro<> echo_server(rondo::Stream stream) {
    std::vector<std::byte> buffer(4096);
    for (;;) {
        const std::size_t count = co_await stream.read_some(buffer);
        if (count == 0) {
            break;
        }
        co_await stream.write(rondo::ConstBuffer(buffer.data(), count));
    }
}

rondo::Coro<> echo_client(rondo::Stream stream, int times) {
    std::vector<std::byte> buffer(64);
    for (int i = 0; i < times; ++i) {
        co_await stream.write(buffer);
        const std::size_t count = co_await stream.read_some(buffer);
        if (count != buffer.size()) {
            throw std::logic_error("an echo came in pieces");
        }
    }
}

/// Both ends in one loop; one operation is there and back.
template <int connections>
rondo::Coro<> echo(int operations) {
    std::vector<rondo::Task<>> tasks;
    for (int i = 0; i < connections; ++i) {
        int sockets[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
            throw std::system_error(errno, std::system_category(), "socketpair");
        }
        rondo::Stream server = rondo::Stream::from_native(sockets[0]);
        rondo::Stream client = rondo::Stream::from_native(sockets[1]);
        tasks.push_back(rondo::create_task(echo_server(std::move(server))));
        tasks.push_back(
            rondo::create_task(echo_client(std::move(client), operations / connections)));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

constexpr costs::Case cases[] = {
    {"nop_1", 2000, nops_in_flight<1>},
    {"nop_64", 6400, nops_in_flight<64>},
    {"echo_1", 1000, echo<1>},
    {"echo_64", 3200, echo<64>},
};

} // namespace

std::span<const costs::Case> costs::io_cases() {
    return cases;
}
