// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/race.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/io/operation.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "composition/cancel_sweep.hpp"
#include "composition/outcomes.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <concepts>
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::race;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

template <class... As>
using RaceOf = rondo::await_result_t<decltype(race(std::declval<As>()...))>;

static_assert(std::same_as<RaceOf<Coro<int>, Coro<>, Task<std::string>>,
                           std::variant<int, std::monostate, std::string>>);
static_assert(std::same_as<RaceOf<std::vector<Coro<int>>>, rondo::RaceResult<int>>);
static_assert(std::same_as<RaceOf<std::vector<Task<>>>, rondo::RaceResult<void>>);

Coro<MoveOnly> move_only(int value, rondo::Clock::duration after) {
    co_await sleep(after);
    co_return MoveOnly(value);
}

/// Swallows its cancellation and goes on for a while, to a value.
Coro<int> stubborn(rondo::Clock::duration after) {
    auto slept = co_await rondo::as_result(sleep(1h));
    co_await sleep(after);
    co_return slept.cancelled() ? 99 : 0;
}

/// An awaiter from elsewhere.
struct Foreign {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> awaiting) { awaiting.resume(); }
    [[nodiscard]] static int await_resume() { return 11; }
};

} // namespace

ASYNC_TEST_CASE("known flaw 22: the first to finish wins, the others are cancelled and awaited",
                "[flaw22][flaw21][composition][race]") {
    std::string entry;
    const auto before = now();
    auto first = co_await race(diary(entry, 2s), number(7, 1s), number(8, 2s));
    REQUIRE(first.index() == 1);
    REQUIRE(std::get<1>(first) == 7);
    REQUIRE(entry == "sibling_failed::cleaned");
    REQUIRE(now() - before == 3s);
    REQUIRE(rondo::all_tasks().size() == 1);
    REQUIRE(rondo::current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("an exception wins as well", "[composition][race]") {
    std::string entry;
    const std::string outcome = co_await outcome_of(race(diary(entry, 1s), fail("first", 1s)));
    REQUIRE(outcome == "first");
    REQUIRE(entry == "sibling_failed::cleaned");
}

ASYNC_TEST_CASE("a race gives what only moves, and nothing", "[composition][race]") {
    auto only = co_await race(move_only(3, 1s), nap(2s));
    REQUIRE(std::get<0>(only).number() == 3);
    auto nothing = co_await race(move_only(3, 2s), nap(1s));
    REQUIRE(nothing.index() == 1);
}

ASYNC_TEST_CASE("what losers come to is dropped: values, failures, late ones",
                "[composition][race]") {
    std::vector<std::string> reported;
    rondo::get_running_loop().set_exception_handler(
        [&](rondo::EventLoop&, const rondo::ErrorContext& context) {
            reported.push_back(text_of(context.exception));
        });
    const auto before = now();
    auto first = co_await race(number(1, 1s), stubborn(3s), answer_with("late", 2s));
    REQUIRE(std::get<0>(first) == 1);
    REQUIRE(now() - before == 4s);
    co_await let_others_run();
    REQUIRE(reported.empty());
}

TEST_CASE("of several that are done in one turn the first in time wins", "[composition][race]") {
    run_in_order([]() -> Coro<> {
        auto first = co_await race(nap(1h), number(1, 1s), number(2, 1s));
        REQUIRE(first.index() == 1);
        const Future<int> one;
        const Future<int> two;
        const OnDeadline set(1s, [&] {
            two.set_result(2);
            one.try_set_result(1); // too late: it has lost
        });
        auto second = co_await race(one, two);
        REQUIRE(second.index() == 1);
        REQUIRE(one.cancelled());
    });
}

ASYNC_TEST_CASE("one that is done already wins, and none of the others ever runs",
                "[composition][race]") {
    bool ran = false;
    const auto other = [&]() -> Coro<> {
        ran = true;
        co_return;
    };
    const Future<int> done;
    done.set_result(4);
    auto first = co_await race(other(), done, other());
    REQUIRE(std::get<1>(first) == 4);
    REQUIRE_FALSE(ran);
    const Future<int> failed;
    failed.set_exception(Broken("before"));
    const std::string outcome = co_await outcome_of(race(other(), failed));
    REQUIRE(outcome == "before");
    REQUIRE_FALSE(ran);
}

ASYNC_TEST_CASE("whatever can be awaited can race", "[composition][race]") {
    auto task = create_task(number(1, 1s));
    const Future<int> future;
    auto by_operation = co_await race(task, future, rondo::io::nop());
    REQUIRE(by_operation.index() == 2);
    REQUIRE(task.cancelled());
    REQUIRE(future.cancelled());
    auto by_foreign = co_await race(sleep(1h), Foreign());
    REQUIRE(std::get<1>(by_foreign) == 11);
    rondo::Semaphore semaphore(0);
    auto by_sleep = co_await race(semaphore.acquire(), sleep(1s), rondo::wait_for(sleep(1h), 2s));
    REQUIRE(by_sleep.index() == 1);
    semaphore.release();
    REQUIRE(semaphore.value() == 1); // the loser has left the queue
    auto kept = create_task(number(5, 1s));
    auto by_task = co_await race(kept, sleep(1h));
    REQUIRE(std::get<0>(by_task) == 5);
    REQUIRE(kept.result() == 5);
}

ASYNC_TEST_CASE("a vector races, too, and says who has won", "[composition][race]") {
    std::vector<Coro<int>> runners;
    for (const int seconds : {3, 1, 2}) {
        runners.push_back(number(seconds, seconds * 1s));
    }
    auto first = co_await race(std::move(runners));
    REQUIRE(first.index == 1);
    REQUIRE(first.value == 1);
    std::vector<Coro<>> naps;
    naps.push_back(nap(2s));
    naps.push_back(nap(1s));
    auto nothing = co_await race(std::move(naps));
    REQUIRE(nothing.index == 1);
    bool refused = false;
    try {
        co_await race(std::vector<Coro<int>>());
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    REQUIRE(refused);
}

ASYNC_TEST_CASE("cancelling a race cancels and awaits all of them", "[composition][race][cancel]") {
    std::string entries[2];
    auto task = create_task(race(diary(entries[0], 1s), diary(entries[1], 2s), stubborn(1s)));
    co_await sleep(1s);
    const auto before = now();
    task.cancel("stop");
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "user:stop"); // and no answer wins
    REQUIRE(entries[0] == "user:stop:cleaned");
    REQUIRE(entries[1] == "user:stop:cleaned");
    REQUIRE(now() - before == 2s);
}

ASYNC_TEST_CASE("a failure in answer to the cancellation of a race is thrown",
                "[composition][race][cancel]") {
    auto task = create_task(race(nap(1h), answer_with("answer", 1s)));
    co_await sleep(1s);
    task.cancel("stop");
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "answer");
}

ASYNC_TEST_CASE("a cancellation while the losers clean up leaves the winner's result, and comes "
                "next",
                "[composition][race][cancel]") {
    std::string entry;
    int won = 0;
    std::string next;
    const auto whole = [&]() -> Coro<> {
        auto first = co_await race(number(7, 1s), diary(entry, 3s));
        won = std::get<0>(first);
        next = co_await outcome_of(nap(1s));
    };
    auto task = create_task(whole());
    co_await sleep(2s);
    task.cancel("stop");
    co_await task;
    REQUIRE(won == 7);
    REQUIRE(next == "user:stop");
    REQUIRE(task.cancelling() == 1);
}

ASYNC_TEST_CASE("a race that is cancelled before it suspends runs nobody",
                "[composition][race][cancel]") {
    bool ran = false;
    const auto runner = [&]() -> Coro<> {
        ran = true;
        co_return;
    };
    const auto whole = [&]() -> Coro<> {
        rondo::current_task().cancel("self");
        co_await race(runner(), runner());
    };
    const std::string outcome = co_await outcome_of(create_task(whole()));
    REQUIRE(outcome == "user:self");
    REQUIRE_FALSE(ran);
}

namespace {

struct Racers {
    rondo::Semaphore semaphore{1};
    Future<int> future;
    int won = 0;

    Coro<> victim() {
        auto first = co_await race(runner(3ms), future, race(runner(5ms), stubborn(1ms)), nap(4ms));
        ++won;
        co_await race(runner(1ms), create_task(nap(2ms)));
        ++won;
        CHECK(first.index() <= 3);
    }
    Coro<> others() {
        auto permit = co_await semaphore.acquire();
        co_await sleep(1ms);
    }
    void check(const Task<>& task) const {
        REQUIRE(semaphore.value() == 1);
        REQUIRE((won == 2 || task.cancelled()));
    }

private:
    Coro<int> runner(rondo::Clock::duration time) {
        const Tracked luggage;
        auto permit = co_await semaphore.acquire();
        co_await sleep(time);
        co_return 1;
    }
};

} // namespace

TEST_CASE("wherever a race is cancelled, nothing is left behind",
          "[composition][race][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<Racers>();
    REQUIRE(report.moments >= 4);
    REQUIRE(report.cancelled >= report.moments);
}
