// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/handle.hpp>

#include <memory>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/sleep.hpp>
#include <stdexcept>
#include <utility>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

using rondo::Coro;
using rondo::Handle;
using rondo::sleep;
using rondo::TimerHandle;
using namespace std::chrono_literals;
using namespace rondo_test;

ASYNC_TEST_CASE("a callback that is cancelled does not run and lets go of what it holds at once",
                "[core][handle]") {
    LeakCheck leaks;
    bool called = false;
    Handle handle =
        rondo::get_running_loop().call_soon([&called, held = Tracked()] { called = true; });
    const Handle copy = handle;
    REQUIRE_FALSE(handle.cancelled());
    REQUIRE(leaks.alive() == 1);
    handle.cancel();
    REQUIRE(handle.cancelled());
    REQUIRE(copy.cancelled());
    REQUIRE(leaks.alive() == 0);
    handle.cancel();
    co_await let_others_run();
    REQUIRE_FALSE(called);
}

ASYNC_TEST_CASE("a callback whose handle is dropped runs, and is gone afterwards",
                "[core][handle]") {
    LeakCheck leaks;
    int calls = 0;
    rondo::get_running_loop().call_soon([&calls, held = Tracked()] { ++calls; });
    const Handle kept =
        rondo::get_running_loop().call_soon([&calls, held = Tracked()] { ++calls; });
    co_await let_others_run();
    REQUIRE(calls == 2);
    REQUIRE(leaks.alive() == 0);
    REQUIRE_FALSE(kept.cancelled());
}

ASYNC_TEST_CASE("a callback may cancel itself while it runs", "[core][handle]") {
    LeakCheck leaks;
    auto handle = std::make_shared<Handle>();
    bool finished = false;
    *handle = rondo::get_running_loop().call_soon([&finished, handle, held = Tracked(7)] {
        handle->cancel();
        finished = held.number() == 7; // what it holds is still there
    });
    co_await let_others_run();
    REQUIRE(finished);
    REQUIRE(handle->cancelled());
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("what a callback holds may be the last owner of its own handle", "[core][handle]") {
    LeakCheck leaks;
    struct Owner {
        Handle handle;
        Tracked tracked;
    };
    auto owner = std::make_shared<Owner>();
    owner->handle = rondo::get_running_loop().call_soon([owner] {});
    const std::weak_ptr<Owner> watch = owner;
    Owner* const last = owner.get();
    owner.reset();
    last->handle.cancel(); // destroys the closure, and with it the handle that is used
    REQUIRE(watch.expired());
    REQUIRE(leaks.alive() == 0);
    co_return;
}

ASYNC_TEST_CASE("a timer's callback runs at its time, or never once it is cancelled",
                "[core][handle]") {
    LeakCheck leaks;
    const auto now = rondo::get_running_loop().time();
    int calls = 0;
    const TimerHandle kept =
        rondo::get_running_loop().call_later(10s, [&calls, held = Tracked()] { ++calls; });
    TimerHandle cancelled =
        rondo::get_running_loop().call_at(now + 5s, [&calls, held = Tracked()] { ++calls; });
    rondo::get_running_loop().call_later(5s, [&calls, held = Tracked()] { ++calls; });
    REQUIRE(kept.when() == now + 10s);
    REQUIRE(cancelled.when() == now + 5s);
    REQUIRE(leaks.alive() == 3);
    cancelled.cancel();
    REQUIRE(cancelled.cancelled());
    REQUIRE(leaks.alive() == 2);
    co_await sleep(7s);
    REQUIRE(calls == 1);
    co_await sleep(7s);
    REQUIRE(calls == 2);
    REQUIRE(leaks.alive() == 0);
    cancelled.cancel();
}

TEST_CASE("a handle of nothing is no trouble", "[core][handle]") {
    Handle handle;
    REQUIRE_FALSE(handle.cancelled());
    handle.cancel();
    TimerHandle timer;
    timer.cancel();
    REQUIRE(timer.when() == rondo::Clock::time_point());
}

TEST_CASE("handles outlive the loop", "[core][handle]") {
    LeakCheck leaks;
    Handle soon;
    TimerHandle later;
    Handle done;
    rondo::testing::run([&]() -> Coro<> {
        const rondo::Future<> future;
        done = future.add_done_callback([held = Tracked()] {});
        later = rondo::get_running_loop().call_later(1h, [held = Tracked()] {});
        soon = rondo::get_running_loop().call_soon([held = Tracked()] {});
        co_return;
    });
    REQUIRE(leaks.alive() == 0);
    soon.cancel();
    later.cancel();
    done.cancel();
}
