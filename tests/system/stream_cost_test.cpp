// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What reading and writing cost: no memory once a stream is warm, one system call a turn; and what
// happens when there is no memory.

#include <rondo/stream.hpp>

#include <array>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>

#include "base/allocations.hpp"
#include "io/descriptors.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace rondo_test;
using rondo::Coro;
using rondo::Stream;

namespace {

struct Pair {
    Stream first;
    Stream second;
};

Pair connected() {
    Ends ends = sockets();
    return {Stream::from_native(ends.in.release()), Stream::from_native(ends.out.release())};
}

constexpr int rounds = 500;

Coro<> play(const Stream& stream, bool begins) {
    std::array<char, 64> buffer{};
    for (int round = 0; round < rounds; ++round) {
        if (begins) {
            co_await stream.write("ping");
        }
        co_await stream.read_some(buffer);
        if (!begins) {
            co_await stream.write("pong");
        }
    }
}

} // namespace

ASYNC_TEST_CASE("read_some() and write() allocate nothing", "[system][stream]") {
    const Pair pair = connected();
    std::array<char, 64> buffer{};
    std::size_t before = 0;
    for (int round = 0; round < 2 * rounds; ++round) {
        if (round == rounds) { // by now the loop has its table of files
            before = allocation_count();
        }
        co_await pair.first.write("ping");
        co_await pair.second.read_some(buffer);
        co_await pair.second.write("po", "ng");
        co_await pair.first.read_some(buffer);
    }
    CHECK(allocation_count() == before);
}

#if !RONDO_SANITIZED // with a sanitizer, coroutine frames come from operator new
ASYNC_TEST_CASE("a line that fits into a string's own place is read without an allocation",
                "[system][stream]") {
    const Pair pair = connected();
    co_await pair.first.write("warm up\n");
    const std::string first = co_await pair.second.read_line();
    CHECK(first == "warm up\n");
    const std::size_t before = allocation_count();
    std::size_t same = 0;
    for (int round = 0; round < rounds; ++round) {
        co_await pair.first.write("line\n");
        const std::string line = co_await pair.second.read_line();
        same += line == "line\n";
    }
    CHECK(allocation_count() == before);
    CHECK(same == rounds);
}
#endif

TEST_CASE("an exchange between two tasks makes one system call a turn", "[system][stream]") {
    rondo::LoopOptions options = in_order();
    options.virtual_time = false;
    options.entries = 256; // with four, a turn may have to submit twice
    rondo::run(
        []() -> Coro<> {
            const Pair pair = connected();
            auto first = rondo::create_task(play(pair.first, true));
            auto second = rondo::create_task(play(pair.second, false));
            const auto before = rondo::get_running_loop().metrics();
            co_await first;
            co_await second;
            const auto after = rondo::get_running_loop().metrics();
            CHECK(after.system_calls - before.system_calls == 2 * rounds);
            // The two reads and writes of a round, and nothing else.
            CHECK(after.submitted - before.submitted <= 4 * rounds + 2);
        }(),
        options);
}

namespace {

// Awaits a read that needs memory at once, and gets none.
Coro<bool> fails_without_memory(Coro<std::string> read) {
    try {
        const NoMemory none;
        const std::string result = co_await std::move(read);
        co_return false;
    } catch (const std::bad_alloc&) {
        co_return true;
    }
}

} // namespace

ASYNC_TEST_CASE("a read for which there is no memory loses nothing", "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("a line that is too long for a string's own place\nmore");
    const bool no_buffer = co_await fails_without_memory(talk.stream.read_line());
    CHECK(no_buffer);
    const std::string begin = co_await talk.stream.read_exactly(2);
    CHECK(begin == "a ");
    const bool no_string = co_await fails_without_memory(talk.stream.read_line());
    CHECK(no_string);
    const bool no_room = co_await fails_without_memory(talk.stream.read_exactly(1'000'000));
    CHECK(no_room);
    talk.end();
    const std::string rest = co_await talk.stream.read_all();
    CHECK(rest == "line that is too long for a string's own place\nmore");
}

#if RONDO_SANITIZED // without, a stream may find memory in the pool
TEST_CASE("a stream for which there is no memory leaves the socket to its owner",
          "[system][stream]") {
    const DescriptorCheck descriptors;
    const Ends ends = sockets();
    bool failed = false;
    try {
        const NoMemory none;
        const Stream stream = Stream::from_native(ends.in.get());
    } catch (const std::bad_alloc&) {
        failed = true;
    }
    CHECK(failed);
    ends.put("still connected");
    CHECK(ends.get() == "still connected");
}
#endif
