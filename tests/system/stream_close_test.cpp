// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How a stream ends, and what becomes of those that use it: close, abort, moves, destruction.

#include <rondo/stream.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/sleep.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace std::chrono_literals;
using namespace rondo_test;
using rondo::Coro;
using rondo::Stream;
using rondo::Task;

namespace {

constexpr std::size_t more_than_fits = 4'000'000; // between two sockets

Coro<> write(const Stream& stream, std::string text) {
    co_await stream.write(text);
}

Coro<std::size_t> read_some(const Stream& stream) {
    std::array<char, 64> buffer{};
    co_return co_await stream.read_some(buffer);
}

Coro<> close(const Stream& stream) {
    co_await stream.close();
}

// What the peer reads next: a count, or minus an errno.
ssize_t next_at(const Fd& peer) {
    char byte = 0;
    const ssize_t got = ::recv(peer.get(), &byte, 1, 0);
    return got < 0 ? -errno : got;
}

} // namespace

ASYNC_TEST_CASE("486: closing twice is closing once", "[system][stream]") {
    const Talk talk = over_unix();
    CHECK_FALSE(talk.stream.is_closing());
    co_await talk.stream.close();
    CHECK(talk.stream.is_closing());
    CHECK(talk.stream.native_handle() == -1);
    co_await talk.stream.close();
    CHECK(next_at(talk.peer) == 0);
}

ASYNC_TEST_CASE("a write that was awaited before close() is delivered", "[system][stream]") {
    const Talk talk = over_tcp();
    const std::string text = pattern(50'000);
    co_await talk.stream.write(text);
    co_await talk.stream.close();
    CHECK((talk.received_to_the_end() == text));
}

ASYNC_TEST_CASE("close() ends a read that waits with an error", "[system][stream]") {
    const Talk talk = over_unix();
    auto some = rondo::create_task(read_some(talk.stream));
    co_await let_others_run();
    co_await talk.stream.close();
    co_await finished(some);
    CHECK(system_error_of(some) == system_code(ECANCELED));
    CHECK(message_of(some) == "rondo: this stream was closed: Operation canceled");

    const Talk other = over_unix();
    other.send("par");
    auto line = rondo::create_task(other.stream.read_line());
    co_await let_others_run();
    co_await other.stream.close();
    co_await finished(line);
    CHECK(system_error_of(line) == system_code(ECANCELED));
    // What had come is still there.
    const std::string rest = co_await other.stream.read(10);
    CHECK(rest == "par");
}

ASYNC_TEST_CASE("close() ends all writes that wait, the one half-way and those behind it",
                "[system][stream]") {
    const Talk talk = over_unix();
    auto first = rondo::create_task(write(talk.stream, std::string(more_than_fits, '1')));
    auto second = rondo::create_task(write(talk.stream, std::string(more_than_fits, '2')));
    auto third = rondo::create_task(write(talk.stream, std::string(more_than_fits, '3')));
    co_await let_others_run();
    co_await talk.stream.close();
    co_await finished(first);
    co_await finished(second);
    co_await finished(third);
    CHECK(system_error_of(first) == system_code(ECANCELED));
    CHECK(system_error_of(second) == system_code(ECANCELED));
    CHECK(system_error_of(third) == system_code(ECANCELED));
    CHECK(talk.stream.native_handle() == -1);
}

ASYNC_TEST_CASE("several tasks may close at once, and each waits", "[system][stream]") {
    const Talk talk = over_unix();
    auto reading = rondo::create_task(read_some(talk.stream));
    co_await let_others_run();
    auto first = rondo::create_task(close(talk.stream));
    auto second = rondo::create_task(close(talk.stream));
    co_await first;
    CHECK(talk.stream.native_handle() == -1);
    co_await second;
    co_await finished(reading);
    CHECK(system_error_of(reading) == system_code(ECANCELED));
}

ASYNC_TEST_CASE("a close() that is cancelled closes all the same", "[system][stream][cancel]") {
    const Talk talk = over_unix();
    auto reading = rondo::create_task(read_some(talk.stream));
    co_await let_others_run();
    auto closing = rondo::create_task(
        [](const Stream& stream) -> Coro<> {
            rondo::current_task().cancel();
            co_await stream.close();
        },
        std::cref(talk.stream));
    co_await finished(closing);
    CHECK(closing.cancelled());
    co_await finished(reading);
    CHECK(system_error_of(reading) == system_code(ECANCELED));
    CHECK(talk.stream.native_handle() == -1);
    CHECK(next_at(talk.peer) == 0);
}

ASYNC_TEST_CASE("482, 483: after close() reads give what is buffered, and then the end",
                "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("one\ntwo\nthree");
    const std::string one = co_await talk.stream.read_line();
    CHECK(one == "one\n");
    co_await talk.stream.close();
    CHECK_FALSE(talk.stream.at_eof());
    const std::string two = co_await talk.stream.read_line();
    CHECK(two == "two\n");
    const std::string three = co_await talk.stream.read_all();
    CHECK(three == "three");
    CHECK(talk.stream.at_eof());
    const std::size_t nothing = co_await read_some(talk.stream);
    CHECK(nothing == 0);
    const std::string line = co_await talk.stream.read_line();
    CHECK(line.empty());
}

ASYNC_TEST_CASE("after close() writes are refused", "[system][stream]") {
    const Talk talk = over_unix();
    co_await talk.stream.close();
    const auto written = co_await rondo::as_result(talk.stream.write("x"));
    CHECK(written.error() == system_code(ECANCELED));
    const auto several = co_await rondo::as_result(talk.stream.write("x", "y"));
    CHECK(several.error() == system_code(ECANCELED));
    CHECK_THROWS_AS(talk.stream.local_endpoint(), std::system_error);
    CHECK_THROWS_AS(talk.stream.set_option(SOL_SOCKET, SO_KEEPALIVE, 1), std::system_error);
}

ASYNC_TEST_CASE("close() does not throw for what the peer did", "[system][stream]") {
    Talk talk = over_tcp();
    talk.send("unread");
    talk.reset();
    co_await talk.stream.close();
    CHECK(talk.stream.native_handle() == -1);
}

ASYNC_TEST_CASE("487: abort() drops what was not sent, and the peer sees a reset",
                "[system][stream]") {
    const Talk talk = over_tcp();
    auto reading = rondo::create_task(read_some(talk.stream));
    auto writing = rondo::create_task(write(talk.stream, std::string(16'000'000, 'x')));
    co_await let_others_run();
    CHECK_FALSE(writing.done());
    talk.stream.abort();
    talk.stream.abort();
    co_await finished(reading);
    co_await finished(writing);
    CHECK(system_error_of(reading) == system_code(ECANCELED));
    CHECK(system_error_of(writing) == system_code(ECANCELED));
    char byte = 0;
    while (::recv(talk.peer.get(), &byte, 1, MSG_TRUNC) > 0) {}
    CHECK(errno == ECONNRESET);
}

TEST_CASE("a stream that is destroyed closes its socket", "[system][stream]") {
    const DescriptorCheck descriptors;
    std::optional<Talk> talk(over_unix());
    Fd peer = std::move(talk->peer);
    talk.reset();
    CHECK(next_at(peer) == 0);
}

TEST_CASE("a stream that is destroyed by its last owner delivers what was written",
          "[system][stream]") {
    rondo::testing::run([]() -> Coro<> {
        std::optional<Talk> talk(over_tcp());
        co_await talk->stream.write("farewell");
        const Fd peer = std::move(talk->peer);
        talk.reset();
        std::array<char, 64> buffer{};
        CHECK(checked(::recv(peer.get(), buffer.data(), buffer.size(), 0)) == 8);
        CHECK(next_at(peer) == 0);
    });
}

TEST_CASE("destroying a stream that others use ends what they wait for", "[system][stream]") {
    const DescriptorCheck descriptors;
    rondo::testing::run([]() -> Coro<> {
        std::optional<Talk> talk(over_unix());
        auto reading = rondo::create_task(talk->stream.read_exactly(10));
        auto some = talk->stream.write(std::string_view());
        const std::string text(more_than_fits, 'x');
        auto writing = rondo::create_task(
            [](rondo::detail::Write write) -> Coro<> { co_await write; }, talk->stream.write(text));
        co_await let_others_run();
        const Fd peer = std::move(talk->peer);
        talk.reset();
        co_await finished(reading);
        co_await finished(writing);
        CHECK(system_error_of(reading) == system_code(ECANCELED));
        CHECK(system_error_of(writing) == system_code(ECANCELED));
        // What is left of it is a description of a write, which knows that it is too late.
        const auto late = co_await rondo::as_result(some);
        CHECK(late.has_value());
    });
}

ASYNC_TEST_CASE("a stream may move while others wait on it", "[system][stream]") {
    Talk talk = over_unix();
    auto reading = rondo::create_task(talk.stream.read_line());
    auto writing = rondo::create_task(write(talk.stream, std::string(more_than_fits, 'x')));
    co_await let_others_run();
    Stream moved = std::move(talk.stream);
    Talk other = over_unix();
    other.stream = std::move(moved);
    CHECK(next_at(other.peer) == 0); // the one that it had

    talk.send("line\n");
    const std::string line = co_await reading;
    CHECK(line == "line\n");
    std::size_t got = 0;
    while (got < more_than_fits) {
        got += talk.received().size();
        co_await rondo::sleep(0s);
    }
    co_await writing;
    co_await other.stream.write("more");
    CHECK(talk.received() == "more");
}

ASYNC_TEST_CASE("a stream that was moved from says so", "[system][stream]") {
    Talk talk = over_unix();
    const Stream moved = std::move(talk.stream);
    std::string message;
    try {
        static_cast<void>(talk.stream.native_handle()); // NOLINT(bugprone-use-after-move)
    } catch (const std::logic_error& error) {
        message = error.what();
    }
    CHECK(message == "rondo: this Stream was moved from: use the one it was moved to");
    CHECK_THROWS_AS(talk.stream.write("x"), std::logic_error);
    co_await moved.close();
}

TEST_CASE("a loop that is closed while tasks use streams leaves nothing behind",
          "[system][stream]") {
    const DescriptorCheck descriptors;
    std::optional<Talk> talk(over_unix());
    const std::string text(more_than_fits, 'x');
    {
        rondo::EventLoop loop(rondo::testing::options());
        loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
        (void)loop.create_task(talk->stream.read_line());
        (void)loop.create_task(write(talk->stream, text));
        (void)loop.create_task(write(talk->stream, "waits"));
        loop.run_until_complete(let_others_run());
    }
    // The stream outlives the loop, and lets go of its socket.
    Fd peer = std::move(talk->peer);
    talk.reset();
    CHECK(open_descriptors() > 0);
}

ASYNC_TEST_CASE("493: a stream knows both its addresses", "[system][stream]") {
    Talk talk = over_tcp();
    const rondo::Endpoint local = talk.stream.local_endpoint();
    const rondo::Endpoint remote = talk.stream.remote_endpoint();
    CHECK(local == rondo::Endpoint::remote_of(talk.peer.get()));
    CHECK(remote == rondo::Endpoint::local_of(talk.peer.get()));
    talk.reset();
    CHECK(talk.stream.remote_endpoint() == remote);
    co_await talk.stream.close();
    CHECK(talk.stream.remote_endpoint() == remote);
}

ASYNC_TEST_CASE("a stream sets options of its socket", "[system][stream]") {
    const Talk talk = over_tcp();
    talk.stream.set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
    int value = 0;
    socklen_t size = sizeof(value);
    checked(::getsockopt(talk.stream.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &value, &size));
    CHECK(value == 1);
    CHECK_THROWS_AS(talk.stream.set_option(SOL_SOCKET, 987654, 1), std::system_error);
    co_await talk.stream.close();
}

TEST_CASE("a stream refuses what is no stream socket, and leaves it to the caller",
          "[system][stream]") {
    const DescriptorCheck descriptors;
    const Fd file = temporary_file();
    CHECK_THROWS_AS(Stream::from_native(file.get()), std::system_error);
    CHECK_THROWS_AS(Stream::from_native(-1), std::system_error);
    const Ends datagrams = sockets(SOCK_DGRAM);
    CHECK_THROWS_AS(Stream::from_native(datagrams.in.get()), std::invalid_argument); // 515
    CHECK(::fcntl(datagrams.in.get(), F_GETFD) >= 0);
}

ASYNC_TEST_CASE("a stream takes a socket in non-blocking mode", "[system][stream]") {
    Ends ends = sockets(SOCK_STREAM | SOCK_NONBLOCK);
    const Talk talk{Stream::from_native(ends.in.release()), std::move(ends.out)};
    auto reading = rondo::create_task(talk.stream.read_line());
    co_await let_others_run();
    CHECK_FALSE(reading.done());
    talk.send("line\n");
    const std::string line = co_await reading;
    CHECK(line == "line\n");
    const std::string text = pattern(more_than_fits);
    auto writing = rondo::create_task(write(talk.stream, text));
    std::string got;
    while (got.size() < text.size()) {
        got += talk.received();
        co_await rondo::sleep(0s);
    }
    CHECK((got == text));
    co_await writing;
}
