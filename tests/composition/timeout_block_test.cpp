// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Limits of blocks: timeout(), timeout_at() and the Timeout that their bodies may move.

#include <rondo/timeout.hpp>

#include <rondo/as_result.hpp>
#include <rondo/cancellation.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/sleep.hpp>

#include "composition/cancel_sweep.hpp"
#include "composition/outcomes.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

using rondo::Coro;
using rondo::create_task;
using rondo::InvalidStateError;
using rondo::sleep;
using rondo::Task;
using rondo::timeout;
using rondo::Timeout;
using rondo::timeout_at;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

static_assert(!std::is_copy_constructible_v<Timeout> && !std::is_move_constructible_v<Timeout>);
// Known flaw 12: a body is a Coro, so nothing can be yielded out of a limit.
static_assert(!rondo::detail::LimitedBody<int (*)()>);

auto sleeper(rondo::Clock::duration time) {
    return [time] { return nap(time); };
}

} // namespace

ASYNC_TEST_CASE("a block that ends in time: no exception, not expired, the deadline can be asked",
                "[composition][timeout][b260]") {
    const auto deadline = now() + 2s;
    Timeout limit(deadline);
    co_await timeout(limit, sleeper(1s));
    REQUIRE_FALSE(limit.expired());
    REQUIRE(limit.when() == deadline);
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
    co_await sleep(5s); // nothing comes later
    REQUIRE_FALSE(limit.expired());
}

ASYNC_TEST_CASE("a block gives its value, a reference, what only moves", "[composition][timeout]") {
    int here = 0;
    const auto refer = [&]() -> Coro<int&> { co_return here; };
    const auto move_only = []() -> Coro<MoveOnly> { co_return MoveOnly(3); };
    int& there = co_await timeout(1s, refer);
    REQUIRE(&there == &here);
    auto three = co_await timeout(std::nullopt, move_only);
    REQUIRE(three.number() == 3);
}

ASYNC_TEST_CASE("without a deadline there is no limit", "[composition][timeout][b261]") {
    Timeout limit(std::nullopt);
    co_await timeout(limit, sleeper(10'000h));
    REQUIRE_FALSE(limit.when().has_value());
    REQUIRE_FALSE(limit.expired());
    co_await timeout(std::nullopt, sleeper(10'000h));
    co_await timeout_at(std::nullopt, sleeper(10'000h));
    co_await timeout(std::chrono::hours::max(), sleeper(10'000h));
}

ASYNC_TEST_CASE("zero and deadlines in the past expire at the first suspension, even sleep(0)",
                "[composition][timeout][b262]") {
    co_await sleep(5s);
    const auto before = now();
    for (const auto time : {0s, 3600s}) {
        bool begun = false;
        const auto body = [&]() -> Coro<> {
            begun = true;
            co_await sleep(time);
        };
        const std::string zero = co_await outcome_of(timeout(0s, body));
        REQUIRE(zero == timed_out);
        REQUIRE(begun);
        const std::string negative = co_await outcome_of(timeout(-1s, body));
        REQUIRE(negative == timed_out);
        const std::string past = co_await outcome_of(timeout_at(now() - 2s, body));
        REQUIRE(past == timed_out);
    }
    REQUIRE(now() == before);
    const auto at_once = [] { return number(7); };
    const int seven = co_await timeout(0s, at_once);
    REQUIRE(seven == 7); // it does not suspend
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("an exception before the time runs out passes unchanged",
                "[composition][timeout][b263]") {
    Timeout limit(now() + 2s);
    const auto body = [] { return fail("foreign", 1s); };
    const std::string outcome = co_await outcome_of(timeout(limit, body));
    REQUIRE(outcome == "foreign");
    REQUIRE_FALSE(limit.expired());
}

ASYNC_TEST_CASE("a TimeoutError has the CancelledError as its cause, and the body has ended",
                "[composition][timeout][b265]") {
    std::string entry;
    Timeout limit(now() + 1s);
    const auto body = [&] { return diary(entry, 3s); };
    const auto before = now();
    const std::string outcome = co_await outcome_of(timeout(limit, body));
    REQUIRE(outcome == timed_out);
    REQUIRE(entry == "timeout::cleaned");
    REQUIRE(limit.expired());
    REQUIRE(now() - before == 4s);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("known flaw 11: an inner TimeoutError can be told from the block's own",
                "[flaw11][composition][timeout][nested]") {
    Timeout limit(now() + 5s);
    const auto body = [] { return rondo::wait_for(sleep(1h), 1s); };
    const std::string outcome = co_await outcome_of(timeout(limit, body));
    REQUIRE(outcome == timed_out);
    REQUIRE_FALSE(limit.expired());
}

ASYNC_TEST_CASE("an answer to the time-out is the result, or the exception",
                "[composition][timeout]") {
    const auto value = []() -> Coro<int> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_return slept.cancelled() ? 1 : 0;
    };
    const int one = co_await timeout(1s, value);
    REQUIRE(one == 1);
    const auto broken = [] { return answer_with("answer", 1s); };
    const std::string outcome = co_await outcome_of(timeout(1s, broken));
    REQUIRE(outcome == "answer");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("known flaw 6: limits in the clean-up of an expired block work by themselves",
                "[flaw6][composition][timeout][nested][b271]") {
    std::string inner;
    const auto body = [&]() -> Coro<> {
        auto slept = co_await rondo::as_result(sleep(1h));
        inner = co_await outcome_of(timeout(2s, sleeper(1h)));
        co_await timeout(2s, sleeper(1s));
        slept.value();
    };
    const auto before = now();
    const std::string outer = co_await outcome_of(timeout(1s, body));
    REQUIRE(inner == timed_out);
    REQUIRE(outer == timed_out);
    REQUIRE(now() - before == 4s);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a limit can be moved, forwards, backwards, away and into the past",
                "[composition][timeout]") {
    const auto start = now();
    const auto body = [&](Timeout& limit) -> Coro<> {
        limit.reschedule(now() + 10s);
        co_await sleep(5s); // longer than the first limit
        limit.reschedule(std::nullopt);
        REQUIRE_FALSE(limit.when().has_value());
        co_await sleep(20s);
        limit.reschedule(now() + 2s);
        REQUIRE(limit.when() == start + 27s);
        co_await sleep(1h);
    };
    const std::string outcome = co_await outcome_of(timeout(1s, body));
    REQUIRE(outcome == timed_out);
    REQUIRE(now() - start == 27s);
    const auto into_the_past = [](Timeout& limit) -> Coro<> {
        limit.reschedule(now());
        REQUIRE(limit.expired());
        co_await sleep(0s);
    };
    const std::string past = co_await outcome_of(timeout(std::nullopt, into_the_past));
    REQUIRE(past == timed_out);
}

ASYNC_TEST_CASE("reschedule() before, after, while and after it expires is an error",
                "[composition][timeout][b274]") {
    Timeout limit(now() + 1s);
    const auto move_it = [&] { limit.reschedule(now() + 1h); };
    REQUIRE_THROWS_AS(move_it(), InvalidStateError);
    const auto body = [&]() -> Coro<> {
        auto slept = co_await rondo::as_result(sleep(1h));
        REQUIRE(limit.expired());
        REQUIRE_THROWS_AS(move_it(), InvalidStateError);
        slept.value();
    };
    const std::string outcome = co_await outcome_of(timeout(limit, body));
    REQUIRE(outcome == timed_out);
    REQUIRE_THROWS_AS(move_it(), InvalidStateError);
    Timeout unhurried(now() + 1h);
    co_await timeout(unhurried, sleeper(1s));
    REQUIRE_THROWS_AS(unhurried.reschedule(now()), InvalidStateError);
    REQUIRE_THROWS_AS(unhurried.reschedule(std::nullopt), InvalidStateError);
    bool used_again = false;
    try {
        co_await timeout(unhurried, sleeper(1s));
    } catch (const InvalidStateError&) {
        used_again = true;
    }
    REQUIRE(used_again);
}

ASYNC_TEST_CASE("a limit needs a task: a plain callback has none", "[composition][timeout][b276]") {
    std::string refused;
    rondo::get_running_loop().call_soon([&] {
        try {
            const rondo::CancelScope scope;
        } catch (const rondo::LoopError& error) {
            refused = error.what();
        }
    });
    co_await let_others_run();
    REQUIRE_THAT(refused, Catch::Matchers::StartsWith("rondo: "));
}

ASYNC_TEST_CASE("known flaw 9: of two limits the one that ran out throws, in every order",
                "[flaw9][composition][timeout][nested]") {
    for (const auto outer_limit : {1s, 2s, 3s}) {
        Timeout outer(now() + outer_limit);
        Timeout inner(now() + 2s);
        std::string inside = "passed on";
        const auto inner_body = [&]() -> Coro<> { co_await sleep(1h); };
        const auto outer_body = [&]() -> Coro<> {
            try {
                co_await timeout(inner, inner_body);
            } catch (const rondo::TimeoutError&) {
                inside = "timed out";
            }
        };
        const std::string outside = co_await outcome_of(timeout(outer, outer_body));
        CAPTURE(outer_limit.count());
        REQUIRE(outside == (outer_limit > 2s ? "value" : timed_out));
        REQUIRE(inside == (outer_limit > 2s ? "timed out" : "passed on"));
        REQUIRE(outer.expired() == (outer_limit <= 2s));
        REQUIRE(rondo::current_task().cancelling() == 0);
    }
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a cancellation from outside is no time-out of a block, nor in the same turn",
                "[composition][timeout][cancel]") {
    for (const auto when : {500ms, 1000ms}) {
        auto task = create_task(timeout(1s, sleeper(1h)));
        co_await let_others_run();
        const OnDeadline cancel(when, [&] { task.cancel("stop"); });
        const std::string outcome = co_await outcome_of(task);
        REQUIRE(outcome != timed_out);
        REQUIRE(task.cancelled());
        REQUIRE(task.cancelling() == 1);
    }
}

namespace {

struct LimitedBlocks {
    int outer = 0;
    bool finished = false;

    Coro<> victim() {
        const Tracked luggage;
        const auto body = [](Timeout& limit) -> Coro<> {
            for (int i = 0; i < 6; ++i) {
                auto inner = co_await rondo::as_result(timeout(i % 2 * 2ms, sleeper(1ms)));
                limit.reschedule(*limit.when() + (i < 2 ? 1ms : 0ms));
                if (inner.cancelled()) {
                    throw rondo::CancelledError();
                }
            }
            co_await sleep(1h);
        };
        try {
            co_await timeout(4ms, body);
        } catch (const rondo::TimeoutError&) {
            ++outer;
        }
        CHECK(rondo::current_task().cancelling() == 0);
        finished = true;
    }
    static Coro<> others() { co_await sleep(1ms); }
    void check(const Task<>& task) const {
        REQUIRE((finished || task.cancelled()));
        REQUIRE(outer == (finished ? 1 : 0));
    }
};

} // namespace

TEST_CASE("wherever a task in limited blocks is cancelled, nothing is left behind",
          "[composition][timeout][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<LimitedBlocks>();
    REQUIRE(report.moments >= 4);
    REQUIRE(report.cancelled >= report.moments);
}

ASYNC_TEST_CASE("a cancellation that is pending when a block begins is not the block's to absorb",
                "[composition][timeout][cancel]") {
    auto task = create_task([]() -> Coro<> {
        rondo::current_task().cancel("from outside");
        co_await timeout(0s, []() -> Coro<> { co_await sleep(1s); });
    });
    std::string message;
    try {
        co_await task;
    } catch (const rondo::CancelledError& error) {
        message = error.message();
    }
    CHECK(task.cancelled());
    CHECK(message == "from outside");
}
