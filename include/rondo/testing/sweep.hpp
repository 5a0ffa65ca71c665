#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Sweeps: run the same thing again and again, each time with one mishap at another point: it is
// cancelled at its first moment, its second, and so on to the last; its n-th allocation fails; its
// n-th ring operation fails. After each run nothing may be left behind, and nobody may be stuck.

#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/context.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/turn.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/error.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/loop_options.hpp>
#include <rondo/metrics.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task.hpp>
#include <rondo/testing/allocations.hpp>
#include <rondo/testing/run.hpp>

namespace rondo::inline RONDO_ABI::testing {

/// What a sweep did, for assertions that it was one.
struct SweepReport {
    std::size_t runs = 0;      ///< times the victim ran
    std::size_t cancelled = 0; ///< of these, ended by cancellation
    std::size_t failed = 0;    ///< of these, ended by another exception
    std::size_t points = 0; ///< at how many points something happened to it; the most of all ways
};

/// Where in a sweep a run is: enough to see it again.
struct SweepPoint {
    std::size_t number;       ///< the moment of the cancellation, or which allocation or operation
    std::uint64_t seed;       ///< RONDO_TEST_SHUFFLE of the run; 0: FIFO
    bool canceller_first;     ///< ahead of the others in the ready queue
    std::optional<int> again; ///< cancelled a second time so many moments later

    [[nodiscard]] std::string describe() const;
};

/// How thorough a sweep of cancellations is.
struct SweepOptions {
    std::uint64_t seeds = 3; ///< shuffled orders besides FIFO
    int repeats = 3;         ///< second cancellations up to so many moments after the first
};

// A scenario, made anew for each run, is a class with
//   Coro<> victim();                    what the mishap happens to
//   Coro<> others();                    optional: the rest of the world; has to end by itself
//   void check(const Task<>& victim);   optional: throws, or fails your test, if something is wrong
//                                       afterwards; may take the SweepPoint as well
template <class S>
concept SweepScenario = requires(S& scenario) {
    { scenario.victim() } -> std::same_as<Coro<>>;
};

/// Cancels a victim at each moment of its life in turn: before its first step, after each turn of
/// the loop, after each move of the clock, until it ends before it can be cancelled; in FIFO order
/// and shuffled, with the one who cancels ahead of the others in the queue and behind them (that
/// is: before and after what wakes the victim in the same turn), once, and a second time while it
/// cleans up.
///
/// `make()` gives a scenario (see above), or a Coro<>, which is the victim; it is kept alive.
/// Throws: SweepError if after a run tasks, timers, operations, descriptors or (where they are
/// counted) allocations are left; DeadlockError, with the list of who waits on what, if a victim is
/// stuck; what check() throws.
/// Example:
/// @code
/// rondo::testing::cancel_sweep([]() -> rondo::Coro<> {
///     rondo::Lock lock;
///     auto guard = co_await lock.acquire();
///     co_await rondo::sleep(1s);
/// });
/// @endcode
template <class Make>
SweepReport cancel_sweep(Make make, SweepOptions options = {});

/// Fails the first allocation of the victim, and of all tasks that it starts, then the second, and
/// so on to the last. What the victim then does is its own affair, as long as nothing is left
/// behind and nobody is stuck.
///
/// Throws: as cancel_sweep(); std::logic_error unless allocations are counted in this program: one
/// source file has to include rondo/testing/operator_new.hpp.
template <class Make>
SweepReport allocation_sweep(Make make);

/// Fails, with EIO, the first ring operation that would have succeeded while the victim runs,
/// whoever's it is, then the second, and so on to the last. An operation that gives a descriptor gives none then; data
/// that it has moved stay moved.
///
/// Throws: as cancel_sweep().
template <class Make>
SweepReport operation_sweep(Make make);

/// All three; without the allocations, if they are not counted. Returns the sum of the reports.
template <class Make>
SweepReport sweep(Make make, SweepOptions options = {});

// Implementation

inline std::string SweepPoint::describe() const {
    std::string text = "point " + std::to_string(number);
    if (seed != 0) {
        text += ", RONDO_TEST_SHUFFLE=" + std::to_string(seed);
    }
    if (canceller_first) {
        text += ", the canceller first";
    }
    if (again) {
        text += ", again after " + std::to_string(*again) + " moments";
    }
    return text;
}

namespace detail {

inline constexpr std::size_t most_points = 100'000; // a victim that never ends is a failure

/// A victim by itself, as a scenario.
class LoneVictim {
public:
    explicit LoneVictim(Coro<> body) noexcept : body_(std::move(body)) {}
    Coro<> victim() noexcept { return std::move(body_); }

private:
    Coro<> body_;
};

template <class Make>
auto make_scenario(Make& make) {
    if constexpr (std::same_as<std::invoke_result_t<Make&>, Coro<>>) {
        return LoneVictim(make());
    } else {
        static_assert(SweepScenario<std::invoke_result_t<Make&>>,
                      "rondo: a sweep needs a function that gives a Coro<>, or a scenario with "
                      "Coro<> victim()");
        return make();
    }
}

template <class Scenario>
Coro<> others_of(Scenario& scenario) {
    if constexpr (requires { scenario.others(); }) {
        auto others = scenario.others();
        co_await std::move(others);
    }
    co_return;
}

template <class Scenario>
void check(Scenario& scenario, const Task<>& victim, const SweepPoint& point) {
    if constexpr (requires { scenario.check(victim, point); }) {
        scenario.check(victim, point);
    } else if constexpr (requires { scenario.check(victim); }) {
        scenario.check(victim);
    }
}

[[nodiscard]] inline std::size_t open_descriptors() {
    std::size_t count = 0;
    if (DIR* directory = ::opendir("/proc/self/fd")) {
        while (::readdir(directory) != nullptr) { // NOLINT(concurrency-mt-unsafe)
            ++count;
        }
        ::closedir(directory);
    }
    return count;
}

/// What must be the same before and after a run.
class Inventory {
public:
    void compare(const SweepPoint& point) const {
        const std::size_t descriptors = open_descriptors();
        if (descriptors != descriptors_) {
            throw SweepError("rondo: a sweep left " + std::to_string(descriptors) +
                             " descriptors open instead of " + std::to_string(descriptors_) +
                             " at " + point.describe());
        }
        const std::size_t allocations = allocations_alive();
        if (allocations != allocations_) {
            throw SweepError("rondo: a sweep left " + std::to_string(allocations) +
                             " allocations alive instead of " + std::to_string(allocations_) +
                             " at " + point.describe());
        }
    }

private:
    std::size_t descriptors_ = open_descriptors();
    std::size_t allocations_ = allocations_alive();
};

/// The end of this turn; of this millisecond, if nothing else can run.
template <class = void>
Coro<> next_moment() {
    const EventLoop& loop = get_running_loop();
    const std::uint64_t steps = loop.metrics().steps;
    co_await sleep(std::chrono::seconds(0));
    const LoopMetrics now = loop.metrics();
    if (now.steps - steps <= 1 && now.ready == 0) {
        co_await sleep(std::chrono::milliseconds(1));
    }
}

/// Returns whether there was something left to cancel.
template <class = void>
Coro<bool> cancel_at(std::optional<Task<>>& victim, SweepPoint point) {
    for (std::size_t i = 0; i < point.number && !victim->done(); ++i) {
        co_await next_moment();
    }
    const bool asked = victim->cancel();
    if (point.again) {
        for (int i = 0; i < *point.again; ++i) {
            co_await next_moment();
        }
        victim->cancel();
    }
    co_return asked;
}

/// Waits for a victim, however it ends, and notes how.
template <class = void>
Coro<> await_victim(Task<>& victim, SweepReport& report) {
    ++report.runs;
    try {
        co_await victim;
    } catch (const CancelledError&) {
        ++report.cancelled;
    } catch (...) {
        ++report.failed;
    }
}

/// Lets what has been cancelled on the way out come to its end.
template <class = void>
Coro<> settle() {
    const EventLoop& loop = get_running_loop();
    constexpr int patience = 100;
    for (int turn = 0; turn < patience; ++turn) {
        const LoopMetrics metrics = loop.metrics();
        if (metrics.tasks_alive <= 1 && metrics.operations <= 1) {
            co_return;
        }
        co_await sleep(std::chrono::seconds(0));
    }
}

/// Throws: SweepError if the loop has anything left but the task that asks.
inline void require_nothing_left(const SweepPoint& point) {
    const EventLoop& loop = get_running_loop();
    std::string left;
    for (const TaskRef& task : loop.all_tasks()) {
        if (!(task == current_task())) {
            left += "\n  " + std::string(task.name()) + " waits on " + task.describe_wait();
        }
    }
    if (!left.empty()) {
        throw SweepError("rondo: a sweep left tasks at " + point.describe() + ":" + left);
    }
    const LoopMetrics metrics = loop.metrics();
    if (metrics.timers != 0 || metrics.operations > 1) { // one is the loop's own
        throw SweepError("rondo: a sweep left " + std::to_string(metrics.timers) + " timers and " +
                         std::to_string(metrics.operations) + " operations at " + point.describe());
    }
}

/// One run of cancel_sweep(). Returns whether there was something to cancel.
template <class Make>
Coro<bool> cancelled_run(Make& make, SweepPoint point, SweepReport& report) {
    bool asked = false;
    {
        auto scenario = make_scenario(make);
        std::optional<Task<>> victim;
        std::optional<Task<bool>> canceller;
        if (point.canceller_first) {
            canceller = create_task(cancel_at(victim, point));
        }
        auto others = create_task(others_of(scenario));
        victim = create_task(scenario.victim());
        if (!point.canceller_first) {
            canceller = create_task(cancel_at(victim, point));
        }
        co_await await_victim(*victim, report);
        asked = co_await *canceller;
        co_await others;
        check(scenario, *victim, point);
    }
    co_await settle();
    require_nothing_left(point);
    co_return asked;
}

/// Set in the context of a victim, and so in those of the tasks that it starts.
inline ContextVar<bool>& victim_mark() {
    static ContextVar<bool> mark("rondo::testing: a sweep's victim", false);
    return mark;
}

/// The allocation of a victim that fails.
class VictimsAllocation : public FailingAllocation {
public:
    explicit VictimsAllocation(std::size_t left) noexcept
        : FailingAllocation(left, []() noexcept { return victim_mark().get(); }) {}
};

/// Makes one mishap happen while the victim runs. Returns whether it has.
template <class Make, class Mishap>
Coro<bool> marred_run(Make& make, SweepPoint point, SweepReport& report) {
    bool happened = false;
    {
        auto scenario = make_scenario(make);
        const Context context = copy_context();
        context.run([] { victim_mark().set(true); });
        TaskOptions marked;
        marked.context = &context;
        auto others = create_task(others_of(scenario));
        auto victim = create_task(scenario.victim(), marked);
        auto waiting = await_victim(victim, report); // its frame is not the victim's to lose
        {
            const Mishap mishap(point.number);
            co_await std::move(waiting);
            happened = mishap.happened();
        }
        co_await others;
        check(scenario, victim, point);
    }
    co_await settle();
    require_nothing_left(point);
    co_return happened;
}

/// While it lives, one operation of the running loop fails that would have succeeded: the one after
/// `left` more.
class FailingOperation final : rondo::detail::CompletionFilter {
public:
    explicit FailingOperation(std::size_t left) : core_(get_running_loop().core()), left_(left) {
        core_.ring().set_completion_filter(this);
    }
    FailingOperation(const FailingOperation&) = delete;
    FailingOperation& operator=(const FailingOperation&) = delete;
    ~FailingOperation() { core_.ring().set_completion_filter(nullptr); }

    [[nodiscard]] bool happened() const noexcept { return happened_; }

private:
    void filter(rondo::detail::Completion& completion, int& result,
                unsigned& flags) noexcept override {
        constexpr unsigned not_a_result =
            IORING_CQE_F_MORE | IORING_CQE_F_NOTIF | IORING_CQE_F_BUFFER;
        if (happened_ || result < 0 || (flags & not_a_result) != 0 || core_.is_own(completion) ||
            left_-- != 0) {
            return;
        }
        happened_ = true;
        if (gives_descriptor(static_cast<rondo::detail::Request&>(completion))) {
            ::close(result);
        }
        result = -EIO;
    }

    static bool gives_descriptor(rondo::detail::Request& request) noexcept {
        io_uring_sqe entry{};
        request.prepare(request, entry);
        return entry.opcode == IORING_OP_ACCEPT || entry.opcode == IORING_OP_SOCKET ||
               entry.opcode == IORING_OP_OPENAT || entry.opcode == IORING_OP_OPENAT2;
    }

    rondo::detail::LoopCore& core_;
    std::size_t left_;
    bool happened_ = false;
};

/// Runs at point after point until nothing happens any more.
template <class Run>
void for_each_point(SweepPoint point, SweepReport& report, Run run) {
    LoopOptions options = testing::options();
    options.shuffle_seed = point.seed;
    point.number = SIZE_MAX; // undisturbed: what is allocated once and for all is there then
    testing::run(run(point), options);
    for (point.number = 0; point.number < most_points; ++point.number) {
        const Inventory before;
        bool happened = false;
        try {
            happened = testing::run(run(point), options);
        } catch (const DeadlockError& error) {
            throw SweepError("rondo: a sweep is stuck at " + point.describe() + ": " +
                             error.what());
        }
        before.compare(point);
        if (!happened) {
            report.points = point.number > report.points ? point.number : report.points;
            return;
        }
    }
    throw SweepError("rondo: what a sweep runs never ends");
}

inline SweepReport operator+(const SweepReport& a, const SweepReport& b) noexcept {
    return {a.runs + b.runs, a.cancelled + b.cancelled, a.failed + b.failed, a.points + b.points};
}

} // namespace detail

template <class Make>
SweepReport cancel_sweep(Make make, SweepOptions options) {
    SweepReport report;
    std::vector<std::uint64_t> seeds{0};
    if (const std::uint64_t asked_for = testing::options().shuffle_seed; asked_for != 0) {
        seeds.push_back(asked_for); // by the environment
    } else {
        for (std::uint64_t seed = 1; seed <= options.seeds; ++seed) {
            seeds.push_back(seed);
        }
    }
    for (const std::uint64_t seed : seeds) {
        for (const bool canceller_first : {false, true}) {
            for (int again = -1; again <= options.repeats; ++again) {
                const SweepPoint first{0, seed, canceller_first,
                                       again < 0 ? std::nullopt : std::optional<int>(again)};
                detail::for_each_point(first, report, [&](const SweepPoint& point) {
                    return detail::cancelled_run(make, point, report);
                });
            }
        }
    }
    return report;
}

template <class Make>
SweepReport allocation_sweep(Make make) {
    if (!counts_allocations()) {
        throw std::logic_error("rondo: allocation_sweep() needs rondo/testing/operator_new.hpp in "
                               "one source file of the program");
    }
    SweepReport report;
    detail::for_each_point({}, report, [&](const SweepPoint& point) {
        return detail::marred_run<Make, detail::VictimsAllocation>(make, point, report);
    });
    return report;
}

template <class Make>
SweepReport operation_sweep(Make make) {
    SweepReport report;
    detail::for_each_point({}, report, [&](const SweepPoint& point) {
        return detail::marred_run<Make, detail::FailingOperation>(make, point, report);
    });
    return report;
}

template <class Make>
SweepReport sweep(Make make, SweepOptions options) {
    SweepReport report =
        detail::operator+(cancel_sweep<Make&>(make, options), operation_sweep<Make&>(make));
    if (counts_allocations()) {
        report = detail::operator+(report, allocation_sweep<Make&>(make));
    }
    return report;
}

} // namespace rondo::inline RONDO_ABI::testing
