// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// open_connection() and open_unix_connection().

#include <rondo/stream.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/connect.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "io/descriptors.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace std::chrono_literals;
using namespace rondo_test;
using rondo::Coro;
using rondo::Endpoint;
using rondo::Stream;

namespace {

std::uint16_t port_of(const Fd& fd) {
    return Endpoint::local_of(fd.get()).port();
}

// A port where nobody listens. It is bound, so that nobody else gets it meanwhile.
struct ClosedPort {
    Fd fd = bound(SOCK_STREAM);
    std::uint16_t number = port_of(fd);
};

// An address that does not answer: its queue is full, and the kernel drops whoever comes.
class SilentPort {
public:
    SilentPort() : listener_(listener(0)) {
        for (int i = 0; i < 4; ++i) {
            Fd client(checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
            const Address address = Address::of(listener_.get());
            (void)::connect(client.get(), address.native(), Address::native_size());
            clients_.push_back(std::move(client));
        }
    }
    [[nodiscard]] Endpoint endpoint() const { return Endpoint::local_of(listener_.get()); }

private:
    Fd listener_;
    std::vector<Fd> clients_;
};

Coro<rondo::detail::Connected> connect_to_any(std::vector<Endpoint> endpoints) {
    auto connecting =
        rondo::detail::connect_to_any("example.test", std::move(endpoints), Endpoint(), 250ms);
    co_return co_await std::move(connecting);
}

} // namespace

ASYNC_TEST_CASE("a connection is made to an address and port", "[system][connect]") {
    const Fd server = listener();
    Stream stream = co_await rondo::open_connection("127.0.0.1", port_of(server));
    CHECK(stream.remote_endpoint() == Endpoint::local_of(server.get()));
    const Fd peer(checked(::accept(server.get(), nullptr, nullptr)));
    CHECK(stream.local_endpoint() == Endpoint::remote_of(peer.get()));
    co_await stream.write("hello");
    char text[16];
    const ssize_t got = ::recv(peer.get(), text, sizeof(text), 0);
    CHECK(std::string_view(text, static_cast<std::size_t>(got)) == "hello");
    CHECK(stream.limit() == 65536);
    CHECK((::fcntl(stream.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
}

ASYNC_TEST_CASE("494: TCP_NODELAY is set", "[system][connect]") {
    const Fd server = listener();
    const Stream stream = co_await rondo::open_connection("127.0.0.1", port_of(server));
    int value = 0;
    socklen_t size = sizeof(value);
    checked(::getsockopt(stream.native_handle(), IPPROTO_TCP, TCP_NODELAY, &value, &size));
    CHECK(value != 0);
}

ASYNC_TEST_CASE("a connection is made to an Endpoint", "[system][connect]") {
    const Fd server = listener();
    const Endpoint endpoint = Endpoint::local_of(server.get());
    const Stream stream = co_await rondo::open_connection(endpoint, {.limit = 100});
    CHECK(stream.remote_endpoint() == endpoint);
    CHECK(stream.limit() == 100);
}

ASYNC_TEST_CASE("a connection is made to a host by its name", "[system][connect]") {
    const Fd server = listener();
    const Stream stream =
        co_await rondo::open_connection("localhost", port_of(server), {.family = AF_INET});
    CHECK(stream.remote_endpoint() == Endpoint::local_of(server.get()));
}

ASYNC_TEST_CASE("567: a refused connection says by whom", "[system][connect]") {
    const ClosedPort port;
    auto connecting = rondo::create_task(rondo::open_connection("127.0.0.1", port.number));
    co_await finished(connecting);
    CHECK(system_error_of(connecting) == system_code(ECONNREFUSED));
    CHECK(message_of(connecting) ==
          "rondo: connect to 127.0.0.1:" + std::to_string(port.number) + ": Connection refused");
}

ASYNC_TEST_CASE("568: an unknown host is an error that names it", "[system][connect]") {
    const std::string host = std::string(70, 'x') + ".example";
    auto connecting = rondo::create_task(rondo::open_connection(host, 80));
    co_await finished(connecting);
    CHECK(system_error_of(connecting).category() == rondo::getaddrinfo_category());
    CHECK(message_of(connecting).find(host) != std::string::npos);
}

ASYNC_TEST_CASE("566: addresses are tried in turn until one connects", "[system][connect]") {
    const ClosedPort closed;
    const Fd server = listener();
    const std::size_t before = open_descriptors();
    {
        const std::vector<Endpoint> endpoints{Endpoint::ip("127.0.0.1", closed.number),
                                              Endpoint::ip("127.0.0.2", closed.number),
                                              Endpoint::local_of(server.get())};
        const auto connected = co_await connect_to_any(endpoints);
        CHECK(connected.remote == Endpoint::local_of(server.get()));
        CHECK(open_descriptors() == before + 1);
    }
    CHECK(open_descriptors() == before);
}

ASYNC_TEST_CASE("571: an address that does not answer costs its head start, and no more",
                "[system][connect]") {
    const SilentPort silent;
    const Fd server = listener();
    const std::size_t before = open_descriptors();
    const auto start = rondo::get_running_loop().time();
    {
        const std::vector<Endpoint> endpoints{silent.endpoint(), Endpoint::local_of(server.get())};
        const auto connected = co_await connect_to_any(endpoints);
        CHECK(connected.remote == Endpoint::local_of(server.get()));
        CHECK(rondo::get_running_loop().time() - start == 250ms);
        CHECK(open_descriptors() == before + 1); // the other attempt's socket is closed
    }
    CHECK(open_descriptors() == before);
}

ASYNC_TEST_CASE("567: when all addresses fail, the error names each", "[system][connect]") {
    const ClosedPort closed;
    const std::string port = std::to_string(closed.number);
    const std::size_t before = open_descriptors();
    auto connecting = rondo::create_task(connect_to_any(
        {Endpoint::ip("127.0.0.1", closed.number), Endpoint::ip("127.0.0.2", closed.number)}));
    co_await finished(connecting);
    CHECK(system_error_of(connecting) == system_code(ECONNREFUSED));
    CHECK(message_of(connecting) == "rondo: open_connection to example.test (connect to "
                                    "127.0.0.1:" +
                                        port +
                                        ": Connection refused; connect to "
                                        "127.0.0.2:" +
                                        port +
                                        ": Connection refused): "
                                        "Connection refused");
    CHECK(open_descriptors() == before);
}

ASYNC_TEST_CASE("575: cancelling a connection in the making closes its socket",
                "[system][connect][cancel]") {
    const SilentPort silent;
    const std::size_t before = open_descriptors();
    auto one = rondo::create_task(rondo::open_connection(silent.endpoint()));
    auto many = rondo::create_task(connect_to_any({silent.endpoint(), silent.endpoint()}));
    co_await rondo::sleep(1s);
    CHECK(open_descriptors() == before + 3);
    one.cancel();
    many.cancel();
    co_await finished(one);
    co_await finished(many);
    CHECK(one.cancelled());
    CHECK(many.cancelled());
    CHECK(open_descriptors() == before);
}

ASYNC_TEST_CASE("a connection in the making times out", "[system][connect][cancel]") {
    const SilentPort silent;
    const std::size_t before = open_descriptors();
    auto limited = rondo::wait_for(rondo::open_connection(silent.endpoint()), 5s);
    const auto result = co_await rondo::as_result(std::move(limited));
    CHECK_THROWS_AS(result.value(), rondo::TimeoutError);
    CHECK(open_descriptors() == before);
}

namespace {

// A cancellation meets a connection that is about to be made, some turns apart.
Coro<> race_connect_and_cancellation(int turns) {
    const Fd server = listener();
    const std::size_t before = open_descriptors();
    {
        auto connecting = rondo::create_task(rondo::open_connection("127.0.0.1", port_of(server)));
        for (int turn = 0; turn < turns; ++turn) {
            co_await rondo::sleep(0s);
        }
        connecting.cancel();
        co_await finished(connecting);
        CHECK(open_descriptors() == before + (connecting.cancelled() ? 0 : 1));
    }
    CHECK(open_descriptors() == before);
}

} // namespace

TEST_CASE("a connection that races with a cancellation is given or closed",
          "[system][connect][cancel]") {
    for (int turns = 0; turns < 6; ++turns) {
        CAPTURE(turns);
        rondo::testing::run(race_connect_and_cancellation(turns));
    }
}

ASYNC_TEST_CASE("569: a connection may come from a chosen address", "[system][connect]") {
    const Fd server = listener();
    const Endpoint local = Endpoint::ip("127.0.0.9", 0);
    const Stream stream =
        co_await rondo::open_connection("127.0.0.1", port_of(server), {.local = local});
    CHECK(stream.local_endpoint().host() == "127.0.0.9");
}

ASYNC_TEST_CASE("569: an address to come from that is in use is named in the error",
                "[system][connect]") {
    const Fd server = listener();
    const Endpoint taken = Endpoint::local_of(server.get());
    const ClosedPort port;
    auto connecting =
        rondo::create_task(rondo::open_connection("127.0.0.1", port.number, {.local = taken}));
    co_await finished(connecting);
    CHECK(system_error_of(connecting) == system_code(EADDRINUSE));
    CHECK(message_of(connecting) ==
          "rondo: bind to " + taken.to_string() + ": Address already in use");
}

ASYNC_TEST_CASE("569: an address to come from of another family than the host's is an error",
                "[system][connect]") {
    const Endpoint local = Endpoint::ip("::1", 0);
    auto connecting = rondo::create_task(rondo::open_connection("127.0.0.1", 80, {.local = local}));
    co_await finished(connecting);
    CHECK(system_error_of(connecting) == system_code(EAFNOSUPPORT));
    CHECK(message_of(connecting).find("127.0.0.1") != std::string::npos);
}

ASYNC_TEST_CASE("a socket that would be connected to itself is refused", "[system][connect]") {
    std::uint16_t free = 0;
    {
        const Fd fd = bound(SOCK_STREAM);
        free = port_of(fd);
    }
    const Endpoint itself = Endpoint::ip("127.0.0.1", free);
    auto connecting = rondo::create_task(rondo::open_connection(itself, {.local = itself}));
    co_await finished(connecting);
    CHECK(system_error_of(connecting) == system_code(ECONNREFUSED));
}

TEST_CASE("the families of the addresses alternate, in the order of the first",
          "[system][connect]") {
    const auto v4 = [](std::uint16_t port) { return Endpoint::ip("127.0.0.1", port); };
    const auto v6 = [](std::uint16_t port) { return Endpoint::ip("::1", port); };
    using List = std::vector<Endpoint>;
    CHECK(rondo::detail::interleave_families({v6(1), v6(2), v6(3), v4(1), v4(2)}) ==
          List{v6(1), v4(1), v6(2), v4(2), v6(3)});
    CHECK(rondo::detail::interleave_families({v4(1), v6(1), v6(2)}) == List{v4(1), v6(1), v6(2)});
    CHECK(rondo::detail::interleave_families({v4(1), v4(2)}) == List{v4(1), v4(2)});
}

ASYNC_TEST_CASE("a connection is made over IPv6", "[system][connect]") {
    Fd server(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Endpoint any = Endpoint::ip("::1", 0);
    if (::bind(server.get(), any.native(), any.native_size()) != 0) {
        WARN("this machine has no IPv6");
        co_return;
    }
    checked(::listen(server.get(), 1));
    const Stream stream = co_await rondo::open_connection("::1", port_of(server));
    CHECK(stream.remote_endpoint().is_ipv6());
}

ASYNC_TEST_CASE("a connection is made over a Unix socket, by path and by abstract name",
                "[system][connect]") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/socket";
    const std::string name = std::string("\0rondo-test-", 12) + std::to_string(::getpid());
    for (const std::string& where : {path, name}) {
        const Fd server(checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
        const Endpoint endpoint = Endpoint::unix_path(where);
        checked(::bind(server.get(), endpoint.native(), endpoint.native_size()));
        checked(::listen(server.get(), 1));
        const Stream stream = co_await rondo::open_unix_connection(where);
        CHECK(stream.remote_endpoint() == endpoint);
        const Fd peer(checked(::accept(server.get(), nullptr, nullptr)));
        co_await stream.write("hello");
        char text[16];
        CHECK(::recv(peer.get(), text, sizeof(text), 0) == 5);
    }
}

ASYNC_TEST_CASE("a Unix socket that is not there is named in the error", "[system][connect]") {
    auto connecting = rondo::create_task(rondo::open_unix_connection("/nowhere/socket"));
    co_await finished(connecting);
    CHECK(system_error_of(connecting) == system_code(ENOENT));
    CHECK(message_of(connecting) ==
          "rondo: connect to unix:/nowhere/socket: No such file or directory");
    auto empty = rondo::create_task(rondo::open_unix_connection(""));
    co_await finished(empty);
    CHECK_THROWS_AS(empty.result(), std::invalid_argument);
}
