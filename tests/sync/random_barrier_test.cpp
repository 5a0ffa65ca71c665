// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Many tasks, one barrier that is reset and broken: those of a generation have different indices,
// and nobody is forgotten inside or at the entrance.

#include <rondo/as_result.hpp>
#include <rondo/barrier.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "sync/random_driver.hpp"

#include <cstddef>
#include <set>
#include <utility>

using rondo::Barrier;
using rondo::BrokenBarrierError;
using rondo::CancelledError;
using rondo::Coro;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

class BarrierWorld {
public:
    BarrierWorld(std::uint64_t seed, bool /*in_order*/)
        : chance(seed), barrier_(static_cast<std::size_t>(1 + chance.up_to(5))) {}

    Coro<> visitor() {
        ++visitors_;
        const rondo::detail::ScopeExit gone([this] { --visitors_; });
        for (int round = 0; round < 3; ++round) {
            [[maybe_unused]] auto arrived = co_await rondo::as_result(sleep(chance.ms_up_to(60)));
            const std::uint64_t ticket = line_.come();
            const std::uint64_t breaks_before = breaks_;
            const bool was_broken = barrier_.broken();
            bool stop = false;
            try {
                const std::size_t index = co_await wait();
                pass(index);
            } catch (const CancelledError&) {
                ++cancelled_;
                ++left_;
                stop = chance.one_in(2);
            } catch (const rondo::TimeoutError&) {
                ++left_;
            } catch (const BrokenBarrierError&) {
                ++broken_;
                ++left_;
                CHECK((was_broken || breaks_ > breaks_before));
            }
            line_.give_up(ticket);
            if (stop) {
                co_return;
            }
        }
    }

    void disturb() {
        if (chance.one_in(4)) {
            break_up();
        }
        if (chance.one_in(20)) {
            barrier_.abort();
            ++breaks_;
            CHECK(barrier_.broken());
            CHECK(barrier_.n_waiting() == 0);
        }
    }
    void check_quiet() {
        CHECK(barrier_.n_waiting() == line_.size()); // nobody at the entrance, nobody about to go
        CHECK(barrier_.n_waiting() < barrier_.parties());
    }
    Coro<> calm_down() {
        while (visitors_ > 0) { // too few may be left to fill it
            co_await sleep(50ms);
            break_up();
        }
    }
    void check() {
        CHECK(line_.strangers == 0);
        CHECK(line_.empty());
        CHECK(barrier_.n_waiting() == 0);
        CHECK_FALSE(barrier_.broken());
        CHECK(missing_ <= left_);
    }
    [[nodiscard]] bool lively() const { return passed_ > 10 && cancelled_ > 0 && broken_ > 0; }

    Chance chance;
    int quiet_moments = 0;

private:
    Coro<std::size_t> wait() {
        if (chance.one_in(4)) {
            const auto limit = chance.ms_up_to(4) + 1ms;
            co_return co_await rondo::wait_for(barrier_.wait(), limit);
        }
        co_return co_await barrier_.wait();
    }

    /// A generation has left before the next can be let go: when an index comes again, the one
    /// before is over, and who is missing in it was cancelled or broken.
    void pass(std::size_t index) {
        ++passed_;
        CHECK(index < barrier_.parties());
        if (generation_.count(index) != 0) {
            missing_ += barrier_.parties() - generation_.size();
            generation_.clear();
        }
        generation_.insert(index);
    }

    void break_up() {
        barrier_.reset();
        ++breaks_;
        CHECK_FALSE(barrier_.broken());
        CHECK(barrier_.n_waiting() < barrier_.parties());
    }

    Barrier barrier_;
    Line line_;
    std::set<std::size_t> generation_;
    std::size_t missing_ = 0;
    std::size_t left_ = 0;
    std::uint64_t breaks_ = 0;
    int visitors_ = 0;
    int passed_ = 0;
    int cancelled_ = 0;
    int broken_ = 0;
};

} // namespace

TEST_CASE("whatever its users do, a barrier lets go whole generations and forgets nobody",
          "[sync][barrier][cancel][random]") {
    run_worlds<BarrierWorld>(6, 100);
}

TEST_CASE("a barrier lets thousands go, some at a time", "[sync][barrier][cancel][random][slow]") {
    run_worlds<BarrierWorld>(6, 3'000);
}
