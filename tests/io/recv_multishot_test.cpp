// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/recv_multishot.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task.hpp>

#include <sys/ioctl.h>

#include <cerrno>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/allocations.hpp"
#include "descriptors.hpp"
#include "ring_filter.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::CancelledError;
using rondo::ConstBuffer;
using rondo::Coro;
using rondo::create_task;
using rondo::get_running_loop;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

using Chunks = io::ChunkStream;

Coro<std::string> next_text(Chunks& chunks) {
    const auto chunk = co_await chunks.next();
    co_return chunk ? std::string(chunk->text()) : std::string("(end)");
}

/// All that comes until the end, with so many chunks held at any time.
Coro<std::string> receive_all(int fd, const io::BufferPool& pool, std::size_t held = 0,
                              io::MultishotOptions options = {}) {
    auto chunks = io::recv_multishot(fd, pool, options);
    std::deque<io::Chunk> kept;
    std::string text;
    while (auto chunk = co_await chunks.next()) {
        CHECK_FALSE(chunk->empty());
        text += chunk->text();
        kept.push_back(std::move(*chunk));
        while (kept.size() > held) {
            kept.pop_front();
        }
    }
    co_return text;
}

/// Sends all of it in pieces of changing size, and ends the stream.
Coro<> send_in_pieces(int fd, std::string text) {
    std::size_t piece = 1;
    for (std::size_t done = 0; done < text.size();) {
        const std::size_t size = piece < text.size() - done ? piece : text.size() - done;
        const ConstBuffer part(text.data() + done, size);
        co_await io::send(fd, part, MSG_WAITALL);
        done += size;
        piece = piece * 7 % 10'007;
    }
    co_await io::shutdown(fd, SHUT_WR);
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

int unread_bytes(int fd) {
    int count = 0;
    checked(::ioctl(fd, FIONREAD, &count));
    return count;
}

} // namespace

ASYNC_TEST_CASE("a stream of chunks gives every byte, in order, and then the end",
                "[io][multishot]") {
    const std::string text = pattern(500'000);
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        const Ends ends = tcp(flags);
        const io::BufferPool pool(16, 1000);
        auto sender = create_task(send_in_pieces(ends.out.get(), text));
        auto receiver = create_task(receive_all(ends.in.get(), pool));
        const std::string received = co_await receiver;
        CHECK((received == text)); // not printed, should it differ
        co_await sender;
        CHECK(pool.available() == pool.count());
    }
}

ASYNC_TEST_CASE("one request brings many chunks", "[io][multishot]") {
    const Ends ends = sockets();
    const io::BufferPool pool(16, 100);
    auto chunks = io::recv_multishot(ends.in.get(), pool);
    auto first = create_task(next_text(chunks));
    co_await rondo::sleep(1h);
    CHECK_FALSE(first.done());
    CHECK(pool.available() == pool.count()); // while nothing comes, no buffer is held
    ends.put("first");
    const std::string text = co_await first;
    CHECK(text == "first");
    const auto submitted = get_running_loop().metrics().submitted;
    for (int i = 0; i < 100; ++i) {
        ends.put(std::to_string(i));
        const std::string next = co_await next_text(chunks);
        CHECK(next == std::to_string(i));
    }
    CHECK(get_running_loop().metrics().submitted == submitted);
}

ASYNC_TEST_CASE("a chunk is never larger than a buffer", "[io][multishot]") {
    const Ends ends = sockets();
    const io::BufferPool pool(4, 8);
    ends.put("0123456789");
    auto chunks = io::recv_multishot(ends.in.get(), pool);
    const std::string first = co_await next_text(chunks);
    const std::string second = co_await next_text(chunks);
    CHECK(first == "01234567");
    CHECK(second == "89");
}

// Buffers run out

ASYNC_TEST_CASE("nobody waits for a buffer, whoever holds them all", "[io][multishot]") {
    const std::string text = pattern(200'000);
    for (const unsigned count : {1U, 2U, 8U}) {
        for (const int flags : {0, SOCK_NONBLOCK + 0}) {
            const Ends ends = tcp(flags);
            const io::BufferPool pool(count, 777);
            auto sender = create_task(send_in_pieces(ends.out.get(), text));
            auto receiver = create_task(receive_all(ends.in.get(), pool, 20));
            const std::string received = co_await receiver;
            CHECK((received == text));
            co_await sender;
            CHECK(pool.available() == pool.count());
        }
    }
}

ASYNC_TEST_CASE("many streams share a small pool", "[io][multishot]") {
    const io::BufferPool pool(4, 512);
    const std::string text = pattern(20'000);
    std::vector<Ends> connections;
    std::vector<Task<>> senders;
    std::vector<Task<std::string>> receivers;
    for (int i = 0; i < 50; ++i) {
        connections.push_back(sockets());
        const Ends& ends = connections.back();
        receivers.push_back(create_task(receive_all(ends.in.get(), pool, 1)));
        senders.push_back(create_task(send_in_pieces(ends.out.get(), text)));
    }
    for (auto& receiver : receivers) {
        const std::string received = co_await receiver;
        CHECK((received == text));
    }
    for (auto& sender : senders) {
        co_await sender;
    }
    CHECK(pool.available() == pool.count());
}

ASYNC_TEST_CASE("a stream of which nobody reads holds few buffers, and others the rest",
                "[io][multishot]") {
    const Ends ends = sockets();
    const io::BufferPool pool(64, 100);
    auto chunks = io::recv_multishot(ends.in.get(), pool, {.limit = 4});
    auto first = create_task(next_text(chunks));
    co_await let_others_run();
    std::string sent;
    for (int i = 0; i < 50; ++i) {
        const std::string piece(100, static_cast<char>('A' + i));
        ends.put(piece);
        sent += piece;
        co_await let_others_run();
    }
    CHECK(pool.available() >= pool.count() - 5);
    CHECK(unread_bytes(ends.in.get()) > 4000); // these are the kernel's
    std::string received = co_await first;
    while (received.size() < sent.size()) {
        const std::string next = co_await next_text(chunks);
        received += next;
    }
    CHECK(received == sent);
}

ASYNC_TEST_CASE("out of memory, too, ends a stream with an error", "[io][multishot]") {
    const Ends ends = sockets();
    const io::BufferPool pool(4, 100);
    auto chunks = io::recv_multishot(ends.in.get(), pool);
    ends.put("abc");
    std::error_code error;
    {
        const NoMemory no_memory;
        const auto result = co_await as_result(chunks.next());
        error = result.error();
    }
    CHECK(error == std::errc::not_enough_memory);
    ends.put("def"); // after a gap nothing may come
    co_await let_others_run();
    const std::string end = co_await next_text(chunks);
    CHECK(end == "(end)");
    CHECK(pool.available() == pool.count());
    CHECK(ends.get() == "def");
}

// The end

ASYNC_TEST_CASE("a stream that is stopped has returned every byte that it has taken",
                "[io][multishot]") {
    const Ends ends = sockets();
    const io::BufferPool pool(8, 100);
    auto chunks = io::recv_multishot(ends.in.get(), pool);
    ends.put("1");
    const std::string first = co_await next_text(chunks);
    CHECK(first == "1");
    ends.put("2");
    co_await let_others_run();
    ends.put("3"); // on its way
    chunks.stop();
    std::string received;
    while (auto chunk = co_await chunks.next()) {
        received += chunk->text();
    }
    ends.put("4");
    co_await let_others_run();
    CHECK(received + ends.get() == "234");
}

ASYNC_TEST_CASE("a stream that is destroyed gives its buffers back", "[io][multishot]") {
    const Ends ends = sockets();
    const io::BufferPool pool(8, 100);
    {
        auto chunks = io::recv_multishot(ends.in.get(), pool);
        ends.put("1");
        const std::string first = co_await next_text(chunks);
        CHECK(first == "1");
        ends.put("2");
        co_await let_others_run();
        CHECK(pool.available() == pool.count() - 1);
        ends.put("3"); // on its way
    }
    co_await let_others_run();
    CHECK(pool.available() == pool.count());
    ends.put("4");
    co_await let_others_run();
    const std::string rest = ends.get(); // the kernel was quicker, or we were
    CHECK((rest == "4" || rest == "34"));
}

ASYNC_TEST_CASE("a pool's handle may go before its streams", "[io][multishot]") {
    const Ends ends = sockets();
    std::optional<io::BufferPool> pool(std::in_place, 2U, std::size_t{100});
    auto chunks = io::recv_multishot(ends.in.get(), *pool);
    pool.reset();
    for (int i = 0; i < 10; ++i) {
        ends.put(std::to_string(i));
        const std::string text = co_await next_text(chunks);
        CHECK(text == std::to_string(i));
    }
}

TEST_CASE("a stream of chunks may outlive its loop", "[io][multishot]") {
    const DescriptorCheck descriptors;
    const Ends ends = sockets();
    std::optional<Chunks> chunks;
    rondo::testing::run([&]() -> Coro<> {
        const io::BufferPool pool(8, 100);
        chunks.emplace(io::recv_multishot(ends.in.get(), pool));
        ends.put("1");
        const std::string first = co_await next_text(*chunks);
        CHECK(first == "1");
        ends.put("2");
        co_await let_others_run();
    });
}

ASYNC_TEST_CASE("a reset comes after the bytes before it", "[io][multishot]") {
    Ends ends = tcp();
    const linger abort{1, 0};
    checked(::setsockopt(ends.out.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort));
    const io::BufferPool pool(8, 100);
    auto chunks = io::recv_multishot(ends.in.get(), pool);
    ends.put("abc");
    const std::string text = co_await next_text(chunks);
    CHECK(text == "abc");
    ends.put("def");
    co_await let_others_run();
    ends.out.close();
    co_await let_others_run();
    const std::string rest = co_await next_text(chunks);
    CHECK(rest == "def");
    const auto result = co_await as_result(chunks.next());
    CHECK(result.error() == std::errc::connection_reset);
    CHECK(result.operation() == std::string("recv_multishot"));
    CHECK(pool.available() == pool.count());
}

// Cancellation

ASYNC_TEST_CASE("no byte is lost when next() is cancelled at random moments",
                "[io][multishot][cancel]") {
    const Ends ends = sockets();
    const io::BufferPool pool(4, 64);
    auto chunks = io::recv_multishot(ends.in.get(), pool);
    std::string sent;
    std::string received;
    unsigned random = 4711;
    for (int round = 0; round < 300; ++round) {
        auto task = create_task(next_text(chunks));
        random = random * 1664525U + 1013904223U;
        const unsigned choice = random >> 16U;
        for (unsigned turn = 0; turn < choice % 3; ++turn) {
            co_await rondo::sleep(0s);
        }
        const std::string text = "<" + std::to_string(round) + ">";
        const bool sends_first = (choice & 4U) != 0;
        if (sends_first) {
            ends.put(text);
        }
        if ((choice & 8U) != 0) {
            co_await rondo::sleep(0s);
        }
        task.cancel();
        if (!sends_first) {
            ends.put(text);
        }
        sent += text;
        const auto outcome = co_await as_result(task);
        if (outcome) {
            received += *outcome;
        }
    }
    while (received.size() < sent.size()) {
        const std::string text = co_await next_text(chunks);
        received += text;
    }
    CHECK(received == sent);
    CHECK(pool.available() == pool.count());
}

// Kernels

ASYNC_TEST_CASE("where multishot is not to be had, one-shot receives do", "[io][multishot]") {
    const Fd server = listener();
    const Fd client(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    Fd peer;
    // A socket without a connection refuses; once it is as a kernel does that knows no multishot.
    const RingFilter filter([&](int& result, unsigned&) {
        if (result == -ENOTCONN && peer.get() == -1) {
            result = -EINVAL;
            const Address address = Address::of(server.get());
            checked(::connect(client.get(), address.native(), Address::native_size()));
            peer = Fd(checked(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC)));
        }
    });
    const io::BufferPool pool(2, 100);
    auto chunks = io::recv_multishot(client.get(), pool);
    auto first = create_task(next_text(chunks));
    co_await let_others_run();
    CHECK(filter.changed() == 1);
    CHECK(::send(peer.get(), "abc", 3, 0) == 3);
    const std::string text = co_await first;
    CHECK(text == "abc");

    const std::string long_text = pattern(50'000);
    auto sender = create_task(send_in_pieces(peer.get(), long_text));
    std::string received;
    std::deque<io::Chunk> held; // the pool is exhausted all the time
    while (auto chunk = co_await chunks.next()) {
        received += chunk->text();
        held.push_back(std::move(*chunk));
        if (held.size() > 3) {
            held.pop_front();
        }
    }
    CHECK((received == long_text));
    co_await sender;
}
