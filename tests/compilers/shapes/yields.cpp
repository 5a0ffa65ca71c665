// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What a co_yield is given. It is an await like any other: GCC before 12.3 destroys an aggregate
// that is made in the same expression twice, however yield_value() takes it.

#include "../shape.hpp"

#include <utility>

struct Item {
    int number = 0;
    Tracked name;
};

class Constructed {
public:
    explicit Constructed(Tracked name) : name_(std::move(name)) {}
    int value() const { return name_.value(); }

private:
    Tracked name_;
};

// A generator by rvalue, by constant reference or by value, as yield_value() takes it.
template <class Parameter>
class Generator {
public:
    struct promise_type {
        Generator get_return_object() {
            return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(Parameter value) noexcept {
            sum += value_of(value);
            return {};
        }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }

        static int value_of(const Item& item) { return item.number + item.name.value(); }
        static int value_of(const Constructed& item) { return item.value(); }
        static int value_of(const Tracked& item) { return item.value(); }

        int sum = 0;
    };

    explicit Generator(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    Generator(Generator&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    ~Generator() {
        if (handle_) {
            handle_.destroy();
        }
    }

    // Runs it to its end. Returns the sum of what it has yielded.
    int run() {
        while (!handle_.done()) {
            handle_.resume();
        }
        return handle_.promise().sum;
    }

private:
    std::coroutine_handle<promise_type> handle_;
};

static Generator<Item&&> aggregates_by_rvalue() {
    co_yield Item{1, Tracked(6)};
}
static Generator<const Item&> aggregates_by_reference() {
    co_yield Item{1, Tracked(6)};
}
static Generator<Item> aggregates_by_value() {
    co_yield Item{1, Tracked(6)};
}
static Generator<Item&&> aggregates_in_braces() {
    co_yield {1, Tracked(6)};
}
static Generator<Item&&> named_aggregates() {
    Item item{1, Tracked(6)};
    co_yield std::move(item);
}
static Item make_item() {
    return Item{1, Tracked(6)};
}
static Generator<Item&&> aggregates_from_function() {
    co_yield make_item();
}
static Generator<Constructed&&> with_constructors() {
    co_yield Constructed(Tracked(7));
}
static Generator<Tracked&&> conversions() {
    co_yield 7;
}

SHAPE(aggregate_by_rvalue) {
    expect(aggregates_by_rvalue().run() == 7);
    co_return;
}

SHAPE(aggregate_by_reference) {
    expect(aggregates_by_reference().run() == 7);
    co_return;
}

SHAPE(aggregate_by_value) {
    expect(aggregates_by_value().run() == 7);
    co_return;
}

SHAPE(aggregate_in_braces) {
    expect(aggregates_in_braces().run() == 7);
    co_return;
}

SHAPE(named_first) {
    expect(named_aggregates().run() == 7);
    co_return;
}

SHAPE(from_function) {
    expect(aggregates_from_function().run() == 7);
    co_return;
}

SHAPE(with_constructor) {
    expect(with_constructors().run() == 7);
    co_return;
}

SHAPE(conversion) {
    expect(conversions().run() == 7);
    co_return;
}
