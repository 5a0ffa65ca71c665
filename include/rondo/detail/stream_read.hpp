#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How a Stream is read: read_some() into the caller's memory, without a frame of its own, and the
// buffered reads, which are coroutines.

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/stream_buffer.hpp>
#include <rondo/detail/stream_problem.hpp>
#include <rondo/detail/stream_state.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>

// `template <class = void>`: compiled only where it is called. A plain inline coroutine costs every
// file that includes it the making of its frame, and this header costs seconds then.

namespace rondo::inline RONDO_ABI::detail {

/// A receive. Its bytes are in the stream's buffer, or the caller's, as soon as it completes.
class StreamReader : public StreamRequest {
public:
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            problem_ = StreamProblem::cancelled();
            return false;
        }
        Ring& ring = *task()->scheduler()->ring;
        stream_->begin_read(*this, ring);
        ring.template submit_as<&StreamReader::fill>(*this);
        return true;
    }

    std::size_t await_resume() {
        throw_if_failed();
        return count_;
    }

    Result<std::size_t> await_result() noexcept {
        if (problem_) [[unlikely]] {
            return failure<std::size_t>();
        }
        keep_result();
        return std::size_t{count_};
    }

protected:
    enum class Into : bool { callers_memory, streams_buffer };

    StreamReader(Ref<StreamState> stream, MutableBuffer target, Into into) noexcept
        : StreamRequest(std::move(stream),
                        into == Into::callers_memory ? &StreamReader::received
                                                     : &StreamReader::completed,
                        &StreamReader::fill),
          target_(target) {}
    ~StreamReader() = default;

    /// Whether there is nothing to wait for.
    [[nodiscard]] bool is_at_end() noexcept {
        if (stream_->is_plain()) [[likely]] {
            return false;
        }
        problem_ = stream_->read_problem();
        return problem_ || stream_->ended();
    }

    MutableBuffer target_;

private:
    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        auto& self = static_cast<StreamReader&>(request);
        MutableBuffer target = self.target_;
        if (!self.stream_->is_plain()) [[unlikely]] {
            target = self.stream_->bounded(target);
        }
        uring::prepare_transfer(entry, IORING_OP_RECV, target.data(), bounded(target.size()));
        self.stream_->name_in(entry);
    }
    static StreamReader& of(Completion& completion) noexcept {
        return static_cast<StreamReader&>(static_cast<Request&>(completion));
    }
    static void received(Completion& completion, int result, unsigned flags) noexcept;
    static void completed(Completion& completion, int result, unsigned flags) noexcept;
    [[nodiscard]] const char* describe() const noexcept override { return "recv"; }
};

/// Reads into the caller's memory: from the stream's buffer if there is anything, otherwise
/// straight from the kernel.
class ReadSomeAwaiter final : public StreamReader {
public:
    ReadSomeAwaiter(Ref<StreamState> stream, MutableBuffer buffer) noexcept
        : StreamReader(std::move(stream), buffer, Into::callers_memory) {}
    ~ReadSomeAwaiter() {
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
        if (StreamBuffer* const buffer = stream_->buffer_if_any()) {
            count_ =
                static_cast<std::uint32_t>(buffer->take(target_.first(bounded(target_.size()))));
        }
        return count_ != 0 || target_.empty() || is_at_end();
    }

private:
    /// Whether the stream's reading is this task's.
    [[nodiscard]] bool& has_claimed() noexcept { return flag_; }
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

/// Receives into the room of the stream's buffer. For a task that has claimed the reading. Gives
/// how many bytes came; 0 at the end.
class FillAwaiter final : public StreamReader {
public:
    explicit FillAwaiter(Ref<StreamState> stream) noexcept
        : StreamReader(stream, stream->buffer_if_any()->room(), Into::streams_buffer) {}

    [[nodiscard]] bool await_ready() noexcept { return is_at_end(); }
};

class Fill {
public:
    /// When it is awaited, the stream must have a buffer, and that room.
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
            std::rethrow_exception(StreamProblem::misuse());
        }
    }
    ReadClaim(const ReadClaim&) = delete;
    ReadClaim& operator=(const ReadClaim&) = delete;
    ~ReadClaim() { stream_.release_reading(); }

private:
    StreamState& stream_;
};

// The buffered reads. Whatever ends one early, be it an exception, a cancellation or a time-out,
// leaves in the buffer what has come.

template <class = void>
Coro<std::string> stream_read(Ref<StreamState> stream, std::size_t count) {
    const ReadClaim claim(*stream);
    StreamBuffer& buffer = stream->buffer();
    if (count != 0 && buffer.empty()) {
        buffer.make_room();
        const Fill fill(*stream);
        co_await fill;
    }
    co_return buffer.take(count < buffer.size() ? count : buffer.size());
}

template <class = void>
Coro<std::string> stream_read_all(Ref<StreamState> stream) {
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

template <class = void>
Coro<std::string> stream_read_exactly(Ref<StreamState> stream, std::size_t count) {
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
template <class = void>
Coro<std::size_t> stream_find(Ref<StreamState> stream, std::string separator) {
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

template <class = void>
Coro<std::string> stream_read_until(Ref<StreamState> stream, std::string separator) {
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

template <class = void>
Coro<std::string> stream_read_line(Ref<StreamState> stream) {
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

// Implementation

/// What read_some() waits for.
inline void StreamReader::received(Completion& completion, int result, unsigned flags) noexcept {
    StreamReader& self = of(completion);
    if (result <= 0 || !self.stream_->is_plain()) [[unlikely]] {
        completed(completion, result, flags);
        return;
    }
    self.count_ = static_cast<std::uint32_t>(result);
    self.stream_->end_plain_read(*self.task()->scheduler()->ring);
    self.resume();
}

inline void StreamReader::completed(Completion& completion, int result,
                                    unsigned /*flags*/) noexcept {
    StreamReader& self = of(completion);
    const bool cancelled = self.is_cancelled();
    if (result == -EINTR && !cancelled && !self.stream_->closing()) {
        self.submit();
        return;
    }
    if (result > 0) {
        self.count_ = static_cast<std::uint32_t>(result);
        if (self.on_completion == &StreamReader::completed) { // else it is the caller's memory
            self.stream_->buffer().commit(self.count_);
        }
    }
    self.problem_ = self.stream_->end_read(result, cancelled);
    self.resume();
}

} // namespace rondo::inline RONDO_ABI::detail
