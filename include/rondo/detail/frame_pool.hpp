#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Memory for coroutine frames, task states and other small objects that come and go with every
// task: free lists of fixed sizes, one set per thread, so that an awaited call costs a pop and a
// push instead of a trip through malloc. Sanitizer builds go straight to operator new, so that a
// use after free is found.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <rondo/config.hpp>
#include <type_traits>
#include <utility>

#include <sys/mman.h>

namespace rondo::inline RONDO_ABI::detail {

/// Free lists of blocks, in steps of 16 bytes up to 1 KiB; larger blocks come from operator new.
///
/// Blocks are cut from chunks which are never given back to the system: they wander between
/// threads (a Coro made on one thread may run and die on another), so no thread could tell when a
/// chunk is empty. What a thread has too many of, or leaves behind when it ends, goes to a shared
/// depot from which other threads draw, so memory is bounded by the peak in use. A thread that needs
/// much takes chunks of the size of a huge page, and asks the kernel to make them one.
class FramePool {
public:
    static constexpr std::size_t granularity = 16;
    static constexpr std::size_t largest = 1024;

    [[nodiscard]] static void* allocate(std::size_t size) {
        if (RONDO_SANITIZED || size > largest) {
            return ::operator new(size);
        }
        const std::size_t index = (size - 1) / granularity;
        FreeList& list = local_.lists[index];
        if (Block* block = list.head) [[likely]] {
            list.head = block->next;
            ++list.room;
            return block;
        }
        return refill(index);
    }

    static void deallocate(void* memory, std::size_t size) noexcept {
        if (RONDO_SANITIZED || size > largest) {
            ::operator delete(memory);
            return;
        }
        const std::size_t index = (size - 1) / granularity;
        FreeList& list = local_.lists[index];
        list.head = ::new (memory) Block{list.head, nullptr};
        if (list.room <= 1) [[unlikely]] {
            make_room(list, index);
        } else {
            --list.room;
        }
    }

    /// From now on, on every thread, each block comes from operator new and goes back to it, so that
    /// tests can count and fail the allocations. To be called before any block is taken.
    static void bypass() noexcept { bypassed_ = true; }

private:
    static constexpr std::size_t classes = largest / granularity;
    static constexpr std::size_t chunk_size = 64 * 1024;
    static constexpr std::size_t huge_page = 2 * 1024 * 1024;
    static constexpr std::uint32_t small_chunks = 32; // of a thread; then come huge pages
    static constexpr std::uint32_t batch = 1024;      // blocks that change hands at once

    struct Block {
        Block* next;
        Block* next_batch; // of a batch's first block, in the depot
    };
    struct FreeList {
        Block* head;
        std::uint32_t room; // how many blocks make it a batch; 0 in a thread that is not living
        Block* spare; // a batch or null, so that a thread at the edge does not trade to and fro
    };
    // Constant-initialised and trivially destructible: an access needs no guard, and is still
    // valid when other thread_local destructors run.
    struct Local {
        FreeList lists[classes];
        std::byte* chunk;
        std::size_t chunk_left;
        std::uint32_t taken; // chunks
        enum : std::uint8_t {
            unknown,
            living,
            ended
        } state; // of the thread, as ThreadExit sees it
    };
    static_assert(sizeof(Block) <= granularity);

    // What is left of a chunk, at its beginning.
    struct Rest {
        Rest* next;
        std::size_t size;
    };
    // What threads have to spare, in batches. Whole ones but for those of threads that have ended.
    struct Depot {
        std::mutex mutex;
        // Changed under the lock. Looked at without it first: a thread that grows asks for each block.
        std::atomic<Block*> batches[classes]{};
        Rest* rests = nullptr; // room for one block at least

        [[nodiscard]] bool is_out_of(std::size_t index) const noexcept {
            return batches[index].load(std::memory_order_relaxed) == nullptr;
        }
        [[nodiscard]] Block* take(std::size_t index) noexcept {
            if (is_out_of(index)) {
                return nullptr;
            }
            const std::lock_guard lock(mutex);
            Block* const first = batches[index].load(std::memory_order_relaxed);
            if (first != nullptr) {
                batches[index].store(first->next_batch, std::memory_order_relaxed);
            }
            return first;
        }
        void give(Block* first, std::size_t index) noexcept {
            const std::lock_guard lock(mutex);
            first->next_batch = batches[index].load(std::memory_order_relaxed);
            batches[index].store(first, std::memory_order_relaxed);
        }
    };

    // Created when a thread first gets or frees a block; its destructor hands the thread's blocks to
    // the depot. What other destructors of the thread free after that goes there one by one.
    struct ThreadExit {
        ThreadExit() noexcept {
            for (FreeList& list : local_.lists) {
                list.room = batch;
            }
            local_.state = Local::living;
        }
        ~ThreadExit() {
            for (std::size_t index = 0; index < classes; ++index) {
                FreeList& list = local_.lists[index];
                donate(std::exchange(list.head, nullptr), index);
                donate(std::exchange(list.spare, nullptr), index);
                list.room = 0;
            }
            leave_chunk();
            local_.state = Local::ended;
        }
    };

    static void begin_thread() noexcept {
        static thread_local ThreadExit at_exit;
        (void)at_exit;
    }

    [[gnu::noinline]] static void* refill(std::size_t index) {
        // A thread that grows: it has nothing to spare, and nor has any other.
        FreeList& list = local_.lists[index];
        const std::size_t size = (index + 1) * granularity;
        if (local_.state == Local::living && local_.chunk_left >= size && list.spare == nullptr &&
            depot_.is_out_of(index)) [[likely]] {
            list.room = batch;
            return carve(size);
        }
        return refill_slowly(list, index);
    }

    [[gnu::noinline]] static void* refill_slowly(FreeList& list, std::size_t index) {
        const std::size_t size = (index + 1) * granularity;
        if (bypassed_) {
            return ::operator new(size);
        }
        if (local_.state == Local::unknown) {
            begin_thread();
        }
        const bool ended = local_.state == Local::ended;
        list.room = ended ? 0 : batch;
        Block* first = std::exchange(list.spare, nullptr);
        if (first == nullptr) {
            first = depot_.take(index);
        }
        if (first == nullptr) {
            if (local_.chunk_left < size) {
                take_chunk(); // the tail of the old one is lost: less than 1 KiB in 64
            }
            return carve(size);
        }
        if (ended) {
            donate(first->next, index);
        } else if (first->next != nullptr) {
            // Counted as whole: one that a thread has left at its end is shorter, which only means
            // that the next batch is set aside a little early.
            list.head = first->next;
            list.room = 1;
        }
        return first;
    }

    /// From the chunk, which has enough.
    static void* carve(std::size_t size) noexcept {
        local_.chunk_left -= size;
        return std::exchange(local_.chunk, local_.chunk + size);
    }

    static void take_chunk() {
        {
            Depot& shared = depot_;
            const std::lock_guard lock(shared.mutex);
            if (Rest* rest = shared.rests) {
                shared.rests = rest->next;
                local_.chunk_left = rest->size;
                local_.chunk = reinterpret_cast<std::byte*>(rest);
                return;
            }
        }
        if (local_.taken < small_chunks) {
            local_.chunk = static_cast<std::byte*>(::operator new(chunk_size));
            local_.chunk_left = chunk_size;
        } else {
            local_.chunk = static_cast<std::byte*>(
                ::operator new(huge_page, static_cast<std::align_val_t>(huge_page)));
            local_.chunk_left = huge_page;
            // A hint. Page faults, one for each 4 KiB, cost more than the tasks that live there.
            ::madvise(local_.chunk, huge_page, MADV_HUGEPAGE);
        }
        ++local_.taken;
    }

    static void leave_chunk() noexcept {
        if (local_.chunk_left < largest) {
            return;
        }
        Depot& shared = depot_;
        const std::lock_guard lock(shared.mutex);
        shared.rests = ::new (local_.chunk) Rest{shared.rests, local_.chunk_left};
        local_.chunk_left = 0;
    }

    /// The list is a whole batch: it becomes the spare one, and an older spare goes to the depot.
    /// Or it is the first block that this thread has freed, or one freed after the thread's end.
    [[gnu::noinline]] static void make_room(FreeList& list, std::size_t index) noexcept {
        if (bypassed_) {
            ::operator delete(std::exchange(list.head, nullptr));
            return;
        }
        if (local_.state == Local::unknown) {
            begin_thread();
            list.room = batch - 1;
        } else if (local_.state == Local::ended) {
            donate(std::exchange(list.head, nullptr), index);
        } else {
            donate(std::exchange(list.spare, std::exchange(list.head, nullptr)), index);
            list.room = batch;
        }
    }

    static void donate(Block* first, std::size_t index) noexcept {
        if (first != nullptr) {
            depot_.give(first, index);
        }
    }

    static inline constinit thread_local Local local_{};
    static Depot depot_;
    static inline constinit bool bypassed_ = false; // then no list ever holds a block
};

inline constinit FramePool::Depot FramePool::depot_;

/// Base of objects that live in the frame pool.
struct PoolAllocated {
    static void* operator new(std::size_t size) { return FramePool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        FramePool::deallocate(memory, size);
    }
};

} // namespace rondo::inline RONDO_ABI::detail
