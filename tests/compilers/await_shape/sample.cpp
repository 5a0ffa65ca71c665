// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What the lint must find, on the lines with a mark, and what it must leave alone. Read by Clang,
// never built.

#include "support/catch.hpp"

#include <rondo/async_generator.hpp>
#include <rondo/coro.hpp>

#include <chrono>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace await_shape_sample {

using rondo::Coro;

struct Options {
    std::string host;
    int port = 0;
};

struct TrivialOptions {
    std::string_view host{};
    std::chrono::milliseconds timeout{0};
};

Coro<bool> truth();
Coro<int> number(int value = 0);
Coro<std::string> text();
Coro<std::optional<int>> next();
Coro<int> take(Options options);
Coro<int> take_default(Options options = {});
Coro<int> take_trivial(TrivialOptions options);
Coro<int> take_all(std::vector<int> values);
template <class Function>
Coro<int> call(Function function) {
    co_return function();
}
Options make_options();
int add(int first, int second);

Coro<> conditions() {
    if (co_await truth()) { // finding
    }
    while (co_await truth()) { // finding
    }
    do { // finding
    } while (co_await truth());
    for (; co_await truth();) { // finding
    }
    switch (co_await number()) { // finding
    default:
        break;
    }
    if (int value = co_await number(); value > add(co_await number(), 1)) { // finding
    }
}

Coro<> operators() {
    bool yes = true;
    int chosen = yes ? co_await number() : 0; // finding
    bool both = yes && co_await truth();      // finding
    bool either = yes || co_await truth();    // finding
    (void)chosen;
    (void)both;
    (void)either;
}

Coro<> temporaries() {
    std::string name = "name";
    int closure = co_await call([name] { return static_cast<int>(name.size()); }); // finding
    int moved = co_await call([name = std::move(name)] { return 1; });             // finding
    int aggregate = co_await take(Options{"host", 1});                             // finding
    int braces = co_await take({"host", 1});                                       // finding
    int empty = co_await take({});                                                 // finding
    int by_default = co_await take_default();                                      // finding
    int beside = add(co_await number(), static_cast<int>(Options{}.host.size()));  // finding
    int list = co_await take_all({1, 2, 3});                                       // finding
    std::vector<int> values{co_await number(), 2};                                 // finding
    Options from_await{co_await text(), 1};                                        // finding
    (void)(closure + moved + aggregate + braces + empty + by_default + beside + list);
}

rondo::AsyncGenerator<Options> yields() {
    co_yield Options{"host", 1}; // finding
    co_yield {"host", 1};        // finding
    co_yield {};                 // finding
}

Coro<> in_macros() {
    REQUIRE(co_await truth());     // finding
    CHECK_FALSE(co_await truth()); // finding
    CHECK(co_await number() == 1); // finding
}

template <class T>
Coro<T> in_template(T value) {
    if (co_await truth()) { // finding
    }
    T result = co_await call([value] { return value; });
    co_return result;
}

Coro<> good() {
    bool yes = co_await truth();
    if (yes) {}
    if (int value = co_await number()) {
        (void)value;
    }
    while (auto value = co_await next()) {
        (void)value;
    }
    std::string name = "name";
    int by_reference = co_await call([&] { return static_cast<int>(name.size()); });
    int trivial = co_await call([by_reference] { return by_reference; });
    auto closure = [name] { return 1; };
    int named = co_await call(closure);
    Options options{"host", 1};
    int aggregate = co_await take(std::move(options));
    int made = co_await take(make_options());
    int designated = co_await take_trivial({.host = "host", .timeout = std::chrono::seconds(1)});
    std::vector<int> values{1, 2, 3};
    int list = co_await take_all(std::move(values));
    int two = add(co_await number(), co_await number());
    int nested = co_await call([&] {
        Options inside{"host", 1};
        return yes && inside.port == 1 ? 1 : 0;
    });
    std::function<Coro<int>()> body = [&]() -> Coro<int> { co_return co_await number(); };
    int called = co_await body();
    Coro<int> task = take({"host", 1});
    int awaited = co_await std::move(task);
    CHECK(awaited == 1);
    (void)(trivial + named + aggregate + made + designated + list + two + nested + called);
    co_await in_template(1);
}

rondo::AsyncGenerator<Options> good_yields() {
    Options options{"host", 1};
    co_yield options;
    co_yield make_options();
    co_yield std::move(options);
}

rondo::AsyncGenerator<std::string> more_good_yields() {
    co_yield "text";
    co_yield std::string(3, 'x');
}

} // namespace await_shape_sample
