// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does it cost to reach a loop from another thread: a callback that is posted and answers, one
// at a time (round trip), and a thousand that are posted in a row, of which the last answers?
// Baselines: a vector of std::function behind a mutex and an eventfd, on which the other thread
// waits with liburing, or with epoll. Both threads are on one core; time is the CPU time of both.

#include <cstdint>
#include <functional>
#include <future>
#include <mutex>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "cores.hpp"
#include "costs.hpp"
#include "hand_ring.hpp"

namespace {

constexpr int posts = 1000;

/// What both baselines have in common: callbacks that wait for the loop's thread.
class Callbacks {
public:
    Callbacks() : bell_(::eventfd(0, EFD_CLOEXEC)) { bench::require(bell_ >= 0, "eventfd"); }
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;
    ~Callbacks() { ::close(bell_); }

    template <class F>
    void post(F callback) {
        const std::lock_guard lock(mutex_);
        posted_.emplace_back(std::move(callback));
        if (posted_.size() == 1) {
            const std::uint64_t one = 1;
            bench::require(::write(bell_, &one, sizeof one) == sizeof one, "write");
        }
    }

    /// To be called by the loop when the bell was rung, and has been read.
    void run_all() {
        {
            const std::lock_guard lock(mutex_);
            running_.swap(posted_);
        }
        for (const std::function<void()>& callback : running_) {
            callback();
        }
        running_.clear();
    }

    [[nodiscard]] int bell() const { return bell_; }

private:
    int bell_;
    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;
    std::vector<std::function<void()>> running_;
};

/// A thread that waits for the bell with a one-shot read.
class LiburingLoop {
public:
    template <class F>
    void post(F callback) {
        callbacks_.post(std::move(callback));
    }
    void stop() {
        post([this] { stopped_ = true; });
        thread_.join();
    }

private:
    void run() {
        bench::HandRing ring(8);
        std::uint64_t rung = 0;
        while (!stopped_) {
            io_uring_prep_read(&ring.entry(), callbacks_.bell(), &rung, sizeof rung, 0);
            ring.submit_and_wait(1);
            io_uring_cqe* completion = nullptr;
            if (io_uring_peek_cqe(&ring.native(), &completion) != 0) {
                continue;
            }
            bench::require(completion->res == sizeof rung, "read");
            io_uring_cq_advance(&ring.native(), 1);
            callbacks_.run_all();
        }
    }

    Callbacks callbacks_;
    bool stopped_ = false; // the thread's own
    std::thread thread_{[this] { run(); }};
};

class EpollLoop {
public:
    template <class F>
    void post(F callback) {
        callbacks_.post(std::move(callback));
    }
    void stop() {
        post([this] { stopped_ = true; });
        thread_.join();
    }

private:
    void run() {
        const int poll = ::epoll_create1(EPOLL_CLOEXEC);
        epoll_event event{};
        event.events = EPOLLIN;
        bench::require(poll >= 0 &&
                           ::epoll_ctl(poll, EPOLL_CTL_ADD, callbacks_.bell(), &event) == 0,
                       "epoll_ctl");
        while (!stopped_) {
            if (::epoll_wait(poll, &event, 1, -1) != 1) {
                continue;
            }
            std::uint64_t rung = 0;
            bench::require(::read(callbacks_.bell(), &rung, sizeof rung) == sizeof rung, "read");
            callbacks_.run_all();
        }
        ::close(poll);
    }

    Callbacks callbacks_;
    bool stopped_ = false; // the thread's own
    std::thread thread_{[this] { run(); }};
};

class RondoLoop {
public:
    RondoLoop() : loop_(started_.get_future().get()) {}

    template <class F>
    void post(F callback) {
        loop_->call_soon_threadsafe(std::move(callback));
    }
    void stop() {
        post([loop = loop_] { loop->stop(); });
        thread_.join();
    }
    /// To be called in the loop's thread.
    [[nodiscard]] std::uint64_t system_calls() const { return loop_->metrics().system_calls; }

private:
    void run() {
        rondo::EventLoop loop;
        started_.set_value(&loop);
        loop.run_forever();
    }

    std::promise<rondo::EventLoop*> started_;
    std::thread thread_{[this] { run(); }};
    rondo::EventLoop* loop_;
};

/// Posts `count` callbacks and waits until the last has run.
template <class Loop>
void post_and_wait(Loop& loop, int count, std::uint64_t& sum, std::binary_semaphore& answered) {
    for (int i = 1; i < count; ++i) {
        loop.post([&sum] { ++sum; });
    }
    loop.post([&sum, &answered] {
        ++sum;
        answered.release();
    });
    answered.acquire();
}

/// What the loop's thread has spent.
std::uint64_t spent_by(RondoLoop& loop) {
    std::promise<std::uint64_t> answer;
    loop.post([&] { answer.set_value(loop.system_calls()); });
    return answer.get_future().get();
}

template <class Loop>
void post(benchmark::State& state, int count) {
    const bench::OnOneCore both;
    Loop loop;
    std::uint64_t sum = 0;
    std::uint64_t rounds = 0;
    std::binary_semaphore answered(0);
    bench::Costs costs;
    if constexpr (requires { spent_by(loop); }) {
        costs.system_calls = spent_by(loop);
    }
    const std::uint64_t allocated = bench::allocations().count;
    while (state.KeepRunningBatch(count)) {
        post_and_wait(loop, count, sum, answered);
        ++rounds;
    }
    if constexpr (requires { spent_by(loop); }) {
        costs.allocations = bench::allocations().count - allocated;
        costs.system_calls = spent_by(loop) - costs.system_calls;
        bench::report(state, costs);
    }
    loop.stop();
    if (sum != rounds * static_cast<std::uint64_t>(count)) {
        state.SkipWithError("callbacks got lost");
    }
}

template <class Loop>
void round_trip(benchmark::State& state) {
    post<Loop>(state, 1);
}
template <class Loop>
void in_a_row(benchmark::State& state) {
    post<Loop>(state, posts);
}

void both_threads(benchmark::internal::Benchmark* benchmark) {
    benchmark->MeasureProcessCPUTime();
}

} // namespace

BENCHMARK(round_trip<LiburingLoop>)->Name("threadsafe_round_trip/liburing")->Apply(both_threads);
BENCHMARK(round_trip<EpollLoop>)->Name("threadsafe_round_trip/epoll")->Apply(both_threads);
BENCHMARK(round_trip<RondoLoop>)->Name("threadsafe_round_trip/rondo")->Apply(both_threads);
BENCHMARK(in_a_row<LiburingLoop>)->Name("threadsafe_posts/liburing")->Apply(both_threads);
BENCHMARK(in_a_row<EpollLoop>)->Name("threadsafe_posts/epoll")->Apply(both_threads);
BENCHMARK(in_a_row<RondoLoop>)->Name("threadsafe_posts/rondo")->Apply(both_threads);
