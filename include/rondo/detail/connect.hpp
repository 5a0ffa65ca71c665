#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// From addresses to a connected socket: one attempt, and the race between several ("Happy
// Eyeballs", RFC 8305).

#include <cerrno>
#include <cstddef>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <rondo/as_result.hpp>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/staggered_race.hpp>
#include <rondo/detail/unique_fd.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/error.hpp>
#include <rondo/io/socket_ops.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// A socket and what it is connected to.
struct Connected {
    Connected(UniqueFd socket, const Endpoint& endpoint) noexcept
        : fd(std::move(socket)), remote(endpoint) {}
    UniqueFd fd;
    Endpoint remote;
};

[[noreturn]] inline void throw_connect_error(const char* operation, const Endpoint& endpoint,
                                             std::error_code code) {
    throw make_system_error(code, (std::string(operation) + " " + endpoint.to_string()).c_str());
}

inline void disable_delay(int fd) noexcept {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/// A stream socket for an address, bound to `local` unless that is none.
/// Throws: std::system_error that names the address.
inline UniqueFd make_socket(const Endpoint& remote, const Endpoint& local) {
    UniqueFd fd(::socket(remote.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) {
        throw_connect_error("socket for", remote, {errno, std::system_category()});
    }
    if (!remote.is_unix()) {
        disable_delay(fd.get());
    }
    if (local.family() != AF_UNSPEC) {
        const int on = 1;
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (::bind(fd.get(), local.native(), local.native_size()) != 0) {
            throw_connect_error("bind to", local, {errno, std::system_category()});
        }
    }
    return fd;
}

/// Connects to one address. Throws: std::system_error that names it.
template <class = void>
Coro<Connected> connect_to(Endpoint remote, Endpoint local) {
    UniqueFd fd = make_socket(remote, local);
    auto connecting = as_result(io::connect(fd.get(), remote));
    const auto connected = co_await std::move(connecting);
    if (connected.cancelled()) {
        connected.value();
    }
    if (!connected) {
        throw_connect_error("connect to", remote, connected.error());
    }
    if (!remote.is_unix() && Endpoint::local_of(fd.get()) == remote) {
        // To a port of this machine where nobody listens: the kernel happened to choose that very
        // port for our end, and the two ends of TCP's "simultaneous open" are one socket.
        throw_connect_error("connect to", remote, {ECONNREFUSED, std::system_category()});
    }
    co_return Connected(std::move(fd), remote);
}

/// The families by turns, beginning with that of the first address; otherwise in order.
inline std::vector<Endpoint> interleave_families(const std::vector<Endpoint>& endpoints) {
    std::vector<Endpoint> first;
    std::vector<Endpoint> others;
    for (const Endpoint& endpoint : endpoints) {
        (endpoint.family() == endpoints.front().family() ? first : others).push_back(endpoint);
    }
    std::vector<Endpoint> mixed;
    mixed.reserve(endpoints.size());
    for (std::size_t i = 0; i < first.size() || i < others.size(); ++i) {
        if (i < first.size()) {
            mixed.push_back(first[i]);
        }
        if (i < others.size()) {
            mixed.push_back(others[i]);
        }
    }
    return mixed;
}

/// No attempt has come to anything: throws the one reason, or one error that names all of them.
[[noreturn]] inline void throw_all_failed(const std::string& host,
                                          const std::vector<std::exception_ptr>& errors) {
    std::string what = "open_connection to " + host + " (";
    std::error_code code;
    std::exception_ptr first;
    std::size_t different = 0;
    std::string last;
    for (const std::exception_ptr& error : errors) {
        if (!error) {
            continue;
        }
        try {
            std::rethrow_exception(error);
        } catch (const std::system_error& failure) {
            if (!first) {
                first = error;
                code = failure.code();
            }
            std::string text = failure.what();
            constexpr std::string_view prefix = "rondo: ";
            if (text.starts_with(prefix)) {
                text.erase(0, prefix.size());
            }
            if (text != last) {
                what += (different++ != 0 ? "; " : "") + text;
                last = std::move(text);
            }
        } // anything else, such as std::bad_alloc, goes straight to the caller
    }
    if (different == 1) {
        std::rethrow_exception(first);
    }
    throw make_system_error(code, (what + ")").c_str());
}

/// Connects to the first address that answers.
template <class = void>
Coro<Connected> connect_to_any(std::string host, std::vector<Endpoint> endpoints, Endpoint local,
                               Clock::duration head_start) {
    std::vector<Endpoint> usable;
    for (const Endpoint& endpoint : endpoints) {
        if (local.family() == AF_UNSPEC || local.family() == endpoint.family()) {
            usable.push_back(endpoint);
        }
    }
    if (usable.empty()) {
        throw make_system_error(
            {EAFNOSUPPORT, std::system_category()},
            ("open_connection: no address of " + host + " is of the family of " + local.to_string())
                .c_str());
    }
    if (usable.size() == 1) {
        auto attempt = connect_to(usable.front(), local);
        co_return co_await std::move(attempt);
    }
    std::vector<Coro<Connected>> attempts;
    for (const Endpoint& endpoint : interleave_families(usable)) {
        attempts.push_back(connect_to(endpoint, local));
    }
    auto race = staggered_race(std::move(attempts), head_start);
    RaceOutcome<Connected> outcome = co_await std::move(race);
    if (!outcome.winner) {
        throw_all_failed(host, outcome.errors);
    }
    co_return std::move(*outcome.winner);
}

} // namespace rondo::inline RONDO_ABI::detail
