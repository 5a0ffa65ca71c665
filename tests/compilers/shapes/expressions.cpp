// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Expressions with co_await that one may take for risky and that are not, on any compiler that we
// know; and one that calls more often than it seems to.

#include "../shape.hpp"

#include <string>
#include <tuple>
#include <utility>
#include <vector>

static int awaited = 0;

struct Counted {
    bool await_ready() const noexcept {
        ++awaited;
        return true;
    }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 1; }
};

static int join(int first, int second) {
    return first * 10 + second;
}

template <class... Tasks>
static Task<int> sum(Tasks... tasks) {
    int total = 0;
    ((total += co_await std::move(tasks)), ...);
    co_return total;
}

template <class... Tasks>
static Task<int> call_with(Tasks... tasks) {
    int result = join(co_await std::move(tasks)...);
    co_return result;
}

// Test macros do this to their argument: REQUIRE(co_await f()) runs f several times.
SHAPE(constant_p_does_not_evaluate) {
    (void)__builtin_constant_p(co_await Counted{});
    expect(awaited == 0);
}

SHAPE(two_arguments) {
    int result = join(co_await number(1), co_await number(2));
    expect(result == 12);
}

SHAPE(await_in_argument_of_await) {
    int result = co_await number(co_await number(3));
    expect(result == 3);
}

SHAPE(fold) {
    int result = co_await sum(number(1), number(2), number(3));
    expect(result == 6);
}

SHAPE(pack) {
    int result = co_await call_with(number(1), number(2));
    expect(result == 12);
}

SHAPE(tuple_of_awaits) {
    std::tuple<Tracked, int> both(co_await tracked(1), co_await number(2));
    expect(std::get<0>(both).value() == 1 && std::get<1>(both) == 2);
}

static Task<std::vector<Tracked>> three() {
    co_return std::vector<Tracked>(3);
}

SHAPE(range_for) {
    int count = 0;
    for (const Tracked& value : co_await three()) {
        int one = co_await number(1);
        count += one + value.value();
    }
    expect(count == 3);
}

SHAPE(compound_assignment) {
    int total = 1;
    total += co_await number(2);
    std::vector<int> values(2);
    values[static_cast<std::size_t>(co_await number(1))] = co_await number(5);
    expect(total == 3 && values[1] == 5);
}
