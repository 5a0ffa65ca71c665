// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/testing/operator_new.hpp>
#include <rondo/testing/sweep.hpp>

#include <rondo/event.hpp>
#include <rondo/io.hpp>
#include <rondo/server.hpp>
#include <rondo/sleep.hpp>
#include <rondo/stream.hpp>

#include "support/catch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::SweepError;
using rondo::testing::allocation_sweep;
using rondo::testing::cancel_sweep;
using rondo::testing::operation_sweep;
using rondo::testing::SweepPoint;
using rondo::testing::SweepReport;

namespace {

/// What a sweep complained of; empty if it did not.
template <class Sweep>
std::string complaint(Sweep sweep) {
    try {
        sweep();
        return "";
    } catch (const SweepError& error) {
        return error.what();
    }
}

bool mentions(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

Coro<> sleep_three_times() {
    for (int i = 0; i < 3; ++i) {
        co_await rondo::sleep(1ms);
    }
}

} // namespace

TEST_CASE("a sweep cancels at every moment of a life", "[testing][sweep]") {
    const SweepReport report = cancel_sweep(sleep_three_times);
    CHECK(report.points >= 3); // one in each sleep, at least
    CHECK(report.cancelled >= report.points);
    CHECK(report.cancelled < report.runs); // the last run of each way is left alone
    CHECK(report.failed == 0);
}

TEST_CASE("a sweep of cancellations reaches each suspension, and twice", "[testing][sweep]") {
    std::vector<int> reached(4, 0);
    int cleanups_broken_off = 0;
    cancel_sweep([&]() -> Coro<> {
        int stage = 0;
        bool cancelled = false;
        try {
            for (; stage < 3; ++stage) {
                co_await rondo::sleep(1ms);
            }
        } catch (const rondo::CancelledError&) {
            ++reached[static_cast<std::size_t>(stage)];
            cancelled = true;
        }
        if (cancelled) {
            try {
                co_await rondo::sleep(2ms); // cleans up
            } catch (const rondo::CancelledError&) {
                ++cleanups_broken_off;
                throw;
            }
        }
    });
    CHECK(reached[0] > 0);
    CHECK(reached[1] > 0);
    CHECK(reached[2] > 0);
    CHECK(reached[3] == 0);
    CHECK(cleanups_broken_off > 0);
}

TEST_CASE("a sweep looks at the scenario after each run", "[testing][sweep]") {
    static int checks = 0;
    static int worlds = 0;
    struct Scenario {
        rondo::Event go;
        Coro<> victim() { co_await go.wait(); }
        Coro<> others() {
            ++worlds;
            co_await rondo::sleep(1ms);
            go.set();
        }
        void check(const rondo::Task<>& victim, const SweepPoint& point) {
            ++checks;
            CHECK(victim.done());
            CHECK(point.describe().find("point ") == 0);
        }
    };
    const SweepReport report = cancel_sweep([] { return Scenario(); });
    CHECK(static_cast<std::size_t>(checks) == report.runs);
    CHECK(static_cast<std::size_t>(worlds) == report.runs);
}

TEST_CASE("a sweep fails each allocation in turn", "[testing][sweep]") {
    int failures = 0;
    int successes = 0;
    const void* volatile kept = nullptr; // or optimisers leave the allocations out
    const SweepReport report = allocation_sweep([&]() -> Coro<> {
        try {
            const std::vector<int> first(10);
            kept = first.data();
            co_await rondo::sleep(1ms);
            const std::string second(100, 'x');
            kept = second.data();
            ++successes;
        } catch (const std::bad_alloc&) {
            ++failures;
        }
    });
    CHECK(failures >= 2);
    CHECK(successes == 2); // at the beginning, undisturbed, and at the end
    CHECK(report.points == static_cast<std::size_t>(failures));
}

TEST_CASE("a sweep fails each operation in turn", "[testing][sweep]") {
    int failures = 0;
    const SweepReport report = operation_sweep([&]() -> Coro<> {
        try {
            co_await rondo::io::nop();
            co_await rondo::io::nop();
            const int fd = co_await rondo::io::openat(AT_FDCWD, "/dev/null", O_RDONLY);
            ::close(fd);
        } catch (const std::system_error& error) {
            CHECK(error.code() == std::errc::io_error);
            ++failures;
        }
    });
    CHECK(failures == 3);
    CHECK(report.points == 3);
}

// What it finds

TEST_CASE("a sweep finds a task that is left", "[testing][sweep]") {
    const std::string text = complaint([] {
        cancel_sweep([]() -> Coro<> {
            (void)rondo::create_task([]() -> Coro<> { co_await rondo::sleep(1h); });
            co_return;
        });
    });
    CHECK(mentions(text, "left tasks at point"));
    CHECK(mentions(text, "waits on sleep"));
}

TEST_CASE("a sweep finds a timer, a descriptor and memory that are left", "[testing][sweep]") {
    const std::string timer = complaint([] {
        cancel_sweep([]() -> Coro<> {
            rondo::get_running_loop().call_later(1h, [] {});
            co_return;
        });
    });
    CHECK(mentions(timer, "1 timers"));

    int fd = -1;
    const std::string descriptor = complaint([&] {
        operation_sweep([&]() -> Coro<> {
            fd = ::open("/dev/null", O_RDONLY);
            co_await rondo::io::nop();
            ::close(fd); // but not when the operation has failed
        });
    });
    ::close(fd);
    CHECK(mentions(descriptor, "descriptors open"));

    const int* memory = nullptr;
    const std::string leak = complaint([&] {
        cancel_sweep([&]() -> Coro<> {
            memory = new int(1);
            co_await rondo::sleep(1ms);
            delete memory;
        });
    });
    delete memory;
    CHECK(mentions(leak, "allocations alive"));
}

TEST_CASE("a sweep finds who is stuck", "[testing][sweep]") {
    const std::string text = complaint([] {
        cancel_sweep([]() -> Coro<> {
            rondo::Event never;
            try {
                co_await rondo::sleep(1ms);
                co_return;
            } catch (const rondo::CancelledError&) { // NOLINT(bugprone-empty-catch): swallows it
            }
            co_await never.wait();
        });
    });
    CHECK(mentions(text, "is stuck at point"));
    CHECK(mentions(text, "Event::wait"));
}

TEST_CASE("what a scenario's check throws ends the sweep", "[testing][sweep]") {
    struct Scenario {
        static Coro<> victim() { co_return; }
        static void check(const rondo::Task<>&) { throw std::domain_error("wrong"); }
    };
    CHECK_THROWS_AS(cancel_sweep([] { return Scenario(); }), std::domain_error);
}
