#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// CancelScope: a stretch of a task that can be cancelled as one. Time-outs and task groups are
// scopes; a scope knows whether it asked for the cancellation that comes out of it.

#include <rondo/config.hpp>
#include <rondo/detail/cancel_requests.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>

namespace rondo::inline RONDO_ABI {

/// A part of the current task which cancel() interrupts, and which absorbs only its own request.
///
/// asyncio's scopes share one counter with everybody who calls cancel() and uncancel(), and have
/// leaked and swallowed cancellations for years; here each scope's request has an owner.
///
/// Example: what a time-out does when its timer fires, and when its block is left:
/// @code
/// CancelScope scope;                       // entered by the current task
/// // timer: scope.cancel(CancelReason::timeout);
/// try { co_await body; } catch (const CancelledError&) { interrupted = true; }
/// const bool mine = scope.leave();         // withdraws the request
/// if (interrupted && mine) throw TimeoutError(...);   // else: throw the CancelledError on
/// @endcode
class CancelScope {
public:
    /// Enters. Throws: LoopError outside a task.
    CancelScope() : CancelScope(current()) {}
    CancelScope(const CancelScope&) = delete;
    CancelScope& operator=(const CancelScope&) = delete;
    ~CancelScope() { leave(); }

    /// Cancels the task inside the scope; once. Never runs anything of the task.
    void cancel(CancelReason reason) noexcept {
        if (!left_ && !requested_) {
            requested_ = true;
            ticket_ = task_->cancel_scoped(reason);
        }
    }

    /// Whether cancel() was called.
    [[nodiscard]] bool cancel_called() const noexcept { return requested_; }

    /// Leaves, and withdraws the scope's request. Returns whether a CancelledError that comes out
    /// of the scope is its own to absorb: it asked, and nobody outside the scope did as well, of
    /// whom the task had not heard when it entered.
    bool leave() noexcept {
        if (left_) {
            return false;
        }
        left_ = true;
        detail::CancelRequests& requests = task_->requests();
        if (requested_) {
            requests.withdraw_scoped(ticket_);
        }
        return requested_ && requests.outstanding() <= outlived_before_;
    }

    /// After leave(), inside the task: a CancelledError that is somebody else's to absorb gives way
    /// to another exception. The request stays, and is delivered at the next suspension.
    void redeliver() noexcept { task_->requests().redeliver(); }

private:
    explicit CancelScope(detail::TaskBase& task) noexcept
        : task_(&task), outlived_before_(task.requests().outlived()) {}

    static detail::TaskBase& current() {
        detail::TaskBase* task = detail::running_scheduler().current;
        if (task == nullptr) {
            throw LoopError("rondo: this needs a task; it was called from a plain callback");
        }
        return *task;
    }

    detail::TaskBase* task_;
    int outlived_before_;
    bool requested_ = false;
    bool left_ = false;
    detail::CancelRequests::Ticket ticket_ = 0;
};

} // namespace rondo::inline RONDO_ABI
