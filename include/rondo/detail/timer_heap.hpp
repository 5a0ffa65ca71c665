#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Deadlines in user space: a 4-ary heap whose entries know their timers and whose timers know
// their place, so that a million sleepers cost memory only, the kernel sees one deadline, and a
// timer that is cancelled leaves at once. Timers with the same deadline fire in the order in which
// they were started.
//
// Most timers never fire: they guard something that takes a moment. So a new one is only put down
// behind the heap, and finds its place in it when the loop has to know which is the first.

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

/// Min-heap of deadlines. To start a timer, and to take out one that is young, is O(1), and so is as
/// a rule to take out one with a late deadline; the rest is O(log n).
class TimerHeap {
public:
    using time_point = Clock::time_point;

    /// Tests begin to count close to where the count ends.
    explicit TimerHeap(std::uint32_t first_order = 0) noexcept : next_order_(first_order) {}

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// Earliest deadline; there must be a timer.
    [[nodiscard]] time_point earliest() noexcept {
        sort_in_young();
        return entries_.front().deadline;
    }

    /// No deadline is earlier than this; there must be a timer. Costs nothing.
    [[nodiscard]] time_point not_before() const noexcept {
        const time_point first = entries_.front().deadline; // of a young one, if all are
        return first < young_not_before_ ? first : young_not_before_;
    }

    /// Arms a timer that is not armed. Throws: std::bad_alloc, and has no effect then.
    void insert(TimerNode& node, time_point deadline) {
        entries_.push_back(Entry{deadline, &node});
        if (next_order_ == UINT32_MAX) [[unlikely]] {
            count_anew();
        }
        node.order_ = next_order_++;
        node.index_ = static_cast<std::uint32_t>(entries_.size() - 1);
        if (deadline < young_not_before_) {
            young_not_before_ = deadline;
        }
    }

    /// Takes an armed timer out.
    void remove(TimerNode& node) noexcept {
        std::size_t hole = node.index_;
        node.index_ = TimerNode::not_armed;
        if (hole < old_) {
            --old_;
            if (hole != old_) {
                replace(hole, entries_[old_]);
                hole = old_; // where the youngest one goes, if there is one
            }
        }
        const Entry last = entries_.back();
        entries_.pop_back();
        if (hole != entries_.size()) {
            place(hole, last);
        }
    }

    /// Fires every timer whose deadline is not later than `now`. A timer that is started
    /// meanwhile waits for the next call, whatever its deadline.
    void fire_due(time_point now) noexcept {
        if (young_not_before_ <= now) {
            sort_in_young();
        }
        while (old_ != 0 && entries_.front().deadline <= now) {
            TimerNode& node = *entries_.front().node;
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

    /// Puts an entry into a place of the heap where another was; there are old_ entries now.
    void replace(std::size_t index, const Entry entry) noexcept {
        if (index > 0 && before(entry, entries_[(index - 1) / arity])) {
            sift_up(index, entry);
        } else {
            sift_down(index, entry, old_);
        }
    }

    /// All timers are in the heap afterwards.
    void sort_in_young() noexcept {
        if (old_ == entries_.size()) {
            return;
        }
        young_not_before_ = time_point::max();
        const std::size_t count = entries_.size();
        if (count - old_ <= old_) {
            for (; old_ < count; ++old_) {
                sift_up(old_, entries_[old_]);
            }
            return;
        }
        old_ = count; // more are young than old: a new heap, from the bottom up
        for (std::size_t index = (count - 1 + arity - 1) / arity; index-- > 0;) {
            sift_down(index, entries_[index], count);
        }
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
        const Entry inserted = entries_.back();
        entries_.pop_back();
        sort_in_young();
        for (std::size_t end = old_; end > 1; --end) { // the least one goes to the end
            const Entry last = entries_[end - 1];
            entries_[end - 1] = entries_.front();
            sift_down(0, last, end - 1);
        }
        for (std::size_t low = 0, high = old_; low + 1 < high; ++low) {
            std::swap(entries_[low], entries_[--high]);
        }
        next_order_ = 0;
        for (std::size_t index = 0; index < old_; ++index) {
            entries_[index].node->order_ = next_order_++;
            place(index, entries_[index]);
        }
        entries_.push_back(inserted); // where it was: there is room
    }

    std::vector<Entry> entries_;                      // the heap, then those that are young
    std::size_t old_ = 0;                             // how many are in the heap
    time_point young_not_before_ = time_point::max(); // of those that are young, or have been
    std::uint32_t next_order_;
};

} // namespace rondo::inline RONDO_ABI::detail
