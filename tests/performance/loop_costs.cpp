// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Timers and callbacks.

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "counted.hpp"

using namespace std::chrono_literals;

namespace {

[[gnu::noinline]] rondo::Coro<> sleeper(rondo::Clock::time_point deadline) {
    co_await rondo::sleep_until(deadline);
}

template <int size>
rondo::Coro<> sleep_in_crowds(int operations) {
    for (int done = 0; done < operations; done += size) {
        const rondo::Clock::time_point first = rondo::Clock::now() + 1ms;
        std::vector<rondo::Task<>> tasks;
        tasks.reserve(size);
        for (int i = 0; i < size; ++i) {
            // 7919 is a prime number: each distance once, in no order.
            const std::chrono::nanoseconds after(i * 7919 % size);
            tasks.push_back(rondo::create_task(sleeper(first + after)));
        }
        while (rondo::get_running_loop().metrics().timers != size) {
            co_await rondo::sleep(0s);
        }
        // Before the loop looks again, so that all are due at once. It waits for the first deadline in
        // the kernel, whose clock knows nothing of this: for milliseconds at most.
        costs::advance_clock(2ms);
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
    }
}

class SilentTimer final : public rondo::Timer {
    void on_deadline() noexcept override {}
};

/// Arms and cancels a timer that is due in a quarter of an hour, among `others` that are due after
/// `delay`, one after another.
template <int others, int delay>
rondo::Coro<> cancel_timers(int operations) {
    const rondo::Clock::time_point due = rondo::Clock::now() + std::chrono::minutes(delay);
    const auto rest = std::make_unique<SilentTimer[]>(others);
    for (int i = 0; i < others; ++i) {
        rest[static_cast<std::size_t>(i)].start(due + std::chrono::microseconds(i));
    }
    SilentTimer timer;
    for (int i = 0; i < operations; ++i) {
        timer.start(rondo::Clock::now() + 15min);
        costs::keep(timer);
        timer.cancel();
    }
    co_return;
}

rondo::Coro<> cancel_call_later(int operations) {
    rondo::EventLoop& loop = rondo::get_running_loop();
    for (int i = 0; i < operations; ++i) {
        rondo::TimerHandle timer = loop.call_later(15min, [] {});
        timer.cancel();
    }
    co_return;
}

template <int size>
rondo::Coro<> call_soon(int operations) {
    rondo::EventLoop& loop = rondo::get_running_loop();
    std::uint64_t sum = 0;
    for (int done = 0; done < operations; done += size) {
        for (std::uint64_t i = 0; i < size; ++i) {
            loop.call_soon([&sum, i] { sum += i; });
        }
        co_await rondo::sleep(0s); // its place in the queue is behind them
        costs::keep(sum);
    }
}

constexpr costs::Case cases[] = {
    {"sleep_crowd_1000", 2000, sleep_in_crowds<1000>},
    {"timer_cancelled", 4000, cancel_timers<0, 0>},
    {"timer_cancelled_last_of_10000", 4000, cancel_timers<10000, 10>},
    {"timer_cancelled_first_of_10000", 4000, cancel_timers<10000, 20>},
    {"call_later_cancelled", 4000, cancel_call_later},
    {"call_soon", 8000, call_soon<1000>},
};

} // namespace

std::span<const costs::Case> costs::loop_cases() {
    return cases;
}
