#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The awaiter protocol: Suspension is the base of every awaitable that makes a task wait. All of
// Rondo's composition and synchronisation is written on it, exactly as your own primitive would be.

#include <concepts>
#include <coroutine>
#include <rondo/config.hpp>
#include <rondo/detail/leaf.hpp>
#include <rondo/detail/promise.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>

namespace rondo::inline RONDO_ABI {

/// Base class of leaf awaiters: what a task waits on, and how a cancellation reaches it.
///
/// An awaitable comes in two parts. The *description* is movable and is what your function
/// returns; its `operator co_await` makes the *awaiter*, immovable state in the awaiting frame,
/// which derives from Suspension and has the three functions of the C++ protocol and on_cancel().
///
/// | moment                          | what the awaiter does                                    |
/// | ------------------------------- | -------------------------------------------------------- |
/// | `await_ready`                   | true if there is nothing to wait for                     |
/// | `await_suspend`                 | calls suspend_unless_cancelled(); if that is false,      |
/// |                                 | returns false; otherwise registers where it will be woken |
/// | the event                       | the primitive unregisters it and calls resume()          |
/// | `on_cancel` (only while waiting) | unregisters, calls resume(); or forwards the request     |
/// | `await_resume`                  | the result; or throws by throw_cancelled()               |
/// | destructor                      | unregisters, if the frame dies while it waits            |
///
/// Three rules keep every await safe to cancel:
/// 1. resume() only queues the task. Nothing of the task runs inside your call.
/// 2. A cancellation may arrive after resume() and before await_resume(): there,
///    cancellation_pending() is true although you had your event. Undo its effect (hand the permit
///    on) and throw; or, if it cannot be undone, return the result and call keep_result(): the
///    cancellation then waits for the task's next suspension.
/// 3. on_cancel() runs only between suspension and resume(): once, if it resumes; for each request,
///    if it forwards them.
///
/// Example: a gate that lets one waiting task through per open().
/// @code
/// class Gate {
/// public:
///     auto pass() { return Pass{*this}; }
///     void open() {
///         if (Awaiter* first = waiting_.pop_front()) {
///             first->let_through();
///         } else {
///             ++open_;
///         }
///     }
///
/// private:
///     class Awaiter : public rondo::Suspension, public rondo::WaitHook {
///     public:
///         explicit Awaiter(Gate& gate) noexcept : gate_(gate) {}
///         ~Awaiter() { rondo::WaitList<Awaiter>::remove_if_linked(*this); }
///         bool await_ready() noexcept {
///             passed_ = gate_.open_ > 0;
///             gate_.open_ -= passed_;
///             return passed_;
///         }
///         template <class Promise>
///         bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
///             if (!suspend_unless_cancelled(awaiting)) {
///                 return false;
///             }
///             gate_.waiting_.push_back(*this);
///             return true;
///         }
///         void await_resume() {
///             if (!passed_) {
///                 throw_cancelled();
///             }
///             if (cancellation_pending()) { // let through and cancelled in one turn:
///                 gate_.open();             // cancelled means no effect
///                 throw_cancelled();
///             }
///         }
///         void let_through() noexcept {
///             passed_ = true;
///             resume();
///         }
///
///     private:
///         void on_cancel() noexcept override {
///             rondo::WaitList<Awaiter>::remove(*this);
///             resume();
///         }
///         const char* describe() const noexcept override { return "Gate::pass"; }
///
///         Gate& gate_;
///         bool passed_ = false;
///     };
///
///     struct Pass {
///         Gate& gate;
///         Awaiter operator co_await() const noexcept { return Awaiter(gate); }
///     };
///
///     int open_ = 0;
///     rondo::WaitList<Awaiter> waiting_;
/// };
/// @endcode
class Suspension : public detail::Leaf {
public:
    /// Puts the waiting task at the back of the ready queue. Only the first call counts, and only
    /// while the task is suspended here. Never runs the task itself.
    void resume() noexcept {
        if (leaf_state_ == LeafState::waiting) {
            leaf_state_ = LeafState::resumed;
            leaf_task_->wake();
        } else if (leaf_state_ == LeafState::to_be_told) {
            leaf_state_ = LeafState::late; // woken when its turn comes to be told
        }
    }

    /// True between suspension and resume().
    [[nodiscard]] bool is_waiting() const noexcept { return leaf_state_ >= LeafState::waiting; }

protected:
    Suspension() noexcept = default;
    ~Suspension() = default;

    /// Suspends the task here: to be called from await_suspend, which then returns true. From now
    /// on on_cancel() may be called; a cancellation pending already does not call it.
    template <class P>
    void suspend(std::coroutine_handle<P> awaiting) noexcept {
        attach(awaiting);
        leaf_state_ = LeafState::waiting;
        leaf_task_->suspend_at(*this, awaiting, awaiting.promise());
    }

    /// The same, unless a cancellation is pending: then nothing is suspended, the result is false,
    /// and await_suspend returns false as well; await_resume() is next, and has to throw.
    template <class P>
    [[nodiscard]] bool suspend_unless_cancelled(std::coroutine_handle<P> awaiting) noexcept {
        attach(awaiting);
        if (leaf_task_->requests().pending()) [[unlikely]] {
            return false;
        }
        leaf_state_ = LeafState::waiting;
        leaf_task_->suspend_at(*this, awaiting, awaiting.promise());
        return true;
    }

    /// A cancellation of the task that no CancelledError has delivered yet. False for an awaiter
    /// that was ready at once: what did not suspend is no place to be cancelled at.
    [[nodiscard]] bool cancellation_pending() const noexcept {
        return leaf_task_ != nullptr && leaf_task_->requests().pending();
    }

    /// Delivers the cancellation: throws CancelledError with the reason and message of the request.
    [[noreturn, gnu::cold, gnu::noinline]] void throw_cancelled() { throw take_cancellation(); }

    /// The same, without throwing: for await_result(). The request counts as delivered.
    [[nodiscard]] CancelledError take_cancellation() {
        if (leaf_task_ == nullptr) {
            return CancelledError();
        }
        leaf_task_->deliver_cancellation();
        return leaf_task_->make_cancellation();
    }

    /// The usual end of an await whose event has nothing to undo.
    void throw_if_cancelled() {
        if (cancellation_pending()) [[unlikely]] {
            throw_cancelled();
        }
    }

    /// The await gives a result that cannot be undone although a cancellation is pending: that one
    /// is for the next suspension, and is forgotten if the task returns before.
    void keep_result() noexcept {
        if (leaf_task_ != nullptr) {
            leaf_task_->keep_result();
        }
    }

    /// From on_cancel(): somebody else has been asked to stop and will answer; the request counts
    /// as delivered and is not thrown here.
    void cancellation_forwarded() noexcept { leaf_task_->deliver_cancellation(); }

    [[nodiscard]] detail::TaskBase* task() const noexcept { return leaf_task_; }

    /// "Semaphore::acquire" or the like, for reports on who waits for what.
    [[nodiscard]] const char* describe() const noexcept override { return "an awaitable"; }

private:
    /// The task was cancelled while it waits here. Must not throw, and run nothing of the task.
    void on_cancel() noexcept override = 0;

    template <class P>
    void attach(std::coroutine_handle<P> awaiting) noexcept {
        static_assert(std::derived_from<P, detail::PromiseBase>,
                      "rondo: this can be awaited only inside a Coro; start one with rondo::run() "
                      "or create_task()");
        leaf_task_ = awaiting.promise().task();
    }
};

} // namespace rondo::inline RONDO_ABI
