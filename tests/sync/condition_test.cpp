// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/condition.hpp>

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
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::CancelledError;
using rondo::Condition;
using rondo::Coro;
using rondo::create_task;
using rondo::Lock;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

static_assert(!std::is_copy_constructible_v<Condition>);
static_assert(!std::is_move_constructible_v<Condition>);
static_assert(!std::is_convertible_v<Lock&, Condition>);
static_assert(!rondo::Awaitable<Condition>);

Coro<> wait_and_note(Condition& condition, std::string& log, char name) {
    auto guard = co_await condition.acquire();
    co_await condition.wait();
    CHECK(condition.locked());
    log += name;
}

Coro<> notify(Condition& condition, std::size_t n) {
    auto guard = co_await condition.acquire();
    condition.notify(n);
}

} // namespace

TEST_CASE("notify and wait without the lock are mistakes", "[sync][condition][b343][b347]") {
    run_in_order([]() -> Coro<> {
        Condition condition;
        REQUIRE_THROWS_AS(condition.notify(), std::logic_error);
        REQUIRE_THROWS_AS(condition.notify_all(), std::logic_error);
        REQUIRE_THROWS_WITH(condition.notify(), Catch::Matchers::Contains("rondo: ") &&
                                                    Catch::Matchers::Contains("acquire()"));
        std::string message;
        try {
            co_await condition.wait();
        } catch (const std::logic_error& error) {
            message = error.what();
        }
        REQUIRE_THAT(message, Catch::Matchers::Contains("rondo: Condition::wait() without its "
                                                        "lock; acquire() it first"));
        REQUIRE_FALSE(condition.locked());
    });
}

ASYNC_TEST_CASE("a notified task goes on when it gets the lock, which notify does not release",
                "[sync][condition][b346]") {
    Condition condition;
    std::string log;
    auto waiter = create_task(wait_and_note(condition, log, 'a'));
    co_await let_others_run();
    REQUIRE(waiter.describe_wait() == "Condition::wait");
    REQUIRE_FALSE(condition.locked()); // released while it waits
    {
        auto guard = co_await condition.acquire();
        condition.notify();
        co_await let_others_run();
        REQUIRE(log.empty());
        REQUIRE(condition.locked());
        REQUIRE(waiter.describe_wait() == "the lock of a Condition");
    }
    co_await waiter;
    REQUIRE(log == "a");
    REQUIRE_FALSE(condition.locked());
}

TEST_CASE("notify(n) wakes the n that have waited longest, notify_all all", "[sync][condition]") {
    run_in_order([]() -> Coro<> {
        Condition condition;
        std::string log;
        std::vector<Task<>> tasks;
        for (char name = 'a'; name <= 'g'; ++name) {
            tasks.push_back(create_task(wait_and_note(condition, log, name)));
        }
        co_await let_others_run();
        co_await notify(condition, 0);
        co_await let_others_run();
        REQUIRE(log.empty());
        co_await notify(condition, 1);
        co_await let_others_run();
        REQUIRE(log == "a");
        co_await notify(condition, 2);
        co_await let_others_run();
        REQUIRE(log == "abc");
        {
            auto guard = co_await condition.acquire();
            condition.notify_all();
            condition.notify_all();
        }
        for (const Task<>& task : tasks) {
            co_await task;
        }
        REQUIRE(log == "abcdefg");
        co_await notify(condition, 3); // nobody waits: it is forgotten
        auto late = create_task(wait_and_note(condition, log, 'h'));
        co_await let_others_run();
        REQUIRE_FALSE(late.done());
        late.cancel();
        co_await end_of(late);
    });
}

ASYNC_TEST_CASE("wait_for waits until the predicate is true, and not at all if it is",
                "[sync][condition][b357]") {
    Condition condition;
    int jobs = 0;
    int asked = 0;
    bool went_on = false;
    const auto worker = [&]() -> Coro<> {
        auto guard = co_await condition.acquire();
        co_await condition.wait_for([&] {
            ++asked;
            return jobs >= 2;
        });
        went_on = true;
        CHECK(condition.locked());
    };
    auto task = create_task(worker());
    co_await let_others_run();
    for (int i = 1; i <= 2; ++i) {
        REQUIRE_FALSE(went_on);
        auto guard = co_await condition.acquire();
        ++jobs;
        condition.notify();
        guard.release();
        co_await let_others_run();
        REQUIRE(asked == i + 1); // woken, it looks again
    }
    co_await task;
    REQUIRE(went_on);

    const auto turns = rondo::get_running_loop().metrics().turns;
    co_await worker();
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("wait_for gives what the predicate gave last", "[sync][condition]") {
    Condition condition;
    const std::size_t size = co_await condition.wait_for([] { return std::size_t{3}; }); // no lock
    REQUIRE(size == 3);
    bool thrown = false;
    try {
        co_await condition.wait_for([] { return false; });
    } catch (const std::logic_error&) {
        thrown = true;
    }
    REQUIRE(thrown);

    std::unique_ptr<int> job;
    int taken = 0;
    const auto worker = [&]() -> Coro<> {
        auto guard = co_await condition.acquire();
        const auto mine = co_await condition.wait_for([&] { return std::move(job); });
        taken = *mine;
    };
    auto task = create_task(worker());
    co_await let_others_run();
    co_await notify(condition, 1); // for nothing
    REQUIRE_FALSE(task.done());
    job = std::make_unique<int>(7);
    co_await notify(condition, 1);
    co_await task;
    REQUIRE(taken == 7);
}

ASYNC_TEST_CASE("a predicate that throws leaves the lock held, for the guard to release",
                "[sync][condition]") {
    Condition condition;
    bool held = false;
    const auto body = [&]() -> Coro<> {
        auto guard = co_await condition.acquire();
        bool asked = false;
        try {
            co_await condition.wait_for([&]() -> bool {
                if (std::exchange(asked, true)) {
                    throw std::runtime_error("cannot say");
                }
                return false;
            });
        } catch (const std::runtime_error&) {
            held = condition.locked();
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    co_await notify(condition, 1);
    co_await task;
    REQUIRE(held);
    REQUIRE_FALSE(condition.locked());
}

ASYNC_TEST_CASE("a condition can share a lock: locking either locks both",
                "[sync][condition][b354]") {
    Lock lock;
    Condition not_empty(lock);
    Condition not_full(lock);
    Condition own;
    auto guard = co_await lock.acquire();
    REQUIRE(not_empty.locked());
    REQUIRE_FALSE(own.locked());
    not_full.notify(); // its lock is held
    guard.release();
    auto other = co_await not_full.acquire();
    REQUIRE(lock.locked());
    REQUIRE(not_empty.locked());
    other.release();

    std::string log;
    auto a = create_task(wait_and_note(not_empty, log, 'a'));
    auto b = create_task(wait_and_note(not_full, log, 'b'));
    co_await let_others_run();
    co_await notify(not_full, 9); // wakes those of its own
    co_await let_others_run();
    REQUIRE(log == "b");
    co_await notify(not_empty, 9);
    co_await a;
    co_await b;
    REQUIRE(log == "ba");
}

TEST_CASE("a condition and its lock belong to no loop until somebody waits",
          "[sync][condition][b355]") {
    Lock lock;
    Condition condition(lock);
    for (int i = 0; i < 2; ++i) { // one loop after another
        std::string log;
        rondo::testing::run([&]() -> Coro<> {
            auto task = create_task(wait_and_note(condition, log, 'a'));
            co_await let_others_run();
            co_await notify(condition, 1);
            co_await task;
        });
        REQUIRE(log == "a");
        REQUIRE_FALSE(lock.locked());
    }
}

ASYNC_TEST_CASE("a condition's scope locks and unlocks", "[sync][condition][b356]") {
    Condition condition;
    REQUIRE_FALSE(condition.locked());
    {
        auto guard = co_await condition.acquire();
        REQUIRE(condition.locked());
    }
    REQUIRE_FALSE(condition.locked());
    try {
        auto guard = co_await condition.acquire();
        throw std::runtime_error("inside");
    } catch (const std::runtime_error&) {
        REQUIRE_FALSE(condition.locked());
    }
}

ASYNC_TEST_CASE("who is cancelled while it waits takes the lock again before it throws",
                "[sync][condition][cancel][b350][b352]") {
    Condition condition;
    bool held = false;
    std::string log;
    const auto body = [&]() -> Coro<> {
        auto guard = co_await condition.acquire();
        const rondo::detail::ScopeExit look([&] { held = condition.locked(); });
        co_await condition.wait();
    };
    auto task = create_task(body());
    auto other = create_task(wait_and_note(condition, log, 'o'));
    co_await let_others_run();
    task.cancel("original");
    co_await end_of(task);
    REQUIRE(held);
    REQUIRE_FALSE(condition.locked());
    REQUIRE(cancel_message(task) == "original");
    co_await notify(condition, 1); // it has left the queue
    co_await other;
    REQUIRE(log == "o");
}

ASYNC_TEST_CASE("who is cancelled while it takes the lock again goes on until it has it, and "
                "throws then",
                "[sync][condition][cancel][b351][b352]") {
    Condition condition;
    std::string log;
    for (const bool notified : {false, true}) {
        auto task = create_task(wait_and_note(condition, log, 'a'));
        co_await let_others_run();
        auto guard = co_await condition.acquire();
        if (notified) {
            condition.notify();
        } else {
            task.cancel("first");
        }
        co_await let_others_run();
        REQUIRE(task.describe_wait() == "the lock of a Condition");
        task.cancel(notified ? "first" : "second");
        co_await let_others_run();
        task.cancel("third");
        co_await let_others_run();
        REQUIRE_FALSE(task.done()); // still without the lock
        guard.release();
        co_await end_of(task);
        REQUIRE(task.cancelled());
        REQUIRE_FALSE(condition.locked());
        if (!notified) {
            REQUIRE(cancel_message(task) == "first");
        }
    }
    REQUIRE(log.empty());
}

ASYNC_TEST_CASE("the CancelledError of a wait that was cancelled while it took the lock again is "
                "the original",
                "[sync][condition][cancel][b352]") {
    Condition condition;
    std::string log;
    auto task = create_task(wait_and_note(condition, log, 'a'));
    co_await let_others_run();
    auto guard = co_await condition.acquire();
    condition.notify();
    co_await let_others_run();
    task.cancel("the message");
    guard.release();
    co_await end_of(task);
    REQUIRE(cancel_message(task) == "the message");
}

TEST_CASE("a notification of who is cancelled goes to the next, at whichever moment",
          "[sync][condition][cancel]") {
    enum class When { with_notification, while_locking, with_lock };
    for (const When when : {When::with_notification, When::while_locking, When::with_lock}) {
        CAPTURE(static_cast<int>(when));
        run_in_order([=]() -> Coro<> {
            Condition condition;
            std::string log;
            std::vector<Task<>> tasks;
            for (const char name : {'a', 'b', 'c'}) {
                tasks.push_back(create_task(wait_and_note(condition, log, name)));
            }
            co_await let_others_run();
            auto guard = co_await condition.acquire();
            condition.notify();
            if (when != When::with_notification) {
                co_await let_others_run();
            }
            if (when == When::with_lock) {
                guard.release();
            }
            tasks[0].cancel();
            guard.release();
            co_await let_others_run();
            CHECK(tasks[0].cancelled());
            CHECK(log == "b"); // one notification, one task
            CHECK_FALSE(condition.locked());
            co_await notify(condition, 1);
            co_await let_others_run();
            CHECK(log == "bc");
        });
    }
}

TEST_CASE("who is cancelled before it is notified passes nothing on", "[sync][condition][cancel]") {
    run_in_order([]() -> Coro<> {
        Condition condition;
        std::string log;
        auto a = create_task(wait_and_note(condition, log, 'a'));
        auto b = create_task(wait_and_note(condition, log, 'b'));
        auto c = create_task(wait_and_note(condition, log, 'c'));
        co_await let_others_run();
        auto guard = co_await condition.acquire();
        a.cancel();
        condition.notify(); // for b
        guard.release();
        co_await let_others_run();
        REQUIRE(a.cancelled());
        REQUIRE(log == "b");
        REQUIRE_FALSE(c.done());
        c.cancel();
        co_await end_of(c);
    });
}

ASYNC_TEST_CASE("a task with a cancellation pending throws from wait() with the lock held",
                "[sync][condition][cancel]") {
    Condition condition;
    bool held = false;
    const auto body = [&]() -> Coro<> {
        auto guard = co_await condition.acquire();
        rondo::current_task().cancel("before");
        const rondo::detail::ScopeExit look([&] { held = condition.locked(); });
        co_await condition.wait();
    };
    auto task = create_task(body());
    co_await end_of(task);
    REQUIRE(held);
    REQUIRE(cancel_message(task) == "before");
    REQUIRE_FALSE(condition.locked());
}

ASYNC_TEST_CASE("a limit on a wait leaves the lock held when it throws TimeoutError",
                "[sync][condition][cancel][b255]") {
    Condition condition;
    {
        auto guard = co_await condition.acquire();
        bool timed_out = false;
        try {
            co_await rondo::wait_for(condition.wait(), 1s);
        } catch (const rondo::TimeoutError&) {
            timed_out = true;
        }
        REQUIRE(timed_out);
        REQUIRE(condition.locked());
        REQUIRE(guard);

        timed_out = false;
        try {
            co_await rondo::wait_for(condition.wait_for([] { return false; }), 1s);
        } catch (const rondo::TimeoutError&) {
            timed_out = true;
        }
        REQUIRE(timed_out);
        REQUIRE(condition.locked());
    }
    REQUIRE_FALSE(condition.locked());
}

ASYNC_TEST_CASE("a limit that passes while the lock is taken again throws when it has been",
                "[sync][condition][cancel][b255]") {
    Condition condition;
    const auto start = rondo::get_running_loop().time();
    bool timed_out = false;
    const auto body = [&]() -> Coro<> {
        auto guard = co_await condition.acquire();
        try {
            co_await rondo::wait_for(condition.wait(), 1s);
        } catch (const rondo::TimeoutError&) {
            timed_out = true;
            CHECK(condition.locked());
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    {
        auto guard = co_await condition.acquire();
        condition.notify();
        co_await sleep(3s);
    }
    co_await task;
    REQUIRE(timed_out);
    REQUIRE(rondo::get_running_loop().time() - start == 3s);
    REQUIRE_FALSE(condition.locked());
}

TEST_CASE("a loop that is closed on a condition leaves its lock free", "[sync][condition]") {
    Condition condition;
    const LeakCheck leaks;
    std::string log;
    const auto waiter = [&](Tracked luggage) -> Coro<> {
        co_await wait_and_note(condition, log, 'a');
        CHECK(luggage.number() == 1);
    };
    const auto hold = [&](bool notifies) -> Coro<> {
        auto guard = co_await condition.acquire();
        if (notifies) {
            condition.notify_all();
        }
        co_await sleep(1h);
    };
    for (const bool notifies : {false, true}) { // waiting, or taking the lock again
        run_and_close(
            [&]() -> Coro<> {
                (void)create_task(waiter(Tracked(1)));
                (void)create_task(waiter(Tracked(1)));
                co_await let_others_run();
                (void)create_task(hold(notifies));
                co_await let_others_run();
            },
            [&] { REQUIRE(condition.locked()); });
        REQUIRE_FALSE(condition.locked());
    }
    REQUIRE(log.empty());
}

ASYNC_TEST_CASE("waiting for a condition allocates nothing once there are frames",
                "[sync][condition]") {
    Condition condition;
    int turn = 0;
    std::size_t allocations = 0;
    const auto player = [&](int number) -> Coro<> {
        auto guard = co_await condition.acquire();
        for (int i = 0; i < 100; ++i) {
            if (number == 0 && i == 10) {
                allocations = allocation_count();
            }
            co_await condition.wait_for([&] { return turn == number; });
            turn = 1 - number;
            condition.notify();
            if (number == 0 && i == 90) {
                allocations = allocation_count() - allocations;
            }
        }
    };
    co_await rondo::gather(player(0), player(1));
    if (!RONDO_SANITIZED) { // there every frame is allocated
        REQUIRE(allocations == 0);
    }
}

ASYNC_TEST_CASE("a wait that finds no memory throws, and the lock is held as before",
                "[sync][condition]") {
    Condition condition;
    auto guard = co_await condition.acquire();
    auto waiting = condition.wait_for([] { return false; }); // has its frame, and needs another
    std::vector<Coro<>> taken;
    taken.reserve(200'000);
    bool failed = false;
    {
        const NoMemory none;
        try {
            for (;;) { // what there is in the pool of frames
                REQUIRE(taken.size() < taken.capacity());
                taken.push_back(condition.wait());
            }
        } catch (const std::bad_alloc&) {
            REQUIRE(condition.locked());
        }
        try {
            co_await std::move(waiting);
        } catch (const std::bad_alloc&) {
            failed = true;
        }
    }
    REQUIRE(failed);
    REQUIRE(condition.locked());
    guard.release();
    REQUIRE_FALSE(condition.locked());
}

TEST_CASE("a hundred thousand are notified in order, and cancelled", "[sync][condition][slow]") {
    run_in_order([]() -> Coro<> {
        constexpr int count = 100'000;
        Condition condition;
        std::vector<int> order;
        std::vector<int> expected;
        std::vector<Task<>> tasks;
        const auto waiter = [&](int number) -> Coro<> {
            auto guard = co_await condition.acquire();
            co_await condition.wait();
            order.push_back(number);
        };
        for (int i = 0; i < count; ++i) {
            tasks.push_back(create_task(waiter(i)));
            if (i < count / 2) {
                expected.push_back(i);
            }
        }
        co_await sleep(1s);
        co_await notify(condition, count / 2);
        co_await sleep(1s);
        REQUIRE((order == expected));
        for (std::size_t i = tasks.size(); i > tasks.size() / 2; --i) {
            tasks[i - 1].cancel();
        }
        co_await sleep(1s);
        bool all_cancelled = true;
        for (std::size_t i = tasks.size() / 2; i < tasks.size(); ++i) {
            all_cancelled = all_cancelled && tasks[i].cancelled();
        }
        REQUIRE(all_cancelled);
        REQUIRE_FALSE(condition.locked());
    });
}

namespace {

/// A token guarded by a condition: the victim and two others take it and put it back, which they
/// do however often they are cancelled meanwhile.
struct OneToken {
    Condition condition;
    int tokens = 1;
    int taken = 0;

    Coro<> victim() {
        const Tracked luggage;
        co_await use_token();
    }
    Coro<> others() { co_await rondo::gather(use_token(), use_token()); }
    void check(const Task<>& task) const {
        REQUIRE(tokens == 1);
        REQUIRE_FALSE(condition.locked());
        REQUIRE((taken == 9 || task.cancelled()));
        REQUIRE(taken >= 6); // no notification was lost: the others went on
    }

private:
    Coro<> use_token() {
        for (int i = 0; i < 3; ++i) {
            {
                auto guard = co_await condition.acquire();
                co_await condition.wait_for([&] { return tokens > 0; });
                CHECK(condition.locked());
                --tokens;
                ++taken;
            }
            std::exception_ptr cancelled;
            try {
                co_await sleep(i == 1 ? 1ms : 0ms);
            } catch (const CancelledError&) {
                cancelled = std::current_exception();
            }
            bool back = false;
            while (!back) {
                try {
                    auto guard = co_await condition.acquire();
                    ++tokens;
                    condition.notify(); // one, so that it is missed if it gets lost
                    back = true;
                } catch (const CancelledError&) {
                    cancelled = std::current_exception();
                }
            }
            if (cancelled != nullptr) {
                std::rethrow_exception(cancelled);
            }
        }
    }
};

} // namespace

TEST_CASE("no notification is lost wherever a waiter is cancelled",
          "[sync][condition][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<OneToken>();
    REQUIRE(report.moments >= 4);
    REQUIRE(report.cancelled >= report.moments);
}
