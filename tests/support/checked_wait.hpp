#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A primitive that checks the awaiter protocol from the awaiter's side: it notes what it is asked,
// in order, and fails the test when it is asked at the wrong moment.

#include <coroutine>
#include <rondo/suspension.hpp>
#include <rondo/wait_list.hpp>
#include <string>

#include "support/catch.hpp"

namespace rondo_test {

/// What waits until somebody calls release(). Any number of tasks may wait.
///
/// The log has a letter for each call: r(eady), s(uspended), n(ot suspended: cancelled before),
/// c(ancelled while waiting), w(oken), v(alue), x (CancelledError), d(estroyed), and D for an
/// awaiter that is destroyed while it waits.
class CheckedWait {
public:
    /// What an awaiter does when a cancellation comes between its event and the task.
    enum class OnRace {
        undo, ///< as a permit: nothing has happened, CancelledError
        keep, ///< as a completed operation: the result is given, the cancellation stays
    };

    explicit CheckedWait(OnRace on_race = OnRace::undo) noexcept : on_race_(on_race) {}

    [[nodiscard]] auto wait() noexcept { return Wait{*this}; }

    /// Lets the first that waits go on. Returns whether anybody waited.
    bool release() noexcept {
        Awaiter* first = waiting_.pop_front();
        if (first != nullptr) {
            first->wake();
        }
        return first != nullptr;
    }

    [[nodiscard]] bool nobody_waits() const noexcept { return waiting_.empty(); }
    [[nodiscard]] const std::string& log() const noexcept { return log_; }
    [[nodiscard]] int undone() const noexcept { return undone_; }

private:
    class Awaiter final : public rondo::Suspension, public rondo::WaitHook {
    public:
        explicit Awaiter(CheckedWait& wait) noexcept : wait_(wait) {}
        ~Awaiter() {
            wait_.log_ += is_waiting() ? 'D' : 'd';
            CHECK(is_linked() == is_waiting());
            wait_.waiting_.remove_if_linked(*this);
        }

        bool await_ready() noexcept {
            wait_.log_ += 'r';
            CHECK(task() == nullptr);
            CHECK_FALSE(is_waiting());
            return false;
        }

        template <class P>
        bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
            if (!suspend_unless_cancelled(awaiting)) {
                wait_.log_ += 'n';
                CHECK_FALSE(is_waiting());
                CHECK(cancellation_pending());
                return false;
            }
            wait_.log_ += 's';
            CHECK(is_waiting());
            CHECK(task() == awaiting.promise().task());
            wait_.waiting_.push_back(*this);
            return true;
        }

        void await_resume() {
            CHECK_FALSE(is_waiting());
            CHECK_FALSE(is_linked());
            CHECK(task()->is_running());
            if (!released_) {
                wait_.log_ += 'x';
                throw_cancelled();
            }
            if (cancellation_pending()) {
                if (wait_.on_race_ == OnRace::undo) {
                    wait_.log_ += 'x';
                    ++wait_.undone_;
                    throw_cancelled();
                }
                keep_result();
            }
            wait_.log_ += 'v';
        }

        void wake() noexcept {
            wait_.log_ += 'w';
            CHECK(is_waiting());
            released_ = true;
            resume();
            CHECK_FALSE(is_waiting());
            resume(); // only the first call counts
        }

    private:
        void on_cancel() noexcept override {
            wait_.log_ += 'c';
            CHECK(is_waiting());
            CHECK(cancellation_pending());
            CHECK_FALSE(cancelled_);
            cancelled_ = true;
            wait_.waiting_.remove(*this);
            resume();
        }
        [[nodiscard]] const char* describe() const noexcept override { return "a checked wait"; }

        CheckedWait& wait_;
        bool released_ = false;
        bool cancelled_ = false;
    };

    struct Wait {
        CheckedWait& wait;
        Awaiter operator co_await() const noexcept { return Awaiter(wait); }
    };

    OnRace on_race_;
    int undone_ = 0;
    std::string log_;
    rondo::WaitList<Awaiter> waiting_;
};

} // namespace rondo_test
