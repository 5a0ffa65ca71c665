// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A closure made in the same full expression as a co_await. GCC before 12.3 destroys it twice if
// what it captured has a destructor.

#include "../shape.hpp"

#include <functional>
#include <utility>

template <class Function>
static Task<int> call(Function function) {
    co_return function();
}

template <class Function>
static auto call_forwarded(Function&& function) {
    return call(std::forward<Function>(function));
}

static Task<int> call_erased(std::function<int()> function) {
    co_return function();
}

SHAPE(captures_by_value) {
    Tracked value(7);
    int result = co_await call([value] { return value.value(); });
    expect(result == 7);
}

SHAPE(captures_by_move) {
    Tracked value(7);
    int result = co_await call([value = std::move(value)] { return value.value(); });
    expect(result == 7);
}

SHAPE(by_forwarding_reference) {
    Tracked value(7);
    int result = co_await call_forwarded([value] { return value.value(); });
    expect(result == 7);
}

SHAPE(in_std_function) {
    Tracked value(7);
    int result = co_await call_erased([value] { return value.value(); });
    expect(result == 7);
}

SHAPE(called_at_once) {
    Tracked value(7);
    int result = co_await [value]() -> Task<int> {
        int one = co_await number(1);
        co_return one + value.value();
    }();
    expect(result == 8);
}

SHAPE(captures_by_reference) {
    Tracked value(7);
    int result = co_await call([&] { return value.value(); });
    expect(result == 7);
}

SHAPE(called_at_once_by_reference) {
    Tracked value(7);
    int result = co_await [&]() -> Task<int> {
        int one = co_await number(1);
        co_return one + value.value();
    }();
    expect(result == 8);
}

SHAPE(called_at_once_with_arguments) {
    Tracked value(7);
    int result = co_await [](Tracked argument) -> Task<int> {
        int one = co_await number(1);
        co_return one + argument.value();
    }(value);
    expect(result == 8);
}

SHAPE(captures_trivial_values) {
    int three = 3;
    double half = 0.5;
    int result = co_await call([three, half] { return three + static_cast<int>(half); });
    expect(result == 3);
}

SHAPE(named_first) {
    Tracked value(7);
    auto closure = [value] { return value.value(); };
    int result = co_await call(std::move(closure));
    expect(result == 7);
}

SHAPE(task_named_first) {
    Tracked value(7);
    auto task = call([value] { return value.value(); });
    int result = co_await std::move(task);
    expect(result == 7);
}

static int value_of(const Tracked& value) {
    return value.value();
}

SHAPE(bind_front) {
    Tracked value(7);
    int result = co_await call(std::bind_front(value_of, value));
    expect(result == 7);
}
