// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A co_await in the condition of a statement. In a coroutine without any local variable GCC before
// 12.3 drops the whole body: nothing in it runs, and who awaits it hangs.

#include "../shape.hpp"

#include <optional>

static int rounds = 0;

static Task<bool> three_times() {
    co_return ++rounds <= 3;
}

static Task<std::optional<int>> three_numbers() {
    if (++rounds <= 3) {
        co_return std::optional<int>(rounds);
    }
    co_return std::optional<int>();
}

SHAPE(if_without_local) {
    if (co_await truth(true)) {
        co_return;
    }
    expect(false);
}

SHAPE(else_without_local) {
    if (co_await truth(false)) {
        expect(false);
    } else {
        co_return;
    }
}

SHAPE(while_without_local) {
    while (co_await three_times()) {}
    expect(rounds == 4);
}

SHAPE(for_without_local) {
    for (; co_await three_times();) {}
    expect(rounds == 4);
}

SHAPE(do_without_local) {
    do {
    } while (co_await three_times());
    expect(rounds == 4);
}

SHAPE(switch_without_local) {
    switch (co_await number(2)) {
    case 2:
        break;
    default:
        expect(false);
    }
}

SHAPE(if_in_try_without_local) {
    try {
        if (co_await truth(true)) {
            co_return;
        }
    } catch (...) {
        expect(false);
    }
    expect(false);
}

SHAPE(second_await_in_condition) {
    co_await number(1);
    if (co_await truth(true)) {
        co_return;
    }
    expect(false);
}

static Task<int> with_parameter(int value) {
    if (co_await number(value)) {
        co_return 1;
    }
    co_return 2;
}

SHAPE(parameter_is_no_local) {
    int result = co_await with_parameter(5);
    expect(result == 1);
}

SHAPE(if_with_local_before) {
    int local = 1;
    if (co_await truth(true)) {
        ++local;
    }
    expect(local == 2);
}

SHAPE(if_with_local_after) {
    if (co_await truth(false)) {
        expect(false);
    }
    int local = 1;
    expect(local == 1);
    co_return;
}

SHAPE(named_first) {
    bool is_true = co_await truth(true);
    if (is_true) {
        co_return;
    }
    expect(false);
}

SHAPE(if_declares) {
    if (int two = co_await number(2)) {
        expect(two == 2);
        co_return;
    }
    expect(false);
}

SHAPE(if_with_initializer) {
    if (int two = co_await number(2); two == 2) {
        co_return;
    }
    expect(false);
}

SHAPE(while_declares) {
    while (auto next = co_await three_numbers()) {
        expect(*next == rounds);
    }
    expect(rounds == 4);
}
