#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// run(): a program's way in. Runner: several mains on one loop.

#include <concepts>
#include <csignal>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/future_state.hpp>
#include <rondo/detail/signal_table.hpp>
#include <rondo/error.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/loop_options.hpp>
#include <rondo/task.hpp>

namespace rondo::inline RONDO_ABI {

/// Runs several main coroutines one after another on one loop, as asyncio.Runner.
///
/// The loop is made at the first use, and closed by close() or the destructor: all tasks that are
/// left are cancelled and awaited first.
class Runner {
public:
    explicit Runner(LoopOptions options = {}) noexcept : options_(options) {}
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner() {
        try {
            close();
        } catch (...) {
            detail::print_unhandled("closing a Runner failed", std::current_exception());
        }
    }

    /// Runs the awaitable to its end, as the main task.
    ///
    /// The first SIGINT meanwhile cancels it, and KeyboardInterrupt is thrown when it has ended by
    /// that (CancelledError, if others had cancelled it too); a second SIGINT has its default
    /// effect. Tasks that it leaves behind go on at the next run().
    /// Returns: its result. Throws: what it throws; LoopError inside a running loop, or after
    /// close().
    template <Awaitable A>
    await_result_t<A> run(A&& main);

    /// The loop. Throws: LoopError after close().
    EventLoop& get_loop() {
        if (closed_) {
            detail::throw_loop_error("rondo: this Runner is closed");
        }
        if (!loop_) {
            loop_.emplace(options_);
        }
        return *loop_;
    }

    /// Cancels what is left and awaits it, and closes the loop. Idempotent.
    ///
    /// Throws: LoopError, and has no effect, while the loop runs; KeyboardInterrupt if a task that
    /// was cancelled threw that.
    void close();

private:
    class SigintWatch;

    LoopOptions options_;
    std::optional<EventLoop> loop_;
    std::optional<Context> context_; // one for all that it runs, as asyncio.Runner's
    bool closed_ = false;
};

/// Makes a loop, runs `main` on it, cancels and awaits all tasks that are left, and closes the
/// loop.
///
/// Returns: what main returns. Throws: what main throws, unchanged; KeyboardInterrupt after a
/// SIGINT; LoopError inside a running loop; std::system_error where io_uring cannot be had.
///
/// Example:
/// @code
/// rondo::Coro<int> answer() { co_await rondo::sleep(1s); co_return 42; }
/// int main() { return rondo::run(answer()) == 42 ? 0 : 1; }
/// @endcode
template <Awaitable A>
await_result_t<A> run(A&& main, LoopOptions options = {}) {
    Runner runner(options);
    if constexpr (std::is_void_v<await_result_t<A>>) {
        runner.run(std::forward<A>(main));
        runner.close();
    } else {
        await_result_t<A> result = runner.run(std::forward<A>(main));
        runner.close();
        return result;
    }
}

/// The same with a callable and arguments, which are kept alive: safe for capturing lambdas.
template <class F, class... Args>
    requires(!Awaitable<F> && CoroutineFunction<F, Args...>)
decltype(auto) run(F&& function, Args&&... args) {
    return rondo::run(detail::invoke_and_keep<std::decay_t<F>, std::decay_t<Args>...>(
        std::forward<F>(function), std::forward<Args>(args)...));
}
template <class F>
    requires(!Awaitable<F> && CoroutineFunction<F>)
decltype(auto) run(F&& function, LoopOptions options) {
    return rondo::run(detail::invoke_and_keep<std::decay_t<F>>(std::forward<F>(function)), options);
}

// Implementation

/// While it lives, the first SIGINT cancels a task.
class Runner::SigintWatch {
public:
    [[gnu::noinline]] SigintWatch(EventLoop& loop, TaskRef main, bool wanted)
        : loop_(loop), main_(std::move(main)) {
        if (!wanted || !detail::signal_is_default(SIGINT)) {
            return;
        }
        try {
            loop_.add_signal_handler(SIGINT, [this] { interrupt(); });
            detail::listen_to_one_signal_only(SIGINT);
            installed_ = true;
        } catch (const LoopError&) { // another thread's loop handles it
            installed_ = false;
        }
    }
    SigintWatch(const SigintWatch&) = delete;
    SigintWatch& operator=(const SigintWatch&) = delete;
    [[gnu::noinline]] ~SigintWatch() {
        if (installed_) {
            loop_.remove_signal_handler(SIGINT);
        }
    }

    /// Whether main ended as it did because of SIGINT and of nothing else.
    [[nodiscard]] bool interrupted() const noexcept {
        return interrupted_ && main_.done() && main_.cancelled() && main_.uncancel() == 0;
    }

private:
    void interrupt() noexcept {
        interrupted_ = true;
        if (!main_.done()) {
            main_.state()->cancel(CancelReason::signal, {});
        }
    }

    EventLoop& loop_;
    TaskRef main_;
    bool installed_ = false;
    bool interrupted_ = false;
};

template <Awaitable A>
await_result_t<A> Runner::run(A&& main) {
    if (detail::current_scheduler != nullptr) {
        detail::throw_loop_error(
            "rondo: run() cannot be called from a running event loop; await the "
            "coroutine, or make a task of it");
    }
    EventLoop& loop = get_loop();
    if (!context_) {
        context_ = copy_context();
    }
    TaskOptions options;
    options.context = &*context_;
    auto task = detail::ensure_future(loop.core().scheduler(), std::forward<A>(main), options);
    if constexpr (std::convertible_to<decltype(task), TaskRef>) {
        SigintWatch sigint(loop, task, options_.handle_sigint);
        try {
            return loop.run_until_complete(std::move(task));
        } catch (const CancelledError&) {
            if (sigint.interrupted()) {
                throw KeyboardInterrupt();
            }
            throw;
        }
    } else {
        return loop.run_until_complete(std::move(task));
    }
}

inline void Runner::close() {
    if (closed_) {
        return;
    }
    if (loop_ && loop_->is_running()) {
        detail::throw_loop_error(
            "rondo: a Runner cannot be closed by what it runs; return from main first");
    }
    closed_ = true;
    if (!loop_) {
        return;
    }
    std::exception_ptr error;
    try {
        loop_->end_tasks();
    } catch (...) {
        error = std::current_exception();
    }
    loop_->close();
    if (error != nullptr) {
        std::rethrow_exception(error);
    }
}

} // namespace rondo::inline RONDO_ABI
