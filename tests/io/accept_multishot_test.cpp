// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/accept_multishot.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task.hpp>

#include <sys/resource.h>

#include <cerrno>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/allocations.hpp"
#include "descriptors.hpp"
#include "ring_filter.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::get_running_loop;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

using Connections = io::ConnectionStream;

/// The port of a connection's other end: which client it is.
int peer_port(int fd) {
    Address address;
    socklen_t size = Address::native_size();
    checked(::getpeername(fd, address.native(), &size));
    return ntohs(address.value.sin_port);
}
int port(const Fd& fd) {
    return ntohs(Address::of(fd.get()).value.sin_port);
}

Coro<Fd> accept_one(Connections& connections) {
    const auto connection = co_await connections.next();
    co_return Fd(connection.value_or(-1));
}

/// Accepts as many, and checks that they are these clients in this order.
Coro<> expect_clients(Connections& connections, const std::vector<Fd>& clients) {
    for (const Fd& client : clients) {
        const auto connection = co_await connections.next();
        REQUIRE(connection);
        const Fd accepted(*connection);
        CHECK(peer_port(accepted.get()) == port(client));
    }
}

std::vector<Fd> connect_many(const Fd& server, std::size_t count) {
    std::vector<Fd> clients;
    for (std::size_t i = 0; i < count; ++i) {
        clients.push_back(connected_to(server));
    }
    return clients;
}

rondo::LoopOptions with_entries(unsigned entries) {
    rondo::LoopOptions options = rondo::testing::options();
    options.entries = entries;
    return options;
}

} // namespace

ASYNC_TEST_CASE("a stream of connections gives each of them, in order", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    auto first = create_task(accept_one(connections));
    co_await rondo::sleep(1h);
    CHECK_FALSE(first.done());
    const Fd client = connected_to(server);
    const Fd connection = co_await std::move(first);
    CHECK(peer_port(connection.get()) == port(client));
    CHECK((::fcntl(connection.get(), F_GETFD) & FD_CLOEXEC) != 0);

    const auto submitted = get_running_loop().metrics().submitted;
    for (int i = 0; i < 50; ++i) {
        const Fd next_client = connected_to(server);
        const Fd next = co_await accept_one(connections);
        CHECK(peer_port(next.get()) == port(next_client));
    }
    CHECK(get_running_loop().metrics().submitted == submitted); // one request for all of them
}

ASYNC_TEST_CASE("a stream of connections makes them non-blocking on request", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get(), SOCK_NONBLOCK);
    const Fd client = connected_to(server);
    const Fd connection = co_await accept_one(connections);
    CHECK((::fcntl(connection.get(), F_GETFL) & O_NONBLOCK) != 0);
}

ASYNC_TEST_CASE("a listening socket in non-blocking mode is no different", "[io][multishot]") {
    const Fd server = listener(16, SOCK_NONBLOCK);
    auto connections = io::accept_multishot(server.get());
    auto first = create_task(accept_one(connections));
    co_await let_others_run();
    CHECK_FALSE(first.done());
    const auto clients = connect_many(server, 10);
    const Fd connection = co_await std::move(first);
    CHECK(peer_port(connection.get()) == port(clients[0]));
    for (std::size_t i = 1; i < clients.size(); ++i) {
        const Fd next = co_await accept_one(connections);
        CHECK(peer_port(next.get()) == port(clients[i]));
    }
}

ASYNC_TEST_CASE("nothing is accepted before the first next()", "[io][multishot]") {
    const Fd server = listener();
    const std::size_t descriptors = open_descriptors();
    {
        const auto connections = io::accept_multishot(server.get());
        const Fd client = connected_to(server);
        co_await let_others_run();
        CHECK(open_descriptors() == descriptors + 1);
    }
    CHECK(open_descriptors() == descriptors);
}

// Back-pressure

ASYNC_TEST_CASE("connections that nobody takes pause the stream, and none is lost",
                "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get(), 0, {.limit = 3});
    auto first = create_task(accept_one(connections));
    co_await let_others_run();
    const std::size_t descriptors = open_descriptors();
    std::vector<Fd> clients;
    for (std::size_t i = 0; i < 40; ++i) {
        clients.push_back(connected_to(server));
        co_await let_others_run();
    }
    // One has been returned, three are waiting; the others are the kernel's.
    CHECK(open_descriptors() == descriptors + 40 + 1 + 3);
    const Fd connection = co_await std::move(first);
    CHECK(peer_port(connection.get()) == port(clients[0]));
    clients.erase(clients.begin());
    co_await expect_clients(connections, clients);
}

ASYNC_TEST_CASE("a burst beyond the limit is delivered whole", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get(), 0, {.limit = 1});
    auto first = create_task(accept_one(connections));
    co_await let_others_run();
    const auto clients = connect_many(server, 200);
    const Fd connection = co_await std::move(first);
    CHECK(peer_port(connection.get()) == port(clients[0]));
    for (std::size_t i = 1; i < clients.size(); ++i) {
        const Fd next = co_await accept_one(connections);
        if (peer_port(next.get()) != port(clients[i])) {
            FAIL("a connection was lost or came out of order");
        }
    }
}

TEST_CASE("an overflowing ring that ends the request does not end the stream", "[io][multishot]") {
    rondo::testing::run(
        []() -> Coro<> {
            const Fd server = listener();
            auto connections = io::accept_multishot(server.get());
            auto first = create_task(accept_one(connections));
            co_await let_others_run();
            const auto clients = connect_many(server, 200); // eight completions find room
            std::set<int> ports;
            const Fd connection = co_await std::move(first);
            ports.insert(peer_port(connection.get()));
            for (std::size_t i = 1; i < clients.size(); ++i) {
                const Fd next = co_await accept_one(connections);
                ports.insert(peer_port(next.get()));
            }
            CHECK(ports.size() == clients.size());
            CHECK(get_running_loop().metrics().overflows > 0);
        }(),
        with_entries(4));
}

// The end

ASYNC_TEST_CASE("a stopped stream returns what has come, and then nothing for ever",
                "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    const Fd client = connected_to(server);
    const Fd connection = co_await accept_one(connections);
    const auto clients = connect_many(server, 3);
    co_await let_others_run(); // these are waiting now
    connections.stop();
    connections.stop();
    co_await expect_clients(connections, clients);
    const auto end = co_await connections.next();
    CHECK_FALSE(end);

    const Fd late = connected_to(server);
    const auto still_ended = co_await connections.next();
    CHECK_FALSE(still_ended);
    const Fd by_others(co_await io::accept(server.get())); // the socket is as good as ever
    CHECK(peer_port(by_others.get()) == port(late));
}

ASYNC_TEST_CASE("stop() wakes whoever waits", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    auto waiting = create_task(accept_one(connections));
    co_await let_others_run();
    connections.stop();
    const Fd none = co_await std::move(waiting);
    CHECK(none.get() == -1);

    auto never_begun = io::accept_multishot(server.get());
    never_begun.stop();
    const auto end = co_await never_begun.next();
    CHECK_FALSE(end);
}

ASYNC_TEST_CASE("a stream that is destroyed closes the connections that nobody took",
                "[io][multishot]") {
    const Fd server = listener();
    const std::size_t descriptors = open_descriptors();
    std::vector<Fd> clients;
    {
        auto connections = io::accept_multishot(server.get());
        clients = connect_many(server, 5);
        const Fd connection = co_await accept_one(connections);
        co_await let_others_run();
        CHECK(open_descriptors() == descriptors + 5 + 5);
    }
    co_await let_others_run();
    CHECK(open_descriptors() == descriptors + 5);
    for (const Fd& client : clients) {
        CHECK(peer_is_gone(client.get()));
    }
    clients.clear();

    // What it had in flight is gone too: the next connection is for others.
    const Fd client = connected_to(server);
    const Fd by_others(co_await io::accept(server.get()));
    CHECK(peer_port(by_others.get()) == port(client));
}

TEST_CASE("a connection on its way to a stream that is destroyed is closed", "[io][multishot]") {
    const DescriptorCheck descriptors;
    run_in_order([]() -> Coro<> {
        const Fd server = listener();
        const Fd client = connected_to(server);
        std::optional<Connections> connections(io::accept_multishot(server.get()));
        auto waiting = create_task(accept_one(*connections));
        co_await rondo::sleep(0s);
        connections.reset(); // the kernel has not even heard of the request
        const Fd none = co_await std::move(waiting);
        CHECK(none.get() == -1);
        CHECK(peer_is_gone(client.get()));
    });
}

ASYNC_TEST_CASE("a stream that is moved goes on", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    const auto clients = connect_many(server, 4);
    const Fd first = co_await accept_one(connections);
    CHECK(peer_port(first.get()) == port(clients[0]));
    Connections moved = std::move(connections);
    const Fd second = co_await accept_one(moved);
    CHECK(peer_port(second.get()) == port(clients[1]));

    const Fd other_server = listener();
    moved = io::accept_multishot(other_server.get()); // disposes of the third and fourth
    co_await let_others_run();
    CHECK(peer_is_gone(clients[2].get()));
    CHECK(peer_is_gone(clients[3].get()));
}

TEST_CASE("a stream that outlives its loop loses no descriptor", "[io][multishot]") {
    const DescriptorCheck descriptors;
    const Fd server = listener();
    std::vector<Fd> clients;
    std::optional<Connections> connections;
    rondo::testing::run([&]() -> Coro<> {
        connections.emplace(io::accept_multishot(server.get()));
        clients = connect_many(server, 4);
        const Fd connection = co_await accept_one(*connections);
        co_await let_others_run();
    });
    connections.reset();
    for (const Fd& client : clients) {
        CHECK(peer_is_gone(client.get()));
    }
}

TEST_CASE("a loop that is closed while a task waits for connections loses none",
          "[io][multishot]") {
    const DescriptorCheck descriptors;
    const Fd server = listener();
    const Fd client = connected_to(server);
    {
        rondo::EventLoop loop(rondo::testing::options());
        loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
        auto accept_for_ever = [](int fd) -> Coro<> {
            auto connections = io::accept_multishot(fd);
            while (auto connection = co_await connections.next()) {
                FAIL("nothing of a task runs when its loop is closed");
            }
        };
        (void)loop.create_task(accept_for_ever(server.get()));
        loop.run_once(0s); // the kernel hears of the request when the loop closes
    }
    CHECK(peer_is_gone(client.get()));
}

// Cancellation

ASYNC_TEST_CASE("a cancelled next() takes nothing from the stream", "[io][multishot][cancel]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    auto waiting = create_task(accept_one(connections));
    co_await let_others_run();
    waiting.cancel();
    const auto result = co_await as_result(std::move(waiting));
    CHECK(result.cancelled());

    const auto clients = connect_many(server, 3); // comes while nobody waits
    co_await let_others_run();
    co_await expect_clients(connections, clients);
}

ASYNC_TEST_CASE("a next() that is cancelled before it waits takes nothing",
                "[io][multishot][cancel]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    const Fd client = connected_to(server);
    auto cancelled = [](Connections& stream) -> Coro<bool> {
        rondo::current_task().cancel();
        const auto result = co_await as_result(stream.next());
        co_return result.cancelled();
    };
    auto task = create_task(cancelled(connections));
    const bool was_cancelled = co_await task;
    CHECK(was_cancelled);
    const Fd connection = co_await accept_one(connections);
    CHECK(peer_port(connection.get()) == port(client));
}

TEST_CASE("a connection that has arrived is returned to a task that is cancelled then",
          "[io][multishot][cancel]") {
    run_in_order([]() -> Coro<> {
        const Fd server = listener();
        const Ends ends = pipe();
        auto connections = io::accept_multishot(server.get());
        std::string log;
        std::optional<Task<>> victim;
        auto read_and_cancel = [&](int fd) -> Coro<> {
            char byte[1];
            co_await io::read(fd, byte);
            log += victim->cancel() ? "cancelled " : "too late ";
        };
        auto accept_and_sleep = [&]() -> Coro<> {
            const auto connection = co_await connections.next();
            ::close(connection.value_or(-1));
            log += connection ? "connection " : "none ";
            try {
                co_await rondo::sleep(0s);
            } catch (const CancelledError&) {
                log += "later";
            }
        };
        auto culprit = create_task(read_and_cancel(ends.in.get()));
        victim = create_task(accept_and_sleep());
        co_await let_others_run();
        ends.put("x"); // both complete in one turn, this one first
        const Fd client = connected_to(server);
        co_await culprit;
        co_await *victim;
        CHECK(log == "cancelled connection later");
    });
}

// Errors

ASYNC_TEST_CASE("a stream that fails says so once, after what came before", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    const auto clients = connect_many(server, 3);
    const Fd first = co_await accept_one(connections);
    co_await let_others_run();
    co_await io::shutdown(server.get(), SHUT_RDWR); // of a listening socket: EINVAL
    co_await let_others_run();
    for (int i = 1; i < 3; ++i) {
        const Fd next = co_await accept_one(connections);
        CHECK(next.get() >= 0);
    }
    std::string text;
    try {
        co_await connections.next();
    } catch (const std::system_error& error) {
        text = error.what();
    }
    CHECK(text == "rondo: accept_multishot: Invalid argument");
    const auto end = co_await connections.next();
    CHECK_FALSE(end);
}

ASYNC_TEST_CASE("without exceptions a stream's error is a result", "[io][multishot]") {
    auto connections = io::accept_multishot(-1);
    const auto result = co_await as_result(connections.next());
    CHECK(result.error() == std::errc::bad_file_descriptor);
    CHECK(result.operation() == std::string("accept_multishot"));
    const auto end = co_await as_result(connections.next());
    REQUIRE(end);
    CHECK_FALSE(end->has_value());
}

ASYNC_TEST_CASE("cancel_fd ends a stream with ECANCELED", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    auto failing = [](Connections& stream) -> Coro<std::error_code> {
        const auto result = co_await as_result(stream.next());
        co_return result.error();
    };
    auto task = create_task(failing(connections));
    co_await let_others_run();
    const std::size_t count = co_await io::cancel_fd(server.get());
    CHECK(count == 1);
    const std::error_code error = co_await task;
    CHECK(error == std::errc::operation_canceled);
    const auto end = co_await connections.next();
    CHECK_FALSE(end);
}

ASYNC_TEST_CASE("out of descriptors is an error that passes", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    const Fd client = connected_to(server);
    rlimit limit = {};
    checked(::getrlimit(RLIMIT_NOFILE, &limit));
    for (int round = 0; round < 3; ++round) {
        const Fd next_free(checked(::dup(client.get())));
        rlimit none = limit;
        none.rlim_cur = static_cast<rlim_t>(next_free.get());
        checked(::setrlimit(RLIMIT_NOFILE, &none));
        const auto result = co_await as_result(connections.next());
        checked(::setrlimit(RLIMIT_NOFILE, &limit));
        CHECK(result.error() == std::errc::too_many_files_open);
    }
    const Fd connection = co_await accept_one(connections); // has waited all the while
    CHECK(peer_port(connection.get()) == port(client));
}

ASYNC_TEST_CASE("out of memory closes the connection and is an error that passes",
                "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    const Fd unlucky = connected_to(server);
    std::error_code error;
    {
        const NoMemory no_memory;
        const auto result = co_await as_result(connections.next());
        error = result.error();
    }
    CHECK(error == std::errc::not_enough_memory);
    CHECK(peer_is_gone(unlucky.get()));
    const Fd client = connected_to(server);
    const Fd connection = co_await accept_one(connections);
    CHECK(peer_port(connection.get()) == port(client));
}

ASYNC_TEST_CASE("what went wrong with one connection is not the stream's business",
                "[io][multishot]") {
    for (const int error : {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, EAGAIN, EINTR}) {
        // A socket that does not listen fails; once it fails in this way, and then it listens.
        const Fd server = bound(SOCK_STREAM);
        Fd client;
        const RingFilter filter([&](int& result, unsigned&) {
            if (result == -EINVAL && client.get() == -1) {
                result = -error;
                checked(::listen(server.get(), 1));
                client = connected_to(server);
            }
        });
        auto connections = io::accept_multishot(server.get());
        const Fd connection = co_await accept_one(connections);
        CHECK(filter.changed() == 1);
        CHECK(peer_port(connection.get()) == port(client));
    }
}

ASYNC_TEST_CASE("where multishot is not to be had, one-shot requests do", "[io][multishot]") {
    // A socket that does not listen refuses as a kernel does that knows no multishot. By the time
    // of the second request it does listen.
    const Fd server = bound(SOCK_STREAM);
    std::vector<Fd> clients;
    int requests = 0;
    const RingFilter filter([&](int& result, unsigned&) {
        if (result == -EINVAL && requests++ == 0) {
            checked(::listen(server.get(), 100));
            clients = connect_many(server, 1);
        }
    });
    auto connections = io::accept_multishot(server.get(), 0, {.limit = 2});
    const Fd connection = co_await accept_one(connections);
    CHECK(requests == 1);
    CHECK(peer_port(connection.get()) == port(clients.at(0)));

    const auto submitted = get_running_loop().metrics().submitted;
    const auto more = connect_many(server, 20);
    co_await expect_clients(connections, more);
    CHECK(get_running_loop().metrics().submitted >= submitted + 19); // one for each
    connections.stop();
    const auto end = co_await connections.next();
    CHECK_FALSE(end);
}

// Misuse

ASYNC_TEST_CASE("a second task in next() is told so", "[io][multishot]") {
    const Fd server = listener();
    auto connections = io::accept_multishot(server.get());
    auto first = create_task(accept_one(connections));
    co_await let_others_run();
    std::string text;
    try {
        co_await connections.next();
    } catch (const std::logic_error& error) {
        text = error.what();
    }
    CHECK(text.find("rondo: another task waits in next() of this stream already") == 0);
    const Fd client = connected_to(server);
    const Fd connection = co_await std::move(first); // undisturbed
    CHECK(peer_port(connection.get()) == port(client));
}

TEST_CASE("a stream is read in its own loop only", "[io][multishot]") {
    const Fd server = listener();
    rondo::EventLoop loop(rondo::testing::options());
    auto make = [](int fd) -> Coro<Connections> { co_return io::accept_multishot(fd); };
    auto connections = loop.run_until_complete(make(server.get()));
    auto read = [](Connections& stream) -> Coro<std::string> {
        try {
            co_await stream.next();
        } catch (const rondo::LoopError& error) {
            co_return error.what();
        }
        co_return std::string();
    };
    const std::string text = rondo::testing::run(read(connections));
    CHECK(text.find("rondo: this stream belongs to another event loop") == 0);
    CHECK_THROWS_AS(io::accept_multishot(server.get()), rondo::LoopError);
}
