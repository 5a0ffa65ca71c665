// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/as_completed.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <algorithm>
#include <concepts>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using rondo::as_completed;
using rondo::AsCompleted;
using rondo::AsCompletedOptions;
using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

Coro<int> number(int value, rondo::Clock::duration after = 0s) {
    co_await sleep(after);
    co_return value;
}

Coro<int> fail(rondo::Clock::duration after = 0s) {
    co_await sleep(after);
    throw std::runtime_error("failed");
}

/// Coros that give and take so many seconds.
std::vector<Coro<int>> numbers(std::initializer_list<int> seconds) {
    std::vector<Coro<int>> coros;
    for (const int after : seconds) {
        coros.push_back(number(after, after * 1s));
    }
    return coros;
}

/// What a stream of numbers gives until its end, as text; "T" for a TimeoutError.
template <class Stream>
Coro<std::string> read_all(Stream& stream) {
    std::string text;
    for (bool ended = false; !ended;) {
        try {
            auto task = co_await stream.next();
            ended = !task;
            text += task ? std::to_string(task->result()) : "";
        } catch (const rondo::TimeoutError&) {
            text += 'T';
        } catch (const std::runtime_error&) {
            text += '!';
        }
    }
    co_return text;
}

template <class V>
concept AsCompletable = requires(V awaitables) { as_completed(std::move(awaitables)); };

// b239: a collection, not an awaitable.
static_assert(AsCompletable<std::vector<Coro<int>>>);
static_assert(AsCompletable<std::vector<Task<>>>);
static_assert(AsCompletable<std::vector<Future<int&>>>);
static_assert(!AsCompletable<Coro<int>>);
static_assert(!AsCompletable<Task<int>>);
static_assert(!AsCompletable<std::vector<int>>);

template <class V>
using StreamOf = decltype(as_completed(std::declval<V>()));
static_assert(std::same_as<StreamOf<std::vector<Coro<int>>>, AsCompleted<Task<int>>>);
static_assert(std::same_as<StreamOf<std::vector<Future<>>>, AsCompleted<Future<>>>);
static_assert(std::move_constructible<AsCompleted<Task<int>>>);
static_assert(!std::copy_constructible<AsCompleted<Task<int>>>);

} // namespace

ASYNC_TEST_CASE("as_completed gives tasks in the order in which they are done",
                "[composition][as_completed][b232][b240]") {
    const auto before = rondo::get_running_loop().time();
    auto stream = as_completed(numbers({3, 1, 4, 2, 5}));
    auto first = co_await stream.next();
    REQUIRE(first->result() == 1);
    REQUIRE(rondo::get_running_loop().time() - before == 1s);
    const std::string rest = co_await read_all(stream);
    REQUIRE(rest == "2345");
    REQUIRE(rondo::get_running_loop().time() - before == 5s);
    auto after_the_end = co_await stream.next();
    REQUIRE_FALSE(after_the_end);
}

ASYNC_TEST_CASE("what is done while nobody waits is given later, in order and without a turn",
                "[composition][as_completed][b232]") {
    auto stream = as_completed(numbers({2, 1, 9, 3}));
    co_await sleep(5s);
    const auto turns = rondo::get_running_loop().metrics().turns;
    std::string text;
    for (int i = 0; i < 3; ++i) {
        auto task = co_await stream.next();
        text += std::to_string(task->result());
    }
    REQUIRE(text == "123");
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
    auto last = co_await stream.next();
    REQUIRE(last->result() == 9);
}

ASYNC_TEST_CASE("tasks that were done before come first, in the order of the argument",
                "[composition][as_completed]") {
    std::vector<Task<int>> tasks;
    for (auto& coro : numbers({2, 9, 1, 0})) {
        tasks.push_back(create_task(std::move(coro)));
    }
    co_await sleep(3s);
    auto stream = as_completed(tasks);
    const std::string all = co_await read_all(stream);
    REQUIRE(all == "2109");
}

ASYNC_TEST_CASE("as_completed tells which task is done", "[flaw20][composition][as_completed]") {
    std::vector<Task<int>> tasks{create_task(number(1, 2s)), create_task(number(1, 1s))};
    auto stream = as_completed(tasks);
    auto first = co_await stream.next();
    auto second = co_await stream.next();
    REQUIRE((*first == tasks[1]));
    REQUIRE((*second == tasks[0]));
}

ASYNC_TEST_CASE("as_completed of nothing is at its end", "[composition][as_completed]") {
    AsCompletedOptions at_once{.timeout = 0s};
    auto stream = as_completed(std::vector<Coro<int>>(), at_once);
    const auto turns = rondo::get_running_loop().metrics().turns;
    auto none = co_await stream.next();
    REQUIRE_FALSE(none);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("what is given twice comes once", "[composition][as_completed][b234]") {
    auto one = create_task(number(1, 1s));
    auto two = create_task(number(2, 2s));
    auto zero = create_task(number(0));
    co_await let_others_run();
    auto stream = as_completed(std::vector{two, zero, one, two, one, two, zero});
    const std::string all = co_await read_all(stream);
    REQUIRE(all == "012");
}

ASYNC_TEST_CASE("a failure is thrown by its own item and ends nothing",
                "[composition][as_completed][b241]") {
    auto coros = numbers({1, 3});
    coros.push_back(fail(2s));
    auto stream = as_completed(std::move(coros));
    const std::string all = co_await read_all(stream);
    REQUIRE(all == "1!3");
}

ASYNC_TEST_CASE("as_completed passes on void, references and what only moves",
                "[composition][as_completed]") {
    int here = 1;
    std::vector<Future<int&>> futures(2);
    futures[1].set_result(here);
    auto of_references = as_completed(futures);
    auto reference = co_await of_references.next();
    REQUIRE(&reference->result() == &here);

    std::vector<Coro<MoveOnly>> coros;
    coros.push_back([]() -> Coro<MoveOnly> { co_return MoveOnly(5); }());
    auto of_move_only = as_completed(std::move(coros));
    auto task = co_await of_move_only.next();
    const MoveOnly moved = co_await std::move(*task);
    REQUIRE(moved.number() == 5);

    auto of_sleeps = as_completed(std::vector{sleep(2s), sleep(1s)});
    const auto before = rondo::get_running_loop().time();
    auto slept = co_await of_sleeps.next();
    slept->result();
    REQUIRE(rondo::get_running_loop().time() - before == 1s);
    slept = co_await of_sleeps.next();
    REQUIRE(slept.has_value());
}

TEST_CASE("a result lives no longer than its item", "[composition][as_completed]") {
    const LeakCheck leaks;
    rondo::testing::run([&]() -> Coro<> {
        std::vector<Coro<Tracked>> coros;
        for (int i = 0; i < 10; ++i) {
            coros.push_back([](int value) -> Coro<Tracked> { co_return Tracked(value); }(i));
        }
        auto stream = as_completed(std::move(coros));
        co_await let_others_run();
        REQUIRE(leaks.alive() == 10);
        for (std::ptrdiff_t left = 9; auto task = co_await stream.next(); --left) {
            task.reset();
            REQUIRE(leaks.alive() == left);
        }
    });
}

ASYNC_TEST_CASE("the stream may be moved between two items", "[composition][as_completed]") {
    auto stream = as_completed(numbers({1, 2}));
    auto first = co_await stream.next();
    auto moved = std::move(stream);
    const std::string rest = co_await read_all(moved);
    REQUIRE(first->result() == 1);
    REQUIRE(rest == "2");
}

ASYNC_TEST_CASE("leaving early leaves the rest running", "[composition][as_completed]") {
    std::vector<Task<int>> tasks{create_task(number(1, 1s)), create_task(number(2, 2s))};
    {
        AsCompletedOptions options{.timeout = 1h};
        auto stream = as_completed(tasks, options);
        auto first = co_await stream.next();
        REQUIRE(first->result() == 1);
    }
    REQUIRE(rondo::get_running_loop().metrics().timers == 1);
    const int second = co_await tasks[1];
    REQUIRE(second == 2);
}

// Time-outs

ASYNC_TEST_CASE("when time has run out each task that is left is a TimeoutError, and runs on",
                "[composition][as_completed][b235]") {
    std::vector<Task<int>> tasks;
    for (const int seconds : {9, 1, 5, 2, 7}) {
        tasks.push_back(create_task(number(seconds, seconds * 1s)));
    }
    AsCompletedOptions options{.timeout = 4s};
    const auto before = rondo::get_running_loop().time();
    auto stream = as_completed(tasks, options);
    const std::string all = co_await read_all(stream);
    REQUIRE(all == "12TTT");
    REQUIRE(rondo::get_running_loop().time() - before == 4s);
    for (const auto& task : tasks) {
        REQUIRE(task.cancelling() == 0);
        co_await task;
    }
    auto after_the_end = co_await stream.next();
    REQUIRE_FALSE(after_the_end);
}

ASYNC_TEST_CASE("what was done in time is given after it; what was not, is not",
                "[composition][as_completed][b235]") {
    AsCompletedOptions options{.timeout = 4s};
    auto busy = as_completed(numbers({5, 1, 9, 2}), options);
    auto asked_again = as_completed(numbers({5, 9, 1}), options);
    auto first = co_await asked_again.next();
    auto late = co_await rondo::as_result(asked_again.next());
    REQUIRE(first->result() == 1);
    REQUIRE_THROWS_AS(late.value(), rondo::TimeoutError);
    co_await sleep(10s);
    const std::string rest = co_await read_all(asked_again);
    REQUIRE(rest == "T");
    const std::string all = co_await read_all(busy);
    REQUIRE(all == "12TT");
}

ASYNC_TEST_CASE("a timeout of zero or less gives the coroutines a turn, and no time",
                "[composition][as_completed][b235]") {
    for (const rondo::Clock::duration timeout : {0h, -1h}) {
        const auto before = rondo::get_running_loop().time();
        AsCompletedOptions options{.timeout = timeout};
        const std::vector<Future<int>> futures(2);
        auto stream = as_completed(futures, options);
        futures[1].set_result(1);
        const std::string all = co_await read_all(stream);
        REQUIRE(all == "1T");
        REQUIRE(rondo::get_running_loop().time() == before);
    }
    const auto at_once = []() -> Coro<std::string> {
        std::vector<Coro<int>> coros;
        coros.push_back([]() -> Coro<int> { co_return 5; }());
        AsCompletedOptions options{.timeout = 0s};
        auto stream = as_completed(std::move(coros), options);
        co_return co_await read_all(stream);
    };
    const std::string in_order_all = co_await at_once();
    REQUIRE((in_order_all == "5" || shuffled()));
}

ASYNC_TEST_CASE("one that is done in the turn of the timeout is in time",
                "[composition][as_completed][b235]") {
    for (const bool timer_first : {false, true}) {
        const std::vector<Future<int>> futures(1);
        const auto set_later = [&] {
            rondo::get_running_loop().call_later(2s, [=] { futures[0].set_result(1); });
        };
        if (!timer_first) {
            set_later();
        }
        AsCompletedOptions options{.timeout = 2s};
        auto stream = as_completed(futures, options);
        if (timer_first) {
            set_later();
        }
        const std::string all = co_await read_all(stream);
        REQUIRE((all == "1" || all == "T")); // on one side or the other
        REQUIRE((all == "1" || timer_first || shuffled()));
        co_await sleep(1s);
        auto end = co_await stream.next();
        REQUIRE_FALSE(end);
    }
}

// Cancellation

ASYNC_TEST_CASE("a cancelled next() loses nothing, and the stream goes on",
                "[composition][as_completed][cancel]") {
    // Cancelled while it waits; in the turn of a completion, in both orders.
    for (int way = 0; way < 3; ++way) {
        const std::vector<Future<int>> futures(2);
        auto stream = as_completed(futures);
        const auto read = [&]() -> Coro<> { auto future = co_await stream.next(); };
        auto reading = create_task(read());
        co_await let_others_run();
        REQUIRE(reading.describe_wait() == "as_completed");
        if (way == 1) {
            futures[1].set_result(1);
        }
        reading.cancel();
        if (way == 2) {
            futures[1].set_result(1);
        }
        auto outcome = co_await rondo::as_result(reading);
        REQUIRE(outcome.cancelled());
        REQUIRE_FALSE(futures[0].done());
        futures[1].try_set_result(1);
        futures[0].set_result(2);
        const std::string all = co_await read_all(stream);
        REQUIRE(all == "12");
    }
}

ASYNC_TEST_CASE("a time limit on next() leaves the stream as it was",
                "[composition][as_completed][cancel]") {
    auto stream = as_completed(numbers({1, 5}));
    auto first = co_await rondo::wait_for(stream.next(), 2s);
    REQUIRE(first->result() == 1);
    auto late = co_await rondo::as_result(rondo::wait_for(stream.next(), 2s));
    REQUIRE_THROWS_AS(late.value(), rondo::TimeoutError);
    const std::string rest = co_await read_all(stream);
    REQUIRE(rest == "5");
}

namespace {

/// A reader that is cancelled, and another that reads what is left.
template <int timeout_ms>
struct ReadingScenario {
    std::vector<Task<int>> tasks;
    std::optional<AsCompleted<Task<int>>> stream;
    std::string read;

    Coro<> victim() {
        for (int i = 0; i < 4; ++i) {
            tasks.push_back(create_task(child(i)));
        }
        AsCompletedOptions options{.timeout = timeout_ms * 1ms};
        stream.emplace(as_completed(tasks, options));
        co_await read_on();
    }
    Coro<> others() {
        co_await sleep(20ms);
        if (stream) {
            co_await read_on();
            stream.reset();
        }
    }
    void check(const Task<>& /*victim*/) {
        std::sort(read.begin(), read.end());
        const auto late = static_cast<std::size_t>(std::count(read.begin(), read.end(), 'T'));
        REQUIRE((tasks.empty() || read.size() == 4));
        REQUIRE((late == 0 || timeout_ms < 20));
        REQUIRE(std::string("0123").starts_with(read.substr(0, read.size() - late)));
        for (const auto& task : tasks) {
            REQUIRE(task.done());
            REQUIRE(task.cancelling() == 0);
        }
    }

private:
    Coro<> read_on() {
        for (bool ended = false; !ended;) {
            try {
                auto task = co_await stream->next();
                ended = !task;
                read += task ? std::to_string(task->result()) : "";
            } catch (const rondo::TimeoutError&) {
                read += 'T';
            }
        }
    }
    static Coro<int> child(int value) {
        const Tracked luggage(value);
        co_await sleep(value / 2 * 2ms); // two by two
        co_return luggage.number();
    }
};

} // namespace

TEST_CASE("wherever a reader is cancelled, another reads the rest",
          "[composition][as_completed][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<ReadingScenario<1000>>();
    REQUIRE(report.moments >= 3);
    REQUIRE(report.cancelled >= report.moments);
    const SweepReport timed = cancel_everywhere<ReadingScenario<1>>();
    REQUIRE(timed.moments >= 2);
    const SweepReport in_the_same_turn = cancel_everywhere<ReadingScenario<2>>();
    REQUIRE(in_the_same_turn.moments >= 3);
}

ASYNC_TEST_CASE("only one task at a time may wait in next()", "[composition][as_completed]") {
    auto stream = as_completed(numbers({1, 2}));
    const auto read = [&]() -> Coro<int> {
        auto task = co_await stream.next();
        co_return task->result();
    };
    auto both = co_await rondo::gather(rondo::return_exceptions, read(), read());
    auto& [one, two] = both;
    REQUIRE(one.has_value() != two.has_value());
    REQUIRE((one ? *one : *two) == 1);
    REQUIRE_THROWS_AS((one ? two : one).value(), rondo::InvalidStateError);
    const std::string rest = co_await read_all(stream);
    REQUIRE(rest == "2");
}

// What goes wrong

TEST_CASE("as_completed needs a running loop, for tasks as for coroutines",
          "[composition][as_completed][b240]") {
    const LeakCheck leaks;
    std::vector<Coro<>> coros;
    coros.push_back([](Tracked) -> Coro<> { co_return; }(Tracked()));
    REQUIRE_THROWS_AS(as_completed(std::move(coros)), rondo::LoopError);
}

TEST_CASE("as_completed takes no task of another loop", "[composition][as_completed]") {
    rondo::EventLoop elsewhere(in_order());
    const auto theirs = elsewhere.create_future<int>();
    rondo::testing::run([&]() -> Coro<> {
        const std::vector<Future<int>> futures{Future<int>(), theirs};
        REQUIRE_THROWS_AS(as_completed(futures), rondo::LoopError);
        REQUIRE_FALSE(futures[0].cancelled()); // was not made here
        co_return;
    });
}

ASYNC_TEST_CASE("as_completed starts all coroutines or none", "[composition][as_completed]") {
    int started = 0;
    const std::ptrdiff_t before = Tracked::counts.alive;
    const auto body = [&](Tracked) -> Coro<int> {
        ++started;
        co_return 1;
    };
    {
        std::vector<Coro<int>> coros;
        for (int i = 0; i < 3; ++i) {
            coros.push_back(body(Tracked()));
        }
        const Coro<int> taken = std::move(coros[2]);
        REQUIRE_THROWS_AS(as_completed(std::move(coros)), rondo::InvalidStateError);
    }
    co_await let_others_run();
    REQUIRE(started == 0);
    std::size_t failures = 0;
    for (bool succeeded = false; !succeeded; ++failures) {
        std::vector<Coro<int>> coros;
        for (int i = 0; i < 3; ++i) {
            coros.push_back(body(Tracked()));
        }
        AsCompletedOptions options{.timeout = 1h};
        std::optional<AsCompleted<Task<int>>> stream;
        try {
            const NoMemory none(failures);
            stream.emplace(as_completed(std::move(coros), options));
            succeeded = true;
        } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): is looked at below
        }
        co_await let_others_run();
        REQUIRE(started == (succeeded ? 3 : 0));
        stream.reset();
        coros.clear();
        REQUIRE(Tracked::counts.alive == before);
        REQUIRE(rondo::all_tasks().size() == 1);
        REQUIRE(rondo::get_running_loop().metrics().timers == 0);
        REQUIRE(failures < 100);
    }
    REQUIRE(failures > 3);
}

ASYNC_TEST_CASE("failures that are never read are reported once each",
                "[composition][as_completed]") {
    int reports = 0;
    rondo::get_running_loop().set_exception_handler(
        [&](rondo::EventLoop&, const rondo::ErrorContext&) { ++reports; });
    {
        std::vector<Coro<int>> coros;
        for (int i = 0; i < 4; ++i) {
            coros.push_back(fail(i * 1s));
        }
        auto stream = as_completed(std::move(coros));
        auto first = co_await stream.next();
        REQUIRE(first->exception() != nullptr);
        auto second = co_await stream.next(); // not looked at
        co_await sleep(3s);                   // the third is never taken
    }
    co_await sleep(1h);
    REQUIRE(reports == 3);
    rondo::get_running_loop().set_exception_handler(nullptr);
}

TEST_CASE("a loop that is closed on a reader leaves nothing behind",
          "[composition][as_completed]") {
    const LeakCheck leaks;
    rondo::EventLoop loop(rondo::testing::options());
    std::optional<AsCompleted<Task<>>> outlives;
    const auto child = [](Tracked) -> Coro<> { co_await sleep(1h); };
    const auto start = [&]() -> Coro<AsCompleted<Task<>>> {
        std::vector<Coro<>> coros;
        coros.push_back(child(Tracked()));
        coros.push_back(child(Tracked()));
        AsCompletedOptions options{.timeout = 2h};
        co_return as_completed(std::move(coros), options);
    };
    const auto read = [&]() -> Coro<> {
        auto own = co_await start();
        auto task = co_await own.next();
    };
    outlives.emplace(loop.run_until_complete(start()));
    auto reading = loop.create_task(read());
    loop.run_until_complete(let_others_run());
    REQUIRE(leaks.alive() == 4);
    loop.close();
    REQUIRE(reading.cancelled());
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("a hundred thousand coroutines are read as they complete",
                "[composition][as_completed][slow]") {
    constexpr int count = 100'000;
    std::vector<Coro<int>> coros;
    coros.reserve(count);
    for (int i = 0; i < count; ++i) {
        coros.push_back(number(i % 1000, i % 1000 * 1ms));
    }
    auto stream = as_completed(std::move(coros));
    int last = 0;
    int read = 0;
    bool in_order = true;
    while (auto task = co_await stream.next()) {
        in_order = in_order && task->result() >= last;
        last = task->result();
        ++read;
    }
    REQUIRE(read == count);
    REQUIRE(in_order);
}
