// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Coroutines that GCC 12.0 to 12.2 miscompile are noticed and reported, not run. Other compilers
// do not see the shapes: nobody is to write them.

#include <rondo/config.hpp>

#if RONDO_GCC_DROPS_COROUTINES

#include <cstddef>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/error.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <string>
#include <utility>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

using rondo::Coro;
using rondo::create_task;
using rondo::DroppedCoroutineError;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

int bodies = 0;

Coro<bool> yes() {
    co_return true;
}

Coro<long> number_later(long number) {
    co_await sleep(1s);
    co_return number;
}

// Without a local variable, and with a co_await in a condition.
Coro<int> in_if(Tracked /*parameter*/) {
    ++bodies;
    if (co_await yes()) {
        co_return 1;
    }
    co_return 2;
}

Coro<> in_while(std::string parameter) {
    ++bodies;
    while (co_await number_later(static_cast<long>(parameter.size()))) {}
}

Coro<> in_for() {
    ++bodies;
    for (; co_await yes();) {}
}

Coro<Tracked> in_switch(Tracked parameter) {
    ++bodies;
    switch (co_await number_later(parameter.number())) {
    case 1:
        co_return Tracked(1);
    default:
        co_return Tracked(2);
    }
}

// The same, as they are to be written.
Coro<int> hoisted(Tracked /*parameter*/) {
    const bool condition = co_await yes();
    if (condition) {
        co_return 1;
    }
    co_return 2;
}

Coro<int> in_if_with_a_local(Tracked /*parameter*/) {
    [[maybe_unused]] const char local = 0;
    if (co_await yes()) {
        co_return 1;
    }
    co_return 2;
}

template <class F>
bool is_dropped(F call) {
    try {
        static_cast<void>(call());
    } catch (const DroppedCoroutineError&) {
        return true;
    }
    return false;
}

} // namespace

TEST_CASE("a coroutine that GCC 12.2 miscompiled is reported where it is called",
          "[core][coro][dropped]") {
    LeakCheck leaks;
    bodies = 0;
    // Used memory: what a recycled frame holds must not matter.
    for (int i = 0; i < 100; ++i) {
        REQUIRE(is_dropped([] { return in_if(Tracked(1)); }));
        REQUIRE(is_dropped([] { return in_while("a string that is not short"); }));
        REQUIRE(is_dropped([] { return in_for(); }));
        REQUIRE(is_dropped([] { return in_switch(Tracked(1)); }));
        REQUIRE_FALSE(is_dropped([] { return hoisted(Tracked(1)); }));
        REQUIRE_FALSE(is_dropped([] { return in_if_with_a_local(Tracked(1)); }));
    }
    REQUIRE(bodies == 0);
}

ASYNC_TEST_CASE("the report comes out of an await, of a task and of run()",
                "[core][coro][dropped]") {
    LeakCheck leaks;
    std::string what;
    try {
        co_await in_if(Tracked(1));
    } catch (const DroppedCoroutineError& error) {
        what = error.what();
    }
    REQUIRE(what.find("GCC 12") != std::string::npos);

    const auto wrapped = []() -> Coro<int> { co_return co_await in_if(Tracked(1)); };
    auto task = create_task(wrapped());
    auto called = create_task(in_if, Tracked(1));
    co_await let_others_run();
    REQUIRE_THROWS_AS(task.result(), DroppedCoroutineError);
    REQUIRE_THROWS_AS(called.result(), DroppedCoroutineError);
    REQUIRE_THROWS_AS(create_task(in_for()), DroppedCoroutineError);
}

TEST_CASE("the report of a miscompiled main comes out of run()", "[core][coro][dropped]") {
    REQUIRE_THROWS_AS(rondo::testing::run(in_for()), DroppedCoroutineError);
    REQUIRE_THROWS_AS(rondo::testing::run([] { return in_for(); }), DroppedCoroutineError);
    const int good = rondo::testing::run(hoisted(Tracked(1)));
    REQUIRE(good == 1);
}

#endif
