#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The order in which a queue gives its items: first in first out, last in first out, or the
// smallest first. What throws (memory, an item's move, a comparison) leaves the items as they were;
// only a heap whose items' moves throw may lose one.

#include <cstddef>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/detail/ring_buffer.hpp>

namespace rondo::inline RONDO_ABI::detail {

template <class T>
class FifoStorage {
public:
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    void put(T&& item) { items_.emplace_back(std::move(item)); }
    [[nodiscard]] T take() {
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }
    void clear() noexcept { items_.clear(); }

private:
    RingBuffer<T> items_;
};

template <class T>
class LifoStorage {
public:
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    void put(T&& item) { items_.emplace_back(std::move(item)); }
    [[nodiscard]] T take() {
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }
    void clear() noexcept { items_.clear(); }

private:
    RingBuffer<T> items_;
};

/// A binary heap; equal items come in the order in which they were put.
///
/// Finds a place by comparisons alone, and then moves what is on the way there.
template <class T, class Compare>
class HeapStorage {
public:
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    void put(T&& item) {
        Entry added(std::move(item), puts_);
        std::size_t place = entries_.size();
        while (place > 0 && before(added, entries_[parent(place)])) {
            place = parent(place);
        }
        entries_.emplace_back(std::move(added));
        ++puts_;
        for (std::size_t index = entries_.size() - 1; index > place; index = parent(index)) {
            std::swap(entries_[index], entries_[parent(index)]);
        }
    }

    [[nodiscard]] T take() {
        const std::size_t place = place_of_last();
        Entry moving = std::move(entries_.back());
        entries_.pop_back();
        if (entries_.size() == 0) {
            return std::move(moving.item);
        }
        // It goes to its place, what is there to where its parent is, and so on: the first comes out.
        for (std::size_t index = place; index > 0; index = parent(index)) {
            std::swap(entries_[index], moving);
        }
        std::swap(entries_.front(), moving);
        return std::move(moving.item);
    }

    void clear() noexcept { entries_.clear(); }

private:
    struct Entry {
        Entry(T&& put, unsigned long long number) : item(std::move(put)), order(number) {}

        T item;
        unsigned long long order;
    };

    static constexpr std::size_t parent(std::size_t index) noexcept { return (index - 1) / 2; }

    [[nodiscard]] bool before(const Entry& a, const Entry& b) const {
        if (compare_(a.item, b.item)) {
            return true;
        }
        return a.order < b.order && !compare_(b.item, a.item);
    }

    /// Where the last entry is to be when the first has gone.
    [[nodiscard]] std::size_t place_of_last() {
        const std::size_t last = entries_.size() - 1;
        std::size_t place = 0;
        for (std::size_t child = 1; child < last; child = place * 2 + 1) {
            if (child + 1 < last && before(entries_[child + 1], entries_[child])) {
                ++child;
            }
            if (!before(entries_[child], entries_[last])) {
                break;
            }
            place = child;
        }
        return place;
    }

    RingBuffer<Entry> entries_; // never popped at the front: a vector in effect
    Compare compare_;
    unsigned long long puts_ = 0;
};

} // namespace rondo::inline RONDO_ABI::detail
