// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does Rondo add to an echo server: with streams (start_server, read_some, write), and with
// single operations (io::recv, io::send)? Baseline: liburing by hand, one-shot receive and send.
// Clients and server are two threads on one core, over TCP and over Unix sockets; time is the CPU
// time of both.

#include <cstddef>
#include <cstdint>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "cores.hpp"
#include "costs.hpp"
#include "echo_load.hpp"
#include "hand_ring.hpp"
#include "loopback.hpp"

namespace {

constexpr std::size_t buffer_size = 16384;

/// What a server has spent between its last connection's first echo and its last end.
class Session {
public:
    explicit Session(std::size_t connections) : connections_(connections) {}

    void echoed_first(const bench::Costs& spent) {
        if (++echoed_ == connections_) {
            before_ = spent;
        }
    }
    /// Returns whether that was the last connection.
    bool ended(const bench::Costs& spent) {
        after_ = spent;
        return ++ended_ == connections_;
    }
    [[nodiscard]] bool is_over() const { return ended_ == connections_; }

    [[nodiscard]] bench::Costs costs() const {
        return {after_.allocations - before_.allocations,
                after_.system_calls - before_.system_calls};
    }

private:
    std::size_t connections_;
    std::size_t echoed_ = 0;
    std::size_t ended_ = 0;
    bench::Costs before_;
    bench::Costs after_;
};

class LiburingServer {
public:
    explicit LiburingServer(const std::vector<int>& sockets) : connections_(sockets.size()) {
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            connections_[i].socket = sockets[i];
            connections_[i].buffer.resize(buffer_size);
        }
    }

    void run(Session& session) {
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            receive(i);
        }
        while (!session.is_over()) {
            ring_.submit_and_wait(1);
            ++system_calls_;
            unsigned count = 0;
            unsigned head = 0;
            io_uring_cqe* completion = nullptr;
            io_uring_for_each_cqe(&ring_.native(), head, completion) {
                ++count;
                complete(completion->user_data / 2, completion->user_data % 2 != 0, completion->res,
                         session);
            }
            io_uring_cq_advance(&ring_.native(), count);
        }
    }

private:
    struct Connection {
        int socket = -1;
        bool echoed = false;
        std::vector<char> buffer;
    };

    void receive(std::size_t index) {
        Connection& connection = connections_[index];
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_recv(&entry, connection.socket, connection.buffer.data(), buffer_size, 0);
        entry.user_data = index * 2;
    }

    void send(std::size_t index, std::size_t size) {
        Connection& connection = connections_[index];
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_send(&entry, connection.socket, connection.buffer.data(), size,
                           MSG_WAITALL | MSG_NOSIGNAL);
        entry.user_data = index * 2 + 1;
    }

    void complete(std::size_t index, bool sent, int result, Session& session) {
        Connection& connection = connections_[index];
        if (result > 0 && !sent) {
            send(index, static_cast<std::size_t>(result));
        } else if (result > 0) {
            if (!std::exchange(connection.echoed, true)) {
                session.echoed_first(spent());
            }
            receive(index);
        } else {
            ::close(connection.socket);
            session.ended(spent());
        }
    }

    [[nodiscard]] bench::Costs spent() const { return {bench::allocations().count, system_calls_}; }

    bench::HandRing ring_{1024};
    std::vector<Connection> connections_;
    std::uint64_t system_calls_ = 0;
};

/// A Session that tells a coroutine when it is over.
struct RondoSession {
    Session& session;
    rondo::Future<void> over;

    void ended() const {
        if (session.ended(bench::spent())) {
            over.set_result();
        }
    }
};

rondo::Coro<> echo(rondo::Stream stream, const RondoSession& session) {
    std::vector<char> buffer(buffer_size);
    for (bool first = true;; first = false) {
        const std::size_t count = co_await stream.read_some(buffer);
        if (count == 0) {
            break;
        }
        co_await stream.write(rondo::ConstBuffer(buffer.data(), count));
        if (first) {
            session.session.echoed_first(bench::spent());
        }
    }
    session.ended();
}

rondo::Coro<> echo_by_operations(int socket, const RondoSession& session) {
    std::vector<char> buffer(buffer_size);
    for (bool first = true;; first = false) {
        const std::size_t count = co_await rondo::io::recv(socket, buffer);
        if (count == 0) {
            break;
        }
        co_await rondo::io::send(socket, rondo::ConstBuffer(buffer.data(), count), MSG_WAITALL);
        if (first) {
            session.session.echoed_first(bench::spent());
        }
    }
    co_await rondo::io::close(socket);
    session.ended();
}

rondo::Coro<> serve_by_operations(const std::vector<int>& sockets, Session& session) {
    const RondoSession rondo_session{session, {}};
    for (const int socket : sockets) {
        (void)rondo::create_task(echo_by_operations(socket, rondo_session));
    }
    co_await rondo_session.over;
}

rondo::Coro<> serve_streams(const std::vector<int>& sockets, Session& session) {
    const RondoSession rondo_session{session, {}};
    for (const int socket : sockets) {
        (void)rondo::create_task(echo(rondo::Stream::from_native(socket), rondo_session));
    }
    co_await rondo_session.over;
}

rondo::Coro<> serve_on_port(Session& session, std::promise<in_port_t>& port) {
    const RondoSession rondo_session{session, {}};
    auto handler = [&rondo_session](rondo::Stream stream) {
        return echo(std::move(stream), rondo_session);
    };
    auto starting = rondo::start_server(handler, "127.0.0.1", 0);
    const rondo::Server server = co_await std::move(starting);
    port.set_value(server.endpoints().front().port());
    co_await rondo_session.over;
    server.close();
    co_await server.wait_closed();
}

/// The timed part: a server's thread is running, or will be in a moment.
void exchange(benchmark::State& state, std::vector<int> clients) {
    bench::EchoLoad load(std::move(clients), static_cast<std::size_t>(state.range(1)));
    load.check();
    load.start();
    for (auto _ : state) {
        load.next();
    }
    load.finish();
}

using Connect = bench::Connections (*)(std::size_t count);
using Serve = void (*)(const std::vector<int>& sockets, Session& session);

void serve_liburing(const std::vector<int>& sockets, Session& session) {
    LiburingServer(sockets).run(session);
}
void serve_rondo_io(const std::vector<int>& sockets, Session& session) {
    rondo::run(serve_by_operations(sockets, session));
}
void serve_rondo(const std::vector<int>& sockets, Session& session) {
    rondo::run(serve_streams(sockets, session));
}

/// On connections that are there already.
void echo_on(benchmark::State& state, Connect connect, Serve serve) {
    const bench::OnOneCore both;
    const auto count = static_cast<std::size_t>(state.range(0));
    bench::Connections connections = connect(count);
    Session session(count);
    std::thread server([&] { serve(connections.servers, session); });
    exchange(state, std::move(connections.clients));
    server.join();
    bench::report(state, session.costs());
}

void unix_liburing(benchmark::State& state) {
    echo_on(state, bench::connect_by_unix_sockets, serve_liburing);
}
void unix_rondo_io(benchmark::State& state) {
    echo_on(state, bench::connect_by_unix_sockets, serve_rondo_io);
}
void unix_rondo(benchmark::State& state) {
    echo_on(state, bench::connect_by_unix_sockets, serve_rondo);
}
void tcp_liburing(benchmark::State& state) {
    echo_on(state, bench::connect_by_tcp, serve_liburing);
}
void tcp_rondo_io(benchmark::State& state) {
    echo_on(state, bench::connect_by_tcp, serve_rondo_io);
}

/// On connections that start_server() accepts.
void tcp_rondo(benchmark::State& state) {
    const bench::OnOneCore both;
    const auto count = static_cast<std::size_t>(state.range(0));
    Session session(count);
    std::promise<in_port_t> listening;
    std::thread server([&] { rondo::run(serve_on_port(session, listening)); });
    const in_port_t port = listening.get_future().get();
    std::vector<int> clients;
    for (std::size_t i = 0; i < count; ++i) {
        clients.push_back(bench::connect_to_port(port));
    }
    exchange(state, std::move(clients));
    server.join();
    bench::report(state, session.costs());
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"connections", "bytes"})
        ->Args({1, 64})
        ->Args({64, 64})
        ->Args({512, 64})
        ->Args({64, 16384})
        ->MeasureProcessCPUTime();
}

} // namespace

BENCHMARK(unix_liburing)->Name("echo_unix/liburing")->Apply(sizes);
BENCHMARK(unix_rondo_io)->Name("echo_unix/rondo_io")->Apply(sizes);
BENCHMARK(unix_rondo)->Name("echo_unix/rondo")->Apply(sizes);
BENCHMARK(tcp_liburing)->Name("echo_tcp/liburing")->Apply(sizes);
BENCHMARK(tcp_rondo_io)->Name("echo_tcp/rondo_io")->Apply(sizes);
BENCHMARK(tcp_rondo)->Name("echo_tcp/rondo")->Apply(sizes);
