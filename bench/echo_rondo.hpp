#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What the echo benchmarks measure: Rondo's servers, as users write them.

#include <cstddef>
#include <future>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "echo_servers.hpp"

namespace bench {

/// An EchoSession that tells a coroutine when it is over.
struct RondoSession {
    EchoSession& session;
    rondo::Future<void> over;

    void echoed() const { session.echoed(spent); }
    void ended() const {
        if (session.ended(spent)) {
            over.set_result();
        }
    }
};

inline rondo::Coro<> echo_by_stream(rondo::Stream stream, const RondoSession& session) {
    std::vector<char> buffer(echo_buffer_size);
    for (;;) {
        const std::size_t count = co_await stream.read_some(buffer);
        if (count == 0) {
            break;
        }
        co_await stream.write(rondo::ConstBuffer(buffer.data(), count));
        session.echoed();
    }
    session.ended();
}

inline rondo::Coro<> echo_by_chunks(rondo::Stream stream, const RondoSession& session) {
    for (;;) {
        const rondo::io::Chunk chunk = co_await stream.receive();
        if (chunk.empty()) {
            break;
        }
        co_await stream.write(chunk.buffer());
        session.echoed();
    }
    session.ended();
}

inline rondo::Coro<> echo_by_operations(int socket, const RondoSession& session) {
    std::vector<char> buffer(echo_buffer_size);
    for (;;) {
        const std::size_t count = co_await rondo::io::recv(socket, buffer);
        if (count == 0) {
            break;
        }
        co_await rondo::io::send(socket, rondo::ConstBuffer(buffer.data(), count), MSG_WAITALL);
        session.echoed();
    }
    co_await rondo::io::close(socket);
    session.ended();
}

inline rondo::Coro<> echo_by_multishot(int socket, rondo::io::BufferPool& pool,
                                       const RondoSession& session) {
    {
        auto chunks = rondo::io::recv_multishot(socket, pool);
        while (auto chunk = co_await chunks.next()) {
            co_await rondo::io::send(socket, chunk->buffer(), MSG_WAITALL);
            session.echoed();
        }
    }
    co_await rondo::io::close(socket);
    session.ended();
}

/// How a connection is served.
using StreamHandler = rondo::Coro<> (*)(rondo::Stream stream, const RondoSession& session);

/// On connections that are there already: a stream around each.
inline rondo::Coro<> serve_streams(StreamHandler echo, const std::vector<int>& sockets,
                                   EchoSession& session) {
    const RondoSession rondo_session{session, {}};
    for (const int socket : sockets) {
        rondo::Stream stream = rondo::Stream::from_native(socket);
        (void)rondo::create_task(echo(std::move(stream), rondo_session));
    }
    co_await rondo_session.over;
}

inline rondo::Coro<> serve_by_operations(const std::vector<int>& sockets, EchoSession& session) {
    const RondoSession rondo_session{session, {}};
    for (const int socket : sockets) {
        (void)rondo::create_task(echo_by_operations(socket, rondo_session));
    }
    co_await rondo_session.over;
}

inline rondo::Coro<> serve_by_multishot(const std::vector<int>& sockets, EchoSession& session) {
    const RondoSession rondo_session{session, {}};
    rondo::io::BufferPool pool(1024, echo_buffer_size);
    for (const int socket : sockets) {
        (void)rondo::create_task(echo_by_multishot(socket, pool, rondo_session));
    }
    co_await rondo_session.over;
}

/// On connections that start_server() accepts.
inline rondo::Coro<> serve_on_port(StreamHandler echo, EchoSession& session,
                                   std::promise<in_port_t>& port) {
    const RondoSession rondo_session{session, {}};
    auto handler = [echo, &rondo_session](rondo::Stream stream) {
        return echo(std::move(stream), rondo_session);
    };
    auto starting = rondo::start_server(handler, "127.0.0.1", 0);
    const rondo::Server server = co_await std::move(starting);
    port.set_value(server.endpoints().front().port());
    co_await rondo_session.over;
    server.close();
    co_await server.wait_closed();
}

} // namespace bench
