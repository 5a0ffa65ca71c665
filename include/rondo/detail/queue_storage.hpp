#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The order in which a queue gives its items: first in first out, last in first out, or the
// smallest first.

#include <cstddef>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/detail/ring_buffer.hpp>

namespace rondo::inline RONDO_ABI::detail {

template <class T>
class FifoStorage {
public:
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    void reserve(std::size_t size) { items_.reserve(size); }
    void put(T&& item) { items_.emplace_back(std::move(item)); }
    /// An item that was taken comes back to where it was.
    void put_back(T&& item) { items_.push_front(std::move(item)); }
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
    void reserve(std::size_t size) { items_.reserve(size); }
    void put(T&& item) { items_.emplace_back(std::move(item)); }
    void put_back(T&& item) { put(std::move(item)); }
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
template <class T, class Compare>
class HeapStorage {
public:
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    void reserve(std::size_t size) { entries_.reserve(size); }
    void put(T&& item) { insert(Entry{std::move(item), ++last_order_}); }
    void put_back(T&& item) { insert(Entry{std::move(item), --first_order_}); }
    [[nodiscard]] T take() {
        T item = std::move(entries_.front().item);
        Entry last = std::move(entries_.back());
        entries_.pop_back();
        if (entries_.size() != 0) {
            sift_down(std::move(last));
        }
        return item;
    }
    void clear() noexcept { entries_.clear(); }

private:
    struct Entry {
        T item;
        long long order;
    };

    [[nodiscard]] bool before(const Entry& a, const Entry& b) const {
        if (compare_(a.item, b.item)) {
            return true;
        }
        return !compare_(b.item, a.item) && a.order < b.order;
    }

    void insert(Entry entry) {
        entries_.emplace_back(std::move(entry));
        std::size_t index = entries_.size() - 1;
        while (index > 0 && before(entries_[index], entries_[(index - 1) / 2])) {
            std::swap(entries_[index], entries_[(index - 1) / 2]);
            index = (index - 1) / 2;
        }
    }

    /// Fills the hole at the root with what was the last entry.
    void sift_down(Entry entry) {
        entries_.front() = std::move(entry);
        for (std::size_t index = 0;;) {
            std::size_t least = index;
            for (std::size_t child = index * 2 + 1; child <= index * 2 + 2; ++child) {
                if (child < entries_.size() && before(entries_[child], entries_[least])) {
                    least = child;
                }
            }
            if (least == index) {
                return;
            }
            std::swap(entries_[index], entries_[least]);
            index = least;
        }
    }

    RingBuffer<Entry> entries_; // never popped at the front: a vector in effect
    Compare compare_;
    long long last_order_ = 0;
    long long first_order_ = 0;
};

} // namespace rondo::inline RONDO_ABI::detail
