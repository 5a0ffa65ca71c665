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

    /// How many items there are: counts them, so that nothing else has to.
    [[nodiscard]] std::size_t size() const noexcept {
        std::size_t count = 0;
        for (const Runnable* item = head_; item != nullptr; item = item->next_ready_) {
            ++count;
        }
        return count;
    }

    void push_back(Runnable& item) noexcept {
        item.next_ready_ = nullptr;
        *end_ = &item;
        end_ = &item.next_ready_;
    }

    /// Takes the first item; the queue must not be empty.
    Runnable& pop_front() noexcept {
        Runnable& item = *head_;
        head_ = item.next_ready_;
        if (head_ == nullptr) {
            end_ = &head_;
        }
        return item;
    }

    /// Runs the items that are in the queue now, `most` at most, each counted before it runs; what
    /// they push waits for the next call.
    void run(std::uint64_t& count, std::size_t most) noexcept {
        if (!empty()) {
            run_rounds(count, most, [] { return false; });
        }
    }

    /// Runs the items that are in the queue now, then those that they have pushed, and so on as long
    /// as `go_on()` says so after a round; `most` items in all. The queue must not be empty, and `go_on` not say so of an empty one.
    template <class F>
    void run_rounds(std::uint64_t& count, std::size_t most, F&& go_on) noexcept {
        const std::uint64_t limit = count + most;
        bool last = false;
        do {
            Runnable** const end = end_;
            do {
                Runnable& item = pop_front();
                last = &item.next_ready_ == end; // before it runs: it may be destroyed
                ++count;
                item.run();
                if (count == limit) {
                    return;
                }
            } while (!last);
        } while (go_on());
    }

    /// Puts the items into an order drawn from `random` (an xorshift state, never zero).
    void shuffle(std::uint64_t& random) noexcept {
        // Deals the items out to four piles again and again. Not a uniform shuffle, but one that
        // needs no memory, and any order can come about.
        for (int round = 0; round < 4; ++round) {
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
    void forget_all() noexcept {
        head_ = nullptr;
        end_ = &head_;
    }

    void splice_back(ReadyQueue& other) noexcept {
        if (!other.empty()) {
            *end_ = other.head_;
            end_ = other.end_;
            other.forget_all();
        }
    }

    Runnable* head_ = nullptr;
    Runnable** end_ = &head_; // where the next item is linked in
};

} // namespace rondo::inline RONDO_ABI::detail
