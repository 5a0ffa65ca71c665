#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What every program under shapes/ is made of: a coroutine type without any library behind it, so
// that what fails is the compiler, and values that notice when they are destroyed twice.
//
// A program holds shapes: coroutines, each with one construct in it. `program --list` names them;
// `program <shape>` runs one, and its exit status is 0 if that worked. One process runs one shape,
// because a broken one may crash or hang.

#include <coroutine>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

template <class T>
class Task;

// What the promises of all Tasks share: who is resumed at the end, and what was thrown.
struct PromiseBase {
    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
            const std::coroutine_handle<> continuation = self.promise().continuation;
            return continuation ? continuation : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };

    std::suspend_always initial_suspend() noexcept { return {}; }
    FinalAwaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { exception = std::current_exception(); }

    std::coroutine_handle<> continuation;
    std::exception_ptr exception;
};

template <class T>
struct Promise : PromiseBase {
    Task<T> get_return_object();
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
    T take() { return std::move(*value); }

    std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() noexcept {}
    void take() noexcept {}
};

// A lazy coroutine that is awaited once, by symmetric transfer.
template <class T = void>
class [[nodiscard]] Task {
public:
    using promise_type = Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    class Awaiter {
    public:
        explicit Awaiter(Handle handle) : handle_(handle) {}
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
            handle_.promise().continuation = awaiting;
            return handle_;
        }
        T await_resume() {
            if (handle_.promise().exception) {
                std::rethrow_exception(handle_.promise().exception);
            }
            return handle_.promise().take();
        }

    private:
        Handle handle_;
    };

    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    ~Task() {
        if (handle_) {
            handle_.destroy();
        }
    }

    Awaiter operator co_await() && noexcept { return Awaiter(handle_); }

    // Runs it until it suspends for good. False unless it has then finished without an exception.
    bool run() {
        handle_.resume();
        return handle_.done() && !handle_.promise().exception;
    }

    // Runs it and leaves it where it suspends.
    void start() { handle_.resume(); }

private:
    Handle handle_;
};

template <class T>
Task<T> Promise<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// A value with a destructor that counts: after a shape has run, as many must have died as lived.
class Tracked {
public:
    static inline int alive = 0;

    Tracked(int value = 0) : value_(value) { ++alive; }
    Tracked(const Tracked& other) : value_(other.value_) { ++alive; }
    Tracked(Tracked&& other) noexcept : value_(std::exchange(other.value_, -1)) { ++alive; }
    Tracked& operator=(const Tracked&) = default;
    ~Tracked() { --alive; }

    int value() const { return value_; }

private:
    int value_;
};

// An awaiter that suspends for good: the shape is then destroyed where it stands.
struct Never {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 0; }
};

inline Task<int> number(int value) {
    co_return value;
}
inline Task<bool> truth(bool value) {
    co_return value;
}
inline Task<Tracked> tracked(int value) {
    co_return Tracked(value);
}

inline int failed_expectations = 0;

inline void expect(bool condition) {
    if (!condition) {
        ++failed_expectations;
    }
}

// One shape of this program, in a list that links itself together.
class Shape {
public:
    Shape(const char* name, Task<> (*body)()) : name_(name), body_(body), next_(first_) {
        first_ = this;
    }

    static void list() {
        for (const Shape* shape = first_; shape != nullptr; shape = shape->next_) {
            std::puts(shape->name_);
        }
    }

    static int run(std::string_view name) {
        for (const Shape* shape = first_; shape != nullptr; shape = shape->next_) {
            if (shape->name_ == name) {
                const bool finished = shape->body_().run();
                return finished && failed_expectations == 0 && Tracked::alive == 0 ? 0 : 1;
            }
        }
        return 2;
    }

private:
    static inline const Shape* first_ = nullptr;

    const char* name_;
    Task<> (*body_)();
    const Shape* next_;
};

// Begins a shape: what follows is the body of a coroutine that returns Task<>.
#define SHAPE(name)                                                                                \
    static Task<> name();                                                                          \
    static const Shape shape_##name(#name, &name);                                                 \
    static Task<> name()

int main(int argc, char* argv[]) {
    if (argc != 2) {
        return 2;
    }
    if (std::string_view(argv[1]) == "--list") {
        Shape::list();
        return 0;
    }
    return Shape::run(argv[1]);
}
