// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Every combinator through every sweep: nothing of what it started is left, whatever happens.

#include <rondo/testing/sweep.hpp>

#include <rondo/as_completed.hpp>
#include <rondo/as_result.hpp>
#include <rondo/async_generator.hpp>
#include <rondo/async_with.hpp>
#include <rondo/gather.hpp>
#include <rondo/io.hpp>
#include <rondo/race.hpp>
#include <rondo/shield.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task_group.hpp>
#include <rondo/timeout.hpp>
#include <rondo/wait.hpp>

#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::create_task;
using rondo::testing::sweep;
using rondo::testing::SweepReport;
using rondo_test::LeakCheck;
using rondo_test::Tracked;

namespace {

/// Something of everything: sleeps, an operation, memory, cleanup that awaits.
Coro<Tracked> child(int number) {
    const std::string memory(100, 'x');
    std::exception_ptr error;
    try {
        co_await rondo::sleep(std::chrono::milliseconds(number));
        co_await rondo::io::nop();
    } catch (...) {
        error = std::current_exception();
    }
    if (error != nullptr) {
        co_await rondo::sleep(1ms);
        std::rethrow_exception(error);
    }
    co_return Tracked(number);
}

Coro<Tracked> failing_child(int number) {
    auto inner = child(number);
    co_await std::move(inner);
    throw std::runtime_error("failed");
}

rondo::AsyncGenerator<int> numbers(int count) {
    for (int i = 0; i < count; ++i) {
        co_await rondo::sleep(1ms);
        co_yield i;
    }
}

struct Manager {
    int inside = 0;
    Coro<Tracked> aenter() {
        co_await rondo::sleep(1ms);
        ++inside;
        co_return Tracked(1);
    }
    Coro<> aexit(std::exception_ptr /*error*/) {
        --inside; // first: the sweep may throw where it awaits
        co_await rondo::sleep(1ms);
    }
};

/// All sweeps of a body that makes all it needs.
void survives(Coro<> (*body)()) {
    const LeakCheck leaks;
    const SweepReport report = sweep(body);
    CHECK(report.cancelled > 0);
    CHECK(report.failed > 0); // without memory
}

} // namespace

TEST_CASE("gather survives every sweep", "[testing][sweep][slow]") {
    survives([]() -> Coro<> {
        auto both = co_await rondo::gather(child(1), child(2));
        CHECK(std::get<1>(both).number() == 2);
        std::vector<Coro<Tracked>> children;
        children.push_back(child(1));
        children.push_back(failing_child(1));
        const auto outcomes = co_await rondo::gather(rondo::return_exceptions, std::move(children));
        CHECK(outcomes.size() == 2);
    });
}

TEST_CASE("race survives every sweep", "[testing][sweep][slow]") {
    survives([]() -> Coro<> { co_await rondo::race(child(1), child(3), failing_child(2)); });
}

TEST_CASE("task groups survive every sweep", "[testing][sweep][slow]") {
    survives([]() -> Coro<> {
        co_await rondo::task_group([](rondo::TaskGroup& group) -> Coro<> {
            group.create_task(child(2));
            group.create_task([&group]() -> Coro<> {
                group.create_task(child(1));
                co_await rondo::sleep(1ms);
            });
            co_await rondo::sleep(1ms);
        });
    });
    survives([]() -> Coro<> {
        try {
            co_await rondo::task_group([](rondo::TaskGroup& group) -> Coro<> {
                group.create_task(failing_child(1));
                group.create_task(child(3));
                co_await rondo::sleep(5ms);
            });
        } catch (const rondo::ExceptionGroup& errors) {
            CHECK(errors.members().size() <= 3);
        }
    });
}

TEST_CASE("time limits survive every sweep", "[testing][sweep][slow]") {
    survives([]() -> Coro<> {
        co_await rondo::wait_for(child(1), 5ms);
        co_await rondo::timeout(5ms, [](rondo::Timeout& limit) -> Coro<> {
            limit.reschedule(rondo::get_running_loop().time() + 10ms);
            auto inner = child(2);
            co_await std::move(inner);
        });
        const auto late = co_await rondo::move_on_after(1ms, child(3));
        CHECK_FALSE(late);
    });
}

TEST_CASE("wait and as_completed survive every sweep", "[testing][sweep][slow]") {
    struct Scenario {
        std::vector<rondo::Task<Tracked>> tasks;
        Coro<> victim() {
            co_await rondo::sleep(0s);
            rondo::WaitOptions first;
            first.return_when = rondo::FIRST_COMPLETED;
            co_await rondo::wait(tasks, first);
            auto stream = rondo::as_completed(tasks);
            while (auto task = co_await stream.next()) {
                CHECK(task->done());
            }
        }
        Coro<> others() { // who started them waits for them: the two are unstructured
            for (int i = 1; i < 4; ++i) {
                tasks.push_back(create_task(child(i)));
            }
            for (auto& task : tasks) {
                const auto ended = co_await rondo::as_result(task);
                static_cast<void>(ended.cancelled()); // however it ended
                CHECK(task.done());
            }
        }
    };
    const LeakCheck leaks;
    const SweepReport report = sweep([] { return Scenario(); });
    CHECK(report.cancelled > 0);
}

TEST_CASE("shield survives every sweep", "[testing][sweep][slow]") {
    struct Scenario {
        bool finished = false;
        Coro<> write() {
            co_await rondo::sleep(2ms);
            finished = true;
        }
        Coro<> victim() {
            auto writing = create_task(write());
            co_await rondo::shield(writing);
        }
        static Coro<> others() { co_await rondo::sleep(10ms); }
        void check(const rondo::Task<>& victim) const {
            if (!victim.cancelled() && victim.exception() == nullptr) {
                CHECK(finished);
            }
        }
    };
    const LeakCheck leaks;
    const SweepReport report = sweep([] { return Scenario(); });
    CHECK(report.cancelled > 0);
}

TEST_CASE("async_with leaves what it has entered, in every sweep", "[testing][sweep][slow]") {
    struct Scenario {
        Manager manager;
        Coro<> victim() {
            co_await rondo::async_with(manager, [](Tracked& value) -> Coro<> {
                co_await rondo::sleep(1ms);
                CHECK(value.number() == 1);
            });
        }
        void check(const rondo::Task<>& victim, const rondo::testing::SweepPoint&) const {
            // Without memory for aexit() itself there is no way to leave.
            if (victim.cancelled() || victim.exception() == nullptr) {
                CHECK(manager.inside == 0);
            }
        }
    };
    const LeakCheck leaks;
    const SweepReport report = sweep([] { return Scenario(); });
    CHECK(report.cancelled > 0);
    CHECK(report.failed > 0);
}

TEST_CASE("generators survive every sweep", "[testing][sweep][slow]") {
    survives([]() -> Coro<> {
        auto all = numbers(3);
        while (auto number = co_await all.next()) {
            co_await rondo::sleep(1ms);
        }
        auto some = numbers(3);
        const auto first = co_await some.next();
        CHECK(first == 0);
        co_await some.aclose();
        auto dropped = numbers(3);
        const auto second = co_await dropped.next();
        CHECK(second == 0);
    });
}

TEST_CASE("as_result survives every sweep", "[testing][sweep]") {
    const LeakCheck leaks;
    const SweepReport report = sweep([]() -> Coro<> {
        const auto result = co_await rondo::as_result(child(1));
        if (result) {
            CHECK(result->number() == 1);
        } else {
            CHECK(result.exception() != nullptr);
        }
    });
    CHECK(report.points > 0);
}
