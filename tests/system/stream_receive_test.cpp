// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/stream.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/buffer_ring.hpp>
#include <rondo/io/buffer_pool.hpp>
#include <rondo/run.hpp>
#include <rondo/testing/sweep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace std::chrono_literals;
using namespace rondo_test;
using rondo::Coro;
using rondo::Stream;
using rondo::Task;
using rondo::io::Chunk;

namespace {

Coro<std::string> receive(const Stream& stream) {
    const Chunk chunk = co_await stream.receive();
    co_return std::string(chunk.text());
}

rondo::detail::BufferRing& loops_buffers() {
    return rondo::detail::shared_buffers(*rondo::detail::running_scheduler().ring);
}

/// Takes all buffers that the loop has, and keeps them.
Coro<std::vector<Chunk>> take_all_buffers(const Talk& talk) {
    std::vector<Chunk> chunks;
    while (chunks.size() < loops_buffers().count()) {
        talk.send("x");
        chunks.push_back(co_await talk.stream.receive());
    }
    CHECK(loops_buffers().available() == 0);
    co_return chunks;
}

} // namespace

ASYNC_TEST_CASE("receive() gives what has come, in the buffers of the loop", "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("hello");
    const Chunk chunk = co_await talk.stream.receive();
    CHECK(chunk.text() == "hello");
    const unsigned left = loops_buffers().available();
    talk.send("again");
    {
        const Chunk second = co_await talk.stream.receive();
        CHECK(second.text() == "again");
        CHECK(loops_buffers().available() == left - 1);
    }
    CHECK(loops_buffers().available() == left);
    CHECK(chunk.text() == "hello");
}

ASYNC_TEST_CASE("receive() waits for data, and holds no buffer while it waits",
                "[system][stream]") {
    const Talk talk = over_tcp();
    Task<std::string> waiting = rondo::create_task(receive(talk.stream));
    co_await let_others_run();
    CHECK_FALSE(waiting.done());
    const unsigned all = loops_buffers().available();
    talk.send("at last");
    const std::string got = co_await waiting;
    CHECK(got == "at last");
    CHECK(loops_buffers().available() == all);
}

ASYNC_TEST_CASE("receive() gives an empty chunk at the end of the stream, again and again",
                "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("last words");
    talk.end();
    const std::string got = co_await receive(talk.stream);
    CHECK(got == "last words");
    CHECK_FALSE(talk.stream.at_eof());
    for (int time = 0; time < 2; ++time) {
        const Chunk end = co_await talk.stream.receive();
        CHECK(end.empty());
        CHECK(talk.stream.at_eof());
    }
}

ASYNC_TEST_CASE("receive() gives first what another read has left over", "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("line\nrest");
    const std::string line = co_await talk.stream.read_line();
    CHECK(line == "line\n");
    const std::string rest = co_await receive(talk.stream);
    CHECK(rest == "rest");
    talk.send("more");
    const std::string more = co_await receive(talk.stream);
    CHECK(more == "more");
}

ASYNC_TEST_CASE("what is larger than a buffer comes in several chunks", "[system][stream]") {
    const Talk talk = over_unix();
    const std::string sent = pattern(100'000);
    talk.send(sent);
    talk.end();
    std::string got;
    for (;;) {
        const Chunk chunk = co_await talk.stream.receive();
        if (chunk.empty()) {
            break;
        }
        CHECK(chunk.size() <= loops_buffers().buffer_size());
        got += chunk.text();
    }
    CHECK(got == sent);
}

ASYNC_TEST_CASE("receive() and write() allocate nothing once they are warm", "[system][stream]") {
    const Talk talk = over_unix();
    std::size_t before = 0;
    for (int round = 0; round < 500; ++round) {
        if (round == 200) { // by now the loop has its buffers, and its table of files
            before = allocation_count();
        }
        talk.send("ping");
        const Chunk chunk = co_await talk.stream.receive();
        co_await talk.stream.write(chunk.buffer());
        CHECK(talk.received() == "ping");
    }
    CHECK(allocation_count() == before);
}

ASYNC_TEST_CASE("more streams than buffers receive at once", "[system][stream]") {
    std::vector<Talk> talks;
    std::vector<Task<std::string>> tasks;
    for (int i = 0; i < 100; ++i) {
        talks.push_back(over_unix());
    }
    for (const Talk& talk : talks) {
        tasks.push_back(rondo::create_task(receive(talk.stream)));
    }
    co_await let_others_run();
    for (std::size_t i = 0; i < talks.size(); ++i) {
        talks[i].send(std::to_string(i));
    }
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        const std::string got = co_await tasks[i];
        CHECK(got == std::to_string(i));
    }
}

ASYNC_TEST_CASE("when all buffers are held, data comes in memory of its own", "[system][stream]") {
    const Talk talk = over_unix();
    std::vector<Chunk> held = co_await take_all_buffers(talk);
    for (const std::string_view text : {"first", "second"}) {
        Task<std::string> waiting = rondo::create_task(receive(talk.stream));
        co_await let_others_run();
        CHECK_FALSE(waiting.done());
        talk.send(text);
        const std::string got = co_await waiting;
        CHECK(got == text);
    }
    talk.send("x");
    const Chunk owned = co_await talk.stream.receive();
    held.pop_back();
    CHECK(loops_buffers().available() == 1);
    CHECK(owned.text() == "x");
    talk.send("third");
    const std::string third = co_await receive(talk.stream);
    CHECK(third == "third");
    CHECK(loops_buffers().available() == 1);
}

ASYNC_TEST_CASE("a cancelled receive() loses nothing, with buffers and without",
                "[system][stream][cancel]") {
    const Talk talk = over_unix();
    for (const bool without : {false, true}) {
        std::vector<Chunk> held;
        if (without) {
            held = co_await take_all_buffers(talk);
        }
        Task<std::string> waiting = rondo::create_task(receive(talk.stream));
        co_await let_others_run();
        waiting.cancel();
        co_await finished(waiting);
        CHECK(waiting.cancelled());
        talk.send("still there");
        const std::string got = co_await receive(talk.stream);
        CHECK(got == "still there");
    }
}

ASYNC_TEST_CASE("a time-out of receive() leaves the stream as it was", "[system][stream][cancel]") {
    const Talk talk = over_unix();
    const auto timed_out = co_await rondo::as_result(rondo::wait_for(receive(talk.stream), 1s));
    CHECK_FALSE(timed_out);
    talk.send("late");
    const std::string got = co_await receive(talk.stream);
    CHECK(got == "late");
}

ASYNC_TEST_CASE("close() ends a receive() that waits, with buffers and without",
                "[system][stream]") {
    for (const bool without : {false, true}) {
        const Talk other = over_unix();
        std::vector<Chunk> held;
        if (without) {
            held = co_await take_all_buffers(other);
        }
        const Talk talk = over_unix();
        Task<std::string> waiting = rondo::create_task(receive(talk.stream));
        co_await let_others_run();
        co_await talk.stream.close();
        co_await finished(waiting);
        CHECK(system_error_of(waiting) == system_code(ECANCELED));
        const Chunk end = co_await talk.stream.receive();
        CHECK(end.empty());
    }
}

ASYNC_TEST_CASE("receive() beside another read is a mistake, and changes nothing",
                "[system][stream]") {
    const Talk talk = over_unix();
    Task<std::string> waiting = rondo::create_task(receive(talk.stream));
    co_await let_others_run();
    Task<std::string> second = rondo::create_task(receive(talk.stream));
    co_await finished(second);
    CHECK(message_of(second).find("another task is reading") != std::string::npos);
    const auto third = co_await rondo::as_result(talk.stream.receive());
    CHECK_FALSE(third);
    talk.send("for the first");
    const std::string got = co_await waiting;
    CHECK(got == "for the first");
}

ASYNC_TEST_CASE("a reset is an error of receive(), now and later", "[system][stream]") {
    Talk talk = over_tcp();
    Task<std::string> waiting = rondo::create_task(receive(talk.stream));
    co_await let_others_run();
    talk.reset();
    co_await finished(waiting);
    CHECK(system_error_of(waiting) == system_code(ECONNRESET));
    const auto again = co_await rondo::as_result(talk.stream.receive());
    CHECK_FALSE(again);
    CHECK(again.error() == system_code(ECONNRESET));
}

ASYNC_TEST_CASE("receive() gives what had arrived when reading was ended, and no more",
                "[system][stream]") {
    const Talk talk = over_tcp();
    talk.send("before");
    co_await rondo::sleep(1ms);
    talk.stream.state()->end_reading();
    const std::string got = co_await receive(talk.stream);
    CHECK(got == "before");
    const Chunk end = co_await talk.stream.receive();
    CHECK(end.empty());
}

ASYNC_TEST_CASE("a receive() for which there is no memory fails, and loses nothing",
                "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("patience");
    std::error_code error;
    {
        const NoMemory none;
        const auto failed = co_await rondo::as_result(talk.stream.receive());
        error = failed.error();
    }
    CHECK(error == system_code(ENOMEM));
    const std::string got = co_await receive(talk.stream);
    CHECK(got == "patience");
}

TEST_CASE("a chunk may outlive its stream and its loop", "[system][stream]") {
    std::optional<Chunk> kept;
    rondo::run([](std::optional<Chunk>& chunk) -> Coro<> {
        const Talk talk = over_unix();
        talk.send("kept");
        chunk.emplace(co_await talk.stream.receive());
    }(kept));
    CHECK(kept->text() == "kept");
}

TEST_CASE("an echo by receive() stands any mishap", "[system][stream][cancel][slow]") {
    const auto echo = []() -> Coro<> {
        const Talk talk = over_unix();
        for (int round = 0; round < 3; ++round) {
            talk.send("ping");
            const Chunk chunk = co_await talk.stream.receive();
            co_await talk.stream.write(chunk.buffer());
        }
        talk.end();
        const Chunk end = co_await talk.stream.receive();
        co_await talk.stream.close();
    };
    const auto cancelled = rondo::testing::cancel_sweep(echo);
    CHECK(cancelled.cancelled > 0);
    const auto failed = rondo::testing::operation_sweep(echo);
    CHECK(failed.failed > 0);
}
