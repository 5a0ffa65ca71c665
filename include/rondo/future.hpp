#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Future<T>: a result that somebody else sets. The bridge from callbacks to coroutines.

#include <concepts>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include <rondo/detail/exception_kind.hpp>
#include <rondo/detail/future_handle.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/promise.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>
#include <rondo/fwd.hpp>
#include <stdexcept>

namespace rondo::inline RONDO_ABI {

namespace detail {

template <class T>
class FutureState final : public WithValue<T, FutureBase> {
public:
    explicit FutureState(Scheduler& scheduler) noexcept
        : WithValue<T, FutureBase>(scheduler, false) {}

    bool cancel(CancelReason reason, const std::string& message) override {
        if (this->done()) {
            return false;
        }
        this->set_reason(reason, message);
        this->settle(Status::cancelled);
        return true;
    }

    template <class... Args>
    void succeed(Args&&... args) {
        require_pending();
        this->emplace(std::forward<Args>(args)...);
        this->settle(Status::succeeded);
    }

    void fail(std::exception_ptr error) {
        require_pending();
        if (error == nullptr) {
            throw std::invalid_argument("rondo: set_exception() needs an exception, got null");
        }
        const Status status = is_cancellation(error) ? Status::cancelled : Status::failed;
        this->set_error(std::move(error));
        this->settle(status);
    }

    [[nodiscard]] std::string describe() const override { return "a future"; }
    void run() noexcept override {}     // never queued
    void discard() noexcept override {} // never queued

private:
    void require_pending() const {
        if (this->done()) {
            throw InvalidStateError("rondo: this future is done already");
        }
    }
};

} // namespace detail

/// A handle to a result to come. Cheap to copy; all copies are the same future.
///
/// Awaiting: as for a Task; several tasks may await it.
/// Cancellation: cancelling a task that awaits the future cancels the future, for all who await it
/// (as in asyncio).
/// Threads: a future belongs to its loop's thread, and so do copies of its handle; from others use
/// call_soon_threadsafe, with the handle captured by reference.
///
/// Example:
/// @code
/// rondo::Future<int> answer;
/// start_callback_api([answer](int value) mutable { answer.set_result(value); });
/// const int value = co_await answer;
/// @endcode
template <class T>
class Future : public detail::FutureHandle<Future<T>, detail::FutureState<T>> {
public:
    using value_type = T;
    using State = detail::FutureState<T>;

    /// A pending future of the running loop. Throws: LoopError outside a loop.
    Future() : Future(detail::running_scheduler()) {}

    explicit Future(detail::Scheduler& scheduler)
        : detail::FutureHandle<Future<T>, State>(detail::Ref<State>(new State(scheduler))) {}
    explicit Future(detail::Ref<State> state) noexcept
        : detail::FutureHandle<Future<T>, State>(std::move(state)) {}

    /// Completes it with a value; those who await it go on in a later turn.
    ///
    /// Throws: InvalidStateError if it is done.
    template <class U = T>
        requires(!std::is_void_v<T> && std::constructible_from<T, U &&> &&
                 detail::MakesNoTemporary<U, T>)
    void set_result(U&& value) const {
        this->state_->succeed(std::forward<U>(value));
    }
    void set_result() const
        requires std::is_void_v<T>
    {
        this->state_->succeed();
    }

    /// set_result(), unless it is done. Returns whether it took effect: for completions that race
    /// with a cancellation.
    template <class... U>
    bool try_set_result(U&&... value) const {
        if (this->done()) {
            return false;
        }
        set_result(std::forward<U>(value)...);
        return true;
    }

    /// Completes it with an exception; a CancelledError makes it cancelled.
    ///
    /// Throws: InvalidStateError if it is done; std::invalid_argument for a null pointer.
    void set_exception(std::exception_ptr error) const { this->state_->fail(std::move(error)); }

    /// The same, with an exception object.
    template <class E>
        requires(!std::convertible_to<E &&, std::exception_ptr>)
    void set_exception(E&& error) const {
        this->state_->fail(std::make_exception_ptr(std::forward<E>(error)));
    }

    /// The same, with an exception made from the arguments.
    template <class E, class... Args>
        requires std::constructible_from<E, Args&&...>
    void set_exception(std::in_place_type_t<E> /*type*/, Args&&... args) const {
        this->state_->fail(std::make_exception_ptr(E(std::forward<Args>(args)...)));
    }

    /// The result. Throws: InvalidStateError if it is not done; CancelledError; or the exception.
    decltype(auto) result() const {
        this->state_->require_value();
        return this->state_->value();
    }

    auto operator co_await() const& noexcept {
        return detail::FutureAwaiter<T, State, false>(this->state_);
    }
    auto operator co_await() && noexcept {
        return detail::FutureAwaiter<T, State, true>(std::move(this->state_));
    }
};

} // namespace rondo::inline RONDO_ABI
