// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/poll_multishot.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/sleep.hpp>

#include <cerrno>
#include <string>

#include "descriptors.hpp"
#include "ring_filter.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::Coro;
using rondo::create_task;
using rondo::get_running_loop;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

using Readiness = io::ReadinessStream;

Coro<int> next_events(Readiness& readiness) {
    const auto events = co_await readiness.next();
    co_return events.value_or(-1);
}

} // namespace

ASYNC_TEST_CASE("a stream of readiness tells each time that something comes", "[io][multishot]") {
    const Ends ends = pipe();
    auto readiness = io::poll_multishot(ends.in.get(), POLLIN);
    for (int round = 0; round < 20; ++round) {
        auto next = create_task(next_events(readiness));
        co_await let_others_run();
        CHECK_FALSE(next.done());
        ends.put("x");
        const int events = co_await next;
        CHECK(events == POLLIN);
        CHECK(ends.get() == "x");
    }
}

ASYNC_TEST_CASE("a stream of readiness is one request", "[io][multishot]") {
    const Ends ends = pipe();
    auto readiness = io::poll_multishot(ends.in.get(), POLLIN);
    ends.put("x");
    const int first = co_await next_events(readiness);
    CHECK(first == POLLIN);
    const auto submitted = get_running_loop().metrics().submitted;
    for (int round = 0; round < 20; ++round) {
        ends.put("x");
        const int events = co_await next_events(readiness);
        CHECK(events == POLLIN);
    }
    CHECK(get_running_loop().metrics().submitted == submitted);
}

ASYNC_TEST_CASE("readiness that nobody has asked for yet is told at once, and once",
                "[io][multishot]") {
    Ends ends = sockets();
    auto readiness = io::poll_multishot(ends.in.get(), POLLIN | POLLRDHUP);
    ends.put("x");
    const int first = co_await next_events(readiness);
    CHECK(first == POLLIN);
    ends.put("y");
    co_await let_others_run();
    ends.out.close();
    co_await let_others_run();
    const int both = co_await next_events(readiness);
    CHECK((both & POLLIN) != 0);
    CHECK((both & POLLRDHUP) != 0);
}

ASYNC_TEST_CASE("a stream of readiness survives the end of its request", "[io][multishot]") {
    Ends ends = sockets();
    auto readiness = io::poll_multishot(ends.in.get(), POLLIN);
    ends.out.close();
    // Whether it stays armed or is armed anew, a descriptor that is hung up is ready for ever, and
    // no reason to spin.
    const auto before = get_running_loop().metrics();
    const int first = co_await next_events(readiness);
    CHECK((first & POLLHUP) != 0);
    co_await rondo::sleep(1h);
    const auto after = get_running_loop().metrics();
    CHECK(after.completed - before.completed < 10);
    readiness.stop();
    int events = 0;
    do {
        events = co_await next_events(readiness);
    } while (events > 0);
    CHECK(events == -1);
}

ASYNC_TEST_CASE("a cancelled wait for readiness misses nothing", "[io][multishot][cancel]") {
    const Ends ends = pipe();
    auto readiness = io::poll_multishot(ends.in.get(), POLLIN);
    auto waiting = create_task(next_events(readiness));
    co_await let_others_run();
    waiting.cancel();
    const auto result = co_await as_result(waiting);
    CHECK(result.cancelled());
    ends.put("x");
    co_await let_others_run();
    const int events = co_await next_events(readiness);
    CHECK(events == POLLIN);
}

ASYNC_TEST_CASE("a stream of readiness ends by stop(), by destruction, by an error",
                "[io][multishot]") {
    const Ends ends = pipe();
    {
        auto destroyed = io::poll_multishot(ends.in.get(), POLLIN);
        auto waiting = create_task(next_events(destroyed));
        co_await let_others_run();
        waiting.cancel();
        const auto result = co_await as_result(waiting);
        CHECK(result.cancelled());
    }
    auto stopped = io::poll_multishot(ends.in.get(), POLLIN);
    auto waiting = create_task(next_events(stopped));
    co_await let_others_run();
    stopped.stop();
    const int end = co_await waiting;
    CHECK(end == -1);

    auto failing = io::poll_multishot(-1, POLLIN);
    const auto result = co_await as_result(failing.next());
    CHECK(result.error() == std::errc::bad_file_descriptor);
    CHECK(result.operation() == std::string("poll_multishot"));
}

ASYNC_TEST_CASE("where multishot is not to be had, one-shot polls do, and do not spin",
                "[io][multishot]") {
    const Ends ends = pipe();
    const auto before = get_running_loop().metrics();
    auto readiness = io::poll_multishot(-1, POLLIN);
    {
        bool first = true;
        const RingFilter filter([&](int& result, unsigned&) {
            if (result == -EBADF && first) {
                first = false;
                result = -EINVAL;
            }
        });
        const auto result = co_await as_result(readiness.next());
        CHECK(result.error() == std::errc::bad_file_descriptor); // of the one-shot poll
        CHECK(filter.changed() == 1);
    }
    const auto after = get_running_loop().metrics();
    CHECK(after.completed - before.completed == 2);
}
