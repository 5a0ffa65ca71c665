// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Callbacks: call_soon, call_later, call_at, and their handles.

#include <rondo/event_loop.hpp>

#include <rondo/sleep.hpp>

#include "base/allocations.hpp"
#include "child.hpp"
#include "loops.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::EventLoop;
using rondo_test::CapturedErrors;
using rondo_test::Ends;
using rondo_test::real_time;
using rondo_test::real_time_in_order;
using rondo_test::Tracked;
using rondo_test::virtual_time_in_order;

namespace {

// Runs the loop until nothing is ready and no timer is left.
void run_dry(EventLoop& loop) {
    while (loop.metrics().ready != 0 || loop.metrics().timers != 0) {
        loop.run_once();
    }
}

} // namespace

TEST_CASE("call_soon runs the callback once, in the next turn and not inside the call",
          "[loop][callbacks][b33]") {
    EventLoop loop(virtual_time_in_order());
    int ran = 0;
    loop.call_soon([&, argument = std::make_unique<int>(3)] { ran += *argument; });
    CHECK(ran == 0);
    loop.run_once(0s);
    CHECK(ran == 3);
    loop.run_once(0s);
    CHECK(ran == 3);
}

TEST_CASE("call_soon is first in, first out", "[loop][callbacks][b34]") {
    EventLoop loop(virtual_time_in_order());
    std::vector<int> order;
    for (int number = 0; number < 1000; ++number) {
        loop.call_soon([&order, number] { order.push_back(number); });
    }
    run_dry(loop);
    REQUIRE(order.size() == 1000);
    for (int number = 0; number < 1000; ++number) {
        REQUIRE(order[static_cast<std::size_t>(number)] == number);
    }
}

TEST_CASE("a callback that is added by a callback runs in the next turn",
          "[loop][callbacks][b35]") {
    EventLoop loop(virtual_time_in_order());
    std::string trace;
    loop.call_soon([&] {
        trace += 'a';
        loop.call_soon([&] { trace += 'c'; });
    });
    loop.call_soon([&] { trace += 'b'; });
    loop.run_once(0s);
    CHECK(trace == "ab");
    loop.run_once(0s);
    CHECK(trace == "abc");
}

TEST_CASE("a cancelled handle is never run", "[loop][callbacks][b36]") {
    EventLoop loop(virtual_time_in_order());
    bool ran = false;
    rondo::Handle before = loop.call_soon([&] { ran = true; });
    before.cancel();
    rondo::Handle within;
    loop.call_soon([&] { within.cancel(); });
    within = loop.call_soon([&] { ran = true; });
    rondo::TimerHandle timer = loop.call_later(1s, [&] { ran = true; });
    timer.cancel();
    CHECK(loop.metrics().timers == 0);
    run_dry(loop);
    CHECK_FALSE(ran);
}

TEST_CASE("cancel lets go of what the callback holds, at once and once", "[loop][callbacks][b37]") {
    EventLoop loop(real_time());
    const auto before = Tracked::counts.alive;
    rondo::Handle soon = loop.call_soon([held = Tracked(1)] { (void)held; });
    rondo::TimerHandle later = loop.call_later(1h, [held = Tracked(2)] { (void)held; });
    CHECK(Tracked::counts.alive == before + 2);
    CHECK_FALSE(soon.cancelled());
    CHECK_FALSE(later.cancelled());
    soon.cancel();
    later.cancel();
    CHECK(Tracked::counts.alive == before);
    CHECK(soon.cancelled());
    CHECK(later.cancelled());
    soon.cancel();
    later.cancel();
    CHECK(soon.cancelled());
    CHECK(later.cancelled());
}

TEST_CASE("a handle may be dropped, or cancelled after its callback has run",
          "[loop][callbacks][b37]") {
    EventLoop loop(virtual_time_in_order());
    int ran = 0;
    loop.call_soon([&] { ++ran; });
    loop.call_later(1s, [&] { ++ran; });
    rondo::TimerHandle kept = loop.call_later(2s, [&] { ++ran; });
    run_dry(loop);
    CHECK(ran == 3);
    kept.cancel();
    CHECK(kept.cancelled());
    rondo::Handle none;
    none.cancel();
    CHECK_FALSE(none.cancelled());
}

TEST_CASE("a callback may cancel its own handle", "[loop][callbacks][b37]") {
    EventLoop loop(virtual_time_in_order());
    const auto before = Tracked::counts.alive;
    int seen = 0;
    rondo::Handle handle;
    handle = loop.call_soon([&, held = Tracked(5)] {
        handle.cancel();
        seen = held.number(); // still there
    });
    run_dry(loop);
    CHECK(seen == 5);
    CHECK(Tracked::counts.alive == before);
}

TEST_CASE("call_at goes by the loop's clock, and the handle tells the deadline",
          "[loop][callbacks][b41][b42]") {
    EventLoop loop(virtual_time_in_order());
    const auto when = loop.time() + 90s;
    rondo::Clock::time_point rang{};
    const rondo::TimerHandle at = loop.call_at(when, [&] { rang = loop.time(); });
    CHECK(at.when() == when);
    const rondo::TimerHandle later = loop.call_later(1min, [] {});
    CHECK(later.when() == loop.time() + 1min);
    run_dry(loop);
    CHECK(rang == when);
}

TEST_CASE("on the real clock a timer is never early", "[loop][callbacks][b41]") {
    EventLoop loop(real_time());
    const auto start = rondo::Clock::now();
    rondo::Clock::time_point rang{};
    loop.call_later(10ms, [&] {
        rang = rondo::Clock::now();
        loop.stop();
    });
    loop.run_forever();
    CHECK(rang - start >= 10ms);
}

TEST_CASE("timers run in the order of their deadlines, negative delays first",
          "[loop][callbacks][b45]") {
    const auto options = GENERATE(real_time_in_order(), virtual_time_in_order());
    EventLoop loop(options);
    std::string trace;
    loop.call_later(3ms, [&] { trace += 'f'; });
    loop.call_later(-1s, [&] { trace += 'b'; });
    loop.call_later(1ms, [&] { trace += 'd'; });
    loop.call_later(-2s, [&] { trace += 'a'; });
    loop.call_later(2ms, [&] { trace += 'e'; });
    loop.call_later(0s, [&] { trace += 'c'; });
    run_dry(loop);
    CHECK(trace == "abcdef");
}

TEST_CASE("timers with the same deadline run in the order of registration",
          "[loop][callbacks][b45]") {
    EventLoop loop(virtual_time_in_order());
    std::vector<int> order;
    const auto when = loop.time() + 1s;
    std::vector<rondo::TimerHandle> handles;
    for (int number = 0; number < 300; ++number) {
        handles.push_back(loop.call_at(when, [&order, number] { order.push_back(number); }));
    }
    for (std::size_t number = 0; number < 300; number += 3) {
        handles[number].cancel(); // what leaves from the middle does not disturb the others
    }
    run_dry(loop);
    REQUIRE(order.size() == 200);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("cancelled timers are gone at once", "[loop][callbacks][b48]") {
    EventLoop loop(virtual_time_in_order());
    std::vector<rondo::TimerHandle> handles;
    for (int number = 0; number < 1000; ++number) {
        handles.push_back(loop.call_later(std::chrono::seconds(number % 17), [] {}));
    }
    CHECK(loop.metrics().timers == 1000);
    for (std::size_t number = 0; number < 1000; ++number) {
        if (number % 10 != 0) {
            handles[number].cancel();
        }
    }
    CHECK(loop.metrics().timers == 100);
    run_dry(loop);
}

TEST_CASE("delays of any size and kind are taken", "[loop][callbacks][b50]") {
    EventLoop loop(virtual_time_in_order());
    using std::chrono::duration;
    bool rang = false;
    loop.call_later(std::chrono::hours::max(), [] {});
    loop.call_later(std::chrono::hours::min(), [&] { rang = true; });
    loop.call_later(duration<double>(std::numeric_limits<double>::infinity()), [] {});
    loop.call_later(duration<float, std::milli>(0.5F), [] {});
    loop.call_at(rondo::Clock::time_point::max(), [] {});
    loop.call_at(rondo::Clock::time_point::min(), [] {});
    CHECK_THROWS_AS(
        loop.call_later(duration<double>(std::numeric_limits<double>::quiet_NaN()), [] {}),
        std::invalid_argument);
    loop.call_later(365 * 24h, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(rang);
    CHECK(loop.metrics().timers == 3);
}

TEST_CASE("deadlines at either end of time do not upset a loop on the real clock",
          "[loop][callbacks][b50]") {
    EventLoop loop(real_time());
    loop.call_at(rondo::Clock::time_point::max(), [] {});
    bool rang = false;
    loop.call_at(rondo::Clock::time_point::min(), [&] { rang = true; });
    loop.call_later(1ms, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(rang);
}

TEST_CASE("a callback that throws is reported, and the loop goes on", "[loop][callbacks]") {
    EventLoop loop(virtual_time_in_order());
    std::vector<std::string> reports;
    loop.set_exception_handler([&](EventLoop&, const rondo::ErrorContext& context) {
        reports.emplace_back(context.message);
    });
    bool ran = false;
    loop.call_soon([] { throw std::runtime_error("soon"); });
    loop.call_later(1s, [] { throw 5; });
    loop.call_later(2s, [&] { ran = true; });
    run_dry(loop);
    CHECK(reports == std::vector<std::string>{"a callback threw", "a callback threw"});
    CHECK(ran);
}

TEST_CASE("a KeyboardInterrupt from a callback leaves the loop, which can go on after",
          "[loop][callbacks][b39]") {
    EventLoop loop(virtual_time_in_order());
    std::string trace;
    loop.call_soon([&] { trace += 'a'; });
    loop.call_soon([] { throw rondo::KeyboardInterrupt(); });
    loop.call_later(1s, [&] {
        trace += 'b';
        loop.stop();
    });
    CHECK_THROWS_AS(loop.run_forever(), rondo::KeyboardInterrupt);
    CHECK(trace == "a");
    CHECK_FALSE(loop.is_running());
    loop.run_forever();
    CHECK(trace == "ab");
}

TEST_CASE("a KeyboardInterrupt from a task ends the task with it and leaves the loop",
          "[loop][callbacks][b39][b149]") {
    EventLoop loop(virtual_time_in_order());
    CapturedErrors errors;
    const auto interrupt = []() -> Coro<> {
        co_await rondo::sleep(1s);
        throw rondo::KeyboardInterrupt();
    };
    {
        auto task = loop.create_task(interrupt());
        CHECK_THROWS_AS(loop.run_forever(), rondo::KeyboardInterrupt);
        CHECK(task.done());
        CHECK_THROWS_AS(task.result(), rondo::KeyboardInterrupt);
    }
    CHECK_THROWS_AS(loop.run_until_complete(interrupt()), rondo::KeyboardInterrupt);
    CHECK(errors.take().empty()); // whoever catches it from the run has seen it
}

TEST_CASE("a callback for which there is no memory leaves no trace", "[loop][callbacks][memory]") {
    const auto before = Tracked::counts.alive;
    const Ends pipe = Ends::pipe();
    // More than fits into a handle without an allocation.
    const auto callback = [held = Tracked(1), padding = std::array<char, 100>{}] {
        (void)held;
        (void)padding;
    };
    const std::vector<std::function<void(EventLoop&)>> calls{
        [&](EventLoop& loop) { loop.call_soon(callback); },
        [&](EventLoop& loop) { loop.call_soon_threadsafe(callback); },
        [&](EventLoop& loop) { loop.call_later(1s, callback); },
        [&](EventLoop& loop) { loop.add_reader(pipe.read_end(), callback); },
        [&](EventLoop& loop) { loop.add_signal_handler(SIGUSR1, callback); },
        [&](EventLoop& loop) {
            loop.set_exception_handler(
                [callback](EventLoop&, const rondo::ErrorContext&) { callback(); });
        },
    };
    for (const auto& call : calls) {
        EventLoop loop(real_time());
        int failures = 0;
        for (bool done = false; !done;) {
            try {
                const rondo_test::NoMemory no_memory(static_cast<std::size_t>(failures));
                call(loop);
                done = true;
            } catch (const std::bad_alloc&) {
                ++failures;
                CHECK(Tracked::counts.alive == before + 1);
                CHECK(loop.metrics().ready == 0);
                CHECK(loop.metrics().timers == 0);
                CHECK_FALSE(loop.remove_reader(pipe.read_end()));
                CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
            }
            REQUIRE(failures < 20);
        }
        CHECK(failures > 0);
        CHECK(Tracked::counts.alive == before + 2);
    }
    CHECK(Tracked::counts.alive == before + 1);
}
