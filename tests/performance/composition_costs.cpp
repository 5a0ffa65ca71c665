// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Scopes and combinators. One operation is one child.

#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

#include "costs.hpp"

using namespace std::chrono_literals;

namespace {

[[gnu::noinline]] rondo::Coro<> nothing() {
    co_return;
}
[[gnu::noinline]] rondo::Coro<int> ready_soon() {
    co_await rondo::sleep(0s);
    co_return 1;
}

/// A limit that is not reached.
rondo::Coro<> wait_for(int operations) {
    for (int i = 0; i < operations; ++i) {
        const int value = co_await rondo::wait_for(ready_soon(), 1h);
        costs::keep(value);
    }
}

template <int size>
rondo::Coro<> gather(int operations) {
    for (int done = 0; done < operations; done += size) {
        std::vector<rondo::Coro<>> coros;
        coros.reserve(size);
        for (int i = 0; i < size; ++i) {
            coros.push_back(nothing());
        }
        co_await rondo::gather(std::move(coros));
    }
}

template <int size>
[[gnu::noinline]] rondo::Coro<> start_children(rondo::TaskGroup& group) {
    for (int i = 0; i < size; ++i) {
        group.create_task(nothing());
    }
    co_return;
}

template <int size>
rondo::Coro<> task_group(int operations) {
    for (int done = 0; done < operations; done += size) {
        co_await rondo::task_group(&start_children<size>);
    }
}

constexpr costs::Case cases[] = {
    {"wait_for_ready", 4000, wait_for},    {"gather_1000", 4000, gather<1000>},
    {"gather_2", 4000, gather<2>},         {"task_group_1000", 4000, task_group<1000>},
    {"task_group_2", 4000, task_group<2>},
};

} // namespace

std::span<const costs::Case> costs::composition_cases() {
    return cases;
}
