// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/stream.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <rondo/as_result.hpp>
#include <rondo/buffer.hpp>
#include <rondo/create_task.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace std::chrono_literals;
using namespace rondo_test;
using rondo::ConstBuffer;
using rondo::Coro;
using rondo::Stream;
using rondo::Task;

namespace {

constexpr std::size_t more_than_fits = 4'000'000; // between two sockets

Coro<> write(const Stream& stream, std::string text) {
    co_await stream.write(text);
}

// Fills what the kernel holds for the peer, so that the next write has to wait before its first
// byte. Returns how much that was.
std::size_t fill_up(const Stream& stream) {
    const std::string block(4096, '.');
    std::size_t total = 0;
    for (ssize_t sent = 0;
         (sent = ::send(stream.native_handle(), block.data(), block.size(), MSG_DONTWAIT)) > 0;) {
        total += static_cast<std::size_t>(sent);
    }
    return total;
}

// Receives on the peer's side until `size` bytes are there, giving the writers their turns.
Coro<std::string> receive(const Talk& talk, std::size_t size) {
    std::string all;
    while (all.size() < size) {
        all += talk.received();
        co_await rondo::sleep(0s);
    }
    co_return all;
}

} // namespace

ASYNC_TEST_CASE("a write completes when all is sent, however much it is", "[system][stream]") {
    const Talk talk = over_unix();
    const std::string sent = pattern(more_than_fits);
    auto writing = rondo::create_task(write(talk.stream, sent));
    co_await let_others_run();
    CHECK_FALSE(writing.done());
    const std::string got = co_await receive(talk, sent.size());
    CHECK(got == sent);
    co_await writing;
}

ASYNC_TEST_CASE("471: writes arrive in the order in which they were awaited", "[system][stream]") {
    const Talk talk = over_unix();
    co_await talk.stream.write("one ");
    co_await talk.stream.write("two ");
    const std::string three = "three";
    co_await talk.stream.write(three);
    CHECK(talk.received() == "one two three");
}

TEST_CASE("the writes of several tasks never mix, and go first come, first served",
          "[system][stream]") {
    run_in_order([]() -> Coro<> {
        const Talk talk = over_unix();
        constexpr std::size_t size = 300'000; // none fits into the socket as a whole
        std::vector<Task<>> tasks;
        std::string expected;
        for (char letter = 'a'; letter < 'k'; ++letter) {
            tasks.push_back(rondo::create_task(write(talk.stream, std::string(size, letter))));
            expected += std::string(size, letter);
        }
        const std::string got = co_await receive(talk, expected.size());
        CHECK((got == expected));
        co_await rondo::gather(std::move(tasks));
    });
}

ASYNC_TEST_CASE("476: several buffers are written as one", "[system][stream]") {
    const Talk talk = over_unix();
    const std::string body = "body";
    co_await talk.stream.write("head:", body);
    co_await talk.stream.write(body, std::string_view("-"), body, "", std::string("!"));
    std::vector<ConstBuffer> none;
    co_await talk.stream.write(none);
    CHECK(talk.received() == "head:bodybody-body!");
}

ASYNC_TEST_CASE("any number of buffers of any size is written as one", "[system][stream]") {
    const Talk talk = over_unix();
    std::vector<std::string> pieces;
    std::vector<ConstBuffer> buffers;
    std::string expected;
    for (unsigned i = 0; i < 100; ++i) {
        const std::size_t size = i % 3 == 0 ? 0 : i % 10 == 1 ? 100'000 : i;
        pieces.push_back(pattern(size, i));
    }
    for (const std::string& piece : pieces) {
        buffers.emplace_back(piece);
        expected += piece;
    }
    auto writing = rondo::create_task(
        [](const Talk& to, std::vector<ConstBuffer> all) -> Coro<> {
            co_await to.stream.write(all);
        },
        std::cref(talk), buffers);
    auto other = rondo::create_task(write(talk.stream, "end"));
    const std::string got = co_await receive(talk, expected.size() + 3);
    // Which of the two tasks begins is the loop's business.
    CHECK((got == expected + "end" || got == "end" + expected));
    co_await writing;
    co_await other;
}

ASYNC_TEST_CASE("473: an empty write does nothing, and waits for nobody", "[system][stream]") {
    const Talk talk = over_unix();
    auto blocked = rondo::create_task(write(talk.stream, std::string(more_than_fits, 'x')));
    co_await let_others_run();
    co_await talk.stream.write("");
    co_await talk.stream.write("", "");
    CHECK_FALSE(blocked.done());
    blocked.cancel();
    co_await finished(blocked);
}

ASYNC_TEST_CASE("a write that is cancelled while it waits for its turn has no effect",
                "[system][stream][cancel]") {
    const Talk talk = over_unix();
    const std::string first = pattern(more_than_fits, 1);
    auto writing = rondo::create_task(write(talk.stream, first));
    co_await let_others_run();
    auto second = rondo::create_task(write(talk.stream, "second"));
    co_await let_others_run();
    auto third = rondo::create_task(write(talk.stream, "third"));
    co_await let_others_run();
    second.cancel();
    co_await finished(second);
    CHECK(second.cancelled());

    const std::string got = co_await receive(talk, first.size() + 5);
    CHECK((got == first + "third"));
    co_await writing;
    co_await third;
}

ASYNC_TEST_CASE("a write that is cancelled before its first byte has no effect",
                "[system][stream][cancel]") {
    const Talk talk = over_unix();
    const std::size_t before = fill_up(talk.stream);
    auto writing = rondo::create_task(write(talk.stream, "cancelled"));
    co_await let_others_run();
    auto next = rondo::create_task(write(talk.stream, "next"));
    co_await let_others_run();
    writing.cancel();
    co_await finished(writing);
    CHECK(writing.cancelled());

    const std::string got = co_await receive(talk, before + 4);
    CHECK(got.substr(before) == "next");
    co_await next;
    co_await talk.stream.write("more");
    CHECK(talk.received() == "more");
}

ASYNC_TEST_CASE("a write that times out before its first byte has no effect",
                "[system][stream][cancel]") {
    const Talk talk = over_unix();
    const std::size_t before = fill_up(talk.stream);
    auto limited = rondo::wait_for(talk.stream.write("late"), 1s);
    const auto result = co_await rondo::as_result(std::move(limited));
    CHECK_THROWS_AS(result.value(), rondo::TimeoutError);
    CHECK(talk.received().size() == before);
    co_await talk.stream.write("next");
    CHECK(talk.received() == "next");
}

ASYNC_TEST_CASE("a write that is cancelled half-way breaks the stream for writes only",
                "[system][stream][cancel]") {
    const Talk talk = over_unix();
    const std::string long_text = pattern(more_than_fits);
    auto writing = rondo::create_task(write(talk.stream, long_text));
    auto waiting = rondo::create_task(write(talk.stream, "waiting"));
    co_await let_others_run();
    // Which of the two is first is the loop's business: then the short one is done already.
    const bool short_first = waiting.done();
    writing.cancel();
    co_await finished(writing);
    CHECK(writing.cancelled());
    if (!short_first) {
        co_await finished(waiting);
        CHECK(system_error_of(waiting) == system_code(EPIPE));
    }

    const auto later = co_await rondo::as_result(talk.stream.write("later"));
    CHECK(later.error() == system_code(EPIPE));
    auto thrown = rondo::create_task(write(talk.stream, "later"));
    co_await finished(thrown);
    CHECK(message_of(thrown) ==
          "rondo: an earlier write to this stream was cut short: Broken pipe");

    // What arrived is the beginning of what was written, and nothing after it.
    std::string got = talk.received();
    if (short_first) {
        got.erase(0, 7);
    }
    CHECK(!got.empty());
    CHECK(got.size() < long_text.size());
    CHECK((got == long_text.substr(0, got.size())));

    talk.send("answer\n");
    const std::string answer = co_await talk.stream.read_line();
    CHECK(answer == "answer\n");
}

ASYNC_TEST_CASE("a write that was cancelled before it began does not touch the stream",
                "[system][stream][cancel]") {
    const Talk talk = over_unix();
    auto writing = rondo::create_task(write(talk.stream, "never"));
    writing.cancel();
    co_await finished(writing);
    CHECK(writing.cancelled());
    co_await talk.stream.write("this");
    CHECK(talk.received() == "this");
}

namespace {

// A cancellation meets a write that is about to complete, some turns apart.
Coro<> race_write_and_cancellation(int turns) {
    const Talk talk = over_unix();
    auto writing = rondo::create_task(write(talk.stream, "text"));
    for (int turn = 0; turn < turns; ++turn) {
        co_await rondo::sleep(0s);
    }
    writing.cancel();
    co_await finished(writing);
    const std::string got = talk.received();
    CHECK(got == (writing.cancelled() ? "" : "text"));
    co_await talk.stream.write("next");
    CHECK(talk.received() == "next");
}

} // namespace

TEST_CASE("a write that races with a cancellation is sent or cancelled, never both",
          "[system][stream][cancel]") {
    for (int turns = 0; turns < 5; ++turns) {
        CAPTURE(turns);
        rondo::testing::run(race_write_and_cancellation(turns));
    }
}

ASYNC_TEST_CASE("480: a write to a peer that is gone is an error, and no signal",
                "[system][stream]") {
    Talk talk = over_unix();
    auto waiting = rondo::create_task(write(talk.stream, std::string(more_than_fits, 'x')));
    co_await let_others_run();
    talk.peer.close();
    co_await finished(waiting);
    CHECK(system_error_of(waiting));
    const auto later = co_await rondo::as_result(talk.stream.write("x"));
    CHECK(later.error() == system_code(EPIPE));
}

ASYNC_TEST_CASE("a write to a connection that was reset names the operation", "[system][stream]") {
    Talk talk = over_tcp();
    talk.reset();
    auto writing = rondo::create_task(write(talk.stream, "x"));
    co_await finished(writing);
    CHECK(message_of(writing) == "rondo: send: Connection reset by peer");
    auto several = rondo::create_task(
        [](const Stream& to) -> Coro<> { co_await to.write("x", "y"); }, std::cref(talk.stream));
    co_await finished(several);
    CHECK(message_of(several) == "rondo: sendmsg: Broken pipe");
}

ASYNC_TEST_CASE("488: write_eof() ends the sending side behind what was written; reading goes on",
                "[system][stream]") {
    const Talk talk = over_unix();
    const std::string text = pattern(more_than_fits);
    auto writing = rondo::create_task(write(talk.stream, text));
    co_await let_others_run();
    auto ending =
        rondo::create_task([](const Stream& stream) -> Coro<> { co_await stream.write_eof(); },
                           std::cref(talk.stream));
    co_await let_others_run();
    CHECK_FALSE(ending.done());

    const std::string got = co_await receive(talk, text.size());
    CHECK((got == text));
    co_await writing;
    co_await ending;
    CHECK(talk.received_to_the_end().empty());

    talk.send("still there");
    const std::string answer = co_await talk.stream.read(100);
    CHECK(answer == "still there");
}

ASYNC_TEST_CASE("489: after write_eof() writes throw, and another write_eof() does nothing",
                "[system][stream]") {
    const Talk talk = over_unix();
    co_await talk.stream.write_eof();
    co_await talk.stream.write_eof();
    auto writing = rondo::create_task(write(talk.stream, "x"));
    co_await finished(writing);
    CHECK(system_error_of(writing) == system_code(EPIPE));
    CHECK(message_of(writing) ==
          "rondo: this stream was written to after write_eof(): Broken pipe");

    co_await talk.stream.close();
    co_await talk.stream.write_eof();
}

ASYNC_TEST_CASE("a write_eof() that is cancelled while it waits for its turn has no effect",
                "[system][stream][cancel]") {
    const Talk talk = over_unix();
    auto writing = rondo::create_task(write(talk.stream, std::string(more_than_fits, 'x')));
    co_await let_others_run();
    auto ending =
        rondo::create_task([](const Stream& stream) -> Coro<> { co_await stream.write_eof(); },
                           std::cref(talk.stream));
    co_await let_others_run();
    ending.cancel();
    co_await finished(ending);
    CHECK(ending.cancelled());
    const std::string got = co_await receive(talk, more_than_fits);
    CHECK(got.size() == more_than_fits);
    co_await writing;
    co_await talk.stream.write("more");
    CHECK(talk.received() == "more");
}

ASYNC_TEST_CASE("write_eof() on a connection that was reset is an error", "[system][stream]") {
    Talk talk = over_tcp();
    talk.reset();
    const auto ended = co_await rondo::as_result(talk.stream.write_eof());
    CHECK(ended.error() == system_code(ENOTCONN));
}
