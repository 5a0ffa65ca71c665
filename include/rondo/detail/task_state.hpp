#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The life of a task: from creation through its steps to its result. A step resumes the innermost
// coroutine of the chain; coroutines that finish hand back to the one that awaits them, in a loop
// and not in nested calls, so that a chain of any length unwinds on constant stack.

#include <coroutine>
#include <cstdint>
#include <exception>
#include <rondo/config.hpp>
#include <rondo/detail/cancel_requests.hpp>
#include <rondo/detail/context_node.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/leaf.hpp>
#include <rondo/detail/promise.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>
#include <string>
#include <type_traits>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// Type-independent part of a task.
///
/// | state     | leaf_    | resume_point_    | in the ready queue          |
/// | --------- | -------- | ---------------- | --------------------------- |
/// | created   | null     | the root         | yes                         |
/// | running   | null     | null             | no                          |
/// | suspended | the leaf | innermost Coro   | no (leaf: waiting)          |
/// | woken     | the leaf | innermost Coro   | yes (leaf: resumed)         |
/// | done      | null     | null             | no; root_ is destroyed      |
///
/// The context is a base and not a member, so that it comes early: to let go of a task that is done
/// then touches nothing beyond its first 64 bytes.
class TaskBase : public FutureBase, private RunContext, public ListHook<> {
public:
    /// Asks the task to stop: marks the request and wakes or forwards; runs nothing of the task.
    bool cancel(CancelReason reason, const std::string& message) override {
        if (done()) {
            return false;
        }
        set_reason(reason, message);
        requests_.add_user();
        request_delivery();
        return true;
    }

    /// The same for a scope that will withdraw its request by the ticket.
    [[nodiscard]] CancelRequests::Ticket cancel_scoped(CancelReason reason) noexcept {
        if (!requests_.pending()) {
            set_reason(reason, std::string());
        }
        const CancelRequests::Ticket ticket = requests_.add_scoped();
        request_delivery();
        return ticket;
    }

    /// Withdraws one request of Task::cancel(); see CancelRequests for the rest. Where a wait has
    /// been broken off for it, the CancelledError comes: there is no result to give instead.
    int uncancel() noexcept {
        const bool interrupted =
            leaf_ != nullptr && leaf_->leaf_state_ == Leaf::LeafState::interrupted;
        return requests_.withdraw_user(interrupted);
    }

    [[nodiscard]] CancelRequests& requests() noexcept { return requests_; }

    /// A CancelledError is about to be thrown in the task: it delivers all that is pending.
    void deliver_cancellation() noexcept {
        requests_.deliver();
        kept_result_ = false;
    }

    [[nodiscard]] CancelledError make_cancellation() const noexcept { return cancellation(); }

    [[nodiscard]] CancelReason cancel_reason() const noexcept { return reason_; }
    [[nodiscard]] std::string cancel_message() const {
        const Extras* given = extras_if_any();
        return given != nullptr && given->message != nullptr ? *given->message : std::string();
    }

    /// An operation gives its result although a cancellation is pending; see cancelled_at_end().
    void keep_result() noexcept { kept_result_ = requests_.pending(); }

    /// Puts a suspended task at the back of the ready queue. Called by the leaf, once.
    void wake() noexcept { scheduler_->ready.push_back(*this); }

    /// Notes where the task is suspended. Called from await_suspend.
    void suspend_at(Leaf& leaf, std::coroutine_handle<> innermost, PromiseBase& promise) noexcept {
        leaf_ = &leaf;
        resume_point_ = innermost;
#if RONDO_TRACK_LOCATIONS
        innermost_ = &promise;
#else
        (void)promise;
#endif
    }

    /// A coroutine that did not finish at its first go is done: its awaiter is next.
    void continue_with(std::coroutine_handle<> awaiting) noexcept { resume_point_ = awaiting; }

    /// The exception that has ended a coroutine, on its way to the one that awaits it.
    void carry_failure(std::exception_ptr error) noexcept { set_error(std::move(error)); }
    [[nodiscard]] bool carries_failure() const noexcept { return error_quietly() != nullptr; }
    [[nodiscard]] std::exception_ptr take_failure() noexcept { return take_error(); }

    /// False while a leaf holds the task.
    [[nodiscard]] bool is_running() const noexcept { return leaf_ == nullptr; }

    [[nodiscard]] const Leaf* leaf() const noexcept { return leaf_; }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

    [[nodiscard]] const std::string& name() {
        std::string& name = extras().name;
        if (name.empty()) {
            name = "Task-" + std::to_string(id_);
        }
        return name;
    }
    void set_name(std::string name) { extras().name = std::move(name); }

    [[nodiscard]] std::string describe() const override {
        const Extras* given = extras_if_any();
        return given != nullptr && !given->name.empty() ? given->name
                                                        : "Task-" + std::to_string(id_);
    }

    /// "Semaphore::acquire", "the result of Task-3", "its first step", …; for reports.
    [[nodiscard]] std::string describe_wait() const {
        if (done()) {
            return "nothing: it is done";
        }
        if (leaf_ == nullptr) {
            return started_ ? "nothing: it is running" : "its first step";
        }
        const FutureBase* other = leaf_->waits_for();
        return other != nullptr ? "the result of " + other->describe() : leaf_->describe();
    }

#if RONDO_TRACK_LOCATIONS
    /// Promise of the innermost coroutine of a suspended task; parents hang off it.
    [[nodiscard]] const PromiseBase* innermost() const noexcept { return innermost_; }
#endif

    /// To run in that context instead of in a copy of its creator's. Before launch().
    void run_in(Ref<ContextCell> context) noexcept { share(std::move(context)); }

    [[nodiscard]] RunContext& context() noexcept { return *this; }

    /// The loop owns it from now on, until it is done. The first step is taken in a later turn.
    void launch() noexcept {
        join_loop();
        wake();
    }

    /// The same, but the first step is taken at once: inside another task's, or inside a callback.
    void launch_eagerly() noexcept {
        join_loop();
        TaskBase* const outer = scheduler_->current;
        ContextSlot* const outer_context = scheduler_->context;
        run();
        scheduler_->current = outer;
        scheduler_->context = outer_context;
    }

    void run() noexcept final {
        Scheduler& scheduler = *scheduler_;
        scheduler.current = this;
        scheduler.context = &slot();
        if (!started_ && !may_start()) [[unlikely]] {
            end();
            return;
        }
        do {
            leaf_ = nullptr;
            std::exchange(resume_point_, nullptr).resume();
        } while (leaf_ == nullptr && resume_point_ != nullptr);
        if (leaf_ == nullptr) {
            end();
            return;
        }
        scheduler.current = nullptr;
        scheduler.context = nullptr;
    }

    void discard() noexcept final {}

    /// The loop is being closed: destroys the coroutine wherever it is suspended. The kernel must
    /// have let go of its operations.
    void abandon() noexcept {
        leaf_ = nullptr;
        resume_point_ = nullptr;
        std::exchange(root_, nullptr).destroy();
        set_reason(CancelReason::shutdown, std::string());
        finish(Status::cancelled);
    }

protected:
    TaskBase(Scheduler& scheduler, std::coroutine_handle<> root, PromiseBase& promise) noexcept
        : FutureBase(scheduler, true), RunContext(current_context(scheduler)), root_(root),
          resume_point_(root), id_(++scheduler.last_task_id) {
        promise.bind(*this);
    }

    ~TaskBase() override {
        if (!done()) [[unlikely]] { // never launched
            root_.destroy();
        }
    }

    /// Moves the outcome from the root's promise into the state.
    virtual void collect() noexcept = 0;

    [[nodiscard]] std::coroutine_handle<> root() const noexcept { return root_; }

    [[gnu::noinline]] void set_failure(std::exception_ptr error) noexcept {
        status_at_end_ = is_cancellation(error) ? Status::cancelled : Status::failed;
        set_error(std::move(error));
    }

private:
    void join_loop() noexcept {
        add_ref();
        scheduler_->tasks.push_back(*this);
        ++scheduler_->tasks_alive;
    }

    /// Before the first step. One that was cancelled until then never runs its body.
    [[nodiscard]] bool may_start() noexcept {
        started_ = true;
        if (requests_.pending()) {
            fail_before_start();
            return false;
        }
        return true;
    }

    // Not inlined, and so is end(), so that a step is short.
    [[gnu::noinline]] void fail_before_start() noexcept {
        resume_point_ = nullptr;
        deliver_cancellation();
        fail_cancelled();
    }

    [[gnu::noinline]] void end() noexcept {
        destroy_coroutine();
        scheduler_->current = nullptr;
        scheduler_->context = nullptr;
        finish(status_at_end_);
    }

    /// Keeps what the body came to. It is destroyed before anybody is told, and inside the task:
    /// so what the parameters' destructors do belongs to it, too.
    void destroy_coroutine() noexcept {
        if (status_at_end_ == Status::pending) {
            if (root_.done()) {
                collect();
            } else {
                fail_dropped();
            }
        }
        std::exchange(root_, nullptr).destroy();
        if (status_at_end_ == Status::failed) [[unlikely]] {
            look_for_interrupt();
        }
    }

    [[gnu::noinline]] void fail_dropped() noexcept {
        set_failure(std::make_exception_ptr(DroppedCoroutineError()));
    }

    [[gnu::noinline]] void look_for_interrupt() noexcept {
        if (holds<KeyboardInterrupt>(error_quietly())) {
            scheduler_->interrupt = error_quietly();
            mark_retrieved(); // whoever runs the loop gets it
        }
    }

    void finish(Status status) noexcept {
        scheduler_->tasks.remove(*this);
        --scheduler_->tasks_alive;
        settle(status);
        drop_ref();
    }

    /// Lets a pending request reach the task where it is suspended.
    void request_delivery() noexcept {
        kept_result_ = false;
        if (leaf_ == nullptr || leaf_->leaf_state_ != Leaf::LeafState::waiting) {
            return;
        }
        leaf_->leaf_state_ = Leaf::LeafState::to_be_told;
        Scheduler& scheduler = *scheduler_;
        // One that passes its cancellation on to another task adds that here, instead of a call
        // inside a call: a chain of tasks may be long.
        scheduler.cancelled.push_back(*this);
        if (std::exchange(scheduler.telling, true)) {
            return;
        }
        while (!scheduler.cancelled.empty()) {
            static_cast<TaskBase&>(scheduler.cancelled.pop_front()).tell_leaf();
        }
        scheduler.telling = false;
    }

    void tell_leaf() noexcept {
        Leaf& leaf = *leaf_;
        if (leaf.leaf_state_ == Leaf::LeafState::late) {
            leaf.leaf_state_ = Leaf::LeafState::resumed;
            wake();
            return;
        }
        leaf.leaf_state_ = Leaf::LeafState::waiting;
        leaf.on_cancel();
        if (leaf.leaf_state_ == Leaf::LeafState::resumed && requests_.pending()) {
            leaf.leaf_state_ = Leaf::LeafState::interrupted;
        }
    }

protected:
    /// The body has returned a value. A cancellation that found no suspension point to be thrown
    /// at wins (as in asyncio), unless it came too late for a completed operation.
    [[nodiscard]] bool cancelled_at_end() noexcept {
        if (!requests_.pending() || kept_result_) {
            return false;
        }
        deliver_cancellation();
        return true;
    }

    [[gnu::noinline]] void fail_cancelled() noexcept {
        set_failure(std::make_exception_ptr(make_cancellation()));
    }

    Status status_at_end_ = Status::pending;

private:
    bool started_ = false;
    bool kept_result_ = false;
    CancelRequests requests_;
    std::coroutine_handle<> root_;
    std::coroutine_handle<> resume_point_;
    Leaf* leaf_ = nullptr;
    std::uint64_t id_;
#if RONDO_TRACK_LOCATIONS
    PromiseBase* innermost_ = nullptr;
#endif
};

/// The state of a task whose coroutine returns T.
template <class T>
class TaskState final : public WithValue<T, TaskBase> {
public:
    TaskState(Scheduler& scheduler, std::coroutine_handle<Promise<T>> root) noexcept
        : WithValue<T, TaskBase>(scheduler, root, root.promise()) {}

private:
    void collect() noexcept override {
        auto& promise =
            std::coroutine_handle<Promise<T>>::from_address(this->root().address()).promise();
        if (this->carries_failure()) [[unlikely]] {
            this->set_failure(this->take_failure());
            return;
        }
        if (this->cancelled_at_end()) [[unlikely]] {
            this->fail_cancelled();
            return;
        }
        try {
            if constexpr (std::is_void_v<T>) {
                this->emplace();
            } else {
                this->emplace(promise.take_value());
            }
            this->status_at_end_ = Status::succeeded;
        } catch (...) {
            this->set_failure(std::current_exception());
        }
    }
};

} // namespace rondo::inline RONDO_ABI::detail
