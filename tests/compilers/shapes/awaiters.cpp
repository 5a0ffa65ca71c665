// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How an awaiter is reached. GCC before 12.3 copies one that comes by reference, other than a plain
// variable: it then registers a copy of itself.

#include "../shape.hpp"

#include <utility>

static int copies = 0;

struct Counting {
    Counting() = default;
    Counting(const Counting&) { ++copies; }
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 1; }
};

class Immovable {
public:
    explicit Immovable(int value) : value_(value) {}
    Immovable(Immovable&&) = delete;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
    int await_resume() const noexcept { return value_; }

private:
    int value_;
};

struct GivesReference {
    Counting awaiter;
    Counting& operator co_await() { return awaiter; }
};

struct GivesImmovable {
    Immovable operator co_await() && { return Immovable(5); }
};

// A coroutine whose promise hands awaiters on in the way that `Transform` says.
template <class Transform>
struct Transformed {
    struct promise_type {
        Transformed get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
        template <class Awaiter>
        decltype(auto) await_transform(Awaiter&& awaiter) {
            return Transform::apply(std::forward<Awaiter>(awaiter));
        }
    };
};

struct ByReference {
    template <class Awaiter>
    static Awaiter&& apply(Awaiter&& awaiter) {
        return std::forward<Awaiter>(awaiter);
    }
};

template <class Awaiter>
struct Wrapper {
    Awaiter& awaiter;
    bool await_ready() const noexcept { return awaiter.await_ready(); }
    void await_suspend(std::coroutine_handle<> handle) const noexcept {
        awaiter.await_suspend(handle);
    }
    int await_resume() const noexcept { return awaiter.await_resume(); }
};

struct InWrapper {
    template <class Awaiter>
    static Wrapper<Awaiter> apply(Awaiter&& awaiter) {
        return {awaiter};
    }
};

static Transformed<ByReference> await_by_reference() {
    int value = co_await Counting{};
    expect(value == 1);
}

static Transformed<InWrapper> await_in_wrapper() {
    int value = co_await Counting{};
    expect(value == 1);
}

SHAPE(moved) {
    Counting awaiter;
    int value = co_await std::move(awaiter);
    expect(value == 1 && copies == 0);
}

SHAPE(operator_gives_reference) {
    GivesReference awaitable;
    int value = co_await awaitable;
    expect(value == 1 && copies == 0);
}

SHAPE(transform_gives_reference) {
    await_by_reference();
    expect(copies == 0);
    co_return;
}

SHAPE(transform_gives_wrapper) {
    await_in_wrapper();
    expect(copies == 0);
    co_return;
}

SHAPE(variable) {
    Counting awaiter;
    int value = co_await awaiter;
    expect(value == 1 && copies == 0);
}

SHAPE(immovable_by_value) {
    int value = co_await GivesImmovable{};
    expect(value == 5);
}
