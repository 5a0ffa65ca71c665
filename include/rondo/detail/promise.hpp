#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What the promises of all Coros share: where their frames live, how they await, and how a
// coroutine that ends hands back to the one that awaits it.

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/error.hpp>
#include <type_traits>
#include <utility>

#if RONDO_TRACK_LOCATIONS
#include <source_location>
#endif

namespace rondo::inline RONDO_ABI {

template <class T>
class Coro;

namespace detail {

class TaskBase;

template <class A>
class ForeignAwaiter;

template <class T>
inline constexpr bool is_coro_v = false;
template <class T>
inline constexpr bool is_coro_v<Coro<T>> = true;

/// Stands in for what cannot be awaited, so that a mistake gives one error and not a page.
struct NotAwaitable {
    struct Anything {
        template <class T>
        operator T&() const; // NOLINT: converts to whatever the statement needs
    };
    [[nodiscard]] static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<> /*awaiting*/) noexcept {}
    static Anything await_resume() { return {}; }
};

/// A native awaiter that lives elsewhere: await_transform must not return references (GCC 12 would
/// copy the awaiter).
template <class W>
class AwaiterReference : public NativeAwaiterTag {
public:
    explicit AwaiterReference(W& awaiter) noexcept : awaiter_(awaiter) {}
    [[nodiscard]] bool await_ready() { return awaiter_.await_ready(); }
    template <class P>
    auto await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return awaiter_.await_suspend(awaiting);
    }
    decltype(auto) await_resume() { return awaiter_.await_resume(); }

private:
    W& awaiter_;
};

/// Type-independent part of a promise: two words, and nothing of a task.
class PromiseBase : public PoolAllocated {
public:
    PromiseBase(const PromiseBase&) = delete;
    PromiseBase& operator=(const PromiseBase&) = delete;

    static std::suspend_always initial_suspend() noexcept { return {}; }

    /// Whoever resumed the coroutine sees that it is done; only one that has been suspended in
    /// between has to say who is next. Nothing is resumed from here: the stack would grow.
    struct FinalAwaiter {
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class P>
        static void await_suspend(std::coroutine_handle<P> ended) noexcept;
        static void await_resume() noexcept {}
    };
    static FinalAwaiter final_suspend() noexcept { return {}; }

    /// The exception waits in the task until the awaiting coroutine takes it, which is next to run.
    inline void unhandled_exception() noexcept;

#if RONDO_TRACK_LOCATIONS
    template <class A>
    auto await_transform(A&& awaitable,
                         std::source_location where = std::source_location::current()) {
        awaiting_at_ = where;
        return native_awaiter(std::forward<A>(awaitable));
    }

    /// The awaiting coroutine, where it awaits, and where this one was made; for the call graph.
    [[nodiscard]] const PromiseBase* parent() const noexcept { return parent_; }
    [[nodiscard]] const std::source_location& awaiting_at() const noexcept { return awaiting_at_; }
    [[nodiscard]] const std::source_location& made_at() const noexcept { return made_at_; }
    void set_parent(const PromiseBase& parent) noexcept { parent_ = &parent; }
#else
    template <class A>
    auto await_transform(A&& awaitable) {
        return native_awaiter(std::forward<A>(awaitable));
    }
#endif

    /// The task that runs this coroutine; null until it is awaited or scheduled.
    [[nodiscard]] TaskBase* task() const noexcept { return task_; }
    void bind(TaskBase& task) noexcept { task_ = &task; }

    [[nodiscard]] std::coroutine_handle<> continuation() const noexcept { return continuation_; }
    void set_continuation(std::coroutine_handle<> awaiting) noexcept { continuation_ = awaiting; }

protected:
#if RONDO_TRACK_LOCATIONS
    explicit PromiseBase(std::source_location made_at) noexcept : made_at_(made_at) {}
#else
    PromiseBase() noexcept = default;
#endif
    ~PromiseBase() = default;

    /// The handle of the coroutine whose promise this is.
    ///
    /// GCC 12.0 to 12.2 put the conditions of a coroutine without local variables at the beginning
    /// of its frame, before what resume() looks for there: it would run with a frame that is not
    /// its own, usually to no effect. The handle's address then is not that of the memory, which
    /// shows in its alignment. Throws: DroppedCoroutineError if so; the frame is destroyed.
    template <class P>
    static std::coroutine_handle<P> handle_of(P& promise) noexcept(!RONDO_GCC_DROPS_COROUTINES) {
        const auto handle = std::coroutine_handle<P>::from_promise(promise);
        if constexpr (RONDO_GCC_DROPS_COROUTINES) {
            const auto address = reinterpret_cast<std::uintptr_t>(handle.address());
            if (address % FramePool::granularity != 0) [[unlikely]] {
                throw DroppedCoroutineError();
            }
        }
        return handle;
    }

private:
    template <class A>
    static auto native_awaiter(A&& awaitable) {
        if constexpr (is_coro_v<std::remove_cvref_t<A>> && std::is_lvalue_reference_v<A>) {
            static_assert(!std::is_lvalue_reference_v<A>,
                          "rondo: a Coro can be awaited only once: write co_await std::move(coro), "
                          "or make a task of it with create_task to await it several times");
            return NotAwaitable{};
        } else if constexpr (!Awaitable<A>) {
            static_assert(Awaitable<A>,
                          "rondo: co_await needs a Coro, a Task, a Future, an operation or an "
                          "awaiter; did you forget to call the function?");
            return NotAwaitable{};
        } else {
            using Awaiter = awaiter_of_t<A>;
            if constexpr (!NativeAwaiter<Awaiter>) {
                return ForeignAwaiter<A>(std::forward<A>(awaitable));
            } else if constexpr (std::is_reference_v<Awaiter>) {
                return AwaiterReference<std::remove_reference_t<Awaiter>>(
                    get_awaiter(std::forward<A>(awaitable)));
            } else {
                return get_awaiter(std::forward<A>(awaitable));
            }
        }
    }

    TaskBase* task_ = nullptr;
    std::coroutine_handle<> continuation_; // who awaits, if this coroutine has been suspended
#if RONDO_TRACK_LOCATIONS
    const PromiseBase* parent_ = nullptr;
    std::source_location made_at_;
    std::source_location awaiting_at_;
#endif
};

/// Whether a T can be made of a U&& without a temporary that it would refer to.
template <class U, class T>
concept MakesNoTemporary =
    !std::is_reference_v<T> ||
    (std::is_lvalue_reference_v<U&&> == std::is_lvalue_reference_v<T> &&
     std::convertible_to<std::remove_reference_t<U>*, std::remove_reference_t<T>*>);

/// The promise of a Coro<T>: a value, or none yet. An exception on its way to whoever awaits is in
/// the task, which has but one at a time.
template <class T>
class Promise final : public PromiseBase {
public:
#if RONDO_TRACK_LOCATIONS
    explicit Promise(std::source_location made_at = std::source_location::current()) noexcept
        : PromiseBase(made_at) {}
#else
    Promise() noexcept = default;
#endif
    ~Promise() { forget_value(); }

    Coro<T> get_return_object() noexcept(!RONDO_GCC_DROPS_COROUTINES);

    template <class U = T>
        requires(std::convertible_to<U &&, T> && MakesNoTemporary<U, T>)
    void return_value(U&& value) {
        if constexpr (std::is_reference_v<T>) {
            storage_.value = std::addressof(value);
        } else {
            forget_value(); // of a co_return that the destructor of a local has thrown out of
            ::new (static_cast<void*>(std::addressof(storage_.value)))
                Value(std::forward<U>(value));
        }
        has_value_ = true;
    }

    [[nodiscard]] T take_value() {
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*storage_.value);
        } else {
            return std::move(storage_.value);
        }
    }

private:
    using Value = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;

    void forget_value() noexcept {
        if constexpr (!std::is_trivially_destructible_v<Value>) {
            if (std::exchange(has_value_, false)) {
                storage_.value.~Value();
            }
        }
    }

    union Storage {
        Storage() noexcept {}
        ~Storage() {}
        Value value;
    };
    Storage storage_;
    bool has_value_ = false;
};

/// The promise of a Coro<>.
template <>
class Promise<void> final : public PromiseBase {
public:
#if RONDO_TRACK_LOCATIONS
    explicit Promise(std::source_location made_at = std::source_location::current()) noexcept
        : PromiseBase(made_at) {}
#endif

    Coro<void> get_return_object() noexcept(!RONDO_GCC_DROPS_COROUTINES);

    static void return_void() noexcept {}
    static void take_value() noexcept {}
};

} // namespace detail
} // namespace rondo::inline RONDO_ABI
