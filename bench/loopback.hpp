#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Connections within this machine, made with plain system calls.

#include <cstddef>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hand_ring.hpp"

namespace bench {

/// Raises the limit of open descriptors as far as one may. Returns it.
inline rlim_t allow_many_descriptors() {
    rlimit limit{};
    require(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    require(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    return limit.rlim_cur;
}

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

/// A TCP socket that listens on a port of its own.
class Listener {
public:
    /// flags: 0 or SOCK_NONBLOCK.
    explicit Listener(int flags = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)) {
        sockaddr_in address = on_loopback(0);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        require(::bind(socket_, generic, size) == 0 && ::listen(socket_, SOMAXCONN) == 0 &&
                    ::getsockname(socket_, generic, &size) == 0,
                "listen");
        port_ = ntohs(address.sin_port);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() { ::close(socket_); }

    [[nodiscard]] int socket() const { return socket_; }
    [[nodiscard]] in_port_t port() const { return port_; }

private:
    int socket_;
    in_port_t port_ = 0;
};

inline Connections connect_by_tcp(std::size_t count) {
    const Listener listener;
    Connections connections;
    for (std::size_t i = 0; i < count; ++i) {
        connections.clients.push_back(connect_to_port(listener.port()));
        const int accepted = ::accept4(listener.socket(), nullptr, nullptr, SOCK_CLOEXEC);
        require(accepted >= 0, "accept4");
        send_without_delay(accepted);
        connections.servers.push_back(accepted);
    }
    return connections;
}

} // namespace bench
