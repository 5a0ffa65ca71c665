// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// testing::run: virtual time, deadlocks, shuffled order.

#include <rondo/testing/run.hpp>

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/sleep.hpp>

#include "loop/child.hpp"
#include "loop/loops.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/time.h>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::EventLoop;
using rondo_test::CapturedErrors;
using rondo_test::Ends;
using rondo_test::in_order;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

template <class F>
std::string deadlock_of(F&& main) {
    try {
        rondo::testing::run(main);
    } catch (const rondo::DeadlockError& error) {
        return error.what();
    }
    return "no deadlock";
}

// Ten tasks of different rhythm; who ran when.
std::string rhythm(const rondo::LoopOptions& options) {
    std::string trace;
    const auto tick = [&](int number) -> Coro<> {
        for (int beat = 0; beat < 5; ++beat) {
            co_await rondo::sleep(std::chrono::milliseconds(1 + number % 3));
            trace += static_cast<char>('a' + number);
            co_await rondo::sleep(0s);
            trace += static_cast<char>('A' + number);
        }
    };
    const auto main = [&]() -> Coro<> {
        std::vector<rondo::Task<>> tasks;
        for (int number = 0; number < 10; ++number) {
            tasks.push_back(rondo::create_task(tick(number)));
        }
        for (const auto& task : tasks) {
            co_await task;
        }
    };
    rondo::testing::run(main, options);
    return trace;
}

} // namespace

TEST_CASE("an hour of sleeps takes no time", "[testing][run]") {
    const auto start = rondo::Clock::now();
    const auto main = []() -> Coro<rondo::Clock::duration> {
        const auto before = rondo::get_running_loop().time();
        for (int minute = 0; minute < 60; ++minute) {
            co_await rondo::sleep(1min);
        }
        co_return rondo::get_running_loop().time() - before;
    };
    CHECK(rondo::testing::run(main) == 1h);
    CHECK(rondo::Clock::now() - start < 1s);
}

TEST_CASE("virtual time starts at zero and stands still while anything can run", "[testing][run]") {
    const auto main = []() -> Coro<> {
        EventLoop& loop = rondo::get_running_loop();
        CHECK(loop.time() == rondo::Clock::time_point());
        for (int round = 0; round < 1000; ++round) {
            co_await rondo::sleep(0s);
        }
        CHECK(loop.time() == rondo::Clock::time_point());
        co_await rondo::sleep(1ns);
        CHECK(loop.time() == rondo::Clock::time_point(1ns));
    };
    rondo::testing::run(main);
}

TEST_CASE("the same program gives the same trace", "[testing][run]") {
    rondo::LoopOptions options = rondo::testing::options();
    options.shuffle_seed = GENERATE(0U, 1U, 12345U);
    const std::string first = rhythm(options);
    CHECK(first.size() == 100);
    CHECK(rhythm(options) == first);
}

TEST_CASE("different seeds give different orders", "[testing][run]") {
    rondo::LoopOptions options = in_order();
    const std::string fifo = rhythm(options);
    options.shuffle_seed = 1;
    const std::string one = rhythm(options);
    options.shuffle_seed = 2;
    const std::string two = rhythm(options);
    CHECK(fifo != one);
    CHECK(one != two);
}

TEST_CASE("a shuffled run that throws prints its seed", "[testing][run]") {
    rondo::LoopOptions options = in_order();
    const auto fail = []() -> Coro<> {
        co_await rondo::sleep(1s);
        throw std::runtime_error("by bad luck");
    };
    {
        options.shuffle_seed = 4711;
        CapturedErrors errors;
        CHECK_THROWS_AS(rondo::testing::run(fail, options), std::runtime_error);
        CHECK(has(errors.take(), "RONDO_TEST_SHUFFLE=4711"));
    }
    {
        options.shuffle_seed = 0;
        CapturedErrors errors;
        CHECK_THROWS_AS(rondo::testing::run(fail, options), std::runtime_error);
        CHECK(errors.take().empty());
    }
    {
        options.shuffle_seed = 4711;
        CapturedErrors errors;
        rondo::testing::run(rondo::sleep(1s), options);
        CHECK(errors.take().empty());
    }
}

TEST_CASE("the environment chooses seed and entries", "[testing][run]") {
    const rondo_test::ChildEnd end = rondo_test::run_in_child([] {
        ::setenv("RONDO_TEST_SHUFFLE", "99", 1);
        ::setenv("RONDO_TEST_ENTRIES", "4", 1);
        const rondo::LoopOptions options = rondo::testing::options();
        std::string text = std::to_string(options.shuffle_seed) + " " +
                           std::to_string(options.entries) + (options.virtual_time ? " v" : "");
        ::unsetenv("RONDO_TEST_SHUFFLE");
        ::unsetenv("RONDO_TEST_ENTRIES");
        return text + " " + std::to_string(rondo::testing::options().shuffle_seed) + " " +
               (rondo::testing::options().entries == rondo::LoopOptions().entries ? "default"
                                                                                  : "other");
    });
    CHECK(end.text == "99 4 v 0 default");
}

TEST_CASE("a program that nothing can wake is told who waits on what", "[testing][run]") {
    const std::string text = deadlock_of([]() -> Coro<> {
        const rondo::Future<> never;
        auto waits = rondo::create_task([never]() -> Coro<> { co_await never; });
        waits.set_name("waits for nobody");
        auto chain = rondo::create_task([waits]() -> Coro<> { co_await waits; });
        chain.set_name("waits for it");
        co_await chain;
    });
    CHECK(has(text, "rondo: nothing can wake this program any more:"));
    CHECK(has(text, "Task-1 waits on the result of waits for it"));
    CHECK(has(text, "waits for it waits on the result of waits for nobody"));
    CHECK(has(text, "waits for nobody waits on the result of a future"));
#if RONDO_TRACK_LOCATIONS
    CHECK(has(text, "run_test.cpp:"));
#endif
}

TEST_CASE("real I/O that is under way is waited for before time jumps", "[testing][run]") {
    const auto main = []() -> Coro<std::string> {
        EventLoop& loop = rondo::get_running_loop();
        const Ends pipe = Ends::pipe();
        std::string trace;
        const rondo::Future<> got;
        loop.add_reader(pipe.read_end(), [&] {
            (void)pipe.get();
            trace += 'r';
            loop.remove_reader(pipe.read_end());
            got.set_result();
        });
        loop.call_later(1h, [&] { trace += 't'; });
        pipe.put('x');
        co_await got;
        co_await rondo::sleep(2h);
        co_return trace;
    };
    CHECK(rondo::testing::run(main) == "rt");
}

TEST_CASE("I/O that never comes does not hold up virtual time", "[testing][run]") {
    const auto main = []() -> Coro<rondo::Clock::duration> {
        EventLoop& loop = rondo::get_running_loop();
        const Ends pipe = Ends::pipe();
        loop.add_reader(pipe.read_end(), [] {});
        const auto start = loop.time();
        co_await rondo::sleep(1h);
        const auto slept = loop.time() - start;
        loop.remove_reader(pipe.read_end());
        co_return slept;
    };
    CHECK(rondo::testing::run(main) == 1h);
}

TEST_CASE("a program that waits for another thread is not taken for dead", "[testing][run]") {
    const auto main = []() -> Coro<int> {
        EventLoop& loop = rondo::get_running_loop();
        const Ends pipe = Ends::pipe();
        const rondo::Future<int> answer;
        loop.add_reader(pipe.read_end(), [] {}); // something outside that may come
        std::thread other(
            [&loop, &answer] { loop.call_soon_threadsafe([&answer] { answer.set_result(6); }); });
        const int result = co_await answer;
        other.join();
        loop.remove_reader(pipe.read_end());
        co_return result;
    };
    CHECK(rondo::testing::run(main) == 6);
}

TEST_CASE("signals and finished cancellations do not look like ten seconds of silence",
          "[testing][run]") {
    const auto main = []() -> Coro<> {
        EventLoop& loop = rondo::get_running_loop();
        const Ends silent = Ends::pipe();
        const Ends pipe = Ends::pipe();
        const rondo::Future<> got;
        loop.add_reader(silent.read_end(), [] {});
        loop.add_reader(pipe.read_end(), [&] { got.try_set_result(); });
        co_await rondo::sleep(0s);
        loop.remove_reader(silent.read_end()); // two completions, one of them nobody's
        struct sigaction action{};
        action.sa_handler = [](int) {};
        struct sigaction before{};
        ::sigaction(SIGALRM, &action, &before);
        const itimerval every_millisecond{{0, 1000}, {0, 1000}};
        ::setitimer(ITIMER_REAL, &every_millisecond, nullptr); // interrupts the wait
        std::thread other([&pipe] {
            for (int round = 0; round < 20; ++round) {
                timespec pause{0, 1'000'000};
                ::nanosleep(&pause, nullptr);
            }
            pipe.put('x');
        });
        co_await got;
        const itimerval off{};
        ::setitimer(ITIMER_REAL, &off, nullptr);
        ::sigaction(SIGALRM, &before, nullptr);
        other.join();
        loop.remove_reader(pipe.read_end());
    };
    rondo::testing::run(main);
}

TEST_CASE("a signal handler may wake a test that waits for nothing else", "[testing][run]") {
    const auto main = []() -> Coro<> {
        EventLoop& loop = rondo::get_running_loop();
        const rondo::Future<> got;
        loop.add_signal_handler(SIGALRM, [&] { got.try_set_result(); });
        const itimerval soon{{0, 0}, {0, 20'000}};
        ::setitimer(ITIMER_REAL, &soon, nullptr);
        co_await got;
    };
    rondo::testing::run(main);
}

TEST_CASE("results and exceptions of a test's main come through", "[testing][run]") {
    const auto value = [](int number) -> Coro<int> { co_return number; };
    CHECK(rondo::testing::run(value(3)) == 3);
    const auto fail = []() -> Coro<> {
        co_await rondo::sleep(1s);
        throw std::out_of_range("range");
    };
    CapturedErrors errors; // a shuffled run names its seed
    CHECK_THROWS_AS(rondo::testing::run(fail), std::out_of_range);
}
