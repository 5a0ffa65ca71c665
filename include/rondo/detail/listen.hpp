#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Sockets that listen: one for each address of a server, with one port for all of them, and the
// files of Unix sockets.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rondo/config.hpp>
#include <rondo/detail/connect.hpp>
#include <rondo/detail/unique_fd.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/error.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// A socket that listens, and what it is bound to.
struct Listener {
    UniqueFd fd;
    Endpoint endpoint;
};

struct ListenOptions {
    int backlog;
    bool reuse_port;
    bool keep_alive;
};

/// Binds and listens. Throws: std::system_error that names the address.
inline Listener listen_on(const Endpoint& endpoint, const ListenOptions& options) {
    const auto fail = [&](const char* operation) {
        throw_connect_error(operation, endpoint, {errno, std::system_category()});
    };
    const auto set = [&](int fd, int level, int name) {
        const int on = 1;
        if (::setsockopt(fd, level, name, &on, sizeof(on)) != 0) {
            fail("setsockopt for");
        }
    };
    Listener listener{make_socket(endpoint, Endpoint()), endpoint};
    const int fd = listener.fd.get();
    if (!endpoint.is_unix()) {
        set(fd, SOL_SOCKET, SO_REUSEADDR); // a restarted server need not wait for old connections
        if (options.reuse_port) {
            set(fd, SOL_SOCKET, SO_REUSEPORT);
        }
        if (options.keep_alive) {
            set(fd, SOL_SOCKET, SO_KEEPALIVE); // which the connections inherit, as TCP_NODELAY
        }
        if (endpoint.is_ipv6()) {
            set(fd, IPPROTO_IPV6, IPV6_V6ONLY); // so that IPv4 can be served on the same port
        }
    }
    if (::bind(fd, endpoint.native(), endpoint.native_size()) != 0) {
        fail("bind to");
    }
    if (::listen(fd, options.backlog) != 0) {
        fail("listen on");
    }
    listener.endpoint = Endpoint::local_of(fd);
    return listener;
}

/// Whether this machine has no such family, or no address of it: no reason not to serve the others.
inline bool is_family_missing(const std::system_error& error) noexcept {
    const int code = error.code().value();
    return code == EAFNOSUPPORT || code == EADDRNOTAVAIL || code == EPFNOSUPPORT;
}

/// Listens on all of several addresses. If their port is 0 they share one, whichever is free.
inline std::vector<Listener> listen_on_all(const std::vector<Endpoint>& endpoints,
                                           const ListenOptions& options) {
    constexpr int attempts = 16;
    for (int attempt = 1;; ++attempt) {
        std::vector<Listener> listeners;
        listeners.reserve(endpoints.size());
        std::uint16_t port = 0; // which the first one got
        try {
            for (std::size_t i = 0; i < endpoints.size(); ++i) {
                Endpoint endpoint = endpoints[i];
                if (port != 0 && endpoint.port() == 0) {
                    endpoint = endpoint.with_port(port);
                }
                try {
                    listeners.push_back(listen_on(endpoint, options));
                } catch (const std::system_error& error) {
                    const bool last = i + 1 == endpoints.size();
                    if (!is_family_missing(error) || (last && listeners.empty())) {
                        throw;
                    }
                    continue;
                }
                port = listeners.back().endpoint.port();
            }
            return listeners;
        } catch (const std::system_error& error) {
            // The port that was free for one address need not be for the others.
            const bool drawn = !listeners.empty() && endpoints.front().port() == 0;
            if (!drawn || error.code().value() != EADDRINUSE || attempt == attempts) {
                throw;
            }
        }
    }
}

/// The file of a Unix socket: removed by the server that made it, unless it is another one by then.
class SocketFile {
public:
    SocketFile() noexcept = default;
    /// The file that a socket has just been bound to.
    explicit SocketFile(std::string path) : path_(std::move(path)) {
        struct stat status;
        if (::stat(path_.c_str(), &status) == 0) {
            device_ = status.st_dev;
            inode_ = status.st_ino;
        }
    }
    SocketFile(SocketFile&& other) noexcept
        : path_(std::exchange(other.path_, std::string())), device_(other.device_),
          inode_(other.inode_) {}
    SocketFile& operator=(SocketFile&& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(device_, other.device_);
        std::swap(inode_, other.inode_);
        return *this;
    }
    ~SocketFile() { remove(); }

    void remove() noexcept {
        const std::string path = std::exchange(path_, std::string());
        struct stat status;
        if (!path.empty() && ::stat(path.c_str(), &status) == 0 && status.st_dev == device_ &&
            status.st_ino == inode_) {
            ::unlink(path.c_str());
        }
    }

private:
    std::string path_; // empty: none
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

/// Listens on a Unix socket. A socket file that is there already is taken for a left-over, as in
/// asyncio; any other file is an error.
inline Listener listen_on_unix(const Endpoint& endpoint, const ListenOptions& options,
                               SocketFile& file) {
    const std::string path = endpoint.host();
    const bool is_abstract =
        endpoint.native_size() > sizeof(sa_family_t) &&
        reinterpret_cast<const sockaddr_un*>(endpoint.native())->sun_path[0] == '\0';
    if (is_abstract) {
        return listen_on(endpoint, options);
    }
    struct stat status;
    if (::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
        ::unlink(path.c_str());
    }
    Listener listener = listen_on(endpoint, options);
    file = SocketFile(path);
    return listener;
}

} // namespace rondo::inline RONDO_ABI::detail
