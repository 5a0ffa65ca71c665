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
#include <limits>
#include <memory>
#include <utility>

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/direct_files.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/detail/intrusive_list.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/stream_buffer.hpp>
#include <rondo/detail/stream_problem.hpp>
#include <rondo/detail/stream_remote.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>
#include <rondo/wait_list.hpp>

namespace rondo::inline RONDO_ABI::detail {

class StreamCloser;
class StreamRequest;

/// The shared part of a stream. Counted, not atomically: it belongs to one loop.
///
/// | state   | fd   | reads               | writes  |
/// | ------- | ---- | ------------------- | ------- |
/// | open    | open | buffer, then kernel | kernel  |
/// | ended   | open | buffer, then EOF    | kernel  |
/// | closing | open | buffer, then EOF    | refused |
/// | closed  | -1   | buffer, then EOF    | refused |
///
/// It is closing until the kernel has let go of the read and the write in flight: their submission
/// entries may name the descriptor, which must not become somebody else's before.
class StreamState final : public PoolAllocated {
public:
    /// Takes over a connected socket. Throws: std::bad_alloc; the caller keeps the socket.
    StreamState(int fd, std::size_t limit, const Endpoint& remote)
        : fd_(fd), entry_fd_(fd), limit_(limit), remote_(remote) {}
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
    [[nodiscard]] Endpoint remote() const noexcept { return remote_.get(); }

    /// What was received and not read. Throws: std::bad_alloc.
    [[nodiscard]] StreamBuffer& buffer() {
        if (buffer_ == nullptr) {
            buffer_ = std::make_unique<StreamBuffer>();
        }
        return *buffer_;
    }
    /// The same; null if there has never been anything.
    [[nodiscard]] StreamBuffer* buffer_if_any() const noexcept { return buffer_.get(); }

    /// Nothing has happened but data: the stream has not ended, failed, or been told to close or to
    /// end. All that the others below say is then known, so that the usual case has one thing to ask.
    [[nodiscard]] bool is_plain() const noexcept { return plain_; }

    [[nodiscard]] bool closing() const noexcept { return closing_; }
    [[nodiscard]] bool writing_ended() const noexcept { return write_ended_; }

    /// Nothing more will come from the kernel, and that is no error.
    [[nodiscard]] bool ended() const noexcept { return ended_ || closing_ || remaining_ == 0; }
    [[nodiscard]] bool at_eof() const noexcept {
        return ended() && (buffer_ == nullptr || buffer_->empty());
    }

    /// What reading failed with, if it did: it sticks, because the kernel says it only once.
    [[nodiscard]] StreamProblem read_problem() const noexcept { return read_problem_; }
    /// Why no write can begin.
    [[nodiscard]] StreamProblem write_problem() const noexcept;

    /// One task reads at a time, for as long as the whole read takes.
    [[nodiscard]] bool claim_reading() noexcept { return !std::exchange(reading_, true); }
    void release_reading() noexcept { reading_ = false; }

    /// How much of a buffer a receive may fill: end_reading() sets a bound.
    [[nodiscard]] MutableBuffer bounded(MutableBuffer buffer) const noexcept {
        return buffer.size() <= remaining_ ? buffer : buffer.first(remaining_);
    }

    /// Lets a submission entry name the socket.
    void name_in(io_uring_sqe& entry) const noexcept {
        entry.fd = entry_fd_;
        entry.flags = entry_flags_;
    }

    /// A receive is in flight, and has completed: with what problem?
    void begin_read(StreamRequest& request, const Ring& ring) noexcept {
        leave_table_of_another(ring);
        reader_ = &request;
    }
    [[nodiscard]] StreamProblem end_read(int result, bool cancelled) noexcept;
    /// The same, of one that brought data to a plain stream.
    void end_plain_read(Ring& ring) noexcept {
        reader_ = nullptr;
        if (--reads_left_ == 0) [[unlikely]] {
            go_direct(ring);
        }
    }

    /// A write begins as soon as those before it are done: returns whether that is now. When it is
    /// done itself, the next one begins; half_way: some of it was sent, and the rest never will be.
    [[nodiscard]] bool enqueue_write(StreamRequest& request, const Ring& ring) noexcept;
    void end_write(bool half_way, StreamProblem problem) noexcept;
    /// The same, of one that has sent all, on a plain stream.
    void end_plain_write() noexcept {
        writer_ = nullptr;
        if (!writers_.empty()) [[unlikely]] {
            start_writers();
        }
    }

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

    ~StreamState();
    void close_if_idle() noexcept;
    /// A stream may be used in one loop after another.
    void leave_table_of_another(const Ring& ring) noexcept {
        if (direct_files_ && !direct_files_->is_of(ring)) [[unlikely]] {
            leave_table();
        }
    }
    // Cold: what calls them hardly ever must not save registers for them each time.
    [[gnu::cold]] void go_direct(Ring& ring) noexcept;
    [[gnu::cold]] void leave_table() noexcept;
    void start_writers() noexcept;
    void close_socket() noexcept;

    // To be in the ring's table costs as much as some dozens of requests gain by it.
    static constexpr std::uint8_t reads_before_direct = 128;

    static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

    // What each read and write looks at comes first, together.
    std::uint32_t references_ = 0;
    int fd_;       // -1 once it is closed
    int entry_fd_; // the same, or its place in the ring's table
    bool plain_ = true;
    bool closing_ = false;
    bool reading_ = false; // a task reads; it need not have a receive in flight
    std::uint8_t entry_flags_ = 0;
    std::uint8_t reads_left_ = reads_before_direct; // until go_direct(), and again after 256
    bool ended_ : 1 = false;                        // a receive gave 0
    bool write_ended_ : 1 = false;                  // by write_eof()
    bool write_broken_ : 1 = false;                 // by a write that ended half-way
    bool held_elsewhere_ : 1 = false;               // another thread's ring has the socket as well
    int lost_ = 0;                    // errno of a lost connection that a send was told of
    StreamRequest* reader_ = nullptr; // in flight
    StreamRequest* writer_ = nullptr; // in flight
    IntrusiveList<StreamRequest, Ring> writers_; // wait for their turn
    std::unique_ptr<StreamBuffer> buffer_;       // null until the first buffered read
    StreamProblem read_problem_;
    Ref<DirectFiles> direct_files_; // where entry_fd_ is a place; null: it is fd_
    std::size_t limit_;
    std::size_t remaining_ = unbounded; // bytes until end_reading() takes effect
    WaitList<StreamCloser> closers_;
    StreamRemote remote_; // asked for in the beginning: one that was reset has none any more
};

/// What reads and writes have in common: a request on the stream's socket, and how it ends.
class StreamRequest : public Suspension, public Request {
public:
    /// It waits for its turn to write: not submitted yet, its hook is free for that.
    [[nodiscard]] bool is_queued() const noexcept {
        return is_idle() && ListHook<Ring>::is_linked();
    }

    /// Its turn to write has come. Returns whether it is over already, with problem_ set if it
    /// failed.
    virtual bool begin() noexcept {
        submit();
        return false;
    }

    /// Its turn will never come.
    void refuse(StreamProblem problem) noexcept {
        problem_ = problem;
        resume();
    }

    /// It is in flight, and the stream is being closed. Its completion resumes the task.
    void interrupt() noexcept { task()->scheduler()->ring->cancel(*this); }

protected:
    StreamRequest(Ref<StreamState> stream, Function completion, Prepare prepare_entry) noexcept
        : Request(completion, prepare_entry), stream_(std::move(stream)) {}
    ~StreamRequest() = default;

    // What the kernel takes at once.
    static constexpr std::size_t most = 0x7ffff000;
    [[nodiscard]] static unsigned bounded(std::size_t size) noexcept {
        return static_cast<unsigned>(size < most ? size : most);
    }

    void submit() noexcept { task()->scheduler()->ring->submit(*this); }

    [[nodiscard]] bool is_cancelled() const noexcept {
        return cancel_asked_ || cancellation_pending();
    }

    /// For await_resume().
    void throw_if_failed() {
        if (problem_) [[unlikely]] {
            throw_problem();
        }
        keep_result();
    }

    /// For await_result(), after a failure.
    template <class T>
    Result<T> failure() noexcept {
        if (problem_.is_cancellation()) {
            return Result<T>::from_cancellation(take_cancellation());
        }
        if (problem_.is_misuse()) {
            return Result<T>::failure(problem_.misuse());
        }
        return Result<T>::failure(problem_.code(), problem_.context(describe()));
    }

    // Small ones first: there is room for them in what a Request leaves of its last word.
    bool cancel_asked_ = false;
    bool flag_ = false; // the derived class's
    StreamProblem problem_;
    std::uint32_t count_ = 0; // a read's: how many bytes came
    Ref<StreamState> stream_;

private:
    void on_cancel() noexcept override {
        if (is_queued()) {
            IntrusiveList<StreamRequest, Ring>::remove(*this);
            refuse(StreamProblem::cancelled());
            return;
        }
        cancel_asked_ = true;
        interrupt();
    }
    /// The system call's name.
    [[nodiscard]] const char* describe() const noexcept override = 0;
    [[noreturn]] void throw_problem();
};

/// Closes the stream, and waits until its descriptor is closed.
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

/// What Stream::close() returns.
class [[nodiscard(
    "rondo: this does nothing until it is awaited: did you forget co_await?")]] StreamClose {
public:
    explicit StreamClose(Ref<StreamState> stream) noexcept : stream_(std::move(stream)) {}
    StreamCloser operator co_await() const { return StreamCloser(stream_); }

private:
    Ref<StreamState> stream_;
};

// Implementation

inline StreamState::~StreamState() {
    if (fd_ >= 0) {
        close_socket();
    }
}

/// The stream has been read from so often that it is worth a place in the ring's table.
inline void StreamState::go_direct(Ring& ring) noexcept {
    if (direct_files_) {
        return;
    }
    DirectFiles* const files = direct_files(ring);
    const int place = files != nullptr ? files->add(fd_) : DirectFiles::none;
    if (place != DirectFiles::none) {
        direct_files_ = Ref<DirectFiles>(files);
        entry_fd_ = place;
        entry_flags_ = IOSQE_FIXED_FILE;
    }
}

inline void StreamState::leave_table() noexcept {
    if (direct_files_) {
        held_elsewhere_ = !direct_files_->remove(entry_fd_) || held_elsewhere_;
        direct_files_.reset();
        entry_fd_ = fd_;
        entry_flags_ = 0;
    }
}

inline void StreamState::close_socket() noexcept {
    leave_table();
    if (held_elsewhere_) {
        ::shutdown(fd_, SHUT_RDWR);
    }
    ::close(std::exchange(fd_, -1)); // it is closed even if that says EINTR
}

inline StreamProblem StreamState::write_problem() const noexcept {
    if (closing_) {
        return StreamProblem::closed();
    }
    if (write_broken_) {
        return StreamProblem::broken();
    }
    return write_ended_ ? StreamProblem::ended() : StreamProblem();
}

inline StreamProblem StreamState::end_read(int result, bool cancelled) noexcept {
    reader_ = nullptr;
    StreamProblem problem;
    if (result > 0) {
        if (remaining_ != unbounded) {
            const auto count = static_cast<std::size_t>(result);
            remaining_ -= count < remaining_ ? count : remaining_;
        }
    } else if (result == 0) {
        plain_ = false;
        ended_ = true;
        if (lost_ != 0) {
            problem = read_problem_ = StreamProblem::system(lost_);
        }
    } else if (cancelled && (result == -ECANCELED || result == -EINTR)) {
        problem = StreamProblem::cancelled();
    } else if (closing_) {
        problem = StreamProblem::closed();
    } else {
        problem = StreamProblem::system(-result);
        if (result != -ENOBUFS && result != -ENOMEM) {
            plain_ = false;
            read_problem_ = problem;
        }
    }
    close_if_idle();
    return problem;
}

inline bool StreamState::enqueue_write(StreamRequest& request, const Ring& ring) noexcept {
    leave_table_of_another(ring);
    if (writer_ != nullptr) [[unlikely]] {
        writers_.push_back(request);
        return false;
    }
    writer_ = &request; // so nobody waits
    return true;
}

inline void StreamState::end_write(bool half_way, StreamProblem problem) noexcept {
    writer_ = nullptr;
    if (half_way) {
        plain_ = false;
        write_broken_ = true;
    }
    if (const int error = problem.system_error(); error != 0 && error != EPIPE) {
        plain_ = false;
        lost_ = error; // EPIPE may come after a proper end, which is still to be read
    }
    start_writers();
    close_if_idle();
}

inline void StreamState::start_writers() noexcept {
    while (StreamRequest* next = writers_.pop_front()) {
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

inline void StreamState::close() noexcept {
    if (closing_) {
        return;
    }
    plain_ = false;
    closing_ = true;
    // Either may complete at once, if it was not submitted yet.
    if (reader_ != nullptr) {
        reader_->interrupt();
    }
    if (writer_ != nullptr) {
        writer_->interrupt();
    }
    // Those in the queue need not wait for the one in flight.
    while (StreamRequest* waiting = writers_.pop_front()) {
        waiting->refuse(StreamProblem::closed());
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
    if (ended()) {
        return;
    }
    int arrived = 0;
    if (::ioctl(fd_, FIONREAD, &arrived) != 0) {
        arrived = 0;
    }
    plain_ = false;
    remaining_ = static_cast<std::size_t>(arrived);
    ::shutdown(fd_, SHUT_RD); // wakes a read that waits
}

inline int StreamState::end_writing() noexcept {
    plain_ = false;
    write_ended_ = true;
    return ::shutdown(fd_, SHUT_WR) == 0 ? 0 : errno;
}

inline void StreamState::close_if_idle() noexcept {
    if (!closing_ || fd_ < 0 || reader_ != nullptr || writer_ != nullptr) {
        return;
    }
    close_socket();
    while (StreamCloser* closer = closers_.pop_front()) {
        closer->resume();
    }
}

inline void StreamRequest::throw_problem() {
    if (problem_.is_cancellation()) {
        throw_cancelled();
    }
    problem_.raise(describe());
}

} // namespace rondo::inline RONDO_ABI::detail
