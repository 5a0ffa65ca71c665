#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The thinnest layer over liburing that a loop can stand on: requests which can be prepared whenever
// there is room, cancellation, and one indirect jump per completion. A full queue, a short submit,
// an overflow or an errno of io_uring_enter is dealt with here and counted; nobody above ever sees
// one. It knows nothing of coroutines.

#include <rondo/detail/probe.hpp>
#include <rondo/detail/request.hpp>
#include <rondo/detail/uring.hpp>

#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/intrusive_list.hpp>
#include <rondo/error.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// What a ring has done.
struct RingMetrics {
    std::uint64_t enters = 0;      ///< system calls
    std::uint64_t submitted = 0;   ///< entries that the kernel took, cancellations included
    std::uint64_t completions = 0; ///< completions that went to a request
    std::uint64_t parked = 0;      ///< requests that had to wait for an entry
    std::uint64_t overflows = 0;   ///< times when completions were found in the kernel's backlog
    std::uint64_t submit_busy = 0; ///< refusals to submit for now (EBUSY, EAGAIN)
    std::uint64_t lost = 0;        ///< completions that the kernel had no memory to keep
};

/// Sees completions before their requests do, and may change them: how tests inject faults.
class CompletionFilter {
public:
    virtual void filter(Completion& completion, int& result, unsigned& flags) noexcept = 0;

protected:
    ~CompletionFilter() = default;
};

class BufferRing;
class DirectFiles;

/// What belongs to a ring and is made when it is first needed, by those who know it: goes before the
/// kernel's side does.
struct RingParts {
    template <class Part>
    using Owned = std::unique_ptr<Part, void (*)(Part*) noexcept>;

    Owned<BufferRing> shared_buffers{nullptr, nullptr}; ///< see shared_buffers()
    Owned<DirectFiles> direct_files{nullptr, nullptr};  ///< see direct_files()
};

/// An io_uring, used by the thread that makes it.
class Ring {
public:
    using Nanoseconds = std::chrono::nanoseconds;

    /// Throws: std::system_error that names cause and remedy when io_uring cannot be had.
    explicit Ring(const RingOptions& options = {});

    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// As `close`.
    ~Ring() { close(); }

    /// Frees the ring; does nothing the second time. In a forked child it leaves the parent's ring
    /// alone. Precondition: nothing is parked or in flight.
    void close() noexcept;

    bool is_closed() const noexcept { return kernel_.is_closed(); }

    /// Queues `request`, which must be idle, for the next `poll` or `wait`. Flushes a full queue to
    /// the kernel; if that makes no room, keeps the request in a list until there is some.
    void submit(Request& request) noexcept {
        RONDO_ASSERT(request.is_idle(), "a request can be submitted once until it has completed");
        if (is_full() || is_inherited()) [[unlikely]] {
            submit_slowly(request);
        } else {
            place_as(request, request.prepare);
        }
    }

    /// The same for a request whose `prepare` is known here: it can be inlined, which saves half of
    /// what a submission costs.
    template <Request::Prepare Prepare>
    void submit_as(Request& request) noexcept {
        RONDO_ASSERT(request.is_idle(), "a request can be submitted once until it has completed");
        RONDO_ASSERT(request.prepare == Prepare, "submit_as() must name the request's own prepare");
        if (is_full() || is_inherited()) [[unlikely]] {
            submit_slowly(request);
        } else {
            place_as(request, Prepare);
        }
    }

    /// Asks the kernel to cancel `request`, at most once. Its final completion comes as ever, with
    /// whatever result it has by then, and is all that counts. A parked request, of which the
    /// kernel knows nothing, completes with -ECANCELED before this returns; an idle one does not.
    void cancel(Request& request) noexcept;

    /// Asks the kernel to cancel all that is in flight, and completes all that is parked with
    /// -ECANCELED before this returns. For shutdown.
    void cancel_all() noexcept;

    /// Submits what is queued and dispatches the completions that are there. Does not wait, and
    /// makes no system call if nothing is queued and the kernel has flagged nothing.
    ///
    /// Returns how many completions went to requests.
    /// Throws: LoopError in a forked child.
    unsigned poll() {
        refuse_if_useless();
        return is_quiet() ? 0 : poll_here();
    }

    /// Submits what is queued, waits until there is a completion, and dispatches those that are
    /// there, in one system call. Does not wait if there is a completion already. May return early
    /// with 0: on a signal, or for a completion that goes to nobody.
    ///
    /// Returns how many completions went to requests.
    /// Throws: LoopError in a forked child.
    unsigned wait() {
        if (!must_wait()) {
            return poll_here();
        }
        return after_wait(enter(queued(), 1, IORING_ENTER_GETEVENTS), Nanoseconds::max());
    }

    /// The same, for no longer than `timeout`. Does not wait if that is not positive.
    unsigned wait(Nanoseconds timeout);

    /// As `wait`, but until `deadline`, without a look at the clock where the kernel takes the
    /// deadline as it is (`RingFeature::registered_wait`). One that has passed is no error.
    unsigned wait_until(Clock::time_point deadline);

    /// Whether nothing is queued, parked or in flight.
    bool idle() const noexcept { return in_flight() == 0 && !has_parked() && queued() == 0; }

    /// The requests whose final completion is outstanding. Those parked do not count.
    std::size_t in_flight() const noexcept { return queue().sqe_tail - settled_; }

    const RingMetrics& metrics() const noexcept { return metrics_; }

    /// The bits of RingFeature in use.
    unsigned features() const noexcept { return kernel_.features; }

    /// Whether the kernel has `opcode` (IORING_OP_… or uring::op_…).
    bool supports(int opcode) const noexcept { return probe_.supports(opcode); }

    /// Becomes readable when there are completions. With `RingFeature::defer_taskrun` they exist
    /// only after an enter: `poll` before each wait for it.
    int fd() const noexcept { return kernel_.ring.ring_fd; }

    /// For registration and buffer rings.
    io_uring& native() noexcept { return kernel_.ring; }

    /// Puts `filter` between the kernel and the requests, or takes it away (nullptr). It sees
    /// neither parked requests that are cancelled nor the verdicts of cancellations.
    void set_completion_filter(CompletionFilter* filter) noexcept { filter_ = filter; }

    RingParts& parts() noexcept { return parts_; }

    /// Whether this is a forked child's copy of its parent's ring, and useless.
    bool is_inherited() const noexcept { return kernel_.is_inherited(); }

private:
    io_uring_sq& queue() noexcept { return kernel_.ring.sq; }
    const io_uring_sq& queue() const noexcept { return kernel_.ring.sq; }

    // Between its enters a ring without a polling thread has nobody else to take entries, so the
    // limit that the last enter left is exact, and costs no look at memory shared with the kernel.
    bool is_full() const noexcept { return queue().sqe_tail == limit_; }
    unsigned queued() const noexcept { return queue().sqe_tail - (limit_ - queue().ring_entries); }
    bool has_parked() const noexcept {
        return !parked_.empty() || !parked_cancels_.empty() || cancel_all_parked_;
    }

    io_uring_sqe& take_entry() noexcept;
    void place_as(Request& request, Request::Prepare prepare) noexcept;
    void place_cancel(Request& request) noexcept;
    void place_cancel_all() noexcept;
    [[gnu::cold]] void submit_slowly(Request& request) noexcept;
    static void complete_cancelled(Request& request) noexcept;

    int enter(unsigned to_submit, unsigned to_wait_for, unsigned flags,
              const void* argument = nullptr, std::size_t size = _NSIG / 8) noexcept;
    int enter_for(unsigned to_submit, Nanoseconds time, unsigned flags = 0) noexcept;
    bool flush() noexcept;
    void feed() noexcept;
    void tolerate(int error);

    unsigned kernel_flags() const noexcept {
        return __atomic_load_n(queue().kflags, __ATOMIC_RELAXED);
    }
    bool has_completions() const noexcept {
        return *kernel_.ring.cq.khead != io_uring_smp_load_acquire(kernel_.ring.cq.ktail);
    }
    /// Nothing to hand over or to take. Most turns of a busy loop find it so.
    bool is_quiet() const noexcept {
        return queued() == 0 && !has_completions() && !may_have_parked_ &&
               (kernel_flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) == 0 &&
               ((kernel_.features & RingFeature::taskrun_flag) != 0 || in_flight() == 0);
    }
    unsigned poll_here();
    /// Hands over what is parked, as nobody may wait while there is something to do.
    ///
    /// Returns whether there may be nothing left but to wait.
    bool must_wait() {
        refuse_if_useless();
        while (may_have_parked_ && flush()) {}
        return queued() != 0 || !has_completions();
    }
    unsigned after_wait(int error, Nanoseconds longest) {
        if (error != 0 || may_have_parked_) [[unlikely]] {
            wait_again(error, longest);
        }
        return dispatch();
    }
    void wait_again(int error, Nanoseconds longest);
    unsigned dispatch() noexcept;
    template <bool Filtered>
    unsigned dispatch_until(unsigned tail) noexcept;

    void refuse_if_useless() const {
        RONDO_ASSERT(!is_closed(), "a closed ring cannot be polled: close() it last");
        if (is_inherited()) [[unlikely]] {
            throw_inherited();
        }
    }
    [[noreturn]] static void throw_inherited();

    KernelRing kernel_;
    // These two count entries for ever, modulo 2^32, as the queue's own head and tail do.
    unsigned limit_ = 0;           // the tail at which the queue is full
    unsigned settled_ = 0;         // entries for whose completion nobody waits, or not any more
    bool may_have_parked_ = false; // true whenever has_parked() is
    bool cancel_all_parked_ = false;
    CompletionFilter* filter_ = nullptr;
    RingMetrics metrics_;
    IntrusiveList<Request, Ring> parked_;         // only while is_full(), in order of submission
    IntrusiveList<Request, Ring> parked_cancels_; // the same, of requests in flight
    UringProbe probe_;
    RingParts parts_;
};

// Implementation

inline Ring::Ring(const RingOptions& options) : kernel_(options), probe_(kernel_.ring) {
    settled_ = queue().sqe_tail;
    limit_ = settled_ + queue().ring_entries;
}

inline void Ring::close() noexcept {
    RONDO_ASSERT(is_closed() || is_inherited() || (in_flight() == 0 && !has_parked()),
                 "a ring cannot be closed with requests in flight: cancel_all() and wait()");
    parts_ = RingParts();
    kernel_.close();
}

inline io_uring_sqe& Ring::take_entry() noexcept {
    io_uring_sqe& entry = queue().sqes[queue().sqe_tail & queue().ring_mask];
    ++queue().sqe_tail;
    // Which fields io_uring_prep_… leaves alone depends on the version of liburing.
    std::memset(&entry, 0, sizeof entry);
    return entry;
}

inline void Ring::place_as(Request& request, Request::Prepare prepare) noexcept {
    io_uring_sqe& entry = take_entry();
    prepare(request, entry);
    entry.user_data = reinterpret_cast<std::uintptr_t>(static_cast<Completion*>(&request));
    request.state_ = Request::in_flight;
}

// A request whose user_data is 0 has a completion that dispatch() ignores: a cancellation and its
// target complete in any order, and only the target's completion says what became of it.

inline void Ring::place_cancel(Request& request) noexcept {
    // Entries are worked on in order, so this one finds the request, and never a later one that
    // lives at the same address: that one's entry comes after this one.
    io_uring_sqe& entry = take_entry();
    ++settled_;
    entry.opcode = IORING_OP_ASYNC_CANCEL;
    entry.fd = -1;
    entry.addr = reinterpret_cast<std::uintptr_t>(static_cast<Completion*>(&request));
    request.state_ = Request::in_flight | Request::cancel_asked;
}

inline void Ring::place_cancel_all() noexcept {
    io_uring_sqe& entry = take_entry();
    ++settled_;
    entry.opcode = IORING_OP_ASYNC_CANCEL;
    entry.fd = -1;
    entry.cancel_flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
}

inline void Ring::complete_cancelled(Request& request) noexcept {
    request.state_ = Request::idle;
    request.on_completion(request, -ECANCELED, 0);
}

inline void Ring::submit_slowly(Request& request) noexcept {
    if (!is_inherited()) {
        flush();
        if (!is_full()) {
            place_as(request, request.prepare);
            return;
        }
    }
    ++metrics_.parked;
    request.state_ = Request::parked;
    may_have_parked_ = true;
    parked_.push_back(request);
}

inline void Ring::cancel(Request& request) noexcept {
    if (request.state_ == Request::parked) {
        parked_.remove(request);
        complete_cancelled(request);
    } else if (request.state_ == Request::in_flight) {
        if (is_full() && !is_inherited()) {
            flush();
        }
        if (is_full() || is_inherited()) {
            request.state_ = Request::in_flight | Request::cancel_parked;
            may_have_parked_ = true;
            parked_cancels_.push_back(request);
        } else {
            place_cancel(request);
        }
    }
}

inline void Ring::cancel_all() noexcept {
    if (in_flight() != 0) {
        if (is_full() && !is_inherited()) {
            flush();
        }
        if (is_full() || is_inherited()) {
            may_have_parked_ = true;
            cancel_all_parked_ = true;
        } else {
            place_cancel_all();
        }
    }
    // Only those which are parked now: a completion may submit again.
    IntrusiveList<Request, Ring> cancelled;
    cancelled.splice_back(parked_);
    while (Request* request = cancelled.pop_front()) {
        complete_cancelled(*request);
    }
}

/// Enters the kernel with at most `to_submit` of what is queued.
///
/// Returns 0 or an errno.
inline int Ring::enter(unsigned to_submit, unsigned to_wait_for, unsigned flags,
                       const void* argument, std::size_t size) noexcept {
    queue().sqe_head = queue().sqe_tail;
    io_uring_smp_store_release(queue().ktail, queue().sqe_tail);
    ++metrics_.enters;
    const int result = kernel_.enter(to_submit, to_wait_for, flags, argument, size);
    limit_ = io_uring_smp_load_acquire(queue().khead) + queue().ring_entries;
    if (result < 0) {
        return -result;
    }
    metrics_.submitted += static_cast<unsigned>(result);
    return 0;
}

/// The same, to wait for one completion and for no longer than `time`.
inline int Ring::enter_for(unsigned to_submit, Nanoseconds time, unsigned flags) noexcept {
    // The kernel adds the time that has passed since it booted.
    constexpr Nanoseconds longest{std::int64_t{1} << 62};
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t count = (time < longest ? time : longest).count();
    __kernel_timespec limit = {};
    limit.tv_sec = count / second;
    limit.tv_nsec = count % second;
    flags |= IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    if (kernel_.wait_argument != nullptr) {
        kernel_.wait_argument->time = limit;
        // The argument is now an offset into the memory that is registered.
        return enter(to_submit, 1, flags | uring::enter_registered_argument, nullptr,
                     sizeof *kernel_.wait_argument);
    }
    io_uring_getevents_arg argument = {};
    argument.ts = reinterpret_cast<std::uintptr_t>(&limit);
    return enter(to_submit, 1, flags, &argument, sizeof argument);
}

/// Hands the queue to the kernel, and entries to what is parked. Completions stay where they are.
///
/// Returns whether the kernel took anything.
inline bool Ring::flush() noexcept {
    const unsigned before = limit_;
    const int error = enter(queued(), 0, 0);
    if (error == EBUSY || error == EAGAIN) {
        ++metrics_.submit_busy;
    }
    const bool took = limit_ != before;
    feed();
    return took;
}

inline void Ring::feed() noexcept {
    if (cancel_all_parked_ && !is_full()) {
        cancel_all_parked_ = false;
        place_cancel_all();
    }
    while (!parked_cancels_.empty() && !is_full()) {
        place_cancel(*parked_cancels_.pop_front());
    }
    while (!parked_.empty() && !is_full()) {
        Request& request = *parked_.pop_front();
        place_as(request, request.prepare);
    }
    may_have_parked_ = has_parked();
}

/// Takes note of what an enter returned. Throws what is nobody's normal course of events.
inline void Ring::tolerate(int error) {
    switch (error) {
    case 0:
    case EINTR:
    case ETIME:
        break;
    case EAGAIN: // no memory for another request
    case EBUSY:  // too many completions in the backlog
        ++metrics_.submit_busy;
        break;
    case EBADR: // the kernel forgets that it said so
        metrics_.lost = io_uring_smp_load_acquire(kernel_.ring.cq.koverflow);
        break;
    default:
        // The kernel says EEXIST to other threads, or EINVAL, since registered descriptors are
        // each thread's own.
        if (!kernel_.is_owned_by_this_thread()) {
            throw LoopError("rondo: this loop belongs to another thread: use "
                            "call_soon_threadsafe() or run_coroutine_threadsafe()");
        }
        throw_system_error(error, "io_uring_enter");
    }
}

inline unsigned Ring::poll_here() {
    const unsigned waiting = queued();
    if (waiting != 0 || (kernel_flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0 ||
        ((kernel_.features & RingFeature::taskrun_flag) == 0 && in_flight() != 0)) {
        const int error = enter(waiting, 0, IORING_ENTER_GETEVENTS);
        if (error != 0) [[unlikely]] {
            tolerate(error);
        }
        if (may_have_parked_) [[unlikely]] {
            feed();
        }
    }
    return dispatch();
}

inline unsigned Ring::wait(Nanoseconds timeout) {
    if (!must_wait() || timeout <= Nanoseconds::zero()) {
        return poll_here();
    }
    return after_wait(enter_for(queued(), timeout), timeout);
}

inline unsigned Ring::wait_until(Clock::time_point deadline) {
    if (kernel_.wait_argument == nullptr) {
        const Clock::time_point now = Clock::now();
        return wait(deadline > now ? deadline - now : Nanoseconds::zero());
    }
    const Nanoseconds time = deadline.time_since_epoch();
    if (!must_wait() || time <= Nanoseconds::zero()) {
        return poll_here();
    }
    return after_wait(enter_for(queued(), time, uring::enter_absolute_timer), Nanoseconds::max());
}

/// After an enter that had an error, or left requests without an entry.
inline void Ring::wait_again(int error, Nanoseconds longest) {
    if (error != 0) {
        tolerate(error);
        if ((error == EAGAIN || error == EBUSY) && !has_completions()) {
            // The kernel takes nothing for now, and refused to wait. Let it finish something.
            constexpr Nanoseconds pause = std::chrono::milliseconds(1);
            tolerate(enter_for(0, longest < pause ? longest : pause));
        }
    }
    if (may_have_parked_) {
        feed();
    }
}

/// Hands out the completions that are there now; those which come meanwhile have to wait, or a
/// request that submits itself again could go on for ever.
inline unsigned Ring::dispatch() noexcept {
    if ((kernel_flags() & IORING_SQ_CQ_OVERFLOW) != 0) [[unlikely]] {
        ++metrics_.overflows;
    }
    const unsigned tail = io_uring_smp_load_acquire(kernel_.ring.cq.ktail);
    const unsigned count =
        filter_ == nullptr ? dispatch_until<false>(tail) : dispatch_until<true>(tail);
    metrics_.completions += count;
    return count;
}

template <bool Filtered>
unsigned Ring::dispatch_until(unsigned tail) noexcept {
    // Copies of what never changes, as no compiler can know.
    unsigned* const shared_head = kernel_.ring.cq.khead;
    const io_uring_cqe* const entries = kernel_.ring.cq.cqes;
    const unsigned mask = kernel_.ring.cq.ring_mask;
    unsigned count = 0;
    for (unsigned head = *shared_head; head != tail;) {
        const io_uring_cqe& entry = entries[head & mask];
        const std::uint64_t address = entry.user_data;
        int result = entry.res;
        unsigned flags = entry.flags;
        // The kernel gets the slot back at once: a completion may submit, which may complete.
        io_uring_smp_store_release(shared_head, ++head);
        // Of many connections each has been out of the cache since its last turn. Behind the last
        // entry there is an old address, which does no harm.
        __builtin_prefetch(reinterpret_cast<const void*>(
            static_cast<std::uintptr_t>(entries[head & mask].user_data)));
        if (address == 0) {
            continue;
        }
        ++count;
        auto& completion = *reinterpret_cast<Completion*>(static_cast<std::uintptr_t>(address));
        if constexpr (Filtered) {
            if (filter_ != nullptr) { // a completion may have taken it away
                filter_->filter(completion, result, flags);
            }
        }
        if ((flags & IORING_CQE_F_MORE) == 0) {
            auto& request = static_cast<Request&>(completion);
            if ((request.state_ & Request::cancel_parked) != 0) [[unlikely]] {
                parked_cancels_.remove(request);
            }
            request.state_ = Request::idle;
            ++settled_;
        }
        completion.on_completion(completion, result, flags);
    }
    return count;
}

[[noreturn]] inline void Ring::throw_inherited() {
    throw LoopError("rondo: this loop belongs to the parent process: make a new one after fork()");
}

} // namespace rondo::inline RONDO_ABI::detail
