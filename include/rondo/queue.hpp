#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Queue, PriorityQueue, LifoQueue: items handed from tasks to tasks, with back-pressure.

#include <coroutine>
#include <cstddef>
#include <optional>
#include <stdexcept>
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
/// An item that comes is kept for the one who has waited longest to get, a place that becomes free
/// for the one who has waited longest to put, until their tasks run; no newcomer can have it. A kept
/// item has left the queue: it does not count, and its place is free. It lies in the storage all
/// the same: so the order holds when its getter is cancelled, and nothing has to be moved back.
/// Invariants: somebody waits to get only if every item is kept for others; somebody waits to put
/// only if the queue is full, kept places included.
template <class T, class Storage>
class BasicQueue {
    class Getter;
    class Putter;
    class Next;

public:
    using value_type = T;

    /// `maxsize` items at most; 0 for no limit. Those that are kept for a task which was waiting do
    /// not count, but may come back when it is cancelled.
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
    /// Cancellation: an item that came in the same turn is for the next who waits, or stays where it
    /// was.
    [[nodiscard("rondo: this gets nothing until it is awaited: co_await it")]] auto get() noexcept {
        return Get<Getter>{this};
    }

    /// get() for a loop: `while (auto item = co_await queue.next())`; empty when the queue is shut
    /// down and drained. Ordering and Cancellation: as for get().
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
        add(std::move(item));
    }

    /// Takes an item at once. Throws: QueueEmpty; QueueShutDown when it is shut down and empty.
    T get_nowait() {
        if (empty()) {
            if (shut_down_) {
                throw QueueShutDown();
            }
            throw QueueEmpty();
        }
        T item = storage_.take();
        offer_place();
        return item;
    }

    /// Says that one item which was taken has been dealt with.
    /// Throws: std::invalid_argument if it is called more often than items were put.
    void task_done() {
        if (unfinished_ == 0) {
            throw std::invalid_argument("rondo: Queue::task_done() called more often than put()");
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
    /// left and get QueueShutDown then. With `immediate` nothing is left, not even for those who
    /// were waiting and have not run yet: the items are dropped, and count as dealt with.
    /// Idempotent.
    void shutdown(bool immediate = false) noexcept {
        shut_down_ = true;
        if (immediate) {
            const std::size_t dropped = storage_.size();
            kept_items_ = 0;
            storage_.clear();
            finish(dropped < unfinished_ ? dropped : unfinished_); // some may be done already
        }
        wake_all(putters_);
        wake_all(getters_);
    }

    [[nodiscard]] std::size_t qsize() const noexcept { return storage_.size() - kept_items_; }
    [[nodiscard]] bool empty() const noexcept { return qsize() == 0; }
    [[nodiscard]] bool full() const noexcept {
        return maxsize_ != 0 && qsize() + kept_places_ >= maxsize_;
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
        Put(BasicQueue* queue, T&& item) : queue_(queue), item_(std::move(item)) {}
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

    void add(T&& item) {
        storage_.put(std::move(item));
        ++unfinished_;
        finished_.clear();
        if (GrantedWait* first = getters_.pop_front()) {
            ++kept_items_;
            first->grant();
        }
    }

    /// Keeps an item for the caller, if there is one.
    [[nodiscard]] bool keep_item() noexcept {
        if (empty()) {
            return false;
        }
        ++kept_items_;
        return true;
    }

    T take_kept_item() {
        T item = storage_.take();
        --kept_items_;
        offer_place();
        return item;
    }

    /// Its getter cannot take a kept item: it is for the next who waits.
    void pass_item_on() noexcept {
        if (kept_items_ == 0) {
            return; // it was dropped by shutdown()
        }
        if (GrantedWait* first = getters_.pop_front()) {
            first->grant();
        } else {
            --kept_items_;
        }
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
    std::size_t kept_items_ = 0;  // granted to gets that have not run yet
    std::size_t kept_places_ = 0; // granted to puts that have not run yet
    std::size_t unfinished_ = 0;
    bool shut_down_ = false;
    Event finished_; // set while nothing is unfinished
};

/// Waits to get. The grant is an item that is kept for it.
template <class T, class Storage>
class BasicQueue<T, Storage>::Getter : public GrantedWait {
public:
    explicit Getter(BasicQueue& queue) noexcept : queue_(queue) {}
    ~Getter() {
        if (this->granted()) {
            queue_.pass_item_on(); // cancelled, or the frame died, between the grant and the step
        }
    }

    [[nodiscard]] bool await_ready() noexcept { return try_at_once() || queue_.shut_down_; }
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
    /// Whether there is nothing to get any more. Throws: CancelledError.
    [[nodiscard]] bool must_stop() {
        if (this->cancellation_pending() || (!this->granted() && !queue_.shut_down_)) {
            this->throw_cancelled();
        }
        if (this->granted()) {
            return queue_.kept_items_ == 0; // dropped meanwhile
        }
        return !try_at_once(); // shut down; but a cancelled getter may have left its item
    }

    T take() {
        T item = queue_.take_kept_item();
        this->take_grant();
        return item;
    }

private:
    bool try_at_once() noexcept {
        const bool kept = queue_.keep_item();
        if (kept) {
            this->grant_at_once();
        }
        return kept;
    }
    [[nodiscard]] const char* describe() const noexcept override { return "Queue::get"; }

    BasicQueue& queue_;
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
    Putter(BasicQueue& queue, T&& item) : queue_(queue), item_(std::move(item)) {}
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
        queue_.add(std::move(item_));
        give_up_place(); // the item has it, unless it went to a getter: then the next can have it
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
