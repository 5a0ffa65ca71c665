// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/buffer_pool.hpp>

#include <rondo/coro.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/allocations.hpp"
#include "descriptors.hpp"
#include "support/async_test.hpp"

using rondo::Coro;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

/// Chunks of what is sent one piece at a time.
Coro<std::vector<io::Chunk>> receive(const Ends& ends, const io::BufferPool& pool,
                                     std::vector<std::string> pieces) {
    auto stream = io::recv_multishot(ends.in.get(), pool);
    std::vector<io::Chunk> chunks;
    for (const std::string& piece : pieces) {
        ends.put(piece);
        auto chunk = co_await stream.next();
        REQUIRE(chunk);
        chunks.push_back(std::move(*chunk));
    }
    co_return chunks;
}

} // namespace

ASYNC_TEST_CASE("a pool rounds its count up to a power of two", "[io][buffer_pool]") {
    const io::BufferPool pool(5, 100);
    CHECK(pool.count() == 8);
    CHECK(pool.buffer_size() == 100);
    CHECK(pool.available() == 8);
    const io::BufferPool smallest(1, 1);
    CHECK(smallest.count() == 1);
    co_return;
}

TEST_CASE("a pool is made in a running loop only", "[io][buffer_pool]") {
    CHECK_THROWS_AS(io::BufferPool(4, 64), rondo::LoopError);
}

ASYNC_TEST_CASE("there may be many pools in a loop", "[io][buffer_pool]") {
    std::vector<io::BufferPool> pools;
    for (int i = 0; i < 100; ++i) {
        pools.emplace_back(1, 16);
    }
    const Ends ends = sockets();
    const std::vector<std::string> pieces = {"abc"};
    const auto first = co_await receive(ends, pools.front(), pieces);
    const auto last = co_await receive(ends, pools.back(), pieces);
    CHECK(first[0].text() == "abc");
    CHECK(last[0].text() == "abc");
    CHECK(pools.front().available() == 0);
    CHECK(pools[50].available() == 1);
}

ASYNC_TEST_CASE("a chunk gives its buffer back when it is destroyed", "[io][buffer_pool]") {
    const Ends ends = sockets();
    const io::BufferPool pool(4, 64);
    const std::vector<std::string> pieces = {"a", "bb", "ccc"};
    auto chunks = co_await receive(ends, pool, pieces);
    CHECK(pool.available() == 1);
    CHECK(chunks[2].text() == "ccc");
    CHECK(chunks[2].size() == 3);
    CHECK(chunks[2].buffer().size() == 3);
    CHECK(chunks[2].data().data() == chunks[2].buffer().data());

    chunks.erase(chunks.begin()); // the others move
    CHECK(pool.available() == 2);
    CHECK(chunks[0].text() == "bb");
    CHECK(chunks[1].text() == "ccc");

    io::Chunk other = std::move(chunks[0]);
    CHECK(chunks[0].empty()); // NOLINT(bugprone-use-after-move): it promises to be
    other = std::move(chunks[1]);
    CHECK(pool.available() == 3);
    CHECK(other.text() == "ccc");
    other = io::Chunk();
    CHECK(pool.available() == 4);
}

ASYNC_TEST_CASE("when the pool is empty, data goes into memory of its own", "[io][buffer_pool]") {
    const Ends ends = sockets();
    const io::BufferPool pool(2, 4);
    auto stream = io::recv_multishot(ends.in.get(), pool);
    std::vector<io::Chunk> chunks;
    for (const char* piece : {"a", "b", "c", "d", "e"}) {
        ends.put(piece);
        auto chunk = co_await stream.next();
        REQUIRE(chunk);
        CHECK(chunk->text() == piece);
        chunks.push_back(std::move(*chunk));
    }
    CHECK(pool.available() == 0);
    chunks.clear();
    CHECK(pool.available() == 2);

    // And back again.
    for (const char* piece : {"f", "g", "h"}) {
        ends.put(piece);
        auto chunk = co_await stream.next();
        REQUIRE(chunk);
        CHECK(chunk->text() == piece);
        chunks.push_back(std::move(*chunk));
    }
    CHECK(pool.available() == 0);
}

TEST_CASE("chunks outlive their pool, their stream and their loop", "[io][buffer_pool]") {
    const DescriptorCheck descriptors;
    std::vector<io::Chunk> chunks = rondo::testing::run([]() -> Coro<std::vector<io::Chunk>> {
        const Ends ends = sockets();
        const io::BufferPool pool(2, 64);
        const std::vector<std::string> pieces = {"pool", "pool", "owned"};
        auto received = co_await receive(ends, pool, pieces);
        co_return received;
    });
    CHECK(chunks[0].text() == "pool");
    CHECK(chunks[2].text() == "owned");
    chunks.erase(chunks.begin());
    CHECK(chunks[0].text() == "pool");
}

ASYNC_TEST_CASE("chunks come and go without allocation", "[io][buffer_pool]") {
    const Ends ends = sockets();
    const io::BufferPool pool(4, 64);
    auto stream = io::recv_multishot(ends.in.get(), pool);
    std::size_t before = 0;
    for (int round = 0; round < 500; ++round) {
        if (round == 100) {
            before = allocation_count();
        }
        ends.put("abc");
        const auto chunk = co_await stream.next();
        if (!chunk || chunk->text() != "abc") {
            FAIL("what was sent is not what came");
        }
    }
    CHECK(allocation_count() == before);
}
