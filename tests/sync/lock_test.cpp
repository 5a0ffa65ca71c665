// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/lock.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"
#include "sync/tasks.hpp"

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::Coro;
using rondo::create_task;
using rondo::Lock;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

static_assert(std::is_nothrow_default_constructible_v<Lock>);
static_assert(!std::is_copy_constructible_v<Lock>);
static_assert(!std::is_move_constructible_v<Lock>);
static_assert(!std::is_copy_constructible_v<Lock::Guard>);
static_assert(!std::is_default_constructible_v<Lock::Guard>);
static_assert(std::is_nothrow_move_constructible_v<Lock::Guard>);
static_assert(std::is_nothrow_move_assignable_v<Lock::Guard>);
static_assert(!std::is_convertible_v<Lock::Guard, bool>);
// [b333] The lock itself cannot be awaited: it is easily confused with what it protects.
static_assert(!rondo::Awaitable<Lock> && !rondo::Awaitable<Lock&>);
static_assert(rondo::Awaitable<Lock::Acquire>);

/// Enters, notes it, and stays for a time.
Coro<> visit(Lock& lock, std::string& log, char name, rondo::Clock::duration stay = 0s) {
    auto guard = co_await lock.acquire();
    log += name;
    if (stay > 0s) {
        co_await sleep(stay);
    }
}

} // namespace

ASYNC_TEST_CASE("a lock is locked by acquire, which does not wait if it is free, and by nobody "
                "else until it is released",
                "[sync][lock][b324]") {
    Lock lock;
    REQUIRE_FALSE(lock.locked());
    const auto turns = rondo::get_running_loop().metrics().turns;
    auto guard = co_await lock.acquire();
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
    REQUIRE(guard);
    REQUIRE(lock.locked());
    REQUIRE_FALSE(lock.try_acquire().has_value());
    guard.release();
    REQUIRE_FALSE(lock.locked());
    REQUIRE_FALSE(guard);
    guard.release(); // once is enough
    REQUIRE_FALSE(lock.locked());
    auto again = co_await lock.acquire();
    guard.release(); // not its lock any more
    REQUIRE(lock.locked());
}

TEST_CASE("try_acquire locks a free lock, outside of a loop as well", "[sync][lock]") {
    Lock lock;
    {
        const auto guard = lock.try_acquire();
        REQUIRE(guard.has_value());
        REQUIRE(lock.locked());
        REQUIRE_FALSE(lock.try_acquire().has_value());
    }
    REQUIRE_FALSE(lock.locked());
}

TEST_CASE("a lock is released once, by the last owner of its guard", "[sync][lock]") {
    Lock lock;
    Lock other;
    {
        auto one = *lock.try_acquire();
        auto two = *other.try_acquire();
        two = std::move(one); // releases its own
        REQUIRE(lock.locked());
        REQUIRE_FALSE(other.locked());
        REQUIRE_FALSE(one); // NOLINT(bugprone-use-after-move): what is left is what is tested
        auto& same = two;
        two = std::move(same);
        REQUIRE(two);
        REQUIRE(lock.locked());
        auto theirs = *other.try_acquire();
        two.swap(theirs);
        theirs.release();
        REQUIRE_FALSE(lock.locked());
        REQUIRE(other.locked());
    }
    REQUIRE_FALSE(other.locked());
}

TEST_CASE("a lock whose guard is forgotten is released by hand, and only one that is locked",
          "[sync][lock]") {
    Lock lock;
    auto guard = *lock.try_acquire();
    std::move(guard).forget();
    REQUIRE_FALSE(guard); // NOLINT(bugprone-use-after-move): what is left is what is tested
    REQUIRE(lock.locked());
    lock.release();
    REQUIRE_FALSE(lock.locked());
    REQUIRE_THROWS_AS(lock.release(), std::logic_error);
    REQUIRE_THROWS_WITH(lock.release(), Catch::Matchers::Contains("rondo: ") &&
                                            Catch::Matchers::Contains("not locked"));
}

TEST_CASE("tasks get a lock one by one, in the order in which they came", "[sync][lock]") {
    run_in_order([]() -> Coro<> {
        Lock lock;
        std::string log;
        std::vector<Coro<>> visitors;
        for (char name = 'a'; name <= 'z'; ++name) {
            visitors.push_back(visit(lock, log, name, (name * 7) % 5 * 1ms));
        }
        co_await rondo::gather(std::move(visitors));
        REQUIRE(log == "abcdefghijklmnopqrstuvwxyz");
        REQUIRE_FALSE(lock.locked());
    });
}

TEST_CASE("a newcomer goes behind a woken waiter that has not run yet", "[sync][lock][b327]") {
    run_in_order([]() -> Coro<> {
        Lock lock;
        std::string log;
        auto guard = co_await lock.acquire();
        auto waiter = create_task(visit(lock, log, 'w'));
        co_await let_others_run();
        REQUIRE(waiter.describe_wait() == "Lock::acquire");
        guard.release();
        REQUIRE(lock.locked()); // it is the waiter's
        REQUIRE_FALSE(lock.try_acquire().has_value());
        co_await visit(lock, log, 'n');
        REQUIRE(log == "wn");
        REQUIRE_FALSE(lock.locked());
    });
}

ASYNC_TEST_CASE("a cancelled waiter leaves the queue of a lock", "[sync][lock][cancel][b329]") {
    Lock lock;
    std::string log;
    auto guard = co_await lock.acquire();
    auto a = create_task(visit(lock, log, 'a'));
    co_await let_others_run();
    auto b = create_task(visit(lock, log, 'b'));
    co_await let_others_run();
    a.cancel("leave");
    co_await end_of(a);
    REQUIRE(cancel_message(a) == "leave");
    REQUIRE(lock.locked());
    guard.release();
    co_await b;
    REQUIRE(log == "b");
    REQUIRE_FALSE(lock.locked());
}

ASYNC_TEST_CASE("a lock released in the turn in which its first waiter is cancelled goes to the "
                "next",
                "[sync][lock][cancel][b330]") {
    Lock lock;
    std::string log;
    auto guard = co_await lock.acquire();
    auto a = create_task(visit(lock, log, 'a'));
    co_await let_others_run();
    auto b = create_task(visit(lock, log, 'b'));
    co_await let_others_run();
    a.cancel();
    guard.release(); // a has not run since
    co_await b;
    co_await end_of(a);
    REQUIRE(a.cancelled());
    REQUIRE(log == "b");
    REQUIRE_FALSE(lock.locked());
}

TEST_CASE("a lock whose new owner is cancelled before it runs goes to those who wait, in order",
          "[flaw15][sync][lock][cancel][b331]") {
    run_in_order([]() -> Coro<> {
        Lock lock;
        std::string log;
        auto guard = co_await lock.acquire();
        std::vector<Task<>> tasks;
        for (const char name : {'a', 'b', 'c', 'd'}) {
            tasks.push_back(create_task(visit(lock, log, name, 1s)));
        }
        co_await let_others_run();
        guard.release(); // a's
        tasks[0].cancel();
        tasks[1].cancel(); // is not to be given it
        co_await let_others_run();
        REQUIRE(tasks[0].cancelled());
        REQUIRE(tasks[1].cancelled());
        REQUIRE(log == "c"); // exactly one
        REQUIRE(lock.locked());
        co_await tasks[2];
        co_await tasks[3];
        REQUIRE(log == "cd");
        REQUIRE_FALSE(lock.locked());
    });
}

ASYNC_TEST_CASE("a lock whose new owner is cancelled is free if nobody else waits",
                "[sync][lock][cancel][b331]") {
    Lock lock;
    std::string log;
    auto guard = co_await lock.acquire();
    auto task = create_task(visit(lock, log, 'a'));
    co_await let_others_run();
    guard.release();
    task.cancel();
    co_await end_of(task);
    REQUIRE(task.cancelled());
    REQUIRE(log.empty());
    REQUIRE_FALSE(lock.locked());
}

ASYNC_TEST_CASE("uncancel() after the lock was handed over keeps it", "[sync][lock][cancel]") {
    Lock lock;
    std::string log;
    auto guard = co_await lock.acquire();
    auto task = create_task(visit(lock, log, 'a'));
    co_await let_others_run();
    guard.release();
    task.cancel();
    task.uncancel();
    co_await task;
    REQUIRE(log == "a");
    REQUIRE_FALSE(lock.locked());
}

ASYNC_TEST_CASE("a lock is released when its scope is left: at the end, by an exception, by a "
                "cancellation",
                "[sync][lock][cancel][b332]") {
    Lock lock;
    std::string log;
    co_await visit(lock, log, 'a');
    REQUIRE_FALSE(lock.locked());

    const auto fail = [&]() -> Coro<> {
        auto guard = co_await lock.acquire();
        CHECK(lock.locked());
        throw std::runtime_error("inside");
    };
    auto failed = co_await rondo::as_result(fail());
    REQUIRE_FALSE(failed.has_value());
    REQUIRE_FALSE(lock.locked());

    auto holder = create_task(visit(lock, log, 'b', 1h));
    co_await let_others_run();
    REQUIRE(lock.locked());
    holder.cancel();
    co_await end_of(holder);
    REQUIRE(holder.cancelled());
    REQUIRE_FALSE(lock.locked());
}

ASYNC_TEST_CASE("a task that is cancelled before it acquires waits for no lock",
                "[sync][lock][cancel]") {
    Lock lock;
    auto guard = co_await lock.acquire();
    bool taken = false;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel("before");
        auto mine = co_await lock.acquire();
        taken = true;
        co_await sleep(0s);
        FAIL_CHECK("was not cancelled");
    };
    auto task = create_task(body());
    co_await end_of(task);
    REQUIRE(cancel_message(task) == "before");
    REQUIRE_FALSE(taken);
    guard.release();
    REQUIRE_FALSE(lock.locked()); // nobody is left in the queue

    auto second = create_task(body()); // a free lock is taken: that is no wait
    co_await end_of(second);
    REQUIRE(second.cancelled());
    REQUIRE(taken);
    REQUIRE_FALSE(lock.locked());
}

ASYNC_TEST_CASE("wait_for on acquire leaves no waiter behind, and takes no lock",
                "[sync][lock][cancel]") {
    Lock lock;
    auto guard = co_await lock.acquire();
    bool timed_out = false;
    try {
        auto mine = co_await rondo::wait_for(lock.acquire(), 1s);
    } catch (const rondo::TimeoutError&) {
        timed_out = true;
    }
    REQUIRE(timed_out);
    guard.release();
    REQUIRE_FALSE(lock.locked());
    auto mine = co_await rondo::wait_for(lock.acquire(), 1s);
    REQUIRE(mine);
    REQUIRE(lock.locked());
}

ASYNC_TEST_CASE("as_result on a lock gives a guard or a cancellation", "[sync][lock][cancel]") {
    Lock lock;
    {
        auto got = co_await rondo::as_result(lock.acquire());
        REQUIRE(got.has_value());
        REQUIRE(lock.locked());
    }
    REQUIRE_FALSE(lock.locked());
    auto held = co_await lock.acquire();
    for (const bool with_lock : {false, true}) {
        bool cancelled = false;
        const auto body = [&]() -> Coro<> {
            auto got = co_await rondo::as_result(lock.acquire());
            cancelled = got.cancelled();
        };
        auto task = create_task(body());
        co_await let_others_run();
        if (with_lock) {
            held.release();
        }
        task.cancel();
        co_await task;
        REQUIRE(cancelled);
        REQUIRE(lock.locked() == !with_lock);
    }
}

ASYNC_TEST_CASE("a lock that dies leaves its waiters, who can be cancelled",
                "[sync][lock][cancel]") {
    std::string log;
    std::vector<Task<>> tasks;
    {
        Lock lock;
        auto guard = *lock.try_acquire();
        std::move(guard).forget();
        for (const char name : {'a', 'b', 'c'}) {
            tasks.push_back(create_task(visit(lock, log, name)));
        }
        co_await let_others_run();
    }
    for (const Task<>& task : tasks) {
        REQUIRE_FALSE(task.done());
        task.cancel();
        co_await end_of(task);
        REQUIRE(task.cancelled());
    }
    REQUIRE(log.empty());
}

TEST_CASE("a loop that is closed on holders, waiters and new owners leaves the lock free",
          "[sync][lock]") {
    Lock lock;
    std::string log;
    const LeakCheck leaks;
    const auto visit_with_luggage = [&](Tracked luggage) -> Coro<> {
        co_await visit(lock, log, 'x', 1h);
        CHECK(luggage.number() == 1);
    };
    const auto body = [&]() -> Coro<> {
        for (int i = 0; i < 4; ++i) {
            (void)create_task(visit_with_luggage(Tracked(1)));
        }
        co_await let_others_run();
        REQUIRE(log == "x");
    };
    run_and_close(body, [] {});
    REQUIRE_FALSE(lock.locked());
    log.clear();
    run_and_close(body, [&] { lock.release(); }); // the second owns it, and does not run any more
    REQUIRE_FALSE(lock.locked());
    REQUIRE(log == "x");
}

ASYNC_TEST_CASE("no acquire of a lock allocates, whether it waits or not", "[sync][lock]") {
    Lock lock;
    std::size_t allocations = 0;
    int rounds = 0;
    const auto ping_pong = [&](bool counts) -> Coro<> {
        for (int i = 0; i < 100; ++i) {
            if (counts && i == 10) {
                allocations = allocation_count();
            }
            auto guard = co_await lock.acquire();
            ++rounds;
            co_await sleep(0s);
            if (counts && i == 90) {
                allocations = allocation_count() - allocations;
            }
        }
    };
    auto first = create_task(ping_pong(true));
    auto second = create_task(ping_pong(false));
    co_await first;
    co_await second;
    REQUIRE(rounds == 200);
    REQUIRE(allocations == 0);

    const std::size_t before = allocation_count();
    for (int i = 0; i < 100; ++i) {
        auto guard = co_await lock.acquire();
    }
    const std::size_t after = allocation_count();
    REQUIRE(after == before);
}

TEST_CASE("a hundred thousand waiters get a lock in order", "[sync][lock][slow]") {
    run_in_order([]() -> Coro<> {
        constexpr int count = 100'000;
        Lock lock;
        std::vector<int> order;
        std::vector<int> expected;
        order.reserve(count);
        const auto enter = [&](int number) -> Coro<> {
            auto guard = co_await lock.acquire();
            order.push_back(number);
        };
        std::vector<Coro<>> waiters;
        for (int i = 0; i < count; ++i) {
            waiters.push_back(enter(i));
            expected.push_back(i);
        }
        auto guard = co_await lock.acquire();
        auto all = create_task(rondo::gather(std::move(waiters)));
        co_await sleep(1s);
        REQUIRE(order.empty());
        guard.release();
        co_await all;
        REQUIRE((order == expected));
        REQUIRE_FALSE(lock.locked());
    });
}

TEST_CASE("a lock passes through a hundred thousand owners that are cancelled",
          "[sync][lock][cancel][slow]") {
    run_in_order([]() -> Coro<> {
        constexpr int count = 100'000;
        Lock lock;
        std::string log;
        auto guard = co_await lock.acquire();
        std::vector<Task<>> tasks;
        tasks.reserve(count);
        for (int i = 0; i < count; ++i) {
            tasks.push_back(create_task(visit(lock, log, 'x')));
        }
        co_await let_others_run();
        // One after another is given the lock by the one before, and cancelled with it.
        guard.release();
        for (const Task<>& task : tasks) {
            task.cancel();
            co_await sleep(0s);
            REQUIRE(task.cancelled());
        }
        REQUIRE(log.empty());
        REQUIRE_FALSE(lock.locked());
    });
}

namespace {

/// Three tasks want the lock again and again; nobody may meet anybody inside.
struct ThreeVisitors {
    Lock lock;
    int inside = 0;
    int most_inside = 0;
    int visits = 0;

    Coro<> victim() {
        const Tracked luggage;
        co_await visit_often();
    }
    Coro<> others() { co_await rondo::gather(visit_often(), visit_often()); }
    void check(const Task<>& task) const {
        REQUIRE_FALSE(lock.locked());
        REQUIRE(most_inside == 1);
        REQUIRE(visits >= 6);
        REQUIRE((visits == 9 || task.cancelled()));
    }

private:
    Coro<> visit_often() {
        for (int i = 0; i < 3; ++i) {
            auto guard = co_await lock.acquire();
            most_inside = ++inside > most_inside ? inside : most_inside;
            const rondo::detail::ScopeExit leave([this] { --inside; });
            co_await sleep(i == 1 ? 2ms : 0ms);
            ++visits;
        }
    }
};

} // namespace

TEST_CASE("a lock is never lost nor shared wherever a visitor is cancelled",
          "[sync][lock][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<ThreeVisitors>();
    REQUIRE(report.moments >= 6);
    REQUIRE(report.cancelled >= report.moments);
}
