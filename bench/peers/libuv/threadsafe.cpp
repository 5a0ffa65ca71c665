// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The questions of threadsafe_bench, put to libuv: an async handle, which is all that other threads
// may touch. It tells no more than that it was sent, so callbacks wait behind a mutex.

#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <uv.h>

#include "../threadsafe.hpp"

namespace {

class Loop {
public:
    Loop() {
        uv_loop_init(&loop_);
        uv_async_init(&loop_, &bell_, &run_all);
        bell_.data = this;
        thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() { uv_loop_close(&loop_); }

    template <class F>
    void post(F callback) {
        const std::lock_guard lock(mutex_);
        posted_.emplace_back(std::move(callback));
        if (posted_.size() == 1) {
            uv_async_send(&bell_);
        }
    }
    void stop() {
        post([this] { uv_close(reinterpret_cast<uv_handle_t*>(&bell_), nullptr); });
        thread_.join();
    }

private:
    static void run_all(uv_async_t* bell) {
        Loop& loop = *static_cast<Loop*>(bell->data);
        {
            const std::lock_guard lock(loop.mutex_);
            loop.running_.swap(loop.posted_);
        }
        for (const std::function<void()>& callback : loop.running_) {
            callback();
        }
        loop.running_.clear();
    }

    uv_loop_t loop_{};
    uv_async_t bell_{};
    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;
    std::vector<std::function<void()>> running_;
    std::thread thread_;
};

} // namespace

BENCHMARK(peer::post_from_thread<Loop, 1>)
    ->Name("threadsafe_round_trip/libuv")
    ->MeasureProcessCPUTime();
BENCHMARK(peer::post_from_thread<Loop, 1000>)
    ->Name("threadsafe_posts/libuv")
    ->MeasureProcessCPUTime();
