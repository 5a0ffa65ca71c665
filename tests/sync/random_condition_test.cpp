// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Many tasks make tokens and take them, and tell one another by a condition: nobody is inside
// without the lock, and no notification is lost.

#include <rondo/as_result.hpp>
#include <rondo/condition.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/lock.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "sync/random_driver.hpp"

#include <cstddef>
#include <cstdint>

using rondo::CancelledError;
using rondo::Condition;
using rondo::Coro;
using rondo::Lock;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

class ConditionWorld {
public:
    ConditionWorld(std::uint64_t seed, bool /*in_order*/) : chance(seed), condition_(lock_) {}

    Coro<> visitor() { return next_visitor_++ % 2 == 0 ? maker() : taker(); }

    void disturb() {
        if (chance.one_in(10)) {
            if (auto guard = lock_.try_acquire()) {
                CHECK(inside_ == 0);
                condition_.notify_all(); // for no reason: they look, and wait again
            }
        }
    }
    void check_quiet() {
        CHECK(inside_ <= 1);
        CHECK(lock_.locked() == (inside_ == 1));
        CHECK((lock_.locked() || waiting_ == 0 || tokens_ == 0));
    }
    Coro<> calm_down() {
        while (makers_ > 0) {
            co_await sleep(5ms);
        }
        auto guard = co_await lock_.acquire();
        closed_ = true;
        condition_.notify_all();
    }
    void check() {
        CHECK(trespassers_ == 0);
        CHECK(inside_ == 0);
        CHECK(waiting_ == 0);
        CHECK_FALSE(lock_.locked());
        CHECK(made_ == taken_ + tokens_);
    }
    [[nodiscard]] bool lively() const { return taken_ > 10 && cancelled_ > 0 && timed_out_ > 0; }

    Chance chance;
    int quiet_moments = 0;

private:
    /// Counts who is inside, as long as it lives.
    class Inside {
    public:
        explicit Inside(ConditionWorld& world) noexcept : world_(world) { enter(); }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside() { leave(); }
        void enter() noexcept {
            ++world_.inside_;
            world_.trespassers_ += world_.inside_ != 1 || !world_.lock_.locked() ? 1 : 0;
        }
        void leave() noexcept { --world_.inside_; }

    private:
        ConditionWorld& world_;
    };

    Coro<> maker() {
        ++makers_;
        const rondo::detail::ScopeExit gone([this] { --makers_; });
        for (int round = 0; round < 3; ++round) {
            try {
                co_await sleep(chance.ms_up_to(25));
                auto guard = co_await condition_.acquire();
                const Inside inside(*this);
                if (chance.one_in(4)) {
                    co_await sleep(chance.ms_up_to(1));
                }
                const int more = chance.one_in(3) ? 2 : 1;
                tokens_ += more;
                made_ += more;
                condition_.notify(static_cast<std::size_t>(more));
                if (chance.one_in(4)) {
                    co_await sleep(0s); // they have been told, and have to wait for the lock
                }
            } catch (const CancelledError&) {
                ++cancelled_;
            }
        }
    }

    Coro<> taker() {
        for (int round = 0; round < 4; ++round) {
            try {
                co_await sleep(chance.ms_up_to(25));
                auto guard = co_await condition_.acquire();
                Inside inside(*this);
                co_await wait_for_token(inside);
                if (tokens_ > 0) {
                    --tokens_;
                    ++taken_;
                }
                if (chance.one_in(8)) {
                    co_await sleep(0s);
                }
            } catch (const CancelledError&) {
                ++cancelled_;
            } catch (const rondo::TimeoutError&) {
                ++timed_out_;
            }
        }
    }

    Coro<> wait_for_token(Inside& inside) {
        const bool limited = chance.one_in(3);
        const auto limit = chance.ms_up_to(5) + 1ms;
        while (tokens_ == 0 && !closed_) {
            inside.leave();
            ++waiting_;
            const rondo::detail::ScopeExit back([&] { // with the lock, whatever has come of it
                --waiting_;
                inside.enter();
            });
            if (limited) {
                co_await rondo::wait_for(condition_.wait(), limit);
            } else {
                co_await condition_.wait();
            }
        }
    }

    Lock lock_;
    Condition condition_;
    bool closed_ = false;
    int next_visitor_ = 0;
    int makers_ = 0;
    int inside_ = 0;
    int waiting_ = 0;
    int tokens_ = 0;
    int made_ = 0;
    int taken_ = 0;
    int trespassers_ = 0;
    int cancelled_ = 0;
    int timed_out_ = 0;
};

} // namespace

TEST_CASE("whatever its users do, a condition loses no notification and keeps its lock",
          "[sync][condition][cancel][random]") {
    run_worlds<ConditionWorld>(6, 60);
}

TEST_CASE("thousands are notified by a condition", "[sync][condition][cancel][random][slow]") {
    run_worlds<ConditionWorld>(6, 3'000);
}
