// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Other threads: call_soon_threadsafe, loops on several threads, a loop that moves to another.

#include <rondo/event_loop.hpp>

#include <rondo/create_task.hpp>
#include <rondo/future.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include "loops.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::EventLoop;
using rondo::LoopError;
using rondo_test::Ends;
using rondo_test::real_time;
using rondo_test::real_time_in_order;

TEST_CASE("call_soon_threadsafe wakes a loop that is blocked", "[loop][threads]") {
    EventLoop loop(real_time());
    std::thread::id ran_on;
    std::thread other;
    loop.call_soon([&] {
        other = std::thread([&] {
            loop.call_soon_threadsafe([&] {
                ran_on = std::this_thread::get_id();
                loop.stop();
            });
        });
    });
    loop.run_forever();
    other.join();
    CHECK(ran_on == std::this_thread::get_id());
}

TEST_CASE("call_soon_threadsafe works on the loop's own thread too", "[loop][threads][b74]") {
    EventLoop loop(real_time_in_order());
    std::string trace;
    loop.call_soon_threadsafe([&] { trace += 'a'; }); // before the run
    loop.call_soon([&] {
        trace += 'b';
        loop.call_soon_threadsafe([&] {
            trace += 'c';
            loop.stop();
        });
    });
    loop.run_forever();
    // What other threads say is collected at the beginning of a turn, behind what is ready.
    CHECK(trace == "bac");
}

TEST_CASE("calls of many threads all arrive, those of each in order", "[loop][threads]") {
    constexpr int threads = 8;
    constexpr int calls = 2000;
    EventLoop loop(real_time_in_order());
    std::vector<int> next(threads, 0);
    int total = 0;
    int out_of_order = 0;
    std::vector<std::thread> others;
    for (int thread = 0; thread < threads; ++thread) {
        others.emplace_back([&, thread] {
            for (int call = 0; call < calls; ++call) {
                loop.call_soon_threadsafe([&, thread, call] {
                    int& expected = next[static_cast<std::size_t>(thread)];
                    out_of_order += call != expected;
                    expected = call + 1;
                    if (++total == threads * calls) {
                        loop.stop();
                    }
                });
            }
        });
    }
    loop.run_forever();
    for (std::thread& other : others) {
        other.join();
    }
    CHECK(total == threads * calls);
    CHECK(out_of_order == 0);
}

TEST_CASE("call_soon_threadsafe that races with close schedules or throws",
          "[loop][threads][b75][b76]") {
    for (int round = 0; round < 50; ++round) {
        std::atomic<int> held = 0;
        std::atomic<int> accepted = 0;
        std::atomic<int> ran = 0;
        {
            EventLoop loop(real_time());
            std::latch started(3);
            std::vector<std::thread> others;
            for (int thread = 0; thread < 2; ++thread) {
                others.emplace_back([&] {
                    started.arrive_and_wait();
                    for (;;) {
                        try {
                            ++held;
                            loop.call_soon_threadsafe(
                                [&, hold = std::shared_ptr<void>(nullptr, [&](void*) { --held; })] {
                                    (void)hold;
                                    ++ran;
                                });
                            ++accepted;
                        } catch (const LoopError&) {
                            return;
                        }
                    }
                });
            }
            started.arrive_and_wait();
            loop.run_once(0s);
            loop.close();
            for (std::thread& other : others) {
                other.join();
            }
        }
        REQUIRE(ran <= accepted);
        REQUIRE(held == 0); // run or not, every callback is gone
    }
}

TEST_CASE("a handle of call_soon_threadsafe may die on its own thread", "[loop][threads]") {
    EventLoop loop(real_time());
    std::thread other([&] {
        rondo::Handle handle = loop.call_soon_threadsafe([&] { loop.stop(); });
        CHECK_FALSE(handle.cancelled());
    });
    loop.run_forever();
    other.join();
}

TEST_CASE("a task awaits what another thread sets by call_soon_threadsafe", "[loop][threads]") {
    const auto main = []() -> Coro<int> {
        EventLoop& loop = rondo::get_running_loop();
        const rondo::Future<int> answer;
        std::thread other(
            [&loop, &answer] { loop.call_soon_threadsafe([&answer] { answer.set_result(42); }); });
        const int result = co_await answer;
        other.join();
        co_return result;
    };
    CHECK(rondo::run(main(), real_time()) == 42);
}

TEST_CASE("each thread has its own running loop, tasks and task", "[loop][threads][b661]") {
    constexpr int threads = 4;
    std::latch all_inside(threads);
    std::atomic<int> right = 0;
    const auto main = [&]() -> Coro<> {
        const EventLoop* loop = &rondo::get_running_loop();
        const auto task = rondo::create_task([]() -> Coro<> { co_await rondo::sleep(0s); });
        all_inside.arrive_and_wait();
        for (int round = 0; round < 100; ++round) {
            co_await rondo::sleep(0s);
            right += &rondo::get_running_loop() == loop;
        }
        right += rondo::all_tasks().size() == 1 && rondo::all_tasks()[0] == rondo::current_task();
        right += rondo::current_task().name() == "Task-1";
        co_await task;
    };
    std::vector<std::thread> others;
    for (int thread = 0; thread < threads; ++thread) {
        others.emplace_back([&] { rondo::run(main(), real_time()); });
    }
    for (std::thread& other : others) {
        other.join();
    }
    CHECK(right == threads * 102);
}

TEST_CASE("a loop may be made on one thread, run on another and closed on the first",
          "[loop][threads]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    char got = '?';
    std::thread other([&] {
        loop.add_reader(pipe.read_end(), [&] {
            got = pipe.get();
            loop.remove_reader(pipe.read_end());
        });
        loop.run_forever();
    });
    pipe.put('x');
    loop.call_soon_threadsafe([&] { // once the reader has been called
        struct Wait {
            static void until(EventLoop& running, const char& letter) {
                if (letter == '?') {
                    running.call_soon([&] { until(running, letter); });
                } else {
                    running.stop();
                }
            }
        };
        Wait::until(loop, got);
    });
    other.join();
    CHECK(got == 'x');
    loop.close();
    CHECK(loop.is_closed());
}

TEST_CASE("a loop with nothing under way may run on one thread after another", "[loop][threads]") {
    EventLoop loop(real_time());
    const auto step = []() -> Coro<std::thread::id> {
        co_await rondo::sleep(1ms);
        co_return std::this_thread::get_id();
    };
    int turns = 0;
    for (int round = 0; round < 5; ++round) {
        std::thread other([&] {
            // Threads come and go, and their identifiers are used again.
            turns += loop.run_until_complete(step()) == std::this_thread::get_id();
        });
        other.join();
        turns += loop.run_until_complete(step()) == std::this_thread::get_id();
    }
    CHECK(turns == 10);
    CHECK(loop.metrics().system_calls >= 10); // counted over all threads
}

TEST_CASE("a loop with I/O under way stays on its thread, and says so", "[loop][threads]") {
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    loop.add_reader(pipe.read_end(), [] {});
    loop.stop();
    loop.run_forever();
    std::string message;
    std::thread other([&] {
        try {
            loop.run_forever();
        } catch (const LoopError& error) {
            message = error.what();
        }
    });
    other.join();
    CHECK(message.find("another thread") != std::string::npos);
    // It is as good as before.
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
}

TEST_CASE("loops made here and run on other threads leave nothing behind", "[loop][threads]") {
    const std::size_t before = rondo_test::open_descriptors();
    for (int round = 0; round < 40; ++round) {
        auto loop = std::make_unique<EventLoop>(real_time());
        loop->call_soon([&] { loop->stop(); });
        std::thread other([&] { loop->run_forever(); });
        other.join();
    }
    CHECK(rondo_test::open_descriptors() == before);
}
