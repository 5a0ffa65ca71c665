#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// EventLoop: asyncio's loop object. Most programs need only run(); this is for those who drive the
// loop themselves, or have callbacks.

#include <chrono>
#include <concepts>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <poll.h>

#include <rondo/awaitable.hpp>
#include <rondo/clock.hpp>
#include <rondo/context.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/fd_watcher.hpp>
#include <rondo/detail/live_generator.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/detail/signal_table.hpp>
#include <rondo/detail/small_function.hpp>
#include <rondo/detail/turn.hpp>
#include <rondo/error.hpp>
#include <rondo/future.hpp>
#include <rondo/handle.hpp>
#include <rondo/loop_options.hpp>
#include <rondo/metrics.hpp>
#include <rondo/task.hpp>

namespace rondo::inline RONDO_ABI {

/// What an exception handler is told.
struct ErrorContext {
    std::string_view message;     ///< what went wrong: "a task failed and nobody looked at it"
    std::exception_ptr exception; ///< the exception; may be null
    std::string_view subject;     ///< name of the task concerned; empty if none is
};

/// An event loop: one per thread, not copyable and not movable.
///
/// Threads: everything but call_soon_threadsafe() belongs to the thread that runs the loop. A loop
/// may be made on one thread, run on another and closed on a third, as long as no I/O is under way
/// between the runs.
/// Lifetime: destroying a loop closes it. In a forked child that leaves everything in memory as it
/// is: its tasks and its I/O are the parent's.
class EventLoop {
public:
    using ExceptionHandler = detail::SmallFunction<void(EventLoop&, const ErrorContext&)>;

    /// Throws: std::system_error naming cause and remedy where io_uring is missing or forbidden.
    explicit EventLoop(LoopOptions options = {});
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop();

    /// Runs until the awaitable is done, as a task of its own unless it is a Task or Future.
    ///
    /// Returns: its result. Throws: what it throws; LoopError if the loop is closed or running, or
    /// was stopped before the awaitable was done.
    template <Awaitable A>
    await_result_t<A> run_until_complete(A&& awaitable);

    /// Runs until stop(). A loop that was stopped can be run again.
    /// Throws: LoopError if it is closed or running; KeyboardInterrupt if a callback threw that.
    void run_forever();

    /// Runs a single turn, for a foreign loop that drives this one: waits until something happens
    /// unless something is ready, but `longest` at most.
    void run_once(Clock::duration longest = Clock::duration::max());

    /// Ends run_forever() after the turn that is running; or after its first, if it is not running.
    void stop() noexcept { stopping_ = true; }

    /// Lets go of everything: idempotent. Tasks that are not done are reported and destroyed; run()
    /// cancels and awaits them before.
    ///
    /// Throws: LoopError, and has no effect, if the loop is running, or has I/O under way on
    /// another thread.
    void close();

    [[nodiscard]] bool is_running() const noexcept { return running_; }
    [[nodiscard]] bool is_closed() const noexcept { return closed_; }

    /// The loop's clock: Clock::now(), or virtual time in tests.
    [[nodiscard]] Clock::time_point time() const noexcept { return core_.scheduler().now(); }

    /// Schedules a coroutine; its first step is taken in a later turn.
    /// Throws: LoopError if the loop is closed; the coroutine is destroyed then.
    template <class T>
    [[nodiscard("rondo: keep the Task, or write (void) to let it run on its own")]] Task<T>
    create_task(Coro<T> coro, const TaskOptions& options = {}) {
        require_open();
        return detail::spawn(core_.scheduler(), std::move(coro), options);
    }

    /// A pending future of this loop.
    template <class T = void>
    [[nodiscard]] Future<T> create_future() {
        return Future<T>(core_.scheduler());
    }

    /// Closes all async generators that have begun and have not ended, all at once; run() does it
    /// at the end. What their cleanup throws goes to the exception handler.
    /// Cancellation: is passed on to the cleanups, one after another, and thrown at the end.
    template <class = void>
    Coro<> shutdown_asyncgens();

    /// Calls `callback()` in the next turn; FIFO, exactly once, never from inside the call. An
    /// exception that leaves it goes to the exception handler.
    ///
    /// Callbacks run in `context`; if null, as everywhere below, in a copy of the present one.
    template <std::invocable F>
    Handle call_soon(F callback, const Context* context = nullptr);

    /// Calls `callback()` after `delay`, or at `when` on the loop's clock. Equal deadlines: FIFO.
    template <Duration D, std::invocable F>
    TimerHandle call_later(D delay, F callback, const Context* context = nullptr) {
        return call_at(detail::deadline_after(time(), delay), std::move(callback), context);
    }
    template <std::invocable F>
    TimerHandle call_at(Clock::time_point when, F callback, const Context* context = nullptr);

    /// call_soon() from any thread; wakes the loop.
    /// Throws: LoopError if the loop is closed. Never crashes in a race with close().
    template <std::invocable F>
    Handle call_soon_threadsafe(F callback, const Context* context = nullptr);

    /// Calls `callback()` in every turn in which `fd` is readable or writable; replaces an earlier
    /// one for the same descriptor. Remove it before closing the descriptor.
    template <std::invocable F>
    void add_reader(int fd, F callback) {
        require_open();
        readers_.add(core_.scheduler(), fd, std::move(callback));
    }
    template <std::invocable F>
    void add_writer(int fd, F callback) {
        require_open();
        writers_.add(core_.scheduler(), fd, std::move(callback));
    }
    /// Returns whether there was one.
    bool remove_reader(int fd) noexcept { return readers_.remove(fd); }
    bool remove_writer(int fd) noexcept { return writers_.remove(fd); }

    /// Calls `callback()` on the loop when a signal arrives, also while the loop is blocked; a
    /// later one replaces it. Works on any thread's loop.
    /// Throws: std::system_error (no such signal, or one that cannot be caught); LoopError if
    /// another loop handles that signal.
    template <std::invocable F>
    void add_signal_handler(int number, F callback);
    /// Puts back what handled the signal before. Returns whether there was a handler.
    bool remove_signal_handler(int number) noexcept;

    /// Replaces what is done with errors that nobody handles; an empty handler restores the
    /// default, which prints one message on stderr. If the handler throws, the default is used; a
    /// KeyboardInterrupt leaves the loop.
    void set_exception_handler(ExceptionHandler handler) noexcept {
        exception_handler_ = std::move(handler);
    }
    [[nodiscard]] const ExceptionHandler& get_exception_handler() const noexcept {
        return exception_handler_;
    }
    /// Reports an error as the loop would.
    void call_exception_handler(const ErrorContext& context) noexcept;
    /// What an unset handler does.
    static void default_exception_handler(const ErrorContext& context) noexcept;

    void set_debug(bool debug) noexcept { debug_ = debug; }
    [[nodiscard]] bool get_debug() const noexcept { return debug_; }

    [[nodiscard]] LoopMetrics metrics() const noexcept;

    /// All tasks that are not done, in the order of creation.
    [[nodiscard]] std::vector<TaskRef> all_tasks() const;

    /// For Rondo's own use.
    [[nodiscard]] detail::LoopCore& core() noexcept { return core_; }

private:
    friend class Runner;

    struct SignalHandler { // counted, because it may be removed by its own function
        int number;
        detail::SmallFunction<void()> function;
        Context context;      // a copy of the one in which it was registered
        std::uint64_t id = 0; // of the registration, which a replacement keeps
        SignalHandler* next = nullptr;
        unsigned references = 0;

        void add_ref() noexcept { ++references; }
        void drop_ref() noexcept {
            if (--references == 0) {
                delete this;
            }
        }
    };
    class Stopper;

    /// Makes it run in a context that is not null.
    template <class C>
    static detail::Ref<C> make_callback(detail::Ref<C> callback, const Context* context) noexcept {
        if (context != nullptr) {
            callback->run_in(context->cell());
        }
        return callback;
    }

    /// Makes the loop the thread's running one for the time of a run.
    class Running;

    void require_open() const;
    void require_startable() const;
    void destroy_all();
    void run_until_stopped();
    void run_until_done(detail::FutureBase& future);
    void report_pending(const detail::TaskBase& task) noexcept;
    /// Cancels all tasks and runs until they have ended, and those that they make meanwhile too.
    /// Neither stop() nor a KeyboardInterrupt ends that; the latter is thrown when all is done.
    void end_tasks();
    /// A turn of end_tasks(), which keeps a KeyboardInterrupt for its end.
    void turn_to_end(bool may_block, std::exception_ptr& interrupt);
    /// Closes the async generators that are left, and runs until that is done.
    void end_generators(std::exception_ptr& interrupt);
    /// Starts to close the async generators that are left, each in a task.
    std::vector<Task<>> close_generators();
    void report_unclosed(const Task<>& closing) noexcept;
    /// Throws: KeyboardInterrupt if a callback or task threw that; what LoopCore::turn() throws.
    void turn(bool may_block);
    void after_turn(bool rung);
    void handle_signal(int number, detail::SmallFunction<void()> function);
    void call_signal_handlers();
    void call_signal_handler(std::uint64_t id);
    static void report(detail::Scheduler& scheduler, const char* message, std::exception_ptr error,
                       const detail::FutureBase* subject) noexcept;
    static void resume_from_thread(detail::Scheduler& scheduler, Suspension& suspension) noexcept;

    mutable detail::LoopCore core_;
    detail::FdWatchers readers_{POLLIN};
    detail::FdWatchers writers_{POLLOUT};
    SignalHandler* signal_handlers_ = nullptr; // a reference each; the earliest first
    std::uint64_t last_signal_handler_id_ = 0;
    ExceptionHandler exception_handler_;
    bool running_ = false;
    bool stopping_ = false;
    bool closed_ = false;
    bool debug_;
};

/// The loop that runs on this thread. Throws: LoopError outside a loop.
[[nodiscard]] inline EventLoop& get_running_loop() {
    return *detail::running_scheduler().loop;
}

/// All tasks of the running loop that are not done. Throws: LoopError outside a loop.
[[nodiscard]] inline std::vector<TaskRef> all_tasks() {
    return get_running_loop().all_tasks();
}

// Implementation

class EventLoop::Running {
public:
    explicit Running(EventLoop& loop) : loop_(loop) {
        loop.require_startable();
        loop.core_.enter_thread();
        loop.running_ = true;
        detail::current_scheduler = &loop.core_.scheduler();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        detail::current_scheduler = nullptr;
        loop_.running_ = false;
        loop_.stopping_ = false;
    }

private:
    EventLoop& loop_;
};

inline EventLoop::EventLoop(LoopOptions options) : core_(options), debug_(options.debug) {
    detail::Scheduler& scheduler = core_.scheduler();
    scheduler.loop = this;
    scheduler.reporter = &EventLoop::report;
    scheduler.resume_from_thread = &EventLoop::resume_from_thread;
}

inline EventLoop::~EventLoop() {
    RONDO_ASSERT(!running_, "an event loop must not be destroyed while it runs");
    try {
        close();
    } catch (...) {
        detail::print_unhandled("an event loop could not be closed, and is left behind",
                                std::current_exception());
        core_.leave_behind();
    }
}

inline void EventLoop::require_open() const {
    if (closed_) {
        detail::throw_loop_error("rondo: this event loop is closed");
    }
}

inline void EventLoop::require_startable() const {
    require_open();
    if (running_) {
        detail::throw_loop_error("rondo: this event loop is running already");
    }
    if (detail::current_scheduler != nullptr) {
        detail::throw_loop_error(
            "rondo: another event loop runs on this thread; await the coroutine "
            "instead of running it");
    }
}

template <Awaitable A>
await_result_t<A> EventLoop::run_until_complete(A&& awaitable) {
    require_startable(); // before a task is made of it
    auto future = detail::ensure_future(core_.scheduler(), std::forward<A>(awaitable));
    run_until_done(*future.state());
    if constexpr (std::is_lvalue_reference_v<A> && std::copyable<await_result_t<A>>) {
        return future.result(); // the caller's handle keeps its own
    } else {
        future.state()->require_value();
        return future.state()->take();
    }
}

class EventLoop::Stopper final : public DoneObserver {
public:
    explicit Stopper(EventLoop& loop) noexcept : loop_(loop) {}

private:
    void on_done() noexcept override { loop_.stop(); }

    EventLoop& loop_;
};

/// Throws: LoopError if the loop was stopped before that.
inline void EventLoop::run_until_done(detail::FutureBase& future) {
    Stopper stopper(*this);
    {
        const Running running(*this);
        const detail::ScopeExit leave([&] {
            if (stopper.is_linked()) {
                detail::FutureBase::forget(stopper);
            }
            if (future.done()) {
                future.mark_retrieved(); // by whatever leaves this function
            }
            core_.leave_thread();
        });
        if (!future.done()) {
            future.observe(stopper);
            run_until_stopped();
        }
        if (future.done()) {
            turn(false); // for its done callbacks
        }
    }
    if (!future.done()) {
        detail::throw_loop_error("rondo: the event loop was stopped before the awaitable was done");
    }
}

inline void EventLoop::run_forever() {
    const Running running(*this);
    const detail::ScopeExit leave([this] { core_.leave_thread(); });
    run_until_stopped();
}

inline void EventLoop::run_until_stopped() {
    do {
        after_turn(core_.run_turns(stopping_));
    } while (!stopping_);
}

inline void EventLoop::end_tasks() {
    detail::Scheduler& scheduler = core_.scheduler();
    if (scheduler.tasks.empty() && scheduler.generators.empty()) {
        return;
    }
    const Running running(*this);
    std::exception_ptr interrupt;
    do {
        while (!scheduler.tasks.empty()) {
            const std::vector<TaskRef> left = all_tasks();
            for (const TaskRef& task : left) {
                task.state()->cancel(CancelReason::shutdown, {});
            }
            for (const TaskRef& task : left) {
                while (!task.done()) {
                    turn_to_end(true, interrupt);
                }
            }
        }
        turn_to_end(false, interrupt); // for their done callbacks
        if (!scheduler.generators.empty()) {
            end_generators(interrupt);
        }
    } while (!scheduler.tasks.empty());
    if (interrupt != nullptr) {
        std::rethrow_exception(interrupt);
    }
}

[[gnu::noinline]] inline void EventLoop::turn_to_end(bool may_block,
                                                     std::exception_ptr& interrupt) {
    try {
        turn(may_block);
    } catch (const KeyboardInterrupt&) {
        interrupt = std::current_exception();
    }
}

[[gnu::noinline]] inline void EventLoop::end_generators(std::exception_ptr& interrupt) {
    for (const Task<>& closing : close_generators()) {
        while (!closing.done()) {
            turn_to_end(true, interrupt);
        }
        report_unclosed(closing);
    }
}

inline std::vector<Task<>> EventLoop::close_generators() {
    auto& generators = core_.scheduler().generators;
    std::vector<Task<>> closings;
    while (detail::LiveGenerator* generator = generators.front()) {
        generators.remove(*generator); // whatever becomes of it, it is not tried again
        closings.push_back(create_task(generator->close_at_shutdown()));
    }
    return closings;
}

inline void EventLoop::report_unclosed(const Task<>& closing) noexcept {
    if (!closing.cancelled() && closing.exception() != nullptr) {
        call_exception_handler({.message = "an async generator could not be closed",
                                .exception = closing.exception(),
                                .subject = {}});
    }
}

template <class>
Coro<> EventLoop::shutdown_asyncgens() {
    std::exception_ptr cancellation;
    for (const Task<>& closing : close_generators()) {
        try {
            co_await closing;
        } catch (const CancelledError&) { // of this task, or of the cleanup by itself
            if (current_task().cancelling() > 0) {
                cancellation = std::current_exception();
            }
        } catch (...) {
            report_unclosed(closing);
        }
    }
    if (cancellation != nullptr) {
        std::rethrow_exception(cancellation);
    }
}

inline void EventLoop::run_once(Clock::duration longest) {
    const Running running(*this);
    TimerHandle limit;
    if (longest > Clock::duration::zero() && longest != Clock::duration::max()) {
        limit = call_later(longest, [] {});
    }
    const detail::ScopeExit disarm([&] { limit.cancel(); });
    turn(longest > Clock::duration::zero());
}

[[gnu::noinline]] inline void EventLoop::turn(bool may_block) {
    after_turn(core_.turn(may_block));
}

inline void EventLoop::after_turn(bool rung) {
    if (rung) {
        call_signal_handlers();
    }
    if (core_.scheduler().interrupt != nullptr) [[unlikely]] {
        std::rethrow_exception(std::exchange(core_.scheduler().interrupt, nullptr));
    }
}

inline void EventLoop::close() {
    if (running_) {
        detail::throw_loop_error("rondo: a running event loop cannot be closed; stop() it first");
    }
    if (closed_) {
        return;
    }
    core_.require_movable();
    closed_ = true;
    detail::Scheduler& scheduler = core_.scheduler();
    while (signal_handlers_ != nullptr) {
        remove_signal_handler(signal_handlers_->number);
    }
    if (core_.ring().is_inherited()) {
        // The tasks are the parent's: what they clean up is not for this process to touch.
        core_.leave_behind();
    } else {
        destroy_all();
        scheduler.ring = nullptr;
    }
    scheduler.loop = nullptr;
    scheduler.reporter = nullptr;
}

inline void EventLoop::destroy_all() {
    detail::Scheduler& scheduler = core_.scheduler();
    readers_.clear();
    writers_.clear();
    // First the kernel lets go of all buffers in the frames; then nothing of them runs any more;
    // then they are destroyed. What their destructors do may still use the scheduler.
    core_.drain_ring();
    core_.discard_ready();
    while (!scheduler.tasks.empty()) {
        detail::TaskBase& task = *scheduler.tasks.front();
        report_pending(task);
        task.abandon();
        core_.discard_ready();
    }
    scheduler.timers.clear();
    core_.close_ring();
}

[[gnu::noinline]] inline void EventLoop::report_pending(const detail::TaskBase& task) noexcept {
    std::string name;
    try {
        name = task.describe();
    } catch (...) { // NOLINT(bugprone-empty-catch): the report goes out without the name
    }
    call_exception_handler({.message = "a task was destroyed while it was pending",
                            .exception = nullptr,
                            .subject = name});
}

template <std::invocable F>
Handle EventLoop::call_soon(F callback, const Context* context) {
    static_assert(!detail::is_coro_v<std::invoke_result_t<F&>>,
                  "rondo: this callback is a coroutine, which would never run; use create_task()");
    require_open();
    auto node = make_callback(
        detail::Ref<detail::Callback>(new detail::Callback(std::move(callback))), context);
    node->schedule(core_.scheduler());
    return Handle(std::move(node));
}

template <std::invocable F>
TimerHandle EventLoop::call_at(Clock::time_point when, F callback, const Context* context) {
    static_assert(!detail::is_coro_v<std::invoke_result_t<F&>>,
                  "rondo: this callback is a coroutine, which would never run; use create_task()");
    require_open();
    auto node = make_callback(
        detail::Ref<detail::TimedCallback>(new detail::TimedCallback(std::move(callback), when)),
        context);
    node->start(core_.scheduler());
    return TimerHandle(std::move(node));
}

template <std::invocable F>
Handle EventLoop::call_soon_threadsafe(F callback, const Context* context) {
    static_assert(!detail::is_coro_v<std::invoke_result_t<F&>>,
                  "rondo: this callback is a coroutine, which would never run; use create_task()");
    auto node = make_callback(
        detail::Ref<detail::Callback>(new detail::Callback(std::move(callback))), context);
    node->share_with_threads();
    node->add_ref(); // the inbox's
    if (!core_.inbox().post(*node)) {
        node->drop_ref();
        detail::throw_loop_error("rondo: this event loop is closed");
    }
    return Handle(std::move(node));
}

template <std::invocable F>
void EventLoop::add_signal_handler(int number, F callback) {
    static_assert(!detail::is_coro_v<std::invoke_result_t<F&>>,
                  "rondo: a signal handler is a plain callback, not a coroutine");
    handle_signal(number, std::move(callback));
}

inline void EventLoop::handle_signal(int number, detail::SmallFunction<void()> function) {
    require_open();
    detail::Ref<SignalHandler> handler(
        new SignalHandler{number, std::move(function), copy_context()});
    SignalHandler** link = &signal_handlers_;
    while (*link != nullptr && (*link)->number != number) {
        link = &(*link)->next;
    }
    if (SignalHandler* const old = *link) {
        handler->id = old->id;
        handler->next = old->next;
        *link = handler.detach();
        old->drop_ref();
        return;
    }
    detail::listen_to_signal(number, core_.inbox().wake_fd());
    core_.expect_from_outside(+1);
    handler->id = ++last_signal_handler_id_;
    *link = handler.detach();
}

[[gnu::noinline]] inline bool EventLoop::remove_signal_handler(int number) noexcept {
    for (SignalHandler** link = &signal_handlers_; *link != nullptr; link = &(*link)->next) {
        SignalHandler* const handler = *link;
        if (handler->number == number) {
            detail::stop_listening_to_signal(number);
            core_.expect_from_outside(-1);
            *link = handler->next;
            handler->drop_ref();
            return true;
        }
    }
    return false;
}

[[gnu::noinline]] inline void EventLoop::call_signal_handlers() {
    for (const SignalHandler* handler = signal_handlers_; handler != nullptr;
         handler = handler->next) {
        if (detail::signal_slots[handler->number].arrived.exchange(false)) {
            // Looked up again in the next turn: it may be replaced or removed until then.
            call_soon([this, id = handler->id] { call_signal_handler(id); });
        }
    }
}

inline void EventLoop::call_signal_handler(std::uint64_t id) {
    SignalHandler* handler = signal_handlers_;
    while (handler != nullptr && handler->id != id) {
        handler = handler->next;
    }
    if (handler != nullptr) {
        const detail::Ref<SignalHandler> kept(handler);
        kept->context.run(kept->function);
    }
}

inline void EventLoop::call_exception_handler(const ErrorContext& context) noexcept {
    if (!exception_handler_) {
        default_exception_handler(context);
        return;
    }
    try {
        exception_handler_(*this, context);
    } catch (const KeyboardInterrupt&) {
        core_.scheduler().interrupt = std::current_exception();
    } catch (...) {
        default_exception_handler({.message = "the exception handler itself threw",
                                   .exception = std::current_exception(),
                                   .subject = {}});
        default_exception_handler(context);
    }
}

inline void EventLoop::default_exception_handler(const ErrorContext& context) noexcept {
    try {
        std::string text(context.message);
        if (!context.subject.empty()) {
            text.append(" (").append(context.subject).append(")");
        }
        if (context.exception != nullptr) {
            detail::print_unhandled(text.c_str(), context.exception);
        } else {
            std::fprintf(stderr, "rondo: %s\n", text.c_str());
        }
    } catch (...) {
        std::fputs("rondo: an error could not be reported for want of memory\n", stderr);
    }
}

inline void EventLoop::report(detail::Scheduler& scheduler, const char* message,
                              std::exception_ptr error,
                              const detail::FutureBase* subject) noexcept {
    std::string name;
    try {
        if (subject != nullptr) {
            name = subject->describe();
        }
    } catch (...) { // NOLINT(bugprone-empty-catch): the report goes out without the name
    }
    detail::ContextSlot* const outer = scheduler.context;
    if (subject != nullptr && subject->is_task()) { // the handler runs in its context
        const auto* task = static_cast<const detail::TaskBase*>(subject);
        scheduler.context = &const_cast<detail::TaskBase*>(task)->context().slot();
    }
    scheduler.loop->call_exception_handler(
        {.message = message, .exception = std::move(error), .subject = name});
    scheduler.context = outer;
}

inline void EventLoop::resume_from_thread(detail::Scheduler& scheduler,
                                          Suspension& suspension) noexcept {
    try {
        scheduler.loop->call_soon_threadsafe([&suspension] { suspension.resume(); });
    } catch (...) {
        detail::print_unhandled("another thread could not wake a task", std::current_exception());
    }
}

inline LoopMetrics EventLoop::metrics() const noexcept {
    const detail::Scheduler& scheduler = core_.scheduler();
    const detail::RingMetrics ring = core_.ring_metrics();
    LoopMetrics metrics;
    metrics.turns = core_.turns();
    metrics.steps = core_.steps();
    metrics.system_calls = ring.enters;
    metrics.submitted = ring.submitted;
    metrics.completed = ring.completions;
    metrics.overflows = ring.overflows;
    metrics.submit_busy = ring.submit_busy;
    metrics.parked = ring.parked;
    metrics.tasks_created = scheduler.last_task_id;
    metrics.tasks_alive = scheduler.tasks_alive;
    metrics.timers = scheduler.timers.size();
    metrics.ready = scheduler.ready.size();
    metrics.operations = core_.ring().in_flight();
    return metrics;
}

[[gnu::noinline]] inline std::vector<TaskRef> EventLoop::all_tasks() const {
    std::vector<TaskRef> tasks;
    core_.scheduler().tasks.for_each(
        [&](detail::TaskBase& task) { tasks.emplace_back(detail::Ref<detail::TaskBase>(&task)); });
    return tasks;
}

} // namespace rondo::inline RONDO_ABI
