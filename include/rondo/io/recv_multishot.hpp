#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Data as it comes, in buffers of a pool.

#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/detail/buffer_ring.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/io/buffer_pool.hpp>
#include <rondo/io/file_ops.hpp>
#include <rondo/io/multishot.hpp>
#include <rondo/io/multishot_record.hpp>

namespace rondo::inline RONDO_ABI::io {

namespace detail {

class RecvRecord final : public MultishotRecord {
public:
    using Value = Chunk;

    RecvRecord(int fd, Ref<SharedBuffers> buffers, std::size_t limit)
        : MultishotRecord("recv_multishot", fd, limit), buffers_(std::move(buffers)) {}

    [[nodiscard]] Chunk pop() noexcept { return queue_.pop(); }
    [[nodiscard]] std::size_t count() const noexcept override { return queue_.size(); }

private:
    void prepare_entry(io_uring_sqe& entry) noexcept override {
        if (owned_ != nullptr) {
            io_uring_prep_recv(&entry, fd(), owned_.get(), size(), 0);
            return;
        }
        if (is_one_shot()) {
            io_uring_prep_recv(&entry, fd(), nullptr, size(), 0);
        } else {
            io_uring_prep_recv_multishot(&entry, fd(), nullptr, 0, 0);
        }
        entry.flags |= IOSQE_BUFFER_SELECT;
        entry.buf_group = buffers_->ring().group();
    }

    void take(int result, unsigned flags) override {
        refusals_ = 0;
        Chunk chunk = chunk_of(result, flags);
        if (result == 0) {
            end();
        } else if (!ended()) {
            queue_.push(std::move(chunk));
        }
    }

    // The buffer may be ours without any data in it, and must not get lost.
    Chunk chunk_of(int result, unsigned flags) noexcept {
        if (BufferRing::has_buffer(flags)) {
            return Chunk(buffers_->ring().lease(flags, result));
        }
        return Chunk(rondo::detail::LeasedBuffer(std::move(owned_), as_size(result)));
    }

    Verdict judge(int error, unsigned flags) noexcept override {
        if (BufferRing::has_buffer(flags)) {
            static_cast<void>(buffers_->ring().lease(flags, -error));
        }
        if (error == EAGAIN) {
            return Verdict::wait;
        }
        if (error == ENOBUFS && owned_ == nullptr) {
            ++refusals_;
            return Verdict::wait_later;
        }
        owned_.reset();
        return Verdict::fatal;
    }

    /// There is data. Whoever holds the buffers may be waiting for just that, so it cannot wait for
    /// them.
    bool prepare_after_wait() noexcept override {
        if (owned_ == nullptr && (buffers_->ring().available() == 0 || refusals_ > 1)) {
            owned_.reset(new (std::nothrow) std::byte[size()]);
            if (owned_ == nullptr) {
                fail(ENOMEM);
                return false;
            }
        }
        return true;
    }

    void discard() noexcept override { queue_.clear(); }
    void let_go() noexcept override { buffers_.reset(); }
    [[nodiscard]] std::size_t size() const noexcept { return buffers_->ring().buffer_size(); }

    Ref<SharedBuffers> buffers_;
    std::unique_ptr<std::byte[]> owned_; // receives next, because the pool is empty
    unsigned refusals_ = 0;              // ENOBUFS since the last data
    ResultQueue<Chunk> queue_;
};

} // namespace detail

/// Chunks of data.
using ChunkStream = Multishot<detail::RecvRecord>;

/// Receives what comes on a stream socket, in buffers of the pool, until the peer ends its stream. Results
/// are Chunks, which are never empty.
///
/// While nothing comes no buffer is held. When the pool is empty nothing fails: see BufferPool.
/// Lifetime: chunks give their buffers back when they are destroyed; the pool's handle may go before
/// the stream.
/// Example:
/// @code
/// rondo::io::BufferPool pool(256, 16 * 1024);
/// auto chunks = rondo::io::recv_multishot(fd, pool);
/// while (auto chunk = co_await chunks.next()) {
///     received += chunk->text();
/// }
/// @endcode
[[nodiscard]] inline Multishot<detail::RecvRecord> recv_multishot(int fd, const BufferPool& pool,
                                                                  MultishotOptions options = {}) {
    return Multishot(detail::Ref<detail::RecvRecord>::adopt(
        new detail::RecvRecord(fd, pool.shared(), options.limit)));
}

} // namespace rondo::inline RONDO_ABI::io
