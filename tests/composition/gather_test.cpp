// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/gather.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/io/operation.hpp>
#include <rondo/run.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

using rondo::CancelledError;
using rondo::CancelReason;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::gather;
using rondo::Result;
using rondo::return_exceptions;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

struct Broken : std::runtime_error {
    explicit Broken(const std::string& what = "broken") : std::runtime_error(what) {}
};

Coro<int> number(int value, rondo::Clock::duration after = 0s) {
    if (after > 0s) {
        co_await sleep(after);
    }
    co_return value;
}

Coro<> nothing(rondo::Clock::duration after = 0s) {
    if (after > 0s) {
        co_await sleep(after);
    }
}

Coro<int> fail(std::string what, rondo::Clock::duration after = 0s) {
    if (after > 0s) {
        co_await sleep(after);
    }
    throw Broken(what);
}

Coro<MoveOnly> move_only(int value) {
    co_await sleep(0s);
    co_return MoveOnly(value);
}

Coro<int&> refer_to(int& value) {
    co_await sleep(0s);
    co_return value;
}

/// Notes how it ended: "done", or the reason and message of its cancellation and how often it was
/// asked, and then cleans up for a while.
Coro<> diary(std::string& entry, rondo::Clock::duration work, rondo::Clock::duration clean_up) {
    bool cancelled = false;
    try {
        co_await sleep(work);
        entry = "done";
    } catch (const CancelledError& why) {
        entry = std::string(rondo::to_string(why.reason())) + ":" + why.message() + ":" +
                std::to_string(rondo::current_task().cancelling());
        cancelled = true;
    }
    if (cancelled) {
        co_await sleep(clean_up);
        entry += ":cleaned";
        throw CancelledError(CancelReason::user, "a diary's own");
    }
}

/// How an awaitable ends, as text: its exception, or "value".
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
    } catch (const std::exception& error) {
        co_return error.what();
    }
    co_return "value";
}

template <class... As>
using GatherOf = rondo::await_result_t<decltype(gather(std::declval<As>()...))>;
using rondo::ReturnExceptions;

// b230, and design.md: void is monostate in tuples, and a vector of it is void.
static_assert(std::same_as<GatherOf<Coro<int>, Coro<>, Coro<MoveOnly>, Coro<int&>>,
                           std::tuple<int, std::monostate, MoveOnly, int&>>);
static_assert(std::same_as<GatherOf<Task<int>, Future<std::string>, Task<>>,
                           std::tuple<int, std::string, std::monostate>>);
static_assert(std::same_as<GatherOf<std::vector<Coro<int>>>, std::vector<int>>);
static_assert(std::same_as<GatherOf<std::vector<Task<std::string>>>, std::vector<std::string>>);
static_assert(std::same_as<GatherOf<std::vector<Coro<>>>, void>);
static_assert(std::same_as<GatherOf<std::vector<Task<>>>, void>);
static_assert(std::same_as<GatherOf<ReturnExceptions, Coro<int>, Coro<>, Coro<int&>>,
                           std::tuple<Result<int>, Result<void>, Result<int&>>>);
static_assert(
    std::same_as<GatherOf<ReturnExceptions, std::vector<Coro<>>>, std::vector<Result<void>>>);
static_assert(
    std::same_as<GatherOf<ReturnExceptions, std::vector<Task<int&>>>, std::vector<Result<int&>>>);
static_assert(std::same_as<decltype(gather()), Coro<std::tuple<>>>);

} // namespace

// Results

ASYNC_TEST_CASE("gather gives results in the order of its arguments, whichever is first",
                "[composition][gather][b211]") {
    auto all = co_await gather(number(1, 3s), number(2, 1s), number(3), number(4, 2s));
    REQUIRE(all == std::tuple(1, 2, 3, 4));
}

ASYNC_TEST_CASE("gather of a vector gives a vector in its order", "[composition][gather][b211]") {
    std::mt19937 random(1);
    std::vector<Coro<int>> coros;
    std::vector<int> expected;
    for (int i = 0; i < 100; ++i) {
        coros.push_back(number(i, static_cast<int>(random() % 50) * 1ms));
        expected.push_back(i);
    }
    const std::vector<int> all = co_await gather(std::move(coros));
    REQUIRE(all == expected);
}

ASYNC_TEST_CASE("gather runs its children concurrently", "[composition][gather]") {
    const auto before = rondo::get_running_loop().time();
    co_await gather(nothing(3s), nothing(2s), nothing(3s));
    REQUIRE(rondo::get_running_loop().time() - before == 3s);
}

ASYNC_TEST_CASE("gather of nothing gives nothing, at once", "[composition][gather]") {
    const auto turns = rondo::get_running_loop().metrics().turns;
    const std::tuple<> none = co_await gather();
    REQUIRE(none == std::tuple<>());
    const std::tuple<> no_results = co_await gather(return_exceptions);
    REQUIRE(no_results == std::tuple<>());
    const std::vector<int> no_numbers = co_await gather(std::vector<Coro<int>>());
    REQUIRE(no_numbers.empty());
    co_await gather(std::vector<Coro<>>());
    auto no_outcomes = co_await gather(return_exceptions, std::vector<Coro<>>());
    REQUIRE(no_outcomes.empty());
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("gather gives move-only results and references on", "[composition][gather]") {
    int here = 5;
    auto all = co_await gather(move_only(1), refer_to(here), move_only(2));
    REQUIRE(std::get<0>(all).number() == 1);
    REQUIRE(&std::get<1>(all) == &here);
    REQUIRE(std::get<2>(all).number() == 2);

    std::vector<Coro<MoveOnly>> coros;
    for (int i = 0; i < 3; ++i) {
        coros.push_back(move_only(i));
    }
    const std::vector<MoveOnly> numbers = co_await gather(std::move(coros));
    REQUIRE(numbers.size() == 3);
    REQUIRE(numbers[2].number() == 2);
}

ASYNC_TEST_CASE("gather gives the references of tasks and futures on", "[composition][gather]") {
    int here = 5;
    int there = 6;
    auto task = create_task(refer_to(here));
    const Future<int&> future;
    future.set_result(there);
    auto all = co_await gather(task, future);
    REQUIRE(&std::get<0>(all) == &here);
    REQUIRE(&std::get<1>(all) == &there);
    std::vector<Task<int&>> twice{task, task};
    auto outcomes = co_await gather(return_exceptions, std::move(twice));
    REQUIRE(&*outcomes[0] == &here);
    REQUIRE(&*outcomes[1] == &here);
}

ASYNC_TEST_CASE("gather copies a task's result, and moves one that cannot be copied",
                "[composition][gather]") {
    auto text = create_task([]() -> Coro<std::string> { co_return "text"; });
    auto only = create_task(move_only(3));
    auto all = co_await gather(text, only);
    REQUIRE(std::get<0>(all) == "text");
    REQUIRE(text.result() == "text"); // is there for others
    REQUIRE(std::get<1>(all).number() == 3);
    REQUIRE(only.result().number() == Tracked::moved_from);
}

TEST_CASE("gather moves what its Coros return, and copies nothing", "[composition][gather]") {
    const LeakCheck leaks;
    rondo::testing::run([]() -> Coro<> {
        const auto make = [](int value) -> Coro<Tracked> {
            co_await sleep(1ms);
            co_return Tracked(value);
        };
        auto all = co_await gather(make(1), make(2));
        REQUIRE(std::get<1>(all).number() == 2);
        std::vector<Coro<Tracked>> coros;
        coros.push_back(make(3));
        const auto more = co_await gather(std::move(coros));
        REQUIRE(more[0].number() == 3);
    });
    REQUIRE(leaks.copies() == 0);
}

namespace {

/// An awaiter from elsewhere that resumes at once.
struct Foreign {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> awaiting) { awaiting.resume(); }
    static std::string await_resume() { return "foreign"; }
};

} // namespace

ASYNC_TEST_CASE("gather takes whatever can be awaited", "[composition][gather]") {
    rondo::Semaphore semaphore(1);
    const Future<int> future;
    rondo::get_running_loop().call_later(1s, [future] { future.set_result(2); });
    auto task = create_task(number(1, 1s));
    const Foreign foreign;
    auto all = co_await gather(task, future, sleep(2s), rondo::io::nop(), semaphore.acquire(),
                               foreign, rondo::as_result(fail("as a result")),
                               rondo::wait_for(number(9, 1s), 5s), gather(number(7), number(8)));
    REQUIRE(std::get<0>(all) == 1);
    REQUIRE(std::get<1>(all) == 2);
    static_assert(std::same_as<std::tuple_element_t<2, decltype(all)>, std::monostate>);
    REQUIRE(std::get<4>(all));
    REQUIRE(semaphore.locked());
    REQUIRE(std::get<5>(all) == "foreign");
    REQUIRE_FALSE(std::get<6>(all).has_value());
    REQUIRE(std::get<7>(all) == 9);
    REQUIRE(std::get<8>(all) == std::tuple(7, 8));

    std::vector<Future<int>> futures{future, future};
    const std::vector<int> numbers = co_await gather(std::move(futures));
    REQUIRE(numbers.size() == 2);
    REQUIRE(numbers[1] == 2);
}

ASYNC_TEST_CASE("the same task may be gathered several times: it runs once",
                "[composition][gather][b216]") {
    int runs = 0;
    const auto body = [&]() -> Coro<int> {
        ++runs;
        co_await sleep(1s);
        co_return 7;
    };
    auto task = create_task(body());
    auto all = co_await gather(task, number(1), task, task);
    REQUIRE(all == std::tuple(7, 1, 7, 7));
    REQUIRE(runs == 1);
    std::vector<Task<int>> tasks{task, task};
    const std::vector<int> again = co_await gather(std::move(tasks));
    REQUIRE(again == std::vector<int>{7, 7});
}

ASYNC_TEST_CASE("a vector of flags is gathered as well", "[composition][gather]") {
    const auto flag = [](bool value) -> Coro<bool> { co_return value; };
    std::vector<Coro<bool>> coros;
    coros.push_back(flag(true));
    coros.push_back(flag(false));
    const std::vector<bool> flags = co_await gather(std::move(coros));
    REQUIRE(flags == std::vector<bool>{true, false});
}

// Starting

ASYNC_TEST_CASE("nothing starts before the gather is awaited, and nothing of one that is dropped",
                "[composition][gather]") {
    int started = 0;
    const auto body = [&](Tracked) -> Coro<> {
        ++started;
        co_return;
    };
    const std::ptrdiff_t before = Tracked::counts.alive;
    {
        auto dropped = gather(body(Tracked()), body(Tracked()));
        co_await let_others_run();
        REQUIRE(Tracked::counts.alive == before + 2);
    }
    REQUIRE(Tracked::counts.alive == before);
    REQUIRE(started == 0);
    auto kept = gather(body(Tracked()), body(Tracked()));
    co_await let_others_run();
    REQUIRE(started == 0);
    co_await std::move(kept);
    REQUIRE(started == 2);
}

TEST_CASE("gather can be made anywhere, but needs a loop to run", "[composition][gather][b213]") {
    REQUIRE_THROWS_AS(create_task(gather(number(1), number(2))), rondo::LoopError);
    const auto both = rondo::testing::run(gather(number(1), number(2, 1s)));
    REQUIRE(both == std::tuple(1, 2));
}

TEST_CASE("a child of another loop is an error, and the other children never run",
          "[composition][gather][b214][b227]") {
    const LeakCheck leaks;
    rondo::EventLoop elsewhere(in_order());
    const auto theirs = elsewhere.create_future<int>();
    rondo::testing::run([&]() -> Coro<> {
        int reports = 0;
        rondo::get_running_loop().set_exception_handler(
            [&](rondo::EventLoop&, const rondo::ErrorContext&) { ++reports; });
        int started = 0;
        const auto body = [&started](Tracked) -> Coro<int> {
            ++started;
            throw Broken();
            co_return 0;
        };
        const auto before = rondo::get_running_loop().metrics();
        const std::string what = co_await outcome_of(gather(body(Tracked()), theirs));
        REQUIRE_THAT(what, Catch::Matchers::Contains("another event loop"));
        const std::string other_order =
            co_await outcome_of(gather(return_exceptions, theirs, body(Tracked())));
        REQUIRE_THAT(other_order, Catch::Matchers::Contains("another event loop"));
        std::vector<Future<int>> futures{Future<int>(), theirs};
        const std::string of_vector = co_await outcome_of(gather(std::move(futures)));
        REQUIRE_THAT(of_vector, Catch::Matchers::Contains("another event loop"));
        co_await let_others_run();
        REQUIRE(started == 0);
        REQUIRE(reports == 0);
        REQUIRE(rondo::all_tasks().size() == 1);
        REQUIRE(rondo::get_running_loop().metrics().tasks_alive == before.tasks_alive);
    });
}

ASYNC_TEST_CASE("a Coro that has been used up is an error, and the other children never run",
                "[composition][gather][b227]") {
    int started = 0;
    const auto body = [&]() -> Coro<int> {
        ++started;
        co_return 1;
    };
    Coro<int> used = number(1);
    const Coro<int> taken = std::move(used);
    const std::string what =
        co_await outcome_of(gather(body(), std::move(used), body())); // NOLINT: moved from
    REQUIRE_THAT(what, Catch::Matchers::Contains("awaited, scheduled or moved"));
    std::vector<Coro<int>> coros;
    coros.push_back(body());
    coros.push_back(std::move(used)); // NOLINT: moved from
    const std::string of_vector = co_await outcome_of(gather(std::move(coros)));
    REQUIRE(of_vector == what);
    co_await let_others_run();
    REQUIRE(started == 0);
    REQUIRE(rondo::all_tasks().size() == 1);
    REQUIRE(taken);
}

ASYNC_TEST_CASE("a gather for which there is no memory starts nothing", "[composition][gather]") {
    int started = 0;
    const auto body = [&](Tracked) -> Coro<int> {
        ++started;
        co_return 1;
    };
    const auto attempt = [](auto coro) -> Coro<bool> {
        const NoMemory none;
        try {
            co_await std::move(coro);
        } catch (const std::bad_alloc&) {
            co_return true;
        }
        co_return false;
    };
    const std::ptrdiff_t before = Tracked::counts.alive;
    std::vector<Coro<int>> coros;
    for (int i = 0; i < 3; ++i) {
        coros.push_back(body(Tracked()));
    }
    auto of_tuple = attempt(gather(body(Tracked()), body(Tracked())));
    auto of_vector = attempt(gather(std::move(coros)));
    const bool first_failed = co_await std::move(of_tuple);
    const bool second_failed = co_await std::move(of_vector);
    REQUIRE(first_failed);
    REQUIRE(second_failed);
    co_await let_others_run();
    REQUIRE(started == 0);
    REQUIRE(rondo::all_tasks().size() == 1);
    REQUIRE(Tracked::counts.alive == before);
}

ASYNC_TEST_CASE("a task that gathers itself is told so", "[composition][gather]") {
    std::optional<Task<int>> self;
    std::string what;
    const auto body = [&]() -> Coro<int> {
        what = co_await outcome_of(gather(number(1), *self));
        co_return 5;
    };
    self = create_task(body());
    const int result = co_await *self;
    REQUIRE(result == 5);
    REQUIRE(what == "rondo: a task cannot gather itself");
}

TEST_CASE("children start in the order of the arguments", "[composition][gather][b123]") {
    run_in_order([]() -> Coro<> {
        std::string log;
        const auto body = [&](char name) -> Coro<> {
            log += name;
            co_await sleep(0s);
            log += name;
        };
        co_await gather(body('a'), body('b'), body('c'));
        REQUIRE(log == "abcabc");
    });
}

ASYNC_TEST_CASE("a gather of what is done takes no turn of the loop",
                "[composition][gather][b228]") {
    auto first = create_task(number(1));
    auto failed = create_task(fail("early"));
    co_await let_others_run();
    REQUIRE(first.done());
    rondo::TaskOptions eagerly;
    eagerly.eager_start = true;
    auto eager = create_task(number(2), eagerly);
    REQUIRE(eager.done());
    const Future<int> future;
    future.set_result(3);

    const auto turns = rondo::get_running_loop().metrics().turns;
    auto all = co_await gather(first, eager, future);
    auto outcomes = co_await gather(return_exceptions, first, failed);
    const std::string what = co_await outcome_of(gather(first, failed, eager));
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
    REQUIRE(all == std::tuple(1, 2, 3));
    REQUIRE(std::get<1>(outcomes).exception() != nullptr);
    REQUIRE(what == "early");
}

namespace {

Coro<int> tree(int width, int depth) {
    if (depth == 0) {
        co_await sleep(0s);
        co_return 1;
    }
    std::vector<Coro<int>> branches;
    for (int i = 0; i < width; ++i) {
        branches.push_back(tree(width, depth - 1));
    }
    const std::vector<int> leaves = co_await gather(std::move(branches));
    int sum = 0;
    for (const int count : leaves) {
        sum += count;
    }
    co_return sum;
}

} // namespace

ASYNC_TEST_CASE("gathers of gathers complete: width 5, depth 4", "[composition][gather][b229]") {
    const int leaves = co_await tree(5, 4);
    REQUIRE(leaves == 625);
}

ASYNC_TEST_CASE("ten thousand sleepers are gathered", "[composition][gather]") {
    constexpr int count = 10'000;
    std::mt19937 random(7);
    std::vector<Coro<int>> coros;
    for (int i = 0; i < count; ++i) {
        coros.push_back(number(i, 1ms + static_cast<int>(random() % 10'000) * 1us));
    }
    const auto before = rondo::get_running_loop().time();
    const std::vector<int> all = co_await gather(std::move(coros));
    bool in_order = all.size() == count;
    for (int i = 0; in_order && i < count; ++i) {
        in_order = all[static_cast<std::size_t>(i)] == i;
    }
    REQUIRE(in_order);
    REQUIRE(rondo::get_running_loop().time() - before <= 11ms);
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
}

// Failures

ASYNC_TEST_CASE("the first failure in time is thrown, the other children are cancelled and awaited",
                "[flaw4][composition][gather][b217][b218]") {
    const auto before = rondo::get_running_loop().time();
    std::string first;
    std::string second;
    const std::string what = co_await outcome_of(
        gather(diary(first, 1h, 2s), fail("later", 2s), fail("first", 1s), diary(second, 1h, 3s)));
    REQUIRE(what == "first");
    REQUIRE(first == "sibling_failed::1:cleaned");
    REQUIRE(second == "sibling_failed::1:cleaned");
    REQUIRE(rondo::get_running_loop().time() - before == 4s); // until the last has cleaned up
    REQUIRE(rondo::all_tasks().size() == 1);
    REQUIRE(rondo::get_running_loop().metrics().timers == 0);
}

ASYNC_TEST_CASE("children that end well after a failure make no difference",
                "[composition][gather][b218]") {
    bool finished = false;
    const auto stubborn = [&]() -> Coro<int> {
        auto slept = co_await rondo::as_result(sleep(1h)); // swallows
        co_await sleep(1s);
        finished = slept.cancelled();
        co_return 1;
    };
    const std::string what = co_await outcome_of(gather(stubborn(), fail("first", 1s)));
    REQUIRE(what == "first");
    REQUIRE(finished);
}

ASYNC_TEST_CASE("later failures are dropped, and reported to nobody",
                "[composition][gather][b218]") {
    int reports = 0;
    rondo::get_running_loop().set_exception_handler(
        [&](rondo::EventLoop&, const rondo::ErrorContext&) { ++reports; });
    const auto fail_at_the_end = [](std::string what) -> Coro<> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_await sleep(1s);
        throw Broken(what);
    };
    const std::string what =
        co_await outcome_of(gather(fail_at_the_end("a"), fail("first", 1s), fail_at_the_end("b")));
    REQUIRE(what == "first");
    co_await let_others_run();
    REQUIRE(reports == 0);
    rondo::get_running_loop().set_exception_handler(nullptr);
}

ASYNC_TEST_CASE("a task that failed before is a failure at once", "[composition][gather]") {
    auto failed = create_task(fail("early"));
    co_await let_others_run();
    std::string entry;
    auto sibling = create_task(diary(entry, 1h, 1s));
    co_await let_others_run();
    const std::string what = co_await outcome_of(gather(sibling, failed, nothing(1h)));
    REQUIRE(what == "early");
    REQUIRE(entry == "sibling_failed::1:cleaned");
}

ASYNC_TEST_CASE("a child that somebody else cancels ends the gather with CancelledError",
                "[composition][gather]") {
    std::string entry;
    std::string sibling;
    auto task = create_task(diary(entry, 1h, 0s));
    rondo::get_running_loop().call_later(1s, [task] { task.cancel("stop"); });
    const std::string what = co_await outcome_of(gather(diary(sibling, 1h, 1s), task));
    REQUIRE(what == "user:a diary's own");
    REQUIRE(entry == "user:stop:1:cleaned");
    REQUIRE(sibling == "sibling_failed::1:cleaned");
    REQUIRE(rondo::current_task().cancelling() == 0); // it was not this task that was cancelled
    co_await sleep(1s);
}

ASYNC_TEST_CASE("a failing future cancels its sibling futures and tasks", "[composition][gather]") {
    const Future<int> failing;
    const Future<int> other;
    std::string entry;
    rondo::get_running_loop().call_later(1s, [failing] { failing.set_exception(Broken("set")); });
    const std::string what =
        co_await outcome_of(gather(other, failing, diary(entry, 1h, 0s), other));
    REQUIRE(what == "set");
    REQUIRE(other.cancelled());
    REQUIRE(entry == "sibling_failed::1:cleaned");
}

TEST_CASE("a result that cannot be moved out is thrown, and nothing is left behind",
          "[composition][gather]") {
    const LeakCheck leaks;
    rondo::testing::run([]() -> Coro<> {
        const auto make = []() -> Coro<ThrowsOnMove> {
            ThrowsOnMove value(1);
            value.arm(2);
            co_return value;
        };
        std::vector<Coro<ThrowsOnMove>> coros;
        coros.push_back(make());
        coros.push_back(make());
        const std::string what = co_await outcome_of(gather(std::move(coros)));
        REQUIRE(what == "the move failed");
        REQUIRE(rondo::all_tasks().size() == 1);
    });
}

// Exceptions as results

ASYNC_TEST_CASE("with return_exceptions failures are results, in place, and cancel nobody",
                "[composition][gather][b219]") {
    const auto before = rondo::get_running_loop().time();
    std::string entry;
    auto victim = create_task(diary(entry, 1h, 0s));
    rondo::get_running_loop().call_later(1s, [victim] { victim.cancel("stop"); });
    auto all = co_await gather(return_exceptions, number(1, 3s), fail("second", 1s), victim,
                               nothing(2s), fail("fifth"));
    REQUIRE(rondo::get_running_loop().time() - before == 3s); // ends when all have
    auto& [first, second, third, fourth, fifth] = all;
    REQUIRE(first.value() == 1);
    REQUIRE_THROWS_WITH(second.value(), "second");
    REQUIRE(third.cancelled());
    REQUIRE_THROWS_AS(third.value(), CancelledError);
    REQUIRE(fourth.has_value());
    REQUIRE_THROWS_WITH(fifth.value(), "fifth");
}

ASYNC_TEST_CASE("with return_exceptions a task that failed before cancels nobody",
                "[composition][gather][b219]") {
    auto failed = create_task(fail("early"));
    co_await let_others_run();
    auto all = co_await gather(return_exceptions, failed, number(2, 1s));
    REQUIRE_THROWS_WITH(std::get<0>(all).value(), "early");
    REQUIRE(std::get<1>(all).value() == 2);
}

ASYNC_TEST_CASE("with return_exceptions a vector gives a Result for each",
                "[composition][gather][b219]") {
    std::vector<Coro<int>> coros;
    for (int i = 0; i < 10; ++i) {
        coros.push_back(i % 3 == 0 ? fail(std::to_string(i), i * 1ms) : number(i, (10 - i) * 1ms));
    }
    auto all = co_await gather(return_exceptions, std::move(coros));
    REQUIRE(all.size() == 10);
    for (int i = 0; i < 10; ++i) {
        auto& outcome = all[static_cast<std::size_t>(i)];
        if (i % 3 == 0) {
            REQUIRE_THROWS_WITH(outcome.value(), std::to_string(i));
        } else {
            REQUIRE(outcome.value() == i);
        }
    }
    std::vector<Coro<>> voids;
    voids.push_back(nothing());
    voids.push_back([]() -> Coro<> {
        throw Broken("void");
        co_return;
    }());
    auto outcomes = co_await gather(return_exceptions, std::move(voids));
    REQUIRE(outcomes[0].has_value());
    REQUIRE_THROWS_WITH(outcomes[1].value(), "void");
}

ASYNC_TEST_CASE("with return_exceptions results may be move-only or references",
                "[composition][gather]") {
    int here = 1;
    auto all = co_await gather(return_exceptions, move_only(4), refer_to(here),
                               rondo::as_result(nothing()));
    REQUIRE(std::get<0>(all)->number() == 4);
    REQUIRE(&*std::get<1>(all) == &here);
    REQUIRE(std::get<2>(all)->has_value()); // a Result of a Result
}

// Cancellation

ASYNC_TEST_CASE("cancelling a gather cancels all its children, once each, and waits for them",
                "[composition][gather][cancel][b222][b173]") {
    const auto before = rondo::get_running_loop().time();
    std::string entries[3];
    const Future<int> future;
    auto shared = create_task(diary(entries[1], 1h, 2s));
    // The future is cancelled on the spot, before the tasks are.
    auto task = create_task(
        gather(future, diary(entries[0], 1h, 1s), shared, diary(entries[2], 1s, 0s), future));
    co_await sleep(2s);
    task.cancel("enough");
    REQUIRE_FALSE(task.done());
    const std::string what = co_await outcome_of(task);
    REQUIRE(what == "user:enough");
    REQUIRE(task.cancelled());
    REQUIRE(entries[0] == "user:enough:1:cleaned");
    REQUIRE(entries[1] == "user:enough:1:cleaned");
    REQUIRE(entries[2] == "done");
    REQUIRE(future.cancelled());
    REQUIRE(rondo::get_running_loop().time() - before == 4s);
    REQUIRE(rondo::all_tasks().size() == 1);
}

ASYNC_TEST_CASE("a cancelled gather throws CancelledError with return_exceptions as well",
                "[composition][gather][cancel][b223]") {
    std::string entry;
    auto task = create_task(gather(return_exceptions, diary(entry, 1h, 1s), number(1), fail("x")));
    co_await sleep(1s);
    task.cancel("all of it");
    const std::string what = co_await outcome_of(task);
    REQUIRE(what == "user:all of it");
    REQUIRE(entry == "user:all of it:1:cleaned");
}

ASYNC_TEST_CASE("children that swallow the cancellation do not swallow the gather's",
                "[composition][gather][cancel]") {
    const auto stubborn = []() -> Coro<int> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_return 1;
    };
    auto task = create_task(gather(stubborn(), stubborn()));
    co_await let_others_run();
    task.cancel("anyway");
    const std::string what = co_await outcome_of(task);
    REQUIRE(what == "user:anyway");
}

ASYNC_TEST_CASE("a cancellation that comes when all children are done leaves the results, and "
                "waits for the next suspension",
                "[composition][gather][cancel][b225]") {
    const Future<int> future;
    const auto child = [](Future<int> awaited) -> Coro<int> { co_return co_await awaited; };
    auto one = create_task(child(future));
    auto two = create_task(child(future));
    auto alone = create_task(gather(one, two));
    std::string after;
    const auto body = [&]() -> Coro<int> {
        auto both = co_await gather(one, two);
        after = co_await outcome_of(sleep(0s));
        co_return std::get<0>(both) + std::get<1>(both);
    };
    auto goes_on = create_task(body());
    co_await let_others_run();
    // Told behind the gathers: when the last child is done, they have been woken and wait to run.
    struct CancelAtTheLast final : rondo::DoneObserver {
        CancelAtTheLast(int& left, Task<std::tuple<int, int>>& first, Task<int>& second)
            : children_left(left), gathers(first, second) {}
        void on_done() noexcept override {
            if (--children_left == 0) {
                std::get<0>(gathers).cancel();
                std::get<1>(gathers).cancel();
            }
        }
        int& children_left;
        std::tuple<Task<std::tuple<int, int>>, Task<int>> gathers;
    };
    int children_left = 2;
    CancelAtTheLast behind_one(children_left, alone, goes_on);
    CancelAtTheLast behind_two(children_left, alone, goes_on);
    one.observe(behind_one);
    two.observe(behind_two);
    future.set_result(21);
    auto both = co_await alone;
    REQUIRE(both == std::tuple(21, 21));
    REQUIRE(alone.cancelling() == 1);
    REQUIRE_FALSE(alone.cancelled());
    const int sum = co_await goes_on;
    REQUIRE(sum == 42);
    REQUIRE(after == "user:");
}

ASYNC_TEST_CASE("when a gather has thrown, nothing is left that a cancellation could reach",
                "[composition][gather][cancel][b226]") {
    std::string entry;
    auto sibling = create_task(diary(entry, 1h, 1s));
    const auto body = [&]() -> Coro<std::string> {
        const std::string what = co_await outcome_of(gather(sibling, fail("first", 1s)));
        const bool over = sibling.done();
        co_await outcome_of(sleep(1h));
        co_return what + (over ? " and over" : "");
    };
    auto task = create_task(body());
    co_await sleep(5s);
    task.cancel();
    const std::string what = co_await task;
    REQUIRE(what == "first and over");
    REQUIRE(sibling.cancelling() == 1); // by the gather alone
}

ASYNC_TEST_CASE("a gather that is cancelled before it suspends runs no child",
                "[composition][gather][cancel]") {
    int started = 0;
    const auto child = [&](Tracked) -> Coro<> {
        ++started;
        co_return;
    };
    std::string what;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel("before");
        what = co_await outcome_of(gather(child(Tracked()), child(Tracked())));
        co_await sleep(0s); // was delivered, once
    };
    const std::ptrdiff_t before = Tracked::counts.alive;
    co_await create_task(body());
    REQUIRE(what == "user:before");
    REQUIRE(started == 0);
    REQUIRE(Tracked::counts.alive == before);
}

ASYNC_TEST_CASE("an exception with which a child answers is thrown instead, whoever is first",
                "[composition][gather][cancel]") {
    const auto answer = [](rondo::Clock::duration after) -> Coro<> {
        auto slept = co_await rondo::as_result(sleep(1h));
        co_await sleep(after);
        throw Broken("answer");
    };
    for (const auto after : {0s, 2s}) {
        std::string entry;
        std::string what;
        std::string then;
        const auto body = [&]() -> Coro<> {
            what = co_await outcome_of(gather(diary(entry, 1h, 1s), answer(after)));
            then = co_await outcome_of(sleep(0s));
        };
        auto task = create_task(body());
        co_await let_others_run();
        task.cancel("stop");
        co_await task;
        REQUIRE(what == "answer");
        REQUIRE(entry == "user:stop:1:cleaned");
        REQUIRE(then == "value"); // the cancellation has been answered
        REQUIRE(task.cancelling() == 1);
    }
}

ASYNC_TEST_CASE("a failure that is older than the cancellation is thrown, and no answer to it",
                "[composition][gather][cancel]") {
    std::string entry;
    std::string what;
    std::string then;
    const auto body = [&]() -> Coro<> {
        what = co_await outcome_of(gather(diary(entry, 1h, 10s), fail("older", 1s)));
        then = co_await outcome_of(sleep(1s));
    };
    auto task = create_task(body());
    co_await sleep(2s);
    task.cancel("stop"); // reaches the child in its clean-up
    co_await task;
    REQUIRE(what == "older");
    REQUIRE(entry == "sibling_failed::1"); // its clean-up was cancelled
    REQUIRE(then == "user:stop");
}

ASYNC_TEST_CASE("a second cancellation reaches children that clean up",
                "[composition][gather][cancel]") {
    std::string entry;
    auto task = create_task(gather(diary(entry, 1h, 1h), nothing(1h)));
    co_await sleep(1s);
    task.cancel("one");
    co_await sleep(1s);
    REQUIRE(entry == "user:one:1");
    task.cancel("two");
    const std::string what = co_await outcome_of(task);
    REQUIRE(what == "user:two");
    REQUIRE(entry == "user:one:1");
    REQUIRE(task.cancelling() == 2);
}

ASYNC_TEST_CASE("uncancel() does not call back a cancellation that has reached the children",
                "[composition][gather][cancel]") {
    std::string entry;
    auto task = create_task(gather(diary(entry, 1h, 1s)));
    co_await let_others_run();
    task.cancel("stop");
    REQUIRE(task.uncancel() == 0);
    const std::string what = co_await outcome_of(task);
    REQUIRE(what == "user:stop");
    REQUIRE(entry == "user:stop:1:cleaned");
}

ASYNC_TEST_CASE("a cancellation goes down a tree of gathers and comes back up",
                "[composition][gather][cancel]") {
    int cancelled = 0;
    const auto leaf = [&]() -> Coro<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError& why) {
            cancelled += why.reason() == CancelReason::timeout ? 1 : 0;
            throw;
        }
    };
    const auto branch = [&]() -> Coro<> {
        co_await gather(leaf(), leaf(), leaf(), leaf(), leaf());
    };
    const auto trunk = [&]() -> Coro<> {
        co_await gather(branch(), branch(), branch(), branch(), branch());
    };
    const std::string what = co_await outcome_of(rondo::wait_for(trunk(), 1s));
    REQUIRE_THAT(what, Catch::Matchers::Contains("time ran out"));
    REQUIRE(cancelled == 25);
    REQUIRE(rondo::all_tasks().size() == 1);
    REQUIRE(rondo::current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("a failure deep in a tree of gathers takes the whole tree down",
                "[composition][gather][cancel]") {
    int cancelled = 0;
    const auto leaf = [&](bool fails) -> Coro<> {
        try {
            co_await sleep(fails ? 1s : 1h);
        } catch (const CancelledError& why) {
            cancelled += why.reason() == CancelReason::sibling_failed ? 1 : 0;
            throw;
        }
        throw Broken("leaf");
    };
    const auto branch = [&](bool fails) -> Coro<> {
        co_await gather(leaf(false), leaf(fails), leaf(false));
    };
    const std::string what =
        co_await outcome_of(gather(branch(false), branch(true), branch(false)));
    REQUIRE(what == "leaf");
    REQUIRE(cancelled == 8);
    REQUIRE(rondo::all_tasks().size() == 1);
}

TEST_CASE("a loop that is closed on a gather leaves nothing behind", "[composition][gather]") {
    const LeakCheck leaks;
    rondo::EventLoop loop(rondo::testing::options());
    loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
    const auto child = [](Tracked) -> Coro<> { co_await sleep(1h); };
    const auto body = [&]() -> Coro<> {
        co_await gather(child(Tracked()), gather(child(Tracked()), child(Tracked())));
    };
    auto task = loop.create_task(body());
    loop.run_until_complete(let_others_run());
    REQUIRE(leaks.alive() >= 3);
    loop.close();
    REQUIRE(task.cancelled());
}

// At every moment

namespace {

/// Children of every kind, one of which is shared with somebody else.
struct MixedChildren {
    Future<int> future;
    std::optional<Task<int>> shared;
    rondo::Semaphore semaphore{1};
    bool gathered = false;

    Coro<> victim() {
        shared = create_task(child(3));
        auto all =
            co_await gather(child(1), future, *shared, gather(child(2), child(4)), sleep(2ms));
        gathered = true;
        CHECK(std::get<0>(all) == 1);
    }
    Coro<> others() {
        co_await sleep(1ms);
        future.try_set_result(5);
        auto permit = co_await semaphore.acquire();
        co_await sleep(1ms);
    }
    void check(const Task<>& task) const {
        REQUIRE(semaphore.value() == 1);
        REQUIRE((gathered || task.cancelled()));
        REQUIRE((!shared || shared->done()));
    }

private:
    Coro<int> child(int value) {
        const Tracked luggage(value);
        co_await sleep(0s);
        auto permit = co_await semaphore.acquire();
        co_await sleep(value % 2 * 1ms);
        co_return luggage.number();
    }
};

/// A child fails, another takes time to clean up, and a third swallows.
struct FailingChildren {
    int cleaned_up = 0;
    int begun = 0;

    Coro<> victim() {
        bool failed = false;
        try {
            co_await gather(fail("on the way", 2ms), slow(), stubborn());
        } catch (const Broken&) {
            failed = true;
        }
        if (failed) {
            co_await sleep(1ms);
        }
    }
    static Coro<> others() { co_await sleep(1ms); }
    void check(const Task<>& /*task*/) const { REQUIRE(cleaned_up == begun); }

private:
    Coro<> slow() {
        const Tracked luggage;
        ++begun;
        auto slept = co_await rondo::as_result(sleep(5ms));
        auto again = co_await rondo::as_result(sleep(1ms));
        ++cleaned_up;
        if (slept.cancelled() || again.cancelled()) {
            throw CancelledError();
        }
    }
    Coro<> stubborn() {
        ++begun;
        auto slept = co_await rondo::as_result(sleep(3ms));
        ++cleaned_up;
    }
};

} // namespace

TEST_CASE("wherever a gather is cancelled, nothing is left behind",
          "[composition][gather][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<MixedChildren>();
    REQUIRE(report.moments >= 6);
    REQUIRE(report.cancelled >= report.moments);
}

TEST_CASE("wherever a gather with a failing child is cancelled, nothing is left behind",
          "[composition][gather][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<FailingChildren>();
    REQUIRE(report.moments >= 6);
    REQUIRE(report.cancelled >= report.moments);
}
