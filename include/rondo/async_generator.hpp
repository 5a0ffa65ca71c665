#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// AsyncGenerator: a coroutine that gives one value after another, by co_yield, and may await in
// between. It runs inside the task that asks for the next value.

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/live_generator.hpp>
#include <rondo/detail/promise.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

template <class T>
class GeneratorPromise;

/// Owns the coroutine of a generator.
template <class T>
using GeneratorHandle = std::coroutine_handle<GeneratorPromise<T>>;

template <class T>
class NextAwaiter;

/// Lets a generator clean up, and ends it. Throws: as AsyncGenerator::aclose().
template <class T>
Coro<> close_generator(GeneratorHandle<T> handle);

template <class T>
void drop_generator(GeneratorHandle<T> handle) noexcept;

} // namespace detail

/// A stream of values that a coroutine makes as they are asked for.
///
/// T is what is yielded: a value, which next() gives as std::optional<T>, or a reference, which it
/// gives as a pointer; empty, or null, at the end. Lazy: nothing runs until the first next().
/// Move-only. One task at a time may be inside; it need not always be the same.
///
/// Early exit: a generator that is left half-way ends where it stands: GeneratorExit is thrown at
/// its co_yield, so that its destructors and handlers run, and those may await. `co_await
/// generator.aclose()` does that and waits for it. The destructor does it as well, as far as
/// possible at once; what has to be awaited goes on as a task of the loop, and an exception goes to
/// the loop's exception handler. run() closes the generators that are left before it returns.
/// Lifetime: a generator that is dropped while a task is inside it ends when that task has made its
/// step; one that is dropped where its loop does not run is destroyed where it stands.
/// Compilers: give an aggregate with members that have destructors a name before it is yielded
/// (`Item item{1, name}; co_yield std::move(item);`): GCC 12.1 and 12.2 destroy an unnamed one twice.
/// Cancellation: of the task that awaits next() is delivered where the generator awaits.
/// Example:
/// @code
/// rondo::AsyncGenerator<int> countdown(int from) {
///     for (int i = from; i > 0; --i) {
///         co_yield i;
///         co_await rondo::sleep(1s);
///     }
/// }
/// auto numbers = countdown(3);
/// while (auto number = co_await numbers.next()) {
///     std::printf("%d\n", *number);
/// }
/// @endcode
template <class T>
class [[nodiscard("rondo: a generator does nothing until next() is awaited")]] AsyncGenerator {
    static_assert(std::is_object_v<std::remove_reference_t<T>> && !std::is_rvalue_reference_v<T>,
                  "rondo: a generator yields values, or lvalue references");

public:
    using promise_type = detail::GeneratorPromise<T>;
    using value_type = T;
    /// What next() gives.
    using Item = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*,
                                    std::optional<std::remove_cv_t<T>>>;

    AsyncGenerator(AsyncGenerator&& other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)) {}
    AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
        AsyncGenerator(std::move(other)).swap(*this);
        return *this;
    }
    ~AsyncGenerator();

    /// `co_await generator.next()` gives the next value; empty after the last.
    ///
    /// Throws: what the generator throws, which ends it; InvalidStateError if another task is
    /// inside. Cancellation: see above; a generator that lets the CancelledError pass has ended.
    [[nodiscard("rondo: this takes no step until it is awaited: co_await it")]] auto
    next() noexcept {
        return Step(*this, nullptr);
    }

    /// Throws an exception at the co_yield where the generator stands; gives the next value that it
    /// yields. One that has not started, or has ended, throws it at once. Cancellation: as for next().
    [[nodiscard("rondo: this takes no step until it is awaited: co_await it")]] auto athrow(
        std::exception_ptr error) noexcept {
        return Step(*this, std::move(error));
    }

    /// Ends the generator where it stands: its cleanup has run when this returns. Idempotent.
    ///
    /// Throws: what the cleanup throws; InvalidStateError if a task is inside, or if the generator
    /// yields again. Cancellation: is delivered where the cleanup awaits.
    [[nodiscard("rondo: this closes nothing until it is awaited: co_await it")]] Coro<> aclose() {
        return detail::close_generator<T>(handle_);
    }

    void swap(AsyncGenerator& other) noexcept { std::swap(handle_, other.handle_); }

private:
    friend promise_type;
    class Step;

    explicit AsyncGenerator(detail::GeneratorHandle<T> handle) noexcept : handle_(handle) {}

    detail::GeneratorHandle<T> handle_;
};

// Implementation

namespace detail {

/// | state    | meaning                                                |
/// | -------- | ------------------------------------------------------ |
/// | fresh    | no step has been taken                                 |
/// | inside   | a task is inside, suspended or running                 |
/// | at_yield | it stands at a co_yield                                |
/// | ended    | it has returned, thrown, or been closed before it began |
enum class GeneratorState : unsigned char { fresh, inside, at_yield, ended };

template <class T>
class GeneratorPromise final : public PromiseBase, public LiveGenerator {
    using Object = std::remove_reference_t<T>;

public:
#if RONDO_TRACK_LOCATIONS
    explicit GeneratorPromise(
        std::source_location made_at = std::source_location::current()) noexcept
        : PromiseBase(made_at) {}
#endif

    AsyncGenerator<T> get_return_object() noexcept(!RONDO_GCC_DROPS_COROUTINES) {
        return AsyncGenerator<T>(handle_of(*this));
    }

    /// Suspends with the value where it is, and hands back to who asked for it.
    class Yield {
    public:
        explicit Yield(GeneratorPromise& promise) noexcept : promise_(promise) {}
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        void await_suspend(std::coroutine_handle<> /*self*/) noexcept {
            promise_.state_ = GeneratorState::at_yield;
            promise_.hand_back();
        }
        void await_resume() const {
            if (promise_.thrown_ != nullptr) [[unlikely]] {
                std::rethrow_exception(std::exchange(promise_.thrown_, nullptr));
            }
        }

    private:
        GeneratorPromise& promise_;
    };

    /// A temporary lives in the generator's frame until it is resumed: it is moved from there.
    Yield yield_value(std::remove_cv_t<Object>&& value) noexcept
        requires(!std::is_reference_v<T>)
    {
        value_ = std::addressof(value);
        moves_ = true;
        return Yield(*this);
    }
    Yield yield_value(const Object& value) noexcept
        requires(!std::is_reference_v<T> && std::copy_constructible<Object>)
    {
        value_ = std::addressof(value);
        moves_ = false;
        return Yield(*this);
    }
    Yield yield_value(Object& value) noexcept
        requires(std::is_reference_v<T>)
    {
        value_ = std::addressof(value);
        return Yield(*this);
    }

    void return_void() noexcept { end(); }
    void unhandled_exception() noexcept {
        error_ = std::current_exception();
        end();
    }

    [[nodiscard]] GeneratorState state() const noexcept { return state_; }

    /// Runs until the generator yields, ends or suspends. Returns whether it has suspended.
    template <class P>
    bool step(TaskBase& task, std::coroutine_handle<P> awaiting,
              std::exception_ptr error) noexcept {
        state_ = GeneratorState::inside;
        occupied_ = true;
        thrown_ = std::move(error);
        tell_loop(*task.scheduler());
        bind(task);
#if RONDO_TRACK_LOCATIONS
        set_parent(awaiting.promise());
#endif
        set_continuation(nullptr);
        std::coroutine_handle<GeneratorPromise>::from_promise(*this).resume();
        if (state_ != GeneratorState::inside || task.is_running()) {
            return false; // the latter: dropped, see DroppedCoroutineError
        }
        set_continuation(awaiting);
        return true;
    }

    /// The task that is inside has made its step, or has been destroyed with its loop.
    void leave() noexcept {
        occupied_ = false;
        if (state_ == GeneratorState::inside) {
            end();
        }
        if (orphaned_) {
            drop_generator<T>(std::coroutine_handle<GeneratorPromise>::from_promise(*this));
        }
    }

    /// Its object dies. Returns whether a task is inside, which then drops it when it leaves.
    [[nodiscard]] bool orphan() noexcept {
        orphaned_ = occupied_;
        return orphaned_;
    }

    /// Closed before its first step: there is nothing to clean up but parameters.
    void end() noexcept {
        state_ = GeneratorState::ended;
        this->forget();
    }

    /// The value at the co_yield, or empty at the end. Throws: what ended the generator.
    typename AsyncGenerator<T>::Item take() {
        if (state_ == GeneratorState::inside) [[unlikely]] {
            end();
            throw DroppedCoroutineError();
        }
        if (state_ == GeneratorState::ended) {
            if (error_ != nullptr) {
                std::rethrow_exception(std::exchange(error_, nullptr));
            }
            return {};
        }
        if constexpr (std::is_reference_v<T>) {
            return value_;
        } else {
            return take_object();
        }
    }

    Coro<void> close_at_shutdown() override {
        return close_generator<T>(std::coroutine_handle<GeneratorPromise>::from_promise(*this));
    }

private:
    void hand_back() noexcept {
        if (continuation()) {
            task()->continue_with(continuation());
        }
    }

    std::optional<std::remove_cv_t<Object>> take_object() {
        if constexpr (std::copy_constructible<Object>) {
            if (!moves_) {
                return *value_;
            }
        }
        return std::move(*const_cast<std::remove_cv_t<Object>*>(value_));
    }

    std::conditional_t<std::is_reference_v<T>, Object*, const Object*> value_ = nullptr;
    std::exception_ptr thrown_; // by athrow() or aclose(), at the co_yield
    std::exception_ptr error_;  // which left the generator
    GeneratorState state_ = GeneratorState::fresh;
    bool moves_ = false;
    bool occupied_ = false; // by a task that has not made its step yet
    bool orphaned_ = false; // the object is gone, the task inside owns the coroutine
};

/// Takes one step of a generator inside the awaiting task. A null handle has ended.
template <class T>
class NextAwaiter final : public NativeAwaiterTag {
public:
    NextAwaiter(GeneratorHandle<T> handle, std::exception_ptr error) noexcept
        : handle_(handle), error_(std::move(error)) {}
    NextAwaiter(const NextAwaiter&) = delete;
    NextAwaiter& operator=(const NextAwaiter&) = delete;
    ~NextAwaiter() {
        if (inside_) {
            handle_.promise().leave();
        }
    }

    /// Throws: InvalidStateError.
    [[nodiscard]] bool await_ready() {
        if (!handle_) {
            return true;
        }
        GeneratorPromise<T>& promise = handle_.promise();
        if (promise.state() == GeneratorState::inside) {
            throw InvalidStateError("rondo: another task is inside this generator already");
        }
        if (promise.state() == GeneratorState::fresh && error_ != nullptr) {
            promise.end();
        }
        return promise.state() == GeneratorState::ended;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        static_assert(std::derived_from<P, PromiseBase>,
                      "rondo: a generator can be used only inside a Coro; start it with "
                      "rondo::run() or create_task()");
        inside_ = true;
        return handle_.promise().step(*awaiting.promise().task(), awaiting,
                                      std::exchange(error_, nullptr));
    }
    typename AsyncGenerator<T>::Item await_resume() {
        if (!inside_) { // it had ended before
            if (error_ != nullptr) {
                std::rethrow_exception(error_);
            }
            return {};
        }
        inside_ = false; // another step may follow in the same expression, before this one dies
        GeneratorPromise<T>& promise = handle_.promise();
        const ScopeExit leave([&promise] { promise.leave(); });
        return promise.take();
    }

private:
    GeneratorHandle<T> handle_;
    std::exception_ptr error_;
    bool inside_ = false;
};

/// A step as an awaitable, for close_generator().
template <class T>
struct GeneratorStep {
    GeneratorHandle<T> handle;
    std::exception_ptr* error;
    NextAwaiter<T> operator co_await() const noexcept {
        return NextAwaiter<T>(handle, std::move(*error));
    }
};

template <class T>
Coro<> close_generator(GeneratorHandle<T> handle) {
    if (!handle || handle.promise().state() == GeneratorState::ended) {
        co_return;
    }
    if (handle.promise().state() == GeneratorState::fresh) {
        handle.promise().end();
        co_return;
    }
    auto exit = std::make_exception_ptr(GeneratorExit());
    bool yielded = false;
    try {
        const GeneratorStep<T> step{handle, &exit};
        const auto item = co_await step;
        yielded = static_cast<bool>(item);
    } catch (const GeneratorExit&) { // NOLINT(bugprone-empty-catch): as it was asked to
    }
    if (yielded) {
        throw InvalidStateError("rondo: a generator that was closed yielded another value");
    }
}

/// Destroys the coroutine at the end of its scope.
template <class T>
class OwnedGenerator {
public:
    explicit OwnedGenerator(GeneratorHandle<T> handle) noexcept : handle_(handle) {}
    OwnedGenerator(OwnedGenerator&& other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)) {}
    OwnedGenerator& operator=(OwnedGenerator&&) = delete;
    ~OwnedGenerator() {
        if (handle_) {
            handle_.destroy();
        }
    }
    [[nodiscard]] GeneratorHandle<T> get() const noexcept { return handle_; }

private:
    GeneratorHandle<T> handle_;
};

template <class T>
Coro<> close_dropped(OwnedGenerator<T> generator) {
    auto closing = close_generator<T>(generator.get());
    co_await std::move(closing);
}

/// Nobody can ask for its values any more. One that stands at a co_yield cleans up in a task of its
/// own, whose first step is taken here.
template <class T>
void drop_generator(GeneratorHandle<T> handle) noexcept {
    if (handle.promise().orphan()) {
        return;
    }
    OwnedGenerator<T> generator(handle);
    GeneratorPromise<T>& promise = handle.promise();
    Scheduler* const scheduler = current_scheduler;
    if (promise.state() != GeneratorState::at_yield || scheduler == nullptr ||
        scheduler != promise.scheduler() || scheduler->loop == nullptr) {
        return;
    }
    try {
        TaskOptions options;
        options.name = "closing a generator";
        options.eager_start = true;
        (void)spawn(*scheduler, close_dropped<T>(std::move(generator)), options);
    } catch (...) { // NOLINT(bugprone-empty-catch): no memory; at least the destructors run
    }
}

} // namespace detail

/// What next() and athrow() return.
template <class T>
class [[nodiscard]] AsyncGenerator<T>::Step {
public:
    detail::NextAwaiter<T> operator co_await() && noexcept {
        return detail::NextAwaiter<T>(handle_, std::move(error_));
    }

private:
    friend class AsyncGenerator;
    Step(AsyncGenerator& generator, std::exception_ptr error) noexcept
        : handle_(generator.handle_), error_(std::move(error)) {}

    detail::GeneratorHandle<T> handle_;
    std::exception_ptr error_;
};

template <class T>
AsyncGenerator<T>::~AsyncGenerator() {
    if (handle_) {
        detail::drop_generator<T>(handle_);
    }
}

} // namespace rondo::inline RONDO_ABI
