#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Cancel requests and who made them. A request is outstanding until it is withdrawn (by uncancel()
// or by the scope that made it), and pending until a CancelledError has delivered it: the two are
// kept apart, because a task may swallow a delivery and a scope must absorb only its own.

#include <cstdint>
#include <rondo/config.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// The cancel requests of one task.
///
/// | event                     | outstanding | pending                                      |
/// | ------------------------- | ----------- | -------------------------------------------- |
/// | Task::cancel()            | + 1         | + 1                                          |
/// | a scope asks              | + 1         | + 1                                          |
/// | CancelledError is thrown  |             | 0                                            |
/// | uncancel()                | - 1 (user)  | 0 if none is left and no wait was broken off |
/// | a scope is left           | - its own   | - its own, if not delivered                  |
/// | redeliver()               |             | at least 1, if any is outstanding            |
class CancelRequests {
public:
    /// Identifies a scope's request: tells whether it has been delivered.
    using Ticket = std::uint16_t;

    [[nodiscard]] bool pending() const noexcept { return pending_ != 0; }
    [[nodiscard]] int outstanding() const noexcept { return user_ + scoped_; }

    /// Outstanding ones that a CancelledError has delivered: somebody went on all the same.
    [[nodiscard]] int outlived() const noexcept {
        return outstanding() > pending_ ? outstanding() - pending_ : 0;
    }

    void add_user() noexcept {
        saturating_increment(user_);
        saturating_increment(pending_);
    }

    [[nodiscard]] Ticket add_scoped() noexcept {
        saturating_increment(scoped_);
        saturating_increment(pending_);
        return deliveries_;
    }

    /// One CancelledError delivers all that is pending.
    void deliver() noexcept {
        pending_ = 0;
        ++deliveries_;
    }

    /// What was delivered has given way to another exception: it is to be delivered once more.
    void redeliver() noexcept {
        if (outstanding() > 0 && pending_ == 0) {
            pending_ = 1;
        }
    }

    /// `too_late`: what is pending has had its effect, and will be delivered all the same.
    int withdraw_user(bool too_late) noexcept {
        if (user_ > 0) {
            --user_;
        }
        if (!too_late) {
            drop_pending_if_none_left();
        }
        return outstanding();
    }

    void withdraw_scoped(Ticket ticket) noexcept {
        if (scoped_ > 0) {
            --scoped_;
        }
        if (ticket == deliveries_ && pending_ > 0) {
            --pending_;
        }
        drop_pending_if_none_left();
    }

private:
    static void saturating_increment(std::uint16_t& value) noexcept {
        if (value != UINT16_MAX) {
            ++value;
        }
    }

    void drop_pending_if_none_left() noexcept {
        if (outstanding() == 0) {
            pending_ = 0;
        }
    }

    std::uint16_t user_ = 0;
    std::uint16_t scoped_ = 0;
    std::uint16_t pending_ = 0;    // not delivered; more than outstanding only if too late
    std::uint16_t deliveries_ = 0; // counts CancelledErrors; wraps
};

} // namespace rondo::inline RONDO_ABI::detail
