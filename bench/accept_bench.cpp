// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does Rondo add to a connection that is accepted, handled by a task of its own which returns
// at once, and closed? Baselines by hand: liburing with one multishot accept and a close in the
// ring, and epoll. Clients and server are two threads on one core, over TCP; time is the CPU time
// of both, and the clients are the same code whatever the server is.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "cores.hpp"
#include "costs.hpp"
#include "hand_ring.hpp"
#include "loopback.hpp"

namespace {

constexpr std::size_t clients_at_once = 64;

/// Connect, wait for the end of the stream, and begin anew.
class Callers {
public:
    explicit Callers(in_port_t port) : address_(bench::on_loopback(port)) {
        for (std::size_t i = 0; i < clients_at_once; ++i) {
            call(i);
        }
    }
    Callers(const Callers&) = delete;
    Callers& operator=(const Callers&) = delete;

    /// Waits for one connection that is over, and that client connects again.
    void next() { call(over()); }

    /// Waits for those under way.
    void finish() {
        for (std::size_t i = 0; i < clients_at_once; ++i) {
            over();
        }
    }

private:
    static constexpr std::size_t failed_connect = static_cast<std::size_t>(-1);

    void call(std::size_t client) {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bench::require(socket >= 0, "socket");
        sockets_[client] = socket;
        io_uring_sqe& connect = ring_.entry();
        io_uring_prep_connect(&connect, socket, reinterpret_cast<const sockaddr*>(&address_),
                              sizeof address_);
        // Of those that succeed, connects make no completion.
        connect.flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
        connect.user_data = failed_connect;
        io_uring_sqe& receive = ring_.entry();
        io_uring_prep_recv(&receive, socket, &nothing_, sizeof nothing_, 0);
        receive.user_data = client;
    }

    std::size_t over() {
        io_uring_cqe* completion = nullptr;
        while (io_uring_peek_cqe(&ring_.native(), &completion) != 0) {
            ring_.submit_and_wait(1);
        }
        const std::size_t client = completion->user_data;
        bench::require(client != failed_connect && completion->res == 0, "connection");
        io_uring_cqe_seen(&ring_.native(), completion);
        // With a reset, which leaves nothing to wait for on the server's side: no connection's
        // TIME_WAIT gets into the way of later ones.
        const linger at_once{1, 0};
        ::setsockopt(sockets_[client], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(sockets_[client]);
        return client;
    }

    sockaddr_in address_;
    std::vector<int> sockets_ = std::vector<int>(clients_at_once);
    char nothing_ = 0;
    bench::HandRing ring_{2 * clients_at_once};
};

/// A server, its thread, and how it is told to end: a last connection comes when stopping is set.
struct Session {
    std::promise<in_port_t> listening;
    std::atomic<bool> stopping = false;
    bench::Costs costs;
};

void serve_liburing(Session& session) {
    const bench::Listener listener;
    bench::HandRing ring(1024);
    constexpr std::uint64_t accepted = 1;
    const auto accept = [&] {
        io_uring_sqe& entry = ring.entry();
        io_uring_prep_multishot_accept(&entry, listener.socket(), nullptr, nullptr, SOCK_CLOEXEC);
        entry.user_data = accepted;
    };
    accept();
    session.listening.set_value(listener.port());
    while (!session.stopping.load(std::memory_order_relaxed)) {
        ring.submit_and_wait(1);
        unsigned count = 0;
        unsigned head = 0;
        io_uring_cqe* completion = nullptr;
        io_uring_for_each_cqe(&ring.native(), head, completion) {
            ++count;
            if (completion->user_data != accepted) {
                continue;
            }
            if (completion->res >= 0) {
                io_uring_sqe& close = ring.entry();
                io_uring_prep_close(&close, completion->res);
                close.flags |= IOSQE_CQE_SKIP_SUCCESS;
            }
            if ((completion->flags & IORING_CQE_F_MORE) == 0) {
                accept();
            }
        }
        io_uring_cq_advance(&ring.native(), count);
    }
    io_uring_submit(&ring.native());
}

void serve_epoll(Session& session) {
    const bench::Listener listener(SOCK_NONBLOCK);
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    bench::require(::epoll_ctl(poll, EPOLL_CTL_ADD, listener.socket(), &event) == 0, "epoll_ctl");
    session.listening.set_value(listener.port());
    while (!session.stopping.load(std::memory_order_relaxed)) {
        ::epoll_wait(poll, &event, 1, -1);
        for (;;) {
            const int accepted = ::accept4(listener.socket(), nullptr, nullptr, SOCK_CLOEXEC);
            if (accepted < 0) {
                break;
            }
            ::close(accepted);
        }
    }
    ::close(poll);
}

rondo::Coro<> hang_up(rondo::Stream /*caller*/, Session& session, rondo::Future<void> over) {
    if (session.stopping.load(std::memory_order_relaxed) && !over.done()) {
        over.set_result();
    }
    co_return;
}

rondo::Coro<> rondo_server(Session& session) {
    const rondo::Future<void> over;
    auto handler = [&](rondo::Stream caller) { return hang_up(std::move(caller), session, over); };
    auto starting = rondo::start_server(handler, "127.0.0.1", 0);
    const rondo::Server server = co_await std::move(starting);
    const bench::Costs before = bench::spent();
    session.listening.set_value(server.endpoints().front().port());
    co_await over;
    const bench::Costs after = bench::spent();
    session.costs = {after.allocations - before.allocations,
                     after.system_calls - before.system_calls};
    server.close();
    co_await server.wait_closed();
}

void serve_rondo(Session& session) {
    rondo::run(rondo_server(session));
}

void accept_and_close(benchmark::State& state, void (*serve)(Session&)) {
    const bench::OnOneCore both;
    Session session;
    std::future<in_port_t> listening = session.listening.get_future();
    std::thread server(serve, std::ref(session));
    const in_port_t port = listening.get();
    {
        Callers callers(port);
        for (auto _ : state) {
            callers.next();
        }
        callers.finish();
    }
    session.stopping = true;
    ::close(bench::connect_to_port(port));
    server.join();
    if (session.costs.system_calls != 0) {
        bench::report(state, session.costs);
    }
}

void accept_liburing(benchmark::State& state) {
    accept_and_close(state, serve_liburing);
}
void accept_epoll(benchmark::State& state) {
    accept_and_close(state, serve_epoll);
}
void accept_rondo(benchmark::State& state) {
    accept_and_close(state, serve_rondo);
}

} // namespace

BENCHMARK(accept_liburing)->Name("accept_close/liburing")->MeasureProcessCPUTime();
BENCHMARK(accept_epoll)->Name("accept_close/epoll")->MeasureProcessCPUTime();
BENCHMARK(accept_rondo)->Name("accept_close/rondo")->MeasureProcessCPUTime();
