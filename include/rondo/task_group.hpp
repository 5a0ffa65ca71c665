#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// task_group: children that end with their scope. A group's body may start tasks in it; the group
// ends when the body and all of them have, and the first failure cancels the rest.

#include <coroutine>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <rondo/as_result.hpp>
#include <rondo/cancellation.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/body.hpp>
#include <rondo/detail/exception_kind.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/intrusive_list.hpp>
#include <rondo/detail/leaf.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>
#include <rondo/exception_group.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>
#include <rondo/task.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {
class GroupBlock;
} // namespace detail

/// The children of a task_group(); given to its body.
///
/// | state    | from                                          | create_task()            |
/// | -------- | --------------------------------------------- | ------------------------ |
/// | open     | the await of task_group()                     | starts a child           |
/// | closing  | the body has ended, and children run          | starts a child           |
/// | aborting | a failure, cancel(), or a cancellation        | throws LoopError         |
/// | closed   | the body and all children have ended          | throws LoopError         |
///
/// Memory: a child that has ended costs nothing more.
class TaskGroup {
public:
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    /// Starts a child, as rondo::create_task() does. Anybody may, while the group lasts: its body,
    /// its children, their children.
    ///
    /// Throws: LoopError when the group is aborting or has ended; the coroutine is destroyed then.
    template <class T>
    Task<T> create_task(Coro<T> coro, const TaskOptions& options = {});

    /// The same from a callable and arguments, which are kept alive.
    template <class F, class... Args>
        requires CoroutineFunction<F, Args...>
    auto create_task(F&& function, Args&&... args);

    /// Ends the group early: cancels all children and the body. The group then ends without an
    /// exception unless something fails on the way. Idempotent; no effect on one that has ended.
    void cancel() noexcept { abort(CancelReason::user); }

private:
    friend class detail::GroupBlock;
    class Child;
    class Join;

    TaskGroup() = default; // enters the scope: inside a task only
    ~TaskGroup();

    void require_open() const;
    void adopt(std::unique_ptr<Child> child, detail::FutureBase& future) noexcept;
    void child_done(Child& child) noexcept;
    void note_failure(detail::FutureBase& child) noexcept;
    void note_error(const std::exception_ptr& error, std::string task) noexcept;
    void abort(CancelReason reason) noexcept;
    void cancel_children(CancelReason reason) noexcept;

    CancelScope scope_; // around the body
    detail::IntrusiveList<Child, Child> children_;
    std::vector<ExceptionGroup::Member> errors_; // in order of time
    std::exception_ptr unkept_;                  // a failure for which errors_ had no room
    Suspension* joining_ = nullptr;              // waits for the last child
    bool body_running_ = true;
    bool aborting_ = false;
    bool closed_ = false;
};

/// Runs `body(group)`, a coroutine that may start children in the group, and waits for all of them.
///
/// Returns: what the body returns.
/// Throws: ExceptionGroup with all failures of children and body, in order of time, after the rest
/// has been cancelled (reason: sibling_failed) and has ended. Children that were cancelled are no
/// failures. A KeyboardInterrupt among them is thrown by itself, and the others are reported to the
/// loop's exception handler; so is a failure for which there was no memory to put it into a group.
/// Cancellation: cancels the body and the children, waits for them, and throws CancelledError; or
/// the ExceptionGroup if some failed on the way: then the cancellation is delivered again at the
/// next suspension. A further cancellation reaches the children again. A body that has a result to
/// give and was cancelled by TaskGroup::cancel() gives none: CancelledError.
/// Lifetime: the body is kept alive, so it may be a capturing lambda; what it references outlives
/// the children. Its own locals do not: children that outlast the body must not refer to them.
/// Example:
/// @code
/// co_await rondo::task_group([&](rondo::TaskGroup& group) -> rondo::Coro<> {
///     group.create_task(serve(first));
///     group.create_task(serve(second));
///     co_return;
/// });
/// @endcode
template <class Body>
    requires detail::BodyOf<Body, TaskGroup>
auto task_group(Body body) -> detail::body_coro_t<Body, TaskGroup>;

// Implementation

/// Watches one child; lives in the frame pool until that has ended.
class TaskGroup::Child final : public DoneObserver,
                               public detail::ListHook<Child>,
                               public detail::PoolAllocated {
public:
    explicit Child(TaskGroup& group) noexcept : group_(group) {}
    ~Child() {
        if (future_ != nullptr && DoneObserver::is_linked()) {
            future_->forget(*this);
        }
    }

    void watch(detail::FutureBase& future) noexcept {
        future_ = detail::Ref<detail::FutureBase>(&future);
        future.observe(*this);
    }

    [[nodiscard]] detail::FutureBase& future() const noexcept { return *future_; }

private:
    template <class Tag>
    using ListHook = detail::ListHook<Tag>;

    void on_done() noexcept override { group_.child_done(*this); }

    TaskGroup& group_;
    detail::Ref<detail::FutureBase> future_;
};

/// Waits until no child is left. A cancellation is passed on to the children, and given at the end.
class TaskGroup::Join {
public:
    class Awaiter final : public Suspension {
    public:
        explicit Awaiter(TaskGroup& group) noexcept : group_(group) {}
        ~Awaiter() { group_.joining_ = nullptr; }
        [[nodiscard]] bool await_ready() const noexcept { return group_.children_.empty(); }
        template <class P>
        void await_suspend(std::coroutine_handle<P> awaiting) noexcept {
            group_.joining_ = this;
            suspend(awaiting);
            if (cancellation_pending()) { // perhaps for what the children have been told already
                pass_on();
                group_.abort(task()->cancel_reason());
            }
        }
        /// The cancellation that came meanwhile, if any.
        std::exception_ptr await_resume() {
            if (!passed_on_ && !cancellation_pending()) {
                return nullptr;
            }
            return std::make_exception_ptr(take_cancellation());
        }

    private:
        void on_cancel() noexcept override {
            pass_on();
            group_.aborting_ = true;
            group_.cancel_children(task()->cancel_reason()); // again, if they clean up already
        }
        void pass_on() noexcept {
            passed_on_ = true;
            cancellation_forwarded(); // uncancel() cannot call it back from the children
        }
        [[nodiscard]] const char* describe() const noexcept override {
            return "the children of a task group";
        }

        TaskGroup& group_;
        bool passed_on_ = false;
    };

    explicit Join(TaskGroup& group) noexcept : group_(group) {}
    Awaiter operator co_await() const noexcept { return Awaiter(group_); }

private:
    TaskGroup& group_;
};

inline TaskGroup::~TaskGroup() {
    while (Child* child = children_.pop_front()) {
        delete child; // the frame dies with its loop
    }
}

inline void TaskGroup::require_open() const {
    if (closed_) {
        throw LoopError("rondo: this task group has ended; it takes no more children");
    }
    if (aborting_) {
        throw LoopError("rondo: this task group is shutting down; it takes no more children");
    }
}

template <class T>
Task<T> TaskGroup::create_task(Coro<T> coro, const TaskOptions& options) {
    require_open();
    auto child = std::make_unique<Child>(*this); // first: from now on nothing can fail
    Task<T> task = rondo::create_task(std::move(coro), options);
    adopt(std::move(child), *task.state());
    return task;
}

template <class F, class... Args>
    requires CoroutineFunction<F, Args...>
auto TaskGroup::create_task(F&& function, Args&&... args) {
    return create_task(detail::invoke_and_keep<std::decay_t<F>, std::decay_t<Args>...>(
        std::forward<F>(function), std::forward<Args>(args)...));
}

inline void TaskGroup::adopt(std::unique_ptr<Child> child, detail::FutureBase& future) noexcept {
    if (future.done()) { // started eagerly
        note_failure(future);
        return;
    }
    child->watch(future);
    children_.push_back(*child.release());
    if (aborting_) { // it started eagerly, and ended its group
        future.cancel(CancelReason::sibling_failed, {});
    }
}

inline void TaskGroup::child_done(Child& child) noexcept {
    const std::unique_ptr<Child> ended(&child);
    children_.remove(child);
    note_failure(child.future());
    if (children_.empty() && joining_ != nullptr) {
        joining_->resume();
    }
}

inline void TaskGroup::note_failure(detail::FutureBase& child) noexcept {
    if (child.status() != detail::Status::failed) {
        return;
    }
    std::string name;
    try {
        name = child.describe();
    } catch (...) { // NOLINT(bugprone-empty-catch): no memory; the failure goes without its name
    }
    note_error(child.error(), std::move(name));
    abort(CancelReason::sibling_failed);
}

inline void TaskGroup::note_error(const std::exception_ptr& error, std::string task) noexcept {
    try {
        errors_.push_back(ExceptionGroup::Member{error, std::move(task)});
    } catch (...) { // no memory: one can be kept all the same, the others only told
        if (unkept_ == nullptr) {
            unkept_ = error;
        } else {
            detail::print_unhandled("a failure in a task group could not be kept", error);
        }
    }
}

inline void TaskGroup::abort(CancelReason reason) noexcept {
    if (std::exchange(aborting_, true)) {
        return;
    }
    cancel_children(reason);
    if (body_running_) {
        scope_.cancel(reason);
    }
}

inline void TaskGroup::cancel_children(CancelReason reason) noexcept {
    children_.for_each([&](Child& child) { child.future().cancel(reason, {}); });
}

namespace detail {

/// A group from its entry to its end.
class GroupBlock {
public:
    [[nodiscard]] TaskGroup& group() noexcept { return group_; }

    /// The body has ended.
    template <class T>
    void body_done(const Result<T>& outcome) {
        group_.body_running_ = false;
        if (outcome.has_value()) {
            return;
        }
        if (outcome.cancelled()) {
            cancellation_ = outcome.exception();
            TaskBase& task = *running_scheduler().current;
            const bool asked = task.requests().outstanding() > 0; // if not: what it awaits was
            group_.abort(asked ? task.cancel_reason() : CancelReason::sibling_failed);
        } else {
            group_.note_error(outcome.exception(), "the body");
            group_.abort(CancelReason::sibling_failed);
        }
    }

    [[nodiscard]] bool has_children() const noexcept { return !group_.children_.empty(); }
    [[nodiscard]] TaskGroup::Join join() noexcept { return TaskGroup::Join(group_); }

    /// All children there were have ended; `cancellation` came meanwhile, or is null.
    void joined(std::exception_ptr cancellation) noexcept {
        if (cancellation != nullptr) {
            cancellation_ = std::move(cancellation);
        }
    }

    /// Everything has ended. Throws: what the group throws, if not the body's own doing.
    void end() {
        group_.closed_ = true;
        const bool own = group_.scope_.leave();
        if (!group_.errors_.empty() || group_.unkept_ != nullptr) {
            if (cancellation_ != nullptr && !own) {
                group_.scope_.redeliver(); // somebody else's, which the errors must not hide
            }
            throw_errors();
        }
        if (cancellation_ != nullptr && !own) {
            std::rethrow_exception(cancellation_);
        }
    }

private:
    [[noreturn]] void throw_errors() {
        for (const ExceptionGroup::Member& member : group_.errors_) {
            if (holds<KeyboardInterrupt>(member.exception)) {
                report_all_but(member.exception);
                std::rethrow_exception(member.exception);
            }
        }
        if (group_.unkept_ != nullptr) {
            report_all_but(group_.unkept_);
            std::rethrow_exception(group_.unkept_);
        }
        throw ExceptionGroup("rondo: unhandled errors in a task group", std::move(group_.errors_));
    }

    void report_all_but(const std::exception_ptr& thrown) noexcept {
        Scheduler& scheduler = *current_scheduler;
        for (const ExceptionGroup::Member& member : group_.errors_) {
            if (member.exception != thrown && scheduler.reporter != nullptr) {
                scheduler.reporter(scheduler, "a failure in a task group that another one ended",
                                   member.exception, nullptr);
            }
        }
    }

    TaskGroup group_;
    std::exception_ptr cancellation_; // the latest that came out of the body or of the wait
};

} // namespace detail

template <class Body>
    requires detail::BodyOf<Body, TaskGroup>
auto task_group(Body body) -> detail::body_coro_t<Body, TaskGroup> {
    detail::GroupBlock block;
    auto outcome = co_await as_result(detail::call_body(body, block.group()));
    block.body_done(outcome);
    while (block.has_children()) {
        const auto join = block.join();
        auto cancellation = co_await join;
        block.joined(std::move(cancellation));
    }
    block.end();
    if constexpr (!std::is_void_v<decltype(outcome.value())>) {
        co_return std::move(outcome).value();
    }
}

} // namespace rondo::inline RONDO_ABI
