// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Many tasks, a few permits: no more are inside than there are permits, nobody overtakes, no permit
// is lost.

#include <rondo/as_result.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "sync/random_driver.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

using rondo::BoundedSemaphore;
using rondo::CancelledError;
using rondo::Coro;
using rondo::Semaphore;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

/// S is Semaphore, whose permits may become more, or BoundedSemaphore.
template <class S>
class SemaphoreWorld {
public:
    SemaphoreWorld(std::uint64_t seed, bool in_order)
        : chance(seed), permits_(1 + chance.up_to(5)), semaphore_(permits_), in_order_(in_order) {}

    Coro<> visitor() {
        for (int round = 0; round < 3; ++round) {
            [[maybe_unused]] auto arrived = co_await rondo::as_result(sleep(chance.ms_up_to(60)));
            std::uint64_t ticket = line_.come();
            bool stop = false;
            try {
                auto permit = co_await ask();
                if (permit) {
                    go_in(std::exchange(ticket, 0));
                    co_await stay(*std::move(permit));
                } else {
                    ++refused_;
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
        if (!bounded && chance.one_in(100)) {
            const int more = chance.up_to(2);
            permits_ += more;
            semaphore_.release(more);
        }
        if (bounded && inside_ == 0 && !semaphore_.locked()) {
            if (semaphore_.value() == permits_) {
                CHECK_THROWS_AS(semaphore_.release(), std::logic_error);
            }
        }
    }
    void check_quiet() {
        CHECK(semaphore_.value() == permits_ - inside_);
        CHECK(semaphore_.locked() == (inside_ == permits_));
        CHECK((line_.empty() || semaphore_.locked()));
    }
    static Coro<> calm_down() { co_return; }
    void check() {
        CHECK(line_.strangers == 0);
        CHECK(line_.overtakers == 0);
        CHECK(line_.empty());
        CHECK(overcrowded_ == 0);
        CHECK(inside_ == 0);
        CHECK(semaphore_.value() == permits_);
        CHECK_FALSE(semaphore_.locked());
    }
    [[nodiscard]] bool lively() const {
        return visits_ > 10 && cancelled_ > 0 && timed_out_ > 0 && refused_ > 0;
    }

    Chance chance;
    int quiet_moments = 0;

private:
    static constexpr bool bounded = std::is_same_v<S, BoundedSemaphore>;

    /// In one of the ways in which programs do; nothing if it was refused.
    Coro<std::optional<Semaphore::Permit>> ask() {
        const int how = chance.up_to(9);
        if (how == 0) {
            co_return semaphore_.try_acquire();
        }
        if (how == 1) {
            auto got = co_await rondo::as_result(semaphore_.acquire());
            if (!got) {
                throw CancelledError();
            }
            co_return *std::move(got);
        }
        if (how <= 4) {
            const auto limit = chance.ms_up_to(5);
            co_return co_await rondo::wait_for(semaphore_.acquire(), limit);
        }
        co_return co_await semaphore_.acquire();
    }

    /// Those who were given permits together run in any order if the ready queue is shuffled.
    void go_in(std::uint64_t ticket) {
        in_order_ ? line_.go_in(ticket) : line_.slip_in(ticket);
        ++visits_;
        ++inside_;
        overcrowded_ += inside_ > permits_ ? 1 : 0;
    }

    Coro<> stay(Semaphore::Permit permit) {
        const rondo::detail::ScopeExit leave([this] { --inside_; });
        const int what = chance.up_to(9);
        if (what <= 2) {
            co_await sleep(0s);
        } else if (what <= 6) {
            co_await sleep(chance.ms_up_to(8));
        } else if (what == 7) {
            std::move(permit).forget();
            semaphore_.release(); // by hand, as its last act
        } else if (what == 8) {
            throw std::runtime_error("inside");
        }
    }

    std::ptrdiff_t permits_;
    S semaphore_;
    Line line_;
    bool in_order_;
    std::ptrdiff_t inside_ = 0;
    int visits_ = 0;
    int overcrowded_ = 0;
    int cancelled_ = 0;
    int timed_out_ = 0;
    int refused_ = 0;
};

} // namespace

TEMPLATE_TEST_CASE("whatever its users do, a semaphore keeps its permits, its limit and its order",
                   "[sync][semaphore][cancel][random]", Semaphore, BoundedSemaphore) {
    run_worlds<SemaphoreWorld<TestType>>(6, 100);
}

TEST_CASE("a semaphore keeps its permits, its limit and its order with thousands of users",
          "[sync][semaphore][cancel][random][slow]") {
    run_worlds<SemaphoreWorld<Semaphore>>(6, 3'000);
}
