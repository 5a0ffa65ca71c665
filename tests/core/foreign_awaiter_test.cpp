// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/foreign_awaiter.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace foreign {

struct Broken : std::runtime_error {
    Broken() : std::runtime_error("broken") {}
};

// Keeps the handle for whoever wants to resume it.
struct Keep {
    std::coroutine_handle<>& handle;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) const noexcept { handle = awaiting; }
    [[nodiscard]] int await_resume() const noexcept { return 11; }
};

// Is ready, and says so with something that only converts to bool.
struct Ready {
    struct Yes {
        explicit operator bool() const { return true; }
    };
    [[nodiscard]] static Yes await_ready() noexcept { return {}; }
    static void await_suspend(std::coroutine_handle<> /*awaiting*/) { FAIL("it is ready"); }
    static int await_resume() noexcept { return 1; }
};

// Decides in await_suspend whether to suspend.
struct Maybe {
    bool suspends;
    std::coroutine_handle<>& handle;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        handle = awaiting;
        return suspends;
    }
    [[nodiscard]] int await_resume() const noexcept { return 2; }
};

// Transfers to some other coroutine: here to the awaiting one itself.
struct Transfer {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        return awaiting;
    }
    static int await_resume() noexcept { return 3; }
};

// Resumes from inside await_suspend.
struct AtOnce {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> awaiting) { awaiting.resume(); }
    static int await_resume() noexcept { return 4; }
};

struct ThrowsInSuspend {
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> /*awaiting*/) { throw Broken(); }
    static int await_resume() { return 0; }
};

struct ThrowsInReady {
    [[nodiscard]] static bool await_ready() { throw Broken(); }
    static void await_suspend(std::coroutine_handle<> /*awaiting*/) noexcept {}
    static int await_resume() { return 0; }
};

struct ThrowsInResume {
    std::coroutine_handle<>& handle;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) const noexcept { handle = awaiting; }
    [[nodiscard]] int await_resume() const { throw Broken(); }
};

// Resumes from a thread of its own.
class FromThread {
public:
    explicit FromThread(std::thread& thread) noexcept : thread_(thread) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) const {
        thread_ = std::thread([awaiting] { awaiting.resume(); });
    }
    [[nodiscard]] std::thread::id await_resume() const noexcept {
        return std::this_thread::get_id();
    }

private:
    std::thread& thread_;
};

// Has a member operator co_await.
struct WithMember {
    std::coroutine_handle<>& handle;
    Keep operator co_await() const noexcept { return Keep{handle}; }
};

// Has a free one, found by its namespace.
struct WithFree {
    int number;
};
struct FreeAwaiter {
    int number;
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> awaiting) { awaiting.resume(); }
    [[nodiscard]] int await_resume() const noexcept { return number; }
};
inline FreeAwaiter operator co_await(const WithFree& with) noexcept {
    return FreeAwaiter{with.number};
}

// An awaiter that must not be copied or moved, and counts.
class Immovable {
public:
    Immovable() = default;
    Immovable(const Immovable&) = delete;
    Immovable& operator=(const Immovable&) = delete;
    [[nodiscard]] bool await_ready() noexcept {
        ++calls_;
        return false;
    }
    void await_suspend(std::coroutine_handle<> awaiting) {
        ++calls_;
        awaiting.resume();
    }
    int await_resume() noexcept { return ++calls_; }

private:
    int calls_ = 0;
};

} // namespace foreign

ASYNC_TEST_CASE("a foreign awaiter is awaited, whatever its await_suspend returns",
                "[core][foreign]") {
    std::coroutine_handle<> handle;
    const auto keep = [&handle]() -> Coro<int> { co_return co_await foreign::Keep{handle}; };
    auto kept = create_task(keep());
    co_await let_others_run();
    REQUIRE_FALSE(kept.done());
    REQUIRE(kept.describe_wait() == "a foreign awaitable");
    handle.resume();
    REQUIRE_FALSE(kept.done()); // goes through the ready queue
    const int value = co_await kept;
    REQUIRE(value == 11);

    const int ready = co_await foreign::Ready();
    REQUIRE(ready == 1);
    const int not_suspended = co_await foreign::Maybe{false, handle};
    REQUIRE(not_suspended == 2);
    const auto maybe = [&handle]() -> Coro<int> {
        co_return co_await foreign::Maybe{true, handle};
    };
    auto suspended = create_task(maybe());
    co_await let_others_run();
    REQUIRE_FALSE(suspended.done());
    handle.resume();
    const int later = co_await suspended;
    REQUIRE(later == 2);
    const int transferred = co_await foreign::Transfer();
    REQUIRE(transferred == 3);
    const int at_once = co_await foreign::AtOnce();
    REQUIRE(at_once == 4);
}

ASYNC_TEST_CASE("operator co_await of foreign awaitables is found, member or free",
                "[core][foreign]") {
    std::coroutine_handle<> handle;
    const auto member = [&handle]() -> Coro<int> {
        co_return co_await foreign::WithMember{handle};
    };
    auto task = create_task(member());
    co_await let_others_run();
    handle.resume();
    const int of_member = co_await task;
    REQUIRE(of_member == 11);
    const int of_free = co_await foreign::WithFree{12};
    REQUIRE(of_free == 12);
    const foreign::WithFree named{13};
    const int of_named = co_await named;
    REQUIRE(of_named == 13);
}

ASYNC_TEST_CASE("a foreign awaiter that is a variable is used, not copied", "[core][foreign]") {
    foreign::Immovable awaiter;
    const int first = co_await awaiter;
    const int second = co_await awaiter;
    REQUIRE(first == 3);
    REQUIRE(second == 6);
}

ASYNC_TEST_CASE("a foreign awaiter may throw in each of its functions", "[core][foreign]") {
    int thrown = 0;
    try {
        co_await foreign::ThrowsInReady();
    } catch (const foreign::Broken&) {
        ++thrown;
    }
    try {
        co_await foreign::ThrowsInSuspend();
    } catch (const foreign::Broken&) {
        ++thrown;
    }
    std::coroutine_handle<> handle;
    const auto body = [&handle]() -> Coro<int> {
        co_return co_await foreign::ThrowsInResume{handle};
    };
    auto task = create_task(body());
    co_await let_others_run();
    handle.resume();
    try {
        co_await task;
    } catch (const foreign::Broken&) {
        ++thrown;
    }
    REQUIRE(thrown == 3);
}

TEST_CASE("a foreign awaiter may resume from another thread; the task goes on in its own",
          "[core][foreign][threads]") {
    const std::thread::id here = std::this_thread::get_id();
    rondo::run([here]() -> Coro<> {
        for (int i = 0; i < 100; ++i) {
            std::thread thread;
            const std::thread::id resumed = co_await foreign::FromThread(thread);
            thread.join();
            REQUIRE(resumed == here);
        }
    });
}

ASYNC_TEST_CASE("a cancellation waits for a foreign awaiter, and is delivered after it",
                "[core][foreign][cancel]") {
    std::coroutine_handle<> handle;
    std::string log;
    const auto body = [&]() -> Coro<> {
        const int value = co_await foreign::Keep{handle};
        log += std::to_string(value);
        co_await sleep(0s);
        log += " not reached";
    };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(task.cancel());
    co_await let_others_run();
    REQUIRE_FALSE(task.done());
    REQUIRE(log.empty());
    handle.resume();
    co_await let_others_run();
    REQUIRE(task.cancelled());
    REQUIRE(log == "11");
}

ASYNC_TEST_CASE("a cancelled task that returns from a foreign awaiter keeps its result",
                "[core][foreign][cancel]") {
    std::coroutine_handle<> handle;
    const auto body = [&]() -> Coro<int> { co_return co_await foreign::Keep{handle}; };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(task.cancel());
    handle.resume();
    const int value = co_await task;
    REQUIRE(value == 11);
    REQUIRE_FALSE(task.cancelled());
}

TEST_CASE("a task that waits on a foreign awaiter can be destroyed with its loop",
          "[core][foreign]") {
    LeakCheck leaks;
    std::coroutine_handle<> handle;
    rondo::EventLoop loop(rondo::testing::options());
    loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
    const auto body = [&handle](Tracked /*parameter*/) -> Coro<> {
        const Tracked local;
        co_await foreign::Keep{handle};
    };
    auto task = loop.create_task(body(Tracked()));
    loop.run_until_complete(let_others_run());
    REQUIRE(leaks.alive() == 2);
    loop.close();
    REQUIRE(leaks.alive() == 0);
    REQUIRE(task.cancelled());
}
