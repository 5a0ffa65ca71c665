#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What tasks, timers and awaitables know of the loop that runs them: the queue of what runs next,
// the timers, the tasks that are alive, the clock. EventLoop owns one of these and turns it.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/exception_kind.hpp>
#include <rondo/detail/intrusive_list.hpp>
#include <rondo/detail/leaf.hpp>
#include <rondo/detail/ready_queue.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/timer_heap.hpp>
#include <rondo/error.hpp>
#include <utility>

namespace rondo::inline RONDO_ABI {

class EventLoop;
class Suspension;

namespace detail {

class ContextNode;
class FutureBase;
class LiveGenerator;
class Ring;
class Scheduler;
class TaskBase;

/// The scheduler of the loop that runs on this thread; null outside a loop.
inline constinit thread_local Scheduler* current_scheduler = nullptr;

/// Reference-counted, because a Future may outlive its loop: it finds a closed scheduler then.
class Scheduler {
public:
    /// Where unhandled errors go: a message, the exception, the future or task concerned or null.
    using Reporter = void (*)(Scheduler&, const char* message, std::exception_ptr,
                              const FutureBase* subject) noexcept;

    Scheduler() noexcept = default;
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    [[nodiscard]] Clock::time_point now() noexcept {
        if (!virtual_time) {
            last_seen = Clock::now();
        }
        return last_seen;
    }

    /// Throws: std::bad_alloc, and has no effect then.
    void start_timer(TimerNode& timer, Clock::time_point deadline) {
        timers.insert(timer, deadline);
        if (deadline <= last_seen) {
            timer_may_be_due = true;
        }
    }

    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    ReadyQueue ready;
    TimerHeap timers;
    TaskBase* current = nullptr;         // the task whose step runs; null in a callback
    Ref<ContextNode>* context = nullptr; // of what runs now; null where nothing has its own
    IntrusiveList<TaskBase> tasks;       // all that are not done
    std::size_t tasks_alive = 0;
    IntrusiveList<LiveGenerator, LiveGenerator> generators; // that have begun, and have not ended
    ReadyQueue cancelled; // suspended tasks that have been cancelled just now: leaves to be told
    bool telling = false; // somebody takes tasks out of that until there is none
    Ring* ring = nullptr;
    EventLoop* loop = nullptr; // null once the loop is closed
    Reporter reporter = nullptr;
    // Resumes a suspension of this loop from another thread.
    void (*resume_from_thread)(Scheduler&, Suspension&) noexcept = nullptr;
    std::exception_ptr interrupt; // a KeyboardInterrupt that left a task or callback: ends the run
    std::uint64_t last_task_id = 0;
    std::size_t prompt_operations = 0; // in flight, and sure to complete without anybody's help
    bool virtual_time = false;
    bool timer_may_be_due = false; // a timer was started with a deadline in the past
    Clock::time_point last_seen{};

private:
    ~Scheduler() = default;

    std::uint32_t references_ = 0;
};

/// The running loop's scheduler. Throws: LoopError where no loop runs.
[[nodiscard]] inline Scheduler& running_scheduler() {
    if (current_scheduler == nullptr) {
        throw LoopError("rondo: no running event loop; call this inside rondo::run()");
    }
    return *current_scheduler;
}

} // namespace detail
} // namespace rondo::inline RONDO_ABI
