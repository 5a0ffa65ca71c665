#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What Stream's functions return: reads into the caller's memory and writes, without a frame of
// their own, and the buffered reads, which are coroutines.

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/stream_state.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// Reads into the caller's buffer: out of the stream's own one first, then straight from the
/// kernel.
class ReadSomeAwaiter final : public StreamReader {
public:
    ReadSomeAwaiter(Ref<StreamState> stream, MutableBuffer buffer) noexcept
        : StreamReader(std::move(stream)) {
        target_ = buffer;
    }
    ~ReadSomeAwaiter() {
        if (claimed_) {
            stream_->release_reading();
        }
    }

    [[nodiscard]] bool await_ready() noexcept {
        if (!stream_->claim_reading()) {
            problem_ = StreamProblem::Kind::second_reader;
            return true;
        }
        claimed_ = true;
        count_ = stream_->buffer().take(target_);
        if (count_ != 0 || target_.empty()) {
            return true;
        }
        problem_ = stream_->read_problem();
        return problem_ || stream_->ended();
    }

    std::size_t await_resume() { return count_or_throw(); }

    Result<std::size_t> await_result() noexcept {
        switch (problem_.kind()) {
        case StreamProblem::Kind::none:
            keep_result();
            return count_;
        case StreamProblem::Kind::cancelled:
            return Result<std::size_t>::from_cancellation(take_cancellation());
        case StreamProblem::Kind::second_reader:
            try {
                problem_.raise("recv");
            } catch (...) {
                return Result<std::size_t>::failure(std::current_exception());
            }
        default:
            return Result<std::size_t>::failure(problem_.code(), problem_.context("recv"));
        }
    }

private:
    bool claimed_ = false;
};

/// What Stream::read_some() returns.
class [[nodiscard(
    "rondo: a read does nothing until it is awaited: did you forget co_await?")]] ReadSome {
public:
    ReadSome(Ref<StreamState> stream, MutableBuffer buffer) noexcept
        : stream_(std::move(stream)), buffer_(buffer) {}
    ReadSomeAwaiter operator co_await() const& { return ReadSomeAwaiter(stream_, buffer_); }
    ReadSomeAwaiter operator co_await() && { return ReadSomeAwaiter(std::move(stream_), buffer_); }

private:
    Ref<StreamState> stream_;
    MutableBuffer buffer_;
};

/// Receives into the stream's own buffer, behind what is there. For a task that has claimed the
/// reading. Gives how many bytes came; 0 at the end.
class FillAwaiter final : public StreamReader {
public:
    explicit FillAwaiter(Ref<StreamState> stream) noexcept : StreamReader(std::move(stream)) {
        target_ = stream_->buffer().room();
        target_is_buffer_ = true;
    }

    [[nodiscard]] bool await_ready() noexcept {
        problem_ = stream_->read_problem();
        return problem_ || stream_->ended();
    }

    std::size_t await_resume() { return count_or_throw(); }
};

class Fill {
public:
    /// There must be room in the buffer.
    explicit Fill(StreamState& stream) noexcept : stream_(stream) {}
    FillAwaiter operator co_await() const noexcept {
        return FillAwaiter(Ref<StreamState>(&stream_));
    }

private:
    StreamState& stream_;
};

/// A stretch of a task in which no other may read.
class ReadClaim {
public:
    /// Throws: std::logic_error if another task reads.
    explicit ReadClaim(StreamState& stream) : stream_(stream) {
        if (!stream.claim_reading()) {
            StreamProblem(StreamProblem::Kind::second_reader).raise("recv");
        }
    }
    ReadClaim(const ReadClaim&) = delete;
    ReadClaim& operator=(const ReadClaim&) = delete;
    ~ReadClaim() { stream_.release_reading(); }

private:
    StreamState& stream_;
};

/// Sends one buffer.
class WriteAwaiter final : public StreamWriter {
public:
    WriteAwaiter(Ref<StreamState> stream, ConstBuffer buffer) noexcept
        : StreamWriter(std::move(stream), &WriteAwaiter::fill, "send"), left_(buffer) {}

private:
    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        auto& self = static_cast<WriteAwaiter&>(request);
        io_uring_prep_send(&entry, self.fd(), self.left_.data(),
                           self.left_.size() < most ? self.left_.size() : most, flags);
    }
    [[nodiscard]] bool is_empty() const noexcept override { return left_.empty(); }
    bool advance(std::size_t count) noexcept override {
        left_ = left_.drop(count);
        return left_.empty();
    }

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
        : StreamWriter(std::move(stream), &GatherWriteAwaiter::fill, "sendmsg"), left_(buffers) {
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
        io_uring_prep_sendmsg(&entry, self.fd(), &self.message_, static_cast<unsigned>(flags));
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
        : StreamWriter(std::move(stream), nullptr, "shutdown") {}

private:
    [[nodiscard]] bool is_empty() const noexcept override {
        const StreamProblem::Kind kind = stream_->write_problem().kind();
        return kind == StreamProblem::Kind::ended || kind == StreamProblem::Kind::closed;
    }
    bool advance(std::size_t /*count*/) noexcept override { return true; }
    bool begin() noexcept override {
        if (const int error = stream_->end_writing(); error != 0) {
            problem_ = StreamProblem::system(error);
        }
        return true;
    }
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

/// What Stream::close() returns.
class [[nodiscard(
    "rondo: this does nothing until it is awaited: did you forget co_await?")]] StreamClose {
public:
    explicit StreamClose(Ref<StreamState> stream) noexcept : stream_(std::move(stream)) {}
    StreamCloser operator co_await() const { return StreamCloser(stream_); }

private:
    Ref<StreamState> stream_;
};

// The buffered reads. Whatever ends one early, be it an exception, a cancellation or a time-out,
// leaves in the buffer what has come.

inline Coro<std::string> stream_read(Ref<StreamState> stream, std::size_t count) {
    const ReadClaim claim(*stream);
    StreamBuffer& buffer = stream->buffer();
    if (count != 0 && buffer.empty()) {
        buffer.make_room();
        const Fill fill(*stream);
        co_await fill;
    }
    co_return buffer.take(count < buffer.size() ? count : buffer.size());
}

inline Coro<std::string> stream_read_all(Ref<StreamState> stream) {
    const ReadClaim claim(*stream);
    StreamBuffer& buffer = stream->buffer();
    const Fill fill(*stream);
    for (;;) {
        buffer.make_room();
        const std::size_t count = co_await fill;
        if (count == 0) {
            co_return buffer.take(buffer.size());
        }
    }
}

inline Coro<std::string> stream_read_exactly(Ref<StreamState> stream, std::size_t count) {
    const ReadClaim claim(*stream);
    StreamBuffer& buffer = stream->buffer();
    const Fill fill(*stream);
    while (buffer.size() < count) {
        buffer.make_room(count - buffer.size());
        const std::size_t got = co_await fill;
        if (got == 0) {
            throw IncompleteReadError(buffer.take(buffer.size()), count);
        }
    }
    co_return buffer.take(count);
}

/// Where a separator ends in the text, looking from `from` on; 0 if it is not there.
inline std::size_t find_end(std::string_view text, std::string_view separator,
                            std::size_t from) noexcept {
    const std::size_t found = text.find(separator, from);
    return found == std::string_view::npos ? 0 : found + separator.size();
}

/// Fills the buffer until it holds the separator. Gives where that ends; 0 if the stream ended
/// before. For a task that has claimed the reading.
inline Coro<std::size_t> stream_find(Ref<StreamState> stream, std::string separator) {
    StreamBuffer& buffer = stream->buffer();
    const std::size_t limit = stream->limit();
    const Fill fill(*stream);
    std::size_t searched = 0; // no separator begins before
    for (;;) {
        const std::size_t end = find_end(buffer.text(), separator, searched);
        if (end != 0) {
            if (end - separator.size() > limit) {
                throw LimitOverrunError("rondo: the separator was found, but what is before it is "
                                        "longer than the stream's limit: skip it by "
                                        "read_exactly(consumed()), or raise the limit",
                                        end - separator.size());
            }
            co_return end;
        }
        if (buffer.size() >= separator.size()) {
            searched = buffer.size() - separator.size() + 1;
        }
        if (searched > limit) {
            throw LimitOverrunError("rondo: there is no separator within the stream's limit: skip "
                                    "by read_exactly(consumed()), or raise the limit",
                                    searched);
        }
        buffer.make_room();
        const std::size_t got = co_await fill;
        if (got == 0) {
            co_return std::size_t{0};
        }
    }
}

inline Coro<std::string> stream_read_until(Ref<StreamState> stream, std::string separator) {
    if (separator.empty()) {
        throw std::invalid_argument("rondo: read_until() needs a separator of one byte at least");
    }
    const ReadClaim claim(*stream);
    const std::size_t end = co_await stream_find(stream, std::move(separator));
    if (end == 0) {
        throw IncompleteReadError(stream->buffer().take(stream->buffer().size()), std::nullopt);
    }
    co_return stream->buffer().take(end);
}

inline Coro<std::string> stream_read_line(Ref<StreamState> stream) {
    const ReadClaim claim(*stream);
    StreamBuffer& buffer = stream->buffer();
    std::exception_ptr too_long;
    try {
        const std::size_t end = co_await stream_find(stream, "\n");
        co_return buffer.take(end != 0 ? end : buffer.size());
    } catch (const LimitOverrunError&) {
        too_long = std::current_exception();
    }
    // As asyncio: the next line is the next one, or what follows if the end is not in sight yet.
    const std::size_t end = find_end(buffer.text(), "\n", 0);
    buffer.drop(end != 0 ? end : buffer.size());
    std::rethrow_exception(too_long);
}

} // namespace rondo::inline RONDO_ABI::detail
