// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The children of a task group end with its block: after it, all have. If one fails, the others are
// cancelled, and the failures are thrown together as an ExceptionGroup. handle() is Python's
// except*; what it has not handled must be thrown on.
//
//   asyncio                                       | $ 10_task_group
//   async with asyncio.TaskGroup() as group:      | results: 1 and 2
//       one = group.create_task(fetch(1))         | fetch 1 is cancelled: sibling_failed
//       two = group.create_task(fetch(2))         | caught: no 13 here
//   print(one.result(), two.result())             |
//   try:                                          |
//       async with asyncio.TaskGroup() as group:  |
//           group.create_task(fetch(1))           |
//           group.create_task(fetch(13))          |
//   except* ValueError as group:                  |
//       for error in group.exceptions:            |
//           print("caught:", error)               |

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<int> fetch(int number) {
    if (number == 13) {
        throw std::invalid_argument("no 13 here");
    }
    try {
        co_await rondo::sleep(50ms);
    } catch (const rondo::CancelledError& cancelled) {
        std::printf("fetch %d is cancelled: %s\n", number, rondo::to_string(cancelled.reason()));
        throw;
    }
    co_return number;
}

rondo::Coro<> both_succeed() {
    using Tasks = std::pair<rondo::Task<int>, rondo::Task<int>>;
    const Tasks tasks =
        co_await rondo::task_group([](rondo::TaskGroup& group) -> rondo::Coro<Tasks> {
            auto one = group.create_task(fetch(1));
            auto two = group.create_task(fetch(2));
            co_return Tasks(one, two);
        });
    std::printf("results: %d and %d\n", tasks.first.result(), tasks.second.result());
}

rondo::Coro<> one_fails() {
    try {
        co_await rondo::task_group([](rondo::TaskGroup& group) -> rondo::Coro<> {
            group.create_task(fetch(1));
            group.create_task(fetch(13));
            co_return;
        });
    } catch (const rondo::ExceptionGroup& group) {
        const auto rest = group.handle<std::invalid_argument>(
            [](const std::invalid_argument& error) { std::printf("caught: %s\n", error.what()); });
        if (rest) {
            throw *rest;
        }
    }
}

rondo::Coro<> both_groups() {
    co_await both_succeed();
    co_await one_fails();
}

int main() {
    rondo::run(both_groups());
}
