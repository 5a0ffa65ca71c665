#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A growing circular buffer: the items of a Queue. One block, where std::deque allocates and frees
// one for every few items that pass through.

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include <rondo/config.hpp>

namespace rondo::inline RONDO_ABI::detail {

template <class T>
class RingBuffer {
public:
    RingBuffer() noexcept = default;
    RingBuffer(const RingBuffer&) = delete;
    RingBuffer& operator=(const RingBuffer&) = delete;
    ~RingBuffer() {
        clear();
        release(slots_, capacity_);
    }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] T& front() noexcept { return slots_[head_]; }
    [[nodiscard]] T& back() noexcept { return slots_[wrap(head_ + size_ - 1)]; }
    [[nodiscard]] T& operator[](std::size_t index) noexcept { return slots_[wrap(head_ + index)]; }

    /// Room for `size` items in all.
    void reserve(std::size_t size) {
        if (size > capacity_) [[unlikely]] {
            grow(size);
        }
    }

    template <class... Args>
    void emplace_back(Args&&... args) {
        if (size_ == capacity_) [[unlikely]] {
            grow(size_ + 1);
        }
        ::new (static_cast<void*>(slots_ + wrap(head_ + size_))) T(std::forward<Args>(args)...);
        ++size_;
    }

    void pop_front() noexcept {
        front().~T();
        head_ = wrap(head_ + 1);
        --size_;
    }
    void pop_back() noexcept {
        back().~T();
        --size_;
    }

    void clear() noexcept {
        while (!empty()) {
            pop_front();
        }
    }

private:
    [[nodiscard]] std::size_t wrap(std::size_t index) const noexcept {
        return index & (capacity_ - 1); // a power of two
    }

    static void release(T* slots, std::size_t capacity) noexcept {
        if (slots != nullptr) {
            std::allocator<T>().deallocate(slots, capacity);
        }
    }

    /// An item that throws is copied if it can be, so that what is here stays here.
    [[gnu::noinline]] void grow(std::size_t size) {
        std::size_t larger = capacity_ == 0 ? 8 : capacity_;
        while (larger < size) {
            larger *= 2;
        }
        T* slots = std::allocator<T>().allocate(larger);
        std::size_t made = 0;
        try {
            for (; made < size_; ++made) {
                ::new (static_cast<void*>(slots + made)) T(std::move_if_noexcept((*this)[made]));
            }
        } catch (...) {
            while (made > 0) {
                slots[--made].~T();
            }
            release(slots, larger);
            throw;
        }
        const std::size_t count = size_;
        clear();
        release(slots_, capacity_);
        slots_ = slots;
        capacity_ = larger;
        head_ = 0;
        size_ = count;
    }

    T* slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

} // namespace rondo::inline RONDO_ABI::detail
