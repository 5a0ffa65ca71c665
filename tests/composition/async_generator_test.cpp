// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What a generator gives, and how it runs. async_generator_close_test.cpp has how it ends early.

#include <rondo/async_generator.hpp>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/gather.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using rondo::AsyncGenerator;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo_test::LeakCheck;
using rondo_test::let_others_run;
using rondo_test::MoveOnly;
using rondo_test::ThrowsOnMove;
using rondo_test::Tracked;

namespace {

AsyncGenerator<int> count_to(int last) {
    for (int i = 1; i <= last; ++i) {
        co_yield i;
    }
}

AsyncGenerator<int> count_slowly(int last) {
    for (int i = 1; i <= last; ++i) {
        co_await rondo::sleep(1ms);
        co_yield i;
    }
}

template <class T>
Coro<std::vector<T>> collect(AsyncGenerator<T> generator) {
    std::vector<T> all;
    while (auto item = co_await generator.next()) {
        all.push_back(*std::move(item));
    }
    co_return all;
}

AsyncGenerator<MoveOnly> move_only() {
    co_yield MoveOnly(1);
    MoveOnly named(2);
    co_yield std::move(named);
}

AsyncGenerator<Tracked> in_every_category() {
    Tracked lvalue(1);
    co_yield lvalue;
    co_yield lvalue; // it has been copied, not moved
    const Tracked constant(2);
    co_yield constant;
    co_yield std::move(lvalue);
    co_yield Tracked(3);
}

AsyncGenerator<std::string> texts() {
    co_yield "a literal";
    co_yield std::string(100, 'x');
    const char* const pointer = "a pointer";
    co_yield pointer;
}

AsyncGenerator<int&> elements(std::vector<int>& values) {
    for (int& value : values) {
        co_yield value;
    }
}

AsyncGenerator<const std::string&> constant_elements() {
    co_yield std::string("a temporary lives until the next step");
    const std::string local = "local";
    co_yield local;
}

AsyncGenerator<const int> constants() {
    const int one = 1;
    co_yield one;
    co_yield 2;
}

AsyncGenerator<int> nothing() {
    co_return;
}

AsyncGenerator<int> fail_after(int values, std::string text) {
    for (int i = 0; i < values; ++i) {
        co_yield i;
    }
    throw std::runtime_error(text);
}

/// Goes on after an exception at its co_yield, with what that says.
AsyncGenerator<std::string> report_errors() {
    std::string text = "fine";
    for (;;) {
        try {
            co_yield text;
            text = "fine";
        } catch (const std::runtime_error& error) {
            text = error.what();
        }
    }
}

struct Tree {
    int value = 0;
    std::unique_ptr<Tree> left;
    std::unique_ptr<Tree> right;
};

AsyncGenerator<int> in_order(const Tree* tree) {
    if (tree->left) {
        auto smaller = in_order(tree->left.get());
        while (auto value = co_await smaller.next()) {
            co_yield *value;
        }
    }
    co_await rondo::sleep(1ms);
    co_yield tree->value;
    if (tree->right) {
        auto larger = in_order(tree->right.get());
        while (auto value = co_await larger.next()) {
            co_yield *value;
        }
    }
}

std::unique_ptr<Tree> tree_of(int first, int last) {
    if (first > last) {
        return nullptr;
    }
    const int middle = (first + last) / 2;
    return std::make_unique<Tree>(
        Tree{middle, tree_of(first, middle - 1), tree_of(middle + 1, last)});
}

AsyncGenerator<int> await_everything(Future<int> future) {
    co_await rondo::sleep(1ms);
    co_yield 1;
    co_await rondo::sleep(0s);
    const int from_future = co_await future;
    co_yield from_future;
    auto task = create_task(collect(count_slowly(3)));
    const auto from_task = co_await task;
    co_yield static_cast<int>(from_task.size());
    const auto from_coro = co_await collect(count_to(4));
    co_yield static_cast<int>(from_coro.size());
    const auto both = co_await rondo::gather(collect(count_slowly(2)), collect(count_slowly(3)));
    co_yield static_cast<int>(std::get<0>(both).size() + std::get<1>(both).size());
    const auto limited = co_await rondo::wait_for(collect(count_slowly(6)), 1s);
    co_yield static_cast<int>(limited.size());
}

/// What `co_await awaitable` throws, as text.
template <class A>
Coro<std::string> error_of(A awaitable) {
    try {
        co_await std::move(awaitable);
    } catch (const std::exception& error) {
        co_return error.what();
    }
    co_return "nothing";
}

std::exception_ptr failure(const char* text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

} // namespace

// Values

ASYNC_TEST_CASE("a generator gives its values in order, then nothing, for ever",
                "[composition][async_generator][b640]") {
    auto numbers = count_to(2);
    const auto first = co_await numbers.next();
    const auto second = co_await numbers.next();
    const auto third = co_await numbers.next();
    const auto fourth = co_await numbers.next();
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK_FALSE(third);
    CHECK_FALSE(fourth);
    const auto none = co_await collect(nothing());
    CHECK(none.empty());
}

ASYNC_TEST_CASE("nothing runs before the first step", "[composition][async_generator]") {
    int steps = 0;
    const auto counting = [](int& counter) -> AsyncGenerator<int> {
        ++counter;
        co_yield 1;
        ++counter;
    };
    auto generator = counting(steps);
    auto step = generator.next();
    CHECK(steps == 0);
    (void)co_await std::move(step);
    CHECK(steps == 1);
    (void)co_await generator.next();
    CHECK(steps == 2);
}

TEST_CASE("values that only move are moved", "[composition][async_generator]") {
    const LeakCheck leaks;
    rondo::testing::run([]() -> Coro<> {
        const auto values = co_await collect(move_only());
        REQUIRE(values.size() == 2);
        CHECK(values[0].number() == 1);
        CHECK(values[1].number() == 2);
    });
}

TEST_CASE("lvalues are copied once, temporaries moved once", "[composition][async_generator]") {
    const LeakCheck leaks;
    rondo::testing::run([&]() -> Coro<> {
        auto generator = in_every_category();
        const int numbers[] = {1, 1, 2, 1, 3};
        const std::size_t copies[] = {1, 1, 1, 0, 0};
        for (std::size_t i = 0; i < 5; ++i) {
            const std::size_t copies_before = leaks.copies();
            const std::size_t moves_before = leaks.moves();
            const auto value = co_await generator.next();
            CAPTURE(i);
            REQUIRE(value.has_value());
            CHECK(value->number() == numbers[i]);
            CHECK(leaks.copies() - copies_before == copies[i]);
            CHECK(leaks.moves() - moves_before == 1 - copies[i]);
        }
    });
}

ASYNC_TEST_CASE("what is yielded converts to the generator's type",
                "[composition][async_generator]") {
    const auto all = co_await collect(texts());
    CHECK(all == std::vector<std::string>{"a literal", std::string(100, 'x'), "a pointer"});
    const auto numbers = co_await collect(count_to(3));
    CHECK(numbers == std::vector<int>{1, 2, 3});
}

ASYNC_TEST_CASE("a generator of references gives pointers to what was yielded",
                "[composition][async_generator]") {
    std::vector<int> values{1, 2, 3};
    auto generator = elements(values);
    while (int* value = co_await generator.next()) {
        *value *= 10;
    }
    CHECK(values == std::vector<int>{10, 20, 30});
    auto texts = constant_elements();
    const std::string* temporary = co_await texts.next();
    CHECK(*temporary == "a temporary lives until the next step");
    const std::string* local = co_await texts.next();
    CHECK(*local == "local");
    const std::string* end = co_await texts.next();
    CHECK(end == nullptr);
    auto constant = constants();
    auto number = co_await constant.next();
    static_assert(std::is_same_v<decltype(number), std::optional<int>>);
    CHECK(number == 1);
    number = co_await constant.next();
    CHECK(number == 2);
}

TEST_CASE("a value whose move fails is lost, and the generator goes on",
          "[composition][async_generator]") {
    const LeakCheck leaks;
    rondo::testing::run([]() -> Coro<> {
        const auto bodies = []() -> AsyncGenerator<ThrowsOnMove> {
            ThrowsOnMove bad(1);
            bad.arm(0);
            co_yield bad;
            co_yield ThrowsOnMove(2);
        };
        auto generator = bodies();
        const std::string error = co_await error_of(generator.next());
        CHECK(error == "the move failed");
        const auto second = co_await generator.next();
        REQUIRE(second.has_value());
        CHECK(second->number() == 2);
        const auto end = co_await generator.next();
        CHECK_FALSE(end);
    });
}

// Awaits

ASYNC_TEST_CASE("a generator awaits whatever a Coro can between its values",
                "[composition][async_generator]") {
    const Future<int> future;
    auto all = create_task(collect(await_everything(future)));
    co_await rondo::sleep(10ms);
    CHECK_FALSE(all.done());
    future.set_result(2);
    const auto values = co_await all;
    CHECK(values == std::vector<int>{1, 2, 3, 4, 5, 6});
}

ASYNC_TEST_CASE("others run while a generator awaits", "[composition][async_generator]") {
    auto slow = create_task(collect(count_slowly(10)));
    const auto before = rondo::get_running_loop().time();
    const auto other = co_await collect(count_slowly(5));
    CHECK_FALSE(slow.done());
    const auto all = co_await slow;
    CHECK(other.size() == 5);
    CHECK(all.size() == 10);
    CHECK(rondo::get_running_loop().time() - before == 10ms);
}

ASYNC_TEST_CASE("generators in generators walk a tree in order", "[composition][async_generator]") {
    const auto tree = tree_of(1, 100);
    const auto values = co_await collect(in_order(tree.get()));
    REQUIRE(values.size() == 100);
    for (std::size_t i = 0; i < values.size(); ++i) {
        REQUIRE(values[i] == static_cast<int>(i) + 1);
    }
}

ASYNC_TEST_CASE("several steps in one expression are taken in turn",
                "[composition][async_generator]") {
    auto numbers = count_slowly(4);
    const int two = (co_await numbers.next()).value() * 10 + (co_await numbers.next()).value();
    CHECK((two == 12 || two == 21));
    const auto third = co_await numbers.next();
    CHECK(third == 3);
}

ASYNC_TEST_CASE("a step works in combinators", "[composition][async_generator]") {
    auto one = count_slowly(3);
    auto other = count_slowly(3);
    const auto both = co_await rondo::gather(one.next(), other.next());
    CHECK(std::get<0>(both) == 1);
    CHECK(std::get<1>(both) == 1);
    const auto result = co_await rondo::as_result(one.next());
    REQUIRE(result.has_value());
    CHECK(*result == 2);
    const auto in_time = co_await rondo::wait_for(one.next(), 1s);
    CHECK(in_time == 3);
}

ASYNC_TEST_CASE("tasks may use one generator in turn, but not at once",
                "[composition][async_generator][b636]") {
    auto numbers = count_slowly(4);
    const auto take_one = [](AsyncGenerator<int>& generator) -> Coro<int> {
        const auto value = co_await generator.next();
        co_return value.value_or(-1);
    };
    auto first = create_task(take_one(numbers));
    co_await let_others_run();
    const std::string next = co_await error_of(numbers.next());
    const std::string thrown = co_await error_of(numbers.athrow(failure("from outside")));
    const std::string closed = co_await error_of(numbers.aclose());
    CHECK(next == "rondo: another task is inside this generator already");
    CHECK(thrown == next);
    CHECK(closed == next);
    const int one = co_await first; // undisturbed
    CHECK(one == 1);
    const int two = co_await create_task(take_one(numbers));
    CHECK(two == 2);
    const int three = co_await take_one(numbers);
    CHECK(three == 3);
}

ASYNC_TEST_CASE("a generator cannot step itself", "[composition][async_generator][b636]") {
    AsyncGenerator<int>* self = nullptr;
    const auto body = [](AsyncGenerator<int>*& generator) -> AsyncGenerator<int> {
        (void)co_await generator->next();
        co_yield 1;
    };
    auto generator = body(self);
    self = &generator;
    const std::string error = co_await error_of(generator.next());
    CHECK(error == "rondo: another task is inside this generator already");
    const auto end = co_await generator.next();
    CHECK_FALSE(end);
}

ASYNC_TEST_CASE("a generator can be moved between steps", "[composition][async_generator]") {
    auto first = count_to(3);
    (void)co_await first.next();
    auto second = std::move(first);
    const auto two = co_await second.next();
    CHECK(two == 2);
    const auto none = co_await first.next(); // NOLINT(bugprone-use-after-move)
    CHECK_FALSE(none);
    const std::string error = co_await error_of(first.athrow(failure("given back")));
    CHECK(error == "given back");
    co_await first.aclose();
    first = count_to(9);
    first.swap(second);
    const auto three = co_await first.next();
    CHECK(three == 3);
}

// Exceptions

ASYNC_TEST_CASE("an exception ends the generator, once", "[composition][async_generator]") {
    auto failing = fail_after(1, "the body failed");
    const auto value = co_await failing.next();
    CHECK(value == 0);
    const std::string first = co_await error_of(failing.next());
    CHECK(first == "the body failed");
    const auto after = co_await failing.next();
    CHECK_FALSE(after);
    auto at_once = fail_after(0, "at once");
    const auto result = co_await rondo::as_result(at_once.next());
    CHECK_FALSE(result.has_value());
}

ASYNC_TEST_CASE("an exception that is thrown at a co_yield can be handled there",
                "[composition][async_generator]") {
    auto generator = report_errors();
    (void)co_await generator.next();
    const auto handled = co_await generator.athrow(failure("mind this"));
    CHECK(handled == "mind this");
    const auto next = co_await generator.next();
    CHECK(next == "fine");
    const std::string unhandled =
        co_await error_of(generator.athrow(std::make_exception_ptr(std::logic_error("a bug"))));
    CHECK(unhandled == "a bug");
    const auto end = co_await generator.next();
    CHECK_FALSE(end);
}

ASYNC_TEST_CASE("an exception for a generator that has not begun, or has ended, comes back",
                "[composition][async_generator]") {
    auto fresh = report_errors();
    const std::string before = co_await error_of(fresh.athrow(failure("too early")));
    CHECK(before == "too early");
    const auto end = co_await fresh.next();
    CHECK_FALSE(end); // it has ended by that
    const std::string after = co_await error_of(fresh.athrow(failure("too late")));
    CHECK(after == "too late");
}

// Cost

// Nested steps would need more than the stack has.
TEST_CASE("a million values need no stack and no allocation each",
          "[composition][async_generator][slow]") {
    rondo::testing::run([]() -> Coro<> {
        auto numbers = count_to(1'000'000);
        (void)co_await numbers.next();
        const std::size_t before = rondo_test::allocation_count();
        std::int64_t sum = 1;
        while (auto number = co_await numbers.next()) {
            sum += *number;
        }
        CHECK(rondo_test::allocation_count() == before);
        CHECK(sum == 500'000'500'000);
    });
}

TEST_CASE("no memory at any point of a generator's life leaks nothing",
          "[composition][async_generator][memory]") {
    bool finished = false;
    for (std::size_t left = 0; !finished; ++left) {
        REQUIRE(left < 1000);
        const LeakCheck leaks;
        rondo::testing::run([&]() -> Coro<> {
            const auto body = []() -> AsyncGenerator<Tracked> {
                const Tracked local(1);
                co_await rondo::sleep(1ms);
                co_yield local;
                auto inner = in_every_category();
                while (auto value = co_await inner.next()) {
                    co_yield *value;
                }
            };
            const rondo_test::NoMemory no_memory(left);
            try {
                auto generator = body();
                (void)co_await generator.next();
                (void)co_await generator.next();
                co_await generator.aclose();
                auto dropped = body();
                (void)co_await dropped.next();
                finished = true;
            } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): goes on
            }
        });
    }
}
