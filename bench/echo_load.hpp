#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The clients of the echo benchmarks, all on one ring: each sends, waits for the whole reply, and
// sends again. The same code whatever the server is, and written by hand to cost little beside it.

#include <cstddef>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hand_ring.hpp"

namespace bench {

/// While it lives, this thread and those that it starts share one core: the sum of what both ends
/// cost is then all that counts.
class OnOneCore {
public:
    OnOneCore() {
        require(::sched_getaffinity(0, sizeof allowed_, &allowed_) == 0, "sched_getaffinity");
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
        require(::sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
    }
    OnOneCore(const OnOneCore&) = delete;
    OnOneCore& operator=(const OnOneCore&) = delete;
    ~OnOneCore() { ::sched_setaffinity(0, sizeof allowed_, &allowed_); }

private:
    cpu_set_t allowed_{};
};

/// Both ends of some connections: descriptors, which others own.
struct Connections {
    std::vector<int> clients;
    std::vector<int> servers;
};

inline Connections connect_by_unix_sockets(std::size_t count) {
    Connections connections;
    for (std::size_t i = 0; i < count; ++i) {
        int pair[2]{};
        require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
        connections.clients.push_back(pair[0]);
        connections.servers.push_back(pair[1]);
    }
    return connections;
}

inline void send_without_delay(int socket) {
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

inline sockaddr_in on_loopback(in_port_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A client's end of a connection to a port of this machine.
inline int connect_to_port(in_port_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = on_loopback(port);
    require(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
            "connect");
    send_without_delay(socket);
    return socket;
}

inline Connections connect_by_tcp(std::size_t count) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = on_loopback(0);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    require(::bind(listener, generic, size) == 0 && ::listen(listener, SOMAXCONN) == 0 &&
                ::getsockname(listener, generic, &size) == 0,
            "listen");
    Connections connections;
    for (std::size_t i = 0; i < count; ++i) {
        connections.clients.push_back(connect_to_port(ntohs(address.sin_port)));
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        require(accepted >= 0, "accept4");
        send_without_delay(accepted);
        connections.servers.push_back(accepted);
    }
    ::close(listener);
    return connections;
}

/// The clients. They own their sockets.
class EchoLoad {
public:
    EchoLoad(std::vector<int> sockets, std::size_t bytes)
        : sockets_(std::move(sockets)), message_(bytes), reply_(bytes) {
        for (std::size_t i = 0; i < bytes; ++i) {
            message_[i] = static_cast<char>(i * 131 + 7);
        }
    }
    EchoLoad(const EchoLoad&) = delete;
    EchoLoad& operator=(const EchoLoad&) = delete;
    ~EchoLoad() {
        for (const int socket : sockets_) {
            ::close(socket);
        }
    }

    /// One exchange on each connection, one after another: the server is there, and gives back what
    /// it got.
    void check() {
        for (const int socket : sockets_) {
            const auto size = static_cast<ssize_t>(message_.size());
            require(::send(socket, message_.data(), message_.size(), MSG_NOSIGNAL) == size, "send");
            require(::recv(socket, reply_.data(), reply_.size(), MSG_WAITALL) == size, "recv");
            require(reply_ == message_, "the echo differs");
        }
    }

    /// All clients send.
    void start() {
        for (std::size_t i = 0; i < sockets_.size(); ++i) {
            exchange(i);
        }
    }

    /// Waits for one reply, and that client sends again.
    void next() { exchange(replied()); }

    /// Waits for what is under way.
    void finish() {
        for (std::size_t i = 0; i < sockets_.size(); ++i) {
            replied();
        }
    }

private:
    // Of those that succeed, sends make no completion.
    static constexpr std::size_t failed_send = static_cast<std::size_t>(-1);

    void exchange(std::size_t client) {
        io_uring_sqe& send = ring_.entry();
        io_uring_prep_send(&send, sockets_[client], message_.data(), message_.size(),
                           MSG_WAITALL | MSG_NOSIGNAL);
        send.flags |= IOSQE_CQE_SKIP_SUCCESS;
        send.user_data = failed_send;
        // Into the same buffer for all: nobody looks at it any more.
        io_uring_sqe& receive = ring_.entry();
        io_uring_prep_recv(&receive, sockets_[client], reply_.data(), reply_.size(), MSG_WAITALL);
        receive.ioprio |= IORING_RECVSEND_POLL_FIRST;
        receive.user_data = client;
    }

    std::size_t replied() {
        io_uring_cqe* completion = nullptr;
        while (io_uring_peek_cqe(&ring_.native(), &completion) != 0) {
            ring_.submit_and_wait(1);
        }
        const std::size_t client = completion->user_data;
        require(client != failed_send && completion->res == static_cast<int>(reply_.size()),
                "exchange");
        io_uring_cqe_seen(&ring_.native(), completion);
        return client;
    }

    std::vector<int> sockets_;
    std::vector<char> message_;
    std::vector<char> reply_;
    HandRing ring_{2048};
};

} // namespace bench
