#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The list of those who wait at a primitive: intrusive, first in first out, and anybody may leave
// from the middle. For Rondo's own primitives and for yours (see suspension.hpp).

#include <cstddef>
#include <rondo/config.hpp>
#include <rondo/detail/intrusive_list.hpp>

namespace rondo::inline RONDO_ABI {

/// Base class of an awaiter that waits in a WaitList.
using WaitHook = detail::ListHook<struct WaitTag>;

/// FIFO of waiting awaiters; each derives from WaitHook. Owns nothing, allocates nothing.
template <class Awaiter>
class WaitList {
public:
    WaitList() noexcept = default;
    WaitList(const WaitList&) = delete;
    WaitList& operator=(const WaitList&) = delete;
    /// A primitive that dies before those who wait at it leaves them waiting: only a cancellation
    /// can end that.
    ~WaitList() { list_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

    void push_back(Awaiter& awaiter) noexcept { list_.push_back(awaiter); }

    /// Takes the one that has waited longest; null if nobody waits.
    [[nodiscard]] Awaiter* pop_front() noexcept { return list_.pop_front(); }

    /// The one that has waited longest, left in the list; null if nobody waits.
    [[nodiscard]] Awaiter* front() noexcept { return list_.front(); }

    /// Static, as the next: they are safe when the primitive is gone.
    static void remove(Awaiter& awaiter) noexcept { remove_if_linked(awaiter); }

    /// For destructors: a frame may die while its awaiter still waits.
    static void remove_if_linked(Awaiter& awaiter) noexcept {
        if (static_cast<WaitHook&>(awaiter).is_linked()) {
            List::remove(awaiter);
        }
    }

private:
    using List = detail::IntrusiveList<Awaiter, struct WaitTag>;

    List list_;
};

} // namespace rondo::inline RONDO_ABI
