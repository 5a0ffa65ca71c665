// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/staggered_race.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/sleep.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

using namespace std::chrono_literals;
using namespace rondo_test;
using rondo::Clock;
using rondo::Coro;
using rondo::detail::RaceOutcome;
using rondo::detail::staggered_race;

namespace {

// What the attempts did, and when, in milliseconds.
struct Log {
    Clock::time_point start = rondo::get_running_loop().time();
    std::vector<std::string> lines;

    void add(const std::string& what) {
        const auto passed = rondo::get_running_loop().time() - start;
        lines.push_back(
            std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(passed).count()) +
            " " + what);
    }
};

Coro<int> succeed(Log& log, int number, Clock::duration after) {
    log.add("start " + std::to_string(number));
    try {
        co_await rondo::sleep(after);
    } catch (const rondo::CancelledError& cancelled) {
        log.add(std::string("cancelled ") + std::to_string(number));
        CHECK(cancelled.reason() == rondo::CancelReason::sibling_failed);
        throw;
    }
    log.add("win " + std::to_string(number));
    co_return number;
}

Coro<int> fail(Log& log, int number, Clock::duration after) {
    const int won = co_await succeed(log, number, after);
    throw std::runtime_error("attempt " + std::to_string(won));
}

Coro<RaceOutcome<int>> race(std::vector<Coro<int>> attempts) {
    auto racing = staggered_race(std::move(attempts), 250ms);
    co_return co_await std::move(racing);
}

using Lines = std::vector<std::string>;

} // namespace

ASYNC_TEST_CASE("571: the first success wins, the others are cancelled and awaited",
                "[system][connect]") {
    Log log;
    std::vector<Coro<int>> attempts;
    attempts.push_back(succeed(log, 0, 1s));
    attempts.push_back(succeed(log, 1, 100ms));
    attempts.push_back(succeed(log, 2, 1ms)); // never begins
    const auto outcome = co_await race(std::move(attempts));
    CHECK(outcome.winner == 1);
    CHECK(outcome.index == 1);
    CHECK(outcome.errors.size() == 2);
    CHECK(log.lines == Lines{"0 start 0", "250 start 1", "350 win 1", "350 cancelled 0"});
}

ASYNC_TEST_CASE("an attempt that wins in its head start has no rivals", "[system][connect]") {
    Log log;
    std::vector<Coro<int>> attempts;
    attempts.push_back(succeed(log, 0, 249ms));
    attempts.push_back(succeed(log, 1, 0s));
    const auto outcome = co_await race(std::move(attempts));
    CHECK(outcome.winner == 0);
    CHECK(log.lines == Lines{"0 start 0", "249 win 0"});
}

ASYNC_TEST_CASE("an earlier attempt may win after a later one has begun", "[system][connect]") {
    Log log;
    std::vector<Coro<int>> attempts;
    attempts.push_back(succeed(log, 0, 300ms));
    attempts.push_back(succeed(log, 1, 300ms));
    const auto outcome = co_await race(std::move(attempts));
    CHECK(outcome.winner == 0);
    CHECK(outcome.index == 0);
    CHECK(log.lines == Lines{"0 start 0", "250 start 1", "300 win 0", "300 cancelled 1"});
}

ASYNC_TEST_CASE("a failure ends the head start at once", "[system][connect]") {
    Log log;
    std::vector<Coro<int>> attempts;
    attempts.push_back(fail(log, 0, 10ms));
    attempts.push_back(fail(log, 1, 10ms));
    attempts.push_back(succeed(log, 2, 10ms));
    const auto outcome = co_await race(std::move(attempts));
    CHECK(outcome.winner == 2);
    CHECK(log.lines ==
          Lines{"0 start 0", "10 win 0", "10 start 1", "20 win 1", "20 start 2", "30 win 2"});
    CHECK(outcome.errors[0] != nullptr);
    CHECK(outcome.errors[1] != nullptr);
    CHECK(outcome.errors[2] == nullptr);
}

ASYNC_TEST_CASE("573: when all fail there is no winner, and an error for each",
                "[system][connect]") {
    Log log;
    std::vector<Coro<int>> attempts;
    attempts.push_back(fail(log, 0, 1s)); // ends last
    attempts.push_back(fail(log, 1, 10ms));
    const auto outcome = co_await race(std::move(attempts));
    CHECK_FALSE(outcome.winner);
    CHECK(outcome.errors.size() == 2);
    for (const std::exception_ptr& error : outcome.errors) {
        CHECK_THROWS_AS(std::rethrow_exception(error), std::runtime_error);
    }
}

ASYNC_TEST_CASE("573: a race without attempts is over at once", "[system][connect]") {
    const auto outcome = co_await race(std::vector<Coro<int>>());
    CHECK_FALSE(outcome.winner);
    CHECK(outcome.errors.empty());
}

namespace {

Coro<> run_and_forget(Log& log, std::size_t& seen) {
    std::vector<Coro<int>> attempts;
    attempts.push_back(succeed(log, 0, 1h));
    attempts.push_back(succeed(log, 1, 1h));
    attempts.push_back(succeed(log, 2, 1h));
    const auto outcome = co_await race(std::move(attempts));
    seen = outcome.errors.size();
}

} // namespace

ASYNC_TEST_CASE("575: cancelling a race cancels the attempts that run, and waits for them",
                "[system][connect][cancel]") {
    Log log;
    std::size_t seen = 0;
    auto racing = rondo::create_task(run_and_forget(log, seen));
    co_await rondo::sleep(300ms);
    racing.cancel();
    const auto result = co_await rondo::as_result(racing);
    CHECK(result.cancelled());
    CHECK(seen == 0);
    CHECK(log.lines.size() == 4);
    CHECK(log.lines[0] == "0 start 0");
    CHECK(log.lines[1] == "250 start 1");
    CHECK(log.lines[2].starts_with("300 cancelled"));
    CHECK(log.lines[3].starts_with("300 cancelled"));
}

ASYNC_TEST_CASE("a race that is cancelled before its first attempt began starts none",
                "[system][connect][cancel]") {
    Log log;
    std::size_t seen = 0;
    auto racing = rondo::create_task(run_and_forget(log, seen));
    co_await rondo::sleep(0s); // it has made a task of the first attempt, which did not run yet
    racing.cancel();
    const auto result = co_await rondo::as_result(racing);
    CHECK(result.cancelled());
    CHECK(log.lines.size() <= 2); // in a shuffled run it may have begun
}

namespace {

Coro<Tracked> make_tracked(Clock::duration after) {
    co_await rondo::sleep(after);
    co_return Tracked(7);
}

} // namespace

ASYNC_TEST_CASE("two attempts that succeed in one turn leave one result", "[system][connect]") {
    const auto before = Tracked::counts.alive;
    {
        std::vector<Coro<Tracked>> attempts;
        attempts.push_back(make_tracked(500ms));
        attempts.push_back(make_tracked(250ms));
        auto racing = staggered_race(std::move(attempts), 250ms);
        auto outcome = co_await std::move(racing);
        CHECK(outcome.winner.has_value());
        CHECK(outcome.winner->number() == 7);
    }
    CHECK(Tracked::counts.alive == before);
}
