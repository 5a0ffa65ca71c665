#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Requests that complete many times, as async streams: one submission brings results until the kernel,
// for reasons of its own, ends it; then it is submitted again, and nobody notices. What they bring is
// up to accept_multishot.hpp, recv_multishot.hpp and poll_multishot.hpp.

#include <coroutine>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/error.hpp>
#include <rondo/io/multishot_record.hpp>
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

} // namespace rondo::inline RONDO_ABI::io
