#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Worlds of many tasks that use one primitive at random and are cancelled at random, while a model
// watches. A world is made from a seed, and is the same whenever it is made from it.
//
// RONDO_TEST_SEED=<n> runs the world of that seed alone; RONDO_TEST_SECONDS=<n> goes on over seeds
// that nobody has seen, for so long in each test. The seed of a failure is printed.

#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/sleep.hpp>
#include <rondo/testing/run.hpp>

#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"
#include "sync/tasks.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <set>
#include <vector>

namespace rondo_test {

/// What a world draws from.
class Chance {
public:
    explicit Chance(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] int up_to(int most) {
        return std::uniform_int_distribution<int>(0, most)(random_);
    }
    [[nodiscard]] bool one_in(int n) { return up_to(n - 1) == 0; }
    [[nodiscard]] std::chrono::milliseconds ms_up_to(int most) {
        return std::chrono::milliseconds(up_to(most));
    }

private:
    std::mt19937_64 random_;
};

/// Those who wait, by the ticket that each drew when it came.
class Line {
public:
    [[nodiscard]] std::uint64_t come() {
        waiting_.insert(++last_);
        return last_;
    }
    void give_up(std::uint64_t ticket) { strangers += waiting_.erase(ticket) == 0 ? 1 : 0; }
    /// Goes in, and is to be the first of those who have not given up. Who was given what it waits
    /// for and is cancelled gives up only later: so those who go in need only be in order.
    void go_in(std::uint64_t ticket) {
        give_up(ticket);
        overtakers += ticket < last_in_ ? 1 : 0;
        last_in_ = ticket > last_in_ ? ticket : last_in_;
    }
    /// Goes in without having waited, by a privilege.
    void slip_in(std::uint64_t ticket) { give_up(ticket); }

    [[nodiscard]] bool empty() const { return waiting_.empty(); }
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }
    [[nodiscard]] std::uint64_t first() const { return *waiting_.begin(); }
    [[nodiscard]] std::uint64_t last_ticket() const { return last_; }

    int strangers = 0;  // went in or away without being in line
    int overtakers = 0; // went in after somebody who came later

private:
    std::set<std::uint64_t> waiting_;
    std::uint64_t last_ = 0;
    std::uint64_t last_in_ = 0;
};

namespace random_detail {

constexpr int rounds = 80; // of disturbance, a millisecond each

/// Cancels a twentieth of the visitors each millisecond, in its beginning, middle or end, and then
/// leaves the world alone: what is left has to end by itself.
template <class World>
rondo::Coro<> disturb(World& world, const std::vector<rondo::Task<>>& visitors) {
    const int last = static_cast<int>(visitors.size()) - 1;
    for (int round = 0; round < rounds; ++round) {
        for (int n = last / 20; n > 0; --n) {
            visitors[static_cast<std::size_t>(world.chance.up_to(last))].cancel();
            if (world.chance.one_in(4)) {
                co_await rondo::sleep(std::chrono::seconds(0));
            }
            if (world.chance.one_in(8)) {
                world.disturb();
            }
        }
        co_await rondo::sleep(std::chrono::seconds(0)); // whom that woke runs beside it, or later
        bool quiet = false;
        for (int turn = 0; turn < 8 && !quiet; ++turn) {
            const auto steps = rondo::get_running_loop().metrics().steps;
            co_await rondo::sleep(std::chrono::seconds(0));
            const rondo::LoopMetrics metrics = rondo::get_running_loop().metrics();
            quiet = metrics.steps == steps + 1 && metrics.ready == 0; // nobody else has run
        }
        if (quiet) {
            ++world.quiet_moments;
            world.check_quiet(); // nobody is on the way
        }
        co_await rondo::sleep(std::chrono::milliseconds(1));
    }
    co_await world.calm_down();
}

} // namespace random_detail

/// Runs a world, which has
///   World(seed, in_order)  in_order: ready tasks run in FIFO order
///   Chance chance;         what is drawn
///   int quiet_moments;     how often check_quiet() was called
///   Coro<> visitor();      uses the primitive, a number of times
///   void disturb();        resets, aborts, shuts down, adds …
///   void check_quiet();    what must be true when no task is ready
///   Coro<> calm_down();    makes it possible for everybody to end, and waits for that if need be
///   void check();          what must be true when all have ended
///   bool lively();         whether all happened that may: worth another look
/// Somebody who is stuck fails the run, with the list of who waits on what. Returns whether it was
/// lively.
template <class World>
bool run_world(std::uint64_t seed, int visitors) {
    rondo::LoopOptions options = rondo::testing::options();
    if (options.shuffle_seed == 0 && seed % 2 == 0) {
        options.shuffle_seed = seed;
    }
    CAPTURE(seed, visitors, options.shuffle_seed);
    const LeakCheck leaks;
    World world(seed, options.shuffle_seed == 0);
    const auto body = [&]() -> rondo::Coro<> {
        std::vector<rondo::Task<>> tasks;
        for (int i = 0; i < visitors; ++i) {
            tasks.push_back(rondo::create_task(world.visitor()));
        }
        co_await rondo::sleep(std::chrono::seconds(0)); // nobody is cancelled before it has begun
        auto trouble = rondo::create_task(random_detail::disturb(world, tasks));
        for (const rondo::Task<>& task : tasks) {
            co_await end_of(task);
        }
        co_await trouble;
    };
    rondo::testing::run(body, options);
    world.check();
    return world.quiet_moments > 0 && world.lively();
}

/// Runs worlds of `count` seeds, or of those that the environment asks for. At least one has to be
/// lively, so that the test is one.
template <class World>
void run_worlds(std::uint64_t count, int visitors) {
    using rondo::testing::detail::number_in_environment;
    if (const std::uint64_t seed = number_in_environment("RONDO_TEST_SEED", 0); seed != 0) {
        run_world<World>(seed, visitors);
        return;
    }
    using SteadyClock = std::chrono::steady_clock;
    const std::chrono::seconds limit(number_in_environment("RONDO_TEST_SECONDS", 0));
    const auto start = SteadyClock::now();
    const bool goes_on = limit.count() > 0;
    std::uint64_t seed = goes_on ? std::random_device()() : 0;
    int runs = 0;
    int lively = 0;
    do {
        ++runs;
        lively += run_world<World>(++seed, visitors) ? 1 : 0;
    } while (goes_on ? SteadyClock::now() - start < limit : seed < count);
    CHECK(lively > 0);
    if (goes_on) {
        std::fprintf(stderr, "%d seeds, %d of them lively; the last was %llu\n", runs, lively,
                     static_cast<unsigned long long>(seed));
    }
}

} // namespace rondo_test
