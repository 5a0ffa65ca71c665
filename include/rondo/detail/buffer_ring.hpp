#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Provided buffers: memory that the kernel takes from only when data has come, so that a thousand
// idle connections hold none. A buffer is leased to whoever got the data and goes back by itself.
// When all are leased the kernel says ENOBUFS, which is flow control and no error: who is told so
// waits here for a buffer to come back, never for a timer.

#include <rondo/detail/ring.hpp>
#include <rondo/detail/uring.hpp>

#include <rondo/config.hpp>
#include <rondo/detail/intrusive_list.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/error.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#if RONDO_SANITIZE_ADDRESS
#include <sanitizer/asan_interface.h>
#endif

namespace rondo::inline RONDO_ABI::detail {

class BufferRing;

/// Somebody who was told ENOBUFS. On a list while it waits; called once, then free to wait again.
class BufferWaiter : public ListHook<BufferRing> {
public:
    using Function = void (*)(BufferWaiter&) noexcept;

    explicit BufferWaiter(Function available) noexcept : on_available(available) {}

    ~BufferWaiter() {
        RONDO_ASSERT(!is_linked(), "a waiter must outlive its wait: call stop_waiting() first");
    }

    /// There are buffers again. Others may be quicker: then ENOBUFS comes again.
    Function on_available;
};

/// The memory behind a BufferRing, which lives as long as the ring and any lease.
class BufferPool {
public:
    /// Throws: std::system_error if there is no memory.
    BufferPool(unsigned count, std::size_t buffer_size);
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    ~BufferPool();

    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    io_uring_buf_ring* ring() const noexcept { return static_cast<io_uring_buf_ring*>(memory_); }
    std::byte* buffer(unsigned id) const noexcept {
        return static_cast<std::byte*>(memory_) + ring_size_ + id * buffer_size_;
    }

    /// Gives a buffer to the kernel, and calls those who wait for one.
    void provide(unsigned id) noexcept;
    /// Takes note that the kernel has given a buffer to us.
    void take(unsigned id) noexcept;

private:
    friend BufferRing;

    bool belongs_to_parent() const noexcept { return fork_count_ != ForkCount::value(); }
    static void hide(const std::byte* memory, std::size_t size) noexcept;
    static void show(const std::byte* memory, std::size_t size) noexcept;

    void* memory_ = nullptr; // the kernel's ring, whole pages of it, and the buffers behind it
    std::size_t ring_size_;
    std::size_t size_;
    std::size_t buffer_size_;
    unsigned count_;
    unsigned available_ = 0;
    unsigned references_ = 1;
    unsigned fork_count_ = ForkCount::value();
    std::unique_ptr<bool[]> provided_; // by id: whether the kernel has it
    IntrusiveList<BufferWaiter, BufferRing> waiters_;
};

/// The data that a completion brought, in a provided buffer that is ours until this is destroyed;
/// or in memory of its own, where there was no buffer to be had.
///
/// Lifetime: may outlive the BufferRing and the Ring.
/// Threads: belongs to the ring's thread, as the buffer does.
class LeasedBuffer {
public:
    /// None.
    LeasedBuffer() noexcept = default;

    /// Memory of its own, with that many bytes of data, 2^32 - 1 at most.
    LeasedBuffer(std::unique_ptr<std::byte[]> owned, std::size_t size) noexcept
        : data_(owned.release()), size_(static_cast<std::uint32_t>(size)) {}

    LeasedBuffer(LeasedBuffer&& other) noexcept
        : pool_(std::move(other.pool_)), data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)), id_(other.id_) {}
    LeasedBuffer& operator=(LeasedBuffer&& other) noexcept {
        if (this != &other) {
            release_if_any();
            pool_ = std::move(other.pool_);
            data_ = std::exchange(other.data_, nullptr);
            size_ = std::exchange(other.size_, 0);
            id_ = other.id_;
        }
        return *this;
    }
    ~LeasedBuffer() { release_if_any(); }

    /// Whether there is a buffer, be it without data.
    explicit operator bool() const noexcept { return data_ != nullptr; }

    std::span<std::byte> bytes() const noexcept { return {data_, size_}; }

    /// Its data is only the first `size` bytes.
    void truncate(std::size_t size) noexcept { size_ = static_cast<std::uint32_t>(size); }

    /// Gives the buffer back now.
    void release() noexcept;

private:
    friend BufferRing;

    LeasedBuffer(Ref<BufferPool> pool, unsigned id, std::size_t size) noexcept
        : pool_(std::move(pool)), data_(pool_->buffer(id)), size_(static_cast<std::uint32_t>(size)),
          id_(id) {}

    void release_if_any() noexcept {
        if (data_ != nullptr) {
            release();
        }
    }

    Ref<BufferPool> pool_; // null if the memory is its own
    std::byte* data_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t id_ = 0;
};

/// A group of buffers that requests with IOSQE_BUFFER_SELECT draw on.
class BufferRing {
public:
    /// - group: what requests name in io_uring_sqe::buf_group; one ring has a group once.
    /// - count: a power of two, 32768 at most.
    /// - buffer_size: in bytes; memory is not touched before it is used.
    /// - provided: how many the kernel has from the beginning; `grow` gives it more.
    ///
    /// Throws: std::system_error if there is no memory or the kernel has no buffer rings.
    BufferRing(Ring& ring, std::uint16_t group, unsigned count, std::size_t buffer_size,
               unsigned provided);
    BufferRing(Ring& ring, std::uint16_t group, unsigned count, std::size_t buffer_size)
        : BufferRing(ring, group, count, buffer_size, count) {}
    BufferRing(const BufferRing&) = delete;
    BufferRing& operator=(const BufferRing&) = delete;

    /// As `close`.
    ~BufferRing() { close(); }

    /// Takes the buffers away from the kernel; leases stay valid. Does nothing the second time.
    /// Precondition: the ring is open, and no request that draws on the group is in flight.
    void close() noexcept;

    std::uint16_t group() const noexcept { return group_; }
    unsigned count() const noexcept { return pool_->count_; }
    std::size_t buffer_size() const noexcept { return pool_->buffer_size_; }

    /// Gives the kernel one more buffer, if it has not had all of them. It uses them in turn, so that
    /// more than are in use at a time only cost memory and its cache.
    ///
    /// Returns whether there was one.
    bool grow() noexcept;

    /// The buffers that are not leased. The kernel may have filled some of them already.
    unsigned available() const noexcept { return pool_->available_; }

    /// Whether a completion brings a buffer. It may do so with an error, or not with data: only
    /// this says so.
    static bool has_buffer(unsigned flags) noexcept { return (flags & IORING_CQE_F_BUFFER) != 0; }

    /// The buffer that a completion brings, to be asked for once: otherwise it is lost.
    ///
    /// - flags: of the completion; `has_buffer` is so.
    /// - result: of the completion: the size of the data, or an error, which has none.
    LeasedBuffer lease(unsigned flags, int result) noexcept;

    // The same in parts, for who keeps track of buffers by their number.

    /// The number of the buffer that a completion brings, which is now the caller's to recycle.
    unsigned take(unsigned flags) noexcept;
    std::span<std::byte> buffer(unsigned id) const noexcept {
        return {pool_->buffer(id), pool_->buffer_size_};
    }
    void recycle(unsigned id) noexcept { pool_->provide(id); }

    /// Calls `waiter` when the next buffer comes back.
    ///
    /// Ordering: all who wait are called, first come, first called, as whoever is woken need not
    /// use the buffer, and would leave the others waiting beside it.
    void wait(BufferWaiter& waiter) noexcept { pool_->waiters_.push_back(waiter); }

    /// Takes back `wait`; does nothing for who does not wait.
    void stop_waiting(BufferWaiter& waiter) noexcept {
        if (waiter.is_linked()) {
            pool_->waiters_.remove(waiter);
        }
    }

private:
    Ring* ring_; // null when closed
    std::uint16_t group_;
    unsigned provided_ = 0; // so many have been with the kernel
    Ref<BufferPool> pool_;
};

/// The buffers of a ring that all receives share which bring none of their own: made when they are
/// first asked for, closed with the ring.
///
/// Throws: std::system_error if there is no memory.
BufferRing& shared_buffers(Ring& ring);

// Implementation

inline BufferPool::BufferPool(unsigned count, std::size_t buffer_size)
    : buffer_size_(buffer_size), count_(count), provided_(std::make_unique<bool[]>(count)) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    ring_size_ = (count * sizeof(io_uring_buf) + page - 1) / page * page;
    size_ = ring_size_ + count * buffer_size;
    memory_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) {
        throw_system_error(errno, "mmap");
    }
    // A child would get a copy of the ring that the kernel does not look at; of the buffers it may
    // have one.
    ::madvise(memory_, ring_size_, MADV_DONTFORK);
    hide(buffer(0), count * buffer_size);
}

inline BufferPool::~BufferPool() {
    show(buffer(0), count_ * buffer_size_);
    if (belongs_to_parent()) {
        ::munmap(buffer(0), size_ - ring_size_); // the rest was never here
    } else {
        ::munmap(memory_, size_);
    }
}

/// What the kernel may write to, nobody here may use: the address sanitizer finds who does.
inline void BufferPool::hide(const std::byte* memory, std::size_t size) noexcept {
#if RONDO_SANITIZE_ADDRESS
    __asan_poison_memory_region(memory, size);
#else
    static_cast<void>(memory);
    static_cast<void>(size);
#endif
}

inline void BufferPool::show(const std::byte* memory, std::size_t size) noexcept {
#if RONDO_SANITIZE_ADDRESS
    __asan_unpoison_memory_region(memory, size);
#else
    static_cast<void>(memory);
    static_cast<void>(size);
#endif
}

inline void BufferPool::provide(unsigned id) noexcept {
    RONDO_ASSERT(id < count_ && !provided_[id], "a buffer can be recycled once after it was taken");
    provided_[id] = true;
    ++available_;
    hide(buffer(id), buffer_size_);
    if (belongs_to_parent()) {
        return;
    }
    io_uring_buf_ring_add(ring(), buffer(id), static_cast<unsigned>(buffer_size_),
                          static_cast<unsigned short>(id), static_cast<int>(count_ - 1), 0);
    io_uring_buf_ring_advance(ring(), 1);
    // Only those who wait now: whoever is too late waits again.
    IntrusiveList<BufferWaiter, BufferRing> woken;
    woken.splice_back(waiters_);
    while (BufferWaiter* waiter = woken.pop_front()) {
        waiter->on_available(*waiter);
    }
}

inline void BufferPool::take(unsigned id) noexcept {
    RONDO_ASSERT(id < count_ && provided_[id], "a completion's buffer can be taken once");
    provided_[id] = false;
    --available_;
    show(buffer(id), buffer_size_);
}

inline void LeasedBuffer::release() noexcept {
    size_ = 0;
    std::byte* const data = std::exchange(data_, nullptr);
    if (pool_) {
        const Ref<BufferPool> pool = std::move(pool_);
        pool->provide(id_);
    } else {
        delete[] data;
    }
}

inline BufferRing::BufferRing(Ring& ring, std::uint16_t group, unsigned count,
                              std::size_t buffer_size, unsigned provided)
    : ring_(&ring), group_(group),
      pool_(Ref<BufferPool>::adopt(new BufferPool(count, buffer_size))) {
    RONDO_ASSERT(count != 0 && (count & (count - 1)) == 0 && count <= 32768,
                 "the count of buffers must be a power of two, 32768 at most");
    io_uring_buf_reg registration = {};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(pool_->ring());
    registration.ring_entries = count;
    registration.bgid = group;
    io_uring_buf_ring_init(pool_->ring());
    const int error = io_uring_register_buf_ring(&ring.native(), &registration, 0);
    if (error < 0) {
        throw_system_error(-error, "io_uring_register_buf_ring");
    }
    while (provided_ < provided) {
        grow();
    }
}

inline bool BufferRing::grow() noexcept {
    if (provided_ == count()) {
        return false;
    }
    pool_->provide(provided_++);
    return true;
}

inline void BufferRing::close() noexcept {
    if (ring_ == nullptr) {
        return;
    }
    RONDO_ASSERT(pool_->waiters_.empty(), "nobody may wait for a buffer when its ring goes");
    if (!ring_->is_inherited()) {
        io_uring_unregister_buf_ring(&ring_->native(), group_);
    }
    ring_ = nullptr;
}

inline unsigned BufferRing::take(unsigned flags) noexcept {
    RONDO_ASSERT(has_buffer(flags), "this completion brings no buffer");
    const unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
    pool_->take(id);
    return id;
}

inline LeasedBuffer BufferRing::lease(unsigned flags, int result) noexcept {
    const unsigned id = take(flags);
    return LeasedBuffer(pool_, id, result > 0 ? static_cast<std::size_t>(result) : 0);
}

inline BufferRing& shared_buffers(Ring& ring) {
    // Of other groups the first are in use.
    constexpr std::uint16_t group = 0xffff;
    constexpr unsigned most = 1024;
    constexpr std::size_t size = 16 * 1024;
    constexpr unsigned provided = 16;
    auto& shared = ring.parts().shared_buffers;
    if (shared == nullptr) {
        shared = {new BufferRing(ring, group, most, size, provided),
                  [](BufferRing* buffers) noexcept { delete buffers; }};
    }
    return *shared;
}

} // namespace rondo::inline RONDO_ABI::detail
