// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// How much memory does a connection take that has been served once and is idle now: with a buffer of
// 1 KiB in the handler's frame, or with stream.receive(), which needs none? Baseline: liburing by
// hand, one-shot, with a buffer of 1 KiB for each connection. The server is a process of its own;
// bytes are what it has gained in resident memory since its first connection, the kernel's own left
// out. Time is the server's CPU time of accepting a connection and one echo.

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "hand_ring.hpp"
#include "loopback.hpp"

namespace {

constexpr std::size_t buffer_size = 1024;

/// As many as the target says, or as there may be descriptors.
std::size_t connection_count() {
    constexpr rlim_t others = 64;
    constexpr rlim_t wanted = 8500;
    const rlim_t limit = bench::allow_many_descriptors();
    return static_cast<std::size_t>(limit < wanted + others ? limit - others : wanted);
}

class LiburingServer {
public:
    [[nodiscard]] in_port_t port() const { return listener_.port(); }

    void run() {
        accept();
        for (;;) {
            ring_.submit_and_wait(1);
            unsigned count = 0;
            unsigned head = 0;
            io_uring_cqe* completion = nullptr;
            io_uring_for_each_cqe(&ring_.native(), head, completion) {
                ++count;
                complete(*completion);
            }
            io_uring_cq_advance(&ring_.native(), count);
        }
    }

private:
    struct Connection {
        explicit Connection(int fd) : socket(fd) {}
        int socket;
        bool sending = false;
        std::array<char, buffer_size> buffer; // left as it is
    };

    void accept() {
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_multishot_accept(&entry, listener_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
        entry.user_data = 0;
    }
    void receive(Connection& connection) {
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_recv(&entry, connection.socket, connection.buffer.data(), buffer_size, 0);
        io_uring_sqe_set_data(&entry, &connection);
        connection.sending = false;
    }
    void send(Connection& connection, std::size_t size) {
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_send(&entry, connection.socket, connection.buffer.data(), size,
                           MSG_WAITALL | MSG_NOSIGNAL);
        io_uring_sqe_set_data(&entry, &connection);
        connection.sending = true;
    }

    void complete(const io_uring_cqe& completion) {
        auto* const connection = static_cast<Connection*>(io_uring_cqe_get_data(&completion));
        if (connection == nullptr) {
            bench::require(completion.res >= 0, "accept");
            receive(*new Connection(completion.res));
            if ((completion.flags & IORING_CQE_F_MORE) == 0) {
                accept();
            }
        } else if (completion.res <= 0) {
            ::close(connection->socket);
            delete connection;
        } else if (connection->sending) {
            receive(*connection);
        } else {
            send(*connection, static_cast<std::size_t>(completion.res));
        }
    }

    bench::Listener listener_;
    bench::HandRing ring_{1024};
};

/// Serves until its process is ended; tells its parent on which port.
using Serve = void (*)(int parent);

void tell(int parent, in_port_t port) {
    bench::require(::write(parent, &port, sizeof port) == sizeof port, "write");
}

void serve_liburing(int parent) {
    LiburingServer server;
    tell(parent, server.port());
    server.run();
}

rondo::Coro<> echo(rondo::Stream stream) {
    std::array<std::byte, buffer_size> buffer;
    for (;;) {
        const std::size_t count = co_await stream.read_some(buffer);
        if (count == 0) {
            break;
        }
        co_await stream.write(rondo::ConstBuffer(buffer.data(), count));
    }
}

rondo::Coro<> echo_by_chunks(rondo::Stream stream) {
    for (;;) {
        const rondo::io::Chunk chunk = co_await stream.receive();
        if (chunk.empty()) {
            break;
        }
        co_await stream.write(chunk.buffer());
    }
}

template <class Handler>
rondo::Coro<> rondo_server(Handler handler, int parent) {
    auto starting = rondo::start_server(handler, "127.0.0.1", 0);
    const rondo::Server server = co_await std::move(starting);
    tell(parent, server.endpoints().front().port());
    co_await server.serve_forever();
}

void serve_rondo(int parent) {
    rondo::run(rondo_server(echo, parent));
}
void serve_rondo_receive(int parent) {
    rondo::run(rondo_server(echo_by_chunks, parent));
}

/// A server in a process of its own.
class ServerProcess {
public:
    explicit ServerProcess(Serve serve) {
        int channel[2]{};
        bench::require(::pipe(channel) == 0, "pipe");
        process_ = ::fork();
        bench::require(process_ >= 0, "fork");
        if (process_ == 0) {
            serve(channel[1]);
            ::_exit(0);
        }
        ::close(channel[1]);
        bench::require(::read(channel[0], &port_, sizeof port_) == sizeof port_, "the server");
        ::close(channel[0]);
    }
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    ~ServerProcess() {
        if (process_ != 0) {
            end();
        }
    }

    [[nodiscard]] in_port_t port() const { return port_; }

    /// The memory that is its own: what it has allocated and written to, page by page.
    [[nodiscard]] double bytes() const {
        std::ifstream file("/proc/" + std::to_string(process_) + "/smaps_rollup");
        for (std::string word; file >> word;) {
            if (word == "Anonymous:") {
                double kilobytes = 0;
                file >> kilobytes;
                return kilobytes * 1024;
            }
        }
        bench::require(false, "smaps_rollup");
        return 0;
    }

    /// Ends it. Returns the seconds of CPU time that it took.
    double end() {
        ::kill(process_, SIGKILL);
        rusage usage{};
        bench::require(::wait4(process_, nullptr, 0, &usage) == process_, "wait4");
        process_ = 0;
        return seconds(usage.ru_utime) + seconds(usage.ru_stime);
    }

private:
    static double seconds(const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    }

    pid_t process_ = 0;
    in_port_t port_ = 0;
};

/// A client that has had its echo, and does nothing more.
class IdleClient {
public:
    explicit IdleClient(in_port_t port) : socket_(bench::connect_to_port(port)) {
        std::array<char, 64> bytes{};
        constexpr ssize_t size = sizeof bytes;
        bench::require(::send(socket_, bytes.data(), sizeof bytes, MSG_NOSIGNAL) == size &&
                           ::recv(socket_, bytes.data(), sizeof bytes, MSG_WAITALL) == size,
                       "echo");
    }
    IdleClient(IdleClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
    IdleClient& operator=(IdleClient&&) = delete;
    ~IdleClient() { ::close(socket_); }

private:
    int socket_;
};

void idle(benchmark::State& state, Serve serve) {
    const std::size_t count = connection_count();
    double gained = 0;
    while (state.KeepRunningBatch(static_cast<std::int64_t>(count))) {
        ServerProcess server(serve);
        std::vector<IdleClient> clients;
        clients.reserve(count);
        // What any server needs, and the code, are in memory when the first one has been served.
        clients.emplace_back(server.port());
        const double before = server.bytes();
        while (clients.size() < count) {
            clients.emplace_back(server.port());
        }
        gained = server.bytes() - before;
        state.SetIterationTime(server.end());
    }
    state.counters["bytes"] = gained / static_cast<double>(count - 1);
}

void idle_liburing(benchmark::State& state) {
    idle(state, serve_liburing);
}
void idle_rondo(benchmark::State& state) {
    idle(state, serve_rondo);
}
void idle_rondo_receive(benchmark::State& state) {
    idle(state, serve_rondo_receive);
}

} // namespace

BENCHMARK(idle_liburing)->Name("idle_connection/liburing")->UseManualTime();
BENCHMARK(idle_rondo)->Name("idle_connection/rondo")->UseManualTime();
BENCHMARK(idle_rondo_receive)->Name("idle_connection/rondo_receive")->UseManualTime();
