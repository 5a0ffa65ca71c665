#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// wait: until some or all of a set of tasks are done. Unstructured, as in asyncio: it cancels
// nothing and throws nothing of theirs; race() and task_group() clean up behind themselves.

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/leaf.hpp>
#include <rondo/detail/pointer_set.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>
#include <rondo/future.hpp>
#include <rondo/suspension.hpp>
#include <rondo/task.hpp>
#include <rondo/timer.hpp>

namespace rondo::inline RONDO_ABI {

/// When wait() returns, as asyncio spells it.
enum class ReturnWhen {
    FIRST_COMPLETED, ///< at least one task is done
    FIRST_EXCEPTION, ///< one has failed (a cancelled one does not count), or all are done
    ALL_COMPLETED,   ///< all are done
};
inline constexpr ReturnWhen FIRST_COMPLETED = ReturnWhen::FIRST_COMPLETED;
inline constexpr ReturnWhen FIRST_EXCEPTION = ReturnWhen::FIRST_EXCEPTION;
inline constexpr ReturnWhen ALL_COMPLETED = ReturnWhen::ALL_COMPLETED;

struct WaitOptions {
    Clock::duration timeout = Clock::duration::max(); ///< return after this at the latest
    ReturnWhen return_when = ReturnWhen::ALL_COMPLETED;
};

/// What wait() gives: each task once, in exactly one of the two, in the order of the argument.
template <class H>
struct WaitResult {
    std::vector<H> done;
    std::vector<H> pending;
};

namespace detail {

/// Waits for a condition on a set of futures, or for a deadline. Cancels nothing.
class SetWait final : Timer {
public:
    SetWait(std::size_t count, const WaitOptions& options)
        : members_(std::make_unique<Member[]>(count)), count_(count), options_(options) {
        if (options.timeout <= Clock::duration::zero()) {
            timed_out_ = true;
        } else if (options.timeout != Clock::duration::max()) {
            start(deadline_after(running_scheduler().now(), options.timeout));
        }
    }

    void bind(std::size_t index, FutureBase& future) noexcept {
        members_[index].set = this;
        members_[index].future = &future;
    }

    class Awaiter final : public Suspension {
    public:
        explicit Awaiter(SetWait& set) noexcept : set_(set) {}
        ~Awaiter() { set_.awaiter_ = nullptr; }
        [[nodiscard]] bool await_ready() noexcept { return set_.begin(); }
        template <class P>
        bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
            if (!suspend_unless_cancelled(awaiting)) {
                return false;
            }
            set_.awaiter_ = this;
            if (set_.timed_out_) {
                resume(); // gives the tasks one turn, as asyncio does
            }
            return true;
        }
        void await_resume() { throw_if_cancelled(); }

    private:
        void on_cancel() noexcept override { resume(); }
        [[nodiscard]] const char* describe() const noexcept override { return "wait"; }

        SetWait& set_;
    };

    Awaiter operator co_await() noexcept { return Awaiter(*this); }

private:
    struct Member final : DoneObserver {
        Member() noexcept = default;
        ~Member() {
            if (is_linked()) {
                future->forget(*this);
            }
        }
        void on_done() noexcept override { set->one_done(*future); }
        SetWait* set = nullptr;
        FutureBase* future = nullptr;
    };

    void on_deadline() noexcept override {
        timed_out_ = true;
        wake();
    }

    /// Observes those that are not done. Returns whether the condition holds already.
    bool begin() noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            FutureBase& future = *members_[i].future;
            if (future.done()) {
                note(future);
            } else {
                ++pending_;
                future.observe(members_[i]);
            }
        }
        return satisfied_ || pending_ == 0;
    }

    void one_done(const FutureBase& future) noexcept {
        --pending_;
        note(future);
        if (satisfied_ || pending_ == 0) {
            wake();
        }
    }

    void note(const FutureBase& future) noexcept {
        satisfied_ = satisfied_ || options_.return_when == ReturnWhen::FIRST_COMPLETED ||
                     (options_.return_when == ReturnWhen::FIRST_EXCEPTION &&
                      future.status() == Status::failed);
    }

    void wake() noexcept {
        if (awaiter_ != nullptr) {
            awaiter_->resume();
        }
    }

    std::unique_ptr<Member[]> members_;
    std::size_t count_;
    std::size_t pending_ = 0;
    bool satisfied_ = false;
    bool timed_out_ = false;
    WaitOptions options_;
    Awaiter* awaiter_ = nullptr;
};

/// The handles once each, in order. Throws: LoopError for one of another loop.
template <class H>
std::vector<H> distinct(std::vector<H> handles) {
    PointerSet seen(handles.size());
    std::vector<H> result;
    result.reserve(handles.size());
    for (H& handle : handles) {
        if (!handle.done() && handle.state()->scheduler() != &running_scheduler()) {
            throw LoopError("rondo: this task or future belongs to another event loop");
        }
        if (seen.insert(handle.state())) {
            result.push_back(std::move(handle));
        }
    }
    return result;
}

template <class H>
Coro<WaitResult<H>> wait_for_set(std::vector<H> given, WaitOptions options) {
    if (given.empty()) {
        throw std::invalid_argument("rondo: wait() needs at least one task");
    }
    std::vector<H> handles = distinct(std::move(given));
    SetWait set(handles.size(), options);
    for (std::size_t i = 0; i < handles.size(); ++i) {
        set.bind(i, *handles[i].state());
    }
    co_await set;
    WaitResult<H> result;
    for (const H& handle : handles) { // the observers still need them
        (handle.done() ? result.done : result.pending).push_back(handle);
    }
    co_return result;
}

} // namespace detail

/// Waits until as many of the tasks are done as `options.return_when` says, or the timeout passes;
/// gives {done, pending}. Does not throw the tasks' exceptions, and cancels nothing.
///
/// Throws: std::invalid_argument for an empty set; LoopError for a task of another loop.
/// Cancellation: leaves the tasks running.
/// Example:
/// @code
/// rondo::WaitOptions options{.return_when = rondo::FIRST_COMPLETED};
/// auto [done, pending] = co_await rondo::wait(tasks, options);
/// for (auto& task : pending) { task.cancel(); }
/// @endcode
template <class T>
Coro<WaitResult<Task<T>>> wait(std::vector<Task<T>> tasks, WaitOptions options = {}) {
    return detail::wait_for_set(std::move(tasks), options);
}
/// The same of Futures.
template <class T>
Coro<WaitResult<Future<T>>> wait(std::vector<Future<T>> futures, WaitOptions options = {}) {
    return detail::wait_for_set(std::move(futures), options);
}
/// The same of any range of Tasks, Futures or TaskRefs, such as all_tasks(); it is read at once.
template <std::ranges::input_range R>
    requires(detail::is_task_or_future_v<std::ranges::range_value_t<R>> ||
             std::same_as<std::ranges::range_value_t<R>, TaskRef>)
auto wait(R&& range, WaitOptions options = {}) {
    std::vector<std::ranges::range_value_t<R>> tasks;
    for (auto&& task : range) {
        tasks.push_back(task);
    }
    return detail::wait_for_set(std::move(tasks), options);
}

} // namespace rondo::inline RONDO_ABI
