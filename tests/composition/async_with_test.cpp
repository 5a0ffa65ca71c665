// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/async_with.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "composition/cancel_sweep.hpp"
#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <concepts>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using rondo::async_with;
using rondo::AsyncContextManager;
using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

/// "value", "cancelled", or what() of an exception.
std::string text_of(const std::exception_ptr& error) {
    if (error == nullptr) {
        return "value";
    }
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError&) {
        return "cancelled";
    } catch (const std::exception& exception) {
        return exception.what();
    }
}

template <rondo::Awaitable A>
Coro<std::string> outcome_of(A awaitable) {
    auto outcome = co_await rondo::as_result(std::move(awaitable));
    co_return text_of(outcome.exception());
}

/// Enters and leaves after a while each, and notes it all.
struct Manager {
    std::string& log;
    const char* enter_error = nullptr;
    const char* exit_error = nullptr;

    Coro<int> aenter() {
        log += "enter ";
        co_await sleep(1s);
        if (enter_error != nullptr) {
            throw std::runtime_error(enter_error);
        }
        log += "entered ";
        co_return 7;
    }
    Coro<> aexit(std::exception_ptr error) {
        log += "exit:" + text_of(error) + ' ';
        co_await sleep(1s);
        if (exit_error != nullptr) {
            throw std::runtime_error(exit_error);
        }
        log += "exited";
    }
};

/// Suppresses what text_of() gives for it.
struct Suppressing {
    std::string suppressed;
    Coro<> aenter() { co_return; }
    Coro<bool> aexit(std::exception_ptr error) {
        co_await sleep(1s);
        co_return text_of(error) == suppressed;
    }
};

struct OnlyEnters {
    Coro<> aenter();
};
struct ExitsWithoutWord {
    Coro<> aenter();
    Coro<> aexit();
};
struct DoesNotAwait {
    void aenter();
    void aexit(std::exception_ptr);
};
static_assert(AsyncContextManager<Manager>);
static_assert(AsyncContextManager<Suppressing>);
static_assert(!AsyncContextManager<OnlyEnters>);
static_assert(!AsyncContextManager<ExitsWithoutWord>);
static_assert(!AsyncContextManager<DoesNotAwait>);
static_assert(!AsyncContextManager<const Manager>);

constexpr auto fails = [](int) -> Coro<> {
    co_await sleep(1s);
    throw std::runtime_error("body");
};

} // namespace

ASYNC_TEST_CASE("async_with enters, runs the body with what entering gives, and leaves",
                "[composition][async_with][b640]") {
    const auto before = rondo::get_running_loop().time();
    std::string log;
    Manager manager{log};
    const auto body = [&](int value) -> Coro<std::string> {
        log += "body ";
        co_await sleep(1s);
        co_return std::to_string(value);
    };
    const std::string result = co_await async_with(manager, body);
    REQUIRE(result == "7");
    REQUIRE(log == "enter entered body exit:value exited");
    REQUIRE(rondo::get_running_loop().time() - before == 3s);
}

ASYNC_TEST_CASE("the exit runs when the body throws, and is told what",
                "[composition][async_with][b640]") {
    std::string log;
    Manager manager{log};
    const std::string outcome = co_await outcome_of(async_with(manager, fails));
    REQUIRE(outcome == "body");
    REQUIRE(log == "enter entered exit:body exited");
}

ASYNC_TEST_CASE("a body that throws before it is a coroutine is a body that throws",
                "[composition][async_with][b640]") {
    std::string log;
    Manager manager{log};
    const auto body = [](int) -> Coro<> { throw std::runtime_error("at once"); };
    const std::string outcome = co_await outcome_of(async_with(manager, body));
    REQUIRE(outcome == "at once");
    REQUIRE(log == "enter entered exit:at once exited");
}

ASYNC_TEST_CASE("who does not enter does not leave", "[composition][async_with][b640]") {
    std::string log;
    Manager manager{log, "enter"};
    const std::string outcome = co_await outcome_of(async_with(manager, fails));
    REQUIRE(outcome == "enter");
    REQUIRE(log == "enter ");
}

ASYNC_TEST_CASE("what the exit throws replaces what the body did",
                "[composition][async_with][b640]") {
    std::string log;
    Manager manager{log, nullptr, "exit"};
    const std::string after_failure = co_await outcome_of(async_with(manager, fails));
    REQUIRE(after_failure == "exit");
    REQUIRE(log == "enter entered exit:body ");
    const auto value = [](int entered) -> Coro<int> { co_return entered; };
    const std::string after_value = co_await outcome_of(async_with(manager, value));
    REQUIRE(after_value == "exit");
}

// Suppressing

ASYNC_TEST_CASE("an exit that gives true has dealt with the exception",
                "[composition][async_with][b640]") {
    Suppressing manager{"body"};
    const auto body = []() -> Coro<> {
        co_await sleep(1s);
        throw std::runtime_error("body");
    };
    const std::string dealt_with = co_await outcome_of(async_with(manager, body));
    REQUIRE(dealt_with == "value");
    manager.suppressed = "another";
    const std::string not_dealt_with = co_await outcome_of(async_with(manager, body));
    REQUIRE(not_dealt_with == "body");
}

ASYNC_TEST_CASE("an exit that gives true leaves a result alone, and cannot make one up",
                "[composition][async_with]") {
    Suppressing manager{"value"};
    const auto value = []() -> Coro<int> { co_return 3; };
    const int result = co_await async_with(manager, value);
    REQUIRE(result == 3);
    manager.suppressed = "body";
    const auto fails_to_give = []() -> Coro<int> {
        co_await sleep(0s);
        throw std::runtime_error("body");
    };
    const std::string outcome = co_await outcome_of(async_with(manager, fails_to_give));
    REQUIRE(outcome == "body");
}

ASYNC_TEST_CASE("an exit may swallow the cancellation of the body",
                "[composition][async_with][cancel]") {
    Suppressing manager{"cancelled"};
    const auto body = []() -> Coro<> { co_await sleep(1h); };
    auto task = create_task(async_with(manager, body));
    co_await sleep(1s);
    task.cancel();
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "value");
    REQUIRE(task.cancelling() == 1); // counted, as every cancellation that is swallowed
}

// Values

namespace {

/// Gives a T, made of what it is given.
template <class T>
struct Giving {
    T& given;
    Coro<T> aenter() { co_return std::move(given); }
    static Coro<> aexit(std::exception_ptr /*error*/) { co_return; }
};

} // namespace

ASYNC_TEST_CASE("what only moves may be entered, and be a result", "[composition][async_with]") {
    MoveOnly value(5);
    Giving<MoveOnly> manager{value};
    const auto body = [](MoveOnly& entered) -> Coro<MoveOnly> {
        co_await sleep(0s);
        co_return std::move(entered);
    };
    const MoveOnly result = co_await async_with(manager, body);
    REQUIRE(result.number() == 5);
}

ASYNC_TEST_CASE("references are passed on, in and out", "[composition][async_with]") {
    struct Pool {
        int connection = 1;
        Coro<int&> aenter() { co_return connection; }
        static Coro<> aexit(std::exception_ptr /*error*/) { co_return; }
    };
    Pool pool;
    const auto body = [&](int& connection) -> Coro<int&> {
        co_await sleep(0s);
        connection = 2;
        co_return connection;
    };
    int& same = co_await async_with(pool, body);
    REQUIRE(&same == &pool.connection);
    REQUIRE(pool.connection == 2);
}

TEST_CASE("what was entered lives as long as the body, and the body as long as it runs",
          "[composition][async_with]") {
    const LeakCheck leaks;
    rondo::testing::run([&]() -> Coro<> {
        Tracked value(1);
        Giving<Tracked> manager{value};
        std::ptrdiff_t inside = 0;
        const auto start = [&] {
            return async_with(manager,
                              [&, luggage = Tracked(2)](const Tracked& entered) -> Coro<int> {
                                  co_await sleep(1s);
                                  inside = leaks.alive();
                                  co_return entered.number() + luggage.number();
                              });
        };
        const int sum = co_await start();
        REQUIRE(sum == 3);
        REQUIRE(inside >= 3); // the value, what was entered, the luggage
    });
    REQUIRE(leaks.copies() == 0);
}

namespace {

/// Can be moved, not copied; its exit looks at what was moved along.
struct OwnedManager {
    MoveOnly luggage{9};
    int* seen;

    explicit OwnedManager(int& where) : seen(&where) {}
    Coro<> aenter() { co_await sleep(1s); }
    Coro<> aexit(std::exception_ptr /*error*/) {
        co_await sleep(1s);
        *seen = luggage.number();
    }
};

} // namespace

TEST_CASE("an rvalue manager is moved in and kept, an lvalue is used where it is",
          "[composition][async_with]") {
    const LeakCheck leaks;
    rondo::testing::run([&]() -> Coro<> {
        int seen = 0;
        const auto body = []() -> Coro<> { co_await sleep(1s); };
        auto started = async_with(OwnedManager(seen), body); // nothing runs yet
        co_await sleep(1s);
        co_await std::move(started);
        REQUIRE(seen == 9);

        OwnedManager stays(seen);
        stays.luggage = MoveOnly(4);
        co_await async_with(stays, body);
        REQUIRE(seen == 4);
        REQUIRE(stays.luggage.number() == 4);
        co_await async_with(std::move(stays), body);
        REQUIRE(stays.luggage.number() == Tracked::moved_from); // NOLINT: on purpose
    });
}

ASYNC_TEST_CASE("managers nest, and are left from the inside out",
                "[composition][async_with][b640]") {
    std::string log;
    std::string inner_log;
    Manager outer{log};
    const auto body = [&](int) -> Coro<> {
        Manager inner{inner_log, nullptr, "inner exit"};
        co_await async_with(inner, fails);
    };
    const std::string outcome = co_await outcome_of(async_with(outer, body));
    REQUIRE(outcome == "inner exit");
    REQUIRE(inner_log == "enter entered exit:body ");
    REQUIRE(log == "enter entered exit:inner exit exited");
}

ASYNC_TEST_CASE("an async_with whose parts do not suspend takes no turn of the loop",
                "[composition][async_with]") {
    int value = 1;
    Giving<int> manager{value};
    const auto turns = rondo::get_running_loop().metrics().turns;
    const auto body = [](int entered) -> Coro<int> { co_return entered; };
    const int result = co_await async_with(manager, body);
    REQUIRE(result == 1);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

// Cancellation

ASYNC_TEST_CASE("a cancellation reaches entering, body and exit, and the exit still runs",
                "[composition][async_with][cancel][b640]") {
    const char* expected[] = {"enter ", "enter entered exit:cancelled exited",
                              "enter entered exit:value "};
    for (int second = 0; second < 3; ++second) {
        std::string log;
        Manager manager{log};
        const auto body = [](int) -> Coro<> { co_await sleep(1s); };
        auto task = create_task(async_with(manager, body));
        co_await sleep(second * 1s + 500ms);
        task.cancel();
        const std::string outcome = co_await outcome_of(task);
        REQUIRE(outcome == "cancelled");
        REQUIRE(task.cancelled());
        REQUIRE(log == expected[second]);
    }
}

ASYNC_TEST_CASE("the exit is told who asked for the cancellation",
                "[composition][async_with][cancel]") {
    struct Listening {
        std::string& heard;
        static Coro<> aenter() { co_return; }
        Coro<> aexit(std::exception_ptr error) {
            try {
                std::rethrow_exception(error);
            } catch (const CancelledError& why) {
                heard = std::string(rondo::to_string(why.reason())) + ":" + why.message();
            }
            co_return;
        }
    };
    std::string heard;
    Listening manager{heard};
    const auto body = []() -> Coro<> { co_await sleep(1h); };
    auto task = create_task(async_with(manager, body));
    co_await sleep(1s);
    task.cancel("enough");
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "cancelled");
    REQUIRE(heard == "user:enough");
    const std::string late = co_await outcome_of(rondo::wait_for(async_with(manager, body), 1s));
    REQUIRE(late != "cancelled");
    REQUIRE(heard == "timeout:");
}

ASYNC_TEST_CASE("a time limit waits for the exit", "[composition][async_with][cancel]") {
    std::string log;
    Manager manager{log};
    const auto body = [](int) -> Coro<> { co_await sleep(1h); };
    const auto before = rondo::get_running_loop().time();
    auto outcome = co_await rondo::as_result(rondo::wait_for(async_with(manager, body), 5s));
    REQUIRE_THROWS_AS(outcome.value(), rondo::TimeoutError);
    REQUIRE(log == "enter entered exit:cancelled exited");
    REQUIRE(rondo::get_running_loop().time() - before == 6s);
}

ASYNC_TEST_CASE("a second cancellation breaks off the exit", "[composition][async_with][cancel]") {
    std::string log;
    Manager manager{log};
    const auto body = [](int) -> Coro<> { co_await sleep(1h); };
    auto task = create_task(async_with(manager, body));
    co_await sleep(2s);
    task.cancel();
    co_await sleep(500ms);
    task.cancel();
    const std::string outcome = co_await outcome_of(task);
    REQUIRE(outcome == "cancelled");
    REQUIRE(log == "enter entered exit:cancelled ");
}

namespace {

/// Who has entered leaves; in between there is a body in a body.
struct NestedManagers {
    struct Counting {
        int& inside;
        int& begun;
        Coro<Tracked> aenter() {
            co_await sleep(0s);
            ++inside; // nothing suspends from here to the body
            ++begun;
            co_return Tracked(1);
        }
        Coro<> aexit(std::exception_ptr /*error*/) {
            --inside;
            co_await sleep(1ms);
        }
    };

    int inside = 0;
    int begun = 0;
    bool finished = false;

    Coro<> victim() {
        const auto inner = [&](const Tracked&) -> Coro<> { co_await sleep(2ms); };
        const auto outer = [&](const Tracked&) -> Coro<> {
            Counting manager{inside, begun};
            co_await async_with(manager, inner);
            co_await async_with(std::move(manager), inner);
        };
        Counting manager{inside, begun};
        co_await async_with(manager, outer);
        finished = true;
    }
    static Coro<> others() { co_await sleep(1ms); }
    void check(const rondo::Task<>& victim) const {
        REQUIRE(inside == 0);
        REQUIRE((finished || victim.cancelled()));
        REQUIRE((!finished || begun == 3));
    }
};

} // namespace

TEST_CASE("wherever an async_with is cancelled, who has entered leaves",
          "[composition][async_with][cancel][sweep][b640]") {
    const SweepReport report = cancel_everywhere<NestedManagers>();
    REQUIRE(report.moments >= 9);
    REQUIRE(report.cancelled >= report.moments);
}

// What goes wrong

ASYNC_TEST_CASE("an async_with for which there is no memory leaves if it has entered",
                "[composition][async_with]") {
    struct Frugal {
        int& inside;
        rondo::Future<> left; // so that leaving needs no memory
        Coro<> aenter() {
            ++inside;
            co_return;
        }
        rondo::Future<> aexit(const std::exception_ptr& /*error*/) {
            --inside;
            return left;
        }
    };
    const auto body = []() -> Coro<char> {
        // So that the frame comes from no pool; volatile, or optimisers find out.
        volatile char large[100'000] = {};
        large[99'999] = 1;
        co_await sleep(0s);
        co_return large[99'999];
    };
    int inside = 0;
    Frugal manager{inside, rondo::Future<>()};
    manager.left.set_result();
    std::size_t failures = 0;
    for (bool succeeded = false; !succeeded;) {
        try {
            const NoMemory none(failures);
            const char last = co_await async_with(manager, body);
            succeeded = last == 1;
        } catch (const std::bad_alloc&) {
            ++failures;
        }
        REQUIRE(inside == 0);
        REQUIRE(failures < 100);
    }
    REQUIRE(failures >= 1); // where frames come from a pool, of the large one alone
}

TEST_CASE("a loop that is closed on an async_with leaves nothing behind",
          "[composition][async_with]") {
    const LeakCheck leaks;
    rondo::EventLoop loop(rondo::testing::options());
    int seen = 0;
    const auto body = [luggage = Tracked()]() -> Coro<> { co_await sleep(1h); };
    auto task = loop.create_task(async_with(OwnedManager(seen), body));
    loop.run_until_complete(sleep(2s));
    REQUIRE(leaks.alive() >= 2);
    loop.close();
    REQUIRE(task.cancelled());
    REQUIRE(seen == 0); // frames are destroyed; nothing can be awaited any more
}

// Iterators of one's own

namespace {

/// Counts to a limit, a second each.
class Countdown {
public:
    explicit Countdown(int from) : left_(from) {}
    Coro<std::optional<int>> next() {
        if (left_ == 0) {
            co_return std::nullopt;
        }
        co_await sleep(1s);
        if (left_ == 13) {
            throw std::runtime_error("unlucky");
        }
        co_return left_--;
    }

private:
    int left_;
};

} // namespace

ASYNC_TEST_CASE("a user's own async iterator is read in a while loop",
                "[composition][async_with][b640]") {
    Countdown countdown(3);
    std::string text;
    while (auto number = co_await countdown.next()) {
        text += std::to_string(*number);
    }
    REQUIRE(text == "321");
    Countdown from_one(1);
    bool entered = false;
    while (auto number = co_await from_one.next()) {
        entered = *number == 1;
    }
    REQUIRE(entered);
}

ASYNC_TEST_CASE("a failure or cancellation in an iterator ends the loop that reads it",
                "[composition][async_with][cancel][b640]") {
    int read = 0;
    const auto read_all = [&](int from) -> Coro<> {
        Countdown countdown(from);
        while (auto number = co_await countdown.next()) {
            ++read;
        }
    };
    const std::string outcome = co_await outcome_of(read_all(15));
    REQUIRE(outcome == "unlucky");
    REQUIRE(read == 2);
    auto task = create_task(read_all(10));
    co_await sleep(2500ms);
    task.cancel();
    const std::string cancelled = co_await outcome_of(task);
    REQUIRE(cancelled == "cancelled");
    REQUIRE(read == 4);
}
