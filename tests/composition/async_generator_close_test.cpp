// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How a generator ends before its last value: closed, dropped, cancelled, or left to its loop.

#include <rondo/async_generator.hpp>

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using rondo::AsyncGenerator;
using rondo::Coro;
using rondo::create_task;
using rondo::ErrorContext;
using rondo::EventLoop;
using rondo::get_running_loop;
using rondo_test::in_order;
using rondo_test::LeakCheck;
using rondo_test::let_others_run;
using rondo_test::Tracked;

namespace {

using Log = std::vector<std::string>;

/// Says when it is destroyed.
class Note {
public:
    explicit Note(Log& log) noexcept : log_(log) {}
    Note(const Note&) = delete;
    Note& operator=(const Note&) = delete;
    ~Note() { log_.emplace_back("destroyed"); }

private:
    Log& log_;
};

/// Yields for ever; its cleanup takes a time, or none.
AsyncGenerator<int> numbers(Log& log, std::chrono::milliseconds cleanup = 0ms) {
    const Note note(log);
    try {
        for (int i = 1;; ++i) {
            co_yield i;
        }
    } catch (const rondo::GeneratorExit&) {
        log.emplace_back("closed");
    }
    if (cleanup > 0ms) {
        try {
            co_await rondo::sleep(cleanup);
            log.emplace_back("cleaned up");
        } catch (const rondo::CancelledError&) {
            log.emplace_back("cancelled");
            throw;
        }
    }
}

AsyncGenerator<int> fail_to_close(Log& log) {
    const Note note(log);
    try {
        co_yield 1;
    } catch (const rondo::GeneratorExit&) {
        throw std::runtime_error("cleanup failed");
    }
}

AsyncGenerator<int> refuse_to_close(Log& log) {
    const Note note(log);
    for (int i = 1; i < 4; ++i) {
        try {
            co_yield i;
        } catch (const rondo::GeneratorExit&) {
            log.emplace_back("refused");
        }
    }
}

/// Waits between its values.
AsyncGenerator<int> slow_numbers(Log& log) {
    const Note note(log);
    try {
        for (int i = 1;; ++i) {
            co_await rondo::sleep(10ms);
            co_yield i;
        }
    } catch (const rondo::CancelledError&) {
        log.emplace_back("cancelled");
        throw;
    } catch (const rondo::GeneratorExit&) {
        log.emplace_back("closed");
        throw;
    }
}

AsyncGenerator<int> pass_on(AsyncGenerator<int> inner) {
    while (auto value = co_await inner.next()) {
        co_yield *value;
    }
}

/// Takes one value.
Coro<int> step(AsyncGenerator<int>& generator) {
    const auto value = co_await generator.next();
    co_return value.value_or(-1);
}

/// Takes one value and leaves the rest.
Coro<int> take_first(AsyncGenerator<int> generator) {
    while (auto value = co_await generator.next()) {
        co_return *value;
    }
    co_return -1;
}

Coro<std::string> close_error(AsyncGenerator<int>& generator) {
    try {
        co_await generator.aclose();
    } catch (const std::exception& error) {
        co_return error.what();
    }
    co_return "nothing";
}

/// Collects what goes to the running loop's exception handler.
void collect_errors(EventLoop& loop, Log& errors) {
    loop.set_exception_handler([&errors](EventLoop& /*loop*/, const ErrorContext& context) {
        std::string text(context.message);
        try {
            if (context.exception != nullptr) {
                std::rethrow_exception(context.exception);
            }
        } catch (const std::exception& error) {
            text += std::string(": ") + error.what();
        }
        errors.push_back(text);
    });
}

} // namespace

// aclose()

ASYNC_TEST_CASE("aclose runs the cleanup, what it awaits included, to its end",
                "[composition][async_generator][b629]") {
    Log log;
    auto generator = numbers(log, 1s);
    (void)co_await generator.next();
    const auto before = get_running_loop().time();
    co_await generator.aclose();
    CHECK(get_running_loop().time() - before == 1s);
    CHECK(log == Log{"closed", "cleaned up", "destroyed"});
    const auto end = co_await generator.next();
    CHECK_FALSE(end);
    co_await generator.aclose();
    CHECK(log.size() == 3);
}

ASYNC_TEST_CASE("a generator that is closed before its first step never runs",
                "[composition][async_generator]") {
    Log log;
    auto generator = numbers(log);
    co_await generator.aclose();
    const auto end = co_await generator.next();
    CHECK_FALSE(end);
    CHECK(log.empty());
}

ASYNC_TEST_CASE("closing one that has ended does nothing", "[composition][async_generator]") {
    Log log;
    auto generator = refuse_to_close(log);
    for (int i = 0; i < 4; ++i) {
        (void)co_await generator.next();
    }
    co_await generator.aclose();
    CHECK(log == Log{"destroyed"});
}

ASYNC_TEST_CASE("aclose gives what the cleanup throws", "[composition][async_generator]") {
    Log log;
    auto generator = fail_to_close(log);
    (void)co_await generator.next();
    const std::string error = co_await close_error(generator);
    CHECK(error == "cleanup failed");
    CHECK(log == Log{"destroyed"});
    const std::string again = co_await close_error(generator);
    CHECK(again == "nothing");
}

ASYNC_TEST_CASE("a generator that yields when it is closed is a mistake, and can be closed again",
                "[composition][async_generator]") {
    Log log;
    auto generator = refuse_to_close(log);
    (void)co_await generator.next();
    const std::string first = co_await close_error(generator);
    CHECK(first == "rondo: a generator that was closed yielded another value");
    (void)co_await close_error(generator);
    const std::string last = co_await close_error(generator);
    CHECK(last == "nothing");
    CHECK(log == Log{"refused", "refused", "refused", "destroyed"});
}

ASYNC_TEST_CASE("a generator cannot be closed while it awaits for another task",
                "[composition][async_generator][b630]") {
    Log log;
    auto generator = slow_numbers(log);
    auto consumer = create_task(step(generator));
    co_await let_others_run();
    const std::string error = co_await close_error(generator);
    CHECK(error == "rondo: another task is inside this generator already");
    const int value = co_await consumer;
    CHECK(value == 1);
    co_await generator.aclose();
    CHECK(log == Log{"closed", "destroyed"});
}

ASYNC_TEST_CASE("cancelling aclose cancels the cleanup where it awaits",
                "[composition][async_generator][cancel]") {
    Log log;
    auto generator = numbers(log, 1s);
    (void)co_await generator.next();
    auto closing = create_task(generator.aclose());
    co_await rondo::sleep(1ms);
    CHECK(closing.cancel());
    co_await let_others_run();
    CHECK(closing.cancelled());
    CHECK(log == Log{"closed", "cancelled", "destroyed"});
}

// Dropped

ASYNC_TEST_CASE("leaving a loop early has cleaned up at the end of the scope",
                "[composition][async_generator][b632]") {
    Log log;
    {
        auto generator = numbers(log);
        while (auto value = co_await generator.next()) {
            if (*value == 3) {
                break;
            }
        }
        CHECK(log.empty());
    }
    CHECK(log == Log{"closed", "destroyed"});
    CHECK(rondo::all_tasks().size() == 1);
}

ASYNC_TEST_CASE("so has leaving it by an exception, or by a return",
                "[composition][async_generator][b632]") {
    Log log;
    bool caught = false;
    try {
        auto generator = numbers(log);
        (void)co_await generator.next();
        throw std::runtime_error("left");
    } catch (const std::runtime_error&) {
        caught = true;
        log.emplace_back("caught");
    }
    CHECK(caught);
    CHECK(log == Log{"closed", "destroyed", "caught"});
    const int first = co_await take_first(numbers(log));
    CHECK(first == 1);
    CHECK(log.size() == 5);
}

ASYNC_TEST_CASE("a cleanup that awaits goes on in a task of its own",
                "[composition][async_generator][b632]") {
    Log log;
    const int first = co_await take_first(numbers(log, 5ms));
    CHECK(first == 1);
    CHECK(log == Log{"closed"});
    REQUIRE(rondo::all_tasks().size() == 2);
    bool named = false;
    for (const auto& task : rondo::all_tasks()) {
        named = named || task.name() == "closing a generator";
    }
    CHECK(named);
    co_await rondo::sleep(10ms);
    CHECK(log == Log{"closed", "cleaned up", "destroyed"});
    CHECK(rondo::all_tasks().size() == 1);
}

ASYNC_TEST_CASE("what goes wrong in a dropped generator goes to the exception handler",
                "[composition][async_generator][b632]") {
    Log log;
    Log errors;
    collect_errors(get_running_loop(), errors);
    (void)co_await take_first(fail_to_close(log));
    (void)co_await take_first(refuse_to_close(log));
    co_await let_others_run();
    CHECK(log == Log{"destroyed", "refused", "destroyed"});
    REQUIRE(errors.size() == 2);
    CHECK(errors[0] == "a task failed and nobody looked at it: cleanup failed");
    CHECK(errors[1] == "a task failed and nobody looked at it: rondo: a generator that was closed "
                       "yielded another value");
}

ASYNC_TEST_CASE("a generator that is assigned to or dropped by a callback cleans up as well",
                "[composition][async_generator][b632]") {
    Log log;
    auto generator = numbers(log);
    (void)co_await generator.next();
    generator = numbers(log);
    CHECK(log == Log{"closed", "destroyed"});
    std::optional<AsyncGenerator<int>> by_callback(std::move(generator));
    (void)co_await by_callback->next();
    get_running_loop().call_soon([&] { by_callback.reset(); });
    co_await let_others_run();
    CHECK(log.size() == 4);
}

ASYNC_TEST_CASE("dropping an outer generator drops the inner one",
                "[composition][async_generator]") {
    Log log;
    (void)co_await take_first(pass_on(pass_on(numbers(log))));
    CHECK(log == Log{"closed", "destroyed"});
}

ASYNC_TEST_CASE("a generator dropped while a task is inside closes when that task leaves",
                "[composition][async_generator]") {
    Log log;
    std::optional<AsyncGenerator<int>> generator(slow_numbers(log));
    auto consumer = create_task(step(*generator));
    co_await let_others_run();
    generator.reset();
    CHECK(log.empty());
    const int value = co_await consumer; // its step is made as if nothing had happened
    CHECK(value == 1);
    CHECK(log == Log{"closed", "destroyed"});

    log.clear();
    generator.emplace(slow_numbers(log));
    auto cancelled = create_task(step(*generator));
    co_await let_others_run();
    generator.reset();
    cancelled.cancel();
    co_await let_others_run();
    CHECK(cancelled.cancelled());
    CHECK(log == Log{"cancelled", "destroyed"});
}

TEST_CASE("a generator may drop itself", "[composition][async_generator]") {
    const LeakCheck leaks;
    rondo::testing::run([]() -> Coro<> {
        std::optional<AsyncGenerator<int>> generator;
        const auto body = [](std::optional<AsyncGenerator<int>>& self) -> AsyncGenerator<int> {
            const Tracked local(1);
            self.reset();
            co_yield local.number();
        };
        generator.emplace(body(generator));
        const auto value = co_await generator->next();
        CHECK(value == 1);
    });
}

ASYNC_TEST_CASE("without memory for a task, a dropped generator is destroyed where it stands",
                "[composition][async_generator][memory]") {
    Log log;
    log.reserve(4);
    std::optional<AsyncGenerator<int>> generator(numbers(log));
    (void)co_await generator->next();
    {
        const rondo_test::NoMemory no_memory;
        generator.reset();
    }
    CHECK(log == Log{"destroyed"});
}

TEST_CASE("outside of its running loop, too", "[composition][async_generator]") {
    Log log;
    EventLoop loop(in_order());
    {
        auto outside = numbers(log);
        loop.run_until_complete(step(outside));
    }
    CHECK(log == Log{"destroyed"});
    std::optional<AsyncGenerator<int>> elsewhere(numbers(log));
    loop.run_until_complete(step(*elsewhere));
    rondo::testing::run([&]() -> Coro<> {
        elsewhere.reset();
        co_return;
    });
    CHECK(log == Log{"destroyed", "destroyed"});
    auto after_close = numbers(log);
    loop.run_until_complete(step(after_close));
    loop.close();
}

TEST_CASE("a generator that outlives its loop goes on in the next, which closes it",
          "[composition][async_generator]") {
    Log log;
    auto generator = numbers(log);
    {
        EventLoop loop(in_order());
        loop.run_until_complete(step(generator));
    }
    CHECK(log.empty());
    const int second = rondo::testing::run(step(generator));
    CHECK(second == 2);
    CHECK(log == Log{"closed", "destroyed"});
}

// The end of the loop

TEST_CASE("run closes the generators that are left", "[composition][async_generator][b633]") {
    Log log;
    auto generator = numbers(log, 1s);
    auto fresh = numbers(log);
    const int value = rondo::testing::run(step(generator));
    CHECK(value == 1);
    CHECK(log == Log{"closed", "cleaned up", "destroyed"});
    const int end = rondo::testing::run(step(generator));
    CHECK(end == -1);
    CHECK(log.size() == 3);
}

ASYNC_TEST_CASE("shutdown_asyncgens closes all that live, and no others",
                "[composition][async_generator][b633]") {
    Log log;
    auto first = numbers(log);
    auto second = pass_on(numbers(log, 1ms));
    auto fresh = numbers(log);
    (void)co_await first.next();
    (void)co_await second.next();
    co_await get_running_loop().shutdown_asyncgens();
    CHECK(log.size() >= 4);
    co_await rondo::sleep(10ms);
    std::sort(log.begin(), log.end()); // the two are closed at the same time
    CHECK(log == Log{"cleaned up", "closed", "closed", "destroyed", "destroyed"});
    const auto untouched = co_await fresh.next();
    CHECK(untouched == 1);
}

TEST_CASE("a generator that cannot be closed by run is reported, and the others are closed",
          "[composition][async_generator][b634]") {
    Log log;
    Log errors;
    auto bad = fail_to_close(log);
    auto worse = refuse_to_close(log);
    auto good = numbers(log);
    rondo_test::run_in_order([&]() -> Coro<> {
        collect_errors(get_running_loop(), errors);
        (void)co_await bad.next();
        (void)co_await worse.next();
        (void)co_await good.next();
    });
    CHECK(log == Log{"destroyed", "refused", "closed", "destroyed"});
    REQUIRE(errors.size() == 2);
    CHECK(errors[0] == "an async generator could not be closed: cleanup failed");
    CHECK(errors[1] == "an async generator could not be closed: rondo: a generator that was closed "
                       "yielded another value");
}

TEST_CASE("a loop can be closed while a task waits in a generator",
          "[composition][async_generator]") {
    Log log;
    Log errors;
    auto outside = slow_numbers(log);
    {
        EventLoop loop(in_order());
        collect_errors(loop, errors);
        auto inside = loop.create_task(take_first(slow_numbers(log)));
        auto of_another = loop.create_task(step(outside));
        // One whose generator belongs to a task that is destroyed before it.
        std::optional<rondo::Task<int>> guest;
        auto owner = loop.create_task(
            [](std::optional<rondo::Task<int>>& its_guest, Log& its_log) -> Coro<> {
                auto generator = slow_numbers(its_log);
                its_guest = create_task(step(generator));
                co_await rondo::sleep(1h);
            }(guest, log));
        loop.run_until_complete(rondo::sleep(1ms));
    }
    CHECK(errors.size() == 4); // tasks that were pending
    CHECK(log == Log{"destroyed", "destroyed"});
    const int end = rondo::testing::run(step(outside));
    CHECK(end == -1);
}

TEST_CASE("a hundred thousand live generators are closed by run, or where they are dropped",
          "[composition][async_generator][slow]") {
    const LeakCheck leaks;
    const auto body = [](int number, int& closed) -> AsyncGenerator<int> {
        const Tracked local(number);
        try {
            co_yield local.number();
        } catch (const rondo::GeneratorExit&) {
            ++closed;
        }
    };
    int closed = 0;
    std::vector<AsyncGenerator<int>> generators;
    rondo::testing::run([&]() -> Coro<> {
        for (int i = 0; i < 100'000; ++i) {
            generators.push_back(body(i, closed));
            (void)co_await generators.back().next();
        }
        generators.erase(generators.begin() + 20'000, generators.begin() + 70'000);
        CHECK(closed == 50'000);
    });
    CHECK(closed == 100'000);
    CHECK(leaks.alive() == 0);
}

// Cancellation

ASYNC_TEST_CASE("cancelling the consumer is delivered where the generator awaits",
                "[composition][async_generator][cancel][b638]") {
    Log log;
    auto generator = slow_numbers(log);
    auto consumer = create_task(step(generator));
    co_await let_others_run();
    consumer.cancel();
    co_await let_others_run();
    CHECK(consumer.cancelled());
    CHECK(log == Log{"cancelled", "destroyed"});
    const auto end = co_await generator.next();
    CHECK_FALSE(end);
}

ASYNC_TEST_CASE("a generator may handle the cancellation, and go on",
                "[composition][async_generator][cancel]") {
    const auto stubborn = []() -> AsyncGenerator<int> {
        for (int i = 1;; ++i) {
            bool cancelled = false;
            try {
                co_await rondo::sleep(1h);
            } catch (const rondo::CancelledError&) {
                cancelled = true;
            }
            co_yield cancelled ? -i : i;
        }
    };
    auto generator = stubborn();
    auto consumer = create_task(step(generator));
    co_await let_others_run();
    consumer.cancel();
    const int value = co_await consumer;
    CHECK(value == -1);
    const auto next = co_await generator.next();
    CHECK(next == 2);
}

ASYNC_TEST_CASE("a time limit on a step ends the generator",
                "[composition][async_generator][cancel]") {
    Log log;
    auto generator = slow_numbers(log);
    bool late = false;
    try {
        (void)co_await rondo::wait_for(generator.next(), 1ms);
    } catch (const rondo::TimeoutError&) {
        late = true;
    }
    CHECK(late);
    CHECK(log == Log{"cancelled", "destroyed"});
}

namespace {

/// A consumer of a generator in a generator, which leaves it half-way; cancelled at every moment.
struct LeaveHalfWay {
    static inline int closed = 0;
    static inline int begun = 0;

    static AsyncGenerator<Tracked> values() {
        const Tracked local(1);
        ++begun;
        bool failed = false;
        try {
            for (;;) {
                co_await rondo::sleep(1ms);
                co_yield local;
                co_await rondo::sleep(0s);
                co_yield Tracked(2);
            }
        } catch (const rondo::GeneratorExit&) {
            failed = true;
        } catch (const rondo::CancelledError&) {
            failed = true;
        }
        closed += failed ? 1 : 0;
    }
    static AsyncGenerator<Tracked> pass_on() {
        auto inner = values();
        while (auto value = co_await inner.next()) {
            co_await rondo::sleep(0s);
            co_yield *std::move(value);
        }
    }

    Coro<> victim() {
        auto generator = pass_on();
        for (int i = 0; i < 3; ++i) {
            (void)co_await generator.next();
            co_await rondo::sleep(0s);
        }
        co_await generator.aclose();
        auto dropped = pass_on();
        (void)co_await dropped.next();
    }
    Coro<> others() { co_await rondo::sleep(1ms); }
    void check(const rondo::Task<>& /*victim*/) const { REQUIRE(closed == begun); }
};

} // namespace

TEST_CASE("a consumer can be cancelled anywhere", "[composition][async_generator][cancel][slow]") {
    const auto report = rondo_test::cancel_everywhere<LeaveHalfWay>();
    CHECK(report.cancelled > 40);
    CHECK(report.moments > 5);
    CHECK(LeaveHalfWay::begun > report.runs);
}
