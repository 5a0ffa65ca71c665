// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/socket_ops.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "descriptors.hpp"
#include "loop/child.hpp"
#include "ring_filter.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::ConstBuffer;
using rondo::Coro;
using rondo::create_task;
using rondo::MutableBuffer;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

/// Control data that carries a descriptor. A type, because GCC 12 ignores alignas of a variable in a
/// coroutine.
struct alignas(cmsghdr) ControlSpace {
    char bytes[CMSG_SPACE(sizeof(int))];
};

bool closes_on_exec(int fd) {
    return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

bool is_non_blocking(int fd) {
    return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

Coro<std::size_t> send_all(int fd, ConstBuffer buffer) {
    const std::size_t size = co_await io::send(fd, buffer, MSG_WAITALL);
    co_return size;
}

Coro<std::size_t> send_all_zc(int fd, ConstBuffer buffer) {
    const std::size_t size = co_await io::send_zc(fd, buffer, MSG_WAITALL);
    co_return size;
}

Coro<std::string> receive_until_end(int fd) {
    std::string text;
    std::array<char, 8192> bytes;
    for (;;) {
        const std::size_t size = co_await io::recv(fd, bytes);
        if (size == 0) {
            co_return text;
        }
        text.append(bytes.data(), size);
    }
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    unsigned random = 1;
    for (char& byte : text) {
        random = random * 1664525U + 1013904223U;
        byte = static_cast<char>(random >> 24U);
    }
    return text;
}

} // namespace

ASYNC_TEST_CASE("a connection is made, used and ended", "[io][socket]") {
    const Fd server = listener();
    const Fd client(co_await io::socket(AF_INET, SOCK_STREAM));
    CHECK(closes_on_exec(client.get()));
    CHECK_FALSE(is_non_blocking(client.get()));
    const Address address = Address::of(server.get());
    co_await io::connect(client.get(), address.native(), Address::native_size());

    Address peer;
    socklen_t size = Address::native_size();
    const Fd connection(co_await io::accept(server.get(), peer.native(), &size));
    CHECK(size == Address::native_size());
    CHECK(peer.value.sin_port == Address::of(client.get()).value.sin_port);
    CHECK(closes_on_exec(connection.get()));

    const std::size_t sent = co_await io::send(client.get(), "hello");
    CHECK(sent == 5);
    char bytes[16];
    const std::size_t received = co_await io::recv(connection.get(), bytes);
    CHECK(std::string_view(bytes, received) == "hello");

    co_await io::shutdown(client.get(), SHUT_WR);
    const std::size_t at_end = co_await io::recv(connection.get(), bytes);
    CHECK(at_end == 0);
    co_await io::send(connection.get(), "still there");
    const std::size_t reply = co_await io::recv(client.get(), bytes);
    CHECK(std::string_view(bytes, reply) == "still there");
}

ASYNC_TEST_CASE("sockets in non-blocking mode are made, connected and accepted", "[io][socket]") {
    const Fd server = listener(16, SOCK_NONBLOCK);
    const Fd client(co_await io::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP));
    CHECK(is_non_blocking(client.get()));
    co_await io::connect(client.get(), Address::of(server.get()));
    const Fd connection(co_await io::accept(server.get(), SOCK_NONBLOCK));
    CHECK(is_non_blocking(connection.get()));
    CHECK(closes_on_exec(connection.get()));
    co_await io::send(client.get(), "x");
    char bytes[1];
    const std::size_t size = co_await io::recv(connection.get(), bytes);
    CHECK(size == 1);
}

ASYNC_TEST_CASE("a connection is refused", "[io][socket]") {
    Fd nobody = bound(SOCK_STREAM);
    const Address address = Address::of(nobody.get());
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        const Fd client(co_await io::socket(AF_INET, SOCK_STREAM | flags));
        const auto result = co_await as_result(io::connect(client.get(), address));
        CHECK(result.error() == std::errc::connection_refused);
    }
}

ASYNC_TEST_CASE("a connect to an endpoint keeps a copy of it", "[io][socket]") {
    const Fd server = listener();
    const Fd client(co_await io::socket(AF_INET, SOCK_STREAM));
    Address address = Address::of(server.get());
    const auto operation = io::connect(client.get(), address);
    address = Address();
    co_await operation;
    const Fd connection(co_await io::accept(server.get()));
    CHECK(connection.get() >= 0);
}

ASYNC_TEST_CASE("a kernel that does not know socket is done without it", "[io][socket]") {
    const std::size_t descriptors = open_descriptors();
    {
        bool first = true;
        const RingFilter filter([&](int& result, unsigned&) {
            if (first && result >= 0) {
                first = false;
                ::close(result); // as if the kernel had done nothing
                result = -EINVAL;
            }
        });
        const Fd made(co_await io::socket(AF_INET, SOCK_DGRAM));
        CHECK(filter.changed() == 1);
        int type = 0;
        socklen_t size = sizeof type;
        checked(::getsockopt(made.get(), SOL_SOCKET, SO_TYPE, &type, &size));
        CHECK(type == SOCK_DGRAM);
        CHECK(closes_on_exec(made.get()));
    }
    CHECK(open_descriptors() == descriptors);
}

ASYNC_TEST_CASE("recv takes what is there, or all that was asked for", "[io][socket]") {
    const Ends ends = tcp();
    ends.put("abc");
    char bytes[6];
    const std::size_t some = co_await io::recv(ends.in.get(), bytes);
    CHECK(some == 3);

    auto all = create_task(
        [](int fd, MutableBuffer buffer) -> Coro<std::size_t> {
            const std::size_t size = co_await io::recv(fd, buffer, MSG_WAITALL);
            co_return size;
        },
        ends.in.get(), MutableBuffer(bytes));
    ends.put("123");
    co_await let_others_run();
    CHECK_FALSE(all.done());
    ends.put("456789");
    const std::size_t size = co_await all;
    CHECK(std::string_view(bytes, size) == "123456");

    const std::size_t peeked = co_await io::recv(ends.in.get(), bytes, MSG_PEEK);
    CHECK(peeked == 3);
    CHECK(ends.get() == "789");
}

ASYNC_TEST_CASE("a send waits for room, and with MSG_WAITALL until all is taken", "[io][socket]") {
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        Ends ends = tcp(flags);
        const std::string text = pattern(3'000'000);
        auto sender = create_task(send_all(ends.out.get(), text));
        auto receiver = create_task(receive_until_end(ends.in.get()));
        const std::size_t sent = co_await sender;
        CHECK(sent == text.size());
        ends.out.close();
        const std::string received = co_await receiver;
        CHECK((received == text)); // not printed, should it differ
    }
}

ASYNC_TEST_CASE("zero-copy sends end when the buffer can be used again", "[io][socket]") {
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        Ends ends = tcp(flags);
        const std::string text = pattern(2'000'000);
        std::string buffer;
        auto receiver = create_task(receive_until_end(ends.in.get()));
        for (std::size_t done = 0; done < text.size();) {
            buffer = text.substr(done, 100'000); // overwrites what was sent before
            const std::size_t sent = co_await io::send_zc(ends.out.get(), buffer);
            REQUIRE(sent > 0);
            done += sent;
        }
        ends.out.close();
        const std::string received = co_await receiver;
        CHECK((received == text));
    }
}

ASYNC_TEST_CASE("a zero-copy send waits for room", "[io][socket]") {
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        Ends ends = tcp(flags);
        const std::string text = pattern(3'000'000);
        auto sender = create_task(send_all_zc(ends.out.get(), text));
        co_await let_others_run();
        CHECK_FALSE(sender.done());
        auto receiver = create_task(receive_until_end(ends.in.get()));
        std::size_t sent = co_await sender;
        while (sent < text.size()) { // in non-blocking mode it may be short
            const std::size_t more = co_await io::send_zc(
                ends.out.get(), ConstBuffer(text.data() + sent, text.size() - sent));
            sent += more;
        }
        ends.out.close();
        const std::string received = co_await receiver;
        CHECK((received == text));
    }
}

ASYNC_TEST_CASE("a zero-copy send on a socket that knows none is a send", "[io][socket]") {
    const Ends ends = sockets(); // of Unix
    const std::size_t sent = co_await io::send_zc(ends.out.get(), "abc");
    CHECK(sent == 3);
    CHECK(ends.get() == "abc");
}

ASYNC_TEST_CASE("messages go to addresses and come from them, in several parts", "[io][socket]") {
    const Fd alice = bound(SOCK_DGRAM);
    const Fd bob = bound(SOCK_DGRAM);
    Address to = Address::of(bob.get());
    std::string head = "head ";
    std::string tail = "tail";
    std::array<iovec, 2> out{iovec{head.data(), head.size()}, iovec{tail.data(), tail.size()}};
    msghdr message = {};
    message.msg_name = to.native();
    message.msg_namelen = Address::native_size();
    message.msg_iov = out.data();
    message.msg_iovlen = out.size();

    char bytes[6];
    std::array<iovec, 1> in{iovec{bytes, sizeof bytes}};
    Address from;
    msghdr received = {};
    received.msg_name = from.native();
    received.msg_namelen = Address::native_size();
    received.msg_iov = in.data();
    received.msg_iovlen = in.size();
    auto receiver = create_task(
        [](int fd, msghdr* into) -> Coro<std::size_t> {
            const std::size_t size = co_await io::recvmsg(fd, into);
            co_return size;
        },
        bob.get(), &received);
    co_await let_others_run();
    CHECK_FALSE(receiver.done());

    const std::size_t sent = co_await io::sendmsg(alice.get(), &message);
    CHECK(sent == 9);
    const std::size_t size = co_await receiver;
    CHECK(std::string_view(bytes, size) == "head t");
    CHECK((received.msg_flags & MSG_TRUNC) != 0);
    CHECK(from.value.sin_port == Address::of(alice.get()).value.sin_port);
}

ASYNC_TEST_CASE("a descriptor is handed over in a message", "[io][socket]") {
    const Ends ends = sockets();
    Ends gift = pipe();
    char byte = 'x';
    iovec part{&byte, 1};
    ControlSpace control = {};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int given = gift.out.get();
    std::memcpy(CMSG_DATA(header), &given, sizeof given);
    co_await io::sendmsg(ends.out.get(), &message);
    gift.out.close();

    ControlSpace space = {};
    msghdr received = {};
    received.msg_iov = &part;
    received.msg_iovlen = 1;
    received.msg_control = space.bytes;
    received.msg_controllen = sizeof space;
    co_await io::recvmsg(ends.in.get(), &received, MSG_CMSG_CLOEXEC);
    int taken = -1;
    REQUIRE(CMSG_FIRSTHDR(&received) != nullptr);
    std::memcpy(&taken, CMSG_DATA(CMSG_FIRSTHDR(&received)), sizeof taken);
    const Fd out(taken);
    co_await io::write(out.get(), "abc");
    CHECK(gift.get() == "abc");
}

ASYNC_TEST_CASE("a peer that is gone is an error", "[io][socket]") {
    Ends ends = tcp();
    const linger abort{1, 0};
    checked(::setsockopt(ends.out.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort));
    char byte[1];
    auto receiver = create_task(
        [](int fd, MutableBuffer buffer) -> Coro<std::error_code> {
            const auto result = co_await as_result(io::recv(fd, buffer));
            co_return result.error();
        },
        ends.in.get(), MutableBuffer(byte));
    co_await let_others_run();
    ends.out.close();
    const std::error_code error = co_await receiver;
    CHECK(error == std::errc::connection_reset);
    const auto sent = co_await as_result(io::send(ends.in.get(), "x"));
    CHECK(sent.error() == std::errc::broken_pipe);
}

TEST_CASE("no send raises SIGPIPE", "[io][socket]") {
    const ChildEnd end = run_in_child([] {
        ::signal(SIGPIPE, SIG_DFL);
        return rondo::run([]() -> Coro<std::string> {
            const Ends local = sockets();
            const Ends remote = tcp();
            std::string text = "x";
            iovec part{text.data(), 1};
            msghdr message = {};
            message.msg_iov = &part;
            message.msg_iovlen = 1;
            std::string errors;
            for (const int fd : {local.out.get(), remote.out.get()}) {
                co_await io::shutdown(fd, SHUT_WR);
                const auto send = co_await as_result(io::send(fd, text));
                const auto send_zc = co_await as_result(io::send_zc(fd, text));
                const auto sendmsg = co_await as_result(io::sendmsg(fd, &message));
                for (const std::error_code error :
                     {send.error(), send_zc.error(), sendmsg.error()}) {
                    errors += error == std::errc::broken_pipe ? 'p' : '?';
                }
            }
            co_return errors;
        });
    });
    CHECK(end.text == "pppppp");
    CHECK(end.signal == 0);
}

ASYNC_TEST_CASE("shutdown wakes what waits on the socket", "[io][socket]") {
    const Ends ends = tcp();
    auto receiver = create_task(receive_until_end(ends.in.get()));
    co_await let_others_run();
    CHECK_FALSE(receiver.done());
    co_await io::shutdown(ends.in.get(), SHUT_RDWR);
    const std::string text = co_await receiver;
    CHECK(text.empty());

    const Fd server = listener();
    auto accepting = create_task(
        [](int fd) -> Coro<std::error_code> {
            const auto result = co_await as_result(io::accept(fd));
            co_return result.error();
        },
        server.get());
    co_await let_others_run();
    co_await io::shutdown(server.get(), SHUT_RDWR);
    const std::error_code error = co_await accepting;
    CHECK(error == std::errc::invalid_argument);
}

ASYNC_TEST_CASE("a Unix socket is connected to by its path", "[io][socket]") {
    TemporaryDirectory directory;
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = directory.path() + "/socket";
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const auto* native = reinterpret_cast<const sockaddr*>(&address);
    const Fd server(co_await io::socket(AF_UNIX, SOCK_STREAM));
    checked(::bind(server.get(), native, sizeof address));
    checked(::listen(server.get(), 1));
    const Fd client(co_await io::socket(AF_UNIX, SOCK_STREAM));
    co_await io::connect(client.get(), native, sizeof address);
    const Fd connection(co_await io::accept(server.get()));
    co_await io::send(client.get(), "x");
    char byte[1];
    const std::size_t size = co_await io::recv(connection.get(), byte);
    CHECK(size == 1);
}
