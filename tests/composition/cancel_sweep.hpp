#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// rondo::testing::cancel_sweep for scenarios with assertions of Catch: those that fail say where in
// the sweep they did.

#include <rondo/create_task.hpp>
#include <rondo/testing/sweep.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <string>

namespace rondo_test {

/// How a sweep was, for assertions that it was one.
struct SweepReport {
    int runs = 0;      ///< times the victim ran
    int cancelled = 0; ///< of these, ended by cancellation
    int moments = 0;   ///< at which there was something to cancel, in the way that had most
};

/// Sweeps a Scenario, which is made anew for each run and has
///   Coro<> victim();                   the task that is cancelled
///   Coro<> others();                   the rest of the world, which has to end by itself
///   void check(const Task<>& victim);  what must be true afterwards
template <class Scenario>
SweepReport cancel_everywhere() {
    struct Located : Scenario {
        void check(const rondo::Task<>& victim, const rondo::testing::SweepPoint& point) {
            const std::string where = point.describe(); // says how to see a failure again
            CAPTURE(where);
            REQUIRE(rondo::current_task().cancelling() == 0);
            Scenario::check(victim);
        }
    };
    const LeakCheck leaks;
    const auto report = rondo::testing::cancel_sweep([] { return Located(); });
    return {static_cast<int>(report.runs), static_cast<int>(report.cancelled),
            static_cast<int>(report.points)};
}

} // namespace rondo_test
