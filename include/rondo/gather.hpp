#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// gather: runs awaitables concurrently and gives all their results, in the order of the arguments.
// Nothing that it started is running when it returns or throws.

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/leaf.hpp>
#include <rondo/detail/promise.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>
#include <rondo/future.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>
#include <rondo/task.hpp>

namespace rondo::inline RONDO_ABI {

/// Tag: exceptions and cancellations of the children are results, as Result<T>.
struct ReturnExceptions {};
inline constexpr ReturnExceptions return_exceptions{};

namespace detail {

/// What a child of type A gives inside a tuple: a void result becomes std::monostate.
template <class A>
using gathered_t =
    std::conditional_t<std::is_void_v<await_result_t<A>>, std::monostate, await_result_t<A>>;

class Gathering;

/// One child as its gather sees it.
class GatheredChild final : public DoneObserver {
public:
    GatheredChild(Gathering& gathering, FutureBase& future) noexcept
        : gathering_(gathering), future_(future) {}
    ~GatheredChild() {
        if (is_linked()) [[unlikely]] {
            future_.forget(*this);
        }
    }

    [[nodiscard]] FutureBase& future() const noexcept { return future_; }

private:
    inline void on_done() noexcept override;

    Gathering& gathering_;
    FutureBase& future_;
};

/// What makes the other children pointless, so that they are cancelled.
enum class Decision : unsigned char {
    none,          // exceptions are results
    first_failure, // all the results are wanted, or none
    first_done,    // a race
};

/// Waits until all children are done. The first that decides cancels the others. Owns the
/// observers, not the children.
class Gathering {
public:
    /// With room for as many children, to be added one by one before it is awaited.
    Gathering(std::size_t room, Decision decision)
        : children_(std::allocator<GatheredChild>().allocate(room)), room_(room),
          decision_(decision) {}
    Gathering(const Gathering&) = delete;
    Gathering& operator=(const Gathering&) = delete;
    ~Gathering() {
        std::destroy_n(children_, count_);
        std::allocator<GatheredChild>().deallocate(children_, room_);
    }

    void add(FutureBase& future) noexcept {
        ::new (static_cast<void*>(children_ + count_)) GatheredChild(*this, future);
        ++count_;
    }

    class Awaiter final : public Suspension {
    public:
        explicit Awaiter(Gathering& gathering) noexcept : gathering_(gathering) {}

        /// Children that are done already (Tasks, or started eagerly) cost no turn of the loop.
        [[nodiscard]] bool await_ready() noexcept { return gathering_.begin(*this); }

        template <class P>
        void await_suspend(std::coroutine_handle<P> awaiting) noexcept {
            suspend(awaiting);
            if (cancellation_pending()) {
                on_cancel();
            } else if (gathering_.decider_ != nullptr) {
                gathering_.cancel_children(CancelReason::sibling_failed, {});
            }
        }

        /// Throws the first failure in time, or CancelledError if the gather was cancelled.
        void await_resume() {
            const GatheredChild* decider = gathering_.decider_;
            const Status status =
                decider != nullptr ? decider->future().status() : Status::succeeded;
            if (status == Status::failed || (status == Status::cancelled && !cancelled_)) {
                std::rethrow_exception(decider->future().error());
            }
            if (cancelled_ && (decider == nullptr || status == Status::cancelled)) {
                throw_cancelled();
            }
            keep_result(); // too late to cancel: the results are there
        }

    private:
        friend class Gathering;

        void on_cancel() noexcept override {
            cancelled_ = true;
            if (gathering_.decider_ == nullptr) {
                cancellation_forwarded(); // the children answer; what was before is no answer
            }
            try {
                gathering_.cancel_children(task()->cancel_reason(), task()->cancel_message());
            } catch (...) { // no memory for the message
                gathering_.cancel_children(task()->cancel_reason(), {});
            }
        }
        [[nodiscard]] const char* describe() const noexcept override { return "gather"; }

        Gathering& gathering_;
        bool cancelled_ = false;
    };

    Awaiter operator co_await() noexcept { return Awaiter(*this); }

    /// The index of the child that has won a race, after the await.
    [[nodiscard]] std::size_t winner() const noexcept {
        return static_cast<std::size_t>(decider_ - children_);
    }

private:
    friend class GatheredChild;

    /// Launches and observes. Returns whether all are done.
    bool begin(Awaiter& awaiter) noexcept {
        awaiter_ = &awaiter;
        for (std::size_t i = 0; i < count_; ++i) {
            FutureBase& future = children_[i].future();
            future.mark_retrieved(); // here, or by the first failure on behalf of the others
            if (future.done()) {
                note_outcome(children_[i]);
                continue;
            }
            ++pending_;
            future.observe(children_[i]);
            if (is_unlaunched(future)) {
                static_cast<TaskBase&>(future).launch();
            }
        }
        return pending_ == 0;
    }

    void child_done(GatheredChild& child) noexcept {
        if (!decides_nothing(child.future().status())) [[unlikely]] {
            consider(child);
        }
        if (--pending_ == 0) {
            awaiter_->resume();
        }
    }

    /// Of one that is to be counted as pending still.
    [[gnu::noinline]] void consider(GatheredChild& child) noexcept {
        const bool undecided = decider_ == nullptr;
        note_outcome(child);
        if (undecided && decider_ != nullptr && pending_ != 1 && !awaiter_->cancelled_) {
            cancel_children(CancelReason::sibling_failed, {});
        }
    }

    void note_outcome(GatheredChild& child) noexcept {
        const Status status = child.future().status();
        if (decides_nothing(status) || (status == Status::succeeded && awaiter_->cancelled_)) {
            return;
        }
        // A child that only obeys when the gather is cancelled has not failed: a real failure
        // counts more.
        if (decider_ == nullptr ||
            (awaiter_->cancelled_ && decider_->future().status() == Status::cancelled &&
             status == Status::failed)) {
            decider_ = &child;
        }
    }

    [[nodiscard]] bool decides_nothing(Status status) const noexcept {
        return decision_ == Decision::none ||
               (status == Status::succeeded && decision_ == Decision::first_failure);
    }

    void cancel_children(CancelReason reason, const std::string& message) {
        for (std::size_t i = 0; i < count_; ++i) {
            FutureBase& future = children_[i].future();
            if (!future.done()) {
                future.cancel(reason, message);
            }
        }
    }

    /// Made by this gather, see unlaunched_task(): the loop lists all tasks that it knows.
    [[nodiscard]] static bool is_unlaunched(const FutureBase& future) noexcept {
        return future.is_task() && !static_cast<const TaskBase&>(future).is_linked();
    }

    GatheredChild* children_; // made one after the other, in memory for `room_` of them
    std::size_t room_;
    std::size_t count_ = 0;
    std::size_t pending_ = 0;
    GatheredChild* decider_ = nullptr; // the first in time
    Awaiter* awaiter_ = nullptr;
    Decision decision_;
};

inline void GatheredChild::on_done() noexcept {
    gathering_.child_done(*this);
}

/// The value of a child that succeeded: copied from a handle that the caller may share, moved out
/// of a task that gather made.
template <class A, class Handle>
gathered_t<A> take_gathered(const Handle& child) {
    using T = await_result_t<A>;
    if constexpr (std::is_void_v<T>) {
        return std::monostate{};
    } else if constexpr (is_task_or_future_v<A> && !std::is_reference_v<T> &&
                         std::copy_constructible<T>) {
        return child.state()->value();
    } else {
        return child.state()->take();
    }
}

/// The outcome of a child as a Result.
template <class A, class Handle>
Result<await_result_t<A>> take_outcome(const Handle& child) {
    using T = await_result_t<A>;
    if (child.state()->status() != Status::succeeded) {
        return Result<T>::failure(child.state()->error());
    }
    if constexpr (std::is_void_v<T>) {
        return Result<T>();
    } else {
        return Result<T>(take_gathered<A>(child));
    }
}

/// A Task or Future as it is; an unlaunched task of anything else. So an argument that is bad, or no
/// memory for the next task, leaves nothing behind that runs.
/// Throws: LoopError for one of another loop; InvalidStateError for the task that asks.
template <class A>
auto make_child(Scheduler& scheduler, A& awaitable) {
    if constexpr (is_task_or_future_v<A>) {
        if (static_cast<FutureBase*>(awaitable.state()) == scheduler.current) {
            throw InvalidStateError("rondo: a task cannot gather itself");
        }
        return detail::ensure_future(scheduler, std::move(awaitable));
    } else if constexpr (is_coro_v<A>) {
        return detail::unlaunched_task(scheduler, std::move(awaitable));
    } else {
        return detail::unlaunched_task(scheduler, await_in_coro<A>(std::move(awaitable)));
    }
}

/// A tuple of handles, a Task or Future per child.
template <class... As>
auto make_children(As&... awaitables) {
    Scheduler& scheduler = running_scheduler();
    return std::tuple{detail::make_child(scheduler, awaitables)...};
}

template <class A>
auto make_children(std::vector<A>& awaitables) {
    Scheduler& scheduler = running_scheduler();
    std::vector<decltype(detail::make_child(scheduler, std::declval<A&>()))> children;
    children.reserve(awaitables.size());
    for (A& awaitable : awaitables) {
        children.push_back(detail::make_child(scheduler, awaitable));
    }
    return children;
}

template <class... Handles>
void add_all(Gathering& gathering, const std::tuple<Handles...>& children) noexcept {
    std::apply([&](const Handles&... child) { (gathering.add(*child.state()), ...); }, children);
}

template <class Handle>
void add_all(Gathering& gathering, const std::vector<Handle>& children) noexcept {
    for (const Handle& child : children) {
        gathering.add(*child.state());
    }
}

} // namespace detail

/// Runs the awaitables concurrently, each Coro as a task of its own, and gives their results as a
/// tuple in the order of the arguments, whatever the order of completion.
///
/// Nothing starts before the gather is awaited. The same Task may be given several times.
/// Throws: the first exception in time, after the other children have been cancelled and have
/// ended (asyncio leaves them running). Later failures are dropped.
/// Cancellation: cancels all children, waits for them, and throws CancelledError; or the exception
/// with which a child answers. If a child had failed before, its exception is thrown, and the
/// cancellation waits for the task's next suspension; and so it does if all children are done: it
/// comes too late then, and the results are returned.
/// Example:
/// @code
/// auto both = co_await rondo::gather(fetch(a), fetch(b));
/// auto& [first, second] = both;
/// @endcode
template <Awaitable... As>
Coro<std::tuple<detail::gathered_t<As>...>> gather(As... awaitables) {
    auto children = detail::make_children(awaitables...);
    detail::Gathering all(sizeof...(As), detail::Decision::first_failure);
    detail::add_all(all, children);
    co_await all;
    co_return std::apply(
        [](const auto&... child) {
            return std::tuple<detail::gathered_t<As>...>(detail::take_gathered<As>(child)...);
        },
        children);
}

/// gather() whose result is a tuple of Result: exceptions and cancellations of children are
/// results, in place, and cancel nobody. Ends only when all children have.
///
/// Cancellation: as above; throws CancelledError nevertheless.
template <Awaitable... As>
Coro<std::tuple<Result<await_result_t<As>>...>> gather(ReturnExceptions /*tag*/, As... awaitables) {
    auto children = detail::make_children(awaitables...);
    detail::Gathering all(sizeof...(As), detail::Decision::none);
    detail::add_all(all, children);
    co_await all;
    co_return std::apply(
        [](const auto&... child) {
            return std::tuple<Result<await_result_t<As>>...>(detail::take_outcome<As>(child)...);
        },
        children);
}

/// gather() of a vector: gives a vector of results, or void for a vector of void Coros.
template <Awaitable A>
Coro<
    std::conditional_t<std::is_void_v<await_result_t<A>>, void, std::vector<detail::gathered_t<A>>>>
gather(std::vector<A> awaitables) {
    static_assert(!std::is_reference_v<await_result_t<A>>,
                  "rondo: a vector cannot hold references; let the coroutines return pointers");
    auto children = detail::make_children(awaitables);
    detail::Gathering all(children.size(), detail::Decision::first_failure);
    detail::add_all(all, children);
    co_await all;
    if constexpr (!std::is_void_v<await_result_t<A>>) {
        std::vector<detail::gathered_t<A>> results;
        results.reserve(children.size());
        for (const auto& child : children) {
            results.push_back(detail::take_gathered<A>(child));
        }
        co_return results;
    }
}

/// The same with exceptions as results.
template <Awaitable A>
Coro<std::vector<Result<await_result_t<A>>>> gather(ReturnExceptions /*tag*/,
                                                    std::vector<A> awaitables) {
    auto children = detail::make_children(awaitables);
    detail::Gathering all(children.size(), detail::Decision::none);
    detail::add_all(all, children);
    co_await all;
    std::vector<Result<await_result_t<A>>> results;
    results.reserve(children.size());
    for (const auto& child : children) {
        results.push_back(detail::take_outcome<A>(child));
    }
    co_return results;
}

/// For the error message alone: something given cannot be awaited.
template <class... As>
    requires(!(Awaitable<As> && ...))
detail::NotAwaitable gather(As...) {
    static_assert(
        (Awaitable<As> && ...),
        "rondo: gather() takes what can be awaited: Coros, Tasks, Futures, operations, or "
        "one vector of them; did you forget to call the function?");
    return {};
}

} // namespace rondo::inline RONDO_ABI
