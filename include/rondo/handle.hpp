#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Handles of callbacks that wait to be run by the loop: call_soon, call_later, done callbacks.

#include <atomic>
#include <cstdint>
#include <exception>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/context_node.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/ready_queue.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/small_function.hpp>
#include <rondo/timer.hpp>
#include <utility>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// A callback with its arguments bound, and the context to run it in: a copy of the one in which it
/// was made, unless another is given. Shared by its handles and by whoever will run it.
class Callback : public Runnable, public PoolAllocated {
public:
    explicit Callback(SmallFunction<void()> function) noexcept
        : function_(std::move(function)), context_(current_context()) {}
    virtual ~Callback() = default;

    /// From now on it is counted atomically: a handle of call_soon_threadsafe is on another thread.
    void share_with_threads() noexcept { shared_ = true; }

    void add_ref() noexcept {
        if (shared_) {
            references_.fetch_add(1, std::memory_order_relaxed);
        } else {
            references_.store(references() + 1, std::memory_order_relaxed);
        }
    }
    void drop_ref() noexcept {
        if (shared_) {
            if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
                delete this;
            }
        } else if (references() == 1) {
            delete this;
        } else {
            references_.store(references() - 1, std::memory_order_relaxed);
        }
    }

    /// Lets go of the function. One that is in the ready queue stays there and does nothing.
    virtual void cancel() noexcept {
        cancelled_ = true;
        SmallFunction<void()> dropped = std::move(function_);
    }

    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }

    void run_in(Ref<ContextCell> context) noexcept { context_.share(std::move(context)); }

    /// Puts it into the ready queue, which then holds a reference.
    void schedule(Scheduler& scheduler) noexcept {
        add_ref();
        scheduler.ready.push_back(*this);
    }

    void run() noexcept override {
        if (!cancelled_ && current_scheduler != nullptr) { // not in a child forked by a step
            invoke();
        }
        drop_ref();
    }

    void discard() noexcept override {
        cancel();
        drop_ref();
    }

protected:
    void invoke() noexcept {
        const EnteredContext entered(*current_scheduler, context_);
        try {
            // Out of the object first: the callback may cancel or re-register itself.
            SmallFunction<void()> function = std::move(function_);
            function();
        } catch (...) {
            report(std::current_exception());
        }
    }

    static void report(std::exception_ptr error) noexcept {
        Scheduler* scheduler = current_scheduler;
        if (scheduler != nullptr && holds<KeyboardInterrupt>(error)) {
            scheduler->interrupt = std::move(error);
        } else if (scheduler != nullptr && scheduler->reporter != nullptr) {
            scheduler->reporter(*scheduler, "a callback threw", std::move(error), nullptr);
        } else {
            print_unhandled("a callback threw", error);
        }
    }

    SmallFunction<void()> function_;
    RunContext context_;

private:
    [[nodiscard]] std::uint32_t references() const noexcept {
        return references_.load(std::memory_order_relaxed);
    }

    std::atomic<std::uint32_t> references_ = 0;
    bool shared_ = false;
    bool cancelled_ = false;
};

/// A callback with a deadline.
class TimedCallback final : public Callback, public Timer {
public:
    TimedCallback(SmallFunction<void()> function, Clock::time_point when) noexcept
        : Callback(std::move(function)), when_(when) {}

    void start(Scheduler& scheduler) {
        start_on(scheduler, when_);
        add_ref(); // the timer's, until it fires or is cancelled
        scheduler_ = &scheduler;
    }

    void cancel() noexcept override {
        Callback::cancel();
        if (armed()) {
            Timer::cancel();
            drop_ref();
        }
    }

    [[nodiscard]] Clock::time_point when() const noexcept { return when_; }

private:
    void on_deadline() noexcept override {
        scheduler_->ready.push_back(*this);
    } // with its reference

    void on_loop_closed() noexcept override {
        Callback::cancel();
        drop_ref();
    }

    Clock::time_point when_;
    Scheduler* scheduler_ = nullptr;
};

} // namespace detail

/// A callback that was given to the loop. A cheap copyable handle; dropping it does not cancel.
///
/// Threads: it belongs to the loop's thread, and its copies too. What call_soon_threadsafe() gives
/// may be copied and dropped on any thread.
class Handle {
public:
    Handle() noexcept = default;
    explicit Handle(detail::Ref<detail::Callback> callback) noexcept
        : callback_(std::move(callback)) {}

    /// The callback will not run, and what it holds is released at once. Idempotent.
    /// Threads: on the loop's thread only, as in asyncio.
    void cancel() noexcept {
        if (callback_) {
            // A copy, because releasing what the callback holds may release this handle.
            const detail::Ref<detail::Callback> callback = callback_;
            callback->cancel();
        }
    }

    /// Whether cancel() was called.
    [[nodiscard]] bool cancelled() const noexcept { return callback_ && callback_->cancelled(); }

private:
    detail::Ref<detail::Callback> callback_;
};

/// Handle of call_later and call_at.
class TimerHandle : public Handle {
public:
    TimerHandle() noexcept = default;
    explicit TimerHandle(detail::Ref<detail::TimedCallback> callback) noexcept
        : Handle(detail::Ref<detail::Callback>(callback.get())), when_(callback->when()) {}

    /// The deadline.
    [[nodiscard]] Clock::time_point when() const noexcept { return when_; }

private:
    Clock::time_point when_{};
};

} // namespace rondo::inline RONDO_ABI
