// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// add_signal_handler.

#include <rondo/detail/signal_table.hpp>

#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include "loops.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <system_error>
#include <thread>

#include <sys/time.h>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::EventLoop;
using rondo::LoopError;
using rondo_test::real_time;
using rondo_test::Tracked;

namespace {

struct sigaction current_action(int number) {
    struct sigaction action{};
    ::sigaction(number, nullptr, &action);
    return action;
}

} // namespace

TEST_CASE("a signal handler runs on the loop, as a callback", "[loop][signal][b616]") {
    EventLoop loop(real_time());
    bool ran = false;
    bool inside = false;
    loop.add_signal_handler(SIGUSR1, [&] {
        ran = true;
        loop.stop();
    });
    loop.call_soon([&] {
        ::raise(SIGUSR1);
        inside = ran;
    });
    loop.run_forever();
    CHECK(ran);
    CHECK_FALSE(inside);
}

TEST_CASE("a signal wakes a loop that is blocked in the kernel", "[loop][signal][b616]") {
    EventLoop loop(real_time());
    bool ran = false;
    loop.add_signal_handler(SIGALRM, [&] {
        ran = true;
        loop.stop();
    });
    const itimerval soon{{0, 0}, {0, 20'000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
    loop.run_forever(); // has nothing to do but to wait
    CHECK(ran);
}

TEST_CASE("a signal before the run, and between two runs, is not lost", "[loop][signal]") {
    EventLoop loop(real_time());
    int ran = 0;
    loop.add_signal_handler(SIGUSR1, [&] {
        ++ran;
        loop.stop();
    });
    ::raise(SIGUSR1);
    loop.run_forever();
    CHECK(ran == 1);
    ::raise(SIGUSR1);
    loop.run_forever();
    CHECK(ran == 2);
}

TEST_CASE("a signal reaches a loop that never waits", "[loop][signal]") {
    EventLoop loop(real_time());
    bool ran = false;
    loop.add_signal_handler(SIGUSR1, [&] { ran = true; });
    const auto main = [&]() -> Coro<> {
        ::raise(SIGUSR1);
        while (!ran) {
            co_await rondo::sleep(0s);
        }
    };
    loop.run_until_complete(main());
    CHECK(ran);
}

TEST_CASE("a later signal handler replaces an earlier one", "[loop][signal][b617]") {
    EventLoop loop(real_time());
    const auto before = Tracked::counts.alive;
    std::string trace;
    loop.add_signal_handler(SIGUSR1, [&, held = Tracked(1)] {
        trace += 'a';
        (void)held;
    });
    loop.add_signal_handler(SIGUSR1, [&] {
        trace += 'b';
        loop.stop();
    });
    CHECK(Tracked::counts.alive == before);
    ::raise(SIGUSR1);
    loop.run_forever();
    CHECK(trace == "b");
}

TEST_CASE("a removed signal handler is not called, and the old disposition is back",
          "[loop][signal]") {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGUSR2, &ignore, nullptr);
    {
        EventLoop loop(real_time());
        loop.add_signal_handler(SIGUSR2, [] {});
        CHECK(current_action(SIGUSR2).sa_handler != SIG_IGN);
        CHECK(loop.remove_signal_handler(SIGUSR2));
        CHECK(current_action(SIGUSR2).sa_handler == SIG_IGN);
        CHECK_FALSE(loop.remove_signal_handler(SIGUSR2));
        CHECK_FALSE(loop.remove_signal_handler(-1));
        loop.add_signal_handler(SIGUSR2, [] {});
    }
    CHECK(current_action(SIGUSR2).sa_handler == SIG_IGN); // closing the loop removes it too
}

TEST_CASE("a handler that is removed after its signal has come is not called", "[loop][signal]") {
    bool was_queued = false;
    // Whatever the age of the signal: not noticed yet, queued as a callback, handled.
    for (int turns = 0; turns <= 3; ++turns) {
        EventLoop loop(real_time());
        const auto before = Tracked::counts.alive;
        bool ran = false;
        loop.add_signal_handler(SIGUSR1, [&, held = Tracked(1)] {
            ran = true;
            (void)held;
        });
        ::raise(SIGUSR1);
        for (int turn = 0; turn < turns; ++turn) {
            loop.run_once(0s);
        }
        was_queued = was_queued || loop.metrics().ready != 0;
        const bool ran_before = ran;
        loop.remove_signal_handler(SIGUSR1);
        CHECK(Tracked::counts.alive == before);
        for (int turn = 0; turn < 3; ++turn) {
            loop.run_once(0s);
        }
        CHECK(ran == ran_before);
    }
    CHECK(was_queued);
}

TEST_CASE("a signal handler may remove or replace itself", "[loop][signal]") {
    EventLoop loop(real_time());
    std::string trace;
    loop.add_signal_handler(SIGUSR1, [&, held = Tracked(1)] {
        trace += 'a';
        loop.add_signal_handler(SIGUSR1, [&, held_too = Tracked(2)] {
            loop.remove_signal_handler(SIGUSR1);
            trace += std::to_string(held_too.number());
            loop.stop();
        });
        trace += std::to_string(held.number());
        ::raise(SIGUSR1);
    });
    ::raise(SIGUSR1);
    loop.run_forever();
    CHECK(trace == "a12");
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
}

TEST_CASE("numbers that are no signal, and signals that cannot be caught, are errors",
          "[loop][signal][b619]") {
    EventLoop loop(real_time());
    const int number = GENERATE(-1, 0, 65, 1000, SIGKILL, SIGSTOP);
    int code = 0;
    std::string what;
    try {
        loop.add_signal_handler(number, [] {});
    } catch (const std::system_error& error) {
        code = error.code().value();
        what = error.what();
    }
    CHECK(code == EINVAL);
    CHECK(what.find("rondo: add_signal_handler") == 0);
    CHECK_FALSE(loop.remove_signal_handler(number));
}

TEST_CASE("of two loops only one can handle a signal", "[loop][signal]") {
    EventLoop first(real_time());
    EventLoop second(real_time());
    first.add_signal_handler(SIGUSR1, [] {});
    CHECK_THROWS_AS(second.add_signal_handler(SIGUSR1, [] {}), LoopError);
    second.add_signal_handler(SIGUSR2, [] {}); // another is free
    CHECK(first.remove_signal_handler(SIGUSR1));
    bool ran = false;
    second.add_signal_handler(SIGUSR1, [&] {
        ran = true;
        second.stop();
    });
    ::raise(SIGUSR1);
    second.run_forever();
    CHECK(ran);
}

TEST_CASE("a signal handler that throws is reported, and stays", "[loop][signal]") {
    EventLoop loop(real_time());
    int reports = 0;
    loop.set_exception_handler([&](EventLoop&, const rondo::ErrorContext&) {
        if (++reports == 2) {
            loop.stop();
        } else {
            ::raise(SIGUSR1);
        }
    });
    loop.add_signal_handler(SIGUSR1, [] { throw 1; });
    ::raise(SIGUSR1);
    loop.run_forever();
    CHECK(reports == 2);
}

TEST_CASE("a loop on any thread may handle signals", "[loop][signal][threads][b621]") {
    std::thread::id ran_on;
    std::thread other([&] {
        EventLoop loop(real_time());
        loop.add_signal_handler(SIGUSR1, [&] {
            ran_on = std::this_thread::get_id();
            loop.stop();
        });
        ::kill(::getpid(), SIGUSR1); // to whichever thread the kernel likes
        loop.run_forever();
    });
    const std::thread::id its_id = other.get_id();
    other.join();
    CHECK(ran_on == its_id);
}

TEST_CASE("signals may arrive on other threads while their loop is closed",
          "[loop][signal][threads]") {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN; // between two loops
    struct sigaction before{};
    ::sigaction(SIGUSR1, &ignore, &before);
    std::atomic<bool> over = false;
    std::thread other([&] {
        while (!over) {
            ::raise(SIGUSR1); // runs the handler on this thread
        }
    });
    int handled = 0;
    for (int round = 0; round < 50; ++round) {
        EventLoop loop(real_time());
        loop.add_signal_handler(SIGUSR1, [&] {
            ++handled;
            loop.stop();
        });
        loop.run_forever();
    }
    over = true;
    other.join();
    ::sigaction(SIGUSR1, &before, nullptr);
    CHECK(handled >= 50);
}
