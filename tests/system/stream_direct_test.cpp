// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A stream that is read from often gets a place in the ring's table of files: nobody may notice.

#include <rondo/detail/direct_files.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <rondo/create_task.hpp>
#include <rondo/run.hpp>
#include <rondo/stream.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace rondo_test;
using rondo::Coro;
using rondo::Stream;
using rondo::Task;

namespace {

/// Null where the kernel is too old.
rondo::detail::DirectFiles* loops_files() {
    return rondo::detail::direct_files(*rondo::detail::running_scheduler().ring);
}

Coro<> read_often(const Talk& talk, int times = 150) {
    std::array<char, 8> buffer{};
    for (int time = 0; time < times; ++time) {
        talk.send("x");
        co_await talk.stream.read_some(buffer);
    }
}

Coro<std::string> read(const Stream& stream) {
    std::string buffer(64, '\0');
    buffer.resize(co_await stream.read_some(buffer));
    co_return buffer;
}

/// A stream that has a place in its loop's table.
Coro<Talk> direct_talk() {
    Talk talk = over_tcp();
    co_await read_often(talk);
    co_return talk;
}

} // namespace

ASYNC_TEST_CASE("a stream that is read from often has a place in the ring's table until it closes",
                "[system][stream]") {
    rondo::detail::DirectFiles* const files = loops_files();
    if (files == nullptr) {
        co_return;
    }
    const std::size_t room = files->room();
    const Talk seldom = over_unix();
    co_await read_often(seldom, 100);
    CHECK(files->room() == room);
    const Talk often = over_unix();
    co_await read_often(often, 1000);
    CHECK(files->room() == room - 1);
    co_await often.stream.close();
    CHECK(files->room() == room);
    {
        const Talk dropped = co_await direct_talk();
        CHECK(files->room() == room - 1);
    }
    CHECK(files->room() == room);
}

ASYNC_TEST_CASE("with a place in the table all goes on as before", "[system][stream][cancel]") {
    const Talk talk = co_await direct_talk();
    co_await talk.stream.write("one");
    co_await talk.stream.write(" two", " three");
    CHECK(talk.received() == "one two three");
    talk.send("line\nchunk");
    const std::string line = co_await talk.stream.read_line();
    CHECK(line == "line\n");
    const std::string rest = co_await talk.stream.read(64);
    CHECK(rest == "chunk");
    {
        talk.send("chunk");
        const rondo::io::Chunk chunk = co_await talk.stream.receive();
        CHECK(chunk.text() == "chunk");
    }
    Task<std::string> waiting = rondo::create_task(read(talk.stream));
    co_await let_others_run();
    waiting.cancel();
    co_await finished(waiting);
    CHECK(waiting.cancelled());
    talk.send("not lost");
    const std::string kept = co_await read(talk.stream);
    CHECK(kept == "not lost");
    co_await talk.stream.write_eof();
    CHECK(talk.received_to_the_end().empty());
    talk.end();
    const std::string end = co_await read(talk.stream);
    CHECK(end.empty());
}

ASYNC_TEST_CASE("close() of a stream with a place in the table ends what waits, and the connection",
                "[system][stream]") {
    const Talk talk = co_await direct_talk();
    Task<std::string> waiting = rondo::create_task(read(talk.stream));
    co_await let_others_run();
    co_await talk.stream.close();
    co_await finished(waiting);
    CHECK(system_error_of(waiting) == system_code(ECANCELED));
    CHECK(talk.received_to_the_end().empty());
}

ASYNC_TEST_CASE("abort() of a stream with a place in the table resets the connection",
                "[system][stream]") {
    const Talk talk = co_await direct_talk();
    talk.stream.abort();
    char byte = 0;
    CHECK(::recv(talk.peer.get(), &byte, 1, 0) == -1);
    CHECK(errno == ECONNRESET);
}

TEST_CASE("a stream with a place in the table of a loop that is gone works in another",
          "[system][stream]") {
    Talk talk = rondo::run(direct_talk());
    rondo::run([](const Talk& kept) -> Coro<> {
        co_await kept.stream.write("still there");
        co_await read_often(kept);
        co_await kept.stream.close();
    }(talk));
    CHECK(talk.received_to_the_end() == "still there");
}

TEST_CASE("a stream with a place in the table that dies on another thread ends its connection",
          "[system][stream]") {
    rondo::EventLoop loop;
    std::optional<Talk> talk = loop.run_until_complete(direct_talk());
    const Fd peer = std::move(talk->peer);
    std::thread([&] { talk.reset(); }).join();
    char byte = 0;
    CHECK(::recv(peer.get(), &byte, 1, 0) == 0);
    loop.close();
}
