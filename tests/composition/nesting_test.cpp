// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Every combinator inside every other, cancelled at every moment.

#include <rondo/create_task.hpp>
#include <rondo/gather.hpp>
#include <rondo/race.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task_group.hpp>
#include <rondo/timeout.hpp>

#include "composition/cancel_sweep.hpp"
#include "composition/outcomes.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

using rondo::Coro;
using rondo::create_task;
using rondo::sleep;
using rondo::Task;
using rondo::TaskGroup;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

using Make = std::function<Coro<>()>;

/// A combinator around what `make` makes; each ends if that does, and waits for it.
struct Combinator {
    const char* name;
    Coro<> (*around)(Make make);
};

Coro<> in_gather(Make make) {
    co_await rondo::gather(make(), nap(1ms), make());
}
Coro<> in_settled_gather(Make make) {
    auto all = co_await rondo::gather(rondo::return_exceptions, make(), make());
    auto& [first, second] = all;
    first.value();
    second.value();
}
Coro<> in_race(Make make) {
    co_await rondo::race(make(), nap(1h), make());
}
Coro<> in_group_body(Make make) {
    const auto body = [&make](TaskGroup& group) -> Coro<> {
        group.create_task(nap(1ms));
        co_await make();
    };
    co_await rondo::task_group(body);
}
Coro<> in_group_child(Make make) {
    const auto body = [&make](TaskGroup& group) -> Coro<> {
        group.create_task(make());
        group.create_task(make(), rondo::TaskOptions{.eager_start = true});
        co_return;
    };
    co_await rondo::task_group(body);
}
Coro<> in_wait_for(Make make) {
    co_await rondo::wait_for(make(), 1h);
}
Coro<> in_wait_for_task(Make make) {
    co_await rondo::wait_for(create_task(make()), 1h);
}
Coro<> in_timeout(Make make) {
    co_await rondo::timeout(1h, make);
}
Coro<> in_move_on_after(Make make) {
    auto in_time = co_await rondo::move_on_after(1h, make());
    CHECK(in_time.has_value());
}
Coro<> in_short_limit(Make make) {
    co_await rondo::move_on_after(1ms, make()); // runs out within
}

constexpr Combinator combinators[] = {
    {"gather", in_gather},
    {"gather(return_exceptions)", in_settled_gather},
    {"race", in_race},
    {"the body of a group", in_group_body},
    {"children of a group", in_group_child},
    {"wait_for", in_wait_for},
    {"wait_for of a task", in_wait_for_task},
    {"timeout", in_timeout},
    {"move_on_after", in_move_on_after},
    {"a limit that runs out", in_short_limit},
};

Coro<> fail_at_work() {
    const Tracked luggage;
    co_await sleep(0s);
    throw Broken("at work");
}

// Scenarios have no parameters.
const Combinator* outer = nullptr;
const Combinator* inner = nullptr;

struct Nested {
    rondo::Semaphore semaphore{1};
    int begun = 0;
    int ended = 0;
    bool finished = false;

    Coro<> victim() {
        const Make leaf = [this] { return work(); };
        const Make nested = [&leaf] { return inner->around(leaf); };
        co_await outer->around(nested);
        CHECK(begun > 0);
        CHECK(begun == ended); // nothing runs on behind it
        finished = true;
    }
    static Coro<> others() { co_await sleep(0s); }
    void check(const Task<>& task) const {
        CAPTURE(outer->name, inner->name);
        REQUIRE(begun == ended);
        REQUIRE(semaphore.value() == 1);
        REQUIRE((finished || task.cancelled()));
    }

private:
    Coro<> work() {
        const Running running(*this);
        auto permit = co_await semaphore.acquire();
        co_await sleep(1ms);
    }

    struct Running {
        explicit Running(Nested& all) : nested(all) { ++nested.begun; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() { ++nested.ended; }
        Nested& nested;
        Tracked luggage;
    };
};

void sweep_within(std::size_t which) {
    outer = &combinators[which];
    for (const Combinator& each : combinators) {
        inner = &each;
        CAPTURE(outer->name, inner->name);
        const SweepReport report = cancel_everywhere<Nested>();
        CHECK(report.moments >= 2);
        CHECK(report.cancelled >= report.moments);
    }
}

} // namespace

TEST_CASE("whatever is inside a combinator, it can be cancelled anywhere",
          "[composition][gather][race][task_group][timeout][nested][cancel][sweep][slow]") {
    for (std::size_t which = 0; which < std::size(combinators); ++which) {
        sweep_within(which);
    }
}

TEST_CASE("whatever fails inside two combinators comes out, and nothing is left behind",
          "[composition][gather][race][task_group][timeout][nested]") {
    const LeakCheck leaks;
    for (const Combinator& out : combinators) {
        for (const Combinator& in : combinators) {
            std::string outcome;
            const auto program = [&]() -> Coro<> {
                const Make leaf = [] { return fail_at_work(); };
                const Make nested = [&] { return in.around(leaf); };
                outcome = co_await outcome_of(out.around(nested));
                REQUIRE(rondo::all_tasks().size() == 1);
                REQUIRE(rondo::current_task().cancelling() == 0);
                co_await sleep(1s); // nothing is pending
            };
            rondo::testing::run(program);
            CAPTURE(out.name, in.name, outcome);
            REQUIRE_THAT(outcome, Catch::Matchers::Contains("at work"));
        }
    }
}
