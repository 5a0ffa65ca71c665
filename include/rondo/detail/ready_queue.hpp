#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What runs next: a FIFO of intrusive items, so that waking a task cannot fail and allocates
// nothing. Tests may ask for a shuffled order, to find code which is right only by FIFO luck.

#include <cstddef>
#include <cstdint>
#include <rondo/config.hpp>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// Something the loop can run: a step of a task, or a callback.
class Runnable {
public:
    Runnable() noexcept = default;
    Runnable(const Runnable&) = delete;
    Runnable& operator=(const Runnable&) = delete;

    /// Runs the item. It has left the queue by then, and may be queued anew or destroyed.
    virtual void run() noexcept = 0;

    /// The loop was closed before the item could run: lets go of what it holds.
    virtual void discard() noexcept = 0;

protected:
    ~Runnable() = default;

private:
    friend class ReadyQueue;
    Runnable* next_ready_ = nullptr;
};

/// FIFO of runnables; an item may be in one queue once.
class ReadyQueue {
public:
    ReadyQueue() noexcept = default;
    ReadyQueue(const ReadyQueue&) = delete;
    ReadyQueue& operator=(const ReadyQueue&) = delete;

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void push_back(Runnable& item) noexcept {
        item.next_ready_ = nullptr;
        if (head_ == nullptr) {
            head_ = &item;
        } else {
            tail_->next_ready_ = &item;
        }
        tail_ = &item;
        ++size_;
    }

    /// Takes the first item; the queue must not be empty.
    Runnable& pop_front() noexcept {
        Runnable& item = *head_;
        head_ = item.next_ready_;
        --size_;
        return item;
    }

    /// Puts the items into an order drawn from `random` (an xorshift state, never zero).
    void shuffle(std::uint64_t& random) noexcept {
        // Deals the items out to four piles again and again. Not a uniform shuffle, but one that
        // needs no memory, and any order can come about.
        for (int round = 0; round < 4 && size_ > 1; ++round) {
            ReadyQueue piles[4];
            while (!empty()) {
                random ^= random << 13U;
                random ^= random >> 7U;
                random ^= random << 17U;
                piles[(random >> 32U) % 4].push_back(pop_front());
            }
            for (ReadyQueue& pile : piles) {
                splice_back(pile);
            }
        }
    }

private:
    void splice_back(ReadyQueue& other) noexcept {
        if (other.head_ == nullptr) {
            return;
        }
        if (head_ == nullptr) {
            head_ = other.head_;
        } else {
            tail_->next_ready_ = other.head_;
        }
        tail_ = other.tail_;
        size_ += std::exchange(other.size_, 0);
        other.head_ = nullptr;
    }

    Runnable* head_ = nullptr;
    Runnable* tail_ = nullptr; // meaningful only when head_ is not null
    std::size_t size_ = 0;
};

} // namespace rondo::inline RONDO_ABI::detail
