// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/small_function.hpp>

#include "allocations.hpp"
#include "child.hpp"
#include "support/catch.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using rondo::detail::SmallFunction;

namespace {

int twice(int x) {
    return 2 * x;
}

// Counts its objects, so that one destroyed twice or never is noticed.
template <std::size_t Size>
struct Tracked {
    explicit Tracked(int& count) : alive(&count) { ++*alive; }
    Tracked(Tracked&& other) noexcept : alive(other.alive) { ++*alive; }
    Tracked(const Tracked&) = delete;
    Tracked& operator=(const Tracked&) = delete;
    ~Tracked() { --*alive; }
    int operator()() const { return *alive; }

    int* alive;
    std::array<char, Size - sizeof(int*)> padding{};
};

// Out of line, for a compiler may leave out an allocation that it sees to be of no use.
template <class F>
[[gnu::noinline]] SmallFunction<int()> keep(F&& callable) {
    return std::forward<F>(callable);
}

using Inside = Tracked<SmallFunction<int()>::inline_size>;
using Outside = Tracked<SmallFunction<int()>::inline_size + 8>;

} // namespace

TEST_CASE("a small function calls what it was made of", "[base][small_function]") {
    int total = 0;
    SmallFunction<void(int)> add = [&](int x) { total += x; };
    add(2);
    add(3);
    REQUIRE(total == 5);
    SmallFunction<int(int)> pointer = twice;
    REQUIRE(pointer(21) == 42);
    SmallFunction<int(int)> address = &twice;
    REQUIRE(address(4) == 8);
}

TEST_CASE("an empty small function says so", "[base][small_function]") {
    SmallFunction<void()> nothing;
    SmallFunction<void()> null = nullptr;
    SmallFunction<int(int)> null_pointer = static_cast<int (*)(int)>(nullptr);
    REQUIRE_FALSE(static_cast<bool>(nothing));
    REQUIRE_FALSE(static_cast<bool>(null));
    REQUIRE_FALSE(static_cast<bool>(null_pointer));
    nothing = [] {};
    REQUIRE(static_cast<bool>(nothing));
    nothing = nullptr;
    REQUIRE_FALSE(static_cast<bool>(nothing));
    nothing = nullptr;
    SmallFunction<void()> moved = std::move(nothing);
    REQUIRE_FALSE(static_cast<bool>(moved));
}

TEST_CASE("a small function keeps a callable that only moves, and its state",
          "[base][small_function]") {
    SmallFunction<int()> count = [n = std::make_unique<int>(0)] { return ++*n; };
    REQUIRE(count() == 1);
    REQUIRE(count() == 2);
    SmallFunction<int()> moved = std::move(count);
    REQUIRE(moved() == 3);
    REQUIRE_FALSE(static_cast<bool>(count));

    SmallFunction<int()> mutable_count = [n = 0]() mutable { return ++n; };
    REQUIRE(mutable_count() == 1);
    REQUIRE(mutable_count() == 2);
}

TEST_CASE("arguments arrive as they were given", "[base][small_function]") {
    SmallFunction<void(int&)> increment = [](int& x) { ++x; };
    int number = 1;
    increment(number);
    REQUIRE(number == 2);

    SmallFunction<int(std::unique_ptr<int>)> take = [](std::unique_ptr<int> x) { return *x; };
    REQUIRE(take(std::make_unique<int>(9)) == 9);

    SmallFunction<std::string(std::string&&, const std::string&)> join =
        [](std::string&& a, const std::string& b) { return std::move(a) + b; };
    REQUIRE(join("a", "b") == "ab");
}

TEST_CASE("a result converts, a reference stays one, and void takes any result",
          "[base][small_function]") {
    SmallFunction<std::string()> text = [] { return "literal"; };
    REQUIRE(text() == "literal");
    int number = 1;
    SmallFunction<int&()> reference = [&]() -> int& { return number; };
    reference() = 5;
    REQUIRE(number == 5);
    SmallFunction<void()> drop = [&] { return ++number; };
    drop();
    REQUIRE(number == 6);
}

TEST_CASE("only what can be called with the arguments converts", "[base][small_function]") {
    using Function = SmallFunction<int(int)>;
    const auto takes_text = [](const std::string&) { return 1; };
    const auto returns_text = [](int) { return std::string(); };
    STATIC_REQUIRE_FALSE(std::is_constructible_v<Function, decltype(takes_text)>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<Function, decltype(returns_text)>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<Function, int>);
    STATIC_REQUIRE(std::is_constructible_v<Function, decltype(&twice)>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Function>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Function>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Function>);
    STATIC_REQUIRE(sizeof(Function) == 64);
}

TEST_CASE("a callable of up to 48 bytes is kept without an allocation", "[base][small_function]") {
    std::array<char, 48> full{};
    full[47] = 'x';
    const std::size_t before = rondo_test::allocation_count();
    SmallFunction<char()> small = [full] { return full[47]; };
    SmallFunction<char()> moved = std::move(small);
    const char result = moved();
    const std::size_t after = rondo_test::allocation_count();
    REQUIRE(result == 'x');
    REQUIRE(after == before);
}

TEST_CASE("a larger callable takes one allocation, and none to move", "[base][small_function]") {
    std::array<char, 49> large{};
    large[48] = 'y';
    const std::size_t before = rondo_test::allocation_count();
    SmallFunction<int()> function = keep([large] { return large[48]; });
    const std::size_t made = rondo_test::allocation_count();
    SmallFunction<int()> moved = std::move(function);
    const std::size_t after = rondo_test::allocation_count();
    REQUIRE(moved() == 'y');
    REQUIRE(made == before + 1);
    REQUIRE(after == made);
}

TEST_CASE("a callable whose move may throw is kept in an allocation, so that ours does not",
          "[base][small_function]") {
    struct MayThrow {
        MayThrow() = default;
        MayThrow(const MayThrow&) = default;
        MayThrow(MayThrow&&) noexcept(false) {}
        int operator()() const { return 3; }
    };
    const std::size_t before = rondo_test::allocation_count();
    SmallFunction<int()> function = keep(MayThrow());
    const std::size_t made = rondo_test::allocation_count();
    SmallFunction<int()> moved = std::move(function);
    REQUIRE(moved() == 3);
    REQUIRE(made == before + 1);
}

TEST_CASE("an over-aligned callable keeps its alignment", "[base][small_function]") {
    struct alignas(64) Aligned {
        std::uintptr_t operator()() const { return reinterpret_cast<std::uintptr_t>(this) % 64; }
    };
    SmallFunction<std::uintptr_t()> function = Aligned();
    REQUIRE(function() == 0);
    SmallFunction<std::uintptr_t()> moved = std::move(function);
    REQUIRE(moved() == 0);
}

TEMPLATE_TEST_CASE("every callable is destroyed just once", "[base][small_function]", Inside,
                   Outside) {
    int alive = 0;
    {
        SmallFunction<int()> function = TestType(alive);
        REQUIRE(alive == 1);
        REQUIRE(function() == 1);
        SmallFunction<int()> moved = std::move(function);
        REQUIRE(alive == 1);
        moved = nullptr;
        REQUIRE(alive == 0);
        moved = TestType(alive);
        function = TestType(alive);
        REQUIRE(alive == 2);
        function = std::move(moved);
        REQUIRE(alive == 1);
        SmallFunction<int()>& self = function;
        function = std::move(self);
        REQUIRE(alive == 1);
        REQUIRE(function() == 1);
    }
    REQUIRE(alive == 0);
}

TEST_CASE("a callable that was replaced may look at the function that held it while it dies",
          "[base][small_function]") {
    static SmallFunction<int()> function;
    static int seen = 0;
    struct Looks {
        explicit Looks() = default;
        Looks(Looks&& other) noexcept : armed(std::exchange(other.armed, false)) {}
        ~Looks() {
            if (armed) {
                seen = function ? function() : -1;
            }
        }
        int operator()() const { return 1; }
        bool armed = true;
    };
    function = Looks();
    function = [] { return 2; };
    REQUIRE(seen == 2);
    function = Looks();
    function = nullptr;
    REQUIRE(seen == -1);
}

TEST_CASE("an exception of the callable comes through", "[base][small_function]") {
    SmallFunction<void()> fail = [] { throw std::runtime_error("no"); };
    REQUIRE_THROWS_WITH(fail(), "no");
    REQUIRE(static_cast<bool>(fail));
}

TEST_CASE("to keep a large callable without memory throws, and loses nothing",
          "[base][small_function]") {
    int alive = 0;
    bool refused = false;
    {
        Outside callable(alive);
        try {
            const rondo_test::NoMemory no_memory;
            const SmallFunction<int()> function = keep(std::move(callable));
        } catch (const std::bad_alloc&) {
            refused = true;
        }
    }
    REQUIRE(refused);
    REQUIRE(alive == 0);
}

#ifndef NDEBUG
TEST_CASE("to call an empty small function fails an assertion", "[base][small_function]") {
    SmallFunction<void()> nothing;
    const rondo_test::ChildEnd end = rondo_test::run_in_child([&] { nothing(); });
    REQUIRE(end.signal == SIGABRT);
    REQUIRE(end.output.ends_with("an empty SmallFunction is called\n"));
}
#endif
