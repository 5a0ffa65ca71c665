// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Every synchronisation primitive through every sweep: cancelled at each moment, without memory at
// each allocation. Afterwards nothing is held, and who waits gets through.

#include <rondo/testing/sweep.hpp>

#include <rondo/barrier.hpp>
#include <rondo/condition.hpp>
#include <rondo/event.hpp>
#include <rondo/lock.hpp>
#include <rondo/queue.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <utility>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::testing::sweep;
using rondo::testing::SweepReport;
using rondo_test::LeakCheck;
using rondo_test::MoveOnly;

namespace {

/// Holds something of each kind, one after another, with somebody else in its way.
struct Locks {
    rondo::Lock lock;
    rondo::Semaphore semaphore{1};
    rondo::BoundedSemaphore bounded{1};

    Coro<> use() {
        {
            auto guard = co_await lock.acquire();
            co_await rondo::sleep(1ms);
            auto permit = co_await semaphore.acquire();
            co_await rondo::sleep(1ms);
        }
        auto permit = co_await bounded.acquire();
        co_await rondo::sleep(1ms);
    }
    Coro<> victim() { return use(); }
    Coro<> others() {
        auto first = use();
        co_await std::move(first);
        auto second = use();
        co_await std::move(second);
    }
    void check(const rondo::Task<>& /*victim*/) {
        CHECK_FALSE(lock.locked());
        CHECK(semaphore.value() == 1);
        CHECK(bounded.value() == 1);
    }
};

/// Two who wait for a condition, one of whom is the victim, and one who notifies enough for both.
struct Conditions {
    rondo::Condition condition;
    rondo::Event event;
    int jobs = 0;
    int done = 0;

    Coro<> work() {
        auto guard = co_await condition.acquire();
        co_await condition.wait_for([&] { return jobs > 0; });
        CHECK(condition.locked());
        --jobs;
        ++done;
    }
    Coro<> victim() {
        co_await event.wait();
        auto working = work();
        co_await std::move(working);
    }
    Coro<> others() {
        auto other = rondo::create_task(work());
        event.set();
        for (int i = 0; i < 2; ++i) {
            co_await rondo::sleep(1ms);
            auto guard = co_await condition.acquire();
            ++jobs;
            condition.notify();
        }
        co_await other; // one job is its own, whatever becomes of the victim
    }
    void check(const rondo::Task<>& victim) {
        CHECK_FALSE(condition.locked());
        const bool worked = !victim.cancelled() && victim.exception() == nullptr;
        CHECK(done == (worked ? 2 : 1));
        CHECK(done + jobs == 2);
    }
};

/// Three parties; the two others give up if the third does not come.
struct Barriers {
    rondo::Barrier barrier{3};

    Coro<> party() {
        for (int round = 0; round < 2; ++round) {
            co_await barrier.wait();
        }
    }
    Coro<> victim() { return party(); }
    Coro<> others() {
        auto first = rondo::create_task(patient());
        auto second = patient();
        co_await std::move(second);
        co_await first;
    }
    Coro<> patient() {
        try {
            auto waiting = party();
            co_await std::move(waiting);
        } catch (const rondo::BrokenBarrierError&) { // NOLINT(bugprone-empty-catch): as expected
        }
    }
    void check(const rondo::Task<>& /*victim*/) { CHECK(barrier.n_waiting() == 0); }
};

/// The victim passes items from one queue to the next, between one who puts and one who gets.
template <class Queue>
struct Queues {
    Queue in{1};
    Queue out{1};
    int received = 0;

    Coro<> victim() {
        while (auto item = co_await in.next()) {
            co_await out.put(std::move(*item));
        }
    }
    Coro<> others() {
        auto consumer = rondo::create_task([this]() -> Coro<> {
            while (auto item = co_await out.next()) {
                ++received;
                co_await rondo::sleep(1ms);
            }
        });
        try {
            for (int i = 1; i <= 4; ++i) {
                auto item = MoveOnly(i);
                co_await rondo::wait_for(in.put(std::move(item)), 10ms);
                co_await rondo::sleep(1ms);
            }
            co_await rondo::sleep(10ms);
        } catch (const rondo::TimeoutError&) { // NOLINT(bugprone-empty-catch): nobody takes them
        }
        in.shutdown(true); // whatever the victim has left
        co_await rondo::sleep(10ms);
        out.shutdown();
        co_await consumer;
    }
    void check(const rondo::Task<>& victim) {
        CHECK(in.empty());
        CHECK(out.empty());
        if (!victim.cancelled() && victim.exception() == nullptr) {
            CHECK(received == 4);
        }
    }
};

struct ByNumber {
    bool operator()(const MoveOnly& a, const MoveOnly& b) const { return a.number() < b.number(); }
};

struct Events {
    rondo::Event event;
    Coro<> victim() {
        for (int i = 0; i < 3; ++i) {
            co_await event.wait();
            event.clear();
            co_await rondo::sleep(0s);
        }
    }
    Coro<> others() {
        for (int i = 0; i < 10; ++i) {
            event.set();
            co_await rondo::sleep(1ms);
        }
    }
};

template <class Scenario>
SweepReport sweep_all() {
    const LeakCheck leaks;
    return sweep([] { return Scenario(); });
}

} // namespace

TEST_CASE("a Lock and Semaphores survive every sweep", "[testing][sweep][slow]") {
    const SweepReport report = sweep_all<Locks>();
    CHECK(report.cancelled > 0);
    CHECK(report.failed > 0);
}

TEST_CASE("an Event survives every sweep", "[testing][sweep]") {
    const SweepReport report = sweep_all<Events>();
    CHECK(report.cancelled > 0);
}

TEST_CASE("a Condition survives every sweep", "[testing][sweep][slow]") {
    const SweepReport report = sweep_all<Conditions>();
    CHECK(report.cancelled > 0);
    CHECK(report.failed > 0);
}

TEST_CASE("a Barrier survives every sweep", "[testing][sweep]") {
    struct Scenario : Barriers {
        Coro<> others() {
            auto all = Barriers::others();
            auto task = rondo::create_task(std::move(all));
            co_await rondo::sleep(100ms);
            barrier.abort(); // the victim will never come, or all are through
            co_await task;
        }
    };
    const SweepReport report = sweep_all<Scenario>();
    CHECK(report.cancelled > 0);
}

TEST_CASE("queues survive every sweep", "[testing][sweep][slow]") {
    const SweepReport fifo = sweep_all<Queues<rondo::Queue<MoveOnly>>>();
    CHECK(fifo.cancelled > 0);
    const SweepReport lifo = sweep_all<Queues<rondo::LifoQueue<MoveOnly>>>();
    CHECK(lifo.cancelled > 0);
    const SweepReport priority = sweep_all<Queues<rondo::PriorityQueue<MoveOnly, ByNumber>>>();
    CHECK(priority.cancelled > 0);
}
