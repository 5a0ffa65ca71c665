#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What is behind a Stream: its descriptor, what was received and not read yet, and who reads and
// writes. It stays where it is when the Stream moves, and lives until the last operation on it has
// ended: a Stream may be moved, closed or destroyed at any time.
//
// The requests are Rondo's own and not io::recv and io::send, because a short send goes on in its
// completion, the next writer starts there, and close() has to find what is in flight.

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/stream_buffer.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>
#include <rondo/wait_list.hpp>

namespace rondo::inline RONDO_ABI::detail {

class StreamCloser;
class StreamReader;
class StreamWriter;

/// Why a read or write came to nothing. Small, so that no exception is made before it is thrown.
class StreamProblem {
public:
    enum class Kind : std::uint8_t {
        none,
        cancelled,
        system,        // the kernel's word: `error`
        closed,        // close() came while it waited, or before
        broken,        // an earlier write ended half-way
        ended,         // write after write_eof()
        second_reader, // two tasks read at once
    };

    constexpr StreamProblem() noexcept = default;
    constexpr StreamProblem(Kind kind) noexcept : kind_(kind) {}
    static constexpr StreamProblem system(int error) noexcept {
        StreamProblem problem(Kind::system);
        problem.error_ = error;
        return problem;
    }

    [[nodiscard]] constexpr Kind kind() const noexcept { return kind_; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind_ != Kind::none; }

    /// As an error code, but for a cancellation and a second reader, which are none.
    [[nodiscard]] std::error_code code() const noexcept;

    /// What goes before the code's message in what(); `name` is the system call's.
    [[nodiscard]] const char* context(const char* name) const noexcept;

    /// Throws it. Precondition: it is neither none nor a cancellation.
    [[noreturn]] void raise(const char* name) const;

private:
    Kind kind_ = Kind::none;
    int error_ = 0;
};

/// The shared part of a stream. Counted, not atomically: it belongs to one loop.
///
/// | state   | fd   | reads                | writes     |
/// | ------- | ---- | -------------------- | ---------- |
/// | open    | open | buffer, then kernel  | kernel     |
/// | at end  | open | buffer, then EOF     | kernel     |
/// | closing | open | buffer, then EOF     | refused    |
/// | closed  | -1   | buffer, then EOF     | refused    |
///
/// Closing ends when the kernel has let go of the read and the write in flight: until then their
/// submission entries may name the descriptor, which must not become somebody else's.
class StreamState final : public PoolAllocated {
public:
    /// Takes over a connected socket.
    StreamState(int fd, std::size_t limit, const Endpoint& remote) noexcept
        : fd_(fd), limit_(limit), remote_(remote) {}
    StreamState(const StreamState&) = delete;
    StreamState& operator=(const StreamState&) = delete;

    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] const Endpoint& remote() const noexcept { return remote_; }
    [[nodiscard]] StreamBuffer& buffer() noexcept { return buffer_; }
    [[nodiscard]] bool closing() const noexcept { return closing_; }

    /// Nothing more will come from the kernel, and that is no error.
    [[nodiscard]] bool ended() const noexcept { return ended_ || closing_ || remaining_ == 0; }
    [[nodiscard]] bool at_eof() const noexcept { return ended() && buffer_.empty(); }

    /// What reading failed with, if it did: sticks, because the kernel says it only once.
    [[nodiscard]] StreamProblem read_problem() const noexcept { return read_problem_; }

    /// One task reads at a time, for as long as the whole read takes.
    [[nodiscard]] bool claim_reading() noexcept { return !std::exchange(reading_, true); }
    void release_reading() noexcept { reading_ = false; }

    /// How much one receive may take: end_reading() sets a bound.
    [[nodiscard]] MutableBuffer bounded(MutableBuffer buffer) const noexcept;

    /// Why no write can begin.
    [[nodiscard]] StreamProblem write_problem() const noexcept;

    /// Begins to close, once: reads and writes that wait are ended. The descriptor is closed at
    /// once if nothing is in flight.
    void close() noexcept;

    /// As close(), but what the kernel has not sent yet is dropped, and a TCP peer sees a reset.
    void abort() noexcept;

    /// As if the peer had ended its stream now: what has arrived can still be read, and no more.
    void end_reading() noexcept;

    /// Shuts the sending side down. Returns 0 or an errno.
    [[nodiscard]] int end_writing() noexcept;

private:
    friend StreamCloser;
    friend StreamReader;
    friend StreamWriter;

    ~StreamState();

    // Called by the requests.
    void reader_started(StreamReader& reader) noexcept { reader_ = &reader; }
    [[nodiscard]] StreamProblem reader_done(int result, bool cancelled) noexcept;
    void enqueue(StreamWriter& writer) noexcept;
    void writer_done(bool half_way, StreamProblem problem) noexcept;
    void start_writers() noexcept;
    void close_if_idle() noexcept;

    static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

    std::uint32_t references_ = 0;
    int fd_; // -1 once it is closed
    bool closing_ = false;
    bool reading_ = false;      // a task reads; it need not have a receive in flight
    bool ended_ = false;        // a receive gave 0
    bool write_ended_ = false;  // by write_eof()
    bool write_broken_ = false; // some bytes of a write were sent, and the rest never will be
    int lost_ = 0;              // errno of a lost connection that a send was told of
    StreamProblem read_problem_;
    std::size_t limit_;
    std::size_t remaining_ = unbounded; // bytes until end_reading() takes effect
    StreamReader* reader_ = nullptr;    // in flight
    StreamWriter* writer_ = nullptr;    // in flight
    WaitList<StreamWriter> writers_;    // wait for their turn
    WaitList<StreamCloser> closers_;
    StreamBuffer buffer_;
    Endpoint remote_; // asked for in the beginning: a connection that was reset has none any more
};

/// A receive on a stream. Its bytes are the stream's, or the caller's, when it completes.
class StreamReader : public Suspension, private Request {
public:
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            problem_ = StreamProblem::Kind::cancelled;
            return false;
        }
        stream_->reader_started(*this);
        task()->scheduler()->ring->template submit_as<&StreamReader::fill>(*this);
        return true;
    }

protected:
    explicit StreamReader(Ref<StreamState> stream) noexcept
        : Request(&StreamReader::completed, &StreamReader::fill), stream_(std::move(stream)) {}
    ~StreamReader() = default;

    /// The count after await_resume(); throws what went wrong.
    std::size_t count_or_throw() {
        if (problem_) [[unlikely]] {
            throw_problem();
        }
        keep_result();
        return count_;
    }

    // Set before it is suspended.
    MutableBuffer target_;
    bool target_is_buffer_ = false; // the stream's own

    Ref<StreamState> stream_;
    StreamProblem problem_;
    std::size_t count_ = 0;

private:
    friend StreamState;

    static constexpr std::size_t most = 0x7ffff000; // what the kernel takes at once

    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        auto& self = static_cast<StreamReader&>(request);
        const MutableBuffer target = self.stream_->bounded(self.target_);
        io_uring_prep_recv(&entry, self.stream_->fd(), target.data(),
                           target.size() < most ? target.size() : most, 0);
    }
    static void completed(Completion& completion, int result, unsigned flags) noexcept;

    /// The stream is being closed.
    void interrupt() noexcept { task()->scheduler()->ring->cancel(*this); }

    void on_cancel() noexcept override {
        cancel_asked_ = true;
        task()->scheduler()->ring->cancel(*this);
    }
    [[nodiscard]] const char* describe() const noexcept override { return "a read of a stream"; }

    [[noreturn]] void throw_problem();

    bool cancel_asked_ = false;
};

/// A write on a stream: waits for its turn, then sends until all is sent.
class StreamWriter : public Suspension, public WaitHook, protected Request {
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
            problem_ = StreamProblem::Kind::cancelled;
            return false;
        }
        stream_->enqueue(*this);
        return true;
    }

    void await_resume() {
        if (problem_) [[unlikely]] {
            throw_problem();
        }
        keep_result();
    }

    Result<void> await_result() noexcept {
        if (problem_.kind() == StreamProblem::Kind::cancelled) {
            return Result<void>::from_cancellation(take_cancellation());
        }
        if (problem_) {
            return Result<void>::failure(problem_.code(), problem_.context(name_));
        }
        keep_result();
        return {};
    }

protected:
    StreamWriter(Ref<StreamState> stream, Prepare prepare_entry, const char* name) noexcept
        : Request(&StreamWriter::completed, prepare_entry), stream_(std::move(stream)),
          name_(name) {}
    ~StreamWriter() { stream_->writers_.remove_if_linked(*this); }

    static constexpr std::size_t most = 0x7ffff000; // what the kernel takes at once
    static constexpr int flags = MSG_NOSIGNAL | MSG_WAITALL;

    [[nodiscard]] int fd() const noexcept { return stream_->fd(); }

    Ref<StreamState> stream_;

private:
    friend StreamState;

    /// Nothing to do, not even to wait for a turn.
    [[nodiscard]] virtual bool is_empty() const noexcept { return false; }
    /// `count` bytes were sent. Returns whether that was all.
    virtual bool advance(std::size_t count) noexcept = 0;
    /// Its turn has come. Returns whether it is over already, with problem_ set if it failed.
    virtual bool begin() noexcept {
        submit();
        return false;
    }

    void submit() noexcept { task()->scheduler()->ring->submit(*this); }
    static void completed(Completion& completion, int result, unsigned flags) noexcept;
    [[nodiscard]] bool go_on(int result) noexcept;

    /// Its turn will never come.
    void refuse(StreamProblem problem) noexcept {
        problem_ = problem;
        resume();
    }
    /// It is in flight, and the stream is being closed.
    void interrupt() noexcept { task()->scheduler()->ring->cancel(*this); }

    void on_cancel() noexcept override;
    [[nodiscard]] const char* describe() const noexcept override { return "a write to a stream"; }

    [[noreturn]] void throw_problem();

    const char* name_; // of the system call
    bool sent_some_ = false;
    bool cancel_asked_ = false;

protected:
    StreamProblem problem_;
};

/// Waits until the stream's descriptor is closed.
class StreamCloser final : public Suspension, public WaitHook {
public:
    explicit StreamCloser(Ref<StreamState> stream) noexcept : stream_(std::move(stream)) {}
    ~StreamCloser() { stream_->closers_.remove_if_linked(*this); }

    [[nodiscard]] bool await_ready() noexcept {
        stream_->close();
        return stream_->fd() < 0;
    }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        stream_->closers_.push_back(*this);
        return true;
    }
    void await_resume() { throw_if_cancelled(); }
    Result<void> await_result() noexcept {
        return cancellation_pending() ? Result<void>::from_cancellation(take_cancellation())
                                      : Result<void>();
    }

private:
    void on_cancel() noexcept override {
        stream_->closers_.remove(*this);
        resume();
    }
    [[nodiscard]] const char* describe() const noexcept override { return "Stream::close"; }

    Ref<StreamState> stream_;
};

// Implementation

inline std::error_code StreamProblem::code() const noexcept {
    switch (kind_) {
    case Kind::system:
        return {error_, std::system_category()};
    case Kind::closed:
        return {ECANCELED, std::system_category()};
    case Kind::second_reader:
        return {EBUSY, std::system_category()};
    default:
        return {EPIPE, std::system_category()};
    }
}

inline const char* StreamProblem::context(const char* name) const noexcept {
    switch (kind_) {
    case Kind::closed:
        return "the stream was closed";
    case Kind::broken:
        return "an earlier write to this stream was cut short";
    case Kind::ended:
        return "a write after write_eof()";
    default:
        return name;
    }
}

inline void StreamProblem::raise(const char* name) const {
    if (kind_ == Kind::second_reader) {
        throw std::logic_error("rondo: another task is reading from this stream: only one may at "
                               "a time; use a Lock, or let one task read for all");
    }
    throw make_system_error(code(), context(name));
}

inline StreamState::~StreamState() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

inline MutableBuffer StreamState::bounded(MutableBuffer buffer) const noexcept {
    return buffer.size() <= remaining_ ? buffer : buffer.first(remaining_);
}

inline StreamProblem StreamState::write_problem() const noexcept {
    if (closing_) {
        return StreamProblem::Kind::closed;
    }
    if (write_broken_) {
        return StreamProblem::Kind::broken;
    }
    if (write_ended_) {
        return StreamProblem::Kind::ended;
    }
    return {};
}

inline void StreamState::close() noexcept {
    if (closing_) {
        return;
    }
    closing_ = true;
    // Those in flight first: a completion that comes at once, of a request that was not submitted
    // yet, must not start the next writer.
    if (reader_ != nullptr) {
        reader_->interrupt();
    }
    if (writer_ != nullptr) {
        writer_->interrupt();
    }
    if (writer_ == nullptr) {
        start_writers(); // refuses them
    }
    close_if_idle();
}

inline void StreamState::abort() noexcept {
    if (fd_ >= 0) {
        const linger at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    close();
}

inline void StreamState::end_reading() noexcept {
    if (ended() || fd_ < 0) {
        return;
    }
    int arrived = 0;
    if (::ioctl(fd_, FIONREAD, &arrived) != 0) {
        arrived = 0;
    }
    remaining_ = static_cast<std::size_t>(arrived);
    ::shutdown(fd_, SHUT_RD); // wakes a read that waits
}

inline int StreamState::end_writing() noexcept {
    write_ended_ = true;
    return ::shutdown(fd_, SHUT_WR) == 0 ? 0 : errno;
}

inline StreamProblem StreamState::reader_done(int result, bool cancelled) noexcept {
    reader_ = nullptr;
    StreamProblem problem;
    if (result > 0) {
        if (remaining_ != unbounded) {
            const auto count = static_cast<std::size_t>(result);
            remaining_ -= count < remaining_ ? count : remaining_;
        }
    } else if (result == 0) {
        ended_ = true;
        if (lost_ != 0) {
            problem = read_problem_ = StreamProblem::system(lost_);
        }
    } else if (cancelled && (result == -ECANCELED || result == -EINTR)) {
        problem = StreamProblem::Kind::cancelled;
    } else if (closing_) {
        problem = StreamProblem::Kind::closed;
    } else {
        problem = StreamProblem::system(-result);
        if (result != -ENOBUFS && result != -ENOMEM) {
            read_problem_ = problem;
        }
    }
    close_if_idle();
    return problem;
}

inline void StreamState::enqueue(StreamWriter& writer) noexcept {
    if (writer_ != nullptr) {
        writers_.push_back(writer);
        return;
    }
    writer_ = &writer; // so nobody waits
    if (writer.begin()) {
        writer_ = nullptr;
        writer.resume();
    }
}

inline void StreamState::start_writers() noexcept {
    while (StreamWriter* next = writers_.pop_front()) {
        if (const StreamProblem problem = write_problem()) {
            next->refuse(problem);
            continue;
        }
        writer_ = next;
        if (!next->begin()) {
            return;
        }
        writer_ = nullptr;
        next->resume();
    }
}

inline void StreamState::writer_done(bool half_way, StreamProblem problem) noexcept {
    writer_ = nullptr;
    if (half_way) {
        write_broken_ = true;
    }
    if (problem.kind() == StreamProblem::Kind::system && problem.code().value() != EPIPE) {
        lost_ = problem.code().value();
    }
    start_writers();
    close_if_idle();
}

inline void StreamState::close_if_idle() noexcept {
    if (!closing_ || fd_ < 0 || reader_ != nullptr || writer_ != nullptr) {
        return;
    }
    ::close(std::exchange(fd_, -1)); // EINTR closes too, and of an error nobody could make use
    while (StreamCloser* closer = closers_.pop_front()) {
        closer->resume();
    }
}

inline void StreamReader::completed(Completion& completion, int result,
                                    unsigned /*flags*/) noexcept {
    auto& self = static_cast<StreamReader&>(static_cast<Request&>(completion));
    const bool cancelled = self.cancel_asked_ || self.cancellation_pending();
    if (result == -EINTR && !cancelled && !self.stream_->closing()) {
        self.task()->scheduler()->ring->submit(self);
        return;
    }
    if (result > 0) {
        self.count_ = static_cast<std::size_t>(result);
        if (self.target_is_buffer_) {
            self.stream_->buffer().commit(self.count_);
        }
    }
    self.problem_ = self.stream_->reader_done(result, cancelled);
    self.resume();
}

inline void StreamReader::throw_problem() {
    if (problem_.kind() == StreamProblem::Kind::cancelled) {
        throw_cancelled();
    }
    problem_.raise("recv");
}

inline void StreamWriter::completed(Completion& completion, int result,
                                    unsigned /*flags*/) noexcept {
    auto& self = static_cast<StreamWriter&>(static_cast<Request&>(completion));
    if (self.go_on(result)) {
        self.submit();
        return;
    }
    const bool half_way = self.problem_ && self.sent_some_;
    self.stream_->writer_done(half_way, self.problem_);
    self.resume();
}

inline bool StreamWriter::go_on(int result) noexcept {
    const bool cancelled = cancel_asked_ || cancellation_pending();
    if (result > 0) {
        sent_some_ = true;
        if (advance(static_cast<std::size_t>(result))) {
            return false;
        }
        // A short send: the kernel's older versions, or the end of a send that was interrupted.
        if (cancelled) {
            problem_ = StreamProblem::Kind::cancelled;
        } else if (stream_->closing()) {
            problem_ = StreamProblem::Kind::closed;
        }
        return !problem_;
    }
    if (cancelled && (result == -ECANCELED || result == -EINTR)) {
        problem_ = StreamProblem::Kind::cancelled;
    } else if (stream_->closing()) {
        problem_ = StreamProblem::Kind::closed;
    } else if (result == -EINTR) {
        return true;
    } else {
        problem_ = StreamProblem::system(-result);
    }
    return false;
}

inline void StreamWriter::on_cancel() noexcept {
    if (WaitHook::is_linked()) {
        stream_->writers_.remove(*this);
        problem_ = StreamProblem::Kind::cancelled;
        resume();
        return;
    }
    cancel_asked_ = true;
    task()->scheduler()->ring->cancel(*this);
}

inline void StreamWriter::throw_problem() {
    if (problem_.kind() == StreamProblem::Kind::cancelled) {
        throw_cancelled();
    }
    problem_.raise(name_);
}

} // namespace rondo::inline RONDO_ABI::detail
