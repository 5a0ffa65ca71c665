// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// An awaiter that is kept in a variable may be awaited again, whatever the first await came to.

#include <rondo/create_task.hpp>
#include <rondo/event.hpp>
#include <rondo/lock.hpp>
#include <rondo/queue.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>

#include "support/async_test.hpp"

using rondo::Coro;
using rondo::create_task;
using namespace rondo_test;

ASYNC_TEST_CASE("a lock's awaiter that has waited takes a free lock the second time",
                "[sync][lock]") {
    rondo::Lock lock;
    auto held = lock.try_acquire();
    auto awaiter = lock.acquire().operator co_await();
    const auto body = [&]() -> Coro<> {
        { const auto first = co_await awaiter; }
        const auto second = co_await awaiter;
    };
    auto task = create_task(body());
    co_await let_others_run();
    held.reset();
    co_await task;
    CHECK_FALSE(lock.locked());
}

ASYNC_TEST_CASE("a lock's awaiter that was cancelled takes a free lock the second time",
                "[sync][lock][cancel]") {
    rondo::Lock lock;
    auto held = lock.try_acquire();
    auto awaiter = lock.acquire().operator co_await();
    bool cancelled = false;
    const auto body = [&]() -> Coro<> {
        try {
            const auto first = co_await awaiter;
        } catch (const rondo::CancelledError&) {
            cancelled = true;
        }
        rondo::current_task().uncancel();
        held.reset();
        const auto second = co_await awaiter;
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    co_await task;
    CHECK(cancelled);
    CHECK_FALSE(lock.locked());
}

ASYNC_TEST_CASE("a semaphore's awaiter that has waited takes a free permit the second time",
                "[sync][semaphore]") {
    rondo::Semaphore semaphore(1);
    auto held = semaphore.try_acquire();
    auto awaiter = semaphore.acquire().operator co_await();
    const auto body = [&]() -> Coro<> {
        { const auto first = co_await awaiter; }
        const auto second = co_await awaiter;
    };
    auto task = create_task(body());
    co_await let_others_run();
    held.reset();
    co_await task;
    CHECK_FALSE(semaphore.locked());
}

ASYNC_TEST_CASE("an event's awaiter that has waited finds it set the second time",
                "[sync][event]") {
    rondo::Event event;
    auto awaiter = event.wait().operator co_await();
    const auto body = [&]() -> Coro<> {
        co_await awaiter;
        co_await awaiter;
    };
    auto task = create_task(body());
    co_await let_others_run();
    event.set();
    co_await task;
    CHECK(event.is_set());
}

ASYNC_TEST_CASE("a getter that has waited takes an item that is there the second time",
                "[sync][queue]") {
    rondo::Queue<int> queue;
    auto awaiter = queue.get().operator co_await();
    int first = 0;
    int second = 0;
    const auto body = [&]() -> Coro<> {
        first = co_await awaiter;
        queue.put_nowait(2);
        second = co_await awaiter;
    };
    auto task = create_task(body());
    co_await let_others_run();
    queue.put_nowait(1);
    co_await task;
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK(queue.empty());
}
