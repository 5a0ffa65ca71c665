#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The wait under every synchronisation primitive: in a FIFO, until something is granted directly to
// the one that has waited longest. Written on the public awaiter protocol, as yours would be.

#include <coroutine>

#include <rondo/config.hpp>
#include <rondo/suspension.hpp>
#include <rondo/wait_list.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// A task in a wait list. A cancelled one has left the list.
///
/// A primitive's awaiter makes one in await_suspend, calls wait_in(), and asks it in await_resume
/// what it came to. Where mostly there is nothing to wait for, it is no base of the awaiter but an
/// optional member: whatever a coroutine's frame is given to hold is written into it. For the same
/// reason such an awaiter's await_resume is always inlined: the compiler sees then that the member
/// is empty if await_ready was true, and asks no more.
class GrantedWait : public Suspension, public WaitHook {
public:
    /// Gives it what it waits for; it has left the list. Its task goes on in a later turn.
    void grant() noexcept {
        granted_ = true;
        resume();
    }

    [[nodiscard]] bool granted() const noexcept { return granted_; }

    /// Suspends, and waits in the list; returns false if a cancellation is pending.
    template <class P>
    bool wait_in(WaitList<GrantedWait>& list, std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        list.push_back(*this);
        return true;
    }

    /// The same for one that cannot be cancelled: its on_cancel() does nothing.
    template <class P>
    void wait_whatever_comes(WaitList<GrantedWait>& list,
                             std::coroutine_handle<P> awaiting) noexcept {
        suspend(awaiting);
        list.push_back(*this);
    }

    /// Without waiting: what it wants was free.
    void grant_at_once() noexcept { granted_ = true; }

    /// The grant has been used, or passed on.
    void take_grant() noexcept { granted_ = false; }

    /// The end of a wait: takes the grant. Throws: CancelledError; a grant that came together with
    /// the cancellation is left, for the destructor to pass on.
    void take_grant_or_throw() {
        if (!granted_ || cancellation_pending()) [[unlikely]] {
            throw_cancelled();
        }
        take_grant();
    }

protected:
    GrantedWait() noexcept = default;
    ~GrantedWait() { WaitList<GrantedWait>::remove_if_linked(*this); }

    void on_cancel() noexcept override {
        WaitList<GrantedWait>::remove(*this);
        resume();
    }

private:
    bool granted_ = false;
};

using WaitQueue = WaitList<GrantedWait>;

} // namespace rondo::inline RONDO_ABI::detail
