#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Memory to receive into that belongs to nobody until data has come: a pool of buffers from which
// the kernel takes one per chunk of data, so that ten thousand idle connections hold none.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/buffer_ring.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>

namespace rondo::inline RONDO_ABI::io {

namespace detail {

using rondo::detail::BufferRing;
using rondo::detail::LeasedBuffer;
using rondo::detail::Ref;
using rondo::detail::Ring;
using rondo::detail::Scheduler;

/// A buffer ring, kept by the pool's handle and by every stream that draws on it.
class SharedBuffers {
public:
    SharedBuffers(unsigned count, std::size_t size)
        : scheduler_(&rondo::detail::running_scheduler()), home_(scheduler_->ring),
          ring_(make(*scheduler_->ring, count, size)) {}
    SharedBuffers(const SharedBuffers&) = delete;
    SharedBuffers& operator=(const SharedBuffers&) = delete;
    ~SharedBuffers() {
        if (scheduler_->ring != home_) {
            // The loop was closed, or moved to another thread, and the kernel's side went with its
            // ring, which cannot be touched any more. The memory stays: it has no other way out.
            static_cast<void>(ring_.release());
        }
    }

    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    [[nodiscard]] BufferRing& ring() const noexcept { return *ring_; }

private:
    static std::unique_ptr<BufferRing> make(Ring& ring, unsigned count, std::size_t size) {
        // Numbers of groups are given out in turn; one is taken still only by a pool that has
        // lived through 65535 others.
        static std::atomic<std::uint16_t> next_group{0};
        for (unsigned tries = 0;; ++tries) {
            try {
                return std::make_unique<BufferRing>(
                    ring, next_group.fetch_add(1, std::memory_order_relaxed), count, size);
            } catch (const std::system_error& error) {
                if (error.code().value() != EEXIST || tries == 65535) {
                    throw;
                }
            }
        }
    }

    Ref<Scheduler> scheduler_;
    const Ring* home_; // where the kernel knows the buffers
    std::unique_ptr<BufferRing> ring_;
    std::uint32_t references_ = 0;
};

} // namespace detail

/// What a receive brought, in a buffer that goes back to its pool when this is destroyed. Empty when
/// it was moved from, and at the end of what Stream::receive() gives.
///
/// Lifetime: may outlive its pool, its stream and the loop.
/// Threads: belongs to the loop's thread.
class Chunk {
public:
    Chunk() noexcept = default;

    [[nodiscard]] std::span<std::byte> data() const noexcept { return lease_.bytes(); }
    [[nodiscard]] std::size_t size() const noexcept { return data().size(); }
    [[nodiscard]] bool empty() const noexcept { return data().empty(); }
    [[nodiscard]] ConstBuffer buffer() const noexcept { return {data().data(), size()}; }
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(data().data()), size()};
    }

    /// For Rondo's own use.
    explicit Chunk(detail::LeasedBuffer lease) noexcept : lease_(std::move(lease)) {}

private:
    detail::LeasedBuffer lease_; // or memory of its own, when the pool was empty
};

/// Buffers of one size for recv_multishot(), shared by any number of streams of the running loop.
///
/// When all of them are in use nothing fails and nobody waits for a buffer: data goes into memory of
/// its own, one chunk per next(), until some have come back.
/// Lifetime: streams and chunks may outlive the pool. The pool should go before its loop is closed;
/// run() sees to that for what lives in tasks.
class BufferPool {
public:
    /// - count: how many; rounded up to a power of two, 32768 at most.
    /// - size: of each, in bytes, which is the most that a chunk holds.
    ///
    /// Throws: LoopError outside a loop; std::system_error if there is no memory.
    explicit BufferPool(unsigned count = 256, std::size_t size = 16 * 1024)
        : buffers_(new detail::SharedBuffers(power_of_two(count), size)) {}

    [[nodiscard]] unsigned count() const noexcept { return buffers_->ring().count(); }
    [[nodiscard]] std::size_t buffer_size() const noexcept {
        return buffers_->ring().buffer_size();
    }
    /// How many are not in use.
    [[nodiscard]] unsigned available() const noexcept { return buffers_->ring().available(); }

    /// For Rondo's own use.
    [[nodiscard]] const detail::Ref<detail::SharedBuffers>& shared() const noexcept {
        return buffers_;
    }

private:
    static unsigned power_of_two(unsigned count) noexcept {
        RONDO_ASSERT(count <= 32768, "a BufferPool has 32768 buffers at most");
        unsigned power = 1;
        while (power < count) {
            power *= 2;
        }
        return power;
    }

    detail::Ref<detail::SharedBuffers> buffers_;
};

} // namespace rondo::inline RONDO_ABI::io
