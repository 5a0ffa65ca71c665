#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The address of one end of a connection: IPv4, IPv6 or Unix, as a value that compares, hashes and
// prints. It holds what the kernel takes, so that no call needs a conversion; names of hosts are
// another matter, see resolve.hpp.

#include <rondo/config.hpp>
#include <rondo/error.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rondo::inline RONDO_ABI {

/// An IPv4 or IPv6 address with its port, or the address of a Unix socket: a path, an abstract name
/// or none. A flow label does not belong to it. One made by default is none of these, as is the
/// sender of a datagram from a socket without an address.
/// Example:
///     const auto server = Endpoint::parse("[::1]:8080");
class Endpoint {
public:
    Endpoint() noexcept : address_{}, size_(0) {}

    /// Reads "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "unix:/path" or "unix:@abstract": the
    /// forms that to_string() writes. Throws: std::invalid_argument with the text and the mistake.
    static Endpoint parse(std::string_view text);

    /// From the text of an IPv4 or IPv6 address, without brackets, and a port. A name of a network
    /// interface, or its number, may follow a %. Throws: std::invalid_argument with the text if it
    /// is no address (the name of a host is none: see getaddrinfo()) or there is no such interface.
    static Endpoint ip(std::string_view literal, std::uint16_t port);

    /// As ip(), but empty instead of throwing.
    static std::optional<Endpoint> try_ip(std::string_view literal, std::uint16_t port);

    /// The address of a Unix socket at a path of at most 107 bytes. A path that starts with a NUL
    /// is an abstract name, as in asyncio. Throws: std::invalid_argument if it is empty or too
    /// long, or holds another NUL.
    static Endpoint unix_path(std::string_view path);

    /// The address of a Unix socket with an abstract name, which is no file and ends with its
    /// socket: at most 107 bytes, any of them. Throws: std::invalid_argument if it is empty or too
    /// long.
    static Endpoint unix_abstract(std::string_view name);

    /// From what the kernel filled in; size: its bytes, 0 for no address. Throws:
    /// std::invalid_argument for another family, or a size too small for its own.
    static Endpoint from_native(const sockaddr* address, socklen_t size);

    /// The address that a socket is bound to. Throws: std::system_error.
    static Endpoint local_of(int fd);

    /// The address that a socket is connected to. Throws: std::system_error.
    static Endpoint remote_of(int fd);

    /// The text that parse() reads. Only a Unix address without a name, "unix:", and no address at
    /// all, "none", cannot be read back.
    std::string to_string() const;

    /// The IP address as text, without brackets, with the interface after a % if it has one; the
    /// path of a Unix address, or its abstract name behind an @.
    std::string host() const;

    /// The port in the host's byte order; 0 if it is no IP address.
    std::uint16_t port() const noexcept;

    /// The same IP address with another port. Precondition: it is one.
    Endpoint with_port(std::uint16_t port) const noexcept;

    /// AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC for no address.
    int family() const noexcept { return address_.any.sa_family; }
    bool is_ipv4() const noexcept { return family() == AF_INET; }
    bool is_ipv6() const noexcept { return family() == AF_INET6; }
    bool is_unix() const noexcept { return family() == AF_UNIX; }

    /// What the kernel takes. Lifetime: as this object.
    const sockaddr* native() const noexcept { return &address_.any; }
    socklen_t native_size() const noexcept { return size_; }

    friend bool operator==(const Endpoint& a, const Endpoint& b) noexcept {
        return a.bytes() == b.bytes();
    }

    /// Orders by family, then by address (which orders IP addresses as numbers, and paths as
    /// text), then by interface, then by port.
    friend std::strong_ordering operator<=>(const Endpoint& a, const Endpoint& b) noexcept {
        return a.compare(b);
    }

private:
    friend struct std::hash<Endpoint>;

    union Address {
        sockaddr_un un; // the largest: to make it zero makes all of them zero
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
    };

    static constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

    static Endpoint unix_name(std::string_view name, bool terminated);
    static bool read_interface(std::string_view text, std::uint32_t& index);
    static Endpoint ask_kernel(int fd, int (*ask)(int, sockaddr*, socklen_t*),
                               const char* operation);
    [[noreturn]] static void refuse(std::string_view text, const char* why);
    [[noreturn]] static void refuse_ip(std::string_view text, std::string_view host);

    // The name of a Unix address: a path without the NUL at its end, or a NUL and what follows.
    std::string_view unix_name() const noexcept;
    std::string_view bytes() const noexcept;
    std::strong_ordering compare(const Endpoint& other) const noexcept;

    Address address_; // all bytes not in use are zero, so that equal addresses are equal in bytes
    socklen_t size_;
};

// Implementation

inline Endpoint Endpoint::parse(std::string_view text) {
    constexpr std::string_view unix_prefix = "unix:";
    if (text.starts_with(unix_prefix)) {
        const std::string_view name = text.substr(unix_prefix.size());
        return name.starts_with('@') ? unix_abstract(name.substr(1)) : unix_path(name);
    }

    const std::size_t colon = text.rfind(':');
    if (colon == text.npos || text.ends_with(']')) {
        refuse(text, "it has no port; write 127.0.0.1:80, [::1]:80 or unix:/path");
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    unsigned port = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') {
            refuse(text, "its port is not a number");
        }
        port = port * 10 + static_cast<unsigned>(digit - '0');
        if (port > std::numeric_limits<std::uint16_t>::max()) {
            refuse(text, "its port is greater than 65535");
        }
    }
    if (digits.empty()) {
        refuse(text, "its port is missing");
    }

    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    if (bracketed != (host.find(':') != host.npos)) {
        refuse(text, bracketed ? "only an IPv6 address has brackets"
                               : "an IPv6 address needs brackets, as in [::1]:80");
    }
    if (const std::optional<Endpoint> found = try_ip(host, static_cast<std::uint16_t>(port))) {
        return *found;
    }
    refuse_ip(text, host);
}

inline Endpoint Endpoint::ip(std::string_view literal, std::uint16_t port) {
    if (const std::optional<Endpoint> found = try_ip(literal, port)) {
        return *found;
    }
    refuse_ip(literal, literal);
}

inline std::optional<Endpoint> Endpoint::try_ip(std::string_view literal, std::uint16_t port) {
    const std::size_t percent = literal.find('%');
    const std::string_view address = literal.substr(0, percent);
    char terminated[INET6_ADDRSTRLEN] = {};
    if (address.size() >= sizeof(terminated) || address.find('\0') != address.npos) {
        return std::nullopt;
    }
    address.copy(terminated, address.size());

    Endpoint result;
    if (percent == literal.npos &&
        ::inet_pton(AF_INET, terminated, &result.address_.v4.sin_addr) == 1) {
        result.address_.v4.sin_family = AF_INET;
        result.address_.v4.sin_port = htons(port);
        result.size_ = sizeof(sockaddr_in);
        return result;
    }
    if (::inet_pton(AF_INET6, terminated, &result.address_.v6.sin6_addr) != 1) {
        return std::nullopt;
    }
    if (percent != literal.npos &&
        !read_interface(literal.substr(percent + 1), result.address_.v6.sin6_scope_id)) {
        return std::nullopt;
    }
    result.address_.v6.sin6_family = AF_INET6;
    result.address_.v6.sin6_port = htons(port);
    result.size_ = sizeof(sockaddr_in6);
    return result;
}

inline bool Endpoint::read_interface(std::string_view text, std::uint32_t& index) {
    char name[IF_NAMESIZE] = {};
    if (text.empty() || text.size() >= sizeof(name) || text.find('\0') != text.npos) {
        return false;
    }
    text.copy(name, text.size());
    index = ::if_nametoindex(name);
    if (index != 0) {
        return true;
    }
    // No such interface here. A number is taken as it is: the address may be another machine's.
    std::uint64_t number = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') {
            return false;
        }
        number = number * 10 + static_cast<unsigned>(digit - '0');
    }
    index = static_cast<std::uint32_t>(number);
    return number <= std::numeric_limits<std::uint32_t>::max();
}

inline Endpoint Endpoint::unix_path(std::string_view path) {
    if (path.starts_with('\0')) {
        return unix_abstract(path.substr(1));
    }
    if (path.find('\0') != path.npos) {
        refuse(path.substr(0, path.find('\0')), "the path of a Unix socket holds a NUL");
    }
    if (path.empty()) {
        refuse(path, "the path of a Unix socket is empty");
    }
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        refuse(path, "the path of a Unix socket is longer than 107 bytes");
    }
    return unix_name(path, true);
}

inline Endpoint Endpoint::unix_abstract(std::string_view name) {
    if (name.empty()) {
        refuse(name, "the abstract name of a Unix socket is empty");
    }
    if (name.size() >= sizeof(sockaddr_un::sun_path)) {
        refuse(name, "the abstract name of a Unix socket is longer than 107 bytes");
    }
    char with_nul[sizeof(sockaddr_un::sun_path)] = {};
    name.copy(with_nul + 1, name.size());
    return unix_name({with_nul, name.size() + 1}, false);
}

inline Endpoint Endpoint::unix_name(std::string_view name, bool terminated) {
    Endpoint result;
    result.address_.un.sun_family = AF_UNIX;
    name.copy(result.address_.un.sun_path, name.size());
    result.size_ = static_cast<socklen_t>(path_offset + name.size() + (terminated ? 1 : 0));
    return result;
}

inline Endpoint Endpoint::from_native(const sockaddr* address, socklen_t size) {
    Endpoint result;
    if (size == 0) {
        return result;
    }
    const auto check = [size](std::size_t least) {
        if (size < least) {
            throw std::invalid_argument("rondo: a socket address of " + std::to_string(size) +
                                        " bytes is shorter than its family's");
        }
    };
    check(sizeof(sa_family_t));
    switch (address->sa_family) {
    case AF_INET: {
        check(sizeof(sockaddr_in));
        sockaddr_in given;
        std::memcpy(&given, address, sizeof(given));
        result.address_.v4.sin_family = AF_INET;
        result.address_.v4.sin_port = given.sin_port;
        result.address_.v4.sin_addr = given.sin_addr;
        result.size_ = sizeof(sockaddr_in);
        return result;
    }
    case AF_INET6: {
        check(sizeof(sockaddr_in6));
        sockaddr_in6 given;
        std::memcpy(&given, address, sizeof(given));
        result.address_.v6.sin6_family = AF_INET6;
        result.address_.v6.sin6_port = given.sin6_port;
        result.address_.v6.sin6_addr = given.sin6_addr;
        result.address_.v6.sin6_scope_id = given.sin6_scope_id;
        result.size_ = sizeof(sockaddr_in6);
        return result;
    }
    case AF_UNIX: {
        // The kernel counts a NUL behind a path that fills sun_path: one more than there is room.
        const std::size_t room = sizeof(sockaddr_un::sun_path);
        const std::size_t given = size - path_offset < room ? size - path_offset : room;
        std::string_view name(reinterpret_cast<const char*>(address) + path_offset, given);
        const bool is_path = !name.empty() && name.front() != '\0';
        if (is_path) {
            name = name.substr(0, name.find('\0'));
        }
        return unix_name(name, is_path && name.size() < room);
    }
    default:
        throw std::invalid_argument("rondo: a socket address of family " +
                                    std::to_string(address->sa_family) +
                                    " is neither IPv4, IPv6 nor Unix");
    }
}

inline Endpoint Endpoint::local_of(int fd) {
    return ask_kernel(fd, ::getsockname, "getsockname");
}

inline Endpoint Endpoint::remote_of(int fd) {
    return ask_kernel(fd, ::getpeername, "getpeername");
}

inline Endpoint Endpoint::ask_kernel(int fd, int (*ask)(int, sockaddr*, socklen_t*),
                                     const char* operation) {
    sockaddr_storage storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    socklen_t size = sizeof(storage);
    if (ask(fd, address, &size) != 0) {
        detail::throw_system_error(errno, operation);
    }
    return from_native(address, size);
}

inline std::string Endpoint::to_string() const {
    switch (family()) {
    case AF_INET:
        return host() + ':' + std::to_string(port());
    case AF_INET6:
        return '[' + host() + "]:" + std::to_string(port());
    case AF_UNIX:
        // A file whose name starts with an @ must not read as an abstract name.
        return (unix_name().starts_with('@') ? "unix:./" : "unix:") + host();
    default:
        return "none";
    }
}

inline std::string Endpoint::host() const {
    char text[INET6_ADDRSTRLEN];
    switch (family()) {
    case AF_INET:
        return ::inet_ntop(AF_INET, &address_.v4.sin_addr, text, sizeof(text));
    case AF_INET6: {
        std::string result = ::inet_ntop(AF_INET6, &address_.v6.sin6_addr, text, sizeof(text));
        if (const std::uint32_t index = address_.v6.sin6_scope_id; index != 0) {
            char name[IF_NAMESIZE];
            result += '%';
            result += ::if_indextoname(index, name) != nullptr ? name : std::to_string(index);
        }
        return result;
    }
    case AF_UNIX: {
        std::string result(unix_name());
        if (result.starts_with('\0')) {
            result.front() = '@';
        }
        return result;
    }
    default:
        return {};
    }
}

inline std::uint16_t Endpoint::port() const noexcept {
    return is_ipv4() ? ntohs(address_.v4.sin_port) : is_ipv6() ? ntohs(address_.v6.sin6_port) : 0;
}

inline Endpoint Endpoint::with_port(std::uint16_t port) const noexcept {
    RONDO_ASSERT(is_ipv4() || is_ipv6(), "with_port() of an Endpoint that is no IP address");
    Endpoint result = *this;
    if (is_ipv4()) {
        result.address_.v4.sin_port = htons(port);
    } else if (is_ipv6()) {
        result.address_.v6.sin6_port = htons(port);
    }
    return result;
}

inline void Endpoint::refuse(std::string_view text, const char* why) {
    throw std::invalid_argument("rondo: \"" + std::string(text) + "\" is no endpoint: " + why);
}

inline void Endpoint::refuse_ip(std::string_view text, std::string_view host) {
    refuse(text, host.find('%') == host.npos
                     ? "the host is no IP address; for a name co_await getaddrinfo()"
                     : "the host is no IPv6 address with a network interface of this machine");
}

inline std::string_view Endpoint::unix_name() const noexcept {
    const std::string_view name(address_.un.sun_path, size_ - path_offset);
    return name.starts_with('\0') ? name : name.substr(0, name.find('\0'));
}

inline std::string_view Endpoint::bytes() const noexcept {
    return {reinterpret_cast<const char*>(&address_), size_};
}

inline std::strong_ordering Endpoint::compare(const Endpoint& other) const noexcept {
    if (family() != other.family()) {
        return family() <=> other.family();
    }
    const auto in_order = [](const auto& a, const auto& b) {
        return std::memcmp(&a, &b, sizeof(a)) <=> 0;
    };
    std::strong_ordering order = std::strong_ordering::equal;
    if (is_ipv4()) {
        order = in_order(address_.v4.sin_addr, other.address_.v4.sin_addr);
    } else if (is_ipv6()) {
        order = in_order(address_.v6.sin6_addr, other.address_.v6.sin6_addr);
        if (order == 0) {
            order = address_.v6.sin6_scope_id <=> other.address_.v6.sin6_scope_id;
        }
    } else if (is_unix()) {
        order = unix_name() <=> other.unix_name();
    }
    return order != 0 ? order : port() <=> other.port();
}

} // namespace rondo::inline RONDO_ABI

/// So that an Endpoint is a key of std::unordered_map.
template <>
struct std::hash<rondo::Endpoint> {
    std::size_t operator()(const rondo::Endpoint& endpoint) const noexcept {
        return std::hash<std::string_view>()(endpoint.bytes());
    }
};
