// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/wait.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/sleep.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <algorithm>
#include <concepts>
#include <list>
#include <new>
#include <optional>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::sleep;
using rondo::Task;
using rondo::wait;
using rondo::WaitOptions;
using rondo::WaitResult;
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

std::vector<Task<int>> numbers(std::initializer_list<int> seconds) {
    std::vector<Task<int>> tasks;
    for (const int after : seconds) {
        tasks.push_back(create_task(number(after, after * 1s)));
    }
    return tasks;
}

/// Ends what a test has left running.
template <class H>
Coro<> cancel_all(std::vector<H> tasks) {
    for (const H& task : tasks) {
        task.cancel();
    }
    for (const H& task : tasks) {
        auto outcome = co_await rondo::as_result(task);
    }
}

/// The shapes of a result, as text: the indices in `given` of those done, a bar, of the pending.
template <class H>
std::string shape(const WaitResult<H>& result, const std::vector<H>& given) {
    std::string text;
    const auto add = [&](const std::vector<H>& part) {
        for (const H& handle : part) {
            text += std::to_string(std::find(given.begin(), given.end(), handle) - given.begin());
        }
    };
    add(result.done);
    text += '|';
    add(result.pending);
    return text;
}

constexpr WaitOptions first_completed{.return_when = rondo::FIRST_COMPLETED};
constexpr WaitOptions first_exception{.return_when = rondo::FIRST_EXCEPTION};

template <class R>
concept Waitable = requires(R range) { wait(range); };

// b202, b203: a range of Tasks or of Futures, and nothing else.
static_assert(Waitable<std::vector<Task<int>>>);
static_assert(Waitable<std::vector<Task<>>>);
static_assert(Waitable<const std::vector<Future<std::string>>>);
static_assert(Waitable<std::list<Task<int&>>>);
static_assert(!Waitable<Task<int>>);
static_assert(!Waitable<Future<int>>);
static_assert(!Waitable<Coro<int>>);
static_assert(!Waitable<std::vector<int>>);
static_assert(!Waitable<std::vector<Coro<int>>>);

// b201: no number is taken for a ReturnWhen.
template <class W>
concept IsReturnWhen = requires(W when) { WaitOptions{.return_when = when}; };
static_assert(IsReturnWhen<rondo::ReturnWhen>);
static_assert(!IsReturnWhen<int>);

} // namespace

ASYNC_TEST_CASE("wait waits for all, gives them in the order of the argument and throws nothing",
                "[composition][wait][b197][b202][b203]") {
    const auto before = rondo::get_running_loop().time();
    auto tasks = numbers({3, 1});
    tasks.push_back(create_task(fail(2s)));
    auto result = co_await wait(tasks);
    REQUIRE(shape(result, tasks) == "012|");
    REQUIRE(rondo::get_running_loop().time() - before == 3s);
    REQUIRE(result.done[0].result() == 3);
    REQUIRE_THROWS_WITH(result.done[2].result(), "failed");
}

ASYNC_TEST_CASE("wait on what is done already takes no turn of the loop",
                "[composition][wait][b198]") {
    auto tasks = numbers({1, 2});
    tasks.push_back(create_task(fail()));
    co_await sleep(3s);
    const auto turns = rondo::get_running_loop().metrics().turns;
    auto all = co_await wait(tasks);
    auto first = co_await wait(tasks, first_completed);
    WaitOptions at_once{.timeout = 0s};
    auto timed = co_await wait(tasks, at_once);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
    REQUIRE(shape(all, tasks) == "012|");
    REQUIRE(shape(first, tasks) == "012|");
    REQUIRE(shape(timed, tasks) == "012|");
    CHECK(tasks[2].exception() != nullptr);
}

ASYNC_TEST_CASE("an empty set is an error", "[composition][wait][b200]") {
    auto nothing = co_await rondo::as_result(wait(std::vector<Task<int>>()));
    REQUIRE_THROWS_AS(nothing.value(), std::invalid_argument);
    const std::list<Future<>> none;
    auto no_futures = co_await rondo::as_result(wait(none));
    REQUIRE_THROWS_WITH(no_futures.value(), "rondo: wait() needs at least one task");
}

namespace {

struct ById {
    bool operator()(const Task<int>& a, const Task<int>& b) const { return a.id() < b.id(); }
};

} // namespace

ASYNC_TEST_CASE("wait takes any range of tasks, and reads it at once",
                "[composition][wait][b203]") {
    const auto tasks = numbers({2, 1, 3});
    const std::list<Task<int>> list(tasks.begin(), tasks.end());
    auto of_list = co_await wait(list, first_completed);
    REQUIRE(shape(of_list, tasks) == "1|02");
    const std::set<Task<int>, ById> set(tasks.begin(), tasks.end());
    auto of_set = co_await wait(set);
    REQUIRE(shape(of_set, tasks) == "012|");
    auto of_reversed = co_await wait(std::views::reverse(tasks));
    REQUIRE(shape(of_reversed, tasks) == "210|");

    // A view that can be read only once, and makes the tasks as it is read.
    auto made = std::views::iota(0, 3) |
                std::views::transform([](int i) { return create_task(number(i, i * 1s)); });
    auto waiting = wait(made);
    REQUIRE(rondo::all_tasks().size() == 4);
    auto of_made = co_await std::move(waiting);
    REQUIRE(of_made.done.size() == 3);
    REQUIRE(of_made.done[2].result() == 2);
}

ASYNC_TEST_CASE("wait takes futures, of void and of references as well", "[composition][wait]") {
    int here = 1;
    std::vector<Future<int&>> futures(2);
    rondo::get_running_loop().call_later(1s, [&] { futures[1].set_result(here); });
    auto result = co_await wait(futures, first_completed);
    REQUIRE(shape(result, futures) == "1|0");
    REQUIRE(&result.done[0].result() == &here);
    std::vector<Task<>> voids;
    voids.push_back(create_task([]() -> Coro<> { co_await sleep(1s); }));
    auto of_voids = co_await wait(std::move(voids));
    REQUIRE(of_voids.done.size() == 1);
}

ASYNC_TEST_CASE("wait takes tasks of whatever type, such as all_tasks() gives",
                "[composition][wait][b203]") {
    const auto number = rondo::create_task([]() -> Coro<int> {
        co_await rondo::sleep(1ms);
        co_return 1;
    });
    const auto nothing = rondo::create_task([]() -> Coro<> { co_await rondo::sleep(2ms); });
    std::vector<rondo::TaskRef> others;
    for (const rondo::TaskRef& task : rondo::all_tasks()) {
        if (!(task == rondo::current_task())) {
            others.push_back(task);
        }
    }
    const auto result = co_await rondo::wait(others);
    CHECK(result.done.size() == 2);
    CHECK(result.pending.empty());
    CHECK(number.result() == 1);
    CHECK(nothing.done());
}

ASYNC_TEST_CASE("a task that is given twice comes once", "[composition][wait]") {
    auto tasks = numbers({2, 1});
    std::vector<Task<int>> twice{tasks[1], tasks[0], tasks[1], tasks[0], tasks[1]};
    auto first = co_await wait(twice, first_completed);
    REQUIRE(shape(first, tasks) == "1|0");
    auto all = co_await wait(twice);
    REQUIRE(shape(all, tasks) == "10|");
}

ASYNC_TEST_CASE("FIRST_COMPLETED returns with the first that is done, and leaves the others",
                "[composition][wait][b204]") {
    const auto before = rondo::get_running_loop().time();
    auto tasks = numbers({5, 2, 9});
    auto result = co_await wait(tasks, first_completed);
    REQUIRE(rondo::get_running_loop().time() - before == 2s);
    REQUIRE(shape(result, tasks) == "1|02");
    result = co_await wait(result.pending, first_completed);
    REQUIRE(shape(result, tasks) == "0|2");
    REQUIRE(result.pending[0].cancelling() == 0);
    co_await cancel_all(result.pending);
}

ASYNC_TEST_CASE("all that are done in the same turn are in done", "[composition][wait][b204]") {
    auto tasks = numbers({1, 1, 2, 1});
    auto result = co_await wait(tasks, first_completed);
    REQUIRE(result.done.size() >= 1);
    REQUIRE(result.done.size() + result.pending.size() == 4);
    for (const auto& task : result.pending) {
        REQUIRE_FALSE(task.done());
    }
    auto all = co_await wait(tasks);
    REQUIRE(all.done.size() == 4);
}

ASYNC_TEST_CASE("FIRST_EXCEPTION returns at the first failure", "[composition][wait][b206]") {
    auto tasks = numbers({1, 9});
    tasks.push_back(create_task(fail(3s)));
    const auto before = rondo::get_running_loop().time();
    auto result = co_await wait(tasks, first_exception);
    REQUIRE(rondo::get_running_loop().time() - before == 3s);
    REQUIRE(shape(result, tasks) == "02|1");
    // One that has failed before makes it return at once.
    const auto turns = rondo::get_running_loop().metrics().turns;
    auto again = co_await wait(tasks, first_exception);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
    REQUIRE(shape(again, tasks) == "02|1");
    REQUIRE(tasks[2].exception() != nullptr);
    co_await cancel_all(again.pending);
}

ASYNC_TEST_CASE("FIRST_EXCEPTION waits for all if none fails, and a cancelled one does not count",
                "[composition][wait][b206][b207]") {
    auto tasks = numbers({1, 4});
    tasks[0].cancel();
    tasks.push_back(create_task(number(0, 1h)));
    rondo::get_running_loop().call_later(2s, [victim = tasks[2]] { victim.cancel(); });
    const auto before = rondo::get_running_loop().time();
    auto result = co_await wait(tasks, first_exception);
    REQUIRE(rondo::get_running_loop().time() - before == 4s);
    REQUIRE(shape(result, tasks) == "012|");
    REQUIRE(result.done[0].cancelled());
    REQUIRE(result.done[2].cancelled());
}

ASYNC_TEST_CASE("a timeout ends the wait, without an exception, and cancels nothing",
                "[composition][wait][b208]") {
    const auto before = rondo::get_running_loop().time();
    auto tasks = numbers({1, 5, 9});
    for (const auto when : {rondo::ALL_COMPLETED, rondo::FIRST_EXCEPTION, rondo::ALL_COMPLETED}) {
        WaitOptions options{.timeout = 1500ms, .return_when = when};
        auto result = co_await wait(tasks, options);
        REQUIRE(result.done.size() + result.pending.size() == 3);
        REQUIRE(result.pending.back().cancelling() == 0);
    }
    REQUIRE(rondo::get_running_loop().time() - before == 4500ms);
    WaitOptions options{.timeout = 10s};
    auto rest = co_await wait(tasks, options);
    REQUIRE(shape(rest, tasks) == "012|");
    REQUIRE(rondo::get_running_loop().time() - before == 9s);
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
}

ASYNC_TEST_CASE("a timeout of zero or less gives the tasks a turn, and no time",
                "[composition][wait][b208]") {
    for (const rondo::Clock::duration timeout : {0h, -1h, -1000h}) {
        const auto before = rondo::get_running_loop().time();
        const std::vector<Future<>> futures(1);
        WaitOptions options{.timeout = timeout};
        auto result = co_await wait(futures, options);
        REQUIRE(shape(result, futures) == "|0");
        REQUIRE(rondo::get_running_loop().time() == before);
    }
}

ASYNC_TEST_CASE("a timeout beyond the end of time is none", "[composition][wait][b208]") {
    auto tasks = numbers({3600});
    WaitOptions options{.timeout = rondo::Clock::duration::max() - 1ns};
    auto result = co_await wait(tasks, options);
    REQUIRE(shape(result, tasks) == "0|");
}

ASYNC_TEST_CASE("a task that is done at the timeout is in one of the two",
                "[composition][wait][b209]") {
    for (const bool timer_first : {false, true}) {
        const std::vector<Future<>> futures(2);
        const auto set_later = [&] {
            rondo::get_running_loop().call_later(2s, [=] { futures[1].set_result(); });
        };
        if (!timer_first) {
            set_later();
        }
        WaitOptions options{.timeout = 2s};
        auto waiting = create_task(wait(futures, options));
        co_await let_others_run();
        if (timer_first) {
            set_later();
        }
        auto result = co_await std::move(waiting);
        REQUIRE(result.done.size() + result.pending.size() == 2);
        REQUIRE((result.done.empty() || result.done[0] == futures[1]));
        co_await sleep(1s);
        REQUIRE(futures[1].done());
    }
}

// Cancellation

ASYNC_TEST_CASE("a cancelled wait leaves the tasks running, and neither timer nor callback behind",
                "[composition][wait][cancel][b210]") {
    auto tasks = numbers({5, 6});
    const auto body = [&]() -> Coro<> {
        WaitOptions options{.timeout = 1h};
        co_await wait(tasks, options);
    };
    auto waiting = create_task(body());
    co_await sleep(1s);
    REQUIRE(rondo::get_running_loop().metrics().timers == 3);
    REQUIRE(waiting.describe_wait() == "wait");
    waiting.cancel("enough");
    auto outcome = co_await rondo::as_result(waiting);
    REQUIRE(outcome.cancelled());
    REQUIRE(rondo::get_running_loop().metrics().timers == 2);
    REQUIRE(tasks[0].cancelling() == 0);
    auto result = co_await wait(tasks);
    REQUIRE(result.done.size() == 2);
    REQUIRE(tasks[1].result() == 6);
}

ASYNC_TEST_CASE("a cancellation in the same turn as the last completion is thrown",
                "[composition][wait][cancel]") {
    for (const bool cancel_first : {false, true}) {
        const std::vector<Future<int>> futures(1);
        auto waiting = create_task(wait(futures));
        co_await let_others_run();
        if (cancel_first) {
            waiting.cancel();
        }
        futures[0].set_result(1);
        waiting.cancel();
        auto outcome = co_await rondo::as_result(waiting);
        REQUIRE(outcome.cancelled());
        REQUIRE(futures[0].result() == 1);
    }
}

ASYNC_TEST_CASE("wait throws where it would suspend in a task that has been cancelled",
                "[composition][wait][cancel]") {
    auto tasks = numbers({1});
    const auto body = [&]() -> Coro<bool> {
        rondo::current_task().cancel("before");
        auto outcome = co_await rondo::as_result(wait(tasks));
        co_return outcome.cancelled();
    };
    const bool cancelled = co_await create_task(body());
    REQUIRE(cancelled);
    REQUIRE(tasks[0].cancelling() == 0);
    const int value = co_await tasks[0];
    REQUIRE(value == 1);
}

namespace {

/// Tasks, a timeout and a cancellation meet.
template <rondo::ReturnWhen when, int timeout_ms>
struct WaitingScenario {
    std::vector<Task<int>> tasks;
    std::optional<WaitResult<Task<int>>> result;

    Coro<> victim() {
        for (int i = 0; i < 3; ++i) {
            tasks.push_back(create_task(child(i)));
        }
        WaitOptions options{.timeout = timeout_ms * 1ms, .return_when = when};
        result = co_await wait(tasks, options);
    }
    static Coro<> others() { co_await sleep(20ms); }
    void check(const Task<>& victim) const {
        REQUIRE(result.has_value() == !victim.cancelled());
        REQUIRE((!result || result->done.size() + result->pending.size() == 3));
        for (const auto& task : tasks) {
            REQUIRE(task.done());
            REQUIRE(task.cancelling() == 0); // nobody but the victim was cancelled
        }
    }

private:
    static Coro<int> child(int value) {
        const Tracked luggage(value);
        co_await sleep(value * 2ms);
        co_return luggage.number();
    }
};

} // namespace

TEST_CASE("wherever a wait is cancelled, nothing is left behind",
          "[composition][wait][cancel][sweep]") {
    const auto all = cancel_everywhere<WaitingScenario<rondo::ALL_COMPLETED, 1000>>();
    const auto first = cancel_everywhere<WaitingScenario<rondo::FIRST_COMPLETED, 1000>>();
    const auto timed = cancel_everywhere<WaitingScenario<rondo::FIRST_EXCEPTION, 2>>();
    REQUIRE(all.moments >= 4);
    REQUIRE(first.moments >= 1);
    REQUIRE(timed.moments >= 2);
    REQUIRE(all.cancelled >= all.moments);
}

// What goes wrong

TEST_CASE("a task of another loop is an error, unless it is done", "[composition][wait]") {
    rondo::EventLoop elsewhere(in_order());
    const auto theirs = elsewhere.create_future<int>();
    rondo::testing::run([&]() -> Coro<> {
        std::vector<Future<int>> futures{Future<int>(), theirs};
        auto outcome = co_await rondo::as_result(wait(futures));
        REQUIRE_THROWS_AS(outcome.value(), rondo::LoopError);
        futures[0].set_result(1);
        theirs.set_result(2);
        auto result = co_await wait(futures);
        REQUIRE(shape(result, futures) == "01|");
    });
}

TEST_CASE("failures that nobody looks at are reported: wait has not looked",
          "[composition][wait]") {
    int reports = 0;
    rondo::testing::run([&]() -> Coro<> {
        rondo::get_running_loop().set_exception_handler(
            [&](rondo::EventLoop&, const rondo::ErrorContext&) { ++reports; });
        std::vector<Task<int>> tasks{create_task(fail()), create_task(fail())};
        auto result = co_await wait(std::move(tasks));
        REQUIRE(result.done.size() == 2);
        REQUIRE(result.done[0].exception() != nullptr);
        REQUIRE(reports == 0);
    });
    REQUIRE(reports == 1);
}

ASYNC_TEST_CASE("a wait for which there is no memory throws, and leaves nothing behind",
                "[composition][wait]") {
    const std::vector<Future<>> futures(2); // nothing else runs meanwhile
    const auto attempt = [&](std::size_t left) -> Coro<bool> {
        WaitOptions options{.timeout = 1s};
        try {
            const NoMemory none(left);
            auto result = co_await wait(futures, options);
            co_return result.pending.size() == 2;
        } catch (const std::bad_alloc&) {
            co_return false;
        }
    };
    std::size_t failures = 0;
    for (bool succeeded = false; !succeeded;) {
        succeeded = co_await attempt(failures);
        failures += succeeded ? 0U : 1U;
        REQUIRE(failures < 100);
        REQUIRE(rondo::get_running_loop().metrics().timers == 0);
    }
    REQUIRE(failures > 3);
    futures[0].set_result();
    futures[1].set_result();
    auto result = co_await wait(futures);
    REQUIRE(shape(result, futures) == "01|");
}

TEST_CASE("a loop that is closed on a wait leaves nothing behind", "[composition][wait]") {
    const LeakCheck leaks;
    rondo::EventLoop loop(rondo::testing::options());
    std::vector<Task<>> tasks;
    const auto child = [](Tracked) -> Coro<> { co_await sleep(1h); };
    const auto waiter = [&]() -> Coro<> {
        WaitOptions options{.timeout = 2h};
        co_await wait(tasks, options);
    };
    auto early = loop.create_task([]() -> Coro<> { co_await sleep(0s); }());
    tasks.push_back(loop.create_task(child(Tracked())));
    auto waiting = loop.create_task(waiter());
    tasks.push_back(loop.create_task(child(Tracked())));
    loop.run_until_complete(early);
    loop.run_until_complete(let_others_run());
    REQUIRE(leaks.alive() >= 2);
    loop.close();
    REQUIRE(waiting.cancelled());
}

// Many

ASYNC_TEST_CASE("a hundred thousand tasks are waited for, each given twice",
                "[composition][wait][slow]") {
    constexpr std::size_t count = 100'000;
    std::vector<Task<int>> tasks;
    for (std::size_t i = 0; i < count; ++i) {
        tasks.push_back(create_task(number(static_cast<int>(i), static_cast<int>(i % 7) * 1ms)));
    }
    std::vector<Task<int>> twice = tasks;
    twice.insert(twice.end(), tasks.rbegin(), tasks.rend());
    auto result = co_await wait(std::move(twice));
    REQUIRE(result.pending.empty());
    REQUIRE((result.done == tasks));
}
