#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Requests that complete many times: connections, chunks of data, readiness, as async streams. One
// submission brings results until the kernel, for reasons of its own, ends it; then it is submitted
// again, and nobody notices. The request's record lives apart from the stream and from every frame,
// so that neither has to wait for the kernel when it goes.

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rondo/config.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/error.hpp>
#include <rondo/io/buffer_pool.hpp>
#include <rondo/io/file_ops.hpp>
#include <rondo/io/operation.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>

namespace rondo::inline RONDO_ABI::io {

/// Options of a multishot stream.
struct MultishotOptions {
    /// How many results may wait for next() before the kernel is asked to pause. Those under way
    /// still come, so there may be more for a moment.
    std::size_t limit = 64;
};

namespace detail {

/// The record of a multishot request: what all kinds share. Reference-counted: by the stream, by
/// who waits in next(), and by the kernel while the request is with it.
///
/// | state    | request             | what is next                                                   |
/// | -------- | ------------------- | -------------------------------------------------------------- |
/// | idle     | idle                | armed, by a next() that finds nothing to return                |
/// | armed    | parked or in flight | at the final completion: armed again, if there is room; ended, |
/// |          |                     | if it is an error                                              |
/// | pausing  | the same, cancelled | at the final completion: idle; armed again, if somebody waits  |
/// | stopping | the same, cancelled | at the final completion: ended                                 |
/// | ended    | any                 | results that still come are disposed of                        |
class MultishotRecord : public Request, public rondo::detail::PoolAllocated {
public:
    MultishotRecord(const MultishotRecord&) = delete;
    MultishotRecord& operator=(const MultishotRecord&) = delete;

    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    [[nodiscard]] const Scheduler* scheduler() const noexcept { return scheduler_.get(); }
    [[nodiscard]] const char* name() const noexcept { return name_; }
    [[nodiscard]] bool has_waiter() const noexcept { return waiter_ != nullptr; }
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// Whether next() has something to return or to throw.
    [[nodiscard]] bool ready() const noexcept { return count() != 0 || error_ != 0 || ended_; }
    [[nodiscard]] int take_error() noexcept { return std::exchange(error_, 0); }

    void wait(Suspension& waiter) noexcept {
        waiter_ = &waiter;
        if (is_idle()) {
            arm();
        }
    }
    void forget(Suspension& waiter) noexcept {
        if (waiter_ == &waiter) {
            waiter_ = nullptr;
        }
    }

    void stop() noexcept {
        if (ended_ || stopping_) {
            return;
        }
        stopping_ = true;
        if (is_idle()) {
            end();
            let_go();
        } else {
            cancel();
        }
    }

    /// The stream is gone.
    void abandon() noexcept {
        discard();
        end();
        if (!is_idle()) {
            cancel();
        }
        drop_ref();
    }

protected:
    /// What becomes of a stream after an error.
    enum class Verdict : unsigned char {
        fatal,      ///< next() throws it, and it was the last
        temporary,  ///< next() throws it, and the call after it tries again
        transient,  ///< nobody needs to know: try again at once
        wait,       ///< the same, as soon as the descriptor is ready
        wait_later, ///< the same, but not before somebody wants a result
    };

    MultishotRecord(const char* name, int fd, std::size_t limit)
        : Request(&MultishotRecord::completed, &MultishotRecord::fill), fd_(fd),
          scheduler_(&rondo::detail::running_scheduler()), name_(name),
          limit_(limit != 0 ? limit : 1) {}
    virtual ~MultishotRecord() = default;

    /// Fills the submission entry, for a multishot request or as is_one_shot() says.
    virtual void prepare_entry(io_uring_sqe& entry) noexcept = 0;
    /// Takes a completion that is no error. May throw std::bad_alloc: then the result is lost.
    virtual void take(int result, unsigned flags) = 0;
    /// Judges an error; flags are the completion's.
    virtual Verdict judge(int error, unsigned flags) noexcept = 0;
    /// The descriptor is ready, after Verdict::wait. Returns false if it must not be tried.
    virtual bool prepare_after_wait() noexcept { return true; }
    /// The results that wait, and to drop them.
    [[nodiscard]] virtual std::size_t count() const noexcept = 0;
    virtual void discard() noexcept = 0;
    /// The request is idle and will not be armed again: needs nothing more of the loop.
    virtual void let_go() noexcept {}
    /// Whether to try again after a result that ended the request, although nobody waits.
    [[nodiscard]] virtual bool reads_ahead() const noexcept { return true; }
    /// The events that mean ready.
    [[nodiscard]] virtual unsigned ready_events() const noexcept { return POLLIN; }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] bool is_one_shot() const noexcept { return one_shot_; }

    /// No more results: next() returns the ones that wait, and then nothing.
    void end() noexcept {
        ended_ = true;
        wake();
    }
    void fail(int error) noexcept {
        error_ = error;
        wake();
    }

private:
    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        auto& self = static_cast<MultishotRecord&>(request);
        if (self.polling_) {
            io_uring_prep_poll_add(&entry, self.fd_, self.ready_events());
        } else {
            self.prepare_entry(entry);
        }
    }

    static void completed(Completion& completion, int result, unsigned flags) noexcept {
        auto& self = static_cast<MultishotRecord&>(static_cast<Request&>(completion));
        const bool final = (flags & IORING_CQE_F_MORE) == 0;
        bool go_on = self.reads_ahead();
        if (result < 0) {
            go_on = self.handle_error(-result, flags);
        } else if (self.polling_) {
            go_on = self.prepare_after_wait();
        } else {
            self.handle_result(result, flags);
        }
        if (final) {
            self.settle(go_on);
            self.drop_ref(); // the kernel's
        }
    }

    void handle_result(int result, unsigned flags) noexcept {
        proven_ = true;
        try {
            take(result, flags);
        } catch (const std::bad_alloc&) {
            handle_error(ENOMEM, 0);
        }
        if (count() >= limit_ && is_in_flight()) {
            cancel();
        }
        if (ready()) {
            wake();
        }
    }

    /// Returns whether to try again.
    bool handle_error(int error, unsigned flags) noexcept {
        const bool unasked = !cancelled_;
        if (error == ECANCELED && !unasked) {
            return false; // a pause, or the end, of which settle() knows
        }
        if (!one_shot_ && !proven_ && !polling_ && (error == EINVAL || error == EOPNOTSUPP)) {
            one_shot_ = true; // a kernel, or a descriptor, that cannot do it many times
            return true;
        }
        const Verdict verdict = error == ECANCELED ? Verdict::fatal : judge(error, flags);
        switch (verdict) {
        case Verdict::transient:
            return true;
        case Verdict::wait:
            wait_first_ = true;
            return true;
        case Verdict::wait_later:
            wait_first_ = true;
            return false;
        case Verdict::fatal:
            ended_ = true;
            if (is_in_flight()) {
                cancel();
            }
            break;
        case Verdict::temporary:
            break;
        }
        fail(error);
        return false;
    }

    /// The request is idle again.
    void settle(bool go_on) noexcept {
        polling_ = false;
        cancelled_ = false;
        if (stopping_ && !ended_) {
            end();
        }
        if (ended_) {
            let_go();
            return;
        }
        if (error_ != 0) {
            return;
        }
        const bool wanted = waiter_ != nullptr && waiter_->is_waiting();
        if (wanted || (go_on && count() < limit_)) {
            arm();
        }
    }

    void arm() noexcept {
        add_ref(); // the kernel's
        polling_ = std::exchange(wait_first_, false);
        scheduler_->ring->submit(*this);
    }

    void cancel() noexcept {
        if (!cancelled_) {
            cancelled_ = true;
            scheduler_->ring->cancel(*this);
        }
    }

    void wake() noexcept {
        if (waiter_ != nullptr) {
            waiter_->resume();
        }
    }

    int fd_;
    int error_ = 0; // what next() has to throw, behind the results that wait
    Ref<Scheduler> scheduler_;
    const char* name_;
    std::size_t limit_;
    Suspension* waiter_ = nullptr; // from its suspension until its await_resume
    std::uint32_t references_ = 1;
    bool one_shot_ = false;   // multishot is not to be had
    bool proven_ = false;     // has brought a result
    bool wait_first_ = false; // next time, poll before the request
    bool polling_ = false;    // what is armed is that poll
    bool cancelled_ = false;  // we have asked for the final completion
    bool stopping_ = false;
    bool ended_ = false;
};

/// A queue of results. Keeps its memory, so that a stream that runs allocates nothing.
template <class T>
class ResultQueue {
public:
    [[nodiscard]] std::size_t size() const noexcept { return items_.size() - first_; }
    void push(T item) {
        if (first_ != 0 && items_.size() == items_.capacity()) {
            items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
            first_ = 0;
        }
        items_.push_back(std::move(item));
    }
    [[nodiscard]] T pop() noexcept {
        T item = std::move(items_[first_]);
        if (++first_ == items_.size()) {
            clear();
        }
        return item;
    }
    void clear() noexcept {
        items_.clear();
        first_ = 0;
    }

private:
    std::vector<T> items_;
    std::size_t first_ = 0;
};

/// Accepted, and not handed out yet.
class PendingDescriptor {
public:
    explicit PendingDescriptor(int fd) noexcept : fd_(fd) {}
    PendingDescriptor(PendingDescriptor&& other) noexcept : fd_(other.release()) {}
    PendingDescriptor& operator=(PendingDescriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~PendingDescriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

class AcceptRecord final : public MultishotRecord {
public:
    using Value = int;

    AcceptRecord(int fd, int flags, std::size_t limit)
        : MultishotRecord("accept_multishot", fd, limit), flags_(flags | SOCK_CLOEXEC) {}

    [[nodiscard]] int pop() noexcept { return queue_.pop().release(); }
    [[nodiscard]] std::size_t count() const noexcept override { return queue_.size(); }

private:
    void prepare_entry(io_uring_sqe& entry) noexcept override {
        if (is_one_shot()) {
            io_uring_prep_accept(&entry, fd(), nullptr, nullptr, flags_);
        } else {
            io_uring_prep_multishot_accept(&entry, fd(), nullptr, nullptr, flags_);
        }
    }
    void take(int result, unsigned /*flags*/) override {
        PendingDescriptor connection(result);
        if (!ended()) {
            queue_.push(std::move(connection));
        }
    }
    Verdict judge(int error, unsigned /*flags*/) noexcept override {
        switch (error) {
        case EAGAIN:
            return Verdict::wait;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return Verdict::temporary;
        // accept(2): what went wrong with a connection before we could have it.
        case ECONNABORTED:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case EINTR:
        case ENETDOWN:
        case ENETUNREACH:
        case ENONET:
        case ENOPROTOOPT:
        case EPERM:
        case EPROTO:
        case ETIMEDOUT:
            return Verdict::transient;
        default:
            return Verdict::fatal;
        }
    }
    void discard() noexcept override { queue_.clear(); }

    int flags_;
    ResultQueue<PendingDescriptor> queue_;
};

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
        return Chunk(std::move(owned_), as_size(result));
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

class PollRecord final : public MultishotRecord {
public:
    using Value = int;

    PollRecord(int fd, int events)
        : MultishotRecord("poll_multishot", fd, ~std::size_t{0}),
          events_(static_cast<unsigned>(events)) {}

    [[nodiscard]] int pop() noexcept { return std::exchange(ready_, 0); }
    [[nodiscard]] std::size_t count() const noexcept override { return ready_ != 0 ? 1 : 0; }

private:
    void prepare_entry(io_uring_sqe& entry) noexcept override {
        if (is_one_shot()) {
            io_uring_prep_poll_add(&entry, fd(), events_);
        } else {
            io_uring_prep_poll_multishot(&entry, fd(), events_);
        }
    }
    void take(int result, unsigned /*flags*/) override { ready_ |= result; }
    Verdict judge(int /*error*/, unsigned /*flags*/) noexcept override { return Verdict::fatal; }
    void discard() noexcept override { ready_ = 0; }
    // What is ready already would be so at once again.
    [[nodiscard]] bool reads_ahead() const noexcept override { return false; }

    unsigned events_;
    int ready_ = 0; // events since the last next()
};

/// Waits for a stream's next result.
template <class Record>
class NextAwaiter final : public Suspension {
public:
    using Value = std::optional<typename Record::Value>;

    explicit NextAwaiter(Ref<Record> record) noexcept : record_(std::move(record)) {}
    ~NextAwaiter() { record_->forget(*this); }

    [[nodiscard]] bool await_ready() noexcept {
        misused_ = record_->has_waiter();
        return misused_ || record_->ready();
    }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        misused_ = awaiting.promise().task()->scheduler() != record_->scheduler();
        if (misused_ || !suspend_unless_cancelled(awaiting)) {
            return false;
        }
        record_->wait(*this);
        return true;
    }

    Value await_resume() {
        record_->forget(*this);
        if (misused_) [[unlikely]] {
            throw_misuse();
        }
        if (record_->count() != 0) {
            keep_result();
            return record_->pop();
        }
        if (const int error = record_->take_error(); error != 0) {
            rondo::detail::throw_system_error(error, record_->name());
        }
        if (!record_->ended()) {
            throw_cancelled();
        }
        keep_result();
        return std::nullopt;
    }

    /// The same without an exception: for as_result().
    Result<Value> await_result() {
        record_->forget(*this);
        if (misused_) [[unlikely]] {
            throw_misuse();
        }
        if (record_->count() != 0) {
            keep_result();
            return Result<Value>(record_->pop());
        }
        if (const int error = record_->take_error(); error != 0) {
            return Result<Value>::failure(std::error_code(error, std::system_category()),
                                          record_->name());
        }
        if (!record_->ended()) {
            return Result<Value>::from_cancellation(take_cancellation());
        }
        keep_result();
        return Result<Value>(Value());
    }

private:
    // The request stays armed: what it brings is for the next next().
    void on_cancel() noexcept override { resume(); }
    [[nodiscard]] const char* describe() const noexcept override { return record_->name(); }

    [[noreturn]] void throw_misuse() const {
        if (record_->has_waiter()) {
            throw std::logic_error("rondo: another task waits in next() of this stream already: "
                                   "let one task read it and hand out what it gets");
        }
        throw LoopError("rondo: this stream belongs to another event loop: make it in the one that "
                        "reads it");
    }

    Ref<Record> record_;
    bool misused_ = false;
};

template <class Record>
class [[nodiscard(
    "rondo: next() does nothing until it is awaited: did you forget co_await?")]] Next {
public:
    explicit Next(Ref<Record> record) noexcept : record_(std::move(record)) {}
    NextAwaiter<Record> operator co_await() const { return NextAwaiter<Record>(record_); }

private:
    Ref<Record> record_;
};

} // namespace detail

/// An async stream of a request's results: what accept_multishot(), recv_multishot() and
/// poll_multishot() return. Move-only; for one task at a time.
///
/// Nothing is submitted before the first next(). From then on results come on their own, also while
/// nobody waits; when many do, the kernel is asked to pause.
/// Lifetime: destroying the stream ends it: results that nobody has taken are disposed of (accepted
/// connections are closed, buffers go back), those under way as soon as they come. The kernel holds
/// on to the descriptor meanwhile: to close it and be sure, stop() first and await next() until it is
/// empty, or destroy the stream and await cancel_fd().
template <class Record>
class Multishot {
public:
    using Value = typename Record::Value;

    /// For Rondo's own use: see accept_multishot() and its like.
    explicit Multishot(detail::Ref<Record> record) noexcept : record_(std::move(record)) {}
    Multishot(Multishot&& other) noexcept = default;
    Multishot& operator=(Multishot&& other) noexcept {
        Multishot old(std::move(*this));
        record_ = std::move(other.record_);
        return *this;
    }
    ~Multishot() {
        if (record_) {
            record_.detach()->abandon();
        }
    }

    /// The next result: `std::optional<T>`, which is empty after stop(), or at the end of what is
    /// received. An empty one stays the last.
    ///
    /// Throws when awaited: std::system_error, behind the results that came before it; it ends the
    /// stream unless the function that made the stream says otherwise. std::logic_error if another
    /// task waits already. LoopError in another loop than the one it was made in.
    /// Cancellation: takes nothing from the stream. A result that has arrived is returned instead,
    /// and the cancellation stays pending for the task's next suspension.
    [[nodiscard]] detail::Next<Record> next() { return detail::Next<Record>(record_); }

    /// Asks the kernel to bring no more. next() returns what it has brought by then, and then empty.
    void stop() noexcept { record_->stop(); }

private:
    detail::Ref<Record> record_;
};

/// The streams by what they bring: descriptors of connections, chunks of data, readiness as POLL….
using ConnectionStream = Multishot<detail::AcceptRecord>;
using ChunkStream = Multishot<detail::RecvRecord>;
using ReadinessStream = Multishot<detail::PollRecord>;

/// Accepts connections on a listening socket until it is stopped; `flags` are 0 or SOCK_NONBLOCK, to
/// which SOCK_CLOEXEC is added. Results are descriptors, which the caller has to close.
///
/// Throws when awaited: std::system_error. After EMFILE, ENFILE, ENOBUFS and ENOMEM next() may be
/// called again, better a moment later: the connection still waits. What went wrong with a single
/// connection before it was accepted is not reported.
/// Example:
/// @code
/// auto connections = rondo::io::accept_multishot(listener);
/// while (auto connection = co_await connections.next()) {
///     rondo::create_task(serve(*connection));
/// }
/// @endcode
[[nodiscard]] inline Multishot<detail::AcceptRecord> accept_multishot(
    int fd, int flags = 0, MultishotOptions options = {}) {
    return Multishot(detail::Ref<detail::AcceptRecord>::adopt(
        new detail::AcceptRecord(fd, flags, options.limit)));
}

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

/// Tells when a descriptor becomes ready; `events` as for poll(). Results are the events since the
/// last next(), POLL….
///
/// It tells of changes: after each result, read or write until EAGAIN. Now and then it tells of
/// readiness that is none any more, or of none that is new.
[[nodiscard]] inline ReadinessStream poll_multishot(int fd, int events) {
    return Multishot(detail::Ref<detail::PollRecord>::adopt(new detail::PollRecord(fd, events)));
}

} // namespace rondo::inline RONDO_ABI::io
