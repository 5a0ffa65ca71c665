// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Programs drawn at random from everything that composes: gathers, limits, tasks, permits, futures,
// failures, answers, cancellations from outside. What they do is nobody's business; how they end is
// checked at every node: nothing that was started outlives the await that started it, no limit and
// no failure escapes as a cancellation, and a cancellation from outside ends the program at once.

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/gather.hpp>
#include <rondo/io/operation.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::gather;
using rondo::sleep;
using rondo::Task;
using rondo::wait_for;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

struct Broken : std::runtime_error {
    Broken() : std::runtime_error("broken") {}
};

/// Which programs are drawn.
struct Kind {
    bool answers = false; ///< nodes catch cancellations, clean up and may go on
    bool strikes = false; ///< nodes are cancelled by others than those that await them
};

class Program {
public:
    Program(std::uint64_t seed, Kind kind) : random_(seed), kind_(kind) {}

    /// Whatever is drawn, `depth` levels of it at most. `alive` counts the nodes that run.
    Coro<int> node(int depth, int& alive) {
        const Tracked luggage(depth);
        ++alive;
        const rondo::detail::ScopeExit gone([&alive] { --alive; });
        ++nodes;
        int value = 0;
        if (depth == 0 || one_in(8)) {
            value = co_await leaf();
        } else {
            value = co_await branch(depth - 1);
        }
        trace += ')';
        co_return value + luggage.number();
    }

    /// Sets futures, and strikes if it may, until `root` is done.
    Coro<> world(const Task<int>& root) {
        while (!root.done()) {
            co_await sleep(100us + up_to(3) * 1ms);
            if (!futures_.empty()) {
                const auto future = std::move(futures_.back());
                futures_.pop_back();
                if (!future.done() && one_in(4)) {
                    future.set_exception(Broken());
                } else {
                    future.try_set_result(1);
                }
            }
            const std::vector<rondo::TaskRef> tasks = rondo::all_tasks();
            const auto chosen = static_cast<std::size_t>(up_to(20));
            if (kind_.strikes && chosen > 2 && chosen < tasks.size()) { // not main, root or this
                tasks[chosen].cancel("struck");
            }
        }
    }

    [[nodiscard]] int up_to(int most) {
        return std::uniform_int_distribution<int>(0, most)(random_);
    }
    [[nodiscard]] bool one_in(int n) { return up_to(n - 1) == 0; }

    rondo::Semaphore semaphore{2};
    std::string trace;
    int nodes = 0;
    int outlived = 0; // nodes that ran when the node that awaited them had ended

private:
    Coro<int> leaf() {
        const int what = up_to(9);
        trace += static_cast<char>('0' + what);
        if (what == 0) {
            co_return 1;
        }
        if (what == 1) {
            throw Broken();
        }
        if (what == 2) {
            co_await rondo::io::nop();
        } else if (what == 3) {
            co_await sleep(0s);
        } else if (what == 4) {
            const rondo::Future<int> future;
            futures_.push_back(future);
            co_return co_await future;
        } else if (what <= 6) {
            auto permit = co_await semaphore.acquire();
            co_await sleep(up_to(2) * 1ms);
        } else if (what == 7) {
            co_await sleep(30ms);
        } else {
            co_await sleep(up_to(5) * 1ms);
        }
        co_return 0;
    }

    Coro<int> branch(int depth) {
        const int what = up_to(kind_.answers ? 10 : 6);
        trace += static_cast<char>('a' + what);
        int children = 0;
        const rondo::detail::ScopeExit count([&] { outlived += children; });
        if (what == 0) {
            auto all = co_await gather(node(depth, children), node(depth, children));
            co_return std::get<0>(all) + std::get<1>(all);
        }
        if (what == 1) {
            std::vector<Coro<int>> coros;
            for (int i = up_to(3); i > 0; --i) {
                coros.push_back(node(depth, children));
            }
            const std::vector<int> all = co_await gather(std::move(coros));
            co_return static_cast<int>(all.size());
        }
        if (what == 2) {
            auto all = co_await gather(rondo::return_exceptions, node(depth, children),
                                       node(depth, children), sleep(1ms));
            co_return std::get<0>(all).has_value() ? 1 : 0;
        }
        if (what == 3 || what == 4) {
            const auto limit = up_to(6) * 1ms;
            if (what == 3) {
                co_return co_await wait_for(node(depth, children), limit);
            }
            try {
                co_return co_await wait_for(create_task(node(depth, children)), limit);
            } catch (const rondo::TimeoutError&) {
                co_return 1;
            }
        }
        if (what == 5) {
            auto task = create_task(node(depth, children));
            co_return co_await task;
        }
        if (what == 6) {
            auto task = create_task(node(depth, children));
            auto all = co_await gather(task, node(depth, children), task);
            co_return std::get<2>(all);
        }
        if (what == 7) {
            auto outcome = co_await rondo::as_result(node(depth, children));
            co_return outcome.has_value() ? 1 : 0;
        }
        if (what == 8) {
            auto task = create_task(node(depth, children));
            auto outcome = co_await rondo::as_result(task);
            co_return outcome.cancelled() ? 1 : 0;
        }
        std::exception_ptr cancelled;
        try {
            co_await node(depth, children);
        } catch (const CancelledError&) {
            cancelled = std::current_exception();
        }
        co_await sleep(up_to(2) * 1ms); // cleans up
        if (cancelled != nullptr && what == 9) {
            std::rethrow_exception(cancelled);
        }
        if (kind_.strikes && one_in(8)) {
            rondo::current_task().cancel("self");
        }
        co_return 0;
    }

    std::mt19937_64 random_;
    Kind kind_;
    std::vector<rondo::Future<int>> futures_;
};

/// What came of a number of programs.
struct Tally {
    int programs = 0;
    int nodes = 0;
    int values = 0;
    int failures = 0;
    int timeouts = 0;
    int cancellations = 0;
};

Coro<> run_program(std::uint64_t seed, Kind kind, bool cancelled_from_outside, Tally& tally) {
    Program program(seed, kind);
    int alive = 0;
    auto root = create_task(program.node(4, alive));
    auto world = create_task(program.world(root));
    std::optional<rondo::Clock::time_point> cancelled_at;
    if (cancelled_from_outside) {
        co_await sleep(program.up_to(8) * 1ms);
        for (int turns = program.up_to(4); turns > 0; --turns) {
            co_await sleep(0s);
        }
        if (root.cancel("outside")) {
            cancelled_at = rondo::get_running_loop().time();
        }
    }
    char outcome = 'v';
    try {
        [[maybe_unused]] const int value = co_await root;
        ++tally.values;
    } catch (const CancelledError&) {
        outcome = 'c';
        ++tally.cancellations;
    } catch (const rondo::TimeoutError&) {
        outcome = 't';
        ++tally.timeouts;
    } catch (const Broken&) {
        outcome = 'b';
        ++tally.failures;
    }
    const auto ended_at = rondo::get_running_loop().time();
    co_await world;
    ++tally.programs;
    tally.nodes += program.nodes;
    CAPTURE(seed, kind.answers, kind.strikes, cancelled_from_outside, outcome, program.trace);
    CHECK(alive == 0);
    CHECK(program.outlived == 0);
    CHECK(program.semaphore.value() == 2);
    CHECK_FALSE(program.semaphore.locked());
    CHECK(rondo::all_tasks().size() == 1);
    CHECK(rondo::get_running_loop().metrics().timers == 0);
    CHECK(rondo::current_task().cancelling() == 0);
    if (!kind.strikes) {
        // Requests of limits have been withdrawn, and none came out as a cancellation.
        CHECK(root.cancelling() == (cancelled_at ? 1 : 0));
        CHECK((outcome != 'c' || cancelled_at));
    }
    if (cancelled_at && !kind.answers) {
        CHECK(ended_at == *cancelled_at); // nobody cleans up, and nobody goes on
    }
}

Tally run_programs(std::uint64_t first_seed, int count, Kind kind) {
    Tally tally;
    const LeakCheck leaks;
    const auto all = [&]() -> Coro<> {
        for (int i = 0; i < count; ++i) {
            co_await run_program(first_seed + static_cast<std::uint64_t>(i), kind, i % 2 == 1,
                                 tally);
        }
    };
    rondo::testing::run(all);
    return tally;
}

constexpr Kind plain{};
constexpr Kind answering{.answers = true};
constexpr Kind striking{.answers = true, .strikes = true};

} // namespace

TEST_CASE("random programs end as a whole", "[composition][gather][wait_for][cancel][random]") {
    const Tally tally = run_programs(1, 200, plain);
    CHECK(tally.nodes > 2 * tally.programs);
    CHECK(tally.values > 0);
    CHECK(tally.failures > 0);
    CHECK(tally.timeouts > 0);
    CHECK(tally.cancellations > 0);
}

TEST_CASE("random programs that answer cancellations end as a whole",
          "[composition][gather][wait_for][cancel][random]") {
    const Tally tally = run_programs(1'001, 200, answering);
    CHECK(tally.values > 0);
    CHECK(tally.cancellations > 0);
}

TEST_CASE("random programs whose tasks are cancelled one by one end as a whole",
          "[composition][gather][wait_for][cancel][random]") {
    const Tally tally = run_programs(2'001, 200, striking);
    CHECK(tally.values > 0);
    CHECK(tally.cancellations > 0);
}

TEST_CASE("thousands of random programs end as a whole",
          "[composition][gather][wait_for][cancel][random][slow]") {
    for (const Kind kind : {plain, answering, striking}) {
        const Tally tally = run_programs(10'000, 5'000, kind);
        CHECK(tally.programs == 5'000);
    }
}
