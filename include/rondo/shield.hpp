#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// shield: awaits a task without passing a cancellation on to it.

#include <concepts>
#include <type_traits>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/future_handle.hpp>
#include <rondo/future.hpp>
#include <rondo/task.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// Moves the result out only if it cannot be copied: others may have a handle.
template <class T>
inline constexpr bool shield_moves_v =
    !std::is_void_v<T> && !std::is_reference_v<T> && !std::copy_constructible<T>;

/// Waits as for a task or future, and leaves it alone when it is cancelled itself.
template <class H>
class ShieldAwaiter final : public FutureAwaiter<typename H::value_type, typename H::State,
                                                 shield_moves_v<typename H::value_type>> {
public:
    explicit ShieldAwaiter(const H& handle) noexcept
        : ShieldAwaiter::FutureAwaiter(Ref<typename H::State>(handle.state())) {}

private:
    void on_cancel() noexcept override {
        this->stop_observing();
        this->resume();
    }
};

template <class H>
class [[nodiscard("rondo: this waits for nothing until it is awaited: co_await it")]] Shield {
public:
    explicit Shield(H handle) noexcept : handle_(std::move(handle)) {}
    ShieldAwaiter<H> operator co_await() const noexcept { return ShieldAwaiter<H>(handle_); }

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
detail::Shield<Task<T>> shield(Task<T> task) noexcept {
    return detail::Shield<Task<T>>(std::move(task));
}
template <class T>
detail::Shield<Future<T>> shield(Future<T> future) noexcept {
    return detail::Shield<Future<T>>(std::move(future));
}
/// The same of a Coro, of which a task is made now. Throws: LoopError outside a loop.
template <class T>
detail::Shield<Task<T>> shield(Coro<T> coro) {
    return detail::Shield<Task<T>>(create_task(std::move(coro)));
}

} // namespace rondo::inline RONDO_ABI
