// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Claims about large numbers: constant stack, a hundred thousand of everything, no allocation for a
// suspension.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <pthread.h>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../base/allocations.hpp"
#include "support/async_test.hpp"
#include "support/checked_wait.hpp"
#include "support/tracked.hpp"

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

// Runs a function on a thread with a small stack: what grows with the number of awaits would
// overflow it.
template <class F>
void on_small_stack(F function) {
    // The sanitizers' frames and thread-local data are larger.
    constexpr std::size_t size = (RONDO_SANITIZED ? 512U : 64U) * 1024U;
    struct Call {
        F& function;
        std::exception_ptr error;
    } call{function, nullptr};
    pthread_attr_t attributes;
    REQUIRE(::pthread_attr_init(&attributes) == 0);
    REQUIRE(::pthread_attr_setstacksize(&attributes, size) == 0);
    pthread_t thread{};
    const auto start = [](void* argument) -> void* {
        auto& self = *static_cast<Call*>(argument);
        try {
            self.function();
        } catch (...) {
            self.error = std::current_exception();
        }
        return nullptr;
    };
    REQUIRE(::pthread_create(&thread, &attributes, start, &call) == 0);
    ::pthread_join(thread, nullptr);
    ::pthread_attr_destroy(&attributes);
    if (call.error != nullptr) {
        std::rethrow_exception(call.error);
    }
}

// Where the stack is now.
[[gnu::noinline]] std::uintptr_t stack_pointer() {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

// The lowest and the highest place of the stack that was seen.
struct StackUse {
    void note() {
        const std::uintptr_t here = stack_pointer();
        lowest = here < lowest ? here : lowest;
        highest = here > highest ? here : highest;
    }
    [[nodiscard]] std::size_t range() const { return highest - lowest; }

    std::uintptr_t lowest = UINTPTR_MAX;
    std::uintptr_t highest = 0;
};

Coro<int> one(StackUse& stack) {
    stack.note();
    co_return 1;
}

Coro<int> through(StackUse& stack) {
    const int value = co_await one(stack);
    co_return value;
}

Coro<std::int64_t> add_up(std::int64_t count, StackUse& stack) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const int value = co_await one(stack);
        sum += value;
    }
    co_return sum;
}

Coro<std::int64_t> add_up_through(std::int64_t count, StackUse& stack) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const int value = co_await through(stack);
        sum += value;
    }
    co_return sum;
}

Coro<std::int64_t> add_up_ready(std::int64_t count, StackUse& stack) {
    const Future<int> ready;
    ready.set_result(1);
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const int value = co_await ready;
        sum += value;
        stack.note();
    }
    co_return sum;
}

// Each suspends once, and then awaits the next: nobody is on the stack of another.
Coro<std::int64_t> link(std::int64_t left, StackUse& stack, bool fails) {
    co_await sleep(0s);
    stack.note();
    if (left == 0) {
        if (fails) {
            throw std::runtime_error("at the bottom");
        }
        co_return 0;
    }
    const std::int64_t below = co_await link(left - 1, stack, fails);
    stack.note();
    co_return below + 1;
}

Coro<int> next_in_line(Task<int> before) {
    const int value = co_await before;
    co_return value + 1;
}

} // namespace

TEST_CASE("ten million synchronous awaits in a loop take constant stack", "[core][coro][slow]") {
    constexpr std::int64_t count = 10'000'000;
    StackUse stack;
    std::int64_t sum = 0;
    on_small_stack([&] { sum = rondo::testing::run(add_up(count, stack)); });
    REQUIRE(sum == count);
    REQUIRE(stack.range() == 0);
}

TEST_CASE("so do awaits of Coros that await others, and of what is ready", "[core][coro][slow]") {
    constexpr std::int64_t count = 1'000'000;
    StackUse through_others;
    StackUse ready;
    std::int64_t sum = 0;
    on_small_stack([&] {
        sum += rondo::testing::run(add_up_through(count, through_others));
        sum += rondo::testing::run(add_up_ready(count, ready));
    });
    REQUIRE(sum == 2 * count);
    REQUIRE(through_others.range() == 0);
    REQUIRE(ready.range() == 0);
}

TEST_CASE("a chain of a million Coros that each suspended unwinds on constant stack",
          "[core][coro][slow]") {
    constexpr std::int64_t count = 1'000'000;
    StackUse stack;
    std::int64_t sum = 0;
    on_small_stack([&] { sum = rondo::testing::run(link(count, stack, false)); });
    REQUIRE(sum == count);
    REQUIRE(stack.range() < 1024);
}

TEST_CASE("so does an exception that goes up such a chain", "[core][coro][slow]") {
    constexpr std::int64_t count = 100'000;
    StackUse stack;
    std::string caught;
    on_small_stack([&] {
        try {
            rondo::testing::run(link(count, stack, true));
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
    });
    REQUIRE(caught == "at the bottom");
    REQUIRE(stack.range() < 1024);
}

TEST_CASE("a hundred thousand tasks that await one another are cancelled from the last",
          "[core][cancel][slow]") {
    static constexpr int count = 100'000;
    int cancelled = 0;
    on_small_stack([&] {
        rondo::testing::run([&]() -> Coro<> {
            const Future<int> first;
            const auto begin = [](Future<int> future) -> Coro<int> { co_return co_await future; };
            std::vector<Task<int>> tasks;
            tasks.push_back(create_task(begin(first)));
            for (int i = 1; i < count; ++i) {
                tasks.push_back(create_task(next_in_line(tasks.back())));
            }
            co_await let_others_run();
            CHECK(tasks.back().cancel("the last"));
            CHECK(first.cancelled()); // at once, all the way down
            while (!tasks.back().done()) {
                co_await sleep(0s);
            }
            for (const Task<int>& task : tasks) {
                cancelled += task.cancelled();
            }
        });
    });
    REQUIRE(cancelled == count);
}

TEST_CASE("a hundred thousand tasks that await one another pass a result on",
          "[core][task][slow]") {
    static constexpr int count = 100'000;
    int result = 0;
    on_small_stack([&] {
        result = rondo::testing::run([]() -> Coro<int> {
            const auto begin = []() -> Coro<int> { co_return 1; };
            Task<int> last = create_task(begin());
            for (int i = 1; i < count; ++i) {
                last = create_task(next_in_line(last));
            }
            const int value = co_await last;
            co_return value;
        });
    });
    REQUIRE(result == count);
}

TEST_CASE("a hundred thousand tasks await one future", "[core][future][slow]") {
    LeakCheck leaks;
    static constexpr int count = 100'000;
    rondo::testing::run([]() -> Coro<> {
        const Future<Tracked> future;
        int woken = 0;
        const auto wait = [](Future<Tracked> awaited, int& counter) -> Coro<> {
            const Tracked value = co_await awaited;
            counter += value.number();
        };
        std::vector<Task<>> tasks;
        tasks.reserve(count);
        for (int i = 0; i < count; ++i) {
            tasks.push_back(create_task(wait(future, woken)));
        }
        co_await let_others_run();
        future.set_result(Tracked(1));
        for (const Task<>& task : tasks) {
            co_await task;
        }
        REQUIRE(woken == count);
    });
}

TEST_CASE("a hundred thousand tasks are cancelled while they wait", "[core][cancel][slow]") {
    LeakCheck leaks;
    static constexpr int count = 100'000;
    rondo::testing::run([]() -> Coro<> {
        CheckedWait wait;
        const auto body = [&wait](Tracked /*parameter*/) -> Coro<> { co_await wait.wait(); };
        std::vector<Task<>> tasks;
        tasks.reserve(count);
        for (int i = 0; i < count; ++i) {
            tasks.push_back(create_task(body(Tracked(i))));
        }
        co_await let_others_run();
        for (const Task<>& task : tasks) {
            task.cancel();
        }
        while (rondo::all_tasks().size() > 1) {
            co_await let_others_run();
        }
        int cancelled = 0;
        for (const Task<>& task : tasks) {
            cancelled += task.cancelled();
        }
        REQUIRE(cancelled == count);
        REQUIRE(wait.nobody_waits());
    });
}

// Allocations. Sanitizer builds bypass the pool of frames, so that they allocate each.
#if !RONDO_SANITIZED

namespace {

Coro<int> three_deep(CheckedWait& wait, int depth) {
    if (depth == 0) {
        co_await sleep(1ms);
        co_return 1;
    }
    const int below = co_await three_deep(wait, depth - 1);
    co_return below + 1;
}

Coro<int> give(int value) {
    co_return value;
}

Coro<> suspend_in_every_way(int rounds) {
    for (int i = 0; i < rounds; ++i) {
        co_await sleep(0s);
        co_await sleep(1ms);
        CheckedWait wait;
        const int depth = co_await three_deep(wait, 3);
        const int value = co_await create_task(give(depth));
        const Future<int> future;
        rondo::get_running_loop().call_soon([future] { future.set_result(1); });
        const int result = co_await future;
        auto cancelled = create_task(three_deep(wait, 2));
        co_await sleep(0s);
        cancelled.cancel();
        co_await sleep(0s);
        if (value + result != 5) {
            throw std::logic_error("wrong sum");
        }
    }
}

} // namespace

TEST_CASE("suspending, awaiting and cancelling make no trip to operator new once warm",
          "[core][allocation]") {
    std::size_t allocations = 0;
    run_in_order([&]() -> Coro<> {
        co_await suspend_in_every_way(10);
        const std::size_t before = allocation_count();
        co_await suspend_in_every_way(100);
        allocations = allocation_count() - before;
    });
    REQUIRE(allocations == 0);
}

TEST_CASE("a promise is two words without its result, a Coro one", "[core][coro][allocation]") {
    if (RONDO_TRACK_LOCATIONS == 0) {
        REQUIRE(sizeof(rondo::detail::PromiseBase) == 2 * sizeof(void*));
        REQUIRE(sizeof(Coro<>::promise_type) == 2 * sizeof(void*));
    }
    REQUIRE(sizeof(Coro<>) == sizeof(void*));
    REQUIRE(sizeof(Task<>) == sizeof(void*));
    REQUIRE(sizeof(Future<>) == sizeof(void*));
}

#endif
