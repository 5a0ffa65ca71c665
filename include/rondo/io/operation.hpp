#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// One io_uring request as an awaitable. A *request* is a small struct that says how to fill the
// submission entry and what its result means; Operation and OperationAwaiter make it awaitable,
// keep its record alive for as long as the kernel may write to it, and cancel it. No allocation.

#include <cerrno>
#include <concepts>
#include <coroutine>
#include <system_error>
#include <type_traits>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include <rondo/config.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>
#include <rondo/suspension.hpp>

namespace rondo::inline RONDO_ABI::io {

/// What a request has to tell:
///
/// - `name`: the operation's name, for the `what()` of its errors;
/// - `prepare(sqe)`: fills a zeroed submission entry (not its user_data); may be called again;
/// - `value(result)`: turns a completion's non-negative result into what `co_await` gives;
///
/// and, where it applies:
///
/// - `static constexpr bool gives_descriptor = true`: the result is a descriptor, to be closed if
///   nobody can be given it any more;
/// - `prompt`, a constant or a member function: it completes without anybody's help (files, not
///   sockets): a virtual clock waits for it;
/// - `static constexpr bool uncancellable = true`: once begun, it is carried through;
/// - `static constexpr short poll_events` and `int fd`: on a descriptor in non-blocking mode, wait
///   for readiness and try again instead of failing with EAGAIN; `bool may_wait() const` false
///   turns that off;
/// - `bool try_another_way(int& result)`: sees each final result, may replace it, and returns true
///   to be submitted again: for what this kernel or this descriptor lacks.
template <class R>
concept OperationRequest =
    std::movable<R> && requires(R& request, const R& constant, io_uring_sqe& entry, int result) {
        { R::name } -> std::convertible_to<const char*>;
        constant.prepare(entry);
        request.value(result);
    };

namespace detail {

using rondo::detail::Completion;
using rondo::detail::Request;

template <class R>
inline constexpr bool gives_descriptor_v = false;
template <class R>
    requires requires { R::gives_descriptor; }
inline constexpr bool gives_descriptor_v<R> = R::gives_descriptor;

template <class R>
inline constexpr bool is_uncancellable_v = false;
template <class R>
    requires requires { R::uncancellable; }
inline constexpr bool is_uncancellable_v<R> = R::uncancellable;

template <class R>
[[nodiscard]] constexpr bool is_prompt(const R& request) noexcept {
    if constexpr (requires { request.prompt(); }) {
        return request.prompt();
    } else if constexpr (requires { R::prompt; }) {
        return R::prompt;
    } else {
        return false;
    }
}

template <class R>
concept RetriesWhenReady = requires(const R& request) {
    { R::poll_events } -> std::convertible_to<short>;
    { request.fd } -> std::convertible_to<int>;
};

} // namespace detail

/// A request in flight: lives in the awaiting frame.
template <OperationRequest R>
class OperationAwaiter final : public Suspension, private detail::Request {
public:
    using Value = decltype(std::declval<R&>().value(0));

    explicit OperationAwaiter(R request) noexcept
        : Request(&OperationAwaiter::completed, &OperationAwaiter::fill),
          request_(std::move(request)) {}
    ~OperationAwaiter() {
        if constexpr (detail::gives_descriptor_v<R>) {
            if (result_ >= 0) {
                ::close(result_); // completed, but the task will never see it
            }
        }
    }

    [[nodiscard]] static bool await_ready() noexcept { return false; }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false; // never submitted: no effect
        }
        if (detail::is_prompt(request_)) {
            ++task()->scheduler()->prompt_operations;
        }
        task()->scheduler()->ring->template submit_as<&OperationAwaiter::fill>(*this);
        return true;
    }

    Value await_resume() {
        const int result = take_result();
        if (result < 0) [[unlikely]] {
            fail(result);
        }
        task()->keep_result();
        return request_.value(result);
    }

    /// The same without an exception: for as_result().
    Result<Value> await_result() noexcept {
        const int result = take_result();
        if (result < 0) {
            if (is_cancellation(result)) {
                return Result<Value>::from_cancellation(take_cancellation());
            }
            return Result<Value>::failure(std::error_code(-result, std::system_category()),
                                          R::name);
        }
        task()->keep_result();
        if constexpr (std::is_void_v<Value>) {
            request_.value(result);
            return {};
        } else {
            return Result<Value>(request_.value(result));
        }
    }

private:
    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        static_cast<OperationAwaiter&>(request).request_.prepare(entry);
    }

    static void fill_poll(Request& request, io_uring_sqe& entry) noexcept
        requires detail::RetriesWhenReady<R>
    {
        const R& description = static_cast<OperationAwaiter&>(request).request_;
        io_uring_prep_poll_add(&entry, description.fd,
                               static_cast<unsigned>(description.poll_events));
    }

    // What a completion goes to says what it is of, so that the usual one has nothing to ask.
    static OperationAwaiter& of(detail::Completion& completion) noexcept {
        return static_cast<OperationAwaiter&>(static_cast<Request&>(completion));
    }

    static void completed(detail::Completion& completion, int result, unsigned flags) noexcept {
        OperationAwaiter& self = of(completion);
        self.result_ = result;
        if (result < 0 || (flags & IORING_CQE_F_MORE) != 0) [[unlikely]] {
            self.look_closer(flags);
        } else {
            self.end();
        }
    }

    /// The final one of two completions: it says only that the buffer is free.
    static void released(detail::Completion& completion, int /*result*/,
                         unsigned /*flags*/) noexcept {
        OperationAwaiter& self = of(completion);
        self.on_completion = &OperationAwaiter::completed;
        self.look_closer(0);
    }

    /// Of the poll: the descriptor is ready, has failed (the request itself will say how), or the
    /// task is to stop.
    static void polled(detail::Completion& completion, int result, unsigned /*flags*/) noexcept
        requires detail::RetriesWhenReady<R>
    {
        OperationAwaiter& self = of(completion);
        self.on_completion = &OperationAwaiter::completed;
        self.prepare = &OperationAwaiter::fill;
        if (self.cancel_asked_) {
            self.result_ = -ECANCELED;
        } else if (result >= 0) {
            self.submit_again();
            return;
        } else {
            self.result_ = result;
        }
        self.finish();
    }

    [[gnu::noinline]] void look_closer(unsigned flags) noexcept {
        if ((flags & IORING_CQE_F_MORE) != 0) {
            on_completion = &OperationAwaiter::released;
            return;
        }
        if (is_restart(result_)) {
            result_ = -EINTR;
        }
        if constexpr (detail::RetriesWhenReady<R>) {
            if (result_ == -EAGAIN && may_wait()) {
                if (!cancel_asked_) {
                    on_completion = &OperationAwaiter::polled;
                    prepare = &OperationAwaiter::fill_poll;
                    submit_again();
                    return;
                }
                result_ = -ECANCELED;
                finish();
                return;
            }
        }
        end();
    }

    /// That is the result, unless the request knows another way.
    void end() noexcept {
        if constexpr (requires { request_.try_another_way(result_); }) {
            if (request_.try_another_way(result_)) {
                submit_again();
                return;
            }
        }
        finish();
    }

    void finish() noexcept {
        if (detail::is_prompt(request_)) {
            --task()->scheduler()->prompt_operations;
        }
        resume();
    }

    /// ERESTARTSYS and its kin, which are for the kernel alone; splice lets them out (Linux 6.18).
    static bool is_restart(int result) noexcept { return result <= -512 && result >= -516; }

    void submit_again() noexcept {
        result_ = -ECANCELED; // nothing that a destructor may close
        task()->scheduler()->ring->submit(*this);
        if (cancel_asked_) {
            task()->scheduler()->ring->cancel(*this);
        }
    }

    [[nodiscard]] int take_result() noexcept {
        if constexpr (detail::gives_descriptor_v<R>) {
            return std::exchange(result_, -ECANCELED);
        } else {
            return result_;
        }
    }

    [[nodiscard]] bool may_wait() const noexcept {
        if constexpr (requires { request_.may_wait(); }) {
            return request_.may_wait();
        } else {
            return true;
        }
    }

    void on_cancel() noexcept override {
        // The completion, whatever it says by then, is what resumes the task.
        if constexpr (!detail::is_uncancellable_v<R>) {
            cancel_asked_ = true;
            task()->scheduler()->ring->cancel(*this);
        }
    }
    [[nodiscard]] const char* describe() const noexcept override { return R::name; }

    [[nodiscard]] bool is_cancellation(int result) const noexcept {
        return cancel_asked_ ? result == -ECANCELED || result == -EINTR
                             : result == -ECANCELED && cancellation_pending();
    }

    [[noreturn]] void fail(int result) {
        if (is_cancellation(result)) {
            throw_cancelled();
        }
        rondo::detail::throw_system_error(-result, R::name);
    }

    bool cancel_asked_ = false;
    int result_ = -ECANCELED;
    R request_;
};

/// An io_uring request that waits to be awaited. Movable; awaiting it as an lvalue copies the
/// description, so it can be awaited again.
///
/// Throws when awaited: std::system_error with the operation's name.
/// Cancellation: asks the kernel to cancel, and waits for its word: the buffers stay valid until
/// then. If the operation completed all the same, its result is returned and the cancellation
/// stays pending for the task's next suspension. Cancelled before it was awaited: never submitted.
/// Lifetime: buffers and paths must live until the await ends.
template <OperationRequest R>
class [[nodiscard(
    "rondo: an operation does nothing until it is awaited: did you forget co_await?")]] Operation {
public:
    explicit Operation(R request) noexcept : request_(std::move(request)) {}

    OperationAwaiter<R> operator co_await() const& { return OperationAwaiter<R>(request_); }
    OperationAwaiter<R> operator co_await() && { return OperationAwaiter<R>(std::move(request_)); }

private:
    R request_;
};

namespace detail {

struct Nop {
    static constexpr const char* name = "nop";
    static constexpr bool prompt = true;
    static void prepare(io_uring_sqe& entry) noexcept { io_uring_prep_nop(&entry); }
    static void value(int /*result*/) noexcept {}
};

} // namespace detail

/// Does nothing, by way of the kernel: measures a trip through the ring.
inline Operation<detail::Nop> nop() noexcept {
    return Operation(detail::Nop{});
}

} // namespace rondo::inline RONDO_ABI::io
