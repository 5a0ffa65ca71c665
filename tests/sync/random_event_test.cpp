// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Many tasks, one event that is set and cleared: who waits when it is set goes on, and nobody else.

#include <rondo/as_result.hpp>
#include <rondo/event.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "sync/random_driver.hpp"

#include <utility>

using rondo::CancelledError;
using rondo::Coro;
using rondo::Event;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

class EventWorld {
public:
    EventWorld(std::uint64_t seed, bool in_order) : chance(seed), in_order_(in_order) {}

    Coro<> visitor() {
        for (int round = 0; round < 3; ++round) {
            [[maybe_unused]] auto arrived = co_await rondo::as_result(sleep(chance.ms_up_to(60)));
            const std::uint64_t ticket = line_.come();
            const std::uint64_t sets_before = sets_;
            const bool at_once = event_.is_set();
            const auto turn = rondo::get_running_loop().metrics().turns;
            bool stop = false;
            try {
                co_await wait();
                CHECK(at_once == (sets_ == sets_before));
                CHECK((!at_once || rondo::get_running_loop().metrics().turns == turn));
                ++(at_once ? at_once_ : woken_);
                if (at_once || !in_order_) {
                    line_.slip_in(ticket);
                } else {
                    line_.go_in(ticket);
                }
            } catch (const CancelledError&) {
                ++cancelled_;
                stop = chance.one_in(2);
                line_.give_up(ticket);
            } catch (const rondo::TimeoutError&) {
                ++timed_out_;
                line_.give_up(ticket);
            }
            if (stop) {
                co_return;
            }
        }
    }

    void disturb() {
        if (!chance.one_in(4)) {
            return;
        }
        const int what = chance.up_to(3);
        if (what != 0) {
            event_.set();
            ++sets_;
            last_before_set_ = line_.last_ticket();
        }
        if (what != 1) {
            event_.clear();
        }
        CHECK(event_.is_set() == (what == 1));
    }
    void check_quiet() {
        CHECK((line_.empty() || (!event_.is_set() && line_.first() > last_before_set_)));
    }
    Coro<> calm_down() {
        event_.set();
        ++sets_;
        co_return;
    }
    void check() {
        CHECK(line_.strangers == 0);
        CHECK(line_.overtakers == 0);
        CHECK(line_.empty());
    }
    [[nodiscard]] bool lively() const {
        return woken_ > 10 && at_once_ > 0 && cancelled_ > 0 && timed_out_ > 0;
    }

    Chance chance;
    int quiet_moments = 0;

private:
    Coro<> wait() {
        const int how = chance.up_to(3);
        if (how == 0) {
            auto outcome = co_await rondo::as_result(event_.wait());
            if (!outcome) {
                throw CancelledError();
            }
        } else if (how == 1) {
            const auto limit = chance.ms_up_to(4) + 1ms;
            co_await rondo::wait_for(event_.wait(), limit);
        } else {
            co_await event_.wait();
        }
    }

    Event event_;
    Line line_;
    bool in_order_;
    std::uint64_t sets_ = 0;
    std::uint64_t last_before_set_ = 0;
    int woken_ = 0;
    int at_once_ = 0;
    int cancelled_ = 0;
    int timed_out_ = 0;
};

} // namespace

TEST_CASE("whatever its users do, an event wakes those who wait when it is set, in order",
          "[sync][event][cancel][random]") {
    run_worlds<EventWorld>(6, 100);
}

TEST_CASE("an event wakes thousands", "[sync][event][cancel][random][slow]") {
    run_worlds<EventWorld>(6, 3'000);
}
