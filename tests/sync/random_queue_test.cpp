// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Many tasks that put, many that get, and a queue that is shut down at some time: every item that
// was put is given once, in the queue's order, or is dropped by the shutdown; no other is.

#include <rondo/as_result.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/queue.hpp>
#include <rondo/sleep.hpp>
#include <rondo/timeout.hpp>

#include "sync/random_driver.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

using rondo::CancelledError;
using rondo::Coro;
using rondo::LifoQueue;
using rondo::PriorityQueue;
using rondo::Queue;
using rondo::QueueEmpty;
using rondo::QueueFull;
using rondo::QueueShutDown;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

/// Tracked, so that one that is lost or doubled in memory is seen.
struct Item {
    Item(int id, int priority_) : luggage(id), priority(priority_) {}
    MoveOnly luggage;
    int priority;
    friend bool operator<(const Item& a, const Item& b) { return a.priority < b.priority; }
};

/// What is in the queue, the next one first: (priority, order, id).
using Place = std::tuple<int, long, int>;

template <class Q>
Place place_of(int priority, long order, int id) {
    if constexpr (std::is_same_v<Q, PriorityQueue<Item>>) {
        return {priority, order, id};
    } else {
        return {0, std::is_same_v<Q, LifoQueue<Item>> ? -order : order, id};
    }
}

template <class Q>
class QueueWorld {
public:
    QueueWorld(std::uint64_t seed, bool /*in_order*/)
        : chance(seed), queue_(static_cast<std::size_t>(chance.up_to(3))) {
        const int how = chance.up_to(3);
        shuts_down_early_ = how <= 1;
        immediate_ = how == 1;
    }

    Coro<> visitor() {
        ++(next_visitor_ % 2 == 0 ? producers_ : consumers_);
        return next_visitor_++ % 2 == 0 ? producer() : consumer();
    }

    void disturb() {
        if (shuts_down_early_ && chance.one_in(100)) {
            if (immediate_) {
                dropped_ += inside_.size();
                inside_.clear();
            }
            queue_.shutdown(immediate_);
            CHECK((!immediate_ || queue_.empty()));
        }
    }
    void check_quiet() {
        CHECK(queue_.qsize() == inside_.size());
        CHECK((getting_ == 0 || (queue_.empty() && !queue_.is_shut_down())));
        CHECK((putting_ == 0 || (queue_.full() && !queue_.is_shut_down())));
    }
    Coro<> calm_down() {
        while (producers_ > 0 && !queue_.is_shut_down()) {
            co_await sleep(1ms);
            if (consumers_ == 0) { // all cancelled
                take(queue_.empty() ? std::nullopt : std::optional(queue_.get_nowait()));
            }
        }
        queue_.shutdown();
        while (consumers_ > 0) {
            co_await sleep(1ms);
        }
        while (auto item = co_await queue_.next()) {
            take(std::move(item));
        }
        co_await queue_.join();
    }
    void check() {
        CHECK(strangers_ == 0);
        CHECK(out_of_order_ == 0);
        CHECK(inside_.empty());
        CHECK(got_ + dropped_ == put_);
        CHECK_THROWS_AS(queue_.task_done(), std::logic_error);
    }
    [[nodiscard]] bool lively() const {
        return put_ > 50 && cancelled_ > 0 && (!shuts_down_early_ || dropped_ > 0);
    }

    Chance chance;
    int quiet_moments = 0;

private:
    Coro<> producer() {
        const rondo::detail::ScopeExit gone([this] { --producers_; });
        for (int round = 0; round < 6; ++round) {
            [[maybe_unused]] auto slept = co_await rondo::as_result(sleep(chance.ms_up_to(30)));
            const int id = ++last_id_;
            const int priority = chance.up_to(3);
            bool stop = false;
            try {
                co_await put(Item(id, priority));
                ++put_;
                inside_.insert(place_of<Q>(priority, ++last_order_, id));
            } catch (const CancelledError&) {
                ++cancelled_;
                stop = chance.one_in(4);
            } catch (const rondo::TimeoutError&) { // NOLINT(bugprone-empty-catch): it is not put
            } catch (const QueueFull&) {           // NOLINT(bugprone-empty-catch)
            } catch (const QueueShutDown&) {
                CHECK(queue_.is_shut_down());
                stop = true;
            }
            if (stop) {
                co_return;
            }
        }
    }

    Coro<> put(Item item) {
        ++putting_;
        const rondo::detail::ScopeExit through([this] { --putting_; });
        const int how = chance.up_to(5);
        if (how == 0) {
            queue_.put_nowait(std::move(item));
        } else if (how == 1) {
            auto outcome = co_await rondo::as_result(queue_.put(std::move(item)));
            outcome.value();
        } else if (how == 2) {
            const auto limit = chance.ms_up_to(4);
            co_await rondo::wait_for(queue_.put(std::move(item)), limit);
        } else {
            co_await queue_.put(std::move(item));
        }
    }

    Coro<> consumer() {
        const rondo::detail::ScopeExit gone([this] { --consumers_; });
        for (bool stop = false; !stop;) {
            try {
                auto item = co_await get();
                stop = !item.has_value();
                take(std::move(item));
                co_await sleep(chance.ms_up_to(3));
            } catch (const CancelledError&) {
                ++cancelled_;
                stop = chance.one_in(8);
            } catch (const rondo::TimeoutError&) { // NOLINT(bugprone-empty-catch): none was taken
            } catch (const QueueEmpty&) {
                CHECK_FALSE(queue_.is_shut_down());
                stop = chance.one_in(8);
            } catch (const QueueShutDown&) {
                CHECK(queue_.is_shut_down());
                stop = true;
            }
        }
    }

    Coro<std::optional<Item>> get() {
        ++getting_;
        const rondo::detail::ScopeExit through([this] { --getting_; });
        const int how = chance.up_to(6);
        if (how == 0) {
            co_return queue_.get_nowait();
        }
        if (how == 1) {
            auto outcome = co_await rondo::as_result(queue_.get());
            co_return std::move(outcome).value();
        }
        if (how == 2) {
            const auto limit = chance.ms_up_to(4);
            co_return co_await rondo::wait_for(queue_.get(), limit);
        }
        if (how == 3) {
            co_return co_await queue_.get();
        }
        co_return co_await queue_.next();
    }

    void take(std::optional<Item> item) {
        if (!item) {
            return;
        }
        queue_.task_done();
        ++got_;
        const int id = item->luggage.number();
        if (inside_.empty() || std::get<2>(*inside_.begin()) != id) {
            ++out_of_order_;
        }
        for (auto place = inside_.begin(); place != inside_.end(); ++place) {
            if (std::get<2>(*place) == id) {
                inside_.erase(place);
                return;
            }
        }
        ++strangers_; // was never put, or given before
    }

    Q queue_;
    std::set<Place> inside_;
    bool shuts_down_early_ = false;
    bool immediate_ = false;
    int next_visitor_ = 0;
    int producers_ = 0;
    int consumers_ = 0;
    int putting_ = 0;
    int getting_ = 0;
    int last_id_ = 0;
    long last_order_ = 0;
    std::size_t put_ = 0;
    std::size_t got_ = 0;
    std::size_t dropped_ = 0;
    int strangers_ = 0;
    int out_of_order_ = 0;
    int cancelled_ = 0;
};

} // namespace

TEMPLATE_TEST_CASE("whatever its users do, a queue gives what was put once, in its order",
                   "[sync][queue][cancel][random]", Queue<Item>, LifoQueue<Item>,
                   PriorityQueue<Item>) {
    run_worlds<QueueWorld<TestType>>(6, 60);
}

TEST_CASE("thousands share a queue", "[sync][queue][cancel][random][slow]") {
    run_worlds<QueueWorld<Queue<Item>>>(6, 3'000);
}
