// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/endpoint.hpp>

#include "support/catch.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <unordered_map>
#include <vector>

using namespace std::string_literals;
using rondo::Endpoint;

namespace {

class Socket {
public:
    Socket(int family, int type) : fd_(::socket(family, type | SOCK_CLOEXEC, 0)) {}
    explicit Socket(int fd) : fd_(fd) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(fd_); }

    int fd() const { return fd_; }
    bool bind(const Endpoint& endpoint) const {
        return ::bind(fd_, endpoint.native(), endpoint.native_size()) == 0;
    }
    bool connect(const Endpoint& endpoint) const {
        return ::connect(fd_, endpoint.native(), endpoint.native_size()) == 0;
    }

private:
    int fd_;
};

// A directory of its own for socket files, removed with them.
class Directory {
public:
    Directory() {
        if (::mkdtemp(path_.data()) == nullptr) {
            throw std::system_error(errno, std::system_category(), path_);
        }
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() {
        for (const std::string& file : files_) {
            ::unlink(file.c_str());
        }
        ::rmdir(path_.c_str());
    }

    std::string file(const std::string& name) { return files_.emplace_back(path_ + '/' + name); }

private:
    std::string path_ = "/tmp/rondo-endpoint-XXXXXX";
    std::vector<std::string> files_;
};

std::string mistake_in(std::string_view text) {
    try {
        return "none: " + Endpoint::parse(text).to_string();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

} // namespace

TEST_CASE("an IPv4 endpoint is read and written", "[system][endpoint]") {
    const Endpoint endpoint = Endpoint::parse("127.0.0.1:8080");
    REQUIRE(endpoint.is_ipv4());
    REQUIRE_FALSE(endpoint.is_ipv6());
    REQUIRE_FALSE(endpoint.is_unix());
    REQUIRE(endpoint.family() == AF_INET);
    REQUIRE(endpoint.host() == "127.0.0.1");
    REQUIRE(endpoint.port() == 8080);
    REQUIRE(endpoint.to_string() == "127.0.0.1:8080");
    REQUIRE(endpoint.native_size() == sizeof(sockaddr_in));

    sockaddr_in native;
    std::memcpy(&native, endpoint.native(), sizeof(native));
    REQUIRE(native.sin_port == htons(8080));
    REQUIRE(native.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
}

TEST_CASE("an IPv6 endpoint is read and written, in its shortest form", "[system][endpoint]") {
    const Endpoint endpoint = Endpoint::parse("[0:0::0:1]:65535");
    REQUIRE(endpoint.is_ipv6());
    REQUIRE(endpoint.family() == AF_INET6);
    REQUIRE(endpoint.host() == "::1");
    REQUIRE(endpoint.port() == 65535);
    REQUIRE(endpoint.to_string() == "[::1]:65535");
    REQUIRE(endpoint.native_size() == sizeof(sockaddr_in6));
    REQUIRE(Endpoint::parse("[::]:0").to_string() == "[::]:0");
    REQUIRE(Endpoint::parse("[::ffff:10.0.0.1]:1").host() == "::ffff:10.0.0.1");
}

TEST_CASE("an IPv6 endpoint names its network interface", "[system][endpoint]") {
    const unsigned loopback = ::if_nametoindex("lo");
    if (loopback == 0) {
        RONDO_SKIP("there is no interface lo");
    }
    const Endpoint named = Endpoint::parse("[fe80::1%lo]:80");
    REQUIRE(named.host() == "fe80::1%lo");
    REQUIRE(named.to_string() == "[fe80::1%lo]:80");
    REQUIRE(named == Endpoint::ip("fe80::1%" + std::to_string(loopback), 80));
    REQUIRE(named != Endpoint::ip("fe80::1", 80));

    sockaddr_in6 native;
    std::memcpy(&native, named.native(), sizeof(native));
    REQUIRE(native.sin6_scope_id == loopback);
}

TEST_CASE("an interface that this machine does not have keeps its number", "[system][endpoint]") {
    const Endpoint endpoint = Endpoint::parse("[fe80::1%4000000000]:80");
    REQUIRE(endpoint.to_string() == "[fe80::1%4000000000]:80");
    REQUIRE(endpoint.host() == "fe80::1%4000000000");
}

TEST_CASE("a Unix endpoint is a path or an abstract name", "[system][endpoint]") {
    const Endpoint path = Endpoint::parse("unix:/run/service.sock");
    REQUIRE(path.is_unix());
    REQUIRE(path.family() == AF_UNIX);
    REQUIRE(path.port() == 0);
    REQUIRE(path.host() == "/run/service.sock");
    REQUIRE(path.to_string() == "unix:/run/service.sock");
    REQUIRE(path == Endpoint::unix_path("/run/service.sock"));
    REQUIRE(path.native_size() == offsetof(sockaddr_un, sun_path) + 18);

    const Endpoint abstract = Endpoint::parse("unix:@service");
    REQUIRE(abstract.is_unix());
    REQUIRE(abstract.host() == "@service");
    REQUIRE(abstract.to_string() == "unix:@service");
    REQUIRE(abstract == Endpoint::unix_abstract("service"));
    REQUIRE(abstract.native_size() == offsetof(sockaddr_un, sun_path) + 8);
    REQUIRE(abstract != Endpoint::unix_path("service"));
}

TEST_CASE("a path that starts with a NUL is an abstract name, as in asyncio",
          "[system][endpoint]") {
    REQUIRE(Endpoint::unix_path("\0service"s) == Endpoint::unix_abstract("service"));
}

TEST_CASE("an abstract name may hold any byte", "[system][endpoint]") {
    const std::string name = "a\0b\0"s;
    const Endpoint endpoint = Endpoint::unix_abstract(name);
    REQUIRE(endpoint.host() == "@" + name);
    REQUIRE(endpoint != Endpoint::unix_abstract("a\0b"s));
    REQUIRE(Endpoint::parse(endpoint.to_string()) == endpoint);
}

TEST_CASE("a file whose name starts with an @ is not mistaken for an abstract name",
          "[system][endpoint]") {
    const Endpoint endpoint = Endpoint::unix_path("@file");
    REQUIRE(endpoint.host() == "@file");
    REQUIRE(endpoint.to_string() == "unix:./@file");
    REQUIRE(Endpoint::parse(endpoint.to_string()).host() == "./@file");
}

TEST_CASE("what to_string writes, parse reads", "[system][endpoint]") {
    for (const char* text :
         {"0.0.0.0:0", "255.255.255.255:65535", "192.0.2.1:443", "[::]:0", "[2001:db8::1]:443",
          "[fe80::1%99999]:1", "unix:relative.sock", "unix:/with space/and:colon", "unix:@x"}) {
        CAPTURE(text);
        REQUIRE(Endpoint::parse(text).to_string() == text);
        REQUIRE(Endpoint::parse(Endpoint::parse(text).to_string()) == Endpoint::parse(text));
    }
}

TEST_CASE("text that is no endpoint is refused with the mistake in it", "[system][endpoint]") {
    const std::string write_this = "write 127.0.0.1:80, [::1]:80 or unix:/path";
    REQUIRE(mistake_in("") == "rondo: \"\" is no endpoint: it has no port; " + write_this);
    REQUIRE(mistake_in("127.0.0.1") ==
            "rondo: \"127.0.0.1\" is no endpoint: it has no port; " + write_this);
    REQUIRE(mistake_in("[::1]") ==
            "rondo: \"[::1]\" is no endpoint: it has no port; " + write_this);
    REQUIRE(mistake_in("127.0.0.1:") ==
            "rondo: \"127.0.0.1:\" is no endpoint: its port is missing");
    REQUIRE(mistake_in("127.0.0.1:http") ==
            "rondo: \"127.0.0.1:http\" is no endpoint: its port is not a number");
    REQUIRE(mistake_in("127.0.0.1:-1") ==
            "rondo: \"127.0.0.1:-1\" is no endpoint: its port is not a number");
    REQUIRE(mistake_in("127.0.0.1:65536") ==
            "rondo: \"127.0.0.1:65536\" is no endpoint: its port is greater than 65535");
    REQUIRE(mistake_in("127.0.0.1:99999999999999999999") ==
            "rondo: \"127.0.0.1:99999999999999999999\" is no endpoint: its port is greater than "
            "65535");
    REQUIRE(mistake_in("::1:80") ==
            "rondo: \"::1:80\" is no endpoint: an IPv6 address needs brackets, as in [::1]:80");
    REQUIRE(mistake_in("[127.0.0.1]:80") ==
            "rondo: \"[127.0.0.1]:80\" is no endpoint: only an IPv6 address has brackets");
    const std::string no_ip = "the host is no IP address; for a name co_await getaddrinfo()";
    REQUIRE(mistake_in("localhost:80") == "rondo: \"localhost:80\" is no endpoint: " + no_ip);
    REQUIRE(mistake_in(":80") == "rondo: \":80\" is no endpoint: " + no_ip);
    REQUIRE(mistake_in("256.0.0.1:80") == "rondo: \"256.0.0.1:80\" is no endpoint: " + no_ip);
    REQUIRE(mistake_in("[::g]:80") == "rondo: \"[::g]:80\" is no endpoint: " + no_ip);
    REQUIRE(mistake_in("[fe80::1%no-such-if]:80") ==
            "rondo: \"[fe80::1%no-such-if]:80\" is no endpoint: the host is no IPv6 address with a "
            "network interface of this machine");
    REQUIRE(mistake_in("unix:") ==
            "rondo: \"\" is no endpoint: the path of a Unix socket is empty");
    REQUIRE(mistake_in("unix:@") ==
            "rondo: \"\" is no endpoint: the abstract name of a Unix socket is empty");
}

TEST_CASE("an IP endpoint is made of an address and a port", "[system][endpoint]") {
    REQUIRE(Endpoint::ip("127.0.0.1", 80) == Endpoint::parse("127.0.0.1:80"));
    REQUIRE(Endpoint::ip("::1", 80) == Endpoint::parse("[::1]:80"));
    for (const std::string& text :
         {"localhost"s, ""s, "[::1]"s, "127.0.0.1:80"s, "127.1"s, "127.0.0.1 "s, "127.0.0.1\0"s,
          "::1%"s, "127.0.0.1%lo"s, "::1%99999999999"s, "::1%a-name-longer-than-any-interface"s,
          "::1%1\0"s, std::string(100, ':')}) {
        CAPTURE(text);
        REQUIRE_FALSE(Endpoint::try_ip(text, 80).has_value());
        REQUIRE_THROWS_AS(Endpoint::ip(text, 80), std::invalid_argument);
    }
    REQUIRE_THROWS_WITH(Endpoint::ip("localhost", 80),
                        "rondo: \"localhost\" is no endpoint: the host is no IP address; for a "
                        "name co_await getaddrinfo()");
    const std::optional<Endpoint> found = Endpoint::try_ip("10.0.0.1", 7);
    REQUIRE(found == Endpoint::parse("10.0.0.1:7"));
}

TEST_CASE("a Unix name of 107 bytes fits and one of 108 is refused", "[system][endpoint]") {
    const std::string longest(107, 'x');
    REQUIRE(Endpoint::unix_path(longest).host() == longest);
    REQUIRE(Endpoint::unix_path(longest).native_size() == sizeof(sockaddr_un));
    REQUIRE(Endpoint::unix_abstract(longest).host() == '@' + longest);
    const std::string too_long(108, 'x');
    REQUIRE_THROWS_WITH(
        Endpoint::unix_path(too_long),
        "rondo: \"" + too_long +
            "\" is no endpoint: the path of a Unix socket is longer than 107 bytes");
    REQUIRE_THROWS_WITH(
        Endpoint::unix_abstract(too_long),
        "rondo: \"" + too_long +
            "\" is no endpoint: the abstract name of a Unix socket is longer than 107 bytes");
    REQUIRE_THROWS_WITH(Endpoint::unix_path("a\0b"s),
                        "rondo: \"a\" is no endpoint: the path of a Unix socket holds a NUL");
}

TEST_CASE("another port makes another endpoint of the same address", "[system][endpoint]") {
    REQUIRE(Endpoint::ip("127.0.0.1", 0).with_port(80) == Endpoint::ip("127.0.0.1", 80));
    REQUIRE(Endpoint::ip("::1", 0).with_port(443) == Endpoint::ip("::1", 443));
}

TEST_CASE("an endpoint made by default is no address", "[system][endpoint]") {
    const Endpoint endpoint;
    REQUIRE(endpoint.family() == AF_UNSPEC);
    REQUIRE_FALSE((endpoint.is_ipv4() || endpoint.is_ipv6() || endpoint.is_unix()));
    REQUIRE(endpoint.native_size() == 0);
    REQUIRE(endpoint.host().empty());
    REQUIRE(endpoint.port() == 0);
    REQUIRE(endpoint.to_string() == "none");
    REQUIRE(endpoint == Endpoint::from_native(nullptr, 0));
    REQUIRE(endpoint != Endpoint::ip("0.0.0.0", 0));
}

TEST_CASE("an address from the kernel is taken without what does not belong to it",
          "[system][endpoint]") {
    sockaddr_in v4;
    std::memset(&v4, 0xee, sizeof(v4));
    v4.sin_family = AF_INET;
    v4.sin_port = htons(80);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(Endpoint::from_native(reinterpret_cast<sockaddr*>(&v4), sizeof(v4)) ==
            Endpoint::ip("127.0.0.1", 80));

    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(80);
    v6.sin6_flowinfo = 12345;
    v6.sin6_addr = in6addr_loopback;
    v6.sin6_scope_id = 0;
    REQUIRE(Endpoint::from_native(reinterpret_cast<sockaddr*>(&v6), sizeof(v6)) ==
            Endpoint::ip("::1", 80));

    sockaddr_un un;
    std::memset(&un, 'x', sizeof(un));
    un.sun_family = AF_UNIX;
    std::strcpy(un.sun_path, "/a");
    REQUIRE(Endpoint::from_native(reinterpret_cast<sockaddr*>(&un), sizeof(un)) ==
            Endpoint::unix_path("/a"));
    // Whether or not the NUL is counted.
    REQUIRE(Endpoint::from_native(reinterpret_cast<sockaddr*>(&un), sizeof(sa_family_t) + 2) ==
            Endpoint::unix_path("/a"));
}

TEST_CASE("an address from a buffer without alignment is taken", "[system][endpoint]") {
    const Endpoint endpoint = Endpoint::ip("::1", 80);
    std::array<char, sizeof(sockaddr_in6) + 2> buffer{};
    std::memcpy(buffer.data() + 2, endpoint.native(), endpoint.native_size());
    REQUIRE(Endpoint::from_native(reinterpret_cast<const sockaddr*>(buffer.data() + 2),
                                  endpoint.native_size()) == endpoint);
}

TEST_CASE("an address of another family, or cut short, is refused", "[system][endpoint]") {
    sockaddr_storage storage{};
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    address->sa_family = AF_NETLINK;
    REQUIRE_THROWS_WITH(Endpoint::from_native(address, sizeof(storage)),
                        "rondo: a socket address of family 16 is neither IPv4, IPv6 nor Unix");
    address->sa_family = AF_INET;
    REQUIRE_THROWS_WITH(Endpoint::from_native(address, 8),
                        "rondo: a socket address of 8 bytes is shorter than its family's");
    address->sa_family = AF_INET6;
    REQUIRE_THROWS_AS(Endpoint::from_native(address, sizeof(sockaddr_in)), std::invalid_argument);
    REQUIRE_THROWS_AS(Endpoint::from_native(address, 1), std::invalid_argument);
}

TEST_CASE("a connection over IPv4 knows both its ends", "[system][endpoint]") {
    const Socket listener(AF_INET, SOCK_STREAM);
    REQUIRE(listener.bind(Endpoint::ip("127.0.0.1", 0)));
    REQUIRE(::listen(listener.fd(), 1) == 0);
    const Endpoint address = Endpoint::local_of(listener.fd());
    REQUIRE(address.host() == "127.0.0.1");
    REQUIRE(address.port() != 0);

    const Socket client(AF_INET, SOCK_STREAM);
    REQUIRE(client.connect(address));
    const Socket served(::accept(listener.fd(), nullptr, nullptr));
    REQUIRE(Endpoint::remote_of(client.fd()) == address);
    REQUIRE(Endpoint::local_of(served.fd()) == address);
    REQUIRE(Endpoint::remote_of(served.fd()) == Endpoint::local_of(client.fd()));
}

TEST_CASE("a socket over IPv6 knows its end", "[system][endpoint]") {
    const Socket socket(AF_INET6, SOCK_STREAM);
    if (!socket.bind(Endpoint::ip("::1", 0))) {
        RONDO_SKIP("this machine has no IPv6 loopback address");
    }
    const Endpoint address = Endpoint::local_of(socket.fd());
    REQUIRE(address.host() == "::1");
    REQUIRE(address.port() != 0);
}

TEST_CASE("a connection over a Unix path knows its listening end, and its other end has no name",
          "[system][endpoint]") {
    Directory directory;
    const Endpoint address = Endpoint::unix_path(directory.file("listener"));
    const Socket listener(AF_UNIX, SOCK_STREAM);
    REQUIRE(listener.bind(address));
    REQUIRE(::listen(listener.fd(), 1) == 0);
    REQUIRE(Endpoint::local_of(listener.fd()) == address);

    const Socket client(AF_UNIX, SOCK_STREAM);
    REQUIRE(client.connect(address));
    REQUIRE(Endpoint::remote_of(client.fd()) == address);
    const Endpoint nameless = Endpoint::local_of(client.fd());
    REQUIRE(nameless.is_unix());
    REQUIRE(nameless.host().empty());
    REQUIRE(nameless.to_string() == "unix:");
    REQUIRE(nameless != address);
}

TEST_CASE("a path from the kernel that leaves no room for a NUL is taken whole",
          "[system][endpoint]") {
    Directory directory;
    std::string path = directory.file("");
    path.resize(sizeof(sockaddr_un::sun_path), 'x');
    path = directory.file(path.substr(path.rfind('/') + 1));
    REQUIRE(path.size() == sizeof(sockaddr_un::sun_path));

    sockaddr_un native{};
    native.sun_family = AF_UNIX;
    path.copy(native.sun_path, path.size());
    const Socket socket(AF_UNIX, SOCK_STREAM);
    REQUIRE(::bind(socket.fd(), reinterpret_cast<sockaddr*>(&native), sizeof(native)) == 0);
    const Endpoint address = Endpoint::local_of(socket.fd());
    REQUIRE(address.host() == path);
    REQUIRE(address.native_size() == sizeof(sockaddr_un));
}

TEST_CASE("an abstract name is bound without a file", "[system][endpoint]") {
    const Socket first(AF_UNIX, SOCK_STREAM);
    // The kernel chooses a free name for a socket that is bound to none.
    sa_family_t family = AF_UNIX;
    REQUIRE(::bind(first.fd(), reinterpret_cast<sockaddr*>(&family), sizeof(family)) == 0);
    const Endpoint chosen = Endpoint::local_of(first.fd());
    REQUIRE(chosen.host().size() == 6);
    REQUIRE(chosen.host().front() == '@');

    const Endpoint name = Endpoint::unix_abstract("rondo-endpoint-test-" + chosen.host().substr(1));
    const Socket second(AF_UNIX, SOCK_STREAM);
    REQUIRE(second.bind(name));
    REQUIRE(Endpoint::local_of(second.fd()) == name);
    REQUIRE(::access(name.host().c_str(), F_OK) != 0);
}

TEST_CASE("the ends of a socket pair have no names", "[system][endpoint]") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    const Socket one(ends[0]);
    const Socket other(ends[1]);
    REQUIRE(Endpoint::local_of(one.fd()) == Endpoint::remote_of(other.fd()));
    REQUIRE(Endpoint::local_of(one.fd()).to_string() == "unix:");
}

TEST_CASE("to ask for the ends of what has none fails with the call's name", "[system][endpoint]") {
    const Socket unconnected(AF_INET, SOCK_STREAM);
    REQUIRE_THROWS_WITH(Endpoint::remote_of(unconnected.fd()),
                        "rondo: getpeername: "s + std::strerror(ENOTCONN));
    REQUIRE_THROWS_WITH(Endpoint::local_of(-1), "rondo: getsockname: "s + std::strerror(EBADF));
    REQUIRE_THROWS_AS(Endpoint::local_of(-1), std::system_error);
}

TEST_CASE("endpoints are ordered by family, address, interface and port", "[system][endpoint]") {
    std::vector<Endpoint> sorted;
    for (const char* text :
         {"unix:/a", "unix:/b", "9.0.0.1:80", "10.0.0.1:79", "10.0.0.1:80", "10.0.0.1:1000",
          "[::1]:80", "[fe80::1]:90", "[fe80::1%99998]:80", "[fe80::1%99999]:1"}) {
        sorted.push_back(Endpoint::parse(text));
    }
    std::vector<Endpoint> shuffled = sorted;
    std::reverse(shuffled.begin(), shuffled.end());
    std::sort(shuffled.begin(), shuffled.end());
    REQUIRE(shuffled == sorted);

    for (std::size_t i = 0; i < sorted.size(); ++i) {
        for (std::size_t j = 0; j < sorted.size(); ++j) {
            REQUIRE((sorted[i] <=> sorted[j]) == (i <=> j));
            REQUIRE((sorted[i] == sorted[j]) == (i == j));
        }
    }
}

TEST_CASE("an endpoint is a key of a hash map", "[system][endpoint]") {
    std::unordered_map<Endpoint, int> visits;
    for (int round = 0; round < 3; ++round) {
        for (std::uint16_t port = 1; port <= 100; ++port) {
            ++visits[Endpoint::ip("127.0.0.1", port)];
            ++visits[Endpoint::ip("::1", port)];
        }
        ++visits[Endpoint::unix_path("/a")];
        ++visits[Endpoint()];
    }
    REQUIRE(visits.size() == 202);
    REQUIRE(visits.at(Endpoint::ip("::1", 50)) == 3);
    REQUIRE(visits.at(Endpoint()) == 3);
    const std::hash<Endpoint> hash;
    REQUIRE(hash(Endpoint::ip("::1", 1)) != hash(Endpoint::ip("::1", 2)));
}

TEST_CASE("an endpoint is copied like plain data", "[system][endpoint]") {
    STATIC_REQUIRE(std::is_trivially_copyable_v<Endpoint>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<Endpoint>);
    STATIC_REQUIRE(sizeof(Endpoint) <= 120);
}
