// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/semaphore.hpp>

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

#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::BoundedSemaphore;
using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Semaphore;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

static_assert(!std::is_copy_constructible_v<Semaphore::Permit>);
static_assert(std::is_nothrow_move_constructible_v<Semaphore::Permit>);
static_assert(std::is_nothrow_move_assignable_v<Semaphore::Permit>);
static_assert(!std::is_move_constructible_v<Semaphore>);

/// Acquires, notes it, and keeps the permit for a time.
Coro<> visit(Semaphore& semaphore, std::string& log, char name, rondo::Clock::duration stay = 0s) {
    auto permit = co_await semaphore.acquire();
    log += name;
    if (stay > 0s) {
        co_await sleep(stay);
    }
}

/// Acquires a permit for good.
Coro<> take_one(Semaphore& semaphore, std::vector<int>& order, int number) {
    auto permit = co_await semaphore.acquire();
    order.push_back(number);
    std::move(permit).forget();
}

Coro<> end_of(const Task<>& task) {
    try {
        co_await task;
    } catch (const CancelledError&) { // NOLINT(bugprone-empty-catch): only the end counts
    }
}

} // namespace

ASYNC_TEST_CASE("a semaphore lets as many through as it has permits, and none waits",
                "[sync][semaphore][b358]") {
    Semaphore semaphore(3);
    const auto before = rondo::get_running_loop().metrics().turns;
    REQUIRE_FALSE(semaphore.locked());
    auto first = co_await semaphore.acquire();
    auto second = co_await semaphore.acquire();
    REQUIRE_FALSE(semaphore.locked());
    REQUIRE(semaphore.value() == 1);
    auto third = co_await semaphore.acquire();
    REQUIRE(semaphore.locked());
    REQUIRE(semaphore.value() == 0);
    REQUIRE(rondo::get_running_loop().metrics().turns == before);
    REQUIRE(first);
    REQUIRE(second);
    REQUIRE(third);
}

TEST_CASE("a semaphore has one permit unless told otherwise", "[sync][semaphore][b358]") {
    Semaphore semaphore;
    REQUIRE(semaphore.value() == 1);
    REQUIRE_FALSE(semaphore.locked());
    REQUIRE(Semaphore(0).locked());
}

TEST_CASE("a semaphore cannot start with a negative count", "[sync][semaphore][b359]") {
    REQUIRE_THROWS_AS(Semaphore(-1), std::invalid_argument);
    REQUIRE_THROWS_WITH(Semaphore(std::numeric_limits<std::ptrdiff_t>::min()),
                        Catch::Matchers::Contains("rondo: ") &&
                            Catch::Matchers::Contains("negative"));
}

ASYNC_TEST_CASE("at zero acquire waits until somebody releases", "[sync][semaphore][b360]") {
    Semaphore semaphore(0);
    std::string log;
    auto task = create_task(visit(semaphore, log, 'a'));
    co_await let_others_run();
    REQUIRE(log.empty());
    REQUIRE(task.describe_wait() == "Semaphore::acquire");
    semaphore.release();
    REQUIRE(log.empty()); // release() runs nobody
    co_await task;
    REQUIRE(log == "a");
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("release gives the permit to the first who waits, and the count stays zero",
                "[sync][semaphore][b361]") {
    Semaphore semaphore(1);
    auto permit = co_await semaphore.acquire();
    std::string log;
    auto task = create_task(visit(semaphore, log, 'a'));
    co_await let_others_run();
    permit.release();
    REQUIRE(semaphore.value() == 0);
    REQUIRE(semaphore.locked());
    REQUIRE_FALSE(semaphore.try_acquire().has_value());
    co_await task;
    REQUIRE(semaphore.value() == 1);
    REQUIRE_FALSE(semaphore.locked());
}

TEST_CASE("tasks get permits in the order in which they came", "[sync][semaphore][b362]") {
    run_in_order([]() -> Coro<> {
        Semaphore semaphore(2);
        std::string log;
        std::vector<Coro<>> visitors;
        for (char name = 'a'; name <= 'z'; ++name) {
            visitors.push_back(visit(semaphore, log, name, (1 + (name * 7) % 5) * 1ms));
        }
        co_await rondo::gather(std::move(visitors));
        REQUIRE(log == "abcdefghijklmnopqrstuvwxyz");
        REQUIRE(semaphore.value() == 2);
    });
}

TEST_CASE("who comes while a woken task has not run goes after it, though permits are left",
          "[sync][semaphore][b363]") {
    run_in_order([]() -> Coro<> {
        Semaphore semaphore(0);
        std::string log;
        std::optional<Task<>> fourth;
        const auto note = [&log](char name) -> Coro<> {
            log += name;
            co_return;
        };
        const auto first = [&]() -> Coro<> {
            auto permit = co_await semaphore.acquire();
            CHECK(semaphore.value() == 0); // the two that came meanwhile have theirs
            CHECK(semaphore.locked());
            fourth = create_task(note('4'));
            log += '1';
            std::move(permit).forget();
        };
        const auto second = [&]() -> Coro<> {
            semaphore.release(3);
            CHECK(semaphore.value() == 2);
            CHECK(semaphore.locked()); // the first was given a permit and has not run
            CHECK_FALSE(semaphore.try_acquire().has_value());
            auto permit = co_await semaphore.acquire();
            log += '2';
            std::move(permit).forget();
        };
        const auto third = [&]() -> Coro<> {
            auto permit = co_await semaphore.acquire();
            log += '3';
            std::move(permit).forget();
        };
        co_await rondo::gather(first(), second(), third());
        co_await *fourth;
        REQUIRE(log == "1234");
        REQUIRE(semaphore.value() == 0);
        semaphore.release();
        REQUIRE_FALSE(semaphore.locked()); // nobody is on the way any more
    });
}

ASYNC_TEST_CASE("a waiter that is cancelled is skipped", "[sync][semaphore][cancel][b365]") {
    Semaphore semaphore(0);
    std::string log;
    auto a = create_task(visit(semaphore, log, 'a'));
    co_await let_others_run();
    auto b = create_task(visit(semaphore, log, 'b'));
    co_await let_others_run();
    auto c = create_task(visit(semaphore, log, 'c'));
    co_await let_others_run();
    b.cancel();
    semaphore.release(); // b has not run since it was cancelled
    co_await a;
    co_await c;
    co_await end_of(b);
    REQUIRE(b.cancelled());
    REQUIRE(log == "ac");
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("a waiter that is cancelled with its permit hands it to the next",
                "[sync][semaphore][cancel][b366]") {
    Semaphore semaphore(0);
    std::string log;
    std::vector<Task<>> tasks;
    for (const char name : {'a', 'b', 'c', 'd'}) {
        tasks.push_back(create_task(visit(semaphore, log, name, 1s)));
        co_await let_others_run();
    }
    semaphore.release(); // a's
    tasks[0].cancel();
    tasks[1].cancel(); // is not to be given it
    REQUIRE(semaphore.value() == 0);
    co_await end_of(tasks[0]);
    REQUIRE(tasks[0].cancelled());
    co_await let_others_run();
    REQUIRE(log == "c");
    co_await tasks[2];
    co_await tasks[3];
    REQUIRE(log == "cd");
    REQUIRE(semaphore.value() == 1);
    REQUIRE_FALSE(semaphore.locked());
}

ASYNC_TEST_CASE("a permit whose taker is cancelled is free again if nobody else waits",
                "[sync][semaphore][cancel][b366]") {
    Semaphore semaphore(0);
    std::string log;
    auto task = create_task(visit(semaphore, log, 'a'));
    co_await let_others_run();
    semaphore.release();
    REQUIRE(semaphore.locked());
    task.cancel();
    co_await end_of(task);
    REQUIRE(task.cancelled());
    REQUIRE(log.empty());
    REQUIRE(semaphore.value() == 1);
    REQUIRE_FALSE(semaphore.locked());
}

TEST_CASE("permits of cancelled takers go to those who wait longest, in order",
          "[sync][semaphore][cancel][b366]") {
    run_in_order([]() -> Coro<> {
        Semaphore semaphore(0);
        std::string log;
        std::vector<Task<>> tasks;
        for (char name = 'a'; name <= 'h'; ++name) {
            tasks.push_back(create_task(visit(semaphore, log, name, 1s)));
        }
        co_await let_others_run();
        semaphore.release(3); // a, b, c
        tasks[0].cancel();
        tasks[2].cancel();
        co_await let_others_run();
        REQUIRE(log == "bde");
        for (const Task<>& task : tasks) {
            co_await end_of(task);
        }
        REQUIRE(log == "bdefgh");
        REQUIRE(semaphore.value() == 3);
    });
}

ASYNC_TEST_CASE("release may raise the count above what it was at first",
                "[sync][semaphore][b367]") {
    Semaphore semaphore(1);
    semaphore.release();
    semaphore.release(3);
    REQUIRE(semaphore.value() == 5);
    std::vector<Semaphore::Permit> permits;
    for (int i = 0; i < 5; ++i) {
        REQUIRE_FALSE(semaphore.locked());
        auto permit = co_await semaphore.acquire();
        permits.push_back(std::move(permit));
    }
    REQUIRE(semaphore.locked());
    permits.clear();
    REQUIRE(semaphore.value() == 5);
}

TEST_CASE("a bounded semaphore has no more permits than at the beginning",
          "[sync][semaphore][b368]") {
    static_assert(std::is_base_of_v<Semaphore, BoundedSemaphore>);
    static_assert(!std::is_convertible_v<int, BoundedSemaphore>);
    REQUIRE_THROWS_AS(BoundedSemaphore(-1), std::invalid_argument);
    REQUIRE(BoundedSemaphore().value() == 1);
    BoundedSemaphore semaphore(2);
    REQUIRE_THROWS_AS(semaphore.release(), std::logic_error);
    REQUIRE_THROWS_WITH(semaphore.release(),
                        Catch::Matchers::Contains("rondo: BoundedSemaphore::release()"));
    REQUIRE(semaphore.value() == 2);
    auto one = *semaphore.try_acquire();
    auto two = *semaphore.try_acquire();
    std::move(one).forget();
    std::move(two).forget();
    REQUIRE_THROWS_AS(semaphore.release(3), std::logic_error);
    REQUIRE(semaphore.value() == 0); // all or nothing
    REQUIRE_THROWS_AS(semaphore.release(-1), std::invalid_argument);
    semaphore.release(0);
    semaphore.release(2);
    REQUIRE(semaphore.value() == 2);
    REQUIRE_THROWS_AS(semaphore.release(), std::logic_error);
    BoundedSemaphore none(0);
    REQUIRE_THROWS_AS(none.release(), std::logic_error);
}

TEST_CASE("a permit of a bounded semaphore whose place was given back by hand returns nothing",
          "[sync][semaphore][b368]") {
    BoundedSemaphore semaphore(2);
    {
        const auto permit = *semaphore.try_acquire();
        semaphore.release(); // its place
        REQUIRE(semaphore.value() == 2);
    }
    REQUIRE(semaphore.value() == 2);
}

ASYNC_TEST_CASE("a bounded semaphore serves those who wait as any other does",
                "[sync][semaphore][b368]") {
    BoundedSemaphore semaphore(1);
    std::string log;
    auto permit = co_await semaphore.acquire();
    auto a = create_task(visit(semaphore, log, 'a'));
    co_await let_others_run();
    auto b = create_task(visit(semaphore, log, 'b'));
    co_await let_others_run();
    permit.release();
    REQUIRE_THROWS_AS(semaphore.release(2), std::logic_error); // a has it, and only one
    a.cancel();                                                // and passes it on
    co_await b;
    co_await end_of(a);
    REQUIRE(log == "b");
    REQUIRE(semaphore.value() == 1);
    REQUIRE_THROWS_AS(semaphore.release(), std::logic_error);
}

ASYNC_TEST_CASE("release(n) serves those who wait first, and keeps the rest", "[sync][semaphore]") {
    Semaphore semaphore(0);
    std::vector<int> order;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task(take_one(semaphore, order, i)));
    }
    co_await let_others_run();
    semaphore.release(0);
    co_await let_others_run();
    REQUIRE(order.empty());
    semaphore.release(2);
    co_await let_others_run();
    REQUIRE(order.size() == 2);
    semaphore.release(5);
    REQUIRE(semaphore.value() == 4);
    for (const Task<>& task : tasks) {
        co_await task;
    }
    REQUIRE(semaphore.value() == 4);
}

TEST_CASE("release() refuses what cannot be counted, and changes nothing", "[sync][semaphore]") {
    Semaphore semaphore(2);
    REQUIRE_THROWS_AS(semaphore.release(-1), std::invalid_argument);
    REQUIRE(semaphore.value() == 2);
    constexpr std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max();
    REQUIRE_THROWS_AS(semaphore.release(most - 1), std::invalid_argument);
    REQUIRE(semaphore.value() == 2);
    semaphore.release(most - 2);
    REQUIRE(semaphore.value() == most);
    REQUIRE_THROWS_AS(semaphore.release(), std::invalid_argument);
}

TEST_CASE("try_acquire takes a free permit or nothing, outside of a loop as well",
          "[sync][semaphore]") {
    Semaphore semaphore(1);
    {
        const auto permit = semaphore.try_acquire();
        REQUIRE(permit.has_value());
        REQUIRE(semaphore.locked());
        REQUIRE_FALSE(semaphore.try_acquire().has_value());
    }
    REQUIRE(semaphore.value() == 1);
}

TEST_CASE("a permit is given back once, by its last owner", "[sync][semaphore]") {
    Semaphore semaphore(2);
    Semaphore other(1);
    {
        auto one = *semaphore.try_acquire();
        auto two = *semaphore.try_acquire();
        REQUIRE(semaphore.value() == 0);
        two = std::move(one); // gives back its own
        REQUIRE(semaphore.value() == 1);
        REQUIRE(two);
        REQUIRE_FALSE(one); // NOLINT(bugprone-use-after-move): what is left is what is tested
        auto& same = two;
        two = std::move(same);
        REQUIRE(two);
        REQUIRE(semaphore.value() == 1);
        auto theirs = *other.try_acquire();
        two.swap(theirs);
        theirs.release();
        theirs.release();
        REQUIRE(semaphore.value() == 2);
        REQUIRE(other.value() == 0);
    }
    REQUIRE(semaphore.value() == 2);
    REQUIRE(other.value() == 1);
}

TEST_CASE("a permit that is forgotten is released by hand", "[sync][semaphore]") {
    Semaphore semaphore(1);
    {
        auto permit = *semaphore.try_acquire();
        std::move(permit).forget();
        REQUIRE_FALSE(permit); // NOLINT(bugprone-use-after-move): what is left is what is tested
    }
    REQUIRE(semaphore.locked());
    semaphore.release();
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("a permit is released when its holder throws or is cancelled",
                "[sync][semaphore][cancel]") {
    Semaphore semaphore(1);
    const auto fail = [&]() -> Coro<> {
        auto permit = co_await semaphore.acquire();
        throw std::runtime_error("with a permit");
    };
    auto failed = co_await rondo::as_result(fail());
    REQUIRE_FALSE(failed.has_value());
    REQUIRE(semaphore.value() == 1);

    std::string log;
    auto holder = create_task(visit(semaphore, log, 'a', 1h));
    co_await let_others_run();
    REQUIRE(semaphore.locked());
    holder.cancel();
    co_await end_of(holder);
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("a task that is cancelled before it acquires waits for nothing, and takes nothing",
                "[sync][semaphore][cancel]") {
    Semaphore semaphore(0);
    std::vector<int> order;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel("before");
        auto permit = co_await semaphore.acquire();
        order.push_back(1);
    };
    auto task = create_task(body());
    std::string message;
    try {
        co_await task;
    } catch (const CancelledError& cancelled) {
        message = cancelled.message();
    }
    REQUIRE(message == "before");
    REQUIRE(order.empty());
    semaphore.release();
    REQUIRE(semaphore.value() == 1); // nobody is left in the queue
}

ASYNC_TEST_CASE("a free permit is taken although a cancellation is pending: nothing was waited for",
                "[sync][semaphore][cancel]") {
    Semaphore semaphore(1);
    bool taken = false;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel();
        auto permit = co_await semaphore.acquire();
        taken = true;
        co_await sleep(0s); // here
        FAIL_CHECK("was not cancelled");
    };
    auto task = create_task(body());
    co_await end_of(task);
    REQUIRE(task.cancelled());
    REQUIRE(taken);
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("uncancel() after the grant keeps the permit", "[sync][semaphore][cancel]") {
    Semaphore semaphore(0);
    std::string log;
    auto task = create_task(visit(semaphore, log, 'a'));
    co_await let_others_run();
    semaphore.release();
    task.cancel();
    task.uncancel();
    co_await task;
    REQUIRE(log == "a");
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("uncancel() after the queue was left does not bring the place back",
                "[sync][semaphore][cancel]") {
    Semaphore semaphore(0);
    std::string log;
    auto task = create_task(visit(semaphore, log, 'a'));
    co_await let_others_run();
    task.cancel();
    task.uncancel();
    semaphore.release();
    co_await end_of(task);
    REQUIRE(task.cancelled());
    REQUIRE(log.empty());
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("wait_for on acquire leaves no waiter behind, and takes no permit",
                "[sync][semaphore][cancel][b256]") {
    Semaphore semaphore(0);
    bool timed_out = false;
    try {
        auto permit = co_await rondo::wait_for(semaphore.acquire(), 1s);
    } catch (const rondo::TimeoutError&) {
        timed_out = true;
    }
    REQUIRE(timed_out);
    semaphore.release();
    REQUIRE(semaphore.value() == 1);
    auto permit = co_await rondo::wait_for(semaphore.acquire(), 1s);
    REQUIRE(permit);
    REQUIRE(semaphore.value() == 0);
}

ASYNC_TEST_CASE("as_result on acquire gives a permit or a cancellation",
                "[sync][semaphore][cancel][as_result]") {
    Semaphore semaphore(1);
    {
        auto got = co_await rondo::as_result(semaphore.acquire());
        REQUIRE(got.has_value());
        REQUIRE(semaphore.locked());
    }
    REQUIRE(semaphore.value() == 1);
    auto held = co_await semaphore.acquire();
    for (const bool with_permit : {false, true}) {
        bool cancelled = false;
        const auto body = [&]() -> Coro<> {
            auto got = co_await rondo::as_result(semaphore.acquire());
            cancelled = got.cancelled();
        };
        auto task = create_task(body());
        co_await let_others_run();
        if (with_permit) {
            held.release();
        }
        task.cancel();
        co_await task;
        REQUIRE(cancelled);
    }
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("a semaphore that dies leaves its waiters, who can be cancelled",
                "[sync][semaphore][cancel]") {
    std::string log;
    std::vector<Task<>> tasks;
    {
        Semaphore semaphore(0);
        for (const char name : {'a', 'b', 'c'}) {
            tasks.push_back(create_task(visit(semaphore, log, name)));
        }
        co_await let_others_run();
    }
    co_await let_others_run();
    for (const Task<>& task : tasks) {
        REQUIRE_FALSE(task.done());
        task.cancel();
    }
    for (const Task<>& task : tasks) {
        co_await end_of(task);
        REQUIRE(task.cancelled());
    }
    REQUIRE(log.empty());
}

TEST_CASE("a loop that is closed on waiters and takers leaves the permits where they belong",
          "[sync][semaphore]") {
    Semaphore semaphore(0);
    std::string log;
    const LeakCheck leaks;
    const auto visit_with_luggage = [&](Tracked luggage) -> Coro<> {
        co_await visit(semaphore, log, 'x', 1h);
        CHECK(luggage.number() == 1);
    };
    {
        rondo::EventLoop loop(in_order());
        loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
        const auto body = [&]() -> Coro<> {
            for (int i = 0; i < 4; ++i) {
                (void)create_task(visit_with_luggage(Tracked(1)));
            }
            co_await let_others_run();
            semaphore.release(); // the first holds it
            co_await let_others_run();
        };
        loop.run_until_complete(body());
        semaphore.release(); // the second was given it, and does not run any more
        REQUIRE(log == "x");
        REQUIRE(semaphore.value() == 0);
    }
    REQUIRE(semaphore.value() == 2);
    REQUIRE_FALSE(semaphore.locked());
}

ASYNC_TEST_CASE("no acquire allocates, whether it waits or not", "[sync][semaphore]") {
    Semaphore semaphore(1);
    int rounds = 0;
    std::size_t allocations = 0;
    const auto ping_pong = [&](bool counts) -> Coro<> {
        for (int i = 0; i < 100; ++i) {
            if (counts && i == 10) {
                allocations = allocation_count();
            }
            auto permit = co_await semaphore.acquire();
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
        auto permit = co_await semaphore.acquire();
    }
    const std::size_t after = allocation_count();
    REQUIRE(after == before);
}

TEST_CASE("a hundred thousand waiters are served in order", "[sync][semaphore][slow]") {
    run_in_order([]() -> Coro<> {
        constexpr int count = 100'000;
        Semaphore semaphore(0);
        std::vector<int> order;
        order.reserve(count);
        std::vector<Coro<>> waiters;
        waiters.reserve(count);
        for (int i = 0; i < count; ++i) {
            waiters.push_back(take_one(semaphore, order, i));
        }
        auto all = create_task(rondo::gather(std::move(waiters)));
        co_await sleep(1s);
        REQUIRE(order.empty());
        semaphore.release(); // one alone, then in lots
        co_await sleep(1s);
        REQUIRE(order.size() == 1);
        for (int left = count - 1; left > 0;) {
            const int lot = left < 1'000 ? left : 1'000;
            semaphore.release(lot);
            left -= lot;
            co_await sleep(1s);
        }
        co_await all;
        bool in_order = order.size() == count;
        for (int i = 0; in_order && i < count; ++i) {
            in_order = order[static_cast<std::size_t>(i)] == i;
        }
        REQUIRE(in_order);
        REQUIRE(semaphore.value() == 0);
    });
}

ASYNC_TEST_CASE("a hundred thousand waiters are cancelled, and the permits of those that had one "
                "are there again",
                "[sync][semaphore][cancel][slow]") {
    constexpr int count = 100'000;
    constexpr int granted = 40'000;
    Semaphore semaphore(0);
    std::vector<int> order;
    std::vector<Task<>> tasks;
    tasks.reserve(count);
    for (int i = 0; i < count; ++i) {
        tasks.push_back(create_task(take_one(semaphore, order, i)));
    }
    co_await sleep(1s);
    semaphore.release(granted);
    for (const Task<>& task : tasks) {
        task.cancel();
    }
    co_await sleep(1s);
    int cancelled = 0;
    for (const Task<>& task : tasks) {
        cancelled += task.cancelled() ? 1 : 0;
    }
    REQUIRE(cancelled == count);
    REQUIRE(order.empty());
    REQUIRE(semaphore.value() == granted);
    REQUIRE_FALSE(semaphore.locked());
}

namespace {

/// Two permits for four tasks, one of which is cancelled.
struct FourVisitors {
    Semaphore semaphore{2};
    std::string log;

    Coro<> victim() {
        const Tracked luggage;
        for (int i = 0; i < 3; ++i) {
            auto permit = co_await semaphore.acquire();
            log += 'v';
            co_await sleep(0s);
        }
    }
    Coro<> others() { co_await rondo::gather(visitor('a'), visitor('b'), visitor('c')); }
    void check(const Task<>& task) const {
        REQUIRE(semaphore.value() == 2);
        REQUIRE_FALSE(semaphore.locked());
        REQUIRE(log.size() >= 9);
        REQUIRE((log.size() == 12 || task.cancelled()));
    }

private:
    Coro<> visitor(char name) {
        for (int i = 0; i < 3; ++i) {
            auto permit = co_await semaphore.acquire();
            log += name;
            if (i == 1) {
                co_await sleep(2ms);
            } else {
                co_await sleep(0s);
            }
        }
    }
};

/// A victim that swallows, cleans up with the same semaphore, and goes on.
struct StubbornVisitor {
    Semaphore semaphore{1};
    int cleaned_up = 0;

    Coro<> victim() {
        bool cancelled = false;
        try {
            co_await visit();
        } catch (const CancelledError&) {
            cancelled = true;
        }
        if (cancelled) {
            co_await visit();
            ++cleaned_up;
        }
    }
    Coro<> others() {
        co_await visit();
        co_await visit();
    }
    void check(const Task<>& /*task*/) const {
        REQUIRE(semaphore.value() == 1);
        REQUIRE_FALSE(semaphore.locked());
    }

private:
    Coro<> visit() {
        auto permit = co_await semaphore.acquire();
        co_await sleep(1ms);
    }
};

} // namespace

TEST_CASE("no permit is lost wherever a visitor is cancelled", "[sync][semaphore][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<FourVisitors>();
    REQUIRE(report.moments >= 6);
    REQUIRE(report.cancelled >= report.moments);
}

TEST_CASE("no permit is lost wherever a visitor is cancelled that acquires to clean up",
          "[sync][semaphore][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<StubbornVisitor>();
    REQUIRE(report.moments >= 3);
    REQUIRE(report.cancelled >= 1);
}
