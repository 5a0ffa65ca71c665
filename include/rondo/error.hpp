#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Every exception type of Rondo but ExceptionGroup. Cancellation and the keyboard interrupt do not
// derive from std::exception, as Python's do not derive from Exception, so that a handler written
// for failures cannot swallow a request to stop. Everything else does.
// All of them copy without throwing: std::exception_ptr and handlers by value may copy at any time.

#include <rondo/config.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace rondo::inline RONDO_ABI {

/// Who asked for a cancellation.
enum class CancelReason : unsigned char {
    user,           ///< somebody called cancel()
    timeout,        ///< a timeout ran out
    sibling_failed, ///< another member of the same group, gather or race made this one pointless
    shutdown,       ///< the loop is ending and cancels what is left
    signal,         ///< SIGINT
};

/// The enumerator's name, such as "sibling_failed"; "unknown" for a value that is none of them.
constexpr const char* to_string(CancelReason reason) noexcept {
    switch (reason) {
    case CancelReason::user:
        return "user";
    case CancelReason::timeout:
        return "timeout";
    case CancelReason::sibling_failed:
        return "sibling_failed";
    case CancelReason::shutdown:
        return "shutdown";
    case CancelReason::signal:
        return "signal";
    }
    return "unknown";
}

/// What a cancelled task finds thrown where it waits. Catch it to clean up, and rethrow it;
/// `catch (const std::exception&)` does not catch it, on purpose.
class CancelledError {
public:
    /// Makes one; allocates only to keep a message that is not empty.
    explicit CancelledError(CancelReason reason = CancelReason::user, std::string message = {})
        : reason_(reason) {
        if (!message.empty()) {
            message_ = std::make_shared<const std::string>(std::move(message));
        }
    }

    /// Makes one that shares its message, which may be null for none. Never allocates.
    CancelledError(CancelReason reason, std::shared_ptr<const std::string> message) noexcept
        : message_(std::move(message)), reason_(reason) {}

    /// Who asked.
    CancelReason reason() const noexcept { return reason_; }

    /// What was passed to cancel(), or the empty string.
    const std::string& message() const noexcept;

    /// The message if there is one, otherwise a sentence for the reason. Lifetime: as this object.
    const char* what() const noexcept;

private:
    std::shared_ptr<const std::string> message_; // null instead of empty
    CancelReason reason_;
};

/// Thrown by `run` after SIGINT has cancelled the main task. Not a std::exception: a program that
/// does not handle it should end.
class KeyboardInterrupt {
public:
    const char* what() const noexcept { return "rondo: interrupted by SIGINT"; }
};

/// Thrown at the co_yield of an async generator that is closed half-way. Not a std::exception, as
/// Python's GeneratorExit is not an Exception: catch it to clean up, and rethrow it.
class GeneratorExit {
public:
    const char* what() const noexcept { return "rondo: this generator is being closed"; }
};

/// A loop is used in a way that it cannot be: none is running, it is closed, it is running already,
/// or the call comes from another thread.
class LoopError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// An operation on a Task or Future that its state does not allow: to read the result of one that
/// is pending, to set one that is done.
class InvalidStateError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// A context variable has no value where it was read, and no default.
class LookupError : public std::out_of_range {
public:
    using std::out_of_range::out_of_range;
};

/// Time ran out. Its nested exception is the exception being handled when it is made: inside
/// Rondo the CancelledError that ended the late work, null if there is none.
class TimeoutError : public std::runtime_error, public std::nested_exception {
public:
    TimeoutError() : TimeoutError("rondo: the time ran out before the work was done") {}
    explicit TimeoutError(const std::string& message) : std::runtime_error(message) {}
};

/// A coroutine's body has vanished at compile time: see RONDO_GCC_DROPS_COROUTINES.
class DroppedCoroutineError : public std::logic_error {
public:
    DroppedCoroutineError()
        : std::logic_error("rondo: this coroutine's body was dropped by GCC 12.1/12.2: give it a "
                           "local variable or name the co_await first; see README, Compilers") {}
};

/// Nothing can ever wake the program again. Thrown by test runs; `what()` lists who waits on what.
class DeadlockError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A sweep of rondo/testing/sweep.hpp found something: `what()` says what, and at which point.
class SweepError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// A stream ended before a read had all it asked for.
class IncompleteReadError : public std::runtime_error {
public:
    /// partial: what came before the end; expected: how many bytes were asked for, or empty if the
    /// read looked for a separator.
    IncompleteReadError(std::string partial, std::optional<std::size_t> expected)
        : std::runtime_error(describe(partial.size(), expected)),
          partial_(std::make_shared<const std::string>(std::move(partial))), expected_(expected) {}

    // No move operations: one that was moved from would have no partial_.
    IncompleteReadError(const IncompleteReadError&) noexcept = default;
    IncompleteReadError& operator=(const IncompleteReadError&) noexcept = default;

    /// What was read before the stream ended. Lifetime: as this object and its copies.
    const std::string& partial() const noexcept { return *partial_; }

    /// How many bytes were asked for; empty if the read looked for a separator.
    std::optional<std::size_t> expected() const noexcept { return expected_; }

private:
    static std::string describe(std::size_t got, std::optional<std::size_t> expected);

    std::shared_ptr<const std::string> partial_; // never null; shared, so that copies cannot throw
    std::optional<std::size_t> expected_;
};

/// A separator was not found within the stream's limit.
class LimitOverrunError : public std::runtime_error {
public:
    /// consumed: how many bytes of the buffer were searched, in bytes.
    LimitOverrunError(const std::string& message, std::size_t consumed)
        : std::runtime_error(message), consumed_(consumed) {}

    /// How many bytes the reader may skip before it looks for the separator again.
    std::size_t consumed() const noexcept { return consumed_; }

private:
    std::size_t consumed_;
};

/// `get_nowait` found nothing.
class QueueEmpty : public std::runtime_error {
public:
    QueueEmpty() : std::runtime_error("rondo: the queue is empty: co_await get() to wait") {}
};

/// `put_nowait` found no room.
class QueueFull : public std::runtime_error {
public:
    QueueFull() : std::runtime_error("rondo: the queue is full: co_await put() to wait") {}
};

/// The queue was shut down: it takes nothing more, and has nothing more to give.
class QueueShutDown : public std::runtime_error {
public:
    QueueShutDown()
        : std::runtime_error("rondo: the queue is shut down: use next() to read until the end") {}
};

/// A barrier was reset or aborted, or a party was cancelled, so that it can never be full.
class BrokenBarrierError : public std::runtime_error {
public:
    BrokenBarrierError()
        : std::runtime_error("rondo: the barrier is broken: reset() it before it is used again") {}
    explicit BrokenBarrierError(const std::string& message) : std::runtime_error(message) {}
};

namespace detail {

/// The exception for an error code; operation: what was tried, such as "recv", or null.
std::system_error make_system_error(std::error_code error, const char* operation);

/// Throws the std::system_error for an errno value. Its what() reads
/// "rondo: recv: Connection reset by peer".
[[noreturn]] void throw_system_error(int errno_value, const char* operation);

/// Throws a LoopError: one place for many, which are shorter to compile so.
[[noreturn]] void throw_loop_error(const char* message);

} // namespace detail

// Implementation

inline const std::string& CancelledError::message() const noexcept {
    static const std::string none;
    return message_ ? *message_ : none;
}

inline const char* CancelledError::what() const noexcept {
    if (message_ && !message_->empty()) {
        return message_->c_str();
    }
    switch (reason_) {
    case CancelReason::user:
        return "rondo: cancelled";
    case CancelReason::timeout:
        return "rondo: cancelled because its time ran out";
    case CancelReason::sibling_failed:
        return "rondo: cancelled because another task of its group failed or finished first";
    case CancelReason::shutdown:
        return "rondo: cancelled because the loop is shutting down";
    case CancelReason::signal:
        return "rondo: cancelled by a signal";
    }
    return "rondo: cancelled";
}

inline std::string IncompleteReadError::describe(std::size_t got,
                                                 std::optional<std::size_t> expected) {
    std::string text = "rondo: the stream ended after " + std::to_string(got);
    if (expected) {
        return text + " of the " + std::to_string(*expected) + " bytes expected";
    }
    return text + " bytes, before the separator";
}

namespace detail {

inline std::system_error make_system_error(std::error_code error, const char* operation) {
    std::string text = "rondo";
    if (operation != nullptr) {
        text += ": ";
        text += operation;
    }
    return {error, text};
}

[[gnu::cold, gnu::noinline]] inline void throw_system_error(int errno_value,
                                                            const char* operation) {
    throw make_system_error(std::error_code(errno_value, std::system_category()), operation);
}

[[gnu::cold, gnu::noinline]] inline void throw_loop_error(const char* message) {
    throw LoopError(message);
}

} // namespace detail

} // namespace rondo::inline RONDO_ABI
