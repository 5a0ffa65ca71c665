#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Coro<T>: what a coroutine function returns. Lazy: calling the function runs nothing; awaiting
// the Coro runs it inline, in the awaiting task, and no turn of the loop passes.

#include <concepts>
#include <coroutine>
#include <exception>
#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/foreign_awaiter.hpp>
#include <rondo/detail/promise.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>
#include <type_traits>
#include <utility>

namespace rondo::inline RONDO_ABI {

namespace detail {

template <class T>
class CoroAwaiter;

/// Takes the coroutine out of its Coro; whoever calls this owns it.
template <class T>
std::coroutine_handle<Promise<T>> release(Coro<T>&& coro);

} // namespace detail

/// A coroutine that has been called and not yet awaited.
///
/// T may be void, a reference, or move-only. A Coro is awaited once, as an rvalue; to await a
/// result several times or from several tasks, make a task of it (create_task).
///
/// Lifetime: the frame holds the function's parameters as they were declared: take them by value,
/// unless the caller awaits in place. The frame is destroyed when the await ends, or with a Coro
/// that is never awaited.
/// Cancellation: delivered at the innermost suspension point of the chain of Coros, as a
/// CancelledError; each Coro may clean up and sees it in order from the inside out.
/// Example:
/// @code
/// rondo::Coro<int> add(int a, int b) {
///     co_await rondo::sleep(100ms);
///     co_return a + b;
/// }
/// rondo::Coro<> use() {
///     const int sum = co_await add(1, 2);
/// }
/// @endcode
template <class T>
class [[nodiscard(
    "rondo: a Coro does nothing until it is awaited: did you forget co_await?")]] Coro {
public:
    using promise_type = detail::Promise<T>;
    using value_type = T;

    Coro(Coro&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Coro& operator=(Coro&& other) noexcept {
        Coro(std::move(other)).swap(*this);
        return *this;
    }
    ~Coro() {
        if (handle_) {
            handle_.destroy();
        }
    }

    /// Runs the coroutine to its end as part of the awaiting task.
    ///
    /// Returns: what it co_returns. Throws: what it throws; std::logic_error if it was moved from.
    auto operator co_await() && { return detail::CoroAwaiter<T>(release()); }

    /// False after it was awaited, scheduled or moved from.
    [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

    void swap(Coro& other) noexcept { std::swap(handle_, other.handle_); }

private:
    friend detail::Promise<T>;
    friend std::coroutine_handle<promise_type> detail::release<T>(Coro&& coro);

    explicit Coro(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

    [[nodiscard]] std::coroutine_handle<promise_type> release() {
        if (!handle_) {
            throw InvalidStateError("rondo: this Coro was awaited, scheduled or moved before");
        }
        return std::exchange(handle_, nullptr);
    }

    std::coroutine_handle<promise_type> handle_;
};

// Implementation

namespace detail {

template <class T>
std::coroutine_handle<Promise<T>> release(Coro<T>&& coro) {
    return coro.release();
}

template <class T>
Coro<T> Promise<T>::get_return_object() noexcept(!RONDO_GCC_DROPS_COROUTINES) {
    return Coro<T>(handle_of(*this));
}

inline Coro<void> Promise<void>::get_return_object() noexcept(!RONDO_GCC_DROPS_COROUTINES) {
    return Coro<void>(handle_of(*this));
}

inline void PromiseBase::unhandled_exception() noexcept {
    task_->carry_failure(std::current_exception());
}

template <class P>
void PromiseBase::FinalAwaiter::await_suspend(std::coroutine_handle<P> ended) noexcept {
    PromiseBase& promise = ended.promise();
    if (promise.continuation_) {
        promise.task_->continue_with(promise.continuation_);
    }
}

/// Owns the awaited coroutine. Resumes it inside await_suspend and goes on at once if it is done:
/// constant stack in every build, where symmetric transfer grows it without optimisation or under
/// sanitizers (style guide, section 6).
template <class T>
class CoroAwaiter : public NativeAwaiterTag {
public:
    explicit CoroAwaiter(std::coroutine_handle<Promise<T>> handle) noexcept : handle_(handle) {}
    CoroAwaiter(const CoroAwaiter&) = delete;
    CoroAwaiter& operator=(const CoroAwaiter&) = delete;
    ~CoroAwaiter() { handle_.destroy(); }

    [[nodiscard]] static bool await_ready() noexcept { return false; }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        static_assert(std::derived_from<P, PromiseBase>,
                      "rondo: a Coro can be awaited only inside a Coro; start it with rondo::run() "
                      "or create_task()");
        PromiseBase& parent = awaiting.promise();
        PromiseBase& child = handle_.promise();
        TaskBase& task = *parent.task();
        child.bind(task);
#if RONDO_TRACK_LOCATIONS
        child.set_parent(parent);
#endif
        handle_.resume();
        if (handle_.done()) {
            return false;
        }
        if (task.is_running()) [[unlikely]] {
            return false; // see dropped()
        }
        child.set_continuation(awaiting);
        return true;
    }

    T await_resume() {
        Promise<T>& promise = handle_.promise();
        if (dropped()) [[unlikely]] {
            throw DroppedCoroutineError();
        }
        if (promise.task()->carries_failure()) [[unlikely]] {
            std::rethrow_exception(promise.task()->take_failure());
        }
        return promise.take_value();
    }

    Result<T> await_result() noexcept {
        Promise<T>& promise = handle_.promise();
        if (dropped()) {
            return Result<T>::failure(std::make_exception_ptr(DroppedCoroutineError()));
        }
        if (promise.task()->carries_failure()) {
            return Result<T>::failure(promise.task()->take_failure());
        }
        if constexpr (std::is_void_v<T>) {
            return Result<T>();
        } else {
            try {
                return Result<T>(promise.take_value());
            } catch (...) { // the move of the value
                return Result<T>::failure(std::current_exception());
            }
        }
    }

private:
    /// It neither finished nor awaited anything: GCC 12.1/12.2 dropped its body.
    [[nodiscard]] bool dropped() const noexcept { return !handle_.done(); }

    std::coroutine_handle<Promise<T>> handle_;
};

} // namespace detail
} // namespace rondo::inline RONDO_ABI
