#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What is behind a stream of completions: a request that completes many times, and lives apart from
// the stream and from every frame, so that neither has to wait for the kernel when it goes.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include <poll.h>

#include <rondo/config.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/suspension.hpp>

namespace rondo::inline RONDO_ABI::io::detail {

using rondo::detail::Completion;
using rondo::detail::Ref;
using rondo::detail::Request;
using rondo::detail::Scheduler;

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

} // namespace rondo::inline RONDO_ABI::io::detail
