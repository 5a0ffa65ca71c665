#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What Task and Future handles have in common: asking, cancelling, done callbacks, awaiting.

#include <concepts>
#include <coroutine>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include <rondo/context.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/small_function.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>
#include <rondo/handle.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// A done callback: waits with the future, then in the ready queue.
template <class Self>
class DoneCallback final : public Callback, public DoneObserver {
public:
    DoneCallback(FutureBase& subject, SmallFunction<void(Self)> function) noexcept
        : Callback(nullptr), subject_(&subject), with_subject_(std::move(function)) {
        add_ref(); // the future's, later the ready queue's
    }

    void cancel() noexcept override {
        Callback::cancel();
        SmallFunction<void(Self)> dropped = std::move(with_subject_);
        if (subject_ != nullptr && is_linked()) {
            std::exchange(subject_, nullptr)->forget(*this);
            drop_ref();
        }
    }

    void run() noexcept override {
        if (!cancelled() && current_scheduler != nullptr) {
            const Self self = Self::from_state(*subject_);
            const EnteredContext entered(*current_scheduler, context_);
            try {
                SmallFunction<void(Self)> function = std::move(with_subject_);
                function(self);
            } catch (...) {
                report(std::current_exception());
            }
        }
        let_go();
    }

    void discard() noexcept override {
        Callback::cancel();
        SmallFunction<void(Self)> dropped = std::move(with_subject_);
        let_go();
    }

    /// The future is done: runs in a later turn of the loop.
    void on_done() noexcept override {
        Scheduler* scheduler = subject_->scheduler();
        if (scheduler->loop == nullptr) {
            on_abandoned(); // nobody is left who could run it
            return;
        }
        subject_->add_ref();
        scheduled_ = true;
        scheduler->ready.push_back(*this);
    }

private:
    void on_abandoned() noexcept override {
        subject_ = nullptr;
        SmallFunction<void(Self)> dropped = std::move(with_subject_);
        drop_ref();
    }

    void let_go() noexcept {
        if (scheduled_) {
            std::exchange(subject_, nullptr)->drop_ref();
        }
        drop_ref();
    }

    FutureBase* subject_;
    SmallFunction<void(Self)> with_subject_;
    bool scheduled_ = false;
};

/// Awaits a task or future. The result stays in the state, or is moved out of it if Move.
template <class T, class State, bool Move>
class FutureAwaiter : public Suspension, public DoneObserver {
public:
    explicit FutureAwaiter(Ref<State> state) noexcept : state_(std::move(state)) {}
    ~FutureAwaiter() { stop_observing(); }

    [[nodiscard]] bool await_ready() const noexcept { return state_->done(); }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        const TaskBase* self = awaiting.promise().task();
        if (static_cast<const FutureBase*>(self) == state_.get() ||
            self->scheduler() != state_->scheduler()) {
            return false; // await_resume tells
        }
        state_->observe(*this);
        suspend(awaiting);
        if (cancellation_pending()) {
            on_cancel();
        }
        return true;
    }

    T await_resume() {
        throw_if_cancelled(); // the result stays in its handle
        if (!state_->done()) {
            throw_misuse();
        }
        state_->require_value();
        if constexpr (Move || std::is_reference_v<T>) {
            return state_->take();
        } else if constexpr (std::is_void_v<T> || std::copy_constructible<T>) {
            return state_->value();
        } else {
            static_assert(std::copy_constructible<T>,
                          "rondo: this result cannot be copied out of its task; await the task as "
                          "an rvalue, co_await std::move(task), to move it out");
            return state_->take();
        }
    }

    Result<T> await_result() noexcept {
        if (cancellation_pending()) {
            return Result<T>::from_cancellation(take_cancellation());
        }
        try {
            if (state_->status() != Status::succeeded) {
                throw_misuse_unless_done();
                return Result<T>::failure(state_->error());
            }
            if constexpr (std::is_void_v<T>) {
                return Result<T>();
            } else if constexpr (Move || std::is_reference_v<T>) {
                return Result<T>(state_->take());
            } else {
                return Result<T>(state_->value());
            }
        } catch (...) { // misuse, or the copy or move of the value
            return Result<T>::failure(std::current_exception());
        }
    }

protected:
    void stop_observing() noexcept {
        if (is_linked()) {
            state_->forget(*this);
        }
    }

private:
    void on_cancel() noexcept override {
        // Cancelling a task that awaits another cancels that other, which answers for both.
        try {
            if (state_->cancel(task()->cancel_reason(), task()->cancel_message())) {
                cancellation_forwarded();
            }
        } catch (...) {
            resume(); // no memory for the message: at least stop waiting
        }
    }
    void on_done() noexcept override { resume(); }
    [[nodiscard]] const FutureBase* waits_for() const noexcept override { return state_.get(); }

    void throw_misuse_unless_done() const {
        if (!state_->done()) {
            throw_misuse();
        }
    }

    [[noreturn]] void throw_misuse() const {
        const Scheduler* here = current_scheduler;
        if (here != nullptr && here->current == static_cast<const FutureBase*>(state_.get())) {
            throw InvalidStateError("rondo: a task cannot await itself");
        }
        throw LoopError("rondo: this task or future belongs to another event loop");
    }

    Ref<State> state_;
};

/// The part of a handle that does not depend on the type of the result.
template <class Self, class State>
class FutureHandle {
public:
    /// Whether there is a result, an exception or a cancellation.
    [[nodiscard]] bool done() const noexcept { return state_->done(); }

    /// Whether it ended by cancellation.
    [[nodiscard]] bool cancelled() const noexcept { return state_->status() == Status::cancelled; }

    /// The exception it ended with; null if it has a value. Looking at it counts as handling it.
    ///
    /// Throws: InvalidStateError if it is not done; CancelledError if it was cancelled.
    [[nodiscard]] std::exception_ptr exception() const {
        if (!done()) {
            throw InvalidStateError("rondo: it is not done; await it first");
        }
        if (cancelled()) {
            std::rethrow_exception(state_->error());
        }
        return state_->error();
    }

    /// Asks for cancellation, with a message for the CancelledError; runs nothing by itself.
    ///
    /// Returns: false if it is done already; then nothing changes, and a failure counts as seen.
    bool cancel(const std::string& message = {}) const {
        if (done()) {
            state_->mark_retrieved();
            return false;
        }
        return state_->cancel(CancelReason::user, message);
    }

    /// Calls `callback(handle)` or `callback()` in a later turn of the loop once it is done, in the
    /// order of registration; in the next turn if it is done already. It runs in `context`, or in
    /// a copy of the present one if that is null.
    ///
    /// Returns: a handle whose cancel() removes the callback.
    template <class F>
        requires std::invocable<F&, Self> || std::invocable<F&>
    Handle add_done_callback(F callback, const Context* context = nullptr) const {
        SmallFunction<void(Self)> function;
        if constexpr (std::invocable<F&, Self>) {
            function = std::move(callback);
        } else {
            function = [callback = std::move(callback)](const Self&) mutable { callback(); };
        }
        Ref<DoneCallback<Self>> node(new DoneCallback<Self>(*state_, std::move(function)));
        if (context != nullptr) {
            node->run_in(context->cell());
        }
        if (done()) {
            node->on_done();
        } else {
            state_->observe(*node);
        }
        return Handle(node);
    }

    /// Tells `observer` when it is done; must not be done yet. For authors of combinators.
    void observe(DoneObserver& observer) const noexcept { state_->observe(observer); }

    /// Ends observe(). No effect on one that has been told.
    void forget(DoneObserver& observer) const noexcept {
        if (observer.is_linked()) {
            state_->forget(observer);
        }
    }

    /// Whether two handles are of the same task or future.
    friend bool operator==(const Self& a, const Self& b) noexcept {
        return a.state_.get() == b.state_.get();
    }

    /// For Rondo's own use: a handle of a state.
    static Self from_state(FutureBase& state) noexcept {
        return Self(Ref<State>(static_cast<State*>(&state)));
    }
    [[nodiscard]] State* state() const noexcept { return state_.get(); }

protected:
    FutureHandle() noexcept = default;
    explicit FutureHandle(Ref<State> state) noexcept : state_(std::move(state)) {}

    Ref<State> state_;
};

} // namespace rondo::inline RONDO_ABI::detail
