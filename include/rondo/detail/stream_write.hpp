#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How a Stream is written: by one request at a time, which goes on until all is sent; the others
// wait for their turn. A write has no frame of its own and allocates nothing.

#include <array>
#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <span>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/stream_problem.hpp>
#include <rondo/detail/stream_state.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/result.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// A write: waits for its turn, then sends until all is sent.
class StreamWriter : public StreamRequest {
public:
    [[nodiscard]] bool await_ready() noexcept {
        if (is_empty()) {
            return true;
        }
        problem_ = stream_->write_problem();
        return static_cast<bool>(problem_);
    }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            problem_ = StreamProblem::cancelled();
            return false;
        }
        if (stream_->enqueue_write(*this, *task()->scheduler()->ring) && begin()) {
            stream_->end_write(false, StreamProblem());
            resume();
        }
        return true;
    }

    void await_resume() { throw_if_failed(); }

    Result<void> await_result() noexcept {
        if (problem_) [[unlikely]] {
            return failure<void>();
        }
        keep_result();
        return {};
    }

protected:
    StreamWriter(Ref<StreamState> stream, Function completion, Prepare prepare_entry) noexcept
        : StreamRequest(std::move(stream), completion, prepare_entry) {}
    ~StreamWriter() {
        if (is_queued()) [[unlikely]] {
            IntrusiveList<StreamRequest, Ring>::remove(*this);
        }
    }

    static void completed(Completion& completion, int result, unsigned flags) noexcept;

    // All of it, if the kernel can (6.0 and later); never a signal.
    static constexpr int flags = MSG_NOSIGNAL | MSG_WAITALL;

private:
    /// There is nothing to do, not even to wait for a turn.
    [[nodiscard]] virtual bool is_empty() const noexcept = 0;
    /// `count` bytes were sent. Returns whether that was the rest.
    virtual bool advance(std::size_t count) noexcept = 0;

    /// Whether there is more to send; sets problem_ if that will not be.
    [[nodiscard]] bool must_go_on(int result) noexcept;
    [[nodiscard]] bool& has_sent_some() noexcept { return flag_; }
};

/// Sends one buffer.
class WriteAwaiter final : public StreamWriter {
public:
    WriteAwaiter(Ref<StreamState> stream, ConstBuffer buffer) noexcept
        : StreamWriter(std::move(stream), &WriteAwaiter::sent, &WriteAwaiter::fill), left_(buffer) {
    }

    [[nodiscard]] bool await_ready() noexcept {
        if (stream_->is_plain()) [[likely]] {
            return left_.empty();
        }
        return StreamWriter::await_ready();
    }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            problem_ = StreamProblem::cancelled();
            return false;
        }
        Ring& ring = *task()->scheduler()->ring;
        if (stream_->enqueue_write(*this, ring)) [[likely]] {
            ring.template submit_as<&WriteAwaiter::fill>(*this);
        }
        return true;
    }

private:
    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        auto& self = static_cast<WriteAwaiter&>(request);
        uring::prepare_transfer(entry, IORING_OP_SEND, self.left_.data(),
                                bounded(self.left_.size()));
        self.stream_->name_in(entry);
        entry.msg_flags = flags;
    }
    static void sent(Completion& completion, int result, unsigned flags) noexcept;
    [[nodiscard]] bool is_empty() const noexcept override { return left_.empty(); }
    bool advance(std::size_t count) noexcept override {
        left_ = left_.drop(count);
        return left_.empty();
    }
    [[nodiscard]] const char* describe() const noexcept override { return "send"; }

    ConstBuffer left_;
};

/// What Stream::write() returns.
class [[nodiscard(
    "rondo: a write does nothing until it is awaited: did you forget co_await?")]] Write {
public:
    Write(Ref<StreamState> stream, ConstBuffer buffer) noexcept
        : stream_(std::move(stream)), buffer_(buffer) {}
    WriteAwaiter operator co_await() const& { return WriteAwaiter(stream_, buffer_); }
    WriteAwaiter operator co_await() && { return WriteAwaiter(std::move(stream_), buffer_); }

private:
    Ref<StreamState> stream_;
    ConstBuffer buffer_;
};

/// Sends several buffers, as one; a window of them at a time, so that any number needs no memory.
class GatherWriteAwaiter : public StreamWriter {
public:
    GatherWriteAwaiter(Ref<StreamState> stream, std::span<const ConstBuffer> buffers) noexcept
        : StreamWriter(std::move(stream), &StreamWriter::completed, &GatherWriteAwaiter::fill),
          left_(buffers) {
        skip_empty();
    }

private:
    static constexpr std::size_t window = 8;

    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        auto& self = static_cast<GatherWriteAwaiter&>(request);
        std::size_t count = 0;
        std::size_t offset = self.offset_;
        std::size_t budget = most;
        for (const ConstBuffer& buffer : self.left_) {
            const ConstBuffer rest = buffer.drop(offset);
            offset = 0;
            if (count == window || budget == 0) {
                break;
            }
            iovec& vector = self.vectors_[count++];
            vector.iov_base = const_cast<std::byte*>(rest.data()); // sendmsg only reads
            vector.iov_len = rest.size() < budget ? rest.size() : budget;
            budget -= vector.iov_len;
        }
        self.message_.msg_iov = self.vectors_;
        self.message_.msg_iovlen = count;
        io_uring_prep_sendmsg(&entry, self.stream_->fd(), &self.message_,
                              static_cast<unsigned>(flags));
        self.stream_->name_in(entry);
    }
    [[nodiscard]] bool is_empty() const noexcept override { return left_.empty(); }
    bool advance(std::size_t count) noexcept override {
        offset_ += count;
        skip_empty();
        return left_.empty();
    }

    /// Drops the buffers that are sent, or have nothing to be sent, from the front.
    void skip_empty() noexcept {
        while (!left_.empty() && offset_ >= left_.front().size()) {
            offset_ -= left_.front().size();
            left_ = left_.subspan(1);
        }
    }

    [[nodiscard]] const char* describe() const noexcept override { return "sendmsg"; }

    std::span<const ConstBuffer> left_;
    std::size_t offset_ = 0; // of the first of them, this much is sent
    msghdr message_{};
    iovec vectors_[window];
};

/// What Stream::write() of a range of buffers returns.
class [[nodiscard(
    "rondo: a write does nothing until it is awaited: did you forget co_await?")]] GatherWrite {
public:
    GatherWrite(Ref<StreamState> stream, std::span<const ConstBuffer> buffers) noexcept
        : stream_(std::move(stream)), buffers_(buffers) {}
    GatherWriteAwaiter operator co_await() const& { return GatherWriteAwaiter(stream_, buffers_); }
    GatherWriteAwaiter operator co_await() && {
        return GatherWriteAwaiter(std::move(stream_), buffers_);
    }

private:
    Ref<StreamState> stream_;
    std::span<const ConstBuffer> buffers_;
};

/// What Stream::write() of several buffers returns: holds them.
template <std::size_t Count>
class [[nodiscard("rondo: a write does nothing until it is awaited: did you forget co_await?")]]
WriteSeveral {
    using Buffers = std::array<ConstBuffer, Count>;

    struct Holder {
        Buffers held;
    };

public:
    class Awaiter final : private Holder, public GatherWriteAwaiter {
    public:
        Awaiter(Ref<StreamState> stream, const Buffers& buffers) noexcept
            : Holder{buffers}, GatherWriteAwaiter(std::move(stream), Holder::held) {}
    };

    WriteSeveral(Ref<StreamState> stream, const Buffers& buffers) noexcept
        : stream_(std::move(stream)), buffers_(buffers) {}
    Awaiter operator co_await() const& { return Awaiter(stream_, buffers_); }
    Awaiter operator co_await() && { return Awaiter(std::move(stream_), buffers_); }

private:
    Ref<StreamState> stream_;
    Buffers buffers_;
};

/// Ends the sending side, after the writes that were there before.
class WriteEofAwaiter final : public StreamWriter {
public:
    explicit WriteEofAwaiter(Ref<StreamState> stream) noexcept
        : StreamWriter(std::move(stream), nullptr, nullptr) {}

private:
    [[nodiscard]] bool is_empty() const noexcept override {
        return stream_->closing() || stream_->writing_ended();
    }
    bool advance(std::size_t /*count*/) noexcept override { return true; }
    bool begin() noexcept override {
        if (const int error = stream_->end_writing(); error != 0) {
            problem_ = StreamProblem::system(error);
        }
        return true;
    }
    [[nodiscard]] const char* describe() const noexcept override { return "shutdown"; }
};

/// What Stream::write_eof() returns.
class [[nodiscard(
    "rondo: this does nothing until it is awaited: did you forget co_await?")]] WriteEof {
public:
    explicit WriteEof(Ref<StreamState> stream) noexcept : stream_(std::move(stream)) {}
    WriteEofAwaiter operator co_await() const { return WriteEofAwaiter(stream_); }

private:
    Ref<StreamState> stream_;
};

// Implementation

inline void WriteAwaiter::sent(Completion& completion, int result, unsigned flags) noexcept {
    auto& self = static_cast<WriteAwaiter&>(static_cast<Request&>(completion));
    if (result <= 0 || static_cast<std::size_t>(result) != self.left_.size() ||
        !self.stream_->is_plain()) [[unlikely]] {
        completed(completion, result, flags);
        return;
    }
    self.stream_->end_plain_write();
    self.resume();
}

inline void StreamWriter::completed(Completion& completion, int result,
                                    unsigned /*flags*/) noexcept {
    auto& self = static_cast<StreamWriter&>(static_cast<Request&>(completion));
    if (self.must_go_on(result)) {
        self.submit();
        return;
    }
    self.stream_->end_write(self.problem_ && self.has_sent_some(), self.problem_);
    self.resume();
}

inline bool StreamWriter::must_go_on(int result) noexcept {
    if (result > 0) {
        has_sent_some() = true;
        if (advance(static_cast<std::size_t>(result))) {
            return false;
        }
    }
    // A send that was interrupted after some bytes gives their number, as a short send does.
    const bool interrupted = result > 0 || result == -ECANCELED || result == -EINTR;
    if (interrupted && is_cancelled()) {
        problem_ = StreamProblem::cancelled();
    } else if (stream_->closing()) {
        problem_ = StreamProblem::closed();
    } else if (result <= 0 && result != -EINTR) {
        problem_ = StreamProblem::system(result == 0 ? EPIPE : -result);
    }
    return !problem_;
}

} // namespace rondo::inline RONDO_ABI::detail
