// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/operation.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <array>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/allocations.hpp"
#include "descriptors.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::ConstBuffer;
using rondo::Coro;
using rondo::create_task;
using rondo::get_running_loop;
using rondo::MutableBuffer;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

/// Awaits an operation that fails, with and without an exception.
template <class R>
Coro<> expect_failure(io::Operation<R> operation, std::string_view name, int error) {
    const auto result = co_await as_result(operation);
    CHECK_FALSE(result);
    CHECK(result.error() == std::error_code(error, std::system_category()));
    CHECK(result.operation() == name);

    std::string text;
    std::error_code code;
    try {
        co_await operation;
    } catch (const std::system_error& exception) {
        text = exception.what();
        code = exception.code();
    }
    CHECK(code == std::error_code(error, std::system_category()));
    const std::string expected =
        "rondo: " + std::string(name) + ": " + std::system_category().message(error);
    CHECK(text == expected);
}

rondo::LoopOptions with_entries(unsigned entries) {
    rondo::LoopOptions options = rondo::testing::options();
    options.entries = entries;
    return options;
}

Coro<int> poll_once(int fd) {
    const int events = co_await io::poll(fd, POLLIN);
    co_return events;
}

Coro<> nop_once() {
    co_await io::nop();
}

/// Sends a byte to and fro.
Coro<> play(int fd, bool begins, int rounds) {
    char ball[1] = {};
    for (int round = 0; round < rounds; ++round) {
        if (begins) {
            co_await io::send(fd, ball);
        }
        co_await io::recv(fd, ball);
        if (!begins) {
            co_await io::send(fd, ball);
        }
    }
}

} // namespace

ASYNC_TEST_CASE("an operation takes a trip through the kernel", "[io][operation]") {
    const auto before = get_running_loop().metrics();
    co_await io::nop();
    const auto after = get_running_loop().metrics();
    CHECK(after.submitted > before.submitted);
    CHECK(after.completed > before.completed);
}

ASYNC_TEST_CASE("an operation does nothing before it is awaited", "[io][operation]") {
    const Ends ends = pipe();
    {
        const auto operation = io::write(ends.out.get(), "x");
        static_cast<void>(operation);
    }
    co_await io::nop();
    CHECK(ends.get().empty());
}

ASYNC_TEST_CASE("an operation that is kept can be awaited again", "[io][operation]") {
    const Ends ends = pipe();
    const auto operation = io::write(ends.out.get(), "ab");
    const std::size_t first = co_await operation;
    const std::size_t second = co_await operation;
    CHECK(first == 2);
    CHECK(second == 2);
    CHECK(ends.get() == "abab");
}

ASYNC_TEST_CASE("every operation fails with its own name, with or without an exception",
                "[io][operation]") {
    char bytes[4] = {};
    std::array<MutableBuffer, 1> in{MutableBuffer(bytes)};
    std::array<ConstBuffer, 1> out{ConstBuffer("abcd")};
    msghdr message = {};
    const Address address = Address::loopback();

    co_await expect_failure(io::read(-1, bytes), "read", EBADF);
    co_await expect_failure(io::write(-1, bytes), "write", EBADF);
    co_await expect_failure(io::readv(-1, in), "readv", EBADF);
    co_await expect_failure(io::writev(-1, out), "writev", EBADF);
    co_await expect_failure(io::close(-1), "close", EBADF);
    co_await expect_failure(io::fsync(-1), "fsync", EBADF);
    co_await expect_failure(io::fdatasync(-1), "fdatasync", EBADF);
    co_await expect_failure(io::sync_file_range(-1, 0, 0, 0), "sync_file_range", EBADF);
    co_await expect_failure(io::fallocate(-1, 0, 0, 1), "fallocate", EBADF);
    co_await expect_failure(io::ftruncate(-1, 0), "ftruncate", EBADF);
    co_await expect_failure(io::fadvise(-1, 0, 0, POSIX_FADV_NORMAL), "fadvise", EBADF);
    co_await expect_failure(io::splice(-1, io::current_position, -1, io::current_position, 1),
                            "splice", EBADF);
    co_await expect_failure(io::tee(-1, -1, 1), "tee", EBADF);
    co_await expect_failure(io::recv(-1, bytes), "recv", EBADF);
    co_await expect_failure(io::send(-1, bytes), "send", EBADF);
    co_await expect_failure(io::send_zc(-1, bytes), "send_zc", EBADF);
    co_await expect_failure(io::recvmsg(-1, &message), "recvmsg", EBADF);
    co_await expect_failure(io::sendmsg(-1, &message), "sendmsg", EBADF);
    co_await expect_failure(io::accept(-1), "accept", EBADF);
    co_await expect_failure(io::connect(-1, address.native(), Address::native_size()), "connect",
                            EBADF);
    co_await expect_failure(io::connect(-1, address), "connect", EBADF);
    co_await expect_failure(io::socket(AF_MAX, SOCK_STREAM), "socket", EAFNOSUPPORT);
    co_await expect_failure(io::shutdown(-1, SHUT_WR), "shutdown", EBADF);
    co_await expect_failure(io::openat(AT_FDCWD, "/no/such/file"), "openat", ENOENT);
    co_await expect_failure(io::statx(AT_FDCWD, "/no/such/file"), "statx", ENOENT);
    co_await expect_failure(io::unlinkat(AT_FDCWD, "/no/such/file"), "unlinkat", ENOENT);
    co_await expect_failure(io::renameat(AT_FDCWD, "/no/such/file", AT_FDCWD, "/no/other"),
                            "renameat", ENOENT);
    co_await expect_failure(io::mkdirat(AT_FDCWD, "/no/such/directory"), "mkdirat", ENOENT);
    co_await expect_failure(io::symlinkat("target", AT_FDCWD, "/no/such/link"), "symlinkat",
                            ENOENT);
    co_await expect_failure(io::linkat(AT_FDCWD, "/no/such/file", AT_FDCWD, "/no/other"), "linkat",
                            ENOENT);
    co_await expect_failure(io::poll(-1, POLLIN), "poll", EBADF);
    co_await expect_failure(io::cancel_fd(-1), "cancel_fd", EBADF);
    co_await expect_failure(io::waitid(P_PID, 1, WEXITED), "waitid", ECHILD);
}

ASYNC_TEST_CASE("a failure costs nothing but its code with as_result", "[io][operation]") {
    char bytes[1];
    const auto warm_up = co_await as_result(io::read(-1, bytes));
    CHECK_FALSE(warm_up);

    const std::size_t before = allocation_count();
    for (int round = 0; round < 100; ++round) {
        const auto result = co_await as_result(io::read(-1, bytes));
        if (result) {
            FAIL("a read from no descriptor succeeded");
        }
    }
    CHECK(allocation_count() == before);
}

ASYNC_TEST_CASE("an operation allocates nothing", "[io][operation]") {
    const Ends ends = sockets();
    char bytes[16];
    const std::size_t before = allocation_count();
    for (int round = 0; round < 1000; ++round) {
        co_await io::send(ends.out.get(), "0123456789abcdef");
        co_await io::recv(ends.in.get(), bytes);
    }
    CHECK(allocation_count() == before);
}

TEST_CASE("a turn with operations makes exactly one system call", "[io][operation]") {
    rondo::LoopOptions options = in_order();
    options.virtual_time = false;
    options.entries = 256; // with four, a turn may have to submit twice
    rondo::run(
        []() -> Coro<> {
            const Ends ends = sockets();
            constexpr int rounds = 500;
            auto a = create_task(play(ends.in.get(), true, rounds));
            auto b = create_task(play(ends.out.get(), false, rounds));
            const auto before = get_running_loop().metrics();
            co_await a;
            co_await b;
            const auto after = get_running_loop().metrics();
            CHECK(after.system_calls - before.system_calls == 2 * rounds);
            CHECK(after.turns - before.turns <= 2 * rounds + 2); // it begins and ends without one
            CHECK(after.submitted - before.submitted >= 4 * rounds);
        }(),
        options);
}

TEST_CASE("ten thousand operations are in flight at once on a ring of four entries",
          "[io][operation]") {
    rondo::testing::run(
        []() -> Coro<> {
            constexpr std::size_t count = 10'000;
            const Fd event(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
            std::vector<Task<int>> tasks;
            for (std::size_t i = 0; i < count; ++i) {
                tasks.push_back(create_task(poll_once(event.get())));
            }
            while (get_running_loop().metrics().operations < count) {
                co_await rondo::sleep(0s);
            }
            checked(::eventfd_write(event.get(), 1));
            for (auto& task : tasks) {
                const int events = co_await task;
                if (events != POLLIN) {
                    FAIL("woken for something else");
                }
            }
        }(),
        with_entries(4));
}

TEST_CASE("ten thousand operations that complete at once overflow a ring of four entries",
          "[io][operation]") {
    rondo::testing::run(
        []() -> Coro<> {
            std::vector<Task<>> tasks;
            for (int i = 0; i < 10'000; ++i) {
                tasks.push_back(create_task(nop_once()));
            }
            for (auto& task : tasks) {
                co_await task;
            }
            CHECK(get_running_loop().metrics().operations <= 1); // the loop's own
        }(),
        with_entries(4));
}

TEST_CASE("the virtual clock waits for operations that need nobody's help", "[io][operation]") {
    run_in_order([]() -> Coro<> {
        const auto& scheduler = get_running_loop().core().scheduler();
        const Fd file = temporary_file("text");
        auto task = create_task([](int fd) -> Coro<> { co_await io::fsync(fd); }, file.get());
        co_await rondo::sleep(0s);
        CHECK(scheduler.prompt_operations == 1);
        co_await task;
        CHECK(scheduler.prompt_operations == 0);

        // Of a read it depends on what is read.
        const Ends ends = pipe();
        char bytes[1];
        const auto waiting =
            create_task([](int fd, MutableBuffer byte) -> Coro<> { co_await io::read(fd, byte); },
                        ends.in.get(), MutableBuffer(bytes));
        co_await rondo::sleep(1h);
        CHECK(scheduler.prompt_operations == 0);
        CHECK_FALSE(waiting.done());
        ends.put("x");
        co_await waiting;
    });
}

// Descriptors in non-blocking mode

TEST_CASE("a descriptor in non-blocking mode is waited for", "[io][operation]") {
    rondo::testing::run([]() -> Coro<> {
        const Ends ends = pipe(O_NONBLOCK);
        char bytes[8];
        auto reader = create_task(
            [](int fd, MutableBuffer buffer) -> Coro<std::size_t> {
                const std::size_t size = co_await io::read(fd, buffer);
                co_return size;
            },
            ends.in.get(), MutableBuffer(bytes));
        co_await rondo::sleep(1s);
        CHECK_FALSE(reader.done());
        ends.put("abc");
        const std::size_t size = co_await reader;
        CHECK(std::string_view(bytes, size) == "abc");

        const std::size_t room = fill(ends.out.get());
        CHECK(room > 0);
        auto writer = create_task(
            [](int fd) -> Coro<std::size_t> {
                const std::size_t written = co_await io::write(fd, "xyz");
                co_return written;
            },
            ends.out.get());
        co_await rondo::sleep(1s);
        CHECK_FALSE(writer.done());
        std::string rest(room, '\0');
        CHECK(::read(ends.in.get(), rest.data(), rest.size()) == static_cast<ssize_t>(room));
        const std::size_t written = co_await writer;
        CHECK(written == 3);
        CHECK(ends.get() == "xyz");
    });
}

TEST_CASE("a socket in non-blocking mode is waited for", "[io][operation]") {
    rondo::testing::run([]() -> Coro<> {
        const Ends ends = tcp(SOCK_NONBLOCK);
        char bytes[8];
        auto reader = create_task(
            [](int fd, MutableBuffer buffer) -> Coro<std::size_t> {
                const std::size_t size = co_await io::recv(fd, buffer);
                co_return size;
            },
            ends.in.get(), MutableBuffer(bytes));
        co_await rondo::sleep(1s);
        CHECK_FALSE(reader.done());
        ends.put("abc");
        const std::size_t size = co_await reader;
        CHECK(std::string_view(bytes, size) == "abc");

        const std::size_t room = fill(ends.out.get());
        auto writer = create_task(
            [](int fd) -> Coro<std::size_t> {
                const std::size_t sent = co_await io::send(fd, "xyz");
                co_return sent;
            },
            ends.out.get());
        co_await rondo::sleep(1s);
        CHECK_FALSE(writer.done());
        std::string rest;
        while (rest.size() < room + 3) {
            rest += ends.get();
            co_await rondo::sleep(0s);
        }
        const std::size_t sent = co_await writer;
        CHECK(sent == 3);
        CHECK(rest.substr(room) == "xyz");

        const Fd server = listener(16, SOCK_NONBLOCK);
        auto accepting = create_task(
            [](int fd) -> Coro<int> {
                const int connection = co_await io::accept(fd);
                co_return connection;
            },
            server.get());
        co_await rondo::sleep(1s);
        CHECK_FALSE(accepting.done());
        const Fd client = connected_to(server);
        const Fd connection(co_await accepting);
        CHECK(connection.get() >= 0);
    });
}

ASYNC_TEST_CASE("an operation that is told not to wait fails with EAGAIN", "[io][operation]") {
    const Ends blocking = sockets();
    char bytes[8];
    msghdr message = {};
    iovec part{bytes, sizeof bytes};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::array<MutableBuffer, 1> buffers{MutableBuffer(bytes)};
    co_await expect_failure(io::recv(blocking.in.get(), bytes, MSG_DONTWAIT), "recv", EAGAIN);
    co_await expect_failure(io::recvmsg(blocking.in.get(), &message, MSG_DONTWAIT), "recvmsg",
                            EAGAIN);
    const Ends fifo = pipe(O_NONBLOCK);
    co_await expect_failure(io::readv(fifo.in.get(), buffers, io::current_position, RWF_NOWAIT),
                            "readv", EAGAIN);

    checked(::fcntl(blocking.out.get(), F_SETFL, O_NONBLOCK));
    fill(blocking.out.get());
    co_await expect_failure(io::send(blocking.out.get(), bytes, MSG_DONTWAIT), "send", EAGAIN);
    co_await expect_failure(io::sendmsg(blocking.out.get(), &message, MSG_DONTWAIT), "sendmsg",
                            EAGAIN);
}

ASYNC_TEST_CASE("an operation that waits for readiness reports what went wrong meanwhile",
                "[io][operation]") {
    Ends ends = pipe(O_NONBLOCK);
    fill(ends.out.get());
    auto writer = create_task(
        [](int fd) -> Coro<std::error_code> {
            const auto result = co_await as_result(io::write(fd, "x"));
            co_return result.error();
        },
        ends.out.get());
    co_await let_others_run();
    CHECK_FALSE(writer.done());
    ends.in.close();
    const std::error_code error = co_await writer;
    CHECK(error == std::errc::broken_pipe);
}

// Frames and the kernel

TEST_CASE("a loop that is closed waits until the kernel has let go of every buffer",
          "[io][operation]") {
    const DescriptorCheck descriptors;
    const Ends ends = pipe();
    const Ends connection = sockets();
    const Fd server = listener();
    std::string events;
    {
        rondo::EventLoop loop(rondo::testing::options());
        loop.set_exception_handler(
            [&](rondo::EventLoop&, const rondo::ErrorContext&) { events += 'r'; });
        struct Note {
            std::string& events;
            explicit Note(std::string& log) noexcept : events(log) {}
            ~Note() { events += 'd'; }
        };
        auto read_for_ever = [&events](int fd, bool socket) -> Coro<> {
            const Note note(events);
            char bytes[64];
            if (socket) {
                co_await io::recv(fd, bytes);
            } else {
                co_await io::read(fd, bytes);
            }
            events += '!';
        };
        auto accept_for_ever = [&events](int fd) -> Coro<> {
            const Note note(events);
            co_await io::accept(fd);
            events += '!';
        };
        (void)loop.create_task(read_for_ever(ends.in.get(), false));
        (void)loop.create_task(read_for_ever(connection.in.get(), true));
        (void)loop.create_task(accept_for_ever(server.get()));
        loop.run_until_complete(let_others_run());
        CHECK(loop.metrics().operations >= 3);
        loop.close();
        CHECK(events == "rdrdrd");
    }
    // Nobody reads any more: what comes now stays where it is.
    ends.put("abc");
    connection.put("def");
    CHECK(ends.get() == "abc");
    CHECK(connection.get() == "def");
}

TEST_CASE("a connection accepted while its loop is closed is closed too", "[io][operation]") {
    const DescriptorCheck descriptors;
    const Fd server = listener();
    Fd client;
    {
        rondo::EventLoop loop(rondo::testing::options());
        loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
        auto accept_for_ever = [](int fd) -> Coro<> {
            co_await io::accept(fd);
            FAIL("nothing of a task runs when its loop is closed");
        };
        client = connected_to(server);
        (void)loop.create_task(accept_for_ever(server.get()));
        loop.run_once(0s); // the kernel hears of the accept when the loop closes
    }
    CHECK(peer_is_gone(client.get()));
}
