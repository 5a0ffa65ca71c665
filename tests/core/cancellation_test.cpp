// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/cancellation.hpp>

#include <exception>
#include <memory>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/async_test.hpp"
#include "support/checked_wait.hpp"
#include "support/tracked.hpp"

using rondo::CancelledError;
using rondo::CancelReason;
using rondo::CancelScope;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

struct Broken : std::runtime_error {
    Broken() : std::runtime_error("broken") {}
};

// What a cancellation says, as "reason: message"; "none" if there was none.
std::string told(const CancelledError& cancelled) {
    return std::string(rondo::to_string(cancelled.reason())) + ": " + cancelled.message();
}

template <class T>
Coro<std::string> outcome_of(Task<T> task) {
    std::string text = "none";
    try {
        co_await task;
    } catch (const CancelledError& cancelled) {
        text = told(cancelled);
    }
    co_return text;
}

Coro<int> sleep_long() {
    co_await sleep(1h);
    co_return 1;
}

Coro<int> note_and_sleep(std::string& log) {
    log += "started ";
    co_await sleep(1h);
    log += "finished ";
    co_return 1;
}

Coro<int> wait_for_it(Future<int> future) {
    co_return co_await future;
}

} // namespace

ASYNC_TEST_CASE("cancel() only asks", "[core][cancel][b151]") {
    std::string log;
    auto task = create_task(note_and_sleep(log));
    co_await let_others_run();
    REQUIRE(task.cancel());
    REQUIRE_FALSE(task.cancelled());
    REQUIRE_FALSE(task.done());
    REQUIRE(task.cancelling() == 1);
    co_await let_others_run();
    REQUIRE(task.cancelled());
    REQUIRE(task.done());
    REQUIRE(log == "started ");
    REQUIRE_THROWS_AS(task.result(), CancelledError);
    REQUIRE_THROWS_AS(task.exception(), CancelledError);
}

ASYNC_TEST_CASE("cancel() of a finished task changes nothing", "[core][cancel][b152]") {
    const auto give = []() -> Coro<int> { co_return 5; };
    auto task = create_task(give());
    co_await task;
    REQUIRE_FALSE(task.cancel("too late"));
    REQUIRE_FALSE(task.cancelled());
    REQUIRE(task.cancelling() == 0);
    const int value = co_await task;
    REQUIRE(value == 5);
}

ASYNC_TEST_CASE("a task that is cancelled before its first step never runs its body",
                "[core][cancel][b153]") {
    LeakCheck leaks;
    std::string log;
    auto task = create_task(note_and_sleep(log));
    REQUIRE(task.cancel("not today"));
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "user: not today");
    REQUIRE(log.empty());
    REQUIRE(task.cancelled());
}

namespace {

Coro<> innermost(Future<> future, std::string& log) {
    try {
        co_await future;
    } catch (const CancelledError&) {
        log += "innermost ";
        throw;
    }
}

Coro<> middle(Future<> future, std::string& log) {
    bool cancelled = false;
    try {
        co_await innermost(future, log);
    } catch (const CancelledError&) {
        cancelled = true;
    }
    co_await sleep(1s); // cleaning up may await
    log += "middle ";
    if (cancelled) {
        throw CancelledError();
    }
}

Coro<> outermost(Future<> future, std::string& log) {
    const Tracked local;
    try {
        co_await middle(future, log);
    } catch (const CancelledError&) {
        log += "outermost";
        throw;
    }
}

} // namespace

ASYNC_TEST_CASE("a cancellation goes through a chain of Coros from the inside out",
                "[core][cancel][b155]") {
    LeakCheck leaks;
    std::string log;
    const Future<> future;
    auto task = create_task(outermost(future, log));
    co_await let_others_run();
    REQUIRE(task.cancel());
    REQUIRE(future.cancelled()); // cancelled with the task that awaits it
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "user: ");
    REQUIRE(log == "innermost middle outermost");
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("cancelling both a future and the task that awaits it cancels once",
                "[core][cancel][b158]") {
    for (const bool future_first : {false, true}) {
        const Future<int> future;
        int caught = 0;
        const auto body = [&]() -> Coro<> {
            try {
                co_await future;
            } catch (const CancelledError&) {
                ++caught;
                throw;
            }
        };
        auto task = create_task(body());
        co_await let_others_run();
        if (future_first) {
            future.cancel();
            task.cancel();
        } else {
            task.cancel();
            REQUIRE_FALSE(future.cancel());
        }
        co_await let_others_run();
        REQUIRE(task.cancelled());
        REQUIRE(caught == 1);
    }
}

ASYNC_TEST_CASE("a cancellation between wake-up and resumption wins over the value",
                "[core][cancel][b159]") {
    const Future<int> future;
    auto task = create_task(wait_for_it(future));
    co_await let_others_run();
    future.set_result(7);
    REQUIRE(task.cancel());
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "user: ");
    REQUIRE(future.result() == 7); // it stays in its handle
}

ASYNC_TEST_CASE("uncancel() between wake-up and resumption gives the value after all",
                "[core][cancel][b159]") {
    const Future<int> future;
    auto task = create_task(wait_for_it(future));
    co_await let_others_run();
    future.set_result(7);
    REQUIRE(task.cancel());
    REQUIRE(task.uncancel() == 0);
    const int value = co_await task;
    REQUIRE(value == 7);
}

ASYNC_TEST_CASE("a sleep that was broken off is not taken for a sleep by uncancel()",
                "[core][cancel]") {
    const auto before = rondo::get_running_loop().time();
    auto task = create_task(sleep_long());
    co_await let_others_run();
    REQUIRE(task.cancel("stop"));
    REQUIRE(task.uncancel() == 0);
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "user: stop");
    REQUIRE(rondo::get_running_loop().time() == before);
}

ASYNC_TEST_CASE("a task that yields can be cancelled there", "[core][cancel][b160]") {
    const auto spin = []() -> Coro<> {
        for (;;) {
            co_await sleep(0s);
        }
    };
    auto task = create_task(spin());
    co_await let_others_run();
    REQUIRE(task.cancel());
    co_await let_others_run();
    REQUIRE(task.cancelled());
}

ASYNC_TEST_CASE("a task that cancels itself is cancelled at its next suspension",
                "[core][cancel][b161]") {
    std::string log;
    const Future<int> ready;
    ready.set_result(1);
    const Future<int> pending;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel("myself");
        co_await ready; // no suspension
        log += "went on ";
        try {
            co_await pending;
        } catch (const CancelledError& cancelled) {
            log += cancelled.message();
            throw;
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(task.cancelled());
    REQUIRE(log == "went on myself");
    REQUIRE(pending.cancelled()); // at once
}

ASYNC_TEST_CASE("a task that cancels itself cancels the task that it then awaits",
                "[core][cancel][b161]") {
    std::string log;
    auto inner = create_task(note_and_sleep(log));
    co_await let_others_run();
    const auto body = [](Task<int> other) -> Coro<> {
        rondo::current_task().cancel();
        co_await other;
    };
    auto task = create_task(body(inner));
    co_await let_others_run();
    REQUIRE(inner.cancelled());
    REQUIRE(task.cancelled());
    REQUIRE(inner.cancelling() == 1);
}

ASYNC_TEST_CASE("a task that cancels itself and returns is cancelled, its value discarded",
                "[core][cancel][b162]") {
    LeakCheck leaks;
    const auto body = []() -> Coro<Tracked> {
        rondo::current_task().cancel("at the end");
        co_return Tracked(1);
    };
    auto task = create_task(body());
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "user: at the end");
    REQUIRE(task.cancelled());
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("a task that catches its cancellation and returns a value has succeeded",
                "[core][cancel][b163]") {
    const auto body = []() -> Coro<int> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            co_return 42;
        }
        co_return 0;
    };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(task.cancel());
    const int value = co_await task;
    REQUIRE(value == 42);
    REQUIRE_FALSE(task.cancelled());
    REQUIRE(task.cancelling() == 1); // swallowed, not withdrawn
}

ASYNC_TEST_CASE("a swallowed cancellation is used up", "[core][cancel][b164]") {
    const auto body = []() -> Coro<int> {
        bool cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            cancelled = true;
        }
        co_await sleep(1s);
        co_await sleep(0s);
        co_return cancelled ? 1 : 0;
    };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(task.cancel());
    const int value = co_await task;
    REQUIRE(value == 1);
}

ASYNC_TEST_CASE("a task that is cancelled twice before it runs sees one CancelledError",
                "[core][cancel]") {
    int caught = 0;
    const auto body = [&caught]() -> Coro<std::string> {
        std::string messages;
        for (int i = 0; i < 2; ++i) {
            try {
                co_await sleep(1s);
            } catch (const CancelledError& cancelled) {
                ++caught;
                messages += cancelled.message();
            }
        }
        co_return messages;
    };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(task.cancel("first"));
    REQUIRE(task.cancel("second"));
    REQUIRE(task.cancelling() == 2);
    const std::string messages = co_await task;
    REQUIRE(caught == 1);
    REQUIRE(messages == "second"); // the last word, as in asyncio
}

ASYNC_TEST_CASE("a task that is cancelled while it cleans up is cancelled there as well",
                "[core][cancel]") {
    std::string log;
    const auto body = [&log]() -> Coro<> {
        std::exception_ptr first;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            first = std::current_exception();
        }
        log += "cleaning ";
        try {
            co_await sleep(1h);
            log += "clean ";
        } catch (const CancelledError&) {
            log += "interrupted";
        }
        std::rethrow_exception(first);
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    co_await let_others_run();
    REQUIRE_FALSE(task.done());
    task.cancel();
    co_await let_others_run();
    REQUIRE(task.cancelled());
    REQUIRE(log == "cleaning interrupted");
}

ASYNC_TEST_CASE("a task whose clean-up fails has failed, not been cancelled",
                "[core][cancel][b165]") {
    const auto body = []() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw Broken();
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    co_await let_others_run();
    REQUIRE(task.done());
    REQUIRE_FALSE(task.cancelled());
    REQUIRE_THROWS_AS(task.result(), Broken);
}

ASYNC_TEST_CASE("a coroutine that throws CancelledError by itself ends its task as cancelled",
                "[core][cancel][b166]") {
    const auto body = []() -> Coro<int> {
        throw CancelledError(CancelReason::shutdown, "by itself");
        co_return 0;
    };
    auto task = create_task(body());
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "shutdown: by itself");
    REQUIRE(task.cancelled());
    REQUIRE(task.cancelling() == 0);
}

ASYNC_TEST_CASE("cancelling() counts the requests, uncancel() withdraws one",
                "[core][cancel][b168]") {
    auto task = create_task(sleep_long());
    REQUIRE(task.cancelling() == 0);
    REQUIRE(task.uncancel() == 0);
    task.cancel();
    task.cancel();
    REQUIRE(task.cancelling() == 2);
    REQUIRE(task.uncancel() == 1);
    REQUIRE(task.cancelling() == 1);
    REQUIRE(task.uncancel() == 0);
    REQUIRE(task.uncancel() == 0);
    // Nothing is left of the requests, which had not been delivered.
    co_await let_others_run();
    REQUIRE_FALSE(task.done());
    REQUIRE(task.describe_wait() == "sleep");
    task.cancel();
    co_await let_others_run();
    REQUIRE(task.cancelled());
}

ASYNC_TEST_CASE("after uncancel() to zero a task can be cancelled anew", "[core][cancel][b170]") {
    int caught = 0;
    const auto body = [&caught]() -> Coro<> {
        for (int i = 0; i < 2; ++i) {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                ++caught;
            }
            rondo::current_task().uncancel();
        }
        co_await sleep(1h);
    };
    auto task = create_task(body());
    for (int i = 1; i <= 2; ++i) {
        co_await let_others_run();
        REQUIRE(task.cancel());
        co_await let_others_run();
        REQUIRE(caught == i);
        REQUIRE(task.cancelling() == 0);
        REQUIRE_FALSE(task.done());
    }
    REQUIRE(task.cancel());
    co_await let_others_run();
    REQUIRE(task.cancelled());
}

ASYNC_TEST_CASE("uncancel() of a finished task does not change it", "[core][cancel][b171]") {
    auto task = create_task(sleep_long());
    task.cancel();
    co_await let_others_run();
    REQUIRE(task.cancelled());
    REQUIRE(task.uncancel() == 0);
    REQUIRE(task.cancelled());
    REQUIRE_THROWS_AS(task.result(), CancelledError);
}

ASYNC_TEST_CASE("the message of cancel() arrives at the suspension and in the result",
                "[flaw10][core][cancel][b173]") {
    std::string seen;
    const auto body = [&seen]() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError& cancelled) {
            seen = told(cancelled);
            throw;
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel("because");
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(seen == "user: because");
    REQUIRE(outcome == seen);
    std::string again;
    try {
        task.result();
    } catch (const CancelledError& cancelled) {
        again = told(cancelled);
    }
    REQUIRE(again == seen);
    std::string exception;
    try {
        static_cast<void>(task.exception());
    } catch (const CancelledError& cancelled) {
        exception = told(cancelled);
    }
    REQUIRE(exception == seen);
}

ASYNC_TEST_CASE("the message goes to the future and the task that are awaited",
                "[core][cancel][b173]") {
    const Future<int> future;
    auto inner = create_task(wait_for_it(future));
    const auto wait_for_task = [](Task<int> task) -> Coro<int> { co_return co_await task; };
    auto outer = create_task(wait_for_task(inner));
    co_await let_others_run();
    outer.cancel("all the way");
    std::string of_future;
    try {
        static_cast<void>(future.result());
    } catch (const CancelledError& cancelled) {
        of_future = told(cancelled);
    }
    const std::string of_inner = co_await outcome_of(inner);
    const std::string of_outer = co_await outcome_of(outer);
    REQUIRE(of_future == "user: all the way");
    REQUIRE(of_inner == of_future);
    REQUIRE(of_outer == of_future);
}

ASYNC_TEST_CASE("the same CancelledError object travels from a future to all who await",
                "[core][cancel][b174]") {
    const Future<int> future;
    std::vector<const CancelledError*> seen;
    const auto body = [&]() -> Coro<> {
        try {
            co_await future;
        } catch (const CancelledError& cancelled) {
            seen.push_back(&cancelled);
            throw;
        }
    };
    auto first = create_task(body());
    auto second = create_task(body());
    co_await let_others_run();
    future.cancel();
    try {
        co_await first;
    } catch (const CancelledError& cancelled) {
        seen.push_back(&cancelled);
    }
    co_await let_others_run();
    REQUIRE(seen.size() == 3);
    REQUIRE(seen[0] == seen[1]);
    REQUIRE(seen[1] == seen[2]);
    REQUIRE(second.cancelled());
}

ASYNC_TEST_CASE("cancelling a task cancels the task that it awaits, and waits for its answer",
                "[core][cancel]") {
    std::string log;
    const auto stubborn = [&log]() -> Coro<int> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log += "cancelled ";
        }
        co_await sleep(1s);
        log += "answered ";
        co_return 3;
    };
    const auto wait_for_task = [](Task<int> task) -> Coro<int> { co_return co_await task; };
    auto inner = create_task(stubborn());
    auto outer = create_task(wait_for_task(inner));
    co_await let_others_run();
    REQUIRE(outer.cancel());
    REQUIRE(inner.cancelling() == 1);
    const int value = co_await outer;
    REQUIRE(value == 3); // the other swallowed it for both
    REQUIRE(log == "cancelled answered ");
    REQUIRE(outer.cancelling() == 1);
    REQUIRE_FALSE(outer.cancelled());
}

ASYNC_TEST_CASE("a task that was done already keeps its result, and CancelledError is thrown",
                "[core][cancel]") {
    const Future<int> future;
    auto inner = create_task(wait_for_it(future));
    const auto wait_for_task = [](Task<int> task) -> Coro<int> { co_return co_await task; };
    auto outer = create_task(wait_for_task(inner));
    co_await let_others_run();
    // Told at once when the inner one is done, before the outer one can run on.
    struct CancelsOuter final : rondo::DoneObserver {
        explicit CancelsOuter(Task<int> task) : outer(std::move(task)) {}
        void on_done() noexcept override { asked = outer.cancel(); }
        Task<int> outer;
        bool asked = false;
    } observer(outer);
    inner.observe(observer);
    future.set_result(3);
    const std::string outcome = co_await outcome_of(outer);
    REQUIRE(observer.asked);
    REQUIRE(outcome == "user: ");
    REQUIRE(outer.cancelled());
    REQUIRE(inner.result() == 3);
}

// CancelScope

namespace {

Coro<bool> scoped(std::chrono::seconds limit, std::chrono::seconds length, bool& interrupted) {
    CancelScope scope;
    const rondo::TimerHandle timer = rondo::get_running_loop().call_later(
        limit, [&scope] { scope.cancel(CancelReason::timeout); });
    rondo::TimerHandle disarm = timer;
    std::exception_ptr cancelled;
    try {
        co_await sleep(length);
    } catch (const CancelledError&) {
        cancelled = std::current_exception();
    }
    disarm.cancel();
    interrupted = cancelled != nullptr;
    const bool mine = scope.leave();
    if (cancelled != nullptr && !mine) {
        std::rethrow_exception(cancelled);
    }
    co_return mine;
}

} // namespace

ASYNC_TEST_CASE("a scope absorbs the cancellation that it asked for", "[core][cancel][scope]") {
    bool interrupted = false;
    const bool mine = co_await scoped(1s, 5s, interrupted);
    REQUIRE(mine);
    REQUIRE(interrupted);
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s); // nothing is pending
}

ASYNC_TEST_CASE("a scope that nobody cancels leaves no trace", "[core][cancel][scope]") {
    bool interrupted = true;
    const bool mine = co_await scoped(5s, 1s, interrupted);
    REQUIRE_FALSE(mine);
    REQUIRE_FALSE(interrupted);
    REQUIRE(rondo::current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("a scope lets another's cancellation through", "[core][cancel][scope]") {
    bool interrupted = false;
    auto task = create_task(scoped(10s, 20s, interrupted));
    co_await sleep(1s);
    task.cancel("from outside");
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "user: from outside");
    REQUIRE(interrupted);
    REQUIRE(task.cancelled());
}

ASYNC_TEST_CASE("a scope whose request coincides with another's lets the cancellation through",
                "[core][cancel][scope]") {
    for (const bool scope_first : {false, true}) {
        bool mine = true;
        CancelScope* inside = nullptr;
        const auto body = [&]() -> Coro<> {
            CancelScope scope;
            inside = &scope;
            std::exception_ptr cancelled;
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                cancelled = std::current_exception();
            }
            mine = scope.leave();
            std::rethrow_exception(cancelled);
        };
        auto task = create_task(body());
        co_await let_others_run();
        if (scope_first) {
            inside->cancel(CancelReason::timeout);
            task.cancel("from outside");
        } else {
            task.cancel("from outside");
            inside->cancel(CancelReason::timeout);
        }
        REQUIRE(task.cancelling() == 2);
        const std::string outcome = co_await outcome_of(task);
        REQUIRE_FALSE(mine);
        REQUIRE(outcome == "user: from outside");
        REQUIRE(task.cancelling() == 1);
    }
}

ASYNC_TEST_CASE("a scope that leaves before its request was delivered takes it back",
                "[core][cancel][scope]") {
    {
        CancelScope scope;
        scope.cancel(CancelReason::timeout);
        scope.cancel(CancelReason::timeout); // once
        REQUIRE(scope.cancel_called());
        REQUIRE(rondo::current_task().cancelling() == 1);
        REQUIRE(scope.leave());
        REQUIRE_FALSE(scope.leave());
    }
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s); // is not cancelled
}

ASYNC_TEST_CASE("a scope that leaves by its destructor takes its request back",
                "[core][cancel][scope]") {
    {
        CancelScope scope;
        scope.cancel(CancelReason::sibling_failed);
    }
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("nested scopes: the outer one's request is not the inner one's to absorb",
                "[core][cancel][scope]") {
    CancelScope outer;
    bool caught_inner = false;
    bool inner_mine = true;
    std::string reason;
    {
        CancelScope inner;
        outer.cancel(CancelReason::timeout);
        inner.cancel(CancelReason::sibling_failed);
        try {
            co_await sleep(1h);
        } catch (const CancelledError& cancelled) {
            caught_inner = true;
            reason = rondo::to_string(cancelled.reason());
        }
        inner_mine = inner.leave();
    }
    REQUIRE(caught_inner);
    REQUIRE(reason == "timeout"); // the first that asked
    REQUIRE_FALSE(inner_mine);
    REQUIRE(outer.leave());
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("nested scopes: the inner one's request does not reach the outer one",
                "[core][cancel][scope]") {
    CancelScope outer;
    {
        CancelScope inner;
        inner.cancel(CancelReason::timeout);
        bool caught = false;
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            caught = true;
        }
        REQUIRE(caught);
        REQUIRE(inner.leave());
    }
    co_await sleep(1s);
    REQUIRE_FALSE(outer.leave());
    REQUIRE(rondo::current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("a request swallowed before a scope was entered does not keep it from absorbing",
                "[core][cancel][scope]") {
    bool mine = false;
    bool interrupted = false;
    const auto body = [&]() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) { // NOLINT(bugprone-empty-catch): swallowed
        }
        mine = co_await scoped(1s, 5s, interrupted);
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    co_await task;
    REQUIRE(interrupted);
    REQUIRE(mine);
    REQUIRE(task.cancelling() == 1);
}

ASYNC_TEST_CASE("a request withdrawn inside a scope does not keep it from absorbing",
                "[core][cancel][scope]") {
    auto self = rondo::current_task();
    CancelScope scope;
    self.cancel();
    bool user = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        user = true;
        self.uncancel();
    }
    REQUIRE(user);
    scope.cancel(CancelReason::timeout);
    bool own = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        own = true;
    }
    REQUIRE(own);
    REQUIRE(scope.leave());
    REQUIRE(self.cancelling() == 0);
}

ASYNC_TEST_CASE("uncancel() does not withdraw a scope's request", "[core][cancel][scope]") {
    CancelScope scope;
    scope.cancel(CancelReason::timeout);
    REQUIRE(rondo::current_task().uncancel() == 1);
    bool caught = false;
    try {
        co_await sleep(1h);
    } catch (const CancelledError& cancelled) {
        caught = cancelled.reason() == CancelReason::timeout;
    }
    REQUIRE(caught);
    REQUIRE(scope.leave());
}

TEST_CASE("a scope needs a task", "[core][cancel][scope]") {
    REQUIRE_THROWS_AS(CancelScope(), rondo::LoopError);
    bool threw = false;
    rondo::testing::run([&]() -> Coro<> {
        rondo::get_running_loop().call_soon([&threw] {
            try {
                const CancelScope scope;
            } catch (const rondo::LoopError&) {
                threw = true;
            }
        });
        co_await let_others_run();
    });
    REQUIRE(threw);
}

// Results that are kept or undone

ASYNC_TEST_CASE("a cancellation that races with an effect is thrown, and the effect undone",
                "[core][cancel][race]") {
    CheckedWait wait(CheckedWait::OnRace::undo);
    const auto body = [&]() -> Coro<> { co_await wait.wait(); };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(wait.release());
    REQUIRE(task.cancel());
    co_await let_others_run();
    REQUIRE(task.cancelled());
    REQUIRE(wait.undone() == 1);
    REQUIRE(wait.log() == "rswxd");
}

ASYNC_TEST_CASE("a completed operation is given although the task was cancelled, and the "
                "cancellation waits for the next suspension",
                "[flaw7][core][cancel][race]") {
    CheckedWait wait(CheckedWait::OnRace::keep);
    std::string log;
    const auto body = [&]() -> Coro<> {
        co_await wait.wait();
        log += "result ";
        try {
            co_await sleep(0s);
        } catch (const CancelledError&) {
            log += "cancelled";
            throw;
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    wait.release();
    task.cancel();
    co_await let_others_run();
    REQUIRE(task.cancelled());
    REQUIRE(log == "result cancelled");
    REQUIRE(wait.log() == "rswvd");
}

ASYNC_TEST_CASE("a cancellation that came too late for a completed operation is forgotten when "
                "the task returns",
                "[core][cancel][race]") {
    CheckedWait wait(CheckedWait::OnRace::keep);
    const auto body = [&]() -> Coro<int> {
        co_await wait.wait();
        co_return 9;
    };
    auto task = create_task(body());
    co_await let_others_run();
    wait.release();
    task.cancel();
    const int value = co_await task;
    REQUIRE(value == 9);
    REQUIRE_FALSE(task.cancelled());
}

ASYNC_TEST_CASE("but a new cancellation after the completed operation is not forgotten",
                "[core][cancel][race]") {
    CheckedWait wait(CheckedWait::OnRace::keep);
    const auto body = [&]() -> Coro<int> {
        co_await wait.wait();
        rondo::current_task().cancel();
        co_return 9;
    };
    auto task = create_task(body());
    co_await let_others_run();
    wait.release();
    task.cancel();
    co_await let_others_run();
    REQUIRE(task.cancelled());
}

ASYNC_TEST_CASE("no cancellation is delivered from inside cancel()", "[core][cancel]") {
    std::string log;
    const auto body = [&]() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log += "b";
            throw;
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    log += "a";
    co_await let_others_run();
    REQUIRE(log == "ab");
}

ASYNC_TEST_CASE("a handler for std::exception does not catch a cancellation", "[core][cancel]") {
    const auto body = []() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const std::exception&) {
            FAIL("CancelledError is no std::exception");
        }
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    co_await let_others_run();
    REQUIRE(task.cancelled());
}
