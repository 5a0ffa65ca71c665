#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Barrier: a number of tasks wait for one another.

#include <coroutine>
#include <cstddef>
#include <stdexcept>

#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/error.hpp>
#include <rondo/suspension.hpp>
#include <rondo/timer.hpp>
#include <rondo/wait_list.hpp>

namespace rondo::inline RONDO_ABI {

/// Holds tasks back until `parties` of them wait, then lets all go on; and again.
///
/// | state    | entered by                 | wait() there                            |
/// | -------- | -------------------------- | --------------------------------------- |
/// | filling  | the last one has left      | counts, and waits for the others        |
/// | draining | the last party has come    | is held at the entrance until it is over |
/// | broken   | abort()                    | throws BrokenBarrierError               |
///
/// Threads: belongs to one loop; no atomics. Lifetime: must outlive those who wait.
class Barrier {
public:
    class Wait;

    /// Throws: std::invalid_argument if `parties` is 0.
    explicit Barrier(std::size_t parties) : parties_(parties) {
        if (parties == 0) {
            throw std::invalid_argument("rondo: a Barrier needs at least one party");
        }
    }
    Barrier(const Barrier&) = delete;
    Barrier& operator=(const Barrier&) = delete;

    /// `co_await barrier.wait()` waits for the other parties; gives an index from 0 to parties - 1,
    /// by order of arrival and different for each.
    ///
    /// Throws: BrokenBarrierError if the barrier is broken, or is reset or broken meanwhile.
    /// Cancellation: leaves; the others go on waiting for one more.
    [[nodiscard("rondo: this waits for nobody until it is awaited: co_await it")]] Wait
    wait() noexcept;

    /// Throws BrokenBarrierError in all who are inside, also those who were about to go on; those
    /// held at the entrance come in, in the next turn, as if nothing had been. The barrier is
    /// usable afterwards, also if it was broken.
    void reset() noexcept;

    /// Breaks the barrier: all who wait, and all later wait(), throw BrokenBarrierError.
    void abort() noexcept;

    [[nodiscard]] std::size_t parties() const noexcept { return parties_; }
    /// How many wait for others; 0 while they are let go, and until who is held at the entrance
    /// has come in.
    [[nodiscard]] std::size_t n_waiting() const noexcept { return filling_count_; }
    [[nodiscard]] bool broken() const noexcept { return broken_; }

private:
    class Awaiter;

    /// Opens the entrance in the turn after the last one has left: so what that one does to the
    /// barrier, reset() it perhaps, does not concern those who are held there.
    class Opening final : public Timer {
    public:
        explicit Opening(Barrier& barrier) noexcept : barrier_(barrier) {}

    private:
        void on_deadline() noexcept override { barrier_.open(); }

        Barrier& barrier_;
    };

    [[nodiscard]] bool holds_back() const noexcept {
        return !draining_.empty() || !entrance_.empty();
    }
    void admit(Awaiter& awaiter) noexcept;
    void break_all(WaitList<Awaiter>& list) noexcept;
    void one_has_left() noexcept;
    void open() noexcept;

    std::size_t parties_;
    std::size_t filling_count_ = 0;
    bool broken_ = false;
    WaitList<Awaiter> filling_;
    WaitList<Awaiter> draining_; // let go, but their tasks have not run yet
    WaitList<Awaiter> entrance_; // came while draining, or before it was opened
    Opening opening_{*this};
};

// Implementation

class Barrier::Awaiter final : public Suspension, public WaitHook {
public:
    explicit Awaiter(Barrier& barrier) noexcept : barrier_(barrier) {}
    ~Awaiter() { leave(); }

    [[nodiscard]] bool await_ready() noexcept {
        if (barrier_.broken_) {
            place_ = Place::broken;
            return true;
        }
        // The last party of a barrier that is filling does not wait.
        if (!barrier_.holds_back() && barrier_.filling_count_ + 1 == barrier_.parties_) {
            barrier_.admit(*this);
            return true;
        }
        return false;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        if (barrier_.holds_back()) {
            place_ = Place::entrance;
            barrier_.entrance_.push_back(*this);
        } else {
            barrier_.admit(*this);
        }
        return true;
    }
    std::size_t await_resume() {
        const Place place = place_;
        leave();
        if (cancellation_pending() || place == Place::outside) {
            throw_cancelled();
        }
        if (place == Place::broken) {
            throw BrokenBarrierError();
        }
        return index_;
    }

private:
    friend class Barrier;
    enum class Place { outside, entrance, filling, draining, passed, broken };

    void on_cancel() noexcept override {
        leave();
        resume();
    }
    [[nodiscard]] const char* describe() const noexcept override { return "Barrier::wait"; }

    /// Out of whichever list it is in.
    void leave() noexcept {
        const bool linked = static_cast<const WaitHook&>(*this).is_linked();
        WaitList<Awaiter>::remove_if_linked(*this);
        if (linked && place_ == Place::filling) {
            --barrier_.filling_count_;
        } else if (linked && place_ == Place::draining) {
            barrier_.one_has_left();
        }
        place_ = Place::outside;
    }

    Barrier& barrier_;
    std::size_t index_ = 0;
    Place place_ = Place::outside;
};

/// What wait() returns.
class Barrier::Wait {
public:
    Awaiter operator co_await() const noexcept { return Awaiter(*barrier_); }

private:
    friend class Barrier;
    explicit Wait(Barrier& barrier) noexcept : barrier_(&barrier) {}

    Barrier* barrier_;
};

inline Barrier::Wait Barrier::wait() noexcept {
    return Wait(*this);
}

/// Into the filling barrier; the last one lets all go.
inline void Barrier::admit(Awaiter& awaiter) noexcept {
    if (filling_count_ + 1 < parties_) {
        ++filling_count_;
        awaiter.place_ = Awaiter::Place::filling;
        filling_.push_back(awaiter);
        return;
    }
    filling_count_ = 0;
    std::size_t index = 0; // only now: one that came early may have been cancelled
    while (Awaiter* first = filling_.pop_front()) {
        first->index_ = index++;
        first->place_ = Awaiter::Place::draining;
        draining_.push_back(*first);
        first->resume();
    }
    awaiter.index_ = index;
    if (awaiter.is_waiting()) { // at the entrance, until now
        awaiter.place_ = Awaiter::Place::draining;
        draining_.push_back(awaiter);
        awaiter.resume();
    } else {
        awaiter.place_ = Awaiter::Place::passed;
    }
}

inline void Barrier::break_all(WaitList<Awaiter>& list) noexcept {
    while (Awaiter* first = list.pop_front()) {
        first->place_ = Awaiter::Place::broken;
        first->resume();
    }
}

/// The last one to leave sees to it that those at the entrance come in.
inline void Barrier::one_has_left() noexcept {
    if (!draining_.empty() || entrance_.empty() || opening_.armed()) {
        return;
    }
    try {
        opening_.start(Clock::time_point()); // long past: in the next turn
    } catch (...) {
        open(); // no memory, or no loop
    }
}

/// Lets in those at the entrance, who may fill the barrier, and go on, and hold back the others.
inline void Barrier::open() noexcept {
    while (draining_.empty()) {
        Awaiter* first = entrance_.pop_front();
        if (first == nullptr) {
            return;
        }
        admit(*first);
    }
}

inline void Barrier::reset() noexcept {
    broken_ = false;
    filling_count_ = 0;
    break_all(filling_);
    break_all(draining_);
    one_has_left();
}

inline void Barrier::abort() noexcept {
    broken_ = true;
    filling_count_ = 0;
    break_all(filling_);
    break_all(draining_);
    break_all(entrance_);
}

} // namespace rondo::inline RONDO_ABI
