#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What a stream has received and nobody has read yet. All buffered reads collect here, also those
// of a whole body: whatever interrupts a read, its bytes are still there for the next one.

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/frame_pool.hpp>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// Bytes in a row: received at the back, taken from the front. Holds no memory until it is used.
class StreamBuffer : public PoolAllocated {
public:
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::string_view text() const noexcept {
        return {storage_.data() + begin_, size()};
    }

    /// Makes room behind the bytes for the next receive: for `missing` more if that is known, but
    /// not more at once than what has come so far warrants, so that nobody makes us allocate
    /// gigabytes by announcing them. Throws: std::bad_alloc, and nothing has changed.
    void make_room(std::size_t missing = 0);

    /// The room behind the bytes. Lifetime: until the next call that changes the buffer.
    [[nodiscard]] MutableBuffer room() noexcept {
        return {storage_.data() + end_, storage_.size() - end_};
    }

    /// The first `count` bytes of the room hold data now.
    void commit(std::size_t count) noexcept;

    /// Copies as much as there is, and `target` can hold, and drops that. Returns how many bytes.
    std::size_t take(MutableBuffer target) noexcept;

    /// The first `count` bytes, which are dropped here. Throws: std::bad_alloc, and nothing has
    /// changed.
    [[nodiscard]] std::string take(std::size_t count);

    void drop(std::size_t count) noexcept;

private:
    static constexpr std::size_t smallest_room = 4096;
    static constexpr std::size_t largest_room = 65536;
    static constexpr std::size_t worth_moving = 16384; // from here on take() of all does not copy

    // A string, because strings are what reads return: a large one is moved out, not copied.
    std::string storage_;
    std::size_t begin_ = 0; // [begin_, end_) of the storage is data, what follows is room
    std::size_t end_ = 0;
    std::size_t next_room_ = smallest_room; // doubles when a receive fills what it was given
};

// Implementation

inline void StreamBuffer::make_room(std::size_t missing) {
    if (empty()) {
        begin_ = end_ = 0;
    }
    std::size_t wanted = next_room_;
    const std::size_t twice = size() > wanted ? size() : wanted; // room to double what is there
    if (missing > wanted) {
        wanted = missing < twice ? missing : twice;
    }
    // Half of it is enough behind what has come, where nobody knows the rest: often it is the end.
    const bool half_will_do = missing == 0 && !empty();
    if (storage_.size() - end_ >= (half_will_do ? wanted / 2 : wanted)) {
        return;
    }
    if (begin_ >= size() && storage_.size() - size() >= wanted) {
        // As many bytes move as were dropped since the last time, at most: linear in all.
        std::memmove(storage_.data(), storage_.data() + begin_, size());
        end_ -= std::exchange(begin_, 0);
        return;
    }
    const std::size_t capacity = size() + (missing != 0 ? wanted : twice);
    std::string larger;
    larger.reserve(capacity);
    larger.append(text());
    larger.resize(capacity);
    end_ -= std::exchange(begin_, 0);
    storage_ = std::move(larger);
}

inline void StreamBuffer::commit(std::size_t count) noexcept {
    RONDO_ASSERT(count <= storage_.size() - end_, "more bytes were received than there was room");
    end_ += count;
    if (end_ == storage_.size() && next_room_ < largest_room) {
        next_room_ *= 2;
    }
}

inline std::size_t StreamBuffer::take(MutableBuffer target) noexcept {
    const std::size_t count = size() < target.size() ? size() : target.size();
    if (count != 0) {
        std::memcpy(target.data(), storage_.data() + begin_, count);
        drop(count);
    }
    return count;
}

inline std::string StreamBuffer::take(std::size_t count) {
    RONDO_ASSERT(count <= size(), "take() of more bytes than the buffer has");
    if (count == size() && begin_ == 0 && count >= worth_moving) {
        storage_.resize(count);
        begin_ = end_ = 0;
        return std::exchange(storage_, std::string());
    }
    std::string taken(text().substr(0, count));
    drop(count);
    return taken;
}

inline void StreamBuffer::drop(std::size_t count) noexcept {
    begin_ += count;
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (storage_.size() > 2 * largest_room) {
            storage_ = std::string(); // one large read must not weigh on the stream for ever
        }
    }
}

} // namespace rondo::inline RONDO_ABI::detail
