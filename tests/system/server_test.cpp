// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/server.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/stream.hpp>
#include <rondo/timeout.hpp>

#include "io/descriptors.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace std::chrono_literals;
using namespace rondo_test;
using rondo::Coro;
using rondo::Endpoint;
using rondo::Server;
using rondo::Stream;
using rondo::Task;

namespace {

Coro<> echo(Stream stream) {
    std::array<char, 4096> buffer;
    for (;;) {
        const std::size_t count = co_await stream.read_some(buffer);
        if (count == 0) {
            break;
        }
        co_await stream.write(rondo::ConstBuffer(buffer.data(), count));
    }
    co_await stream.close();
}

// Waits for its client for ever.
Coro<> wait_for_client(Stream stream) {
    const std::string rest = co_await stream.read_all();
    co_await stream.write(rest);
}

std::uint16_t port_of(const Server& server) {
    return server.endpoints().front().port();
}

Coro<Stream> connect(const Server& server) {
    auto connecting = rondo::open_connection(server.endpoints().front());
    co_return co_await std::move(connecting);
}

// A client that the server has accepted.
Coro<Stream> connect_and_meet(const Server& server) {
    Stream stream = co_await connect(server);
    co_await let_others_run();
    co_return stream;
}

Coro<bool> is_refused(const Server& server) {
    auto connecting = rondo::open_connection(server.endpoints().front());
    const auto result = co_await rondo::as_result(std::move(connecting));
    co_return !result && !result.cancelled();
}

// What the loop's exception handler was told.
struct Reports {
    struct Report {
        std::string message;
        std::string subject;
        std::exception_ptr exception;
    };
    std::vector<Report> all;

    Reports() {
        rondo::get_running_loop().set_exception_handler(
            [this](rondo::EventLoop&, const rondo::ErrorContext& context) {
                all.push_back({std::string(context.message), std::string(context.subject),
                               context.exception});
            });
    }
    Reports(const Reports&) = delete;
    Reports& operator=(const Reports&) = delete;
    ~Reports() { rondo::get_running_loop().set_exception_handler(nullptr); }
};

// Closes, and waits for the end as well.
Coro<> shut_down(const Server& server) {
    server.close();
    co_await server.wait_closed();
}

Coro<> serve_forever(const Server& server) {
    co_await server.serve_forever();
}

Coro<> wait_closed(const Server& server) {
    co_await server.wait_closed();
}

} // namespace

TEST_CASE("a server runs its handler for each connection", "[system][server]") {
    const DescriptorCheck descriptors;
    rondo::testing::run([]() -> Coro<> {
        const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
        CHECK(server.is_serving());
        const Stream first = co_await connect(server);
        const Stream second = co_await connect(server);
        co_await first.write("first\n");
        co_await second.write("second\n");
        const std::string to_second = co_await second.read_line();
        CHECK(to_second == "second\n");
        const std::string to_first = co_await first.read_line();
        CHECK(to_first == "first\n");
        co_await first.close();
        co_await second.close();
        co_await shut_down(server);
        CHECK_FALSE(server.is_serving());
    });
}

ASYNC_TEST_CASE("498: port 0 is any free port, and the server tells which", "[system][server]") {
    const Server first = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const Server second = co_await rondo::start_server(echo, "127.0.0.1", 0);
    CHECK(port_of(first) != 0);
    CHECK(port_of(first) != port_of(second));
    CHECK(first.endpoints().front().host() == "127.0.0.1");
    co_await shut_down(first);
    co_await shut_down(second);
    CHECK(port_of(first) != 0);
}

ASYNC_TEST_CASE("511, 512: a server listens on every address of its host, on one port",
                "[system][server]") {
    const Server server = co_await rondo::start_server(echo, "", 0);
    const std::vector<Endpoint> endpoints = server.endpoints();
    CHECK(!endpoints.empty());
    for (const Endpoint& endpoint : endpoints) {
        CHECK(endpoint.port() == port_of(server));
        const Endpoint here =
            Endpoint::ip(endpoint.is_ipv6() ? "::1" : "127.0.0.1", endpoint.port());
        const Stream stream = co_await rondo::open_connection(here);
        co_await stream.write("x\n");
        const std::string answer = co_await stream.read_line();
        CHECK(answer == "x\n");
        CHECK(stream.remote_endpoint() == here);
        co_await stream.close();
    }
    co_await shut_down(server);
}

ASYNC_TEST_CASE("513: an address in use is named in the error, and nothing is left open",
                "[system][server]") {
    const Server first = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const std::size_t before = open_descriptors();
    auto starting = rondo::create_task(rondo::start_server(echo, "127.0.0.1", port_of(first)));
    co_await finished(starting);
    CHECK(system_error_of(starting) == system_code(EADDRINUSE));
    CHECK(message_of(starting) == "rondo: bind to 127.0.0.1:" + std::to_string(port_of(first)) +
                                      ": Address already in use");
    CHECK(open_descriptors() == before);
    co_await shut_down(first);
}

ASYNC_TEST_CASE("514: a port is shared only on request", "[system][server]") {
    const rondo::ServerOptions sharing{.reuse_port = true};
    const Server first = co_await rondo::start_server(echo, "127.0.0.1", 0, sharing);
    const Server second = co_await rondo::start_server(echo, "127.0.0.1", port_of(first), sharing);
    CHECK(port_of(first) == port_of(second));
    co_await shut_down(first);
    co_await shut_down(second);
}

ASYNC_TEST_CASE("514: a server starts again on its port at once", "[system][server]") {
    const Server first = co_await rondo::start_server(echo, "127.0.0.1", 0);
    Stream client = co_await connect_and_meet(first);
    first.close_clients();
    co_await shut_down(first); // whose end of the connection lingers in TIME_WAIT
    const Server second = co_await rondo::start_server(echo, "127.0.0.1", port_of(first));
    co_await client.close();
    co_await shut_down(second);
}

ASYNC_TEST_CASE("517: a host that is not known is an error", "[system][server]") {
    const std::string host = std::string(70, 'x') + ".example";
    auto starting = rondo::create_task(rondo::start_server(echo, host, 0));
    co_await finished(starting);
    CHECK(system_error_of(starting).category() == rondo::getaddrinfo_category());
}

ASYNC_TEST_CASE("connections of a server have TCP_NODELAY, and what options say",
                "[system][server]") {
    std::array<int, 2> values{};
    std::size_t limit = 0;
    auto handler = [&](Stream stream) -> Coro<> {
        socklen_t size = sizeof(int);
        checked(::getsockopt(stream.native_handle(), IPPROTO_TCP, TCP_NODELAY, &values[0], &size));
        checked(::getsockopt(stream.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &values[1], &size));
        limit = stream.limit();
        co_await stream.close();
    };
    const rondo::ServerOptions options{.limit = 1234, .keep_alive = true};
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0, options);
    const Stream client = co_await connect(server);
    const std::string end = co_await client.read_all();
    CHECK(end.empty());
    CHECK(values[0] != 0);
    CHECK(values[1] != 0);
    CHECK(limit == 1234);
    co_await shut_down(server);
}

ASYNC_TEST_CASE("446: a server refuses a limit of 0", "[system][server]") {
    const rondo::ServerOptions options{.limit = 0};
    auto starting = rondo::create_task(rondo::start_server(echo, "127.0.0.1", 0, options));
    co_await finished(starting);
    CHECK_THROWS_AS(starting.result(), std::invalid_argument);
}

ASYNC_TEST_CASE("a handler may be a lambda with captures: the server keeps it",
                "[system][server]") {
    std::optional<Server> server;
    {
        const std::string greeting = "a greeting that is too long to be stored in place\n";
        auto handler = [greeting](Stream stream) -> Coro<> {
            co_await let_others_run();
            co_await stream.write(greeting);
        };
        server = co_await rondo::start_server(std::move(handler), "127.0.0.1", 0);
    }
    const Stream client = co_await connect(*server);
    const std::string line = co_await client.read_line();
    CHECK(line == "a greeting that is too long to be stored in place\n");
    co_await shut_down(*server);
}

ASYNC_TEST_CASE("a connection knows its client's address", "[system][server]") {
    Endpoint seen;
    auto handler = [&](Stream stream) -> Coro<> {
        seen = stream.remote_endpoint();
        co_await stream.close();
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream client = co_await connect(server);
    const Endpoint own = client.local_endpoint();
    const std::string end = co_await client.read_all();
    CHECK(end.empty());
    CHECK(seen == own);
    co_await shut_down(server);
}

// The end of a server

ASYNC_TEST_CASE("504: closing twice is closing once; connections are refused from then on",
                "[system][server]") {
    const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
    server.close();
    CHECK_FALSE(server.is_serving());
    const bool refused = co_await is_refused(server);
    CHECK(refused);
    server.close();
    co_await server.wait_closed();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("connections that close() overtakes are closed, not lost", "[system][server]") {
    const std::size_t before = open_descriptors();
    for (int turns = 0; turns < 4; ++turns) {
        int handled = 0;
        auto handler = [&](Stream stream) -> Coro<> {
            ++handled;
            co_await stream.close();
        };
        const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
        co_await let_others_run();
        std::vector<Fd> clients;
        for (int i = 0; i < 100; ++i) {
            clients.emplace_back(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
            const Endpoint endpoint = server.endpoints().front();
            checked(::connect(clients.back().get(), endpoint.native(), endpoint.native_size()));
        }
        for (int turn = 0; turn < turns; ++turn) {
            co_await rondo::sleep(0s);
        }
        co_await shut_down(server);
        CHECK(handled <= 100);
        for (const Fd& client : clients) {
            CHECK(peer_is_gone(client.get()));
        }
    }
    CHECK(open_descriptors() == before);
}

ASYNC_TEST_CASE("a server whose tasks are cancelled by somebody else closes",
                "[system][server][cancel]") {
    const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const Server unborn = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const rondo::TaskRef self = rondo::current_task();
    bool first = true;
    for (const rondo::TaskRef& task : rondo::all_tasks()) {
        if (task != self) {
            task.cancel();
            if (first) {
                co_await let_others_run();
            }
            first = false;
        }
    }
    co_await server.wait_closed();
    co_await unborn.wait_closed();
    CHECK_FALSE(server.is_serving());
    const bool refused = co_await is_refused(server);
    CHECK(refused);
}

ASYNC_TEST_CASE("close() leaves handlers alone", "[system][server]") {
    const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const Stream client = co_await connect_and_meet(server);
    server.close();
    co_await client.write("still\n");
    const std::string answer = co_await client.read_line();
    CHECK(answer == "still\n");
    co_await client.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("505: wait_closed() waits for close() and for the last handler",
                "[system][server]") {
    const Server server = co_await rondo::start_server(wait_for_client, "127.0.0.1", 0);
    auto open_and_idle = rondo::create_task(wait_closed(server));
    co_await let_others_run();
    CHECK_FALSE(open_and_idle.done());

    const Stream client = co_await connect_and_meet(server);
    auto open_and_busy = rondo::create_task(wait_closed(server));
    co_await let_others_run();
    CHECK_FALSE(open_and_busy.done());

    server.close();
    auto closed_and_busy = rondo::create_task(wait_closed(server));
    co_await rondo::sleep(1h);
    CHECK_FALSE(open_and_idle.done());
    CHECK_FALSE(open_and_busy.done());
    CHECK_FALSE(closed_and_busy.done());

    co_await client.close();
    co_await open_and_idle;
    co_await open_and_busy;
    co_await closed_and_busy;
    co_await server.wait_closed(); // at once
}

ASYNC_TEST_CASE("506: close() and the last disconnect in one turn do not lose the wake-up",
                "[system][server]") {
    const Server server = co_await rondo::start_server(wait_for_client, "127.0.0.1", 0);
    const Stream client = co_await connect_and_meet(server);
    auto waiting = rondo::create_task(wait_closed(server));
    co_await let_others_run();
    rondo::get_running_loop().call_soon([&] { server.close(); });
    co_await client.close();
    co_await waiting;
}

ASYNC_TEST_CASE("wait_closed() that is cancelled changes nothing else",
                "[system][server][cancel]") {
    const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const Stream client = co_await connect_and_meet(server);
    server.close();
    auto waiting = rondo::create_task(wait_closed(server));
    co_await let_others_run();
    waiting.cancel();
    co_await finished(waiting);
    CHECK(waiting.cancelled());
    co_await client.write("still\n");
    const std::string answer = co_await client.read_line();
    CHECK(answer == "still\n");
    auto limited = rondo::wait_for(server.wait_closed(), 1s);
    const auto result = co_await rondo::as_result(std::move(limited));
    CHECK_THROWS_AS(result.value(), rondo::TimeoutError);
    co_await client.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("507: close_clients() is the end of the stream for each handler",
                "[system][server]") {
    bool saw_end = false;
    auto handler = [&](Stream stream) -> Coro<> {
        const std::string rest = co_await stream.read_all();
        saw_end = true;
        co_await stream.write("goodbye, " + rest); // an answer can still be given
        co_await stream.close();
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream client = co_await connect_and_meet(server);
    co_await client.write("friend");
    server.close();
    server.close_clients(); // though the handler may not have read yet what has arrived
    server.close_clients();
    co_await server.wait_closed();
    CHECK(saw_end);
    const std::string answer = co_await client.read_all();
    CHECK(answer == "goodbye, friend");
}

ASYNC_TEST_CASE("507: close_clients() ends a handler whose client sends on and on",
                "[system][server]") {
    std::size_t received = 0;
    auto handler = [&](Stream stream) -> Coro<> {
        std::array<char, 1000> buffer;
        for (;;) {
            const std::size_t count = co_await stream.read_some(buffer);
            if (count == 0) {
                break;
            }
            received += count;
        }
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream client = co_await connect(server);
    auto sending = rondo::create_task(
        [](const Stream& stream) -> Coro<> {
            const std::string block(10'000, 'x');
            for (;;) {
                co_await stream.write(block);
            }
        },
        std::cref(client));
    co_await let_others_run();
    server.close();
    server.close_clients();
    co_await server.wait_closed();
    co_await finished(sending);
    CHECK(system_error_of(sending)); // reset: there was data that nobody read
    CHECK(received > 0);
}

ASYNC_TEST_CASE("507: abort_clients() ends what handlers read and write, without reports",
                "[system][server]") {
    const Reports reports;
    std::vector<std::error_code> errors;
    auto handler = [&](Stream stream) -> Coro<> {
        const std::string endless(8'000'000, 'x');
        auto writing = rondo::as_result(stream.write(endless));
        const auto result = co_await std::move(writing);
        errors.push_back(result.error());
        const std::string rest = co_await stream.read_exactly(10);
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream first = co_await connect_and_meet(server);
    const Stream second = co_await connect_and_meet(server);
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
    CHECK(errors == std::vector<std::error_code>(2, system_code(ECANCELED)));
    auto reading = rondo::create_task(first.read_all());
    co_await finished(reading);
    CHECK(system_error_of(reading) == system_code(ECONNRESET));
    co_await let_others_run();
    CHECK(reports.all.empty());
}

ASYNC_TEST_CASE("501: serve_forever() that is cancelled closes, cancels the handlers and waits",
                "[system][server][cancel]") {
    const Reports reports;
    int cancelled = 0;
    auto handler = [&](Stream stream) -> Coro<> {
        std::exception_ptr why;
        try {
            const std::string rest = co_await stream.read_all();
        } catch (const rondo::CancelledError&) {
            why = std::current_exception();
        }
        co_await rondo::sleep(1s); // some last words
        ++cancelled;
        std::rethrow_exception(why);
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    auto serving = rondo::create_task(serve_forever(server));
    const Stream first = co_await connect_and_meet(server);
    const Stream second = co_await connect_and_meet(server);
    CHECK_FALSE(serving.done());
    serving.cancel();
    co_await finished(serving);
    CHECK(serving.cancelled());
    CHECK(cancelled == 2);
    CHECK_FALSE(server.is_serving());
    co_await server.wait_closed(); // at once
    const std::string end = co_await first.read_all();
    CHECK(end.empty());
    CHECK(reports.all.empty()); // a handler that was cancelled is no news
}

ASYNC_TEST_CASE("serve_forever() that is cancelled twice still waits, and asks the handlers again",
                "[system][server][cancel]") {
    int requests = 0;
    auto handler = [&](Stream stream) -> Coro<> {
        while (requests < 2) {
            try {
                co_await rondo::sleep(1h);
            } catch (const rondo::CancelledError&) {
                ++requests; // and goes on
            }
        }
        co_await stream.close();
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    auto serving = rondo::create_task(serve_forever(server));
    const Stream client = co_await connect_and_meet(server);
    serving.cancel();
    co_await let_others_run();
    CHECK(requests == 1);
    CHECK_FALSE(serving.done());
    serving.cancel();
    co_await finished(serving);
    CHECK(serving.cancelled());
    CHECK(requests == 2);
}

ASYNC_TEST_CASE("504: close() ends serve_forever(), which waits for the handlers",
                "[system][server]") {
    const Server server = co_await rondo::start_server(wait_for_client, "127.0.0.1", 0);
    auto serving = rondo::create_task(serve_forever(server));
    const Stream client = co_await connect_and_meet(server);
    co_await client.write("last");
    server.close();
    co_await finished(serving);
    CHECK(serving.cancelled());
    const std::string answer = co_await client.read_all(); // its handler saw the end of the stream
    CHECK(answer == "last");
}

ASYNC_TEST_CASE("502: serve_forever() of a closed server throws, and so does a second one",
                "[system][server]") {
    const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
    auto first = rondo::create_task(serve_forever(server));
    co_await let_others_run();
    auto second = rondo::create_task(serve_forever(server));
    co_await finished(second);
    CHECK_THROWS_AS(second.result(), std::logic_error);
    CHECK_FALSE(first.done());
    server.close();
    co_await finished(first);
    auto third = rondo::create_task(serve_forever(server));
    co_await finished(third);
    CHECK(message_of(third) == "rondo: this server is closed: start another one");
}

ASYNC_TEST_CASE("shutdown() lets handlers end in their own time, up to its limit",
                "[system][server]") {
    int cancelled = 0;
    int ended = 0;
    auto handler = [&](Stream stream) -> Coro<> {
        const std::string seconds = co_await stream.read_all();
        try {
            co_await rondo::sleep(std::chrono::seconds(std::stoi(seconds)));
            co_await stream.write("done");
            ++ended;
        } catch (const rondo::CancelledError& error) {
            CHECK(error.reason() == rondo::CancelReason::timeout);
            ++cancelled;
            throw;
        }
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream quick = co_await connect_and_meet(server);
    const Stream slow = co_await connect_and_meet(server);
    co_await quick.write("4");
    co_await slow.write("6");
    const auto start = rondo::get_running_loop().time();
    co_await server.shutdown(5s);
    CHECK(rondo::get_running_loop().time() - start == 5s);
    CHECK(ended == 1);
    CHECK(cancelled == 1);
    CHECK_FALSE(server.is_serving());
    const std::string answer = co_await quick.read_all();
    CHECK(answer == "done");
    co_await server.shutdown(5s); // at once
    CHECK(rondo::get_running_loop().time() - start == 5s);
}

ASYNC_TEST_CASE("shutdown() that is cancelled cancels the handlers and still waits for them",
                "[system][server][cancel]") {
    bool ended = false;
    auto handler = [&](Stream stream) -> Coro<> {
        std::exception_ptr why;
        try {
            co_await rondo::sleep(1h);
        } catch (const rondo::CancelledError&) {
            why = std::current_exception();
        }
        co_await rondo::sleep(1s);
        ended = true;
        co_await stream.close();
        std::rethrow_exception(why);
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream client = co_await connect_and_meet(server);
    auto ending = rondo::create_task(server.shutdown(10s));
    co_await rondo::sleep(2s);
    CHECK_FALSE(ended);
    ending.cancel();
    co_await finished(ending);
    CHECK(ending.cancelled());
    CHECK(ended);
}

TEST_CASE("508: a server that is destroyed closes, and its handlers are cancelled",
          "[system][server]") {
    const DescriptorCheck descriptors;
    rondo::testing::run([]() -> Coro<> {
        int cancelled = 0;
        auto handler = [&](Stream stream) -> Coro<> {
            try {
                const std::string rest = co_await stream.read_all();
            } catch (const rondo::CancelledError& error) {
                CHECK(error.reason() == rondo::CancelReason::shutdown);
                ++cancelled;
                throw;
            }
        };
        std::optional<Server> server(co_await rondo::start_server(handler, "127.0.0.1", 0));
        const Endpoint endpoint = server->endpoints().front();
        const Stream client = co_await connect_and_meet(*server);
        server.reset();
        const std::string end = co_await client.read_all();
        CHECK(end.empty());
        CHECK(cancelled == 1);
        const auto refused = co_await rondo::as_result(rondo::open_connection(endpoint));
        CHECK(refused.error() == system_code(ECONNREFUSED));
    });
}

TEST_CASE("a server that is left behind ends with the run", "[system][server]") {
    const DescriptorCheck descriptors;
    std::optional<Server> server;
    rondo::testing::run([&]() -> Coro<> {
        server = co_await rondo::start_server(echo, "127.0.0.1", 0);
        Stream client = co_await connect_and_meet(*server);
        co_await client.write("x\n");
        const std::string answer = co_await client.read_line();
        CHECK(answer == "x\n");
    });
    server.reset();
}

TEST_CASE("a loop that is closed while a server serves leaves nothing behind", "[system][server]") {
    const DescriptorCheck descriptors;
    rondo::EventLoop loop(rondo::testing::options());
    loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
    std::optional<Server> server;
    std::optional<Stream> client;
    loop.run_until_complete([](std::optional<Server>& made, std::optional<Stream>& to) -> Coro<> {
        made = co_await rondo::start_server(echo, "127.0.0.1", 0);
        to = co_await connect_and_meet(*made);
    }(server, client));
    loop.close();
    client.reset();
    server.reset();
}

ASYNC_TEST_CASE("a server may move while it serves", "[system][server]") {
    Server first = co_await rondo::start_server(echo, "127.0.0.1", 0);
    Server server = std::move(first);
    const Stream client = co_await connect(server);
    co_await client.write("x\n");
    const std::string answer = co_await client.read_line();
    CHECK(answer == "x\n");
    co_await client.close();
    Server other = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const Endpoint closed = other.endpoints().front();
    other = std::move(server);
    const auto refused = co_await rondo::as_result(rondo::open_connection(closed));
    CHECK(refused.error() == system_code(ECONNREFUSED));
    CHECK_THROWS_AS(server.close(), std::logic_error); // NOLINT(bugprone-use-after-move)
    co_await shut_down(other);
}

// When something goes wrong

ASYNC_TEST_CASE("509: what a handler throws is reported, its connection closed, and others served",
                "[system][server]") {
    const Reports reports;
    auto handler = [](Stream stream) -> Coro<> {
        const std::string line = co_await stream.read_line();
        if (line == "bad\n") {
            throw std::runtime_error("bad line");
        }
        co_await stream.write(line);
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream bad = co_await connect(server);
    const std::string address = bad.local_endpoint().to_string();
    co_await bad.write("bad\n");
    const std::string nothing = co_await bad.read_all();
    CHECK(nothing.empty());
    co_await let_others_run();
    CHECK(reports.all.size() == 1);
    CHECK(reports.all.front().message == "a connection's handler threw");
    CHECK(reports.all.front().subject == "client " + address);
    CHECK_THROWS_WITH(std::rethrow_exception(reports.all.front().exception), "bad line");

    const Stream good = co_await connect(server);
    co_await good.write("good\n");
    const std::string answer = co_await good.read_all();
    CHECK(answer == "good\n");
    co_await shut_down(server);
    CHECK(reports.all.size() == 1);
}

ASYNC_TEST_CASE("a handler that throws before it is a coroutine is reported as well",
                "[system][server]") {
    const Reports reports;
    auto handler = [](const Stream&) -> Coro<> { throw std::runtime_error("no coroutine"); };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream client = co_await connect(server);
    const std::string nothing = co_await client.read_all();
    CHECK(nothing.empty());
    co_await let_others_run();
    CHECK(reports.all.size() == 1);
    CHECK_THROWS_WITH(std::rethrow_exception(reports.all.front().exception), "no coroutine");
    co_await shut_down(server);
}

ASYNC_TEST_CASE("a connection is closed when its handler throws, wherever its stream is by then",
                "[system][server]") {
    const Reports reports;
    std::vector<Stream> kept;
    auto handler = [&](Stream stream) -> Coro<> {
        kept.push_back(std::move(stream));
        const std::string line = co_await kept.back().read_line();
        throw std::runtime_error(line);
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream client = co_await connect(server);
    co_await client.write("x\n");
    const std::string nothing = co_await client.read_all();
    CHECK(nothing.empty());
    CHECK(kept.front().is_closing());
    co_await shut_down(server);
}

ASYNC_TEST_CASE("a stream that its handler gave away outlives it", "[system][server]") {
    std::vector<Stream> kept;
    auto handler = [&](Stream stream) -> Coro<> {
        kept.push_back(std::move(stream));
        co_await rondo::sleep(0s);
    };
    const Server server = co_await rondo::start_server(handler, "127.0.0.1", 0);
    const Stream client = co_await connect_and_meet(server);
    co_await shut_down(server);
    co_await kept.front().write("x\n");
    const std::string line = co_await client.read_line();
    CHECK(line == "x\n");
}

ASYNC_TEST_CASE("a client that is gone before it is served disturbs nobody", "[system][server]") {
    const Reports reports;
    const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
    for (int i = 0; i < 20; ++i) {
        Fd hasty(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
        const linger at_once{1, 0};
        checked(::setsockopt(hasty.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
        const Endpoint endpoint = server.endpoints().front();
        checked(::connect(hasty.get(), endpoint.native(), endpoint.native_size()));
    }
    const Stream client = co_await connect(server);
    co_await client.write("x\n");
    const std::string answer = co_await client.read_line();
    CHECK(answer == "x\n");
    co_await client.close();
    co_await shut_down(server);
    // A handler may have been told of a reset; a server never.
    for (const Reports::Report& report : reports.all) {
        CHECK(report.message == "a connection's handler threw");
    }
}

namespace {

// While it lives, this process can open no more descriptors. No assertion may run meanwhile: UBSan
// needs a pipe to look at objects that it has not seen before.
class NoDescriptors {
public:
    NoDescriptors() {
        checked(::getrlimit(RLIMIT_NOFILE, &before_));
        rlimit few = before_;
        few.rlim_cur = open_descriptors() + 20;
        checked(::setrlimit(RLIMIT_NOFILE, &few));
        for (int fd = 0; (fd = ::dup(0)) >= 0;) {
            taken_.emplace_back(fd);
        }
        if (errno != EMFILE) {
            throw std::system_error(errno, std::system_category(), "dup");
        }
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() {
        taken_.clear();
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

private:
    rlimit before_{};
    std::vector<Fd> taken_;
};

} // namespace

ASYNC_TEST_CASE("519: out of descriptors, a server says so, pauses for a second and goes on",
                "[system][server]") {
    const Reports reports;
    const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const Endpoint endpoint = server.endpoints().front();
    const Fd socket(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    const auto start = rondo::get_running_loop().time();
    bool served_on = false;
    {
        const NoDescriptors none;
        checked(::connect(socket.get(), endpoint.native(), endpoint.native_size()));
        co_await rondo::sleep(2500ms);
        served_on = server.is_serving();
    }
    CHECK(served_on);
    CHECK(reports.all.size() == 3); // once a second, and not all the time
    CHECK(reports.all.front().message ==
          "a server cannot accept connections for now, and will try again in 1 s");
    CHECK_THROWS_WITH(std::rethrow_exception(reports.all.front().exception),
                      "rondo: accept_multishot: Too many open files");
    CHECK(reports.all.front().subject.empty());

    checked(::send(socket.get(), "x\n", 2, MSG_NOSIGNAL));
    co_await rondo::sleep(1s);
    char answer[8];
    const ssize_t got = ::recv(socket.get(), answer, sizeof(answer), 0);
    CHECK(std::string_view(answer, static_cast<std::size_t>(got)) == "x\n");
    CHECK(rondo::get_running_loop().time() - start == 3500ms);
    CHECK(reports.all.size() == 3);
    checked(::shutdown(socket.get(), SHUT_RDWR));
    co_await shut_down(server);
}

ASYNC_TEST_CASE("a server that pauses for want of descriptors can be closed", "[system][server]") {
    const Reports reports;
    const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
    const Endpoint endpoint = server.endpoints().front();
    const Fd socket(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    {
        const NoDescriptors none;
        checked(::connect(socket.get(), endpoint.native(), endpoint.native_size()));
        co_await rondo::sleep(10ms);
    }
    CHECK(reports.all.size() == 1);
    const auto start = rondo::get_running_loop().time();
    co_await shut_down(server);
    CHECK(rondo::get_running_loop().time() == start);
}

// Unix sockets

ASYNC_TEST_CASE("a server on a Unix socket makes its file, and removes it in the end",
                "[system][server]") {
    const TemporaryDirectory directory;
    const std::filesystem::path path = directory.path() + "/socket";
    const Server server = co_await rondo::start_unix_server(echo, path);
    CHECK(server.endpoints() == std::vector<Endpoint>{Endpoint::unix_path(path.native())});
    CHECK(std::filesystem::is_socket(path));
    const Stream client = co_await rondo::open_unix_connection(path);
    co_await client.write("x\n");
    const std::string answer = co_await client.read_line();
    CHECK(answer == "x\n");
    server.close();
    CHECK_FALSE(std::filesystem::exists(path));
    co_await client.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("a socket file that was left over is replaced", "[system][server]") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/socket";
    {
        const Fd left(checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
        const Endpoint endpoint = Endpoint::unix_path(path);
        checked(::bind(left.get(), endpoint.native(), endpoint.native_size()));
    }
    const Server server = co_await rondo::start_unix_server(echo, path);
    const Stream client = co_await rondo::open_unix_connection(path);
    co_await client.close();
    co_await shut_down(server);
}

ASYNC_TEST_CASE("a file that is no socket is left alone, and named in the error",
                "[system][server]") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/precious";
    std::ofstream(path) << "precious";
    auto starting = rondo::create_task(rondo::start_unix_server(echo, path));
    co_await finished(starting);
    CHECK(system_error_of(starting) == system_code(EADDRINUSE));
    CHECK(message_of(starting) == "rondo: bind to unix:" + path + ": Address already in use");
    CHECK(std::filesystem::file_size(path) == 8);
}

ASYNC_TEST_CASE("a server does not remove the socket file of its successor", "[system][server]") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/socket";
    const Server first = co_await rondo::start_unix_server(echo, path);
    const Server second = co_await rondo::start_unix_server(echo, path);
    co_await shut_down(first);
    CHECK(std::filesystem::exists(path));
    const Stream client = co_await rondo::open_unix_connection(path);
    co_await client.write("x\n");
    const std::string answer = co_await client.read_line();
    CHECK(answer == "x\n");
    co_await client.close();
    co_await shut_down(second);
    CHECK_FALSE(std::filesystem::exists(path));
}

ASYNC_TEST_CASE("a server on an abstract Unix socket makes no file", "[system][server]") {
    const std::string name = std::string("\0rondo-server-", 14) + std::to_string(::getpid());
    const Server server = co_await rondo::start_unix_server(echo, name);
    const Stream client = co_await rondo::open_unix_connection(name);
    co_await client.write("x\n");
    const std::string answer = co_await client.read_line();
    CHECK(answer == "x\n");
    co_await client.close();
    co_await shut_down(server);
}

// Many

namespace {

Coro<> talk_to(const Server& server, int number, int& answered) {
    const Stream stream = co_await connect(server);
    for (int round = 0; round < 3; ++round) {
        const std::string line = std::to_string(number) + "," + std::to_string(round) + "\n";
        co_await stream.write(line);
        const std::string answer = co_await stream.read_line();
        answered += answer == line;
    }
    co_await stream.close();
}

} // namespace

TEST_CASE("a server echoes to 1000 clients at once and loses no descriptor",
          "[system][server][slow]") {
    const DescriptorCheck descriptors;
    rondo::testing::run([]() -> Coro<> {
        rlimit limit{};
        checked(::getrlimit(RLIMIT_NOFILE, &limit));
        limit.rlim_cur = limit.rlim_max;
        checked(::setrlimit(RLIMIT_NOFILE, &limit));
        const Server server = co_await rondo::start_server(echo, "127.0.0.1", 0);
        int answered = 0;
        std::vector<Coro<>> clients;
        for (int number = 0; number < 1000; ++number) {
            clients.push_back(talk_to(server, number, answered));
        }
        co_await rondo::gather(std::move(clients));
        CHECK(answered == 3000);
        co_await shut_down(server);
    });
}
