// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does a permit cost: a free one, and one of 8 that 64 tasks want, who give up the thread while
// they have it? Baseline: a counter and a list of handles in the limit kernel.

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <rondo/rondo.hpp>

#include "costs.hpp"
#include "limit.hpp"

using namespace std::chrono_literals;

namespace {

constexpr int permits = 8;
constexpr int tasks_that_want = 64;
constexpr int times = 1000;

/// No cancellation, and whoever acquires must release.
class LimitSemaphore {
public:
    explicit LimitSemaphore(int free) : free_(free) {}

    class Acquire {
    public:
        explicit Acquire(LimitSemaphore& semaphore) : semaphore_(semaphore) {}
        [[nodiscard]] bool await_ready() const noexcept {
            if (semaphore_.free_ == 0) {
                return false;
            }
            --semaphore_.free_;
            return true;
        }
        void await_suspend(std::coroutine_handle<> awaiting) noexcept {
            handle_ = awaiting;
            *semaphore_.end_ = this;
            semaphore_.end_ = &next_;
        }
        static void await_resume() noexcept {}

    private:
        friend LimitSemaphore;
        LimitSemaphore& semaphore_;
        std::coroutine_handle<> handle_;
        Acquire* next_ = nullptr;
    };

    Acquire acquire() { return Acquire(*this); }
    void release() {
        if (first_ == nullptr) {
            ++free_;
            return;
        }
        const Acquire* const waiter = std::exchange(first_, first_->next_);
        if (first_ == nullptr) {
            end_ = &first_;
        }
        limit::kernel.push(waiter->handle_);
    }

private:
    int free_;
    Acquire* first_ = nullptr;
    Acquire** end_ = &first_;
};

[[gnu::noinline]] limit::Spawned limit_user(LimitSemaphore& semaphore) {
    for (int i = 0; i < times; ++i) {
        co_await semaphore.acquire();
        co_await limit::Yield{};
        semaphore.release();
    }
}

[[gnu::noinline]] rondo::Coro<> rondo_user(rondo::Semaphore& semaphore) {
    for (int i = 0; i < times; ++i) {
        const auto permit = co_await semaphore.acquire();
        co_await rondo::sleep(0s);
    }
}

limit::Spawned limit_contended(benchmark::State& state) {
    LimitSemaphore semaphore(permits);
    while (state.KeepRunningBatch(tasks_that_want * times)) {
        std::vector<limit::Spawned> tasks;
        for (int i = 0; i < tasks_that_want; ++i) {
            tasks.push_back(limit_user(semaphore));
        }
        for (limit::Spawned& task : tasks) {
            co_await task;
        }
    }
}

rondo::Coro<> rondo_contended(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::Semaphore semaphore(permits);
    while (state.KeepRunningBatch(tasks_that_want * times)) {
        std::vector<rondo::Task<>> tasks;
        for (int i = 0; i < tasks_that_want; ++i) {
            tasks.push_back(rondo::create_task(rondo_user(semaphore)));
        }
        for (const rondo::Task<>& task : tasks) {
            co_await task;
        }
    }
}

limit::Spawned limit_uncontended(benchmark::State& state) {
    LimitSemaphore semaphore(1);
    for (auto _ : state) {
        co_await semaphore.acquire();
        benchmark::DoNotOptimize(semaphore);
        semaphore.release();
    }
}

rondo::Coro<> rondo_uncontended(benchmark::State& state) {
    const bench::CountCosts costs(state);
    rondo::Semaphore semaphore(1);
    for (auto _ : state) {
        const auto permit = co_await semaphore.acquire();
        benchmark::DoNotOptimize(semaphore);
    }
}

void contended_limit(benchmark::State& state) {
    limit::run(limit_contended(state));
}
void contended_rondo(benchmark::State& state) {
    rondo::run(rondo_contended(state));
}
void uncontended_limit(benchmark::State& state) {
    limit::run(limit_uncontended(state));
}
void uncontended_rondo(benchmark::State& state) {
    rondo::run(rondo_uncontended(state));
}

} // namespace

BENCHMARK(contended_limit)->Name("semaphore_contended/limit");
BENCHMARK(contended_rondo)->Name("semaphore_contended/rondo");
BENCHMARK(uncontended_limit)->Name("semaphore_free/limit");
BENCHMARK(uncontended_rondo)->Name("semaphore_free/rondo");
