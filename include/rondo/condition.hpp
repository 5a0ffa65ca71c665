#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Condition: waiting, inside a lock, for somebody to say that something has changed.

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/granted_wait.hpp>
#include <rondo/error.hpp>
#include <rondo/lock.hpp>

namespace rondo::inline RONDO_ABI {

/// A condition variable for tasks, with a lock of its own or a shared one.
///
/// Threads: belongs to one loop; no atomics. Lifetime: must outlive those who wait.
/// Example:
/// @code
/// auto guard = co_await condition.acquire();
/// co_await condition.wait_for([&] { return !jobs.empty(); });
/// @endcode
class Condition {
public:
    Condition() noexcept : lock_(own_lock_) {}
    /// Shares `lock`, which must outlive the condition: locking either locks both.
    explicit Condition(Lock& lock) noexcept : lock_(lock) {}
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    /// As Lock::acquire().
    [[nodiscard("rondo: this locks nothing until it is awaited: co_await it")]] auto
    acquire() noexcept {
        return lock_.acquire();
    }
    [[nodiscard]] bool locked() const noexcept { return lock_.locked(); }

    /// Releases the lock, waits to be notified, and takes the lock again, in any case: it is held
    /// when this returns or throws, and the guard from acquire() stays good. Check what you waited
    /// for: it may have changed again.
    ///
    /// Throws: std::logic_error if the lock is not held.
    /// Cancellation: takes the lock again first, however long that takes, and throws CancelledError
    /// then. A notification that arrived in the same turn goes to the next who waits.
    template <class = void>
    Coro<> wait();

    /// Waits until `predicate()` is true; does not wait, and needs no lock, if it is.
    /// Returns: the predicate's last value, which may be a pointer, an optional and the like.
    /// Cancellation: as for wait().
    template <class F>
        requires std::constructible_from<bool, std::invoke_result_t<F&>>
    Coro<std::decay_t<std::invoke_result_t<F&>>> wait_for(F predicate) {
        for (;;) {
            {
                auto value = predicate();
                if (static_cast<bool>(value)) {
                    co_return value;
                }
            }
            co_await wait();
        }
    }

    /// Wakes `n` of those who wait, the longest first. They go on when they get the lock.
    /// Throws: std::logic_error if the lock is not held.
    void notify(std::size_t n = 1) {
        require_locked("rondo: Condition::notify() without its lock; acquire() it first");
        wake(n);
    }
    /// Wakes all who wait. Throws: as notify().
    void notify_all() { notify(static_cast<std::size_t>(-1)); }

private:
    class Notification;
    class Relock;

    void require_locked(const char* message) const {
        if (!lock_.locked()) {
            throw std::logic_error(message);
        }
    }
    void wake(std::size_t n) noexcept {
        for (; n != 0; --n) {
            detail::GrantedWait* first = waiting_.pop_front();
            if (first == nullptr) {
                return;
            }
            first->grant();
        }
    }

    Lock own_lock_; // unused with a shared lock
    Lock& lock_;
    detail::WaitQueue waiting_;
};

// Implementation

class Condition::Notification {
public:
    class Awaiter final : public detail::GrantedWait {
    public:
        explicit Awaiter(Condition& condition) noexcept : condition_(condition) {}
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class P>
        bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
            return wait_in(condition_.waiting_, awaiting);
        }
        void await_resume() {
            if (!granted()) {
                throw_cancelled();
            }
            if (cancellation_pending()) {
                condition_.wake(1);
                throw_cancelled();
            }
        }

    private:
        [[nodiscard]] const char* describe() const noexcept override { return "Condition::wait"; }

        Condition& condition_;
    };

    explicit Notification(Condition& condition) noexcept : condition_(condition) {}
    Awaiter operator co_await() const noexcept { return Awaiter(condition_); }

private:
    Condition& condition_;
};

/// Takes the lock whatever comes; a cancellation meanwhile is thrown by wait().
class Condition::Relock {
public:
    class Awaiter final : public detail::GrantedWait {
    public:
        explicit Awaiter(Lock& lock) noexcept : lock_(lock) {}
        ~Awaiter() {
            if (granted()) {
                lock_.hand_on(); // the frame dies with its loop
            }
        }
        [[nodiscard]] bool await_ready() noexcept {
            if (lock_.locked_) {
                return false;
            }
            lock_.locked_ = true;
            grant_at_once();
            return true;
        }
        template <class P>
        void await_suspend(std::coroutine_handle<P> awaiting) noexcept {
            wait_whatever_comes(lock_.waiting_, awaiting);
        }
        /// The cancellation that came meanwhile, if any.
        std::exception_ptr await_resume() {
            std::exception_ptr late;
            if (cancellation_pending()) {
                late = std::make_exception_ptr(take_cancellation());
            }
            take_grant();
            return late;
        }

    private:
        void on_cancel() noexcept override {}
        [[nodiscard]] const char* describe() const noexcept override {
            return "the lock of a Condition";
        }

        Lock& lock_;
    };

    explicit Relock(Lock& lock) noexcept : lock_(lock) {}
    Awaiter operator co_await() const noexcept { return Awaiter(lock_); }

private:
    Lock& lock_;
};

template <class>
Coro<> Condition::wait() {
    require_locked("rondo: Condition::wait() without its lock; acquire() it first");
    std::exception_ptr cancellation;
    lock_.release();
    try {
        const Notification notification(*this);
        co_await notification;
    } catch (const CancelledError&) {
        cancellation = std::current_exception();
    }
    const bool notified = cancellation == nullptr;
    const Relock relock(lock_);
    const std::exception_ptr late = co_await relock;
    if (cancellation == nullptr) {
        cancellation = late;
    }
    if (cancellation != nullptr) {
        if (notified) {
            wake(1); // somebody else can use it
        }
        std::rethrow_exception(cancellation);
    }
}

} // namespace rondo::inline RONDO_ABI
