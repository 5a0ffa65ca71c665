// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// run() and Runner, but for SIGINT.

#include <rondo/run.hpp>

#include <rondo/create_task.hpp>
#include <rondo/future.hpp>
#include <rondo/sleep.hpp>

#include "child.hpp"
#include "loops.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using rondo::CancelledError;
using rondo::CancelReason;
using rondo::Coro;
using rondo::EventLoop;
using rondo::LoopError;
using rondo_test::CapturedErrors;
using rondo_test::real_time;
using rondo_test::virtual_time_in_order;

namespace {

struct Payload : std::runtime_error {
    explicit Payload(int value) : std::runtime_error("payload"), number(value) {}
    int number;
};

Coro<int> answer(int number = 42) {
    co_await rondo::sleep(0s);
    co_return number;
}

} // namespace

TEST_CASE("run returns the coroutine's result", "[loop][run][b1]") {
    CHECK(rondo::run(answer(), real_time()) == 42);
    const auto nothing = []() -> Coro<> { co_await rondo::sleep(0s); };
    rondo::run(nothing(), real_time());
    const auto only_moves = []() -> Coro<std::unique_ptr<int>> {
        co_return std::make_unique<int>(3);
    };
    CHECK(*rondo::run(only_moves(), real_time()) == 3);
    static int there = 5;
    const auto reference = []() -> Coro<int&> { co_return there; };
    CHECK(&rondo::run(reference(), real_time()) == &there);
}

TEST_CASE("run takes a callable with its arguments, and keeps both", "[loop][run]") {
    CHECK(rondo::run(answer, 7) == 7);
    const int with_argument = rondo::run(
        [held = std::make_unique<int>(4)](const std::string& text) -> Coro<int> {
            co_await rondo::sleep(0s);
            co_return *held + static_cast<int>(text.size());
        },
        std::string(100, 'x'));
    CHECK(with_argument == 104);
    const int with_options = rondo::run(
        [held = std::make_unique<int>(4)]() -> Coro<int> {
            co_await rondo::sleep(0s);
            co_return *held;
        },
        {.entries = 8});
    CHECK(with_options == 4);
}

TEST_CASE("run awaits anything that can be awaited", "[loop][run]") {
    rondo::run(rondo::sleep(1ms), real_time());
    const auto start = rondo::Clock::now();
    rondo::run(rondo::sleep(1h), virtual_time_in_order());
    CHECK(rondo::Clock::now() - start < 1s);
}

TEST_CASE("an exception of main leaves run unchanged", "[loop][run][b2]") {
    const auto fail = []() -> Coro<int> {
        co_await rondo::sleep(0s);
        throw Payload(17);
    };
    int number = 0;
    try {
        rondo::run(fail(), real_time());
    } catch (const Payload& error) {
        number = error.number;
    }
    CHECK(number == 17);
}

TEST_CASE("run neither copies main's result nor looks at it", "[loop][run][b31]") {
    using rondo_test::Tracked;
    const auto before = Tracked::counts;
    const auto main = []() -> Coro<Tracked> { co_return Tracked(6); };
    {
        const Tracked result = rondo::run(main(), real_time());
        CHECK(result.number() == 6);
    }
    CHECK(Tracked::counts.copies == before.copies);
    CHECK(Tracked::counts.alive == before.alive);
}

TEST_CASE("after run the loop is closed and nobody's running loop", "[loop][run][b12]") {
    std::optional<rondo::Future<>> survivor;
    const auto main = [&]() -> Coro<> {
        survivor.emplace();
        co_await rondo::sleep(0s);
    };
    rondo::run(main(), real_time());
    CHECK_THROWS_AS(rondo::get_running_loop(), LoopError);
    CHECK(survivor->state()->scheduler()->loop == nullptr);
}

TEST_CASE("run inside a running loop is refused", "[loop][run][b7]") {
    std::string message;
    const auto main = [&]() -> Coro<> {
        try {
            rondo::run(answer());
        } catch (const LoopError& error) {
            message = error.what();
        }
        co_await rondo::sleep(0s);
    };
    rondo::run(main(), real_time());
    CHECK(message.find("await the coroutine") != std::string::npos);
}

TEST_CASE("a Runner runs several mains on one loop", "[loop][run][b15]") {
    rondo::Runner runner(real_time());
    EventLoop& loop = runner.get_loop();
    const auto where = []() -> Coro<EventLoop*> { co_return &rondo::get_running_loop(); };
    CHECK(runner.run(answer(1)) == 1);
    CHECK(runner.run(where()) == &loop);
    CHECK(runner.run(answer(2)) == 2);
    CHECK(&runner.get_loop() == &loop);
}

TEST_CASE("tasks that a main leaves behind go on in the next run of the Runner", "[loop][run]") {
    rondo::Runner runner(virtual_time_in_order());
    std::string trace;
    const auto background = [&]() -> Coro<> {
        trace += 'a';
        co_await rondo::sleep(1s);
        trace += 'b';
    };
    const auto start = [&]() -> Coro<> {
        (void)rondo::create_task(background());
        co_await rondo::sleep(0s);
    };
    runner.run(start());
    CHECK(trace == "a");
    runner.run(rondo::sleep(2s));
    CHECK(trace == "ab");
}

TEST_CASE("closing a Runner is idempotent, and it cannot be used after", "[loop][run][b20][b21]") {
    rondo::Runner runner(real_time());
    runner.run(answer());
    runner.close();
    runner.close();
    CHECK_THROWS_AS(runner.get_loop(), LoopError);
    CHECK_THROWS_AS(runner.run(answer()), LoopError);
    rondo::Runner never_used(real_time());
    never_used.close();
    CHECK_THROWS_AS(never_used.run(answer()), LoopError);
}

TEST_CASE("a Runner cannot be run or closed from its own loop", "[loop][run][b7]") {
    rondo::Runner runner(real_time());
    int refused = 0;
    const auto main = [&]() -> Coro<> {
        try {
            runner.run(answer());
        } catch (const LoopError&) {
            ++refused;
        }
        try {
            runner.close();
        } catch (const LoopError&) {
            ++refused;
        }
        co_await rondo::sleep(0s);
    };
    runner.run(main());
    CHECK(refused == 2);
    CHECK(runner.run(answer()) == 42); // as good as before
}

TEST_CASE("run cancels what is left, for shutdown, and awaits it", "[loop][run][b11]") {
    std::string trace;
    const auto leftover = [&](char name) -> Coro<> {
        bool shutdown = false;
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError& error) {
            shutdown = error.reason() == CancelReason::shutdown;
        }
        if (shutdown) {
            co_await rondo::sleep(1s); // cleanup may await
            trace += name;
        }
    };
    const auto main = [&]() -> Coro<int> {
        (void)rondo::create_task(leftover('a'));
        (void)rondo::create_task(leftover('b'));
        co_await rondo::sleep(0s);
        trace += 'm';
        co_return 1;
    };
    CHECK(rondo::run(main(), virtual_time_in_order()) == 1);
    CHECK(trace == "mab");
}

TEST_CASE("run cancels what is left also when main throws", "[loop][run][b11]") {
    bool cleaned_up = false;
    const auto leftover = [&]() -> Coro<> {
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError&) {
            cleaned_up = true;
            throw;
        }
    };
    const auto main = [&]() -> Coro<> {
        (void)rondo::create_task(leftover());
        co_await rondo::sleep(0s);
        throw Payload(1);
    };
    CHECK_THROWS_AS(rondo::run(main(), virtual_time_in_order()), Payload);
    CHECK(cleaned_up);
}

TEST_CASE("tasks that are made during the shutdown are cancelled and awaited too",
          "[loop][run][b11]") {
    int generations = 0;
    std::function<Coro<>()> leftover = [&]() -> Coro<> {
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError&) {
            if (++generations < 10) {
                (void)rondo::create_task(leftover());
            }
            throw;
        }
    };
    const auto main = [&]() -> Coro<> {
        (void)rondo::create_task(leftover());
        co_await rondo::sleep(0s);
    };
    rondo::run(main(), virtual_time_in_order());
    // The last ones are cancelled before their first step.
    CHECK(generations >= 1);
    CHECK(generations <= 10);
}

TEST_CASE("a leftover's cleanup may make a task and await it", "[loop][run][b11]") {
    bool flushed = false;
    const auto leftover = [&]() -> Coro<> {
        bool cancelled = false;
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) {
            auto flush = rondo::create_task([&]() -> Coro<> {
                co_await rondo::sleep(1s);
                flushed = true;
            });
            co_await flush;
        }
    };
    const auto main = [&]() -> Coro<> {
        (void)rondo::create_task(leftover());
        co_await rondo::sleep(0s);
    };
    rondo::run(main(), virtual_time_in_order());
    CHECK(flushed);
}

TEST_CASE("a task that a leftover's cleanup makes at its end never starts", "[loop][run][b11]") {
    bool ran = false;
    const auto too_late = [&]() -> Coro<> {
        ran = true;
        co_return;
    };
    const auto leftover = [&]() -> Coro<> {
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError&) {
            (void)rondo::create_task(too_late());
            throw;
        }
    };
    const auto main = [&]() -> Coro<> {
        (void)rondo::create_task(leftover());
        co_await rondo::sleep(0s);
    };
    rondo::run(main(), virtual_time_in_order());
    CHECK_FALSE(ran);
}

TEST_CASE("the shutdown runs the done callbacks of what it ends", "[loop][run][b11]") {
    std::string trace;
    const auto main = [&]() -> Coro<> {
        auto leftover = rondo::create_task([]() -> Coro<> { co_await rondo::sleep(1h); });
        leftover.add_done_callback([&](const rondo::Task<>& task) {
            trace += task.cancelled() ? 'c' : '?';
            // Even what that makes is ended.
            auto late = rondo::create_task([]() -> Coro<> { co_await rondo::sleep(1h); });
            late.add_done_callback([&] { trace += 'l'; });
        });
        co_await rondo::sleep(0s);
    };
    rondo::run(main(), virtual_time_in_order());
    CHECK(trace == "cl");
}

TEST_CASE("a leftover that cancels everybody, or stops the loop, does not disturb the shutdown",
          "[loop][run][b11]") {
    int cleaned_up = 0;
    const auto leftover = [&](bool stops) -> Coro<> {
        bool cancelled = false;
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) {
            for (const rondo::TaskRef& task : rondo::all_tasks()) {
                if (task != rondo::current_task()) {
                    task.cancel();
                }
            }
            if (stops) {
                rondo::get_running_loop().stop();
            }
            ++cleaned_up;
            co_await rondo::sleep(1s);
        }
    };
    const auto main = [&]() -> Coro<int> {
        for (int number = 0; number < 3; ++number) {
            (void)rondo::create_task(leftover(number == 1));
        }
        co_await rondo::sleep(0s);
        co_return 9;
    };
    CapturedErrors errors;
    CHECK(rondo::run(main(), virtual_time_in_order()) == 9);
    CHECK(errors.take().empty());
    CHECK(cleaned_up == 3);
}

TEST_CASE("a leftover that throws KeyboardInterrupt does not keep others from their cleanup",
          "[loop][run][b11]") {
    bool cleaned_up = false;
    const auto interrupts = []() -> Coro<> {
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError&) {
            throw rondo::KeyboardInterrupt();
        }
    };
    const auto leftover = [&]() -> Coro<> {
        bool cancelled = false;
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) {
            co_await rondo::sleep(1s);
            cleaned_up = true;
        }
    };
    const auto main = [&]() -> Coro<> {
        (void)rondo::create_task(interrupts());
        (void)rondo::create_task(leftover());
        co_await rondo::sleep(0s);
    };
    CapturedErrors errors;
    CHECK_THROWS_AS(rondo::run(main(), virtual_time_in_order()), rondo::KeyboardInterrupt);
    CHECK(cleaned_up);
}

TEST_CASE("run leaves no descriptor behind", "[loop][run]") {
    const std::size_t before = rondo_test::open_descriptors();
    const auto main = []() -> Coro<> {
        (void)rondo::create_task([]() -> Coro<> { co_await rondo::sleep(1h); });
        co_await rondo::sleep(0s);
    };
    for (int round = 0; round < 100; ++round) {
        rondo::run(main(), real_time());
    }
    CHECK(rondo_test::open_descriptors() == before);
}

TEST_CASE("a main that stops the loop is told, and is still cancelled and awaited", "[loop][run]") {
    bool cleaned_up = false;
    const auto main = [&]() -> Coro<> {
        rondo::get_running_loop().stop();
        try {
            co_await rondo::sleep(1h);
        } catch (const CancelledError&) {
            cleaned_up = true;
            throw;
        }
    };
    CHECK_THROWS_AS(rondo::run(main(), virtual_time_in_order()), LoopError);
    CHECK(cleaned_up);
}

TEST_CASE("a main that is cancelled by another task throws CancelledError out of run",
          "[loop][run]") {
    const auto main = []() -> Coro<> {
        const rondo::TaskRef self = rondo::current_task();
        rondo::get_running_loop().call_soon([self] { self.cancel("by a callback"); });
        co_await rondo::sleep(1h);
    };
    std::string message;
    try {
        rondo::run(main(), virtual_time_in_order());
    } catch (const CancelledError& error) {
        message = error.message();
    }
    CHECK(message == "by a callback");
}
