// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/barrier.hpp>

#include <rondo/create_task.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"
#include "sync/tasks.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::Barrier;
using rondo::BrokenBarrierError;
using rondo::Coro;
using rondo::create_task;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

static_assert(!std::is_copy_constructible_v<Barrier>);
static_assert(!std::is_move_constructible_v<Barrier>);
static_assert(!std::is_convertible_v<std::size_t, Barrier>);
static_assert(!rondo::Awaitable<Barrier>);

using Indices = std::vector<std::size_t>;

/// Notes the index with which it passes.
Coro<> pass(Barrier& barrier, Indices& passed) {
    const std::size_t index = co_await barrier.wait();
    passed.push_back(index);
}

Indices sorted(Indices indices) {
    std::sort(indices.begin(), indices.end());
    return indices;
}

/// Tasks that wait at the barrier, each registered before the next.
Coro<> add_waiters(Barrier& barrier, Indices& passed, std::vector<Task<>>& tasks, int count) {
    for (int i = 0; i < count; ++i) {
        tasks.push_back(create_task(pass(barrier, passed)));
        co_await let_others_run();
    }
}

} // namespace

TEST_CASE("a barrier tells its parties, how many wait, and whether it is broken",
          "[sync][barrier][b372]") {
    Barrier barrier(3);
    REQUIRE(barrier.parties() == 3);
    REQUIRE(barrier.n_waiting() == 0);
    REQUIRE_FALSE(barrier.broken());
    REQUIRE_THROWS_AS(Barrier(0), std::invalid_argument);
    REQUIRE_THROWS_WITH(Barrier(0), Catch::Matchers::Contains("rondo: ") &&
                                        Catch::Matchers::Contains("at least one"));
}

ASYNC_TEST_CASE("tasks wait at a barrier until all parties are there, and go on together",
                "[sync][barrier][b370][b375]") {
    Barrier barrier(3);
    Indices passed;
    std::vector<Task<>> tasks;
    for (std::size_t i = 1; i <= 2; ++i) {
        co_await add_waiters(barrier, passed, tasks, 1);
        REQUIRE(barrier.n_waiting() == i);
        REQUIRE(passed.empty());
    }
    REQUIRE(tasks[0].describe_wait() == "Barrier::wait");
    const auto turns = rondo::get_running_loop().metrics().turns;
    const std::size_t index = co_await barrier.wait(); // the last does not wait
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
    REQUIRE(index == 2);
    REQUIRE(passed.empty()); // runs nobody
    REQUIRE(barrier.n_waiting() == 0);
    for (const Task<>& task : tasks) {
        co_await task;
    }
    REQUIRE(sorted(passed) == Indices{0, 1});
}

TEST_CASE("each party has an index of its own, by order of arrival", "[sync][barrier][b371]") {
    run_in_order([]() -> Coro<> {
        Barrier barrier(5);
        Indices passed;
        std::vector<Coro<>> parties;
        for (int i = 0; i < 5; ++i) {
            parties.push_back(pass(barrier, passed));
        }
        co_await rondo::gather(std::move(parties));
        REQUIRE(passed == Indices{4, 0, 1, 2, 3}); // the last goes on at once
    });
}

ASYNC_TEST_CASE("a barrier of one holds nobody back", "[sync][barrier]") {
    Barrier barrier(1);
    const auto turns = rondo::get_running_loop().metrics().turns;
    for (int i = 0; i < 3; ++i) {
        const std::size_t index = co_await barrier.wait();
        REQUIRE(index == 0);
    }
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("a barrier is used again and again, and nobody laps the others",
                "[sync][barrier]") {
    Barrier barrier(4);
    std::vector<int> rounds(4, 0);
    std::vector<Indices> indices(10);
    const auto party = [&](std::size_t number) -> Coro<> {
        for (std::size_t round = 0; round < 10; ++round) {
            if (number == round % 4) {
                co_await sleep(1ms);
            }
            const std::size_t index = co_await barrier.wait();
            indices[round].push_back(index);
            ++rounds[number];
            const auto [least, most] = std::minmax_element(rounds.begin(), rounds.end());
            CHECK(*most - *least <= 1);
        }
    };
    co_await rondo::gather(party(0), party(1), party(2), party(3));
    for (const Indices& round : indices) {
        REQUIRE(sorted(round) == Indices{0, 1, 2, 3});
    }
}

TEST_CASE("those who fill a barrier at its entrance go on when it has drained", "[sync][barrier]") {
    run_in_order([]() -> Coro<> {
        Barrier barrier(2);
        Indices passed;
        std::vector<Task<>> tasks;
        co_await add_waiters(barrier, passed, tasks, 1);
        for (int i = 0; i < 6; ++i) { // the partner of the first, two pairs, and one alone
            tasks.push_back(create_task(pass(barrier, passed)));
        }
        co_await sleep(0s);
        REQUIRE(passed == Indices{1});
        REQUIRE(barrier.n_waiting() == 0); // the others are at the entrance
        co_await let_others_run();
        REQUIRE(passed.size() == 6);
        REQUIRE(barrier.n_waiting() == 1);
        co_await barrier.wait();
        co_await let_others_run();
        REQUIRE(passed.size() == 7);
    });
}

ASYNC_TEST_CASE("a party that is cancelled leaves, and the others wait for one more",
                "[sync][barrier][cancel]") {
    Barrier barrier(3);
    Indices passed;
    std::vector<Task<>> tasks;
    co_await add_waiters(barrier, passed, tasks, 2);
    tasks[0].cancel("leaves");
    REQUIRE(barrier.n_waiting() == 1);
    co_await end_of(tasks[0]);
    REQUIRE(cancel_message(tasks[0]) == "leaves");
    REQUIRE_FALSE(barrier.broken());
    co_await add_waiters(barrier, passed, tasks, 1);
    REQUIRE(passed.empty());
    const std::size_t index = co_await barrier.wait();
    REQUIRE(index == 2);
    co_await let_others_run();
    REQUIRE(sorted(passed) == Indices{0, 1}); // no gap where the first was
}

ASYNC_TEST_CASE("a party that is cancelled when it may go on is cancelled, the others go on",
                "[sync][barrier][cancel]") {
    Barrier barrier(3);
    Indices passed;
    std::vector<Task<>> tasks;
    co_await add_waiters(barrier, passed, tasks, 2);
    [[maybe_unused]] const std::size_t index = co_await barrier.wait();
    tasks[0].cancel();
    co_await end_of(tasks[0]);
    co_await end_of(tasks[1]);
    REQUIRE(tasks[0].cancelled());
    REQUIRE(passed == Indices{1});
    co_await add_waiters(barrier, passed, tasks, 3); // it has drained
    REQUIRE(passed.size() == 4);
}

ASYNC_TEST_CASE("wait_for at a barrier ends in time, and leaves no party behind",
                "[sync][barrier][cancel]") {
    Barrier barrier(2);
    bool timed_out = false;
    try {
        [[maybe_unused]] const auto index = co_await rondo::wait_for(barrier.wait(), 1s);
    } catch (const rondo::TimeoutError&) {
        timed_out = true;
    }
    REQUIRE(timed_out);
    REQUIRE(barrier.n_waiting() == 0);
}

ASYNC_TEST_CASE("reset() of a barrier where nobody waits changes nothing",
                "[sync][barrier][b378]") {
    Barrier barrier(2);
    barrier.reset();
    REQUIRE_FALSE(barrier.broken());
    Indices passed;
    co_await rondo::gather(pass(barrier, passed), pass(barrier, passed));
    REQUIRE(sorted(passed) == Indices{0, 1});
}

ASYNC_TEST_CASE("reset() throws in all who wait, and the barrier is usable again at once",
                "[sync][barrier][b378]") {
    Barrier barrier(3);
    Indices passed;
    std::vector<Task<>> tasks;
    co_await add_waiters(barrier, passed, tasks, 2);
    barrier.reset();
    REQUIRE(barrier.n_waiting() == 0);
    REQUIRE_FALSE(barrier.broken());
    co_await rondo::gather(pass(barrier, passed), pass(barrier, passed), pass(barrier, passed));
    for (const Task<>& task : tasks) {
        co_await end_of(task);
        REQUIRE(failed_with<BrokenBarrierError>(task));
    }
    REQUIRE(sorted(passed) == Indices{0, 1, 2});
}

TEST_CASE("reset() while a barrier drains breaks those inside, and lets in those at the entrance",
          "[sync][barrier][b379]") {
    for (const bool half_drained : {false, true}) {
        CAPTURE(half_drained);
        run_in_order([=]() -> Coro<> {
            Barrier barrier(3);
            Indices passed;
            const auto pass_and_reset = [&](bool resets) -> Coro<> {
                co_await pass(barrier, passed);
                if (resets) {
                    CHECK(barrier.n_waiting() == 0);
                    barrier.reset();
                    CHECK(barrier.n_waiting() == 0); // they come in in the next turn
                }
            };
            auto first = create_task(pass_and_reset(half_drained));
            auto second = create_task(pass(barrier, passed));
            co_await let_others_run();
            auto last = create_task(pass(barrier, passed)); // goes on at once; the others have not
            auto late = create_task(pass(barrier, passed)); // run when these come to the entrance
            auto later = create_task(pass(barrier, passed));
            auto resetter = create_task([&]() -> Coro<> {
                if (!half_drained) {
                    barrier.reset();
                }
                co_return;
            });
            co_await let_others_run();
            CHECK(last.done());
            CHECK(failed_with<BrokenBarrierError>(first) == !half_drained);
            CHECK(failed_with<BrokenBarrierError>(second));
            CHECK(passed == (half_drained ? Indices{2, 0} : Indices{2}));
            CHECK_FALSE(late.done());
            CHECK_FALSE(later.done());
            CHECK(barrier.n_waiting() == 2);
            CHECK_FALSE(barrier.broken());
            const std::size_t index = co_await barrier.wait();
            CHECK(index == 2);
            co_await late;
            co_await later;
        });
    }
}

TEST_CASE("reset() by the last one to leave does not concern those at the entrance",
          "[sync][barrier][b379]") {
    run_in_order([]() -> Coro<> {
        Barrier barrier(2);
        Indices passed;
        const auto pass_and_reset = [&]() -> Coro<> {
            co_await pass(barrier, passed);
            barrier.reset();
        };
        auto first = create_task(pass_and_reset());
        co_await let_others_run();
        auto last = create_task(pass(barrier, passed));
        auto pair_first = create_task(pass(barrier, passed));
        auto pair_second = create_task(pass(barrier, passed));
        auto alone = create_task(pass(barrier, passed));
        co_await let_others_run();
        REQUIRE(first.done());
        REQUIRE(last.done());
        REQUIRE(passed == Indices{1, 0, 0, 1});
        REQUIRE(pair_first.done());
        REQUIRE(pair_second.done());
        REQUIRE(barrier.n_waiting() == 1);
        barrier.reset(); // but it is inside now
        co_await let_others_run();
        REQUIRE(failed_with<BrokenBarrierError>(alone));
    });
}

ASYNC_TEST_CASE("the last one to leave may reset the barrier and wait with those at its entrance",
                "[sync][barrier][b379]") { // test_reset_barrier_while_tasks_draining
    constexpr std::size_t parties = 5;
    Barrier barrier(parties);
    std::size_t out = 0;
    std::size_t second_waits = 0;
    std::size_t third_waits = 0;
    const auto party = [&]() -> Coro<> {
        [[maybe_unused]] std::size_t index = co_await barrier.wait();
        ++out;
        if (out == parties) {
            barrier.reset();
        }
        index = co_await barrier.wait(); // the others are held at the entrance
        ++second_waits;
        index = co_await barrier.wait();
        ++third_waits;
    };
    co_await rondo::gather(party(), party(), party(), party(), party());
    REQUIRE(second_waits == parties);
    REQUIRE(third_waits == parties);
    REQUIRE(barrier.n_waiting() == 0);
    REQUIRE_FALSE(barrier.broken());
}

TEST_CASE("nobody overtakes those at the entrance before it is opened", "[sync][barrier]") {
    run_in_order([]() -> Coro<> {
        Barrier barrier(2);
        Indices passed;
        Indices late_index;
        const auto pass_twice = [&]() -> Coro<> {
            co_await pass(barrier, passed);
            co_await pass(barrier, late_index);
        };
        auto first = create_task(pass_twice()); // the last to leave, and the first to come again
        co_await let_others_run();
        auto last = create_task(pass(barrier, passed));
        auto held = create_task(pass(barrier, passed));
        co_await let_others_run();
        REQUIRE(passed == Indices{1, 0, 0});
        REQUIRE(late_index == Indices{1});
        REQUIRE(held.done());
    });
}

TEST_CASE("a barrier can die, and its loop, before the entrance is opened", "[sync][barrier]") {
    const LeakCheck leaks;
    std::optional<Barrier> barrier(std::in_place, 2);
    Indices passed;
    const auto party = [&](Tracked luggage) -> Coro<> {
        co_await pass(*barrier, passed);
        CHECK(luggage.number() == 1);
    };
    const auto hold_one = [&]() -> Coro<> {
        (void)create_task(party(Tracked(1)));
        (void)create_task(party(Tracked(1)));
        co_await pass(*barrier, passed); // the last to leave, in the loop's last turn
        REQUIRE(passed.size() % 2 == 0);
        REQUIRE(barrier->n_waiting() == 0);
    };
    run_and_close(hold_one, [] {});
    REQUIRE(barrier->n_waiting() == 0);
    run_and_close(hold_one, [&] { barrier.reset(); });
    REQUIRE(passed.size() == 4);
}

ASYNC_TEST_CASE("abort() breaks a barrier for all who wait and all who come",
                "[sync][barrier][b380]") {
    Barrier barrier(3);
    Indices passed;
    std::vector<Task<>> tasks;
    co_await add_waiters(barrier, passed, tasks, 2);
    barrier.abort();
    barrier.abort();
    REQUIRE(barrier.broken());
    REQUIRE(barrier.n_waiting() == 0);
    co_await add_waiters(barrier, passed, tasks, 2);
    for (const Task<>& task : tasks) {
        co_await end_of(task);
        REQUIRE(failed_with<BrokenBarrierError>(task));
    }
    REQUIRE(passed.empty());
    std::string message;
    const auto turns = rondo::get_running_loop().metrics().turns;
    try {
        [[maybe_unused]] const std::size_t index = co_await barrier.wait();
    } catch (const BrokenBarrierError& error) {
        message = error.what();
    }
    REQUIRE(rondo::get_running_loop().metrics().turns == turns); // no wait
    REQUIRE_THAT(message, Catch::Matchers::Contains("rondo: the barrier is broken"));
}

TEST_CASE("abort() while a barrier drains breaks those inside and those at the entrance",
          "[sync][barrier][b380]") {
    run_in_order([]() -> Coro<> {
        Barrier barrier(3);
        Indices passed;
        std::vector<Task<>> tasks;
        co_await add_waiters(barrier, passed, tasks, 2);
        tasks.push_back(create_task(pass(barrier, passed))); // runs before those it lets go,
        tasks.push_back(create_task(pass(barrier, passed))); // and these come to the entrance
        tasks.push_back(create_task(pass(barrier, passed)));
        co_await sleep(0s);
        REQUIRE(passed == Indices{2});
        REQUIRE(barrier.n_waiting() == 0);
        barrier.abort();
        co_await let_others_run();
        REQUIRE(passed == Indices{2});
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            CAPTURE(i);
            CHECK(tasks[i].done());
            CHECK(failed_with<BrokenBarrierError>(tasks[i]) == (i != 2));
        }
    });
}

ASYNC_TEST_CASE("reset() makes an aborted barrier usable again", "[sync][barrier][b380]") {
    Barrier barrier(2);
    Indices passed;
    std::vector<Task<>> tasks;
    co_await add_waiters(barrier, passed, tasks, 1);
    barrier.abort();
    barrier.reset();
    REQUIRE_FALSE(barrier.broken());
    co_await rondo::gather(pass(barrier, passed), pass(barrier, passed));
    REQUIRE(passed.size() == 2);
    co_await end_of(tasks[0]);
    REQUIRE(failed_with<BrokenBarrierError>(tasks[0]));
}

ASYNC_TEST_CASE("who is cancelled in the turn of reset() or abort() is cancelled",
                "[sync][barrier][cancel]") {
    Indices passed;
    for (const bool aborts : {false, true}) {
        for (const bool cancel_first : {false, true}) {
            Barrier barrier(2);
            std::vector<Task<>> tasks;
            co_await add_waiters(barrier, passed, tasks, 1);
            if (cancel_first) {
                tasks[0].cancel("leaves");
            }
            aborts ? barrier.abort() : barrier.reset();
            if (!cancel_first) {
                tasks[0].cancel("leaves");
            }
            co_await end_of(tasks[0]);
            REQUIRE(cancel_message(tasks[0]) == "leaves");
        }
    }
    REQUIRE(passed.empty());
}

ASYNC_TEST_CASE("a task with a cancellation pending does not count as a party",
                "[sync][barrier][cancel]") {
    Barrier barrier(2);
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel();
        [[maybe_unused]] const std::size_t index = co_await barrier.wait();
        FAIL_CHECK("was not cancelled");
    };
    auto task = create_task(body());
    co_await end_of(task);
    REQUIRE(task.cancelled());
    REQUIRE(barrier.n_waiting() == 0);
}

TEST_CASE("a loop that is closed on the parties of a barrier empties it", "[sync][barrier]") {
    Barrier barrier(3);
    Indices passed;
    const LeakCheck leaks;
    const auto party = [&](Tracked luggage) -> Coro<> {
        co_await pass(barrier, passed);
        CHECK(luggage.number() == 1);
    };
    const auto two = [&]() -> Coro<> {
        (void)create_task(party(Tracked(1)));
        (void)create_task(party(Tracked(1)));
        co_await let_others_run();
    };
    run_and_close(two, [&] { REQUIRE(barrier.n_waiting() == 2); });
    REQUIRE(barrier.n_waiting() == 0);
    run_and_close(two, [&] { barrier.reset(); }); // they do not run any more
    REQUIRE(passed.empty());
    run_in_order([&]() -> Coro<> {
        co_await rondo::gather(pass(barrier, passed), pass(barrier, passed), pass(barrier, passed));
    });
    REQUIRE(passed.size() == 3);
}

ASYNC_TEST_CASE("a barrier that dies leaves its waiters, who can be cancelled",
                "[sync][barrier][cancel]") {
    Indices passed;
    std::vector<Task<>> tasks;
    {
        Barrier barrier(3);
        co_await add_waiters(barrier, passed, tasks, 2);
    }
    for (const Task<>& task : tasks) {
        REQUIRE_FALSE(task.done());
        task.cancel();
        co_await end_of(task);
        REQUIRE(task.cancelled());
    }
    REQUIRE(passed.empty());
}

ASYNC_TEST_CASE("a barrier allocates nothing", "[sync][barrier]") {
    Barrier barrier(2);
    std::size_t allocations = 0;
    const auto party = [&](bool counts) -> Coro<> {
        for (int i = 0; i < 100; ++i) {
            if (counts && i == 10) {
                allocations = allocation_count();
            }
            [[maybe_unused]] const std::size_t index = co_await barrier.wait();
            if (counts && i == 90) {
                allocations = allocation_count() - allocations;
            }
        }
    };
    co_await rondo::gather(party(true), party(false));
    REQUIRE(allocations == 0);
}

TEST_CASE("a barrier holds a hundred thousand parties back, twice", "[sync][barrier][slow]") {
    run_in_order([]() -> Coro<> {
        constexpr std::size_t count = 100'000;
        Barrier barrier(count);
        std::vector<bool> seen(count, false);
        std::size_t passed = 0;
        const auto party = [&]() -> Coro<> {
            for (int round = 0; round < 2; ++round) {
                const std::size_t index = co_await barrier.wait();
                seen[index] = round == 0;
                ++passed;
            }
        };
        std::vector<Coro<>> parties;
        for (std::size_t i = 0; i < count; ++i) {
            parties.push_back(party());
        }
        co_await rondo::gather(std::move(parties));
        REQUIRE(passed == 2 * count);
        REQUIRE(std::count(seen.begin(), seen.end(), true) == 0); // every index came twice
    });
}

namespace {

/// Three parties meet three times; a referee resets what is stuck because the victim has left.
struct ThreeParties {
    Barrier barrier{3};
    int meetings = 0;
    int broken = 0;
    int running = 2;

    Coro<> victim() {
        const Tracked luggage;
        co_await meet();
    }
    Coro<> others() { co_await rondo::gather(other(), other(), referee()); }
    void check(const Task<>& task) const {
        REQUIRE(barrier.n_waiting() == 0);
        REQUIRE_FALSE(barrier.broken());
        REQUIRE((meetings == 9 || task.cancelled()));
        REQUIRE((broken == 0 || task.cancelled()));
    }

private:
    Coro<> meet() {
        for (int i = 0; i < 3; ++i) {
            [[maybe_unused]] const std::size_t index = co_await barrier.wait();
            ++meetings;
            co_await sleep(i == 1 ? 1ms : 0ms);
        }
    }
    Coro<> other() {
        const rondo::detail::ScopeExit gone([this] { --running; });
        try {
            co_await meet();
        } catch (const BrokenBarrierError&) {
            ++broken;
        }
    }
    Coro<> referee() {
        while (running > 0) {
            co_await sleep(20ms);
            barrier.reset();
        }
    }
};

} // namespace

TEST_CASE("wherever a party is cancelled the barrier is not left in disorder",
          "[sync][barrier][cancel][sweep]") {
    const SweepReport report = cancel_everywhere<ThreeParties>();
    REQUIRE(report.moments >= 4);
    REQUIRE(report.cancelled >= report.moments);
}
