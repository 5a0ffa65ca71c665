#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Awaiters from elsewhere. They resume whatever handle they were given, from wherever they like:
// so they get the handle of a small relay coroutine, which queues the task.

#include <concepts>
#include <coroutine>
#include <exception>
#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/suspension.hpp>
#include <type_traits>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// A coroutine that tells `Target` when it is resumed, and then waits to be destroyed.
///
/// It tells when it is suspended for good: on another thread the target may be woken, run on and
/// destroy the relay before the call returns.
template <class Target>
class Relay {
public:
    class promise_type : public PoolAllocated {
    public:
        explicit promise_type(Target& target) noexcept : target_(target) {}

        Relay get_return_object() noexcept {
            return Relay(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        static std::suspend_always initial_suspend() noexcept { return {}; }
        struct Tell {
            [[nodiscard]] static bool await_ready() noexcept { return false; }
            static void await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
                ended.promise().target_.relayed();
            }
            static void await_resume() noexcept {}
        };
        static Tell final_suspend() noexcept { return {}; }
        static void return_void() noexcept {}
        [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }

    private:
        Target& target_;
    };

    explicit Relay(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay() { handle_.destroy(); }

    [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return handle_; }

private:
    std::coroutine_handle<promise_type> handle_;
};

template <class Target>
Relay<Target> make_relay(Target& /*target*/) {
    co_return;
}

/// Native awaiter around a foreign one.
///
/// Cancellation: a foreign awaiter cannot be asked to stop; the request stays pending until the
/// task's next suspension after this one.
/// Threads: the foreign awaiter may resume from any thread.
template <class A>
class ForeignAwaiter : public Suspension {
public:
    explicit ForeignAwaiter(A&& awaitable)
        : awaiter_(get_awaiter(std::forward<A>(awaitable))), relay_(make_relay(*this)) {}

    [[nodiscard]] bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        scheduler_ = current_scheduler;
        suspend(awaiting);
        try {
            using Returned = decltype(awaiter_.await_suspend(relay_.handle()));
            if constexpr (std::is_void_v<Returned>) {
                awaiter_.await_suspend(relay_.handle());
            } else if constexpr (std::same_as<Returned, bool>) {
                if (!awaiter_.await_suspend(relay_.handle())) {
                    resume();
                }
            } else {
                awaiter_.await_suspend(relay_.handle()).resume();
            }
        } catch (...) {
            error_ = std::current_exception();
            resume();
        }
        return true;
    }

    decltype(auto) await_resume() {
        if (error_ != nullptr) {
            std::rethrow_exception(error_);
        }
        keep_result();
        return awaiter_.await_resume();
    }

    /// The foreign awaiter is done with waiting.
    void relayed() noexcept {
        if (current_scheduler == scheduler_) {
            resume();
        } else {
            scheduler_->resume_from_thread(*scheduler_, *this);
        }
    }

private:
    void on_cancel() noexcept override {}
    [[nodiscard]] const char* describe() const noexcept override { return "a foreign awaitable"; }

    awaiter_of_t<A> awaiter_; // a reference if the awaitable is its own awaiter
    Relay<ForeignAwaiter> relay_;
    Scheduler* scheduler_ = nullptr;
    std::exception_ptr error_;
};

} // namespace rondo::inline RONDO_ABI::detail
