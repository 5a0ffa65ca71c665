// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/descriptors.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::CancelledError;
using rondo::ConstBuffer;
using rondo::Coro;
using rondo::create_task;
using rondo::MutableBuffer;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

/// The same numbers from the same seed, wherever it runs.
class Random {
public:
    explicit Random(unsigned seed) noexcept : state_(seed) {}
    /// A number less than `limit`.
    std::size_t below(std::size_t limit) noexcept {
        state_ = state_ * 1664525U + 1013904223U;
        return (state_ >> 8U) % limit;
    }

private:
    unsigned state_;
};

/// Without it small messages wait for each other's acknowledgements.
void send_at_once(const Fd& connection) {
    const int on = 1;
    checked(::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

/// Sends all of it, however often the task is cancelled.
Coro<> send_stubbornly(int fd, ConstBuffer buffer) {
    while (!buffer.empty()) {
        try {
            const std::size_t sent = co_await io::send(fd, buffer);
            buffer = buffer.drop(sent);
        } catch (const CancelledError&) { // nothing was taken: again
        }
    }
}

/// Echoes until the client ends, however often the task is cancelled once it has begun. Receives
/// into memory of its own.
Coro<> echo_one_shot(Fd connection, bool& has_begun) {
    std::array<char, 1024> bytes;
    has_begun = true;
    for (;;) {
        std::size_t size = 0;
        bool interrupted = false;
        try {
            size = co_await io::recv(connection.get(), bytes);
        } catch (const CancelledError&) {
            interrupted = true;
        }
        if (size == 0 && !interrupted) {
            co_return;
        }
        co_await send_stubbornly(connection.get(), ConstBuffer(bytes.data(), size));
    }
}

/// The same with buffers of a pool.
Coro<> echo_multishot(Fd connection, bool& has_begun, io::BufferPool pool) {
    auto chunks = io::recv_multishot(connection.get(), pool, {.limit = 4});
    has_begun = true;
    for (;;) {
        io::Chunk chunk;
        bool ended = false;
        try {
            auto next = co_await chunks.next();
            ended = !next;
            if (next) {
                chunk = std::move(*next);
            }
        } catch (const CancelledError&) { // nothing was taken: again
        }
        if (ended) {
            co_return;
        }
        co_await send_stubbornly(connection.get(), chunk.buffer());
    }
}

/// A server of one connection.
struct Server {
    std::optional<Task<>> task;
    bool has_begun = false; // one that is cancelled before never does, and closes its connection
};

/// What became of a client.
struct Talk {
    std::size_t bytes = 0;
    bool complete = false;    // all that was sent came back, and nothing else
    bool interrupted = false; // it was cancelled
};

/// Sends random messages and waits for each to come back; when cancelled, ends its stream and waits
/// for what is outstanding.
Coro<Talk> talk(Address server, unsigned seed) {
    Random random(seed);
    const Fd connection(co_await io::socket(AF_INET, SOCK_STREAM));
    send_at_once(connection);
    co_await io::connect(connection.get(), server);
    std::string sent;
    std::string received;
    std::array<char, 2048> bytes;
    Talk result;
    try {
        for (int round = 0; round < 20; ++round) {
            std::string message(1 + random.below(4000), '\0');
            for (char& letter : message) {
                letter = static_cast<char>('a' + random.below(26));
            }
            const std::size_t taken = co_await io::send(connection.get(), message);
            sent.append(message, 0, taken);
            while (received.size() < sent.size()) {
                const std::size_t size = co_await io::recv(connection.get(), bytes);
                received.append(bytes.data(), size);
                if (size == 0) {
                    co_return result;
                }
            }
        }
    } catch (const CancelledError&) {
        result.interrupted = true;
    }
    co_await io::shutdown(connection.get(), SHUT_WR);
    std::size_t size = 1;
    while (size != 0) {
        size = co_await io::recv(connection.get(), bytes);
        received.append(bytes.data(), size);
    }
    result.bytes = sent.size();
    result.complete = received == sent;
    co_return result;
}

/// Accepts until it is stopped, and gives every other connection to a server of either kind.
Coro<> serve(io::ConnectionStream& connections, io::BufferPool pool, std::deque<Server>& servers) {
    while (auto connection = co_await connections.next()) {
        Fd fd(*connection);
        send_at_once(fd);
        Server& server = servers.emplace_back();
        if (servers.size() % 2 == 0) {
            server.task = create_task(echo_one_shot(std::move(fd), server.has_begun));
        } else {
            server.task = create_task(echo_multishot(std::move(fd), server.has_begun, pool));
        }
    }
}

/// Cancels clients and servers at random until all clients are done.
Coro<> disturb(std::vector<Task<Talk>>& clients, std::deque<Server>& servers, unsigned seed) {
    Random random(seed);
    for (bool busy = true; busy;) {
        co_await rondo::sleep(0s);
        Task<Talk>& victim = clients[random.below(clients.size())];
        if (victim.cancelling() == 0 && random.below(4) == 0) {
            victim.cancel();
        }
        for (int i = 0; i < 20 && !servers.empty(); ++i) {
            Server& server = servers[random.below(servers.size())];
            if (server.has_begun) {
                server.task->cancel();
            }
        }
        busy = false;
        for (const auto& client : clients) {
            busy = busy || !client.done();
        }
    }
}

Coro<> echo_among_cancellations(std::size_t count, unsigned seed) {
    const Fd listening = listener(static_cast<int>(count));
    const Address address = Address::of(listening.get());
    const io::BufferPool pool(64, 512); // far too few for all
    std::deque<Server> servers;
    std::vector<Task<Talk>> clients;
    auto connections = io::accept_multishot(listening.get());
    auto accepting = create_task(serve(connections, pool, servers));
    for (std::size_t i = 0; i < count; ++i) {
        clients.push_back(create_task(talk(address, seed + static_cast<unsigned>(i) * 7919U)));
    }
    co_await disturb(clients, servers, seed);

    std::size_t complete = 0;
    std::size_t interrupted = 0;
    std::size_t never_connected = 0;
    std::size_t bytes = 0;
    for (auto& client : clients) {
        const auto result = co_await as_result(client);
        if (result.cancelled()) {
            ++never_connected;
            continue;
        }
        if (!result) {
            FAIL("a client failed: " << result.error().message());
        }
        complete += static_cast<std::size_t>(result->complete);
        interrupted += static_cast<std::size_t>(result->interrupted);
        bytes += result->bytes;
    }
    CHECK(complete + never_connected == count);
    CHECK(interrupted > 0);
    CHECK(interrupted < count);
    CHECK(bytes > count * 1000);

    connections.stop();
    co_await accepting;
    for (Server& server : servers) {
        co_await *server.task;
    }
    CHECK(pool.available() == pool.count());
}

} // namespace

TEST_CASE("a thousand connections echo while random ones are cancelled, and lose nothing",
          "[io][slow]") {
    constexpr std::size_t count = 1000;
    rlimit limit = {};
    checked(::getrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_max < 2 * count + 100) {
        RONDO_SKIP("this process may not have two thousand descriptors");
    }
    limit.rlim_cur = limit.rlim_max;
    checked(::setrlimit(RLIMIT_NOFILE, &limit));

    const unsigned given = static_cast<unsigned>(rondo::testing::options().shuffle_seed);
    for (const unsigned seed : {given, given + 1, given + 2}) {
        INFO("the seed is " << seed);
        const DescriptorCheck descriptors;
        rondo::testing::run(echo_among_cancellations(count, seed));
    }
}
