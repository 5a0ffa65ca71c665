#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What a task sees of the awaitable at the bottom of its chain of Coros: a small interface, so that
// tasks need to know no awaitable.

#include <cstdint>
#include <rondo/config.hpp>

namespace rondo::inline RONDO_ABI {

class Suspension;

namespace detail {

class FutureBase;
class TaskBase;

/// The awaitable that a task is suspended on. Users derive from Suspension instead.
class Leaf {
public:
    Leaf(const Leaf&) = delete;
    Leaf& operator=(const Leaf&) = delete;

protected:
    Leaf() noexcept = default;
    ~Leaf() = default;

private:
    friend class TaskBase;
    friend class rondo::Suspension;

    // Names that no derived class will want: even private ones would hide a template parameter.
    enum class LeafState : std::uint8_t {
        idle,        // not suspended (yet)
        resumed,     // the task is in the ready queue, or runs again
        interrupted, // the same, but a cancellation woke it: its event has not come
        late,        // woken while the task was in the scheduler's queue of the cancelled
        waiting,     // the task is suspended and nothing has woken it
        to_be_told,  // the same, and it is in the scheduler's queue of the cancelled
    };

    TaskBase* leaf_task_ = nullptr; // set when suspended, and left set afterwards
    LeafState leaf_state_ = LeafState::idle;

    virtual void on_cancel() noexcept = 0;
    [[nodiscard]] virtual const char* describe() const noexcept = 0;
    [[nodiscard]] virtual const FutureBase* waits_for() const noexcept { return nullptr; }
};

} // namespace detail
} // namespace rondo::inline RONDO_ABI
