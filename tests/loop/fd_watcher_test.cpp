// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// add_reader and add_writer.

#include <rondo/detail/fd_watcher.hpp>

#include <rondo/event_loop.hpp>

#include "base/allocations.hpp"
#include "loops.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace std::chrono_literals;
using rondo::EventLoop;
using rondo_test::Ends;
using rondo_test::real_time;
using rondo_test::Tracked;

namespace {

Ends make_ends(const std::string& kind) {
    return kind == "pipe" ? Ends::pipe() : Ends::sockets();
}

} // namespace

TEST_CASE("a reader is called for as long as there is something to read", "[loop][fd]") {
    const std::string kind = GENERATE("pipe", "sockets");
    EventLoop loop(real_time());
    const Ends ends = make_ends(kind);
    ends.put('a');
    ends.put('b');
    ends.put('c');
    std::string got;
    loop.add_reader(ends.read_end(), [&] {
        got += ends.get(); // one at a time: it is called again
        if (got.size() == 3) {
            loop.stop();
        }
    });
    loop.run_forever();
    CHECK(got == "abc");

    // Not called while there is nothing.
    loop.call_later(2ms, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(got == "abc");

    loop.call_soon([&] { ends.put('d'); });
    loop.call_later(1h, [&] { loop.stop(); });
    while (got.size() < 4) {
        loop.run_once();
    }
    CHECK(got == "abcd");
}

TEST_CASE("a reader that does not read is called in turn after turn", "[loop][fd]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    pipe.put('x');
    int calls = 0;
    loop.add_reader(pipe.read_end(), [&] {
        if (++calls == 10) {
            loop.stop();
        }
    });
    loop.run_forever();
    CHECK(calls == 10);
}

TEST_CASE("a reader sees the end of the stream", "[loop][fd]") {
    const std::string kind = GENERATE("pipe", "sockets");
    EventLoop loop(real_time());
    Ends ends = make_ends(kind);
    char got = '?';
    loop.add_reader(ends.read_end(), [&] {
        got = ends.get();
        loop.stop();
    });
    loop.call_soon([&] { ends.close_write(); });
    loop.run_forever();
    CHECK(got == '\0');
}

TEST_CASE("a writer is called for as long as there is room", "[loop][fd]") {
    const std::string kind = GENERATE("pipe", "sockets");
    EventLoop loop(real_time());
    const Ends ends = make_ends(kind);
    int calls = 0;
    loop.add_writer(ends.write_end(), [&] {
        if (++calls == 5) {
            loop.stop();
        }
    });
    loop.run_forever();
    CHECK(calls == 5);

    REQUIRE(ends.fill() > 0);
    loop.run_once(0s); // it may have been seen writable before
    const int before = calls;
    loop.call_later(2ms, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(calls <= before + 1);

    ends.drain();
    loop.run_once();
    loop.run_once();
    CHECK(calls > before);
}

TEST_CASE("a writer is called when the reader is gone", "[loop][fd]") {
    EventLoop loop(real_time());
    Ends pipe = Ends::pipe();
    REQUIRE(pipe.fill() > 0);
    bool called = false;
    loop.add_writer(pipe.write_end(), [&] {
        called = true;
        loop.stop();
    });
    loop.call_soon([&] { pipe.close_read(); });
    loop.run_forever();
    CHECK(called);
}

TEST_CASE("one descriptor may have a reader and a writer", "[loop][fd]") {
    EventLoop loop(real_time());
    const Ends sockets = Ends::sockets();
    std::string trace;
    loop.add_writer(sockets.read_end(), [&] {
        trace += 'w';
        loop.remove_writer(sockets.read_end());
        sockets.put('x');
    });
    loop.add_reader(sockets.read_end(), [&] {
        trace += 'r';
        loop.stop();
    });
    loop.run_forever();
    CHECK(trace == "wr");
}

TEST_CASE("a later reader replaces an earlier one", "[loop][fd]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    std::string trace;
    loop.add_reader(pipe.read_end(), [&] { trace += 'a'; });
    loop.run_once(0s); // it is armed
    loop.add_reader(pipe.read_end(), [&] {
        trace += 'b';
        (void)pipe.get();
        loop.stop();
    });
    pipe.put('x');
    loop.run_forever();
    CHECK(trace == "b");
}

TEST_CASE("a reader may replace itself while it is called", "[loop][fd]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    pipe.put('x');
    std::string trace;
    const auto before = Tracked::counts.alive;
    loop.add_reader(pipe.read_end(), [&, held = Tracked(1)] {
        loop.add_reader(pipe.read_end(), [&, held_too = Tracked(2)] {
            trace += std::to_string(held_too.number());
            if (trace.size() == 3) {
                loop.stop();
            }
        });
        trace += std::to_string(held.number()); // still there
    });
    loop.run_forever();
    CHECK(trace == "122");
    loop.remove_reader(pipe.read_end());
    loop.close();
    CHECK(Tracked::counts.alive == before);
}

TEST_CASE("a reader may remove itself while it is called", "[loop][fd]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    pipe.put('x');
    const auto before = Tracked::counts.alive;
    int calls = 0;
    loop.add_reader(pipe.read_end(), [&, held = Tracked(1)] {
        CHECK(loop.remove_reader(pipe.read_end()));
        CHECK_FALSE(loop.remove_reader(pipe.read_end()));
        calls += held.number();
    });
    loop.call_later(2ms, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(calls == 1);
    CHECK(Tracked::counts.alive == before);
}

TEST_CASE("a removed reader is not called, and lets go of its callback", "[loop][fd]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    const auto before = Tracked::counts.alive;
    bool called = false;
    const bool armed = GENERATE(false, true);
    loop.add_reader(pipe.read_end(), [&, held = Tracked(1)] {
        called = true;
        (void)held;
    });
    if (armed) {
        loop.run_once(0s);
    }
    pipe.put('x');
    CHECK(loop.remove_reader(pipe.read_end()));
    CHECK(Tracked::counts.alive == before);
    CHECK_FALSE(loop.remove_reader(pipe.read_end()));
    CHECK_FALSE(loop.remove_writer(pipe.read_end()));
    loop.call_later(2ms, [&] { loop.stop(); });
    loop.run_forever();
    CHECK_FALSE(called);
    CHECK(loop.metrics().operations <= 1); // the loop's own
}

TEST_CASE("a reader that is removed in the turn in which it is due is not called", "[loop][fd]") {
    EventLoop loop(rondo_test::real_time_in_order());
    const Ends first = Ends::pipe();
    const Ends second = Ends::pipe();
    int calls = 0;
    const auto remove_both = [&] {
        ++calls;
        loop.remove_reader(first.read_end());
        loop.remove_reader(second.read_end());
    };
    loop.add_reader(first.read_end(), remove_both);
    loop.add_reader(second.read_end(), remove_both);
    loop.run_once(0s);
    first.put('x');
    second.put('x');
    loop.call_later(2ms, [&] { loop.stop(); });
    loop.run_forever();
    CHECK(calls == 1);
}

TEST_CASE("a bad descriptor is an error at once", "[loop][fd]") {
    EventLoop loop(real_time());
    Ends pipe = Ends::pipe();
    const int closed = pipe.read_end();
    pipe.close_read();
    for (const int fd : {-1, closed, 1'000'000}) {
        int code = 0;
        std::string what;
        try {
            loop.add_reader(fd, [] {});
        } catch (const std::system_error& error) {
            code = error.code().value();
            what = error.what();
        }
        CHECK(code == EBADF);
        CHECK(what.find("rondo: add_reader") == 0);
        CHECK_THROWS_AS(loop.add_writer(fd, [] {}), std::system_error);
        CHECK_FALSE(loop.remove_reader(fd));
        CHECK_FALSE(loop.remove_writer(fd));
    }
}

TEST_CASE("a descriptor that is closed while it is watched is reported, and the watch ends",
          "[loop][fd]") {
    EventLoop loop(real_time());
    std::vector<std::string> reports;
    loop.set_exception_handler([&](EventLoop&, const rondo::ErrorContext& context) {
        try {
            std::rethrow_exception(context.exception);
        } catch (const std::system_error& error) {
            reports.emplace_back(error.what());
        }
        loop.stop();
    });
    Ends pipe = Ends::pipe();
    pipe.put('x');
    const int fd = pipe.read_end();
    loop.add_reader(fd, [&] { pipe.close_read(); }); // against the rules
    loop.run_forever();
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].find("Bad file descriptor") != std::string::npos);
    CHECK_FALSE(loop.remove_reader(fd));
}

TEST_CASE("a reader that throws is reported and stays", "[loop][fd]") {
    EventLoop loop(real_time());
    int reports = 0;
    loop.set_exception_handler([&](EventLoop&, const rondo::ErrorContext&) {
        if (++reports == 3) {
            loop.stop();
        }
    });
    const Ends pipe = Ends::pipe();
    pipe.put('x');
    loop.add_reader(pipe.read_end(), [] { throw std::runtime_error("reader"); });
    loop.run_forever();
    CHECK(reports == 3);
}

TEST_CASE("a KeyboardInterrupt from a reader leaves the loop, and the reader stays",
          "[loop][fd][b39]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    pipe.put('x');
    int calls = 0;
    loop.add_reader(pipe.read_end(), [&] {
        ++calls;
        throw rondo::KeyboardInterrupt();
    });
    CHECK_THROWS_AS(loop.run_forever(), rondo::KeyboardInterrupt);
    CHECK_THROWS_AS(loop.run_forever(), rondo::KeyboardInterrupt);
    CHECK(calls == 2);
}

TEST_CASE("a loop that had no memory for a reader can be closed", "[loop][fd]") {
    const Ends pipe = Ends::pipe();
    bool failed = true;
    for (std::size_t left = 0; failed; ++left) {
        EventLoop loop(real_time());
        failed = false;
        {
            const rondo_test::NoMemory none(left);
            try {
                loop.add_reader(pipe.read_end(), [] {});
            } catch (const std::bad_alloc&) {
                failed = true;
            }
        }
        loop.close();
        CHECK(loop.is_closed());
        REQUIRE(left < 10);
    }
}

TEST_CASE("closing a loop ends all watching", "[loop][fd]") {
    const auto before = Tracked::counts.alive;
    const std::size_t descriptors = rondo_test::open_descriptors();
    {
        EventLoop loop(real_time());
        std::vector<std::unique_ptr<Ends>> ends;
        for (int number = 0; number < 20; ++number) {
            ends.push_back(std::make_unique<Ends>(Ends::sockets()));
            loop.add_reader(ends.back()->read_end(), [held = Tracked(1)] { (void)held; });
            loop.add_writer(ends.back()->read_end(), [held = Tracked(1)] { (void)held; });
        }
        loop.run_once(0s);
        loop.run_once(0s); // some wait in the kernel, some are ready
        loop.close();
        CHECK(Tracked::counts.alive == before);
        CHECK(loop.metrics().operations == 0);
    }
    CHECK(rondo_test::open_descriptors() == descriptors);
}
