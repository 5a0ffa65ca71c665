#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Queue, PriorityQueue, LifoQueue: items handed from tasks to tasks, with back-pressure.

#include <coroutine>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/detail/granted_wait.hpp>
#include <rondo/detail/queue_storage.hpp>
#include <rondo/error.hpp>
#include <rondo/event.hpp>
#include <rondo/fwd.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// What the three queues share; they differ in the order of their storage.
///
/// An item goes directly from one who puts to the one who has waited longest to get; a place that
/// becomes free is kept for the one who has waited longest to put; nobody can overtake. Invariants:
/// somebody waits to get only if the storage is empty; somebody waits to put only if it is full,
/// kept places included.
template <class T, class Storage>
class BasicQueue {
    class Getter;
    class Putter;
    class Next;

public:
    using value_type = T;

    /// `maxsize` items at most; 0 for no limit.
    explicit BasicQueue(std::size_t maxsize = 0) noexcept : maxsize_(maxsize) { finished_.set(); }
    BasicQueue(const BasicQueue&) = delete;
    BasicQueue& operator=(const BasicQueue&) = delete;

    /// `co_await queue.put(item)` adds an item; waits while the queue is full.
    ///
    /// Ordering: FIFO among those who wait. Throws: QueueShutDown.
    /// Cancellation: the item is not in the queue. A put that did not wait is not affected.
    [[nodiscard("rondo: this puts nothing until it is awaited: co_await it")]] auto put(T item) {
        return Put{this, std::move(item)};
    }
    /// The same with an item made from the arguments.
    template <class... Args>
    [[nodiscard("rondo: this puts nothing until it is awaited: co_await it")]] auto emplace(
        Args&&... args) {
        return Put{this, T(std::forward<Args>(args)...)};
    }

    /// `co_await queue.get()` takes an item; waits while the queue is empty.
    ///
    /// Ordering: FIFO among those who wait. Throws: QueueShutDown when it is shut down and empty.
    /// Cancellation: an item that was handed over in the same turn goes back to where it was.
    [[nodiscard("rondo: this gets nothing until it is awaited: co_await it")]] auto get() noexcept {
        return Get<Getter>{this};
    }

    /// get() for a loop: `while (auto item = co_await queue.next())`; empty when the queue is shut
    /// down and drained.
    [[nodiscard("rondo: this gets nothing until it is awaited: co_await it")]] auto
    next() noexcept {
        return Get<Next>{this};
    }

    /// Adds an item at once. Throws: QueueFull, QueueShutDown.
    void put_nowait(T item) {
        require_open();
        if (full()) {
            throw QueueFull();
        }
        deliver(std::move(item));
    }

    /// Takes an item at once. Throws: QueueEmpty; QueueShutDown when it is shut down and empty.
    T get_nowait() {
        if (storage_.size() == 0) {
            if (shut_down_) {
                throw QueueShutDown();
            }
            throw QueueEmpty();
        }
        return take();
    }

    /// Says that one item which was taken has been dealt with.
    /// Throws: std::logic_error if it is called more often than items were put.
    void task_done() {
        if (unfinished_ == 0) {
            throw std::logic_error("rondo: Queue::task_done() called more often than put()");
        }
        finish(1);
    }

    /// Waits until every item that was put has been dealt with, by task_done().
    /// Cancellation: leaves.
    [[nodiscard("rondo: this waits for nothing until it is awaited: co_await it")]] auto
    join() noexcept {
        return finished_.wait();
    }

    /// Lets nothing more in. Those who wait to put get QueueShutDown; those who get take what is
    /// left and get QueueShutDown then. With `immediate` nothing is left: the items are dropped,
    /// and count as dealt with. Idempotent.
    void shutdown(bool immediate = false) noexcept {
        shut_down_ = true;
        if (immediate) {
            drops_items_ = true;
            const std::size_t dropped = storage_.size();
            storage_.clear();
            if (dropped != 0) {
                finish(dropped);
            }
        }
        wake_all(putters_);
        if (storage_.size() == 0) {
            wake_all(getters_);
        }
    }

    [[nodiscard]] std::size_t qsize() const noexcept { return storage_.size(); }
    [[nodiscard]] bool empty() const noexcept { return storage_.size() == 0; }
    [[nodiscard]] bool full() const noexcept {
        return maxsize_ != 0 && storage_.size() + kept_places_ >= maxsize_;
    }
    [[nodiscard]] std::size_t maxsize() const noexcept { return maxsize_; }
    [[nodiscard]] bool is_shut_down() const noexcept { return shut_down_; }

private:
    template <class Awaiter>
    struct Get {
        BasicQueue* queue;
        Awaiter operator co_await() const noexcept { return Awaiter(*queue); }
    };
    class Put {
    public:
        Put(BasicQueue* queue, T item) : queue_(queue), item_(std::move(item)) {}
        Putter operator co_await() && { return Putter(*queue_, std::move(item_)); }

    private:
        BasicQueue* queue_;
        T item_;
    };

    void require_open() const {
        if (shut_down_) {
            throw QueueShutDown();
        }
    }

    /// An item that has a place goes to who waits longest for one, or into the storage.
    void deliver(T&& item) {
        // Also for those that were handed over: they may come back when there is no memory.
        storage_.reserve(storage_.size() + handed_over_ + 1);
        if (GrantedWait* first = getters_.front()) {
            static_cast<Getter*>(first)->item_.emplace(std::move(item)); // may throw
            WaitQueue::remove(*first);
            ++handed_over_;
            first->grant();
        } else {
            storage_.put(std::move(item));
        }
        ++unfinished_;
        finished_.clear();
    }

    T take() {
        T item = storage_.take();
        offer_place();
        return item;
    }

    /// If there is a place, it is kept for who waits longest to put.
    void offer_place() noexcept {
        if (!full()) {
            if (GrantedWait* first = putters_.pop_front()) {
                ++kept_places_;
                first->grant();
            }
        }
    }

    /// An item that its getter could not keep: to the next who waits, or back to where it was.
    void give_back(T&& item) noexcept {
        if (GrantedWait* first = getters_.pop_front()) {
            static_cast<Getter*>(first)->item_.emplace(std::move(item));
            first->grant();
            return;
        }
        --handed_over_;
        if (drops_items_) {
            finish(1);
        } else {
            storage_.put_back(std::move(item));
        }
    }

    void finish(std::size_t count) noexcept {
        unfinished_ -= count;
        if (unfinished_ == 0) {
            finished_.set();
        }
    }

    static void wake_all(WaitQueue& waiting) noexcept {
        while (GrantedWait* first = waiting.pop_front()) {
            first->resume(); // not granted, and not cancelled: shut down
        }
    }

    Storage storage_;
    WaitQueue getters_;
    WaitQueue putters_;
    std::size_t maxsize_;
    std::size_t kept_places_ = 0; // granted to puts that have not run yet
    std::size_t handed_over_ = 0; // granted to gets that have not run yet
    std::size_t unfinished_ = 0;
    bool shut_down_ = false;
    bool drops_items_ = false; // shut down at once
    Event finished_;           // set while nothing is unfinished
};

/// Waits to get. The grant is an item.
template <class T, class Storage>
class BasicQueue<T, Storage>::Getter : public GrantedWait {
public:
    explicit Getter(BasicQueue& queue) noexcept : queue_(queue) {}
    ~Getter() {
        if (item_) {
            queue_.give_back(std::move(*item_)); // cancelled between the grant and the step
        }
    }

    [[nodiscard]] bool await_ready() const noexcept {
        return queue_.storage_.size() != 0 || queue_.shut_down_;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return wait_in(queue_.getters_, awaiting);
    }
    T await_resume() {
        if (must_stop()) {
            throw QueueShutDown();
        }
        return take();
    }

protected:
    /// Whether there is nothing to get, now or ever. Throws: CancelledError.
    [[nodiscard]] bool must_stop() {
        if (this->cancellation_pending() || (is_left_alone() && !queue_.shut_down_)) {
            this->throw_cancelled();
        }
        return is_left_alone() && queue_.storage_.size() == 0;
    }

    T take() {
        if (!item_) {
            return queue_.take();
        }
        T item = std::move(*item_);
        item_.reset();
        --queue_.handed_over_;
        return item;
    }

private:
    friend class BasicQueue;

    /// It has waited, and was woken without an item.
    [[nodiscard]] bool is_left_alone() const noexcept {
        return !item_ && queue_.storage_.size() == 0;
    }
    [[nodiscard]] const char* describe() const noexcept override { return "Queue::get"; }

    BasicQueue& queue_;
    std::optional<T> item_;
};

/// Waits to get, and takes the end of the queue for an answer.
template <class T, class Storage>
class BasicQueue<T, Storage>::Next final : public Getter {
public:
    using Getter::Getter;
    std::optional<T> await_resume() {
        if (this->must_stop()) {
            return std::nullopt;
        }
        return this->take();
    }
};

/// Waits to put. The grant is a place.
template <class T, class Storage>
class BasicQueue<T, Storage>::Putter final : public GrantedWait {
public:
    Putter(BasicQueue& queue, T item) : queue_(queue), item_(std::move(item)) {}
    ~Putter() { give_up_place(); }

    [[nodiscard]] bool await_ready() noexcept {
        if (queue_.full() && !queue_.shut_down_) {
            return false;
        }
        ++queue_.kept_places_;
        this->grant_at_once();
        return true;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return wait_in(queue_.putters_, awaiting);
    }
    void await_resume() {
        if (this->cancellation_pending() || (!this->granted() && !queue_.shut_down_)) {
            this->throw_cancelled(); // the destructor gives the place to the next
        }
        queue_.require_open();
        this->take_grant();
        --queue_.kept_places_;
        queue_.deliver(std::move(item_));
    }

private:
    void give_up_place() noexcept {
        if (this->granted()) {
            this->take_grant();
            --queue_.kept_places_;
            queue_.offer_place();
        }
    }
    [[nodiscard]] const char* describe() const noexcept override { return "Queue::put"; }

    BasicQueue& queue_;
    T item_;
};

} // namespace detail

/// First in, first out.
///
/// Threads: belongs to one loop; no atomics. Lifetime: must outlive those who wait.
/// Example: one producer, several consumers, which end when the queue is shut down and drained.
/// @code
/// rondo::Queue<Job> jobs(16);
/// // producer:   co_await jobs.put(job); …; jobs.shutdown();
/// // consumers:  while (auto job = co_await jobs.next()) { co_await work(*job); }
/// @endcode
template <class T>
class Queue : public detail::BasicQueue<T, detail::FifoStorage<T>> {
public:
    using detail::BasicQueue<T, detail::FifoStorage<T>>::BasicQueue;
};

/// Last in, first out.
template <class T>
class LifoQueue : public detail::BasicQueue<T, detail::LifoStorage<T>> {
public:
    using detail::BasicQueue<T, detail::LifoStorage<T>>::BasicQueue;
};

/// The smallest first, by Compare; equal ones in the order in which they were put.
template <class T, class Compare>
class PriorityQueue : public detail::BasicQueue<T, detail::HeapStorage<T, Compare>> {
public:
    using detail::BasicQueue<T, detail::HeapStorage<T, Compare>>::BasicQueue;
};

} // namespace rondo::inline RONDO_ABI
