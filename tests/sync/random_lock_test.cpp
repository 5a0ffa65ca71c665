// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Many tasks, one lock: nobody meets anybody inside, nobody overtakes, nobody is forgotten.

#include <rondo/as_result.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/lock.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "sync/random_driver.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

using rondo::CancelledError;
using rondo::Coro;
using rondo::Lock;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

class LockWorld {
public:
    LockWorld(std::uint64_t seed, bool /*in_order*/) : chance(seed) {}

    Coro<> visitor() {
        for (int round = 0; round < 3; ++round) {
            [[maybe_unused]] auto arrived = co_await rondo::as_result(sleep(chance.ms_up_to(60)));
            std::uint64_t ticket = line_.come();
            bool stop = false;
            try {
                auto guard = co_await ask();
                if (guard) {
                    line_.go_in(std::exchange(ticket, 0)); // in any order of ready tasks
                    co_await stay(*std::move(guard));
                }
            } catch (const CancelledError&) {
                ++cancelled_;
                stop = chance.one_in(2); // the others swallow it and come again
            } catch (const rondo::TimeoutError&) {
                ++timed_out_;
            } catch (const std::runtime_error&) { // NOLINT(bugprone-empty-catch): by stay()
            }
            if (ticket != 0) {
                line_.give_up(ticket);
            }
            if (stop) {
                co_return;
            }
        }
    }

    void disturb() {
        if (auto guard = lock_.try_acquire()) {
            CHECK(inside_ == 0);
        }
    }
    void check_quiet() {
        CHECK(lock_.locked() == (inside_ == 1));
        CHECK((line_.empty() || lock_.locked()));
    }
    static Coro<> calm_down() { co_return; }
    void check() {
        CHECK(line_.strangers == 0);
        CHECK(line_.overtakers == 0);
        CHECK(line_.empty());
        CHECK(most_inside_ <= 1);
        CHECK(inside_ == 0);
        CHECK_FALSE(lock_.locked());
    }
    [[nodiscard]] bool lively() const { return visits_ > 10 && cancelled_ > 0 && timed_out_ > 0; }

    Chance chance;
    int quiet_moments = 0;

private:
    /// In one of the ways in which programs do; nothing if it was refused.
    Coro<std::optional<Lock::Guard>> ask() {
        const int how = chance.up_to(9);
        if (how == 0) {
            co_return lock_.try_acquire();
        }
        if (how == 1) {
            auto got = co_await rondo::as_result(lock_.acquire());
            if (!got) {
                throw CancelledError();
            }
            co_return *std::move(got);
        }
        if (how <= 4) {
            const auto limit = chance.ms_up_to(5);
            co_return co_await rondo::wait_for(lock_.acquire(), limit);
        }
        co_return co_await lock_.acquire();
    }

    Coro<> stay(Lock::Guard guard) {
        ++visits_;
        ++inside_;
        most_inside_ = inside_ > most_inside_ ? inside_ : most_inside_;
        const rondo::detail::ScopeExit leave([this] { --inside_; });
        const int what = chance.up_to(9);
        if (what <= 5) {
            co_await sleep(0s);
        } else if (what == 6) {
            co_await sleep(chance.ms_up_to(2));
        } else if (what == 7) {
            std::move(guard).forget();
            lock_.release(); // by hand, as its last act
        } else if (what == 8) {
            throw std::runtime_error("inside");
        }
    }

    Lock lock_;
    Line line_;
    int inside_ = 0;
    int most_inside_ = 0;
    int visits_ = 0;
    int cancelled_ = 0;
    int timed_out_ = 0;
};

} // namespace

TEST_CASE("whatever its users do, a lock lets one in at a time, in order",
          "[sync][lock][cancel][random]") {
    run_worlds<LockWorld>(6, 100);
}

TEST_CASE("a lock lets thousands in, one at a time and in order",
          "[sync][lock][cancel][random][slow]") {
    run_worlds<LockWorld>(6, 3'000);
}
