// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/stream.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace std::chrono_literals;
using namespace rondo_test;
using rondo::Coro;
using rondo::Stream;
using rondo::Task;

namespace {

Coro<std::string> read_some(const Stream& stream, std::size_t size) {
    std::string buffer(size, '\0');
    buffer.resize(co_await stream.read_some(buffer));
    co_return buffer;
}

// The buffered reads, each of which takes exactly "first\nsecond\r\n\r\n" from "first\nsecond\r\n\r\nrest".
constexpr std::string_view text = "first\nsecond\r\n\r\nrest";
constexpr std::string_view wanted = "first\nsecond\r\n\r\n";

enum class Read { exactly, until, lines, all };

Coro<std::string> read_wanted(const Stream& stream, Read how) {
    std::string result;
    switch (how) {
    case Read::exactly: {
        result = co_await stream.read_exactly(wanted.size());
        break;
    }
    case Read::until: {
        result = co_await stream.read_until("\r\n\r\n");
        break;
    }
    case Read::lines: {
        while (result.size() < wanted.size()) {
            const std::string line = co_await stream.read_line();
            result += line;
        }
        break;
    }
    case Read::all: {
        result = co_await stream.read_all();
        break;
    }
    }
    co_return result;
}

Coro<> read_text_in_two(Read how, std::size_t cut) {
    const Talk talk = over_unix();
    talk.send(text.substr(0, cut));
    auto reading = rondo::create_task(read_wanted(talk.stream, how));
    co_await let_others_run();
    talk.send(text.substr(cut));
    talk.end();
    const std::string got = co_await std::move(reading);
    const std::string rest = co_await talk.stream.read_all();
    CHECK(got + rest == text);
    CHECK(got == (how == Read::all ? text : wanted));
}

// The peer sends a byte at a time, and before each a read is cancelled or times out.
Coro<> interrupt_at_every_byte(Read how, bool by_timeout) {
    const Talk talk = over_unix();
    for (const char& byte : wanted.substr(0, wanted.size() - 1)) {
        if (how == Read::lines && byte == '\n') {
            continue; // a line that is complete was returned, and is not the stream's any more
        }
        talk.send(std::string_view(&byte, 1));
        if (by_timeout) {
            auto reading = rondo::wait_for(read_wanted(talk.stream, how), 1s);
            auto result = co_await rondo::as_result(std::move(reading));
            CHECK_THROWS_AS(result.value(), rondo::TimeoutError);
        } else {
            auto reading = rondo::create_task(read_wanted(talk.stream, how));
            co_await let_others_run();
            CHECK(reading.cancel());
            co_await finished(reading);
            CHECK(reading.cancelled());
        }
    }
    talk.send(wanted.substr(wanted.size() - 1));
    talk.end();
    const std::string got = co_await talk.stream.read_all();
    std::string expected(wanted);
    if (how == Read::lines) {
        std::erase(expected, '\n');
        expected += '\n';
    }
    CHECK(got == expected);
}

} // namespace

TEST_CASE("a buffered read gives the same wherever its bytes are cut", "[system][stream]") {
    const Read how = GENERATE(Read::exactly, Read::until, Read::lines, Read::all);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        CAPTURE(static_cast<int>(how), cut);
        rondo::testing::run(read_text_in_two(how, cut));
    }
}

TEST_CASE("463: a read that is cancelled after any byte leaves all of them in the stream",
          "[system][stream][cancel]") {
    const Read how = GENERATE(Read::exactly, Read::until, Read::lines, Read::all);
    CAPTURE(static_cast<int>(how));
    rondo::testing::run(interrupt_at_every_byte(how, false));
}

TEST_CASE("a read that times out after any byte leaves all of them in the stream",
          "[system][stream][cancel]") {
    const Read how = GENERATE(Read::exactly, Read::until, Read::lines, Read::all);
    CAPTURE(static_cast<int>(how));
    rondo::testing::run(interrupt_at_every_byte(how, true));
}

namespace {

// A cancellation meets bytes on their way, some turns apart: nobody can say which is first.
Coro<> race_bytes_and_cancellation(int turns) {
    const Talk talk = over_unix();
    std::string taken;
    auto reading = rondo::create_task(read_some(talk.stream, 100));
    co_await let_others_run();
    talk.send("precious");
    for (int turn = 0; turn < turns; ++turn) {
        co_await rondo::sleep(0s);
    }
    reading.cancel();
    const auto result = co_await rondo::as_result(reading);
    if (result) {
        taken = result.value();
    }
    talk.end();
    const std::string rest = co_await talk.stream.read_all();
    CHECK(taken + rest == "precious");
}

} // namespace

TEST_CASE("bytes that race with a cancellation are in the result or in the stream",
          "[system][stream][cancel]") {
    for (int turns = 0; turns < 5; ++turns) {
        CAPTURE(turns);
        rondo::testing::run(race_bytes_and_cancellation(turns));
    }
}

ASYNC_TEST_CASE("a read that was cancelled before it began does not touch the stream",
                "[system][stream][cancel]") {
    const Talk talk = over_unix();
    auto reading = rondo::create_task(read_some(talk.stream, 100));
    reading.cancel();
    talk.send("precious");
    co_await finished(reading);
    CHECK(reading.cancelled());
    const std::string got = co_await read_some(talk.stream, 100);
    CHECK(got == "precious");
}

ASYNC_TEST_CASE("read_some() gives what there is, up to the size of the buffer",
                "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("abcdef");
    const std::string first = co_await read_some(talk.stream, 4);
    CHECK(first == "abcd");
    const std::string second = co_await read_some(talk.stream, 4);
    CHECK(second == "ef");
    talk.end();
    const std::string third = co_await read_some(talk.stream, 4);
    CHECK(third.empty());
    const std::string fourth = co_await read_some(talk.stream, 4);
    CHECK(fourth.empty());
}

ASYNC_TEST_CASE("read_some() empties the buffer before it asks the kernel", "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("line\nrest");
    const std::string line = co_await talk.stream.read_line();
    CHECK(line == "line\n");
    talk.send("more");
    const std::string rest = co_await read_some(talk.stream, 100);
    CHECK(rest == "rest");
    const std::string more = co_await read_some(talk.stream, 100);
    CHECK(more == "more");
}

ASYNC_TEST_CASE("439: read(n) gives what there is, at most n bytes, and keeps the rest",
                "[system][stream]") {
    const Talk talk = over_unix();
    auto waiting = rondo::create_task(talk.stream.read(4));
    co_await let_others_run();
    CHECK_FALSE(waiting.done());
    talk.send("abcdef");
    const std::string first = co_await waiting;
    CHECK(first == "abcd");
    const std::string second = co_await talk.stream.read(100);
    CHECK(second == "ef");
    talk.end();
    const std::string third = co_await talk.stream.read(100);
    CHECK(third.empty());
}

ASYNC_TEST_CASE("a read of nothing gives nothing, and does not wait", "[system][stream]") {
    const Talk talk = over_unix();
    const std::string some = co_await read_some(talk.stream, 0);
    CHECK(some.empty());
    const std::string up_to = co_await talk.stream.read(0);
    CHECK(up_to.empty());
    const std::string exactly = co_await talk.stream.read_exactly(0); // 458
    CHECK(exactly.empty());
    CHECK_FALSE(talk.stream.at_eof());
}

ASYNC_TEST_CASE("441: read_all() gives everything up to the end", "[system][stream]") {
    const Talk talk = over_unix();
    const std::string sent = pattern(3'000'000);
    auto sender = rondo::create_task(
        [](const Talk& to, std::string bytes) -> Coro<> {
            const Stream out = Stream::from_native(checked(::dup(to.peer.get())));
            co_await out.write(bytes);
            co_await out.write_eof();
        },
        std::cref(talk), sent);
    const std::string got = co_await talk.stream.read_all();
    CHECK(got == sent);
    CHECK(talk.stream.at_eof());
    co_await sender;
    const std::string more = co_await talk.stream.read_all();
    CHECK(more.empty());
}

ASYNC_TEST_CASE("456: read_exactly() is not bound by the limit", "[system][stream]") {
    const Talk talk = over_unix({.limit = 10});
    const std::string sent = pattern(1'000'000);
    auto sender = rondo::create_task(
        [](const Talk& to, std::string bytes) -> Coro<> {
            const Stream out = Stream::from_native(checked(::dup(to.peer.get())));
            co_await out.write(bytes);
        },
        std::cref(talk), sent);
    const std::string first = co_await talk.stream.read_exactly(7);
    CHECK(first == sent.substr(0, 7));
    const std::string second = co_await talk.stream.read_exactly(999'000);
    CHECK(second == sent.substr(7, 999'000));
    const std::string third = co_await talk.stream.read_exactly(993);
    CHECK(third == sent.substr(999'007));
    co_await sender;
}

ASYNC_TEST_CASE("457: read_exactly() at the end throws what there was, and empties the buffer",
                "[system][stream]") {
    for (std::size_t size = 0; size < 5; ++size) {
        const Talk talk = over_unix();
        talk.send(std::string_view("abcde").substr(0, size));
        talk.end();
        auto reading = rondo::create_task(talk.stream.read_exactly(5));
        co_await finished(reading);
        try {
            reading.result();
            FAIL("it returned");
        } catch (const rondo::IncompleteReadError& error) {
            CHECK(error.partial() == std::string_view("abcde").substr(0, size));
            CHECK(error.expected() == std::optional<std::size_t>(5));
        }
        CHECK(talk.stream.at_eof());
    }
}

ASYNC_TEST_CASE("read_exactly() allocates for what has come, not for what was announced",
                "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("abc");
    talk.end();
    auto reading = rondo::create_task(talk.stream.read_exactly(std::size_t{1} << 60U));
    co_await finished(reading);
    CHECK_THROWS_AS(reading.result(), rondo::IncompleteReadError);
}

ASYNC_TEST_CASE("read_until() at the end throws what there was, and empties the buffer",
                "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("abc\r");
    talk.end();
    auto reading = rondo::create_task(talk.stream.read_until("\r\n"));
    co_await finished(reading);
    try {
        reading.result();
        FAIL("it returned");
    } catch (const rondo::IncompleteReadError& error) {
        CHECK(error.partial() == "abc\r");
        CHECK_FALSE(error.expected());
    }
    CHECK(talk.stream.at_eof());
}

ASYNC_TEST_CASE("read_until() takes separators of any length, and leaves what follows",
                "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("a--b----c--boundary--d");
    const std::string first = co_await talk.stream.read_until("--");
    CHECK(first == "a--");
    const std::string second = co_await talk.stream.read_until("---");
    CHECK(second == "b---");
    const std::string third = co_await talk.stream.read_until("--boundary--");
    CHECK(third == "-c--boundary--");
    const std::string fourth = co_await talk.stream.read(100);
    CHECK(fourth == "d");
}

ASYNC_TEST_CASE("read_until() refuses an empty separator", "[system][stream]") {
    const Talk talk = over_unix();
    auto reading = rondo::create_task(talk.stream.read_until(""));
    co_await finished(reading);
    CHECK_THROWS_AS(reading.result(), std::invalid_argument);
}

ASYNC_TEST_CASE("a separator may come right behind the limit, and no later", "[system][stream]") {
    const Talk talk = over_unix({.limit = 8});
    CHECK(talk.stream.limit() == 8);
    talk.send("12345678\r\n");
    const std::string fits = co_await talk.stream.read_until("\r\n");
    CHECK(fits == "12345678\r\n");

    talk.send("123456789\r\nnext\r\n");
    auto too_long = rondo::create_task(talk.stream.read_until("\r\n"));
    co_await finished(too_long);
    std::size_t consumed = 0;
    try {
        too_long.result();
        FAIL("it returned");
    } catch (const rondo::LimitOverrunError& error) {
        consumed = error.consumed();
    }
    CHECK(consumed == 9);
    // Nothing is lost, and the stream is not stuck.
    const std::string skipped = co_await talk.stream.read_exactly(consumed);
    CHECK(skipped == "123456789");
    const std::string separator = co_await talk.stream.read_until("\r\n");
    CHECK(separator == "\r\n");
    const std::string next = co_await talk.stream.read_until("\r\n");
    CHECK(next == "next\r\n");
}

ASYNC_TEST_CASE("a separator that does not come is given up when the limit is passed",
                "[system][stream]") {
    const Talk talk = over_unix({.limit = 8});
    talk.send("123456789\r");
    auto reading = rondo::create_task(talk.stream.read_until("\r\n"));
    co_await finished(reading);
    std::size_t consumed = 0;
    try {
        reading.result();
        FAIL("it returned");
    } catch (const rondo::LimitOverrunError& error) {
        consumed = error.consumed();
    }
    CHECK(consumed == 9); // what has been searched: the \r may be the separator's
    const std::string skipped = co_await talk.stream.read_exactly(consumed);
    CHECK(skipped == "123456789");
    talk.send("\n");
    const std::string rest = co_await talk.stream.read_until("\r\n");
    CHECK(rest == "\r\n");
}

ASYNC_TEST_CASE("449: read_line() drops a line that is longer than the limit, and no other",
                "[system][stream]") {
    const Talk talk = over_unix({.limit = 3});
    talk.send("line1\nab\n");
    auto reading = rondo::create_task(talk.stream.read_line());
    co_await finished(reading);
    CHECK_THROWS_AS(reading.result(), rondo::LimitOverrunError);
    const std::string next = co_await talk.stream.read_line();
    CHECK(next == "ab\n");

    talk.send("abcd"); // the end of this line is not in sight
    auto again = rondo::create_task(talk.stream.read_line());
    co_await finished(again);
    CHECK_THROWS_AS(again.result(), rondo::LimitOverrunError);
    talk.send("e\nxyz\n");
    const std::string tail = co_await talk.stream.read_line();
    CHECK(tail == "e\n");
    const std::string line = co_await talk.stream.read_line();
    CHECK(line == "xyz\n");
}

ASYNC_TEST_CASE("461: lines come one by one, the last with or without its end",
                "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("one\n\ntwo\nthree");
    talk.end();
    std::vector<std::string> lines;
    for (;;) {
        const std::string line = co_await talk.stream.read_line();
        if (line.empty()) {
            break;
        }
        lines.push_back(line);
    }
    CHECK(lines == std::vector<std::string>{"one\n", "\n", "two\n", "three"});
}

ASYNC_TEST_CASE("a long line grows the buffer up to the limit", "[system][stream]") {
    const Talk talk = over_unix();
    const std::string line = std::string(65536, 'x') + '\n';
    auto sender = rondo::create_task(
        [](const Talk& to, std::string bytes) -> Coro<> {
            const Stream out = Stream::from_native(checked(::dup(to.peer.get())));
            co_await out.write(bytes);
            co_await out.write(bytes);
        },
        std::cref(talk), line);
    const std::string first = co_await talk.stream.read_line();
    CHECK(first == line);
    const std::string second = co_await talk.stream.read_line();
    CHECK(second == line);
    co_await sender;
}

ASYNC_TEST_CASE("460: a stream is at its end when that has been seen and all before it read",
                "[system][stream]") {
    const Talk talk = over_unix();
    CHECK_FALSE(talk.stream.at_eof());
    talk.send("some\ndata");
    const std::string line = co_await talk.stream.read_line();
    CHECK_FALSE(talk.stream.at_eof());
    talk.end();
    const std::string partial = co_await talk.stream.read(2);
    CHECK(partial == "da");
    CHECK_FALSE(talk.stream.at_eof());
    const std::string rest = co_await talk.stream.read_all();
    CHECK(rest == "ta");
    CHECK(talk.stream.at_eof());
}

ASYNC_TEST_CASE("a second task that reads is refused, and does not disturb the first",
                "[system][stream]") {
    const Talk talk = over_unix();
    auto first = rondo::create_task(talk.stream.read_exactly(6));
    co_await let_others_run();
    talk.send("abc");
    co_await let_others_run();

    auto some = rondo::create_task(read_some(talk.stream, 10));
    auto line = rondo::create_task(talk.stream.read_line());
    co_await let_others_run();
    CHECK_THROWS_AS(some.result(), std::logic_error);
    CHECK_THROWS_AS(line.result(), std::logic_error);
    CHECK(message_of(line) == "rondo: another task is reading from this stream: let one task read "
                              "for all, or take turns with a Lock");
    std::array<char, 10> buffer{};
    const auto result = co_await rondo::as_result(talk.stream.read_some(buffer));
    CHECK_THROWS_AS(result.value(), std::logic_error);

    talk.send("defghi");
    const std::string got = co_await first;
    CHECK(got == "abcdef");
    const std::string rest = co_await talk.stream.read(10);
    CHECK(rest == "ghi");
}

ASYNC_TEST_CASE("a task may read while another writes", "[system][stream]") {
    const Talk talk = over_unix();
    auto reading = rondo::create_task(talk.stream.read_line());
    co_await let_others_run();
    co_await talk.stream.write("question\n");
    CHECK(talk.received() == "question\n");
    talk.send("answer\n");
    const std::string answer = co_await reading;
    CHECK(answer == "answer\n");
}

ASYNC_TEST_CASE("459, 470: a connection that was reset is an error, however often it is read",
                "[system][stream]") {
    Talk talk = over_tcp();
    auto reading = rondo::create_task(talk.stream.read_exactly(10));
    co_await let_others_run();
    talk.reset();
    co_await finished(reading);
    CHECK(system_error_of(reading) == system_code(ECONNRESET));
    CHECK(message_of(reading) == "rondo: recv: Connection reset by peer");

    std::array<char, 10> buffer{};
    const auto some = co_await rondo::as_result(talk.stream.read_some(buffer));
    CHECK(some.error() == system_code(ECONNRESET));
    auto line = rondo::create_task(talk.stream.read_line());
    co_await finished(line);
    CHECK(system_error_of(line) == system_code(ECONNRESET));
    auto all = rondo::create_task(talk.stream.read_all());
    co_await finished(all);
    CHECK(system_error_of(all) == system_code(ECONNRESET));
    CHECK_FALSE(talk.stream.at_eof());
}

ASYNC_TEST_CASE("a reset that a write was told of is no end of the stream for reads",
                "[system][stream]") {
    Talk talk = over_tcp();
    talk.reset();
    const auto written = co_await rondo::as_result(talk.stream.write("x"));
    CHECK(written.error() == system_code(ECONNRESET));
    std::array<char, 10> buffer{};
    const auto got = co_await rondo::as_result(talk.stream.read_some(buffer));
    CHECK(got.error() == system_code(ECONNRESET));
}

ASYNC_TEST_CASE("what came before a reset can still be read", "[system][stream]") {
    Talk talk = over_tcp();
    talk.send("line\nrest");
    const std::string line = co_await talk.stream.read_line();
    CHECK(line == "line\n");
    talk.reset();
    auto failing = rondo::create_task(talk.stream.read_line());
    co_await finished(failing);
    CHECK(system_error_of(failing) == system_code(ECONNRESET));
    const std::string rest = co_await talk.stream.read(10);
    CHECK(rest == "rest");
}

ASYNC_TEST_CASE("a read is awaited without exceptions by as_result()", "[system][stream]") {
    const Talk talk = over_unix();
    talk.send("abc");
    std::array<char, 10> buffer{};
    const auto got = co_await rondo::as_result(talk.stream.read_some(buffer));
    CHECK(got.value() == 3);
    talk.end();
    const auto end = co_await rondo::as_result(talk.stream.read_some(buffer));
    CHECK(end.value() == 0);
}

ASYNC_TEST_CASE("a read_some() may be kept and awaited again", "[system][stream]") {
    const Talk talk = over_unix();
    std::array<char, 2> buffer{};
    const auto read = talk.stream.read_some(buffer);
    talk.send("abcd");
    const std::size_t first = co_await read;
    CHECK(std::string_view(buffer.data(), first) == "ab");
    const std::size_t second = co_await read;
    CHECK(std::string_view(buffer.data(), second) == "cd");
}

ASYNC_TEST_CASE("446: a limit of 0 is refused", "[system][stream]") {
    Ends ends = sockets();
    CHECK_THROWS_AS(Stream::from_native(ends.in.get(), {.limit = 0}), std::invalid_argument);
    auto connecting = rondo::create_task(rondo::open_connection("127.0.0.1", 1, {.limit = 0}));
    co_await finished(connecting);
    CHECK_THROWS_AS(connecting.result(), std::invalid_argument);
}
