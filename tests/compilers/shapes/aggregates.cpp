// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// An aggregate made in the same full expression as a co_await. GCC before 12.3 destroys it twice if
// a member of it has a destructor; a class with a constructor is safe, and so is one whose members
// are trivial.

#include "../shape.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

struct Options {
    Tracked name;
    int count = 1;
};

struct TrivialOptions {
    std::string_view name{};
    int count = 1;
    std::chrono::milliseconds timeout{5};
};

class Constructed {
public:
    Constructed() = default;
    Constructed(Tracked name, int count) : name_(std::move(name)), count_(count) {}
    int sum() const { return name_.value() + count_; }

private:
    Tracked name_;
    int count_ = 1;
};

static Task<int> take(Options options) {
    co_return options.name.value() + options.count;
}
static Task<int> refer(const Options& options) {
    co_return options.name.value() + options.count;
}
static Task<int> take_default(Options options = {}) {
    co_return options.count;
}
static Task<int> take_trivial(TrivialOptions options) {
    co_return static_cast<int>(options.name.size()) + options.count;
}
static Task<int> take_constructed(Constructed options) {
    co_return options.sum();
}
static Options make_options() {
    return Options{Tracked(6), 1};
}

// The shape of a queue's put(): an awaiter that has the value in it.
template <class T>
class Put {
public:
    Put(std::vector<T>& queue, T value) : queue_(queue), value_(std::move(value)) {}
    bool await_ready() {
        queue_.push_back(std::move(value_));
        return true;
    }
    void await_suspend(std::coroutine_handle<>) {}
    void await_resume() {}

private:
    std::vector<T>& queue_;
    T value_;
};

template <class T>
static Put<T> put(std::vector<T>& queue, T value) {
    return Put<T>(queue, std::move(value));
}

template <class T, class... Arguments>
static Put<T> emplace(std::vector<T>& queue, Arguments&&... arguments) {
    return Put<T>(queue, T{std::forward<Arguments>(arguments)...});
}

struct AggregateAwaiter {
    Tracked value;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return value.value(); }
};

static AggregateAwaiter make_awaiter() {
    return AggregateAwaiter{Tracked(7)};
}

SHAPE(by_value) {
    int result = co_await take(Options{Tracked(6), 1});
    expect(result == 7);
}

SHAPE(by_reference) {
    int result = co_await refer(Options{Tracked(6), 1});
    expect(result == 7);
}

SHAPE(braces) {
    int result = co_await take({Tracked(6), 1});
    expect(result == 7);
}

SHAPE(designated) {
    int result = co_await take({.name = Tracked(6), .count = 1});
    expect(result == 7);
}

SHAPE(empty_braces) {
    int result = co_await take({});
    expect(result == 1);
}

SHAPE(default_argument) {
    int result = co_await take_default();
    expect(result == 1);
}

SHAPE(into_a_queue) {
    std::vector<Options> queue;
    co_await put(queue, Options{Tracked(6), 1});
    expect(queue.size() == 1);
}

SHAPE(is_the_awaiter) {
    int result = co_await AggregateAwaiter{Tracked(7)};
    expect(result == 7);
}

SHAPE(from_awaits) {
    Options options{co_await tracked(6), co_await number(1)};
    expect(options.name.value() == 6 && options.count == 1);
}

SHAPE(trivial_members) {
    int result = co_await take_trivial({.name = "abcdef"});
    expect(result == 7);
}

SHAPE(with_constructor) {
    int result = co_await take_constructed({Tracked(6), 1});
    expect(result == 7);
    int empty = co_await take_constructed({});
    expect(empty == 1);
}

SHAPE(named_first) {
    Options options{Tracked(6), 1};
    int result = co_await take(std::move(options));
    expect(result == 7);
}

SHAPE(from_function) {
    int result = co_await take(make_options());
    expect(result == 7);
}

SHAPE(emplaced) {
    std::vector<Options> queue;
    co_await emplace(queue, Tracked(6), 1);
    expect(queue.size() == 1);
}

SHAPE(pair_and_tuple) {
    std::vector<std::pair<Tracked, int>> pairs;
    co_await put(pairs, {Tracked(6), 1});
    std::vector<std::tuple<Tracked, int>> tuples;
    co_await put(tuples, {Tracked(6), 1});
    std::vector<std::optional<Tracked>> optionals;
    co_await put(optionals, std::optional<Tracked>(Tracked(6)));
    expect(pairs.size() == 1 && tuples.size() == 1 && optionals.size() == 1);
}

SHAPE(awaiter_from_function) {
    int result = co_await make_awaiter();
    expect(result == 7);
}
