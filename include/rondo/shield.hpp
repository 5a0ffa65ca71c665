#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// shield: awaits a task without passing a cancellation on to it.

#include <concepts>
#include <type_traits>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/future_handle.hpp>
#include <rondo/future.hpp>
#include <rondo/task.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// Waits as for a task or future, and leaves it alone when it is cancelled itself.
template <class H, bool Move>
class ShieldAwaiter final : public FutureAwaiter<typename H::value_type, typename H::State, Move> {
public:
    explicit ShieldAwaiter(const H& handle) noexcept
        : ShieldAwaiter::FutureAwaiter(Ref<typename H::State>(handle.state())) {}

private:
    void on_cancel() noexcept override {
        this->stop_observing();
        this->resume();
    }
};

/// `Shared`: others may have a handle. Then the result is moved out only if it cannot be copied.
template <class H, bool Shared>
class [[nodiscard("rondo: this waits for nothing until it is awaited: co_await it")]] Shield {
    using T = typename H::value_type;
    static constexpr bool only_moves =
        !std::is_void_v<T> && !std::is_reference_v<T> && !std::copy_constructible<T>;

public:
    explicit Shield(H handle) noexcept : handle_(std::move(handle)) {}
    ShieldAwaiter<H, only_moves> operator co_await() const& noexcept {
        return ShieldAwaiter<H, only_moves>(handle_);
    }
    ShieldAwaiter<H, only_moves || !Shared> operator co_await() && noexcept {
        return ShieldAwaiter < H, only_moves || !Shared > (handle_);
    }

private:
    H handle_;
};

} // namespace detail

/// `co_await shield(task)` gives the task's result; if the awaiting task is cancelled meanwhile,
/// the shielded one goes on.
///
/// The loop owns the shielded task: nobody has to keep a reference. A failure after the
/// cancellation is reported like that of any task which nobody looks at.
/// Cancellation: throws CancelledError at once; the result, also one that came in the same turn,
/// stays in the task. If the shielded task itself is cancelled, throws that CancelledError.
/// Example:
/// @code
/// auto saving = rondo::create_task(save(document));
/// co_await rondo::shield(saving); // whoever cancels us does not tear the file
/// @endcode
template <class T>
detail::Shield<Task<T>, true> shield(Task<T> task) noexcept {
    return detail::Shield<Task<T>, true>(std::move(task));
}
template <class T>
detail::Shield<Future<T>, true> shield(Future<T> future) noexcept {
    return detail::Shield<Future<T>, true>(std::move(future));
}
/// The same of a Coro or whatever else can be awaited, of which a task is made now.
/// Throws: LoopError outside a loop.
template <Awaitable A>
detail::Shield<Task<await_result_t<A>>, false> shield(A awaitable) {
    return detail::Shield<Task<await_result_t<A>>, false>(ensure_future(std::move(awaitable)));
}

} // namespace rondo::inline RONDO_ABI
