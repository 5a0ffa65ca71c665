#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Cancels a task at every moment of its life in turn: before its first step, after each turn of
// the loop, after each move of the clock, until it ends before it can be cancelled. In FIFO order
// and shuffled, with the one who cancels ahead of the others in the queue and behind them, once
// and a second time while it cleans up.

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/sleep.hpp>
#include <rondo/testing/run.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace rondo_test {

/// How a sweep was, for assertions that it was one.
struct SweepReport {
    int runs = 0;      ///< times the victim ran
    int cancelled = 0; ///< of these, ended by cancellation
    int moments = 0;   ///< the longest undisturbed life, in moments at which it could be cancelled
};

namespace sweep_detail {

inline constexpr int most_moments = 10'000; // a victim that never ends is a failure

/// The end of this turn; of this millisecond, if nothing else can run.
inline rondo::Coro<> next_moment() {
    const rondo::EventLoop& loop = rondo::get_running_loop();
    const std::uint64_t steps = loop.metrics().steps;
    co_await rondo::sleep(std::chrono::seconds(0));
    const rondo::LoopMetrics now = loop.metrics();
    if (now.steps - steps <= 1 && now.ready == 0) {
        co_await rondo::sleep(std::chrono::milliseconds(1));
    }
}

/// Returns whether there was something left to cancel.
inline rondo::Coro<bool> cancel_at(std::optional<rondo::Task<>>& victim, int moment,
                                   std::optional<int> again_after) {
    for (int i = 0; i < moment && !victim->done(); ++i) {
        co_await next_moment();
    }
    const bool asked = victim->cancel();
    if (again_after) {
        for (int i = 0; i < *again_after; ++i) {
            co_await next_moment();
        }
        victim->cancel();
    }
    co_return asked;
}

struct Way {
    std::uint64_t seed;
    bool canceller_first;
    std::optional<int> again_after;
};

template <class Scenario>
rondo::Coro<> sweep(Way way, SweepReport& report) {
    for (int moment = 0; moment < most_moments; ++moment) {
        Scenario scenario;
        std::optional<rondo::Task<>> victim;
        std::optional<rondo::Task<bool>> canceller;
        if (way.canceller_first) {
            canceller = rondo::create_task(cancel_at(victim, moment, way.again_after));
        }
        auto others = rondo::create_task(scenario.others());
        victim = rondo::create_task(scenario.victim());
        if (!way.canceller_first) {
            canceller = rondo::create_task(cancel_at(victim, moment, way.again_after));
        }
        try {
            co_await *victim;
        } catch (const rondo::CancelledError&) { // NOLINT(bugprone-empty-catch): is looked at below
        }
        const bool asked = co_await *canceller;
        co_await others;
        // The moment, the seed and the order say how to see a failure again.
        CAPTURE(moment, way.seed, way.canceller_first, way.again_after.value_or(-1));
        REQUIRE(rondo::all_tasks().size() == 1); // nothing is left behind
        REQUIRE(rondo::current_task().cancelling() == 0);
        scenario.check(*victim);
        ++report.runs;
        report.cancelled += victim->cancelled() ? 1 : 0;
        if (!asked) {
            report.moments = moment > report.moments ? moment : report.moments;
            co_return;
        }
    }
    FAIL("the victim never ended");
}

} // namespace sweep_detail

/// Sweeps a Scenario, which is made anew for each run and has
///   Coro<> victim();                   the task that is cancelled
///   Coro<> others();                   the rest of the world, which has to end by itself
///   void check(const Task<>& victim);  what must be true afterwards
/// A victim that is stuck fails the run, with the list of who waits on what.
template <class Scenario>
SweepReport cancel_everywhere() {
    SweepReport report;
    const LeakCheck leaks;
    rondo::LoopOptions options = rondo::testing::options();
    std::vector<std::uint64_t> seeds{0, 1, 2, 3};
    if (options.shuffle_seed != 0) {
        seeds.assign({options.shuffle_seed});
    }
    const std::optional<int> repeats[] = {std::nullopt, 0, 1, 2, 3};
    for (const std::uint64_t seed : seeds) {
        for (const bool canceller_first : {false, true}) {
            for (const std::optional<int> again_after : repeats) {
                options.shuffle_seed = seed;
                const sweep_detail::Way way{seed, canceller_first, again_after};
                rondo::testing::run(sweep_detail::sweep<Scenario>(way, report), options);
            }
        }
    }
    return report;
}

} // namespace rondo_test
