#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Deadlines in user space: a 4-ary heap whose entries know their timers and whose timers know
// their place, so that a million sleepers cost memory only, the kernel sees one deadline, and a
// timer that is cancelled leaves at once. Timers with the same deadline fire in the order in which
// they were started.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <utility>
#include <vector>

namespace rondo::inline RONDO_ABI::detail {

class TimerHeap;

/// One entry's other half: what fires, and where in the heap it is.
class TimerNode {
public:
    TimerNode() noexcept = default;
    TimerNode(const TimerNode&) = delete;
    TimerNode& operator=(const TimerNode&) = delete;

    [[nodiscard]] bool armed() const noexcept { return index_ != not_armed; }

protected:
    ~TimerNode() = default;

private:
    friend class TimerHeap;
    static constexpr std::uint32_t not_armed = UINT32_MAX;

    virtual void on_deadline() noexcept = 0;
    /// The loop is closed: the deadline will never be noticed.
    virtual void on_loop_closed() noexcept {}

    std::uint32_t index_ = not_armed;
    std::uint32_t order_; // among equal deadlines; of an armed one
};

/// Min-heap of deadlines. All operations O(log n); removal of a late deadline is O(1) as a rule.
class TimerHeap {
public:
    using time_point = Clock::time_point;

    /// Tests begin to count close to where the count ends.
    explicit TimerHeap(std::uint32_t first_order = 0) noexcept : next_order_(first_order) {}

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// Earliest deadline; the heap must not be empty.
    [[nodiscard]] time_point earliest() const noexcept { return entries_.front().deadline; }

    /// Arms a timer that is not armed. Throws: std::bad_alloc, and has no effect then.
    void insert(TimerNode& node, time_point deadline) {
        entries_.push_back(Entry{deadline, &node});
        if (next_order_ == UINT32_MAX) [[unlikely]] {
            count_anew();
        }
        node.order_ = next_order_++;
        sift_up(entries_.size() - 1, Entry{deadline, &node});
    }

    /// Takes an armed timer out.
    void remove(TimerNode& node) noexcept {
        const std::size_t hole = node.index_;
        node.index_ = TimerNode::not_armed;
        const Entry last = entries_.back();
        entries_.pop_back();
        if (hole == entries_.size()) {
            return;
        }
        if (hole > 0 && before(last, entries_[(hole - 1) / arity])) {
            sift_up(hole, last);
        } else {
            sift_down(hole, last);
        }
    }

    /// Fires every timer whose deadline is not later than `now`. A timer that is started
    /// meanwhile waits for the next call, whatever its deadline, and so do those behind it.
    void fire_due(time_point now) noexcept {
        fired_now_ = next_order_;
        while (!entries_.empty() && entries_.front().deadline <= now) {
            TimerNode& node = *entries_.front().node;
            if (node.order_ >= fired_now_) {
                return;
            }
            remove(node);
            node.on_deadline();
        }
    }

    /// Disarms all timers: they may outlive the heap.
    void clear() noexcept {
        while (!entries_.empty()) {
            TimerNode& node = *entries_.back().node;
            remove(node);
            node.on_loop_closed();
        }
    }

    /// Deadline of an armed timer.
    [[nodiscard]] time_point deadline_of(const TimerNode& node) const noexcept {
        return entries_[node.index_].deadline;
    }

private:
    static constexpr std::size_t arity = 4;

    struct Entry {
        time_point deadline;
        TimerNode* node;
    };

    static bool before(const Entry& a, const Entry& b) noexcept {
        if (a.deadline != b.deadline) {
            return a.deadline < b.deadline;
        }
        return a.node->order_ < b.node->order_;
    }

    void place(std::size_t index, const Entry& entry) noexcept {
        entries_[index] = entry;
        entry.node->index_ = static_cast<std::uint32_t>(index);
    }

    void sift_up(std::size_t index, const Entry entry) noexcept {
        while (index > 0) {
            const std::size_t parent = (index - 1) / arity;
            if (!before(entry, entries_[parent])) {
                break;
            }
            place(index, entries_[parent]);
            index = parent;
        }
        place(index, entry);
    }

    void sift_down(std::size_t index, const Entry entry) noexcept {
        sift_down(index, entry, entries_.size());
    }

    void sift_down(std::size_t index, const Entry entry, std::size_t count) noexcept {
        for (;;) {
            const std::size_t first = index * arity + 1;
            if (first >= count) {
                break;
            }
            const std::size_t end = first + arity < count ? first + arity : count;
            std::size_t least = first;
            for (std::size_t child = first + 1; child < end; ++child) {
                if (before(entries_[child], entries_[least])) {
                    least = child;
                }
            }
            if (!before(entries_[least], entry)) {
                break;
            }
            place(index, entries_[least]);
            index = least;
        }
        place(index, entry);
    }

    /// The count has come to its end, in hours or months: sorts the timers (all but the one that
    /// is being inserted), and numbers them in that order, which is a heap, too.
    [[gnu::noinline]] void count_anew() noexcept {
        const std::size_t count = entries_.size() - 1;
        for (std::size_t end = count; end > 1; --end) { // the least one goes to the end
            const Entry last = entries_[end - 1];
            entries_[end - 1] = entries_.front();
            sift_down(0, last, end - 1);
        }
        for (std::size_t low = 0, high = count; low + 1 < high; ++low) {
            std::swap(entries_[low], entries_[--high]);
        }
        fired_now_ = 0; // the rest of what is due is for the next call
        next_order_ = 0;
        for (std::size_t index = 0; index < count; ++index) {
            entries_[index].node->order_ = next_order_++;
            place(index, entries_[index]);
        }
    }

    std::vector<Entry> entries_;
    std::uint32_t next_order_;
    std::uint32_t fired_now_ = 0; // timers started earlier than this one
};

} // namespace rondo::inline RONDO_ABI::detail
