#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How a stream is read without memory of the reader's: into buffers that all streams of a loop share,
// of which the kernel takes one when data has come. A stream that waits holds none.

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include <poll.h>

#include <rondo/config.hpp>
#include <rondo/detail/buffer_ring.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/stream_buffer.hpp>
#include <rondo/detail/stream_problem.hpp>
#include <rondo/detail/stream_state.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/io/buffer_pool.hpp>
#include <rondo/result.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// Receives a chunk.
///
/// | the kernel says         | what is done                                                       |
/// | ----------------------- | ------------------------------------------------------------------ |
/// | data, in a buffer       | it is the result                                                   |
/// | no buffer (ENOBUFS)     | it gets one more, and the request again; when it has had all, a    |
/// |                         | poll, as who waits for data must not hold memory                   |
/// | the poll: there is data | the request again, with memory of its own: who holds the buffers   |
/// |                         | may be waiting for just this data                                  |
class ReceiveAwaiter final : public StreamRequest {
public:
    explicit ReceiveAwaiter(Ref<StreamState> stream) noexcept
        : StreamRequest(std::move(stream), &ReceiveAwaiter::completed, &ReceiveAwaiter::fill) {}
    ~ReceiveAwaiter() {
        if (has_claimed()) {
            stream_->release_reading();
        }
    }

    [[nodiscard]] bool await_ready() noexcept {
        has_claimed() = stream_->claim_reading();
        if (!has_claimed()) [[unlikely]] {
            problem_ = StreamProblem::second_reader();
            return true;
        }
        const StreamBuffer* const buffer = stream_->buffer_if_any();
        if (buffer != nullptr && !buffer->empty()) {
            return true;
        }
        if (stream_->is_plain()) [[likely]] {
            return false;
        }
        problem_ = stream_->read_problem();
        return problem_ || stream_->ended();
    }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            problem_ = StreamProblem::cancelled();
            return false;
        }
        if (ring().parts().shared_buffers == nullptr && !make_buffers()) [[unlikely]] {
            resume();
            return true;
        }
        stream_->begin_read(*this, ring());
        ring().template submit_as<&ReceiveAwaiter::fill>(*this);
        return true;
    }

    io::Chunk await_resume() {
        throw_if_failed();
        return take_chunk();
    }

    Result<io::Chunk> await_result() {
        if (problem_) [[unlikely]] {
            return failure<io::Chunk>();
        }
        keep_result();
        return Result<io::Chunk>(take_chunk());
    }

private:
    [[nodiscard]] Ring& ring() const noexcept { return *task()->scheduler()->ring; }
    [[nodiscard]] BufferRing& buffers() const noexcept { return *ring().parts().shared_buffers; }
    /// Whether the stream's reading is this task's.
    [[nodiscard]] bool& has_claimed() noexcept { return flag_; }

    static ReceiveAwaiter& of(Completion& completion) noexcept {
        return static_cast<ReceiveAwaiter&>(static_cast<Request&>(completion));
    }
    static void fill(Request& request, io_uring_sqe& entry) noexcept;
    static void fill_poll(Request& request, io_uring_sqe& entry) noexcept {
        const auto& self = static_cast<ReceiveAwaiter&>(request);
        io_uring_prep_poll_add(&entry, self.stream_->fd(), POLLIN);
    }
    static void completed(Completion& completion, int result, unsigned flags) noexcept;
    static void polled(Completion& completion, int result, unsigned flags) noexcept;

    [[nodiscard]] bool make_buffers() noexcept;
    void look_closer(int result) noexcept;
    void go_on_without_buffer() noexcept;
    void end(int result) noexcept {
        problem_ = stream_->end_read(result, is_cancelled());
        resume();
    }
    [[nodiscard]] io::Chunk take_chunk();
    [[nodiscard]] const char* describe() const noexcept override { return "recv"; }

    LeasedBuffer lease_; // what has come; before that, memory of its own if it has to have it
};

/// What Stream::receive() returns.
class [[nodiscard(
    "rondo: a read does nothing until it is awaited: did you forget co_await?")]] Receive {
public:
    explicit Receive(Ref<StreamState> stream) noexcept : stream_(std::move(stream)) {}
    ReceiveAwaiter operator co_await() const& { return ReceiveAwaiter(stream_); }
    ReceiveAwaiter operator co_await() && { return ReceiveAwaiter(std::move(stream_)); }

private:
    Ref<StreamState> stream_;
};

// Implementation

inline bool ReceiveAwaiter::make_buffers() noexcept {
    try {
        static_cast<void>(shared_buffers(ring()));
        return true;
    } catch (const std::system_error& error) {
        problem_ = StreamProblem::system(error.code().value());
    } catch (...) {
        problem_ = StreamProblem::system(ENOMEM);
    }
    return false;
}

inline void ReceiveAwaiter::fill(Request& request, io_uring_sqe& entry) noexcept {
    auto& self = static_cast<ReceiveAwaiter&>(request);
    const BufferRing& buffers = self.buffers();
    const MutableBuffer target(self.lease_.bytes().data(), buffers.buffer_size());
    const std::size_t size =
        self.stream_->is_plain() ? target.size() : self.stream_->bounded(target).size();
    uring::prepare_transfer(entry, IORING_OP_RECV, target.data(), bounded(size));
    self.stream_->name_in(entry);
    if (!self.lease_) [[likely]] {
        entry.flags |= IOSQE_BUFFER_SELECT;
        entry.buf_group = buffers.group();
    }
}

inline void ReceiveAwaiter::completed(Completion& completion, int result, unsigned flags) noexcept {
    ReceiveAwaiter& self = of(completion);
    if (BufferRing::has_buffer(flags)) {
        self.lease_ = self.buffers().lease(flags, result);
    } else if (self.lease_ && result > 0) {
        self.lease_.truncate(static_cast<std::size_t>(result));
    }
    if (result > 0 && self.stream_->is_plain()) [[likely]] {
        self.stream_->end_plain_read(self.ring());
        self.resume();
        return;
    }
    self.look_closer(result);
}

inline void ReceiveAwaiter::look_closer(int result) noexcept {
    if (result > 0) {
        end(result);
        return;
    }
    lease_.release();
    const bool stopped = is_cancelled() || stream_->closing();
    if (result == -ENOBUFS && !stopped) {
        if (!buffers().grow()) {
            on_completion = &ReceiveAwaiter::polled;
            prepare = &ReceiveAwaiter::fill_poll;
        }
        submit();
    } else if (result == -EINTR && !stopped) {
        submit();
    } else {
        end(result == -ENOBUFS ? -ECANCELED : result);
    }
}

inline void ReceiveAwaiter::polled(Completion& completion, int result,
                                   unsigned /*flags*/) noexcept {
    ReceiveAwaiter& self = of(completion);
    self.on_completion = &ReceiveAwaiter::completed;
    self.prepare = &ReceiveAwaiter::fill;
    if (result < 0 || self.is_cancelled() || self.stream_->closing()) {
        self.end(result < 0 ? result : -ECANCELED);
        return;
    }
    self.go_on_without_buffer();
}

inline void ReceiveAwaiter::go_on_without_buffer() noexcept {
    const std::size_t size = buffers().buffer_size();
    std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[size]);
    if (memory == nullptr) {
        end(-ENOMEM);
        return;
    }
    lease_ = LeasedBuffer(std::move(memory), size);
    submit();
}

inline io::Chunk ReceiveAwaiter::take_chunk() {
    if (lease_) {
        return io::Chunk(std::move(lease_));
    }
    StreamBuffer* const buffer = stream_->buffer_if_any();
    if (buffer == nullptr || buffer->empty()) {
        return {};
    }
    const std::size_t size = buffer->size() < most ? buffer->size() : most;
    auto memory = std::make_unique<std::byte[]>(size);
    buffer->take(MutableBuffer(memory.get(), size));
    return io::Chunk(LeasedBuffer(std::move(memory), size));
}

} // namespace rondo::inline RONDO_ABI::detail
