#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The least that synchronisation primitives can be in the limit kernel: no cancellation, no guards,
// and whoever acquires must release.

#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

#include "limit.hpp"

namespace limit {

/// Those who wait, first in first out.
class Waiters {
public:
    class Waiter {
    public:
        void wait_in(Waiters& list, std::coroutine_handle<> awaiting) noexcept {
            handle_ = awaiting;
            *list.end_ = this;
            list.end_ = &next_;
        }

    private:
        friend Waiters;
        std::coroutine_handle<> handle_;
        Waiter* next_ = nullptr;
    };

    /// Lets the first go on. Returns whether there was one.
    bool wake_one() {
        if (first_ == nullptr) {
            return false;
        }
        const Waiter* const waiter = std::exchange(first_, first_->next_);
        if (first_ == nullptr) {
            end_ = &first_;
        }
        kernel.push(waiter->handle_);
        return true;
    }

private:
    Waiter* first_ = nullptr;
    Waiter** end_ = &first_;
};

class Semaphore {
public:
    explicit Semaphore(int free) : free_(free) {}

    class Acquire : Waiters::Waiter {
    public:
        explicit Acquire(Semaphore& semaphore) : semaphore_(semaphore) {}
        [[nodiscard]] bool await_ready() const noexcept {
            if (semaphore_.free_ == 0) {
                return false;
            }
            --semaphore_.free_;
            return true;
        }
        void await_suspend(std::coroutine_handle<> awaiting) noexcept {
            wait_in(semaphore_.waiters_, awaiting);
        }
        static void await_resume() noexcept {}

    private:
        Semaphore& semaphore_;
    };

    Acquire acquire() { return Acquire(*this); }
    void release() {
        if (!waiters_.wake_one()) {
            ++free_;
        }
    }

private:
    int free_;
    Waiters waiters_;
};

class Event {
public:
    class Wait : Waiters::Waiter {
    public:
        explicit Wait(Event& event) : event_(event) {}
        [[nodiscard]] bool await_ready() const noexcept { return event_.set_; }
        void await_suspend(std::coroutine_handle<> awaiting) noexcept {
            wait_in(event_.waiters_, awaiting);
        }
        static void await_resume() noexcept {}

    private:
        Event& event_;
    };

    Wait wait() { return Wait(*this); }
    void set() {
        set_ = true;
        while (waiters_.wake_one()) {}
    }
    void clear() { set_ = false; }

private:
    bool set_ = false;
    Waiters waiters_;
};

/// One who puts and one who gets: whoever is woken looks again.
class Queue {
public:
    explicit Queue(std::size_t capacity) : slots_(round_up(capacity)), capacity_(capacity) {}

    class Put : Waiters::Waiter {
    public:
        Put(Queue& queue, int item) : queue_(queue), item_(item) {}
        [[nodiscard]] bool await_ready() const noexcept {
            return queue_.tail_ - queue_.head_ != queue_.capacity_;
        }
        void await_suspend(std::coroutine_handle<> awaiting) noexcept {
            wait_in(queue_.putters_, awaiting);
        }
        void await_resume() {
            queue_.slots_[queue_.tail_++ & (queue_.slots_.size() - 1)] = item_;
            queue_.getters_.wake_one();
        }

    private:
        Queue& queue_;
        int item_;
    };
    class Get : Waiters::Waiter {
    public:
        explicit Get(Queue& queue) : queue_(queue) {}
        [[nodiscard]] bool await_ready() const noexcept { return queue_.tail_ != queue_.head_; }
        void await_suspend(std::coroutine_handle<> awaiting) noexcept {
            wait_in(queue_.getters_, awaiting);
        }
        int await_resume() {
            const int item = queue_.slots_[queue_.head_++ & (queue_.slots_.size() - 1)];
            queue_.putters_.wake_one();
            return item;
        }

    private:
        Queue& queue_;
    };

    Put put(int item) { return {*this, item}; }
    Get get() { return Get(*this); }

private:
    static std::size_t round_up(std::size_t capacity) {
        std::size_t size = 1;
        while (size < capacity) {
            size *= 2;
        }
        return size;
    }

    std::vector<int> slots_;
    std::size_t capacity_;
    std::size_t head_ = 0;
    std::size_t tail_ = 0;
    Waiters putters_;
    Waiters getters_;
};

} // namespace limit
