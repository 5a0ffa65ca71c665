// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/shield.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/gather.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>
#include <rondo/wait.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <array>
#include <concepts>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::shield;
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

/// Counts what reaches the exception handler while it lives.
class ReportCount {
public:
    ReportCount() {
        rondo::get_running_loop().set_exception_handler(
            [this](rondo::EventLoop&, const rondo::ErrorContext&) { ++reports_; });
    }
    ReportCount(const ReportCount&) = delete;
    ReportCount& operator=(const ReportCount&) = delete;
    ~ReportCount() { rondo::get_running_loop().set_exception_handler(nullptr); }
    [[nodiscard]] int count() const { return reports_; }

private:
    int reports_ = 0;
};

template <class A>
using Shielded = rondo::await_result_t<decltype(shield(std::declval<A>()))>;
static_assert(std::same_as<Shielded<Task<int>&>, int>);
static_assert(std::same_as<Shielded<const Future<std::string>&>, std::string>);
static_assert(std::same_as<Shielded<Coro<>>, void>);
static_assert(std::same_as<Shielded<Coro<int&>>, int&>);
static_assert(std::same_as<Shielded<decltype(shield(std::declval<Coro<int>>()))>, int>);

} // namespace

ASYNC_TEST_CASE("cancelling the awaiter of a shield throws at once, and the inner task goes on",
                "[composition][shield][cancel][b282]") {
    auto inner = create_task(number(7, 5s));
    const auto body = [&]() -> Coro<int> { co_return co_await shield(inner); };
    auto outer = create_task(body());
    co_await sleep(1s);
    REQUIRE(outer.describe_wait() == "the result of " + std::string(inner.name()));
    const auto before = rondo::get_running_loop().time();
    outer.cancel("enough");
    auto outcome = co_await rondo::as_result(outer);
    REQUIRE(outcome.cancelled());
    REQUIRE(rondo::get_running_loop().time() == before);
    REQUIRE_FALSE(inner.done());
    REQUIRE(inner.cancelling() == 0);
    const int value = co_await inner;
    REQUIRE(value == 7);
}

ASYNC_TEST_CASE("a shield whose inner task is cancelled is cancelled",
                "[composition][shield][cancel][b283]") {
    auto inner = create_task(number(1, 1h));
    rondo::get_running_loop().call_later(1s, [inner] { inner.cancel("stop"); });
    std::string message;
    try {
        co_await shield(inner);
    } catch (const CancelledError& why) {
        message = why.message();
    }
    REQUIRE(message == "stop");
    REQUIRE(rondo::current_task().cancelling() == 0); // it was not this task that was cancelled
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a shield of what is done takes no turn of the loop",
                "[composition][shield][b284]") {
    auto inner = create_task(number(7));
    auto failed = create_task(fail());
    const Future<int> future;
    future.set_result(8);
    co_await let_others_run();
    const auto turns = rondo::get_running_loop().metrics().turns;
    const int of_task = co_await shield(inner);
    const int of_future = co_await shield(future);
    auto of_failed = co_await rondo::as_result(shield(failed));
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
    REQUIRE(of_task == 7);
    REQUIRE(of_future == 8);
    REQUIRE_THROWS_WITH(of_failed.value(), "failed");
}

ASYNC_TEST_CASE("cancelling a gather of shields cancels the shields, not what they shield",
                "[composition][shield][cancel][b288]") {
    auto task = create_task(number(1, 5s));
    const Future<int> future;
    auto both = create_task(rondo::gather(shield(task), shield(future), number(2, 1h)));
    co_await sleep(1s);
    both.cancel();
    auto outcome = co_await rondo::as_result(both);
    REQUIRE(outcome.cancelled());
    REQUIRE_FALSE(task.done());
    REQUIRE_FALSE(future.done());
    const int value = co_await task;
    REQUIRE(value == 1);
    REQUIRE(rondo::all_tasks().size() == 1);
}

TEST_CASE("a shield of a coroutine needs a running loop; of a future it does not",
          "[composition][shield][b289]") {
    const LeakCheck leaks;
    const auto body = [](Tracked) -> Coro<> { co_return; };
    REQUIRE_THROWS_AS(shield(body(Tracked())), rondo::LoopError);
    rondo::EventLoop loop(in_order());
    const auto future = loop.create_future<int>();
    auto shielded = shield(future);
    future.set_result(3);
    REQUIRE(loop.run_until_complete(std::move(shielded)) == 3);
}

ASYNC_TEST_CASE("a shielded coroutine runs as a task from now on, and nobody need keep it",
                "[composition][shield][cancel][b290]") {
    bool saved = false;
    const auto save = [&]() -> Coro<int> {
        co_await sleep(5s);
        saved = true;
        co_return 1;
    };
    auto shielded = shield(save());
    REQUIRE(rondo::all_tasks().size() == 2);
    auto outer =
        create_task([](auto awaited) -> Coro<int> { co_return co_await std::move(awaited); },
                    std::move(shielded));
    co_await sleep(1s);
    outer.cancel();
    auto outcome = co_await rondo::as_result(outer);
    REQUIRE(outcome.cancelled());
    REQUIRE_FALSE(saved);
    co_await sleep(5s);
    REQUIRE(saved);
}

ASYNC_TEST_CASE("a wait_for that times out cancels only the shield",
                "[composition][shield][cancel][b254]") {
    auto task = create_task(number(7, 5s));
    const auto before = rondo::get_running_loop().time();
    auto late = co_await rondo::as_result(rondo::wait_for(shield(task), 1s));
    REQUIRE_THROWS_AS(late.value(), rondo::TimeoutError);
    REQUIRE(rondo::get_running_loop().time() - before == 1s);
    REQUIRE_FALSE(task.done());
    REQUIRE(task.cancelling() == 0);
    const int value = co_await rondo::wait_for(shield(task), 1h);
    REQUIRE(value == 7);
    REQUIRE(rondo::get_running_loop().time() - before == 5s);
}

ASYNC_TEST_CASE("a shield may be shielded, and so may any operation",
                "[composition][shield][cancel]") {
    auto inner = create_task(number(7, 5s));
    const int through_two = co_await shield(shield(inner));
    REQUIRE(through_two == 7);
    auto slow = create_task(number(8, 5s));
    auto late = co_await rondo::as_result(rondo::wait_for(shield(shield(slow)), 1s));
    REQUIRE_THROWS_AS(late.value(), rondo::TimeoutError);
    REQUIRE(slow.cancelling() == 0);
    co_await slow;

    rondo::Semaphore semaphore(1);
    auto permit = co_await shield(semaphore.acquire());
    REQUIRE(semaphore.locked());
    const auto before = rondo::get_running_loop().time();
    co_await shield(sleep(1s));
    REQUIRE(rondo::get_running_loop().time() - before == 1s);
}

ASYNC_TEST_CASE("several may await one task through shields, and one of them be cancelled",
                "[composition][shield][cancel]") {
    auto inner = create_task(number(7, 2s));
    const auto body = [&]() -> Coro<int> { co_return co_await shield(inner); };
    std::vector<Task<int>> outer;
    for (int i = 0; i < 3; ++i) {
        outer.push_back(create_task(body()));
    }
    co_await sleep(1s);
    outer[1].cancel();
    auto result = co_await rondo::wait(outer);
    REQUIRE(outer[0].result() == 7);
    REQUIRE(outer[1].cancelled());
    REQUIRE(outer[2].result() == 7);
}

ASYNC_TEST_CASE("a task that shields itself is told so", "[composition][shield]") {
    std::optional<Task<>> self;
    std::string what;
    const auto body = [&]() -> Coro<> {
        try {
            co_await shield(*self);
        } catch (const rondo::InvalidStateError& error) {
            what = error.what();
        }
    };
    self = create_task(body());
    co_await *self;
    REQUIRE(what == "rondo: a task cannot await itself");
}

TEST_CASE("a shield of another loop's future is an error", "[composition][shield]") {
    rondo::EventLoop elsewhere(in_order());
    const auto theirs = elsewhere.create_future<int>();
    rondo::testing::run([&]() -> Coro<> {
        auto outcome = co_await rondo::as_result(shield(theirs));
        REQUIRE_THROWS_AS(outcome.value(), rondo::LoopError);
    });
}

// Results

ASYNC_TEST_CASE("a shield gives references on, and moves what only moves",
                "[composition][shield]") {
    int here = 1;
    auto refer = create_task([&here]() -> Coro<int&> { co_return here; });
    int& reference = co_await shield(refer);
    REQUIRE(&reference == &here);
    auto only = create_task([]() -> Coro<MoveOnly> { co_return MoveOnly(4); });
    const MoveOnly moved = co_await shield(only);
    REQUIRE(moved.number() == 4);
    auto text = create_task([]() -> Coro<std::string> { co_return "a text that is not short"; });
    const std::string copied = co_await shield(text);
    REQUIRE(copied == text.result()); // is there for others
}

TEST_CASE("a shield moves what a Coro returns, and copies nothing", "[composition][shield]") {
    const LeakCheck leaks;
    rondo::testing::run([]() -> Coro<> {
        const auto make = []() -> Coro<Tracked> {
            co_await sleep(1ms);
            co_return Tracked(4);
        };
        const Tracked made = co_await shield(make());
        REQUIRE(made.number() == 4);
    });
    REQUIRE(leaks.copies() == 0);
}

ASYNC_TEST_CASE("a shield that has a name may be awaited again", "[composition][shield]") {
    auto shielded = shield([]() -> Coro<std::string> { co_return "a text that is not short"; }());
    const std::string first = co_await shielded;
    const std::string again = co_await shielded;
    REQUIRE(first == "a text that is not short");
    REQUIRE(again == first);
}

// Failures

ASYNC_TEST_CASE("a shield throws what the inner task throws, and nothing is reported",
                "[composition][shield]") {
    const ReportCount reports;
    auto of_coro = co_await rondo::as_result(shield(fail(1s)));
    REQUIRE_THROWS_WITH(of_coro.value(), "failed");
    std::string what;
    try {
        co_await shield(create_task(fail(1s)));
    } catch (const std::runtime_error& error) {
        what = error.what();
    }
    REQUIRE(what == "failed");
    co_await let_others_run();
    REQUIRE(reports.count() == 0);
}

ASYNC_TEST_CASE("a failure after the awaiter was cancelled is reported, once",
                "[flaw13][composition][shield][cancel]") {
    const ReportCount reports;
    const auto body = []() -> Coro<int> { co_return co_await shield(fail(5s)); };
    auto outer = create_task(body());
    co_await sleep(1s);
    outer.cancel();
    auto outcome = co_await rondo::as_result(outer);
    REQUIRE(outcome.cancelled());
    co_await sleep(3s);
    REQUIRE(reports.count() == 0);
    co_await sleep(5s);
    REQUIRE(reports.count() == 1);
}

ASYNC_TEST_CASE("a failure after the awaiter was cancelled is not reported if somebody looks",
                "[composition][shield][cancel]") {
    const ReportCount reports;
    {
        auto inner = create_task(fail(5s));
        auto late = co_await rondo::as_result(rondo::wait_for(shield(inner), 1s));
        REQUIRE_FALSE(late.has_value());
        auto outcome = co_await rondo::as_result(inner);
        REQUIRE_THROWS_WITH(outcome.value(), "failed");
    }
    co_await let_others_run();
    REQUIRE(reports.count() == 0);
}

ASYNC_TEST_CASE("a shield of a coroutine for which there is no memory throws",
                "[composition][shield]") {
    const std::ptrdiff_t before = Tracked::counts.alive;
    using Large = std::array<char, 10'000>; // so that the task comes from no pool
    bool started = false;
    const auto body = [&](Tracked) -> Coro<Large> {
        started = true;
        co_return Large();
    };
    bool failed = false;
    {
        auto coro = body(Tracked());
        try {
            const NoMemory none;
            auto shielded = shield(std::move(coro));
        } catch (const std::bad_alloc&) {
            failed = true;
        }
    }
    REQUIRE(failed);
    co_await let_others_run();
    REQUIRE_FALSE(started);
    REQUIRE(Tracked::counts.alive == before);
    REQUIRE(rondo::all_tasks().size() == 1);
}

// Cancellation races

ASYNC_TEST_CASE("a result that comes in the turn of the cancellation stays in the task",
                "[composition][shield][cancel]") {
    for (const bool cancel_first : {false, true}) {
        const Future<int> future;
        const auto body = [&]() -> Coro<int> { co_return co_await shield(future); };
        auto outer = create_task(body());
        co_await let_others_run();
        if (cancel_first) {
            outer.cancel();
        }
        future.set_result(1);
        if (!cancel_first) {
            outer.cancel();
        }
        auto outcome = co_await rondo::as_result(outer);
        REQUIRE(outcome.cancelled());
        REQUIRE(future.result() == 1);
    }
}

ASYNC_TEST_CASE("a shield throws where it would suspend in a task that has been cancelled",
                "[composition][shield][cancel]") {
    auto inner = create_task(number(1, 1s));
    const auto body = [&]() -> Coro<bool> {
        rondo::current_task().cancel();
        auto outcome = co_await rondo::as_result(shield(inner));
        co_await sleep(0s); // was delivered, once
        co_return outcome.cancelled();
    };
    const bool cancelled = co_await create_task(body());
    REQUIRE(cancelled);
    REQUIRE(inner.cancelling() == 0);
    const int value = co_await inner;
    REQUIRE(value == 1);
}

namespace {

/// A clean-up that must not be disturbed.
struct ShieldedCleanUp {
    int begun = 0;
    int ended = 0;
    std::optional<Task<>> inner;

    Coro<> victim() {
        const Tracked luggage;
        inner = create_task(clean_up());
        co_await shield(*inner);
        co_await shield(clean_up());
    }
    static Coro<> others() { co_await sleep(20ms); }
    void check(const Task<>& /*victim*/) const {
        REQUIRE(begun == ended);
        REQUIRE((!inner || (!inner->cancelled() && inner->cancelling() == 0)));
    }

private:
    Coro<> clean_up() {
        const Tracked luggage;
        ++begun;
        co_await sleep(0s);
        co_await sleep(2ms);
        ++ended;
    }
};

} // namespace

TEST_CASE("wherever the awaiter of a shield is cancelled, the shielded work is done",
          "[composition][shield][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<ShieldedCleanUp>();
    REQUIRE(report.moments >= 4);
    REQUIRE(report.cancelled >= report.moments);
}

// Ends

TEST_CASE("run() cancels and awaits what is shielded when main has ended",
          "[composition][shield]") {
    const LeakCheck leaks;
    std::string reason;
    rondo::testing::run([&]() -> Coro<> {
        const auto work = [](std::string& why, Tracked) -> Coro<> {
            try {
                co_await sleep(1h);
            } catch (const CancelledError& cancellation) {
                why = rondo::to_string(cancellation.reason());
            }
        };
        auto late = co_await rondo::as_result(rondo::wait_for(shield(work(reason, Tracked())), 1s));
        REQUIRE_FALSE(late.has_value());
    });
    REQUIRE(reason == "shutdown");
}

TEST_CASE("a loop that is closed on a shield leaves nothing behind", "[composition][shield]") {
    const LeakCheck leaks;
    rondo::EventLoop loop(rondo::testing::options());
    const auto child = [](Tracked) -> Coro<> { co_await sleep(1h); };
    const auto body = [&]() -> Coro<> { co_await shield(child(Tracked())); };
    auto waiting = loop.create_task(body());
    loop.run_until_complete(let_others_run());
    REQUIRE(leaks.alive() >= 1);
    loop.close();
    REQUIRE(waiting.cancelled());
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("a hundred thousand shields of one task are cancelled",
                "[composition][shield][cancel][slow]") {
    constexpr std::size_t count = 100'000;
    auto inner = create_task(number(1, 1h));
    const auto body = [&]() -> Coro<int> { co_return co_await shield(inner); };
    std::vector<Task<int>> outer;
    for (std::size_t i = 0; i < count; ++i) {
        outer.push_back(create_task(body()));
    }
    co_await let_others_run();
    for (const auto& task : outer) {
        task.cancel();
    }
    co_await sleep(1s);
    std::size_t cancelled = 0;
    for (const auto& task : outer) {
        cancelled += task.cancelled() ? 1U : 0U;
    }
    REQUIRE(cancelled == count);
    const int value = co_await inner;
    REQUIRE(value == 1);
}
