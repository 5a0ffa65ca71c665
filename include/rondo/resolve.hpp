#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// From names to addresses: getaddrinfo.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>

#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/lookup.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/error.hpp>

namespace rondo::inline RONDO_ABI {

/// What getaddrinfo() looks for.
struct ResolveOptions {
    int family = AF_UNSPEC; ///< AF_INET or AF_INET6: only those
    int flags = 0;          ///< AI_PASSIVE: no host means every interface, to listen on
};

/// The category of errors in finding a name: its values are the EAI_… of <netdb.h>.
[[nodiscard]] inline const std::error_category& getaddrinfo_category() noexcept {
    static const detail::AddressInfoCategory category;
    return category;
}

/// The addresses of a host, the best first, each with the port of a service.
///
/// host: a name, an IP address, or empty: the loopback interface, or with AI_PASSIVE every
/// interface. service: a port, a name such as "http", or empty for port 0. What needs no looking up
/// is not looked up; the rest is done on a helper thread by the system's getaddrinfo(3), which reads
/// /etc/hosts and asks name servers as the system is set up to.
///
/// Returns: one address at least, and none twice.
/// Throws: std::system_error with the host's name in what(), of getaddrinfo_category() if there is
/// no such name or no answer.
/// Cancellation: at once; what the helper thread finds out is dropped.
template <class = void>
Coro<std::vector<Endpoint>> getaddrinfo(std::string host, std::string service,
                                        ResolveOptions options = {});

/// The same with a port number.
template <class = void>
Coro<std::vector<Endpoint>> getaddrinfo(std::string host, std::uint16_t port,
                                        ResolveOptions options = {});

// Implementation

namespace detail {

/// A port as text; empty if it is none.
inline std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    unsigned port = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') {
            return std::nullopt;
        }
        port = port * 10 + static_cast<unsigned>(digit - '0');
        if (port > UINT16_MAX) {
            return std::nullopt;
        }
    }
    return static_cast<std::uint16_t>(port);
}

/// What needs no looking up. Empty: it does.
inline std::vector<Endpoint> resolve_literally(std::string_view host, std::uint16_t port,
                                               const ResolveOptions& options) {
    std::vector<Endpoint> found;
    const auto add = [&](const char* literal) {
        const Endpoint endpoint = Endpoint::ip(literal, port);
        if (options.family == AF_UNSPEC || options.family == endpoint.family()) {
            found.push_back(endpoint);
        }
    };
    if (host.empty()) {
        const bool passive = (options.flags & AI_PASSIVE) != 0;
        add(passive ? "::" : "::1");
        add(passive ? "0.0.0.0" : "127.0.0.1");
    } else if (const std::optional<Endpoint> literal = Endpoint::try_ip(host, port)) {
        if (options.family == AF_UNSPEC || options.family == literal->family()) {
            found.push_back(*literal);
        }
    }
    return found;
}

[[noreturn]] inline void throw_unresolved(std::string_view host, std::string_view service,
                                          const LookupAnswer& answer) {
    std::string what = "getaddrinfo of " + std::string(host);
    if (!service.empty() && !parse_port(service)) {
        what += ":" + std::string(service);
    }
    const std::error_code code = answer.error == EAI_SYSTEM
                                     ? std::error_code(answer.system_error, std::system_category())
                                     : std::error_code(answer.error, getaddrinfo_category());
    throw make_system_error(code, what.c_str());
}

template <class = void>
Coro<std::vector<Endpoint>> resolve(std::string host, std::string service, ResolveOptions options) {
    if (host.find('\0') != std::string::npos || service.find('\0') != std::string::npos) {
        LookupAnswer refused;
        refused.error = EAI_NONAME; // getaddrinfo(3) would see less than our caller checked
        throw_unresolved(host.c_str(), {}, refused);
    }
    const std::optional<std::uint16_t> port = parse_port(service);
    if (port) {
        std::vector<Endpoint> found = resolve_literally(host, *port, options);
        if (!found.empty()) {
            co_return found;
        }
    }
    LookupRequest request;
    request.host = host;
    request.service = service;
    request.family = options.family;
    request.flags = options.flags | (port ? AI_NUMERICSERV : 0);
    const LookupAwaitable lookup(std::move(request));
    LookupAnswer answer = co_await lookup;
    if (answer.error != 0) {
        throw_unresolved(host, service, answer);
    }
    co_return std::move(answer.endpoints);
}

} // namespace detail

template <class>
Coro<std::vector<Endpoint>> getaddrinfo(std::string host, std::string service,
                                        ResolveOptions options) {
    return detail::resolve(std::move(host), std::move(service), options);
}

template <class>
Coro<std::vector<Endpoint>> getaddrinfo(std::string host, std::uint16_t port,
                                        ResolveOptions options) {
    return detail::resolve(std::move(host), std::to_string(port), options);
}

} // namespace rondo::inline RONDO_ABI
