// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/timeout.hpp>

#include <rondo/as_result.hpp>
#include <rondo/buffer.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/gather.hpp>
#include <rondo/io/socket_ops.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timer.hpp>

#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

using rondo::CancelledError;
using rondo::CancelReason;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::sleep;
using rondo::Task;
using rondo::TimeoutError;
using rondo::wait_for;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

struct Broken : std::runtime_error {
    explicit Broken(const std::string& what = "broken") : std::runtime_error(what) {}
};

static_assert(std::same_as<decltype(wait_for(std::declval<Coro<int>>(), 1s)), Coro<int>>);
static_assert(std::same_as<decltype(wait_for(std::declval<Task<int&>>(), 1s)), Coro<int&>>);
static_assert(std::same_as<decltype(wait_for(sleep(1s), 1s)), Coro<void>>);

Coro<int> number(int value, rondo::Clock::duration after = 0s) {
    if (after > 0s) {
        co_await sleep(after);
    }
    co_return value;
}

Coro<int> fail(std::string what, rondo::Clock::duration after = 0s) {
    if (after > 0s) {
        co_await sleep(after);
    }
    throw Broken(what);
}

Coro<MoveOnly> move_only(int value, rondo::Clock::duration after) {
    co_await sleep(after);
    co_return MoveOnly(value);
}

/// Sleeps for an hour; when it is cancelled notes why, cleans up for a while, and is cancelled.
Coro<int> diary(std::string& entry, rondo::Clock::duration clean_up) {
    std::exception_ptr cancelled;
    try {
        co_await sleep(1h);
    } catch (const CancelledError& why) {
        entry = std::string(rondo::to_string(why.reason())) + ":" + why.message();
        cancelled = std::current_exception();
    }
    if (cancelled != nullptr) {
        co_await sleep(clean_up);
        entry += ":cleaned";
        std::rethrow_exception(cancelled);
    }
    co_return 0;
}

/// What a TimeoutError was caused by, as text.
std::string cause_of(const TimeoutError& error) {
    try {
        std::rethrow_if_nested(error);
    } catch (const CancelledError& cause) {
        return std::string("CancelledError ") + rondo::to_string(cause.reason());
    } catch (...) {
        return "something else";
    }
    return "nothing";
}

/// How an awaitable ends, as text.
template <rondo::Awaitable A>
Coro<std::string> outcome_of(A awaitable) {
    try {
        if constexpr (std::is_void_v<rondo::await_result_t<A>>) {
            co_await std::move(awaitable);
        } else {
            [[maybe_unused]] const auto& value = co_await std::move(awaitable);
        }
    } catch (const CancelledError& why) {
        co_return std::string(rondo::to_string(why.reason())) + ":" + why.message();
    } catch (const TimeoutError& error) {
        co_return "TimeoutError from " + cause_of(error);
    } catch (const std::exception& error) {
        co_return error.what();
    }
    co_return "value";
}

const std::string timed_out = "TimeoutError from CancelledError timeout";

rondo::Clock::time_point now() {
    return rondo::get_running_loop().time();
}

/// Calls something when its deadline passes: before any task runs, as the timer of a wait_for does.
class OnDeadline final : public rondo::Timer {
public:
    OnDeadline(rondo::Clock::duration after, std::function<void()> function)
        : function_(std::move(function)) {
        start(now() + after);
    }

private:
    void on_deadline() noexcept override { function_(); }
    std::function<void()> function_;
};

} // namespace

// In time

ASYNC_TEST_CASE("wait_for gives the result of what ends in time", "[composition][wait_for][b242]") {
    const int of_coro = co_await wait_for(number(1, 1s), 2s);
    REQUIRE(of_coro == 1);
    auto task = create_task(number(2, 1s));
    const int of_task = co_await wait_for(task, 2s);
    REQUIRE(of_task == 2);
    const Future<int> future;
    rondo::get_running_loop().call_later(1s, [future] { future.set_result(3); });
    const int of_future = co_await wait_for(future, 2s);
    REQUIRE(of_future == 3);
    co_await wait_for(sleep(1s), 2s);
    const auto turns = rondo::get_running_loop().metrics().turns;
    const int at_once = co_await wait_for(number(4), 2s);
    REQUIRE(at_once == 4);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns); // inline, no helper task
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
    REQUIRE(rondo::current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("wait_for throws what the awaitable throws in time",
                "[composition][wait_for][b242]") {
    const std::string of_coro = co_await outcome_of(wait_for(fail("coro", 1s), 2s));
    REQUIRE(of_coro == "coro");
    const std::string of_task = co_await outcome_of(wait_for(create_task(fail("task", 1s)), 2s));
    REQUIRE(of_task == "task");
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
}

ASYNC_TEST_CASE("wait_for gives move-only results and references on", "[composition][wait_for]") {
    const MoveOnly of_coro = co_await wait_for(move_only(1, 1s), 2s);
    REQUIRE(of_coro.number() == 1);
    auto task = create_task(move_only(2, 1s));
    const MoveOnly of_task = co_await wait_for(task, 2s);
    REQUIRE(of_task.number() == 2);
    int here = 0;
    const auto refer = [](int& target) -> Coro<int&> {
        co_await sleep(1s);
        co_return target;
    };
    int& of_reference = co_await wait_for(refer(here), 2s);
    REQUIRE(&of_reference == &here);
    auto reference_task = create_task(refer(here));
    int& of_reference_task = co_await wait_for(reference_task, 2s);
    REQUIRE(&of_reference_task == &here);
}

ASYNC_TEST_CASE("wait_for leaves a task's result to others", "[composition][wait_for]") {
    auto task = create_task([]() -> Coro<std::string> {
        co_await sleep(1s);
        co_return "a text too long for the small string";
    });
    const std::string first = co_await wait_for(task, 2s);
    const std::string second = co_await wait_for(task, 2s);
    const std::string late = co_await wait_for(task, 0s);
    REQUIRE(first == task.result());
    REQUIRE(second == first);
    REQUIRE(late == first);
}

ASYNC_TEST_CASE("wait_for takes any duration, and the longest are no limit",
                "[composition][wait_for]") {
    const int hours = co_await wait_for(number(1, 1s), std::chrono::hours::max());
    REQUIRE(hours == 1);
    const int infinite = co_await wait_for(number(2, 1s), std::chrono::duration<double>::max());
    REQUIRE(infinite == 2);
    const auto before = now();
    const std::string fraction =
        co_await outcome_of(wait_for(sleep(1h), std::chrono::duration<double>(0.25)));
    REQUIRE(fraction == timed_out);
    REQUIRE(now() - before == 250ms);
    const std::chrono::duration<double> nan(std::numeric_limits<double>::quiet_NaN());
    const std::string not_a_number = co_await outcome_of(wait_for(number(1), nan));
    REQUIRE_THAT(not_a_number, Catch::Matchers::Contains("not a number"));
}

// Too late

ASYNC_TEST_CASE("on time-out the awaitable is cancelled, and has ended when TimeoutError is thrown",
                "[composition][wait_for][b244][b253]") {
    const auto before = now();
    std::string entry;
    const std::string of_coro = co_await outcome_of(wait_for(diary(entry, 3s), 1s));
    REQUIRE(of_coro == timed_out);
    REQUIRE(entry == "timeout::cleaned");
    REQUIRE(now() - before == 4s);

    auto task = create_task(diary(entry, 2s));
    const std::string of_task = co_await outcome_of(wait_for(task, 1s));
    REQUIRE(of_task == timed_out);
    REQUIRE(entry == "timeout::cleaned");
    REQUIRE(task.cancelled());
    REQUIRE(now() - before == 7s);
    REQUIRE(rondo::all_tasks().size() == 1);
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s); // nothing is pending
}

ASYNC_TEST_CASE("a future is cancelled on time-out", "[composition][wait_for][b244]") {
    const Future<int> future;
    const std::string what = co_await outcome_of(wait_for(future, 1s));
    REQUIRE(what == timed_out);
    REQUIRE(future.cancelled());
}

ASYNC_TEST_CASE("a task with a move-only result can time out, and keeps what it answers",
                "[composition][wait_for][b244]") {
    auto task = create_task(move_only(1, 1h));
    const std::string what = co_await outcome_of(wait_for(task, 1s));
    REQUIRE(what == timed_out);
    REQUIRE(task.cancelled());
    const Future<MoveOnly> future;
    const std::string of_future = co_await outcome_of(wait_for(future, 1s));
    REQUIRE(of_future == timed_out);
    REQUIRE(future.cancelled());
}

ASYNC_TEST_CASE("a TimeoutError says who caused it, whatever the limit",
                "[composition][wait_for][b253]") {
    for (const auto limit : {1s, 0s, -1s}) {
        const std::string of_coro = co_await outcome_of(wait_for(number(1, 1h), limit));
        REQUIRE(of_coro == timed_out);
        const std::string of_task =
            co_await outcome_of(wait_for(create_task(number(1, 1h)), limit));
        REQUIRE(of_task == timed_out);
    }
}

ASYNC_TEST_CASE("with no time left the result of what is done is given",
                "[composition][wait_for][b245]") {
    auto done = create_task(number(1));
    auto failed = create_task(fail("failed"));
    auto cancelled = create_task(number(2));
    cancelled.cancel("before");
    co_await let_others_run();
    for (const auto limit : {0s, -1s}) {
        const int value = co_await wait_for(done, limit);
        REQUIRE(value == 1);
        const std::string of_failed = co_await outcome_of(wait_for(failed, limit));
        REQUIRE(of_failed == "failed");
        const Future<int> future;
        future.set_result(3);
        const int of_future = co_await wait_for(future, limit);
        REQUIRE(of_future == 3);
        const std::string of_cancelled = co_await outcome_of(wait_for(cancelled, limit));
        REQUIRE(of_cancelled == "user:before");
        REQUIRE(rondo::current_task().cancelling() == 0);
    }
    co_await sleep(1s);
}

ASYNC_TEST_CASE("with no time left a coroutine is never started", "[composition][wait_for][b246]") {
    int started = 0;
    const auto body = [&](Tracked) -> Coro<int> {
        ++started;
        co_return 1;
    };
    const std::ptrdiff_t before = Tracked::counts.alive;
    for (const auto limit : {0s, -1s}) {
        const std::string what = co_await outcome_of(wait_for(body(Tracked()), limit));
        REQUIRE(what == timed_out);
    }
    rondo::Semaphore semaphore(1);
    const std::string of_permit = co_await outcome_of(wait_for(semaphore.acquire(), 0s));
    REQUIRE(of_permit == timed_out);
    REQUIRE(semaphore.value() == 1);
    co_await let_others_run();
    REQUIRE(started == 0);
    REQUIRE(Tracked::counts.alive == before);
}

ASYNC_TEST_CASE("with no time left a running task is cancelled, and cleans up first",
                "[composition][wait_for][b247]") {
    for (const auto limit : {0s, -1s}) {
        std::string entry;
        auto task = create_task(diary(entry, 2s));
        co_await let_others_run();
        const auto before = now();
        const std::string what = co_await outcome_of(wait_for(task, limit));
        REQUIRE(what == timed_out);
        REQUIRE(entry == "timeout::cleaned");
        REQUIRE(now() - before == 2s);
        REQUIRE(task.cancelled());
    }
    bool started = false;
    auto fresh = create_task(
        [](bool& begun) -> Coro<> {
            begun = true;
            co_return;
        },
        std::ref(started));
    const std::string what = co_await outcome_of(wait_for(fresh, 0s));
    REQUIRE(what == timed_out);
    REQUIRE_FALSE(started);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("an answer to the time-out is the result", "[composition][wait_for][b249]") {
    const auto answer = []() -> Coro<int> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_await sleep(1s);
        co_return slept.cancelled() ? 42 : 0;
    };
    const int of_coro = co_await wait_for(answer(), 1s);
    REQUIRE(of_coro == 42);
    const int of_task = co_await wait_for(create_task(answer()), 1s);
    REQUIRE(of_task == 42);
    const int at_once = co_await wait_for(create_task(answer()), 1ns);
    REQUIRE(at_once == 42);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("an exception in answer to the time-out is thrown instead",
                "[composition][wait_for][b250]") {
    const auto answer = []() -> Coro<int> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_await sleep(1s);
        throw Broken("answer");
    };
    const std::string of_coro = co_await outcome_of(wait_for(answer(), 1s));
    REQUIRE(of_coro == "answer");
    auto task = create_task(answer());
    co_await let_others_run();
    const std::string of_task = co_await outcome_of(wait_for(task, 0s));
    REQUIRE(of_task == "answer");
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

// Cancelled from outside

ASYNC_TEST_CASE("cancelling the task in wait_for cancels the awaitable and waits for its end",
                "[composition][wait_for][cancel][b251]") {
    std::string entry;
    auto inner = create_task(diary(entry, 2s));
    auto of_task = create_task(wait_for(inner, 1h));
    co_await sleep(1s);
    of_task.cancel("outside");
    co_await sleep(1s);
    REQUIRE_FALSE(of_task.done());
    const std::string what = co_await outcome_of(of_task);
    REQUIRE(what == "user:outside");
    REQUIRE(entry == "user:outside:cleaned");
    REQUIRE(inner.cancelled());

    entry.clear();
    auto of_coro = create_task(wait_for(diary(entry, 2s), 1h));
    co_await sleep(1s);
    of_coro.cancel("outside");
    const std::string what_of_coro = co_await outcome_of(of_coro);
    REQUIRE(what_of_coro == "user:outside");
    REQUIRE(entry == "user:outside:cleaned");
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
}

ASYNC_TEST_CASE("a cancellation from outside wins over a task's result of the same turn, which "
                "stays in its handle",
                "[composition][wait_for][cancel][b252]") {
    const Future<int> future;
    auto inner =
        create_task([](Future<int> awaited) -> Coro<int> { co_return co_await awaited; }, future);
    auto outer = create_task(wait_for(inner, 1h));
    co_await let_others_run();
    // When the inner one is done and the outer one has been woken.
    struct CancelOuter final : rondo::DoneObserver {
        explicit CancelOuter(Task<int>& task) : target(task) {}
        void on_done() noexcept override { target.cancel("outside"); }
        Task<int>& target;
    } cancel_outer(outer);
    inner.observe(cancel_outer);
    future.set_result(7);
    const std::string what = co_await outcome_of(outer);
    REQUIRE(what == "user:outside");
    REQUIRE(inner.result() == 7);
}

ASYNC_TEST_CASE("a cancellation from outside wins over a time-out of the same turn",
                "[composition][wait_for][cancel][b252]") {
    for (const bool outside_first : {false, true}) {
        std::optional<Task<>> task;
        std::optional<OnDeadline> outside;
        const auto cancel = [&] { task->cancel("outside"); };
        if (outside_first) {
            outside.emplace(1s, cancel);
        }
        task = create_task(wait_for(sleep(1h), 1s));
        co_await let_others_run();
        if (!outside_first) {
            outside.emplace(1s, cancel);
        }
        const std::string what = co_await outcome_of(*task);
        REQUIRE(what == "user:outside");
        REQUIRE(task->cancelled());
        REQUIRE(task->cancelling() == 1);
    }
}

ASYNC_TEST_CASE("a cancellation from outside while the awaitable answers the time-out is no "
                "time-out",
                "[composition][wait_for][cancel][b252]") {
    std::string entry;
    auto task = create_task(wait_for(diary(entry, 10s), 1s));
    co_await sleep(5s);
    REQUIRE(entry == "timeout:");
    task.cancel("outside");
    const std::string what = co_await outcome_of(task);
    REQUIRE(what == "user:outside");
    REQUIRE(entry == "timeout:");
    REQUIRE(task.cancelling() == 1);
}

ASYNC_TEST_CASE("a time-out after a cancellation from outside is that cancellation",
                "[composition][wait_for][cancel][b252]") {
    std::string entry;
    auto inner = create_task(diary(entry, 10s));
    auto task = create_task(wait_for(inner, 5s));
    co_await sleep(1s);
    task.cancel("outside");
    co_await sleep(3s);
    REQUIRE_FALSE(task.done());
    bool cancelled = false;
    try {
        co_await task; // at 5 s time runs out, and breaks off the clean-up
    } catch (const CancelledError&) {
        cancelled = true;
    }
    REQUIRE(cancelled);
    REQUIRE(entry == "user:outside");
    REQUIRE(task.cancelling() == 1);
}

ASYNC_TEST_CASE("wait_for in the clean-up of a cancelled task still times out",
                "[composition][wait_for][cancel]") {
    std::string what;
    const auto body = [&]() -> Coro<> {
        auto slept = co_await rondo::as_result(sleep(1h));
        what = co_await outcome_of(wait_for(sleep(1h), 1s));
        if (slept.cancelled()) {
            throw CancelledError();
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    co_await outcome_of(task);
    REQUIRE(what == timed_out);
    REQUIRE(task.cancelled());
    REQUIRE(task.cancelling() == 1);
}

ASYNC_TEST_CASE("a task that cancels itself before wait_for is cancelled, not timed out",
                "[composition][wait_for][cancel]") {
    std::string what;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel("self");
        what = co_await outcome_of(wait_for(sleep(1h), 1s));
        co_await sleep(1s); // delivered once
    };
    co_await create_task(body());
    REQUIRE(what == "user:self");
}

// Results that come together with the time-out

ASYNC_TEST_CASE("a task's result that comes together with the time-out is given",
                "[composition][wait_for]") {
    const Future<std::string> copied;
    const Future<MoveOnly> moved;
    const Future<> nothing;
    const OnDeadline set(1s, [&] {
        copied.set_result("in time");
        moved.set_result(MoveOnly(3));
        nothing.set_result();
    });
    auto both =
        co_await rondo::gather(wait_for(copied, 1s), wait_for(moved, 1s), wait_for(nothing, 1s));
    REQUIRE(std::get<0>(both) == "in time");
    REQUIRE(copied.result() == "in time");
    REQUIRE(std::get<1>(both).number() == 3);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a task's exception that comes together with the time-out is thrown",
                "[composition][wait_for]") {
    const Future<std::string> copied;
    const Future<MoveOnly> moved;
    const OnDeadline set(1s, [&] {
        copied.set_exception(Broken("copied"));
        moved.set_exception(Broken("moved"));
    });
    auto both =
        co_await rondo::gather(outcome_of(wait_for(copied, 1s)), outcome_of(wait_for(moved, 1s)));
    REQUIRE(std::get<0>(both) == "copied");
    REQUIRE(std::get<1>(both) == "moved");
}

ASYNC_TEST_CASE("a permit that comes together with the time-out is handed on",
                "[composition][wait_for]") {
    rondo::Semaphore semaphore(0);
    bool second_has_it = false;
    const auto second = [&]() -> Coro<> {
        auto permit = co_await semaphore.acquire();
        second_has_it = true;
    };
    const OnDeadline release(1s, [&] { semaphore.release(); }); // before time runs out
    auto first = create_task(outcome_of(wait_for(semaphore.acquire(), 1s)));
    co_await let_others_run();
    auto other = create_task(second());
    const std::string what = co_await first;
    REQUIRE(what == timed_out);
    co_await other;
    REQUIRE(second_has_it);
    REQUIRE(semaphore.value() == 1);
}

ASYNC_TEST_CASE("a gather whose children are done when time runs out gives its results",
                "[composition][wait_for][gather]") {
    const Future<int> future;
    const OnDeadline set(1s, [&] { future.set_result(5); });
    auto all = co_await wait_for(rondo::gather(future, future), 1s);
    REQUIRE(all == std::tuple(5, 5));
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s); // nothing is pending
}

// Nesting

ASYNC_TEST_CASE("of nested limits the one that runs out throws",
                "[composition][wait_for][nested]") {
    const auto nested = [](rondo::Clock::duration inner, std::string& inside) -> Coro<> {
        inside = co_await outcome_of(wait_for(sleep(1h), inner));
        co_await sleep(5s);
    };
    std::string inside;
    const std::string outer_later = co_await outcome_of(wait_for(nested(1s, inside), 20s));
    REQUIRE(inside == timed_out);
    REQUIRE(outer_later == "value");
    const std::string outer_in_between = co_await outcome_of(wait_for(nested(1s, inside), 3s));
    REQUIRE(inside == timed_out);
    REQUIRE(outer_in_between == timed_out);
    REQUIRE(rondo::current_task().cancelling() == 0);

    const auto passes_on = [](rondo::Clock::duration inner, bool& timed_out_inside) -> Coro<> {
        try {
            co_await wait_for(sleep(1h), inner);
        } catch (const TimeoutError&) {
            timed_out_inside = true;
            throw;
        }
    };
    bool inside_timed_out = false;
    const auto before = now();
    const std::string outer_sooner =
        co_await outcome_of(wait_for(passes_on(20s, inside_timed_out), 1s));
    REQUIRE(outer_sooner == timed_out);
    REQUIRE_FALSE(inside_timed_out); // it was cancelled by the outer one
    REQUIRE(now() - before == 1s);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("of nested limits with one deadline the outer one throws",
                "[composition][wait_for][nested]") {
    bool inside_timed_out = false;
    bool inside_cancelled = false;
    const auto inner = [&]() -> Coro<> {
        try {
            co_await wait_for(sleep(1h), 1s);
        } catch (const TimeoutError&) {
            inside_timed_out = true;
            throw;
        } catch (const CancelledError& why) {
            inside_cancelled = why.reason() == CancelReason::timeout;
            throw;
        }
    };
    const std::string what = co_await outcome_of(wait_for(inner(), 1s));
    REQUIRE(what == timed_out);
    REQUIRE(inside_cancelled);
    REQUIRE_FALSE(inside_timed_out);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

namespace {

Coro<> nest(int depth, rondo::Clock::duration limit, int& entered) {
    ++entered;
    if (depth == 0) {
        co_await sleep(1h);
    } else {
        co_await wait_for(nest(depth - 1, limit, entered), limit);
    }
}

} // namespace

ASYNC_TEST_CASE("a hundred limits with one deadline end as one",
                "[composition][wait_for][nested]") {
    int entered = 0;
    const auto before = now();
    const std::string what = co_await outcome_of(nest(100, 1s, entered));
    REQUIRE(what == timed_out);
    REQUIRE(entered == 101);
    REQUIRE(now() - before == 1s);
    REQUIRE(rondo::current_task().cancelling() == 0);
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("limits of tasks that await tasks end in order",
                "[composition][wait_for][nested]") {
    std::string entry;
    auto innermost = create_task(diary(entry, 1s));
    auto middle = create_task(wait_for(innermost, 10s));
    const std::string what = co_await outcome_of(wait_for(middle, 2s));
    REQUIRE(what == timed_out);
    REQUIRE(entry == "timeout::cleaned");
    REQUIRE(middle.cancelled()); // cancelled by the outer one, not timed out
    REQUIRE(innermost.cancelled());
}

ASYNC_TEST_CASE("wait_for inside a gather fails the gather, wait_for around one cancels it",
                "[composition][wait_for][gather][nested]") {
    std::string sibling;
    const std::string inside =
        co_await outcome_of(rondo::gather(diary(sibling, 1s), wait_for(sleep(1h), 1s)));
    REQUIRE(inside == timed_out);
    REQUIRE(sibling == "sibling_failed::cleaned");

    std::string entries[2];
    const std::string around = co_await outcome_of(
        wait_for(rondo::gather(diary(entries[0], 1s), diary(entries[1], 2s)), 1s));
    REQUIRE(around == timed_out);
    REQUIRE(entries[0] == "timeout::cleaned");
    REQUIRE(entries[1] == "timeout::cleaned");

    auto results = co_await rondo::gather(rondo::return_exceptions, wait_for(number(1, 1s), 2s),
                                          wait_for(number(2, 2s), 1s));
    REQUIRE(std::get<0>(results).value() == 1);
    REQUIRE_THROWS_AS(std::get<1>(results).value(), TimeoutError);
    REQUIRE(rondo::current_task().cancelling() == 0);
    REQUIRE(rondo::all_tasks().size() == 1);
}

ASYNC_TEST_CASE("an answer inside reaches through the limits around it",
                "[composition][wait_for][nested]") {
    const auto stubborn = []() -> Coro<int> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_await sleep(1s);
        co_return slept.cancelled() ? 1 : 0;
    };
    const int value = co_await wait_for(wait_for(wait_for(stubborn(), 5s), 5s), 5s);
    REQUIRE(value == 1);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a limit that was taken for a value does not reach the code behind it",
                "[composition][wait_for]") {
    for (int i = 0; i < 100; ++i) {
        auto outcome = co_await rondo::as_result(wait_for(sleep(1h), 1s));
        REQUIRE_THROWS_AS(outcome.value(), TimeoutError);
        auto swallowed = co_await wait_for(rondo::as_result(sleep(1h)), 1s);
        REQUIRE(swallowed.cancelled());
    }
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

// I/O

ASYNC_TEST_CASE("an operation can be limited, and its descriptor closed after the time-out",
                "[composition][wait_for][b257]") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    char buffer[16] = {};
    const std::string what = co_await outcome_of(
        wait_for(rondo::io::recv(ends[0], rondo::MutableBuffer(buffer, sizeof buffer)), 1s));
    REQUIRE(what == timed_out);
    REQUIRE(rondo::get_running_loop().metrics().operations <= 1); // the loop's own wake-up
    REQUIRE(::send(ends[1], "hello", 5, MSG_NOSIGNAL) == 5);
    const std::size_t received = co_await wait_for(
        rondo::io::recv(ends[0], rondo::MutableBuffer(buffer, sizeof buffer)), 1s);
    REQUIRE(received == 5); // the one that was cancelled took nothing
    ::close(ends[0]);
    ::close(ends[1]);
    co_await sleep(1s);
}

TEST_CASE("a loop that is closed on a wait_for leaves nothing behind", "[composition][wait_for]") {
    const LeakCheck leaks;
    rondo::EventLoop loop(rondo::testing::options());
    loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
    const auto body = [](Tracked) -> Coro<> { co_await sleep(1h); };
    auto task = loop.create_task(wait_for(wait_for(body(Tracked()), 2h), 1h));
    loop.run_until_complete(let_others_run());
    REQUIRE(leaks.alive() >= 1);
    loop.close();
    REQUIRE(task.cancelled());
}

// At every moment

namespace {

struct LimitedWork {
    rondo::Semaphore semaphore{1};
    int outer = 0;
    int inner = 0;
    bool finished = false;

    Coro<> victim() {
        const Tracked luggage;
        try {
            co_await wait_for(work(), 4ms);
        } catch (const TimeoutError&) {
            ++outer;
        }
        CHECK(rondo::current_task().cancelling() == 0);
        co_await sleep(1ms);
        finished = true;
    }
    Coro<> others() {
        for (int i = 0; i < 3; ++i) {
            auto permit = co_await semaphore.acquire();
            co_await sleep(1ms);
        }
    }
    void check(const Task<>& task) const {
        REQUIRE(semaphore.value() == 1);
        REQUIRE((finished || task.cancelled()));
    }

private:
    Coro<> work() {
        for (int i = 0; i < 8; ++i) {
            try {
                auto permit = co_await wait_for(semaphore.acquire(), 1ms);
                co_await sleep(0s);
            } catch (const TimeoutError&) {
                ++inner;
            }
            co_await wait_for(create_task(number(1, 1ms)), 1h);
        }
    }
};

} // namespace

TEST_CASE("wherever a task with limits is cancelled, nothing is left behind",
          "[composition][wait_for][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<LimitedWork>();
    REQUIRE(report.moments >= 8);
    REQUIRE(report.cancelled >= report.moments);
}
