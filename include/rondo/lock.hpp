#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Lock: mutual exclusion between tasks. Fair: a lock that is released goes directly to the task
// that has waited longest, and no newcomer can take it in between.

#include <coroutine>
#include <optional>
#include <stdexcept>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/granted_wait.hpp>

namespace rondo::inline RONDO_ABI {

/// Lets one task at a time through. Not recursive.
///
/// Threads: belongs to one loop; no atomics. Between two suspensions a task has the thread to
/// itself and needs no lock: this one is for what must hold across a co_await.
/// Lifetime: must outlive its guards and those who wait.
/// Example:
/// @code
/// auto guard = co_await lock.acquire(); // released at the end of the scope, on every path
/// co_await write_record();
/// @endcode
class Lock {
public:
    class Guard;
    class Acquire;

    Lock() noexcept = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// `co_await lock.acquire()` waits for the lock and gives a Guard, which releases it at the end
    /// of its scope. Does not suspend if it is free.
    ///
    /// Ordering: FIFO.
    /// Cancellation: leaves the queue; a lock that was handed over in the same turn goes to the
    /// next who waits.
    [[nodiscard("rondo: this locks nothing until it is awaited: co_await it")]] Acquire
    acquire() noexcept;

    /// The lock, if it is free; never suspends.
    [[nodiscard]] std::optional<Guard> try_acquire() noexcept;

    /// Releases a lock whose guard was told to forget() it.
    /// Throws: std::logic_error if it is not locked.
    void release() {
        if (!locked_) {
            throw std::logic_error("rondo: Lock::release() of a lock that is not locked");
        }
        hand_on();
    }

    [[nodiscard]] bool locked() const noexcept { return locked_; }

private:
    friend class Condition; // takes it again, cancelled or not
    class Awaiter;
    class Wait;

    void hand_on() noexcept {
        if (detail::GrantedWait* first = waiting_.pop_front()) {
            first->grant(); // stays locked
        } else {
            locked_ = false;
        }
    }

    bool locked_ = false;
    detail::WaitQueue waiting_;
};

/// The right to be inside; releases the lock when it is destroyed. Move-only.
class [[nodiscard(
    "rondo: a Guard that is dropped is released at once: give it a name")]] Lock::Guard {
public:
    Guard(Guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
        Guard(std::move(other)).swap(*this);
        return *this;
    }
    ~Guard() { release(); }

    /// Releases early. Idempotent.
    void release() noexcept {
        if (Lock* lock = std::exchange(lock_, nullptr)) {
            lock->hand_on();
        }
    }

    /// Keeps it locked without an object: whoever calls this calls Lock::release() later.
    void forget() && noexcept { lock_ = nullptr; }

    /// Whether it still holds the lock.
    [[nodiscard]] explicit operator bool() const noexcept { return lock_ != nullptr; }

    void swap(Guard& other) noexcept { std::swap(lock_, other.lock_); }

private:
    friend class Lock;
    explicit Guard(Lock& lock) noexcept : lock_(&lock) {}

    Lock* lock_;
};

// Implementation

/// Until the lock is handed over.
class Lock::Wait final : public detail::GrantedWait {
public:
    explicit Wait(Lock& lock) noexcept : lock_(lock) {}
    ~Wait() {
        if (granted()) {
            lock_.hand_on(); // cancelled, or its frame died, between the grant and the step
        }
    }

private:
    [[nodiscard]] const char* describe() const noexcept override { return "Lock::acquire"; }

    Lock& lock_;
};

class Lock::Awaiter final : public detail::NativeAwaiterTag {
public:
    explicit Awaiter(Lock& lock) noexcept : lock_(lock) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;

    [[nodiscard]] bool await_ready() noexcept {
        wait_.reset(); // of an await before this one
        return !std::exchange(lock_.locked_, true);
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return wait_.emplace(lock_).wait_in(lock_.waiting_, awaiting);
    }
    [[gnu::always_inline]] Guard await_resume() {
        if (wait_) {
            wait_->take_grant_or_throw();
        }
        return Guard(lock_);
    }

private:
    Lock& lock_;
    std::optional<Wait> wait_; // made only if it has to wait
};

/// What acquire() returns.
class Lock::Acquire {
public:
    Awaiter operator co_await() const noexcept { return Awaiter(*lock_); }

private:
    friend class Lock;
    explicit Acquire(Lock& lock) noexcept : lock_(&lock) {}

    Lock* lock_;
};

inline Lock::Acquire Lock::acquire() noexcept {
    return Acquire(*this);
}

inline std::optional<Lock::Guard> Lock::try_acquire() noexcept {
    if (locked_) {
        return std::nullopt;
    }
    locked_ = true;
    return Guard(*this);
}

} // namespace rondo::inline RONDO_ABI
