#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Semaphore, BoundedSemaphore: let a limited number of tasks through. Fair: first come, first
// served; a permit that is released goes directly to the task that has waited longest, nobody can
// take it meanwhile, and nobody who comes later runs before that task does.

#include <coroutine>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>
#include <rondo/wait_list.hpp>

namespace rondo::inline RONDO_ABI {

/// A counter of permits.
///
/// Threads: belongs to one loop; no atomics.
/// Lifetime: must outlive its permits and those who wait.
/// Example: at most three at a time.
/// @code
/// rondo::Semaphore limit(3);
/// rondo::Coro<> job(rondo::Semaphore& limit) {
///     auto permit = co_await limit.acquire(); // released at the end of the scope
///     co_await work();
/// }
/// @endcode
class Semaphore {
public:
    class Permit;
    class Acquire;

    /// Throws: std::invalid_argument if `permits` is negative.
    explicit Semaphore(std::ptrdiff_t permits = 1);
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    /// `co_await semaphore.acquire()` waits for a permit and gives it as a Permit, which releases
    /// it at the end of its scope. Does not suspend unless locked().
    ///
    /// Ordering: FIFO among those who wait, and for newcomers too: they go on after all those who
    /// have been given a permit and have not run yet, even if there is a permit left for them.
    /// Cancellation: leaves the queue; a permit that was handed over in the same turn goes to the
    /// next who waits, order kept.
    [[nodiscard("rondo: this acquires nothing until it is awaited: co_await it")]] Acquire
    acquire() noexcept;

    /// A permit, unless locked(); never suspends.
    [[nodiscard]] std::optional<Permit> try_acquire() noexcept;

    /// Gives back `n` permits: to those who wait, the longest first. May raise the count above its
    /// initial value. Does not suspend, and runs nobody.
    /// Throws: std::invalid_argument if n is negative, or more than can be counted;
    /// std::logic_error if a BoundedSemaphore would have more permits than at the beginning.
    void release(std::ptrdiff_t n = 1);

    /// Whether acquire() would suspend: no permit is free, or somebody who was given one has not
    /// run yet.
    [[nodiscard]] bool locked() const noexcept { return free_ == 0 || woken_ != 0; }

    /// How many permits are free.
    [[nodiscard]] std::ptrdiff_t value() const noexcept { return free_; }

protected:
    Semaphore(std::ptrdiff_t permits, std::ptrdiff_t bound);

private:
    class Awaiter;
    class Wait;

    [[nodiscard]] bool take_free() noexcept {
        if (locked()) {
            return false;
        }
        --free_;
        return true;
    }
    void release_one() noexcept;

    std::ptrdiff_t free_; // not 0 only if nobody is in waiting_
    std::ptrdiff_t bound_;
    std::size_t woken_ = 0; // have a permit, and have not run since
    WaitList<Wait> waiting_;
};

/// One permit; releases it when it is destroyed. Move-only.
class [[nodiscard(
    "rondo: a Permit that is dropped is released at once: give it a name")]] Semaphore::Permit {
public:
    Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
        Permit(std::move(other)).swap(*this);
        return *this;
    }
    ~Permit() { release(); }

    /// Gives it back early. Idempotent.
    void release() noexcept {
        if (Semaphore* semaphore = std::exchange(semaphore_, nullptr)) {
            semaphore->release_one();
        }
    }

    /// Keeps the permit without an object: whoever calls this calls Semaphore::release() later.
    void forget() && noexcept { semaphore_ = nullptr; }

    /// Whether it still holds a permit.
    [[nodiscard]] explicit operator bool() const noexcept { return semaphore_ != nullptr; }

    void swap(Permit& other) noexcept { std::swap(semaphore_, other.semaphore_); }

private:
    friend class Semaphore;
    explicit Permit(Semaphore& semaphore) noexcept : semaphore_(&semaphore) {}

    Semaphore* semaphore_;
};

/// A Semaphore whose count never rises above its initial value: release() of what nobody has
/// acquired is a mistake, and throws std::logic_error; a Permit whose place was given back by hand
/// before gives back nothing.
class BoundedSemaphore : public Semaphore {
public:
    /// Throws: std::invalid_argument if `permits` is negative.
    explicit BoundedSemaphore(std::ptrdiff_t permits = 1) : Semaphore(permits, permits) {}
};

// Implementation

/// Until a permit is handed over.
class Semaphore::Wait final : public Suspension, public WaitHook {
public:
    explicit Wait(Semaphore& semaphore) noexcept : semaphore_(semaphore) {}
    ~Wait() {
        if (granted_) { // cancelled, or the frame died, between the grant and the step
            take_grant();
            semaphore_.release_one();
        }
        WaitList<Wait>::remove_if_linked(*this);
    }

    template <class P>
    bool begin(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        if (semaphore_.free_ != 0) { // one is left, but those who were woken before go first
            --semaphore_.free_;
            grant();
        } else {
            semaphore_.waiting_.push_back(*this);
        }
        return true;
    }

    void grant() noexcept {
        granted_ = true;
        ++semaphore_.woken_;
        resume();
    }

    /// A permit that came together with the cancellation is passed on by the destructor.
    [[nodiscard]] bool was_cancelled() const noexcept {
        return !granted_ || cancellation_pending();
    }

    /// The permit is somebody else's to give back.
    void take_grant() noexcept {
        granted_ = false;
        --semaphore_.woken_;
    }

    using Suspension::take_cancellation;
    using Suspension::throw_cancelled;

private:
    void on_cancel() noexcept override {
        WaitList<Wait>::remove(*this);
        resume();
    }
    [[nodiscard]] const char* describe() const noexcept override { return "Semaphore::acquire"; }

    Semaphore& semaphore_;
    bool granted_ = false;
};

class Semaphore::Awaiter final : public detail::NativeAwaiterTag {
public:
    explicit Awaiter(Semaphore& semaphore) noexcept : semaphore_(semaphore) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;

    [[nodiscard]] bool await_ready() noexcept {
        wait_.reset(); // of an await before this one
        return semaphore_.take_free();
    }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return wait_.emplace(semaphore_).begin(awaiting);
    }

    [[gnu::always_inline]] Permit await_resume() {
        if (wait_) {
            if (wait_->was_cancelled()) [[unlikely]] {
                wait_->throw_cancelled();
            }
            wait_->take_grant();
        }
        return Permit(semaphore_);
    }

    Result<Permit> await_result() {
        if (wait_) {
            if (wait_->was_cancelled()) [[unlikely]] {
                return Result<Permit>::from_cancellation(wait_->take_cancellation());
            }
            wait_->take_grant();
        }
        return Result<Permit>(Permit(semaphore_));
    }

private:
    Semaphore& semaphore_;
    std::optional<Wait> wait_; // made only if it has to wait
};

/// What acquire() returns.
class Semaphore::Acquire {
public:
    Awaiter operator co_await() const noexcept { return Awaiter(*semaphore_); }

private:
    friend class Semaphore;
    explicit Acquire(Semaphore& semaphore) noexcept : semaphore_(&semaphore) {}

    Semaphore* semaphore_;
};

inline Semaphore::Semaphore(std::ptrdiff_t permits)
    : Semaphore(permits, std::numeric_limits<std::ptrdiff_t>::max()) {}

inline Semaphore::Semaphore(std::ptrdiff_t permits, std::ptrdiff_t bound)
    : free_(permits), bound_(bound) {
    if (permits < 0) {
        throw std::invalid_argument("rondo: a Semaphore cannot start with a negative count");
    }
}

inline Semaphore::Acquire Semaphore::acquire() noexcept {
    return Acquire(*this);
}

inline std::optional<Semaphore::Permit> Semaphore::try_acquire() noexcept {
    if (!take_free()) {
        return std::nullopt;
    }
    return Permit(*this);
}

inline void Semaphore::release(std::ptrdiff_t n) {
    if (n < 0) {
        throw std::invalid_argument("rondo: Semaphore::release() of a negative number");
    }
    if (n > std::numeric_limits<std::ptrdiff_t>::max() - free_) {
        throw std::invalid_argument("rondo: Semaphore::release() of more than can be counted");
    }
    if (n > bound_ - free_) {
        throw std::logic_error("rondo: BoundedSemaphore::release() of a permit that nobody holds");
    }
    for (; n > 0 && !waiting_.empty(); --n) {
        release_one();
    }
    free_ += n;
}

inline void Semaphore::release_one() noexcept {
    if (Wait* first = waiting_.pop_front()) {
        first->grant();
    } else if (free_ < bound_) {
        ++free_;
    }
}

} // namespace rondo::inline RONDO_ABI
