// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A co_await as an operand of ?:, && or ||, which may not be evaluated at all.

#include "../shape.hpp"

static int awaited = 0;

static Task<bool> counted() {
    ++awaited;
    co_return true;
}

static Task<Tracked> choose(bool first) {
    co_return first ? co_await tracked(1) : Tracked(2);
}

SHAPE(conditional_class) {
    volatile bool yes = true;
    Tracked value = yes ? co_await tracked(1) : Tracked(2);
    expect(value.value() == 1);
}

SHAPE(conditional_class_returned) {
    Tracked first = co_await choose(true);
    expect(first.value() == 1);
    Tracked second = co_await choose(false);
    expect(second.value() == 2);
}

SHAPE(conditional_number) {
    volatile bool no = false;
    int value = no ? co_await number(1) : 2;
    expect(value == 2);
}

SHAPE(awaited_condition) {
    int value = co_await truth(true) ? 1 : 2;
    expect(value == 1);
}

SHAPE(false_and_without_local) {
    if (false && co_await counted()) {
        expect(false);
    }
    expect(awaited == 0);
    co_return;
}

SHAPE(and_at_run_time) {
    volatile bool no = false;
    if (no && co_await counted()) {
        expect(false);
    }
    expect(awaited == 0);
}

SHAPE(true_or) {
    bool value = true || co_await counted();
    expect(value && awaited == 0);
    co_return;
}

SHAPE(if_else_with_names) {
    volatile bool yes = true;
    Tracked value;
    if (yes) {
        value = co_await tracked(1);
    }
    expect(value.value() == 1);
}
