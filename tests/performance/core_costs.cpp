// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Coroutines, tasks and futures.

#include <chrono>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include <rondo/rondo.hpp>

#include "costs.hpp"

using namespace std::chrono_literals;

namespace {

[[gnu::noinline]] rondo::Coro<int> nested(int depth) {
    if (depth <= 1) {
        co_return 1;
    }
    const int below = co_await nested(depth - 1);
    co_return below + 1;
}

template <int depth>
rondo::Coro<> await_nested(int operations) {
    for (int i = 0; i < operations; ++i) {
        const int value = co_await nested(depth);
        costs::keep(value);
    }
}

[[gnu::noinline]] rondo::Coro<int> fail(int depth) {
    if (depth <= 1) {
        throw std::runtime_error("on purpose");
    }
    const int below = co_await fail(depth - 1);
    co_return below + 1;
}

template <int depth>
rondo::Coro<> throw_through(int operations) {
    for (int i = 0; i < operations; ++i) {
        try {
            const int value = co_await fail(depth);
            costs::keep(value);
        } catch (const std::runtime_error& error) {
            costs::keep(error);
        }
    }
}

[[gnu::noinline]] rondo::Coro<> nothing() {
    co_return;
}

rondo::Coro<> spawn_one(int operations) {
    for (int i = 0; i < operations; ++i) {
        const auto task = rondo::create_task(nothing());
        co_await task;
    }
}

template <int size>
rondo::Coro<> spawn_crowds(int operations) {
    for (int done = 0; done < operations; done += size) {
        std::vector<rondo::Task<>> tasks;
        tasks.reserve(size);
        for (int i = 0; i < size; ++i) {
            tasks.push_back(rondo::create_task(nothing()));
        }
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
    }
}

[[gnu::noinline]] rondo::Coro<> yielder(int times) {
    for (int i = 0; i < times; ++i) {
        co_await rondo::sleep(0s);
    }
}

template <int size>
rondo::Coro<> yield_in_turn(int operations) {
    std::vector<rondo::Task<>> tasks;
    for (int i = 0; i < size; ++i) {
        tasks.push_back(rondo::create_task(yielder(operations / size)));
    }
    for (const rondo::Task<>& task : tasks) {
        co_await task;
    }
}

rondo::Coro<> giver(std::optional<rondo::Future<int>>& wanted) {
    for (int i = 0; wanted.has_value(); ++i) {
        wanted->set_result(i);
        co_await rondo::sleep(0s);
    }
}

rondo::Coro<> hand_over_futures(int operations) {
    std::optional<rondo::Future<int>> wanted;
    wanted.emplace();
    // Runs once per turn and after the taker, which waits by then.
    const rondo::Task<> giving = rondo::create_task(giver(wanted));
    for (int i = 0; i < operations; ++i) {
        const int value = co_await *wanted;
        costs::keep(value);
        wanted.emplace();
    }
    wanted.reset();
    co_await giving;
}

[[gnu::noinline]] rondo::Coro<> sleeper() {
    co_await rondo::sleep(1h);
}

/// Made, begun, cancelled, ended and joined.
template <int size>
rondo::Coro<> cancel_sleepers(int operations) {
    for (int done = 0; done < operations; done += size) {
        std::vector<rondo::Task<>> tasks;
        tasks.reserve(size);
        for (int i = 0; i < size; ++i) {
            tasks.push_back(rondo::create_task(sleeper()));
        }
        co_await rondo::sleep(0s);
        for (const rondo::Task<>& task : tasks) {
            task.cancel();
        }
        for (const rondo::Task<>& task : tasks) {
            const rondo::Result<void> result = co_await rondo::as_result(task);
            if (!result.cancelled()) {
                throw std::logic_error("a task was not cancelled");
            }
        }
    }
}

constexpr costs::Case cases[] = {
    {"await_1", 4000, await_nested<1>},
    {"await_10", 1000, await_nested<10>},
    {"throw_through_1", 500, throw_through<1>},
    {"throw_through_10", 200, throw_through<10>},
    {"spawn_one", 4000, spawn_one},
    {"spawn_crowd_1000", 4000, spawn_crowds<1000>},
    {"yield_2", 8000, yield_in_turn<2>},
    {"yield_100", 8000, yield_in_turn<100>},
    {"future_hand_over", 4000, hand_over_futures},
    {"cancel_sleeper", 1000, cancel_sleepers<100>},
};

} // namespace

std::span<const costs::Case> costs::core_cases() {
    return cases;
}
