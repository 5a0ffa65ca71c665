#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// One turn of the loop: completions from the ring, what other threads posted, timers that are due,
// then a bounded batch of what is ready. At most one system call, and none while there is work and
// the kernel has nothing to say.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/inbox.hpp>
#include <rondo/detail/ready_queue.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/error.hpp>
#include <rondo/loop_options.hpp>

#include <pthread.h>
#include <unistd.h>

namespace rondo::inline RONDO_ABI::detail {

/// The request that lets an inbox wake the loop: a read of its eventfd, always armed while the loop
/// runs.
class WakeRequest final : public Request {
public:
    explicit WakeRequest(Inbox& inbox) noexcept
        : Request(&WakeRequest::completed, &WakeRequest::fill), inbox_(inbox) {}

    /// Whether the eventfd has been read since the last take_rung().
    [[nodiscard]] bool has_rung() const noexcept { return rung_; }
    [[nodiscard]] bool take_rung() noexcept { return std::exchange(rung_, false); }

private:
    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        auto& self = static_cast<WakeRequest&>(request);
        io_uring_prep_read(&entry, self.inbox_.wake_fd(), &self.count_, sizeof self.count_, 0);
    }
    static void completed(Completion& completion, int /*result*/, unsigned /*flags*/) noexcept {
        static_cast<WakeRequest&>(static_cast<Request&>(completion)).rung_ = true;
    }

    Inbox& inbox_;
    std::uint64_t count_ = 0;
    bool rung_ = false;
};

/// A loop without its public face.
class LoopCore {
public:
    explicit LoopCore(const LoopOptions& options)
        : scheduler_(new Scheduler), ring_(make_ring(options)), inbox_(std::make_shared<Inbox>()),
          wake_(std::make_unique<WakeRequest>(*inbox_)), options_(options),
          random_(options.shuffle_seed) {
        forget_loops_in_forked_children();
        scheduler_->ring = ring_.get();
        scheduler_->virtual_time = options.virtual_time;
        scheduler_->last_seen = options.virtual_time ? Clock::time_point{} : Clock::now();
        clock_read_at_ = scheduler_->last_seen;
    }
    LoopCore(const LoopCore&) = delete;
    LoopCore& operator=(const LoopCore&) = delete;
    ~LoopCore() {
        if (left_behind_) {
            static_cast<void>(wake_.release());
            static_cast<void>(ring_.release());
        }
    }

    [[nodiscard]] Scheduler& scheduler() const noexcept { return *scheduler_; }
    [[nodiscard]] Ring& ring() noexcept { return *ring_; }
    [[nodiscard]] Inbox& inbox() const noexcept { return *inbox_; }
    /// Whether that is the loop's own request, which other threads wake it by.
    [[nodiscard]] bool is_own(const Completion& completion) const noexcept {
        return &completion == static_cast<const Completion*>(wake_.get());
    }
    [[nodiscard]] const std::shared_ptr<Inbox>& shared_inbox() const noexcept { return inbox_; }
    /// What all rings of this loop have done.
    [[nodiscard]] RingMetrics ring_metrics() const noexcept {
        return sum(earlier_rings_, ring_->metrics());
    }
    [[nodiscard]] const LoopOptions& options() const noexcept { return options_; }
    [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

    /// A run begins. A ring belongs to the thread that made it: on another one it is made anew, as
    /// long as it has nothing to do.
    ///
    /// Throws: LoopError if it has; std::system_error if there is no ring to be had, without effect.
    [[gnu::noinline]] void enter_thread() {
        const pid_t here = ::gettid();
        if (here == thread_ || ring_->is_inherited()) {
            return; // a forked child is told by turn()
        }
        require_movable();
        std::unique_ptr<Ring> ring = make_ring(options_);
        scheduler_->ring = ring.get();
        earlier_rings_ = ring_metrics();
        ring_ = std::move(ring);
        thread_ = here;
    }

    /// A run ends: the loop's own request leaves the ring if it is the only one, so that the loop
    /// may be run or closed on another thread.
    [[gnu::noinline]] void leave_thread() noexcept {
        if (ring_->in_flight() != 1 || !wake_->is_in_flight() || ring_->is_inherited()) {
            return;
        }
        try {
            ring_->cancel(*wake_);
            while (!wake_->is_idle()) {
                ring_->wait();
            }
        } catch (...) { // NOLINT(bugprone-empty-catch): the loop then stays on this thread
        }
    }

    /// Throws: LoopError if the ring has something to do, and this is not its thread.
    void require_movable() const {
        if (!ring_->idle() && !ring_->is_inherited() && thread_ != ::gettid()) {
            throw_loop_error("rondo: this event loop has operations in flight on another thread: "
                             "run it and close it there");
        }
    }

    /// Something outside the ring may still wake the program: a signal handler, a thread.
    void expect_from_outside(int change) noexcept { expected_from_outside_ += change; }

    /// Runs one turn. Blocks, if nothing is ready and `may_block`, until something happens.
    /// Returns whether the eventfd was read: the caller looks for signals then.
    ///
    /// Throws: DeadlockError in virtual time, where nothing can ever happen; LoopError in a forked
    /// child.
    [[gnu::noinline]] bool turn(bool may_block) { // not hot, and long
        stay_awake();
        turn_awake(may_block);
        return wake_->take_rung();
    }

    /// Runs turns until `stop` is set, or the caller has something to do: the eventfd was read, which
    /// is the result, or an interrupt came. They may block unless `stop` is set already.
    bool run_turns(const bool& stop) {
        stay_awake();
        do {
            turn_awake(!stop);
            if (is_alone() && !stop) {
                run_alone(stop);
            }
        } while (!stop && !wake_->has_rung() && scheduler_->interrupt == nullptr);
        return wake_->take_rung();
    }

    /// Nothing comes from outside any more: cancels whatever is in flight in the kernel and waits
    /// until it has let go of everything.
    void drain_ring() {
        inbox_->close();
        while (!ring_->idle()) {
            ring_->cancel_all();
            ring_->wait(std::chrono::milliseconds(100));
        }
    }

    /// Runs nothing of what is ready any more, and lets go of it.
    [[gnu::noinline]] void discard_ready() noexcept {
        Scheduler& scheduler = *scheduler_;
        inbox_->drain(scheduler.ready);
        while (!scheduler.ready.empty()) {
            scheduler.ready.pop_front().discard();
        }
    }

    void close_ring() noexcept { ring_->close(); }

    /// Touches nothing more, and keeps all of it in memory: tasks, callbacks and requests belong to
    /// the parent process, or to the kernel, which cannot be waited for on this thread.
    void leave_behind() noexcept {
        left_behind_ = true;
        scheduler_->add_ref();
        inbox_->close();
        if (ring_->is_inherited()) {
            ring_->close();
        }
    }

    /// "Task-1 waits on sleep" and so on, a line each.
    [[nodiscard]] std::string describe_tasks() const {
        std::string text;
        scheduler_->tasks.for_each([&](const TaskBase& task) {
            append(text, "\n  ", task.describe());
            append(text, " waits on ", task.describe_wait());
#if RONDO_TRACK_LOCATIONS
            for (const PromiseBase* frame = task.leaf() != nullptr ? task.innermost() : nullptr;
                 frame != nullptr; frame = frame->parent()) {
                append(text, "\n    at ", frame->awaiting_at().file_name());
                append(text, ":", std::to_string(frame->awaiting_at().line()));
            }
#endif
        });
        return text;
    }

private:
    // Bounds, so that ready tasks cannot keep the ring and the timers from their turn.
    static constexpr std::size_t batch_limit = 256;
    static constexpr std::uint64_t turns_alone = 8; // without a look at the ring
    static constexpr int most_steps_between_clock_reads = 64;
    static constexpr std::uint64_t turns_between_clock_reads = 8; // a step may be a long one
    static constexpr std::chrono::nanoseconds lateness{50'000};
    // Virtual time: how long real I/O may take before the clock jumps over it, and before a program
    // that waits for nothing else counts as hung.
    static constexpr std::chrono::milliseconds patience{2};
    static constexpr std::chrono::seconds long_patience{10};

    // Not inlined, since what does this in many places takes long to compile.
    [[gnu::noinline]] static void append(std::string& text, const char* before,
                                         std::string_view more) {
        text.append(before).append(more);
    }

    /// Some turns without a look at the ring, where only another thread or a signal could have left
    /// something.
    void run_alone(const bool& stop) noexcept {
        ++turns_;
        const std::uint64_t end = turns_ + turns_alone;
        scheduler_->ready.run_rounds(steps_, batch_limit, [&] {
            // No scheduler: this is a child that a step has forked.
            if (turns_ == end || stop || inbox_->filled() || current_scheduler == nullptr ||
                !is_alone()) {
                return false;
            }
            ++turns_;
            return true;
        });
    }

    /// There is work, and nobody is kept waiting by it: no operation and no timer.
    [[nodiscard]] bool is_alone() const noexcept {
        const Scheduler& scheduler = *scheduler_;
        return !scheduler.ready.empty() && ring_->in_flight() == 1 && scheduler.timers.empty() &&
               scheduler.interrupt == nullptr && random_ == 0;
    }

    /// From now on, whatever is posted to the inbox rings its bell in the ring.
    void stay_awake() {
        if (wake_->is_idle()) {
            ring_->submit(*wake_);
        }
        if (inbox_->filled()) {
            inbox_->drain(scheduler_->ready);
        }
    }

    /// One turn, while the wake request is armed: the ring, other threads, timers, a batch.
    [[gnu::always_inline]] void turn_awake(bool may_block) {
        ++turns_;
        Scheduler& scheduler = *scheduler_;
        if (!scheduler.ready.empty() || !may_block || wake_->has_rung()) {
            ring_->poll();
        } else {
            wait();
        }
        if (wake_->has_rung()) [[unlikely]] {
            inbox_->drain(scheduler.ready);
        }
        if (!scheduler.timers.empty() && timers_may_be_due()) {
            fire_timers();
        }
        run_batch();
    }

    // Not inlined, and so is fire_timers(), so that a turn in which nothing happens is short.
    [[gnu::noinline]] void wait() {
        Scheduler& scheduler = *scheduler_;
        if (scheduler.virtual_time) {
            wait_virtually();
            return;
        }
        if (scheduler.timers.empty()) {
            ring_->wait();
            return;
        }
        const Clock::time_point deadline = scheduler.timers.earliest();
        scheduler.timer_may_be_due = true;
        if (deadline <= scheduler.last_seen) {
            ring_->poll();
        } else {
            // The slack that the kernel gives timers of poll and epoll (prctl(2), PR_SET_TIMERSLACK),
            // and the ring's waits have not: one wake-up for all that are due within it.
            const bool is_near = deadline < Clock::time_point::max() - lateness;
            ring_->wait_until(is_near ? deadline + lateness : deadline);
        }
    }

    void wait_virtually() {
        Scheduler& scheduler = *scheduler_;
        if (ring_->poll() != 0 || !scheduler.ready.empty() || inbox_->filled() ||
            wake_->is_idle()) {
            return;
        }
        const std::size_t operations = ring_->in_flight() - (wake_->is_in_flight() ? 1U : 0U);
        if (!scheduler.timers.empty()) {
            if (operations != 0 || expected_from_outside_ != 0) {
                const bool certain = scheduler.prompt_operations != 0;
                if (listen(certain ? Clock::duration(long_patience) : Clock::duration(patience))) {
                    return;
                }
            }
            if (scheduler.timers.earliest() > scheduler.last_seen) {
                scheduler.last_seen = scheduler.timers.earliest();
            }
            scheduler.timer_may_be_due = true;
            return;
        }
        if (operations == 0 && expected_from_outside_ == 0) {
            throw_deadlock("rondo: nothing can wake this program any more:");
        }
        if (!listen(long_patience)) {
            throw_deadlock("rondo: this program has waited for I/O for 10 seconds:");
        }
    }

    [[noreturn, gnu::noinline]] void throw_deadlock(const char* message) const {
        throw DeadlockError(message + describe_tasks());
    }

    /// Waits in real time for something from outside. Returns whether it came.
    bool listen(Clock::duration longest) {
        // The ring's wait may end before its time, with nothing, as on a signal.
        const Clock::time_point end = Clock::now() + longest;
        for (Clock::duration left = longest; left > Clock::duration::zero();
             left = end - Clock::now()) {
            if (ring_->wait(left) != 0 || inbox_->filled()) {
                return true;
            }
        }
        return false;
    }

    [[gnu::noinline]] void fire_timers() noexcept {
        Scheduler& scheduler = *scheduler_;
        const Clock::time_point now = scheduler.now();
        // As many steps as fit into the lateness that is allowed, at the pace of the last ones.
        const auto steps = static_cast<std::int64_t>(steps_ - steps_at_clock_read_);
        const std::int64_t elapsed = (now - clock_read_at_).count();
        const std::int64_t fitting = lateness.count() * steps / (elapsed > 0 ? elapsed : 1);
        steps_between_clock_reads_ = fitting < most_steps_between_clock_reads
                                         ? static_cast<std::uint64_t>(fitting)
                                         : most_steps_between_clock_reads;
        steps_at_clock_read_ = steps_;
        turns_at_clock_read_ = turns_;
        enters_at_clock_read_ = ring_->metrics().enters;
        clock_read_at_ = now;
        scheduler.timer_may_be_due = false;
        scheduler.timers.fire_due(now);
    }

    /// Whether the clock is to be read. It costs more than the shortest steps, but less than long
    /// ones, and less than a turn that entered the kernel.
    [[nodiscard]] bool timers_may_be_due() const noexcept {
        const Scheduler& scheduler = *scheduler_;
        return scheduler.timer_may_be_due || scheduler.virtual_time ||
               scheduler.timers.not_before() <= scheduler.last_seen ||
               steps_ - steps_at_clock_read_ >= steps_between_clock_reads_ ||
               turns_ - turns_at_clock_read_ >= turns_between_clock_reads ||
               ring_->metrics().enters != enters_at_clock_read_;
    }

    void run_batch() noexcept {
        ReadyQueue& ready = scheduler_->ready;
        std::size_t most = batch_limit;
        if (random_ != 0) [[unlikely]] {
            ready.shuffle(random_);
            most = SIZE_MAX;
        }
        ready.run(steps_, most);
    }

    [[gnu::noinline]] static std::unique_ptr<Ring> make_ring(const LoopOptions& options) {
        return std::make_unique<Ring>(RingOptions{.entries = options.entries});
    }

    /// fork() copies the thread's idea of a running loop, which is not for the child to use.
    static void forget_loops_in_forked_children() noexcept {
        [[maybe_unused]] static const int registered =
            ::pthread_atfork(nullptr, nullptr, [] { current_scheduler = nullptr; });
    }

    static RingMetrics sum(RingMetrics total, const RingMetrics& more) noexcept {
        total.enters += more.enters;
        total.submitted += more.submitted;
        total.completions += more.completions;
        total.parked += more.parked;
        total.overflows += more.overflows;
        total.submit_busy += more.submit_busy;
        total.lost += more.lost;
        return total;
    }

    Ref<Scheduler> scheduler_;
    std::unique_ptr<Ring> ring_;
    pid_t thread_ = ::gettid(); // whose ring it is; not a pthread_t, which is used again
    RingMetrics earlier_rings_;
    std::shared_ptr<Inbox> inbox_;
    std::unique_ptr<WakeRequest> wake_;
    LoopOptions options_;
    std::uint64_t random_; // state of the shuffle; 0: FIFO
    std::uint64_t turns_ = 0;
    std::uint64_t steps_ = 0;
    std::uint64_t steps_at_clock_read_ = 0;
    std::uint64_t turns_at_clock_read_ = 0;
    std::uint64_t steps_between_clock_reads_ = 1;
    std::uint64_t enters_at_clock_read_ = 0;
    Clock::time_point clock_read_at_;
    int expected_from_outside_ = 0;
    bool left_behind_ = false;
};

} // namespace rondo::inline RONDO_ABI::detail
