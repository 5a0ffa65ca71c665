#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Queue, PriorityQueue, LifoQueue: items handed from tasks to tasks, with back-pressure.

#include <coroutine>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>

#include <rondo/awaitable.hpp>
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
/// only if the queue is full, kept places included. So who finds an item or a place need not keep
/// it: nothing runs between its await_ready and its await_resume, which takes it.
template <class T, class Storage>
class BasicQueue {
    class Getter;
    class Getting;
    class Next;
    class Putter;
    class Putting;

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
        if (full()) [[unlikely]] {
            throw_full();
        }
        add(std::move(item));
    }

    /// Takes an item at once. Throws: QueueEmpty; QueueShutDown when it is shut down and empty.
    T get_nowait() {
        if (empty()) {
            throw_empty();
        }
        return take_free_item();
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
            free_items_ = 0;
            storage_.clear();
            finish(dropped < unfinished_ ? dropped : unfinished_); // some may be done already
        }
        wake_all(putters_);
        wake_all(getters_);
    }

    [[nodiscard]] std::size_t qsize() const noexcept { return free_items_; }
    [[nodiscard]] bool empty() const noexcept { return free_items_ == 0; }
    [[nodiscard]] bool full() const noexcept {
        return free_items_ + kept_places_ > maxsize_ - 1; // never if it is 0: that wraps around
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

    [[noreturn, gnu::cold, gnu::noinline]] static void throw_full() { throw QueueFull(); }
    [[noreturn, gnu::cold, gnu::noinline]] static void throw_shut_down() { throw QueueShutDown(); }
    [[noreturn, gnu::cold, gnu::noinline]] void throw_empty() const {
        if (shut_down_) {
            throw QueueShutDown();
        }
        throw QueueEmpty();
    }
    void require_open() const {
        if (shut_down_) [[unlikely]] {
            throw_shut_down();
        }
    }

    void add(T&& item) {
        storage_.put(std::move(item));
        ++unfinished_;
        finished_.clear();
        hand_over_item();
    }

    /// An item is free: it is kept for who waits longest to get.
    void hand_over_item() noexcept {
        if (GrantedWait* first = getters_.pop_front()) {
            first->grant();
        } else {
            ++free_items_;
        }
    }

    T take_free_item() {
        T item = storage_.take();
        --free_items_;
        offer_place();
        return item;
    }

    /// Its getter cannot take a kept item: it is for the next who waits.
    void pass_item_on() noexcept {
        if (has_kept_items()) { // otherwise it was dropped by shutdown()
            hand_over_item();
        }
    }

    [[nodiscard]] bool has_kept_items() const noexcept { return storage_.size() != free_items_; }

    /// If there is a place, it is kept for who waits longest to put.
    void offer_place() noexcept {
        if (!putters_.empty() && !full()) {
            ++kept_places_;
            putters_.pop_front()->grant();
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
    std::size_t free_items_ = 0;  // the others are granted to gets that have not run yet
    std::size_t kept_places_ = 0; // granted to puts that have not run yet
    std::size_t unfinished_ = 0;
    bool shut_down_ = false;
    Event finished_; // set while nothing is unfinished
};

/// A get that has to wait. The grant is an item that is kept for it.
template <class T, class Storage>
class BasicQueue<T, Storage>::Getting final : public GrantedWait {
public:
    explicit Getting(BasicQueue& queue) noexcept : queue_(queue) {}
    ~Getting() {
        if (this->granted()) {
            queue_.pass_item_on(); // cancelled, or the frame died, between the grant and the step
        }
    }

    /// Whether it has got an item. Throws: CancelledError.
    [[nodiscard]] bool has_item() {
        if (this->cancellation_pending() || (!this->granted() && !queue_.shut_down_)) [[unlikely]] {
            this->throw_cancelled();
        }
        // Not kept any more: dropped by shutdown(). None granted: woken by shutdown(), but a
        // cancelled getter may have left its item.
        return this->granted() ? queue_.has_kept_items() : !queue_.empty();
    }

    T take() {
        if (!this->granted()) {
            return queue_.take_free_item();
        }
        T item = queue_.storage_.take(); // its place became free when the item was granted
        this->take_grant();
        return item;
    }

private:
    [[nodiscard]] const char* describe() const noexcept override { return "Queue::get"; }

    BasicQueue& queue_;
};

template <class T, class Storage>
class BasicQueue<T, Storage>::Getter : public NativeAwaiterTag {
public:
    explicit Getter(BasicQueue& queue) noexcept : queue_(queue) {}
    Getter(const Getter&) = delete;
    Getter& operator=(const Getter&) = delete;

    [[nodiscard]] bool await_ready() noexcept {
        wait_.reset(); // of an await before this one
        return !queue_.empty() || queue_.shut_down_;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return wait_.emplace(queue_).wait_in(queue_.getters_, awaiting);
    }
    [[gnu::always_inline]] T await_resume() {
        if (!has_item()) [[unlikely]] {
            throw_shut_down();
        }
        return take();
    }

protected:
    [[nodiscard]] bool has_item() { return wait_ ? wait_->has_item() : !queue_.empty(); }
    T take() { return wait_ ? wait_->take() : queue_.take_free_item(); }

private:
    BasicQueue& queue_;
    std::optional<Getting> wait_; // made only if it has to wait
};

/// Takes the end of the queue for an answer.
template <class T, class Storage>
class BasicQueue<T, Storage>::Next final : public Getter {
public:
    using Getter::Getter;
    [[gnu::always_inline]] std::optional<T> await_resume() {
        if (!this->has_item()) {
            return std::nullopt;
        }
        return this->take();
    }
};

/// A put that has to wait. The grant is a place.
template <class T, class Storage>
class BasicQueue<T, Storage>::Putting final : public GrantedWait {
public:
    explicit Putting(BasicQueue& queue) noexcept : queue_(queue) {}
    ~Putting() { give_up_place(); }

    /// Throws: CancelledError; the destructor gives the place to the next.
    void throw_if_it_was_cancelled() {
        if (this->cancellation_pending() || (!this->granted() && !queue_.shut_down_)) [[unlikely]] {
            this->throw_cancelled();
        }
    }

    /// The item has it, unless it went to a getter: then the next can have it.
    void give_up_place() noexcept {
        if (this->granted()) {
            this->take_grant();
            --queue_.kept_places_;
            queue_.offer_place();
        }
    }

private:
    [[nodiscard]] const char* describe() const noexcept override { return "Queue::put"; }

    BasicQueue& queue_;
};

template <class T, class Storage>
class BasicQueue<T, Storage>::Putter final : public NativeAwaiterTag {
public:
    Putter(BasicQueue& queue, T&& item) : queue_(queue), item_(std::move(item)) {}
    Putter(const Putter&) = delete;
    Putter& operator=(const Putter&) = delete;

    [[nodiscard]] bool await_ready() noexcept {
        wait_.reset(); // of an await before this one
        return !queue_.full() || queue_.shut_down_;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return wait_.emplace(queue_).wait_in(queue_.putters_, awaiting);
    }
    [[gnu::always_inline]] void await_resume() {
        if (wait_) {
            wait_->throw_if_it_was_cancelled();
        }
        queue_.require_open();
        queue_.add(std::move(item_));
        if (wait_) {
            wait_->give_up_place();
        }
    }

private:
    BasicQueue& queue_;
    T item_;
    std::optional<Putting> wait_; // made only if it has to wait
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
