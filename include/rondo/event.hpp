#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Event: a flag that tasks can wait for.

#include <coroutine>
#include <optional>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/granted_wait.hpp>

namespace rondo::inline RONDO_ABI {

/// A flag, and those who wait for it to be set.
///
/// Threads: belongs to one loop; no atomics.
/// Lifetime: must outlive those who wait.
/// Example:
/// @code
/// rondo::Event started;
/// auto waiter = rondo::create_task([&]() -> rondo::Coro<> { co_await started.wait(); });
/// started.set();
/// @endcode
class Event {
public:
    class Wait;

    Event() noexcept = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    /// Sets the flag and wakes all who wait, in the order in which they came. Runs nobody.
    void set() noexcept {
        set_ = true;
        while (detail::GrantedWait* first = waiting_.pop_front()) {
            first->grant();
        }
    }

    /// Clears the flag. Those who waited when it was set are woken all the same.
    void clear() noexcept { set_ = false; }

    [[nodiscard]] bool is_set() const noexcept { return set_; }

    /// `co_await event.wait()` waits until the flag is set; does not suspend if it is.
    ///
    /// Ordering: FIFO. Cancellation: leaves the queue.
    [[nodiscard("rondo: this waits for nothing until it is awaited: co_await it")]] Wait
    wait() noexcept;

private:
    class Awaiter;
    class Waiting;

    bool set_ = false;
    detail::WaitQueue waiting_;
};

// Implementation

class Event::Waiting final : public detail::GrantedWait {
private:
    [[nodiscard]] const char* describe() const noexcept override { return "Event::wait"; }
};

class Event::Awaiter final : public detail::NativeAwaiterTag {
public:
    explicit Awaiter(Event& event) noexcept : event_(event) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;

    [[nodiscard]] bool await_ready() noexcept {
        wait_.reset(); // of an await before this one
        return event_.set_;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return wait_.emplace().wait_in(event_.waiting_, awaiting);
    }
    [[gnu::always_inline]] void await_resume() {
        if (wait_) {
            wait_->take_grant_or_throw();
        }
    }

private:
    Event& event_;
    std::optional<Waiting> wait_; // made only if it has to wait
};

/// What wait() returns.
class Event::Wait {
public:
    Awaiter operator co_await() const noexcept { return Awaiter(*event_); }

private:
    friend class Event;
    explicit Wait(Event& event) noexcept : event_(&event) {}

    Event* event_;
};

inline Event::Wait Event::wait() noexcept {
    return Wait(*this);
}

} // namespace rondo::inline RONDO_ABI
