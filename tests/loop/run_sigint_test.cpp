// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// SIGINT in run(), in forked children: a test process cannot well interrupt itself.

#include <rondo/run.hpp>

#include <rondo/create_task.hpp>
#include <rondo/future.hpp>
#include <rondo/sleep.hpp>

#include "child.hpp"
#include "loops.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include <sys/time.h>

using namespace std::chrono_literals;
using rondo::CancelledError;
using rondo::CancelReason;
using rondo::Coro;
using rondo_test::ChildEnd;
using rondo_test::run_in_child;

namespace {

rondo::LoopOptions with_sigint() {
    rondo::LoopOptions options = rondo_test::real_time();
    options.handle_sigint = true;
    return options;
}

// What comes out of run(main), in a word.
template <class F>
std::string outcome_of(F&& main) {
    try {
        return "returned " + rondo::run(main(), with_sigint());
    } catch (const rondo::KeyboardInterrupt&) {
        return "KeyboardInterrupt";
    } catch (const CancelledError& error) {
        return std::string("CancelledError ") + rondo::to_string(error.reason());
    }
}

void interrupt_soon() {
    const itimerval soon{{0, 0}, {0, 20'000}};
    std::signal(SIGALRM, [](int) { ::raise(SIGINT); });
    ::setitimer(ITIMER_REAL, &soon, nullptr);
}

} // namespace

TEST_CASE("SIGINT cancels main, and run throws KeyboardInterrupt", "[loop][run][sigint]") {
    const ChildEnd end = run_in_child([] {
        std::string reason;
        const auto main = [&]() -> Coro<std::string> {
            ::raise(SIGINT);
            try {
                co_await rondo::sleep(1h);
            } catch (const CancelledError& error) {
                reason = rondo::to_string(error.reason());
                throw;
            }
            co_return "?";
        };
        return outcome_of(main) + ", cancelled by " + reason;
    });
    CHECK(end.text == "KeyboardInterrupt, cancelled by signal");
    CHECK(end.errors.empty());
}

TEST_CASE("SIGINT interrupts a main that is blocked in the kernel", "[loop][run][sigint]") {
    const ChildEnd end = run_in_child([] {
        const auto main = []() -> Coro<std::string> {
            interrupt_soon();
            co_await rondo::sleep(1h);
            co_return "?";
        };
        return outcome_of(main);
    });
    CHECK(end.text == "KeyboardInterrupt");
}

TEST_CASE("SIGINT cancels the future that main waits on", "[loop][run][sigint][b23]") {
    const ChildEnd end = run_in_child([] {
        bool cancelled = false;
        const auto main = [&]() -> Coro<std::string> {
            const rondo::Future<> future;
            future.add_done_callback(
                [&](const rondo::Future<>& it) { cancelled = it.cancelled(); });
            ::raise(SIGINT);
            try {
                co_await future;
            } catch (const CancelledError&) {
                cancelled = future.cancelled();
                throw;
            }
            co_return "?";
        };
        const std::string outcome = outcome_of(main);
        return outcome + (cancelled ? ", future cancelled" : "");
    });
    CHECK(end.text == "KeyboardInterrupt, future cancelled");
}

TEST_CASE("SIGINT interrupts a main that never waits for long", "[loop][run][sigint][b24]") {
    const ChildEnd end = run_in_child([] {
        const auto main = []() -> Coro<std::string> {
            interrupt_soon();
            for (;;) {
                co_await rondo::sleep(0s);
            }
        };
        return outcome_of(main);
    });
    CHECK(end.text == "KeyboardInterrupt");
}

TEST_CASE("a main that swallows the cancellation returns its result", "[loop][run][sigint]") {
    const ChildEnd end = run_in_child([] {
        const auto main = []() -> Coro<std::string> {
            ::raise(SIGINT);
            try {
                co_await rondo::sleep(1h);
            } catch (const CancelledError&) { // NOLINT(bugprone-empty-catch)
            }
            co_await rondo::sleep(1ms);
            co_return "all the same";
        };
        return outcome_of(main);
    });
    CHECK(end.text == "returned all the same");
}

TEST_CASE("a main that was cancelled by others too throws CancelledError",
          "[loop][run][sigint][b25]") {
    const ChildEnd end = run_in_child([] {
        const auto main = []() -> Coro<std::string> {
            const rondo::TaskRef self = rondo::current_task();
            rondo::get_running_loop().call_soon([self] {
                ::raise(SIGINT);
                // The callback of the signal comes first, then this, in one turn or in two.
                rondo::get_running_loop().call_later(5ms, [self] { self.cancel(); });
            });
            try {
                co_await rondo::sleep(1h);
            } catch (const CancelledError&) { // NOLINT(bugprone-empty-catch)
            }
            co_await rondo::sleep(1h);
            co_return "?";
        };
        return outcome_of(main);
    });
    CHECK(end.text == "CancelledError user");
}

TEST_CASE("a second SIGINT has its default effect", "[loop][run][sigint][b26]") {
    const ChildEnd end = run_in_child([] {
        const auto main = []() -> Coro<std::string> {
            ::raise(SIGINT);
            try {
                co_await rondo::sleep(1h);
            } catch (const CancelledError&) { // NOLINT(bugprone-empty-catch)
            }
            ::raise(SIGINT);
            co_await rondo::sleep(1h);
            co_return "?";
        };
        return outcome_of(main);
    });
    CHECK(end.signal == SIGINT);
}

TEST_CASE("a second SIGINT ends a main that is stuck in a loop of its own",
          "[loop][run][sigint][b26]") {
    const ChildEnd end = run_in_child([] {
        const auto main = []() -> Coro<std::string> {
            ::raise(SIGINT);
            ::raise(SIGINT);
            co_return "?";
        };
        return outcome_of(main);
    });
    CHECK(end.signal == SIGINT);
}

TEST_CASE("the leftovers are cancelled and awaited after an interrupt", "[loop][run][sigint]") {
    const ChildEnd end = run_in_child([] {
        std::string trace;
        const auto leftover = [&]() -> Coro<> {
            std::string reason;
            try {
                co_await rondo::sleep(1h);
            } catch (const CancelledError& error) {
                reason = rondo::to_string(error.reason());
            }
            co_await rondo::sleep(1ms);
            trace = reason;
        };
        const auto main = [&]() -> Coro<std::string> {
            (void)rondo::create_task(leftover());
            co_await rondo::sleep(0s);
            ::raise(SIGINT);
            co_await rondo::sleep(1h);
            co_return "?";
        };
        const std::string outcome = outcome_of(main);
        return outcome + " " + trace;
    });
    CHECK(end.text == "KeyboardInterrupt shutdown");
}

TEST_CASE("SIGINT at the very end of main does not reach into the next run",
          "[loop][run][sigint]") {
    const ChildEnd end = run_in_child([] {
        rondo::Runner runner(with_sigint());
        int good = 0;
        for (int turns = 0; turns < 5; ++turns) {
            const auto main = [](int yields) -> Coro<int> {
                ::raise(SIGINT);
                for (int left = yields; left > 0; --left) {
                    try {
                        co_await rondo::sleep(0s);
                    } catch (const CancelledError&) { // NOLINT(bugprone-empty-catch)
                    }
                }
                co_return 1;
            };
            good += runner.run(main(turns));
        }
        const auto quiet = []() -> Coro<int> {
            co_await rondo::sleep(1ms);
            co_return 1;
        };
        good += runner.run(quiet());
        return std::to_string(good);
    });
    CHECK(end.text == "6");
    CHECK(end.signal == 0);
}

TEST_CASE("SIGINT is left alone where the program handles or ignores it, or asks for that",
          "[loop][run][sigint][b28]") {
    const ChildEnd ignored = run_in_child([] {
        std::signal(SIGINT, SIG_IGN);
        const auto main = []() -> Coro<std::string> {
            ::raise(SIGINT);
            co_await rondo::sleep(1ms);
            co_return "undisturbed";
        };
        return outcome_of(main);
    });
    CHECK(ignored.text == "returned undisturbed");

    const ChildEnd declined = run_in_child([]() -> std::string {
        rondo::LoopOptions options = rondo_test::real_time();
        options.handle_sigint = false;
        const auto main = []() -> Coro<std::string> {
            ::raise(SIGINT);
            co_await rondo::sleep(1h);
            co_return "?";
        };
        return rondo::run(main(), options);
    });
    CHECK(declined.signal == SIGINT);

    const ChildEnd of_the_program = run_in_child([] {
        const auto main = []() -> Coro<std::string> {
            // A handler of the program's own on the same loop takes over.
            const rondo::Future<std::string> asked;
            rondo::get_running_loop().add_signal_handler(
                SIGINT, [asked] { asked.set_result("by its own handler"); });
            ::raise(SIGINT);
            const std::string text = co_await asked;
            co_return text;
        };
        return outcome_of(main);
    });
    CHECK(of_the_program.text == "returned by its own handler");
}

TEST_CASE("after run SIGINT has its default effect again", "[loop][run][sigint]") {
    const ChildEnd end = run_in_child([]() -> std::string {
        const auto main = []() -> Coro<> { co_await rondo::sleep(0s); };
        rondo::run(main(), with_sigint());
        ::raise(SIGINT);
        return "survived";
    });
    CHECK(end.signal == SIGINT);
}

TEST_CASE("run on another thread takes SIGINT as well", "[loop][run][sigint][threads]") {
    const ChildEnd end = run_in_child([] {
        std::string outcome;
        std::thread other([&] {
            const auto main = []() -> Coro<std::string> {
                ::kill(::getpid(), SIGINT);
                co_await rondo::sleep(1h);
                co_return "?";
            };
            outcome = outcome_of(main);
        });
        other.join();
        return outcome;
    });
    CHECK(end.text == "KeyboardInterrupt");
}
