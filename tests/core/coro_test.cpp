// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/coro.hpp>

#include <memory>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

using rondo::Coro;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

struct Broken : std::runtime_error {
    explicit Broken(const std::string& what = "broken") : std::runtime_error(what) {}
};

Coro<> nothing() {
    co_return;
}

Coro<int> add(int a, int b) {
    co_return a + b;
}

Coro<int> add_later(int a, int b) {
    co_await sleep(1s);
    co_return a + b;
}

Coro<MoveOnly> make_move_only(int number, bool later) {
    MoveOnly value(number);
    if (later) {
        co_await sleep(1s);
    }
    co_return value;
}

Coro<std::unique_ptr<int>> make_pointer(int number) {
    co_return std::make_unique<int>(number);
}

Coro<int&> find(std::vector<int>& numbers, std::size_t index, bool later) {
    if (later) {
        co_await sleep(1s);
    }
    co_return numbers.at(index);
}

Coro<const std::string&> pass_on(const std::string& text) {
    co_return text;
}

Coro<int&&> give_away(int& number) {
    co_return std::move(number);
}

Coro<int> fail(bool later) {
    if (later) {
        co_await sleep(1s);
    }
    throw Broken();
}

Coro<> append_twice(std::string& log, char letter) {
    log += letter;
    co_await sleep(1s);
    log += letter;
}

Coro<Tracked> keep(Tracked parameter, bool later) {
    const Tracked local(parameter.number() + 1);
    if (later) {
        co_await sleep(1s);
    }
    co_return Tracked(local.number() + 1);
}

} // namespace

ASYNC_TEST_CASE("a Coro runs nothing until it is awaited", "[core][coro]") {
    std::string log;
    auto coro = append_twice(log, 'a');
    co_await let_others_run();
    REQUIRE(log.empty());
    REQUIRE(static_cast<bool>(coro));
    co_await std::move(coro);
    REQUIRE(log == "aa");
}

ASYNC_TEST_CASE("an awaited Coro runs inline, in no turn of its own", "[core][coro]") {
    const auto turns = rondo::get_running_loop().metrics().turns;
    const int sum = co_await add(1, 2);
    co_await nothing();
    REQUIRE(sum == 3);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("a Coro gives values, what only moves, and references", "[core][coro]") {
    LeakCheck leaks;
    const int later = co_await add_later(2, 3);
    REQUIRE(later == 5);
    const MoveOnly now = co_await make_move_only(7, false);
    const MoveOnly then = co_await make_move_only(8, true);
    REQUIRE(now.number() == 7);
    REQUIRE(then.number() == 8);
    const auto pointer = co_await make_pointer(9);
    REQUIRE(*pointer == 9);

    std::vector<int> numbers{1, 2, 3};
    int& second = co_await find(numbers, 1, false);
    int& third = co_await find(numbers, 2, true);
    second = 20;
    third = 30;
    REQUIRE(numbers == std::vector<int>{1, 20, 30});
    const std::string text = "text";
    const std::string& same = co_await pass_on(text);
    REQUIRE(&same == &text);
    int number = 4;
    int&& given = co_await give_away(number);
    REQUIRE(&given == &number);
}

ASYNC_TEST_CASE("awaiting a value moves it and never copies it", "[core][coro]") {
    LeakCheck leaks;
    {
        const Tracked value = co_await keep(Tracked(1), true);
        REQUIRE(value.number() == 3);
        REQUIRE(leaks.alive() == 1);
    }
    REQUIRE(leaks.copies() == 0);
}

ASYNC_TEST_CASE("an exception comes out where the Coro is awaited", "[core][coro]") {
    REQUIRE_THROWS_AS(rondo::run(fail(false)), rondo::LoopError); // not a nested run
    for (const bool later : {false, true}) {
        std::string caught;
        try {
            co_await fail(later);
        } catch (const Broken& broken) {
            caught = broken.what();
        }
        REQUIRE(caught == "broken");
    }
}

TEST_CASE("an exception comes through a chain of Coros and out of run()", "[core][coro]") {
    struct Chain {
        static Coro<> run(int depth, std::string& log) {
            const Tracked local;
            try {
                if (depth == 0) {
                    co_await sleep(1s);
                    throw Broken("from the bottom");
                }
                co_await run(depth - 1, log);
            } catch (const Broken&) {
                log += std::to_string(depth);
                throw;
            }
        }
    };
    LeakCheck leaks;
    std::string log;
    REQUIRE_THROWS_WITH(rondo::testing::run(Chain::run(3, log)), "from the bottom");
    REQUIRE(log == "0123");
}

namespace {

Coro<ThrowsOnMove> make_throwing(int moves, bool later) {
    ThrowsOnMove value(5);
    value.arm(moves);
    if (later) {
        co_await sleep(1s);
    }
    co_return value;
}

} // namespace

ASYNC_TEST_CASE("a value whose move throws makes the await throw, and nothing leaks",
                "[core][coro]") {
    LeakCheck leaks;
    int failures = 0;
    for (const bool later : {false, true}) {
        // 0: into the promise; 1: out of it; 2: there is none more.
        for (int moves = 0; moves < 3; ++moves) {
            try {
                const ThrowsOnMove value = co_await make_throwing(moves, later);
                REQUIRE(moves == 2);
                REQUIRE(value.number() == 5);
            } catch (const ThrowsOnMove::Error&) {
                ++failures;
            }
            REQUIRE(leaks.alive() == 0);
        }
    }
    REQUIRE(failures == 4);
}

ASYNC_TEST_CASE("a task whose result throws when it is moved fails with that", "[core][task]") {
    LeakCheck leaks;
    // 0: into the promise; 1: into the task; 2: out of the task by std::move.
    for (int moves = 0; moves < 3; ++moves) {
        auto task = rondo::create_task(make_throwing(moves, true));
        bool threw = false;
        try {
            const ThrowsOnMove value = co_await std::move(task);
        } catch (const ThrowsOnMove::Error&) {
            threw = true;
        }
        REQUIRE(threw);
    }
}

TEST_CASE("a Coro that is never awaited destroys its parameters and runs nothing", "[core][coro]") {
    LeakCheck leaks;
    {
        const auto coro = keep(Tracked(1), false);
        REQUIRE(leaks.alive() == 1);
    }
    REQUIRE(leaks.alive() == 0);
    {
        auto coro = keep(Tracked(1), false);
        coro = keep(Tracked(2), false); // the first is destroyed
        REQUIRE(leaks.alive() == 1);
        auto& same = coro;
        coro = std::move(same);
        REQUIRE(static_cast<bool>(coro));
    }
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("a Coro that was awaited or moved from cannot be awaited", "[core][coro]") {
    auto coro = add(1, 2);
    auto taken = std::move(coro);
    REQUIRE_FALSE(static_cast<bool>(coro)); // NOLINT(bugprone-use-after-move)
    bool threw = false;
    try {
        co_await std::move(coro);
    } catch (const rondo::InvalidStateError&) {
        threw = true;
    }
    REQUIRE(threw);
    REQUIRE_THROWS_AS(rondo::create_task(std::move(coro)), rondo::InvalidStateError);

    const int sum = co_await std::move(taken);
    REQUIRE(sum == 3);
    threw = false;
    try {
        co_await std::move(taken);
    } catch (const rondo::InvalidStateError&) {
        threw = true;
    }
    REQUIRE(threw);
}

ASYNC_TEST_CASE("a frame lives from the call to the end of the await", "[core][coro]") {
    LeakCheck leaks;
    auto coro = keep(Tracked(1), true);
    REQUIRE(leaks.alive() == 1);
    const Tracked value = co_await std::move(coro);
    REQUIRE(leaks.alive() == 1);            // the value
    REQUIRE_FALSE(static_cast<bool>(coro)); // NOLINT(bugprone-use-after-move)
}

ASYNC_TEST_CASE("interleaved tasks keep their own chains of Coros apart", "[core][coro]") {
    std::string log;
    auto first = rondo::create_task(append_twice(log, 'a'));
    auto second = rondo::create_task(append_twice(log, 'b'));
    co_await first;
    co_await second;
    REQUIRE(log.size() == 4);
    const std::string begin = log.substr(0, 2);
    REQUIRE((begin == "ab" || begin == "ba"));
}

namespace {

Coro<int> catch_and_return() {
    try {
        co_await fail(true);
    } catch (const Broken&) { // NOLINT(bugprone-empty-catch): the point of the test
    }
    const int sum = co_await add_later(1, 1);
    co_return sum;
}

struct ThrowsAtEnd {
    explicit ThrowsAtEnd(bool throws) : throws_(throws) {}
    ~ThrowsAtEnd() noexcept(false) {
        if (throws_) {
            throw Broken("at the end");
        }
    }
    bool throws_;
};

Coro<Tracked> throw_after_return(bool retry) {
    try {
        const ThrowsAtEnd at_end(true);
        co_return Tracked(1);
    } catch (const Broken&) {
        if (!retry) {
            throw;
        }
    }
    co_return Tracked(2);
}

} // namespace

ASYNC_TEST_CASE("a Coro may catch what it awaited, and await again", "[core][coro]") {
    const int sum = co_await catch_and_return();
    REQUIRE(sum == 2);
}

ASYNC_TEST_CASE("a local that throws after co_return replaces the result", "[core][coro]") {
    LeakCheck leaks;
    std::string caught;
    try {
        co_await throw_after_return(false);
    } catch (const Broken& broken) {
        caught = broken.what();
    }
    REQUIRE(caught == "at the end");
    const Tracked again = co_await throw_after_return(true);
    REQUIRE(again.number() == 2);
    REQUIRE(leaks.alive() == 1);
}

namespace {

template <class U, class T>
concept CanReturn = requires(U&& value, typename Coro<T>::promise_type& promise) {
    promise.return_value(std::forward<U>(value));
};

struct Base {};
struct Derived : Base {};

} // namespace

TEST_CASE("a Coro returns what converts, but no reference to a temporary", "[core][coro]") {
    STATIC_REQUIRE(CanReturn<const char*, std::string>);
    STATIC_REQUIRE(CanReturn<int, long>);
    STATIC_REQUIRE_FALSE(CanReturn<std::string, int>);
    STATIC_REQUIRE(CanReturn<int&, int&>);
    STATIC_REQUIRE(CanReturn<int&, const int&>);
    STATIC_REQUIRE(CanReturn<Derived&, Base&>);
    STATIC_REQUIRE(CanReturn<int, int&&>);
    STATIC_REQUIRE_FALSE(CanReturn<int, int&>);
    STATIC_REQUIRE_FALSE(CanReturn<int, const int&>); // it would be gone
    STATIC_REQUIRE_FALSE(CanReturn<const char*, const std::string&>);
    STATIC_REQUIRE_FALSE(CanReturn<short&, const int&>);
    STATIC_REQUIRE_FALSE(CanReturn<int&, int&&>);
}

TEST_CASE("Coro is a type that only moves and says so", "[core][coro]") {
    static_assert(!std::is_copy_constructible_v<Coro<int>>);
    static_assert(std::is_nothrow_move_constructible_v<Coro<int>>);
    static_assert(std::is_nothrow_move_assignable_v<Coro<int>>);
    static_assert(std::is_same_v<Coro<>, Coro<void>>);
    static_assert(std::is_same_v<Coro<int>::value_type, int>);
    static_assert(rondo::Awaitable<Coro<int>>);
    static_assert(std::is_same_v<rondo::await_result_t<Coro<int&>>, int&>);
    static_assert(std::is_void_v<rondo::await_result_t<Coro<>>>);
    static_assert(sizeof(Coro<int>) == sizeof(void*));
}
