// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/error.hpp>

#include "allocations.hpp"
#include "support/catch.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

using rondo::CancelledError;
using rondo::CancelReason;

TEST_CASE("every reason for a cancellation has its name as text", "[base][error]") {
    REQUIRE(std::string(to_string(CancelReason::user)) == "user");
    REQUIRE(std::string(to_string(CancelReason::timeout)) == "timeout");
    REQUIRE(std::string(to_string(CancelReason::sibling_failed)) == "sibling_failed");
    REQUIRE(std::string(to_string(CancelReason::shutdown)) == "shutdown");
    REQUIRE(std::string(to_string(CancelReason::signal)) == "signal");
    REQUIRE(std::string(to_string(static_cast<CancelReason>(99))) == "unknown");
}

TEST_CASE("a handler for std::exception catches neither cancellation nor interrupt",
          "[base][error]") {
    STATIC_REQUIRE_FALSE(std::is_base_of_v<std::exception, CancelledError>);
    STATIC_REQUIRE_FALSE(std::is_base_of_v<std::exception, rondo::KeyboardInterrupt>);

    std::string caught;
    try {
        try {
            throw CancelledError(CancelReason::shutdown);
        } catch (const std::exception&) {
            caught = "swallowed";
        }
    } catch (const CancelledError& error) {
        caught = to_string(error.reason());
    }
    REQUIRE(caught == "shutdown");
}

TEST_CASE("a CancelledError keeps its reason and its message through copies", "[base][error]") {
    const CancelledError original(CancelReason::timeout, "too late");
    const CancelledError copy = original;
    REQUIRE(copy.reason() == CancelReason::timeout);
    REQUIRE(copy.message() == "too late");
    REQUIRE(std::string(copy.what()) == "too late");
    REQUIRE(&copy.message() == &original.message());
}

TEST_CASE("a CancelledError without a message is made, copied and thrown without allocating a text",
          "[base][error]") {
    const std::size_t before = rondo_test::allocation_count();
    const CancelledError error(CancelReason::user);
    const CancelledError copy = error;
    const CancelledError shared(CancelReason::user, std::shared_ptr<const std::string>());
    const std::size_t after = rondo_test::allocation_count();
    REQUIRE(after == before);
    REQUIRE(copy.message().empty());
    REQUIRE(shared.message().empty());
}

TEST_CASE("a CancelledError shares the message it is given", "[base][error]") {
    const auto text = std::make_shared<const std::string>("stop now");
    const CancelledError error(CancelReason::user, text);
    REQUIRE(&error.message() == text.get());
    const CancelledError empty(CancelReason::signal, std::make_shared<const std::string>());
    REQUIRE(std::string(empty.what()) == "rondo: cancelled by a signal");
}

TEST_CASE("a CancelledError that was moved from has no message, and still says what it is",
          "[base][error]") {
    CancelledError error(CancelReason::user, "gone");
    const CancelledError taken = std::move(error);
    REQUIRE(taken.message() == "gone");
    REQUIRE(error.message().empty());
    REQUIRE(std::string(error.what()) == "rondo: cancelled");
}

TEST_CASE("a CancelledError without a message says why", "[base][error]") {
    const auto text = [](CancelReason reason) {
        return std::string(CancelledError(reason).what());
    };
    REQUIRE(text(CancelReason::user) == "rondo: cancelled");
    REQUIRE(text(CancelReason::timeout) == "rondo: cancelled because its time ran out");
    REQUIRE(text(CancelReason::sibling_failed) ==
            "rondo: cancelled because another task of its group failed or finished first");
    REQUIRE(text(CancelReason::shutdown) == "rondo: cancelled because the loop is shutting down");
    REQUIRE(text(CancelReason::signal) == "rondo: cancelled by a signal");
    REQUIRE(text(static_cast<CancelReason>(99)) == "rondo: cancelled");
}

TEST_CASE("a TimeoutError has the CancelledError that is being handled as its cause",
          "[base][error]") {
    std::exception_ptr late;
    try {
        try {
            throw CancelledError(CancelReason::timeout, "slow");
        } catch (const CancelledError&) {
            throw rondo::TimeoutError();
        }
    } catch (...) {
        late = std::current_exception();
    }

    std::string cause;
    try {
        std::rethrow_exception(late);
    } catch (const std::runtime_error& error) {
        try {
            std::rethrow_if_nested(error);
        } catch (const CancelledError& cancelled) {
            cause = cancelled.message();
        }
    }
    REQUIRE(cause == "slow");
}

TEST_CASE("a TimeoutError that is made outside a handler has no cause", "[base][error]") {
    const rondo::TimeoutError error;
    REQUIRE(error.nested_ptr() == nullptr);
    REQUIRE(std::string(error.what()) == "rondo: the time ran out before the work was done");
    const rondo::TimeoutError named("rondo: connect: no answer within 5 s");
    REQUIRE(std::string(named.what()) == "rondo: connect: no answer within 5 s");
}

TEST_CASE("an IncompleteReadError keeps what was read, and tells how much was expected",
          "[base][error]") {
    const rondo::IncompleteReadError error("abc", 10);
    const rondo::IncompleteReadError copy = error;
    REQUIRE(copy.partial() == "abc");
    REQUIRE(copy.expected() == 10);
    REQUIRE(&copy.partial() == &error.partial());
    REQUIRE(std::string(copy.what()) == "rondo: the stream ended after 3 of the 10 bytes expected");
}

TEST_CASE("an IncompleteReadError of a search for a separator expected no number of bytes",
          "[base][error]") {
    const rondo::IncompleteReadError error("", std::nullopt);
    REQUIRE(error.partial().empty());
    REQUIRE_FALSE(error.expected().has_value());
    REQUIRE(std::string(error.what()) ==
            "rondo: the stream ended after 0 bytes, before the separator");
}

TEST_CASE("an IncompleteReadError can still be read after it was moved from", "[base][error]") {
    rondo::IncompleteReadError error("abc", 10);
    const rondo::IncompleteReadError taken = std::move(error);
    REQUIRE(taken.partial() == "abc");
    REQUIRE(error.partial() == "abc");
}

TEST_CASE("a LimitOverrunError tells how much was searched", "[base][error]") {
    const rondo::LimitOverrunError error("rondo: no separator within 16 bytes", 14);
    REQUIRE(error.consumed() == 14);
    REQUIRE(std::string(error.what()) == "rondo: no separator within 16 bytes");
}

TEST_CASE("the text of each error names the mistake and the remedy", "[base][error]") {
    const auto text = [](const auto& error) { return std::string(error.what()); };
    REQUIRE(text(rondo::QueueEmpty()) == "rondo: the queue is empty: co_await get() to wait");
    REQUIRE(text(rondo::QueueFull()) == "rondo: the queue is full: co_await put() to wait");
    REQUIRE(text(rondo::QueueShutDown()) ==
            "rondo: the queue is shut down: use next() to read until the end");
    REQUIRE(text(rondo::BrokenBarrierError()) ==
            "rondo: the barrier is broken: reset() it before it is used again");
    REQUIRE(text(rondo::BrokenBarrierError("rondo: aborted")) == "rondo: aborted");
    REQUIRE(text(rondo::DroppedCoroutineError()) ==
            "rondo: this coroutine's body was dropped by GCC 12.1/12.2: give it a local variable "
            "or name the co_await first; see README, Compilers");
    REQUIRE(text(rondo::KeyboardInterrupt()) == "rondo: interrupted by SIGINT");
    REQUIRE(text(rondo::LoopError("rondo: no loop")) == "rondo: no loop");
    REQUIRE(text(rondo::InvalidStateError("rondo: pending")) == "rondo: pending");
    REQUIRE(text(rondo::DeadlockError("rondo: nobody")) == "rondo: nobody");
}

TEMPLATE_TEST_CASE("an error copies without throwing", "[base][error]", CancelledError,
                   rondo::KeyboardInterrupt, rondo::LoopError, rondo::InvalidStateError,
                   rondo::TimeoutError, rondo::DroppedCoroutineError, rondo::DeadlockError,
                   rondo::IncompleteReadError, rondo::LimitOverrunError, rondo::QueueEmpty,
                   rondo::QueueFull, rondo::QueueShutDown, rondo::BrokenBarrierError) {
    STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<TestType>);
    STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<TestType>);
}

TEST_CASE("misuse is a logic_error, what the world does is a runtime_error", "[base][error]") {
    STATIC_REQUIRE(std::is_base_of_v<std::logic_error, rondo::LoopError>);
    STATIC_REQUIRE(std::is_base_of_v<std::logic_error, rondo::InvalidStateError>);
    STATIC_REQUIRE(std::is_base_of_v<std::logic_error, rondo::DroppedCoroutineError>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, rondo::TimeoutError>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, rondo::DeadlockError>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, rondo::IncompleteReadError>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, rondo::LimitOverrunError>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, rondo::QueueEmpty>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, rondo::QueueFull>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, rondo::QueueShutDown>);
    STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, rondo::BrokenBarrierError>);
}

TEST_CASE("a system error names the operation and compares with std::errc", "[base][error]") {
    std::string text;
    std::error_code code;
    try {
        rondo::detail::throw_system_error(ECONNRESET, "recv");
    } catch (const std::system_error& error) {
        text = error.what();
        code = error.code();
    }
    REQUIRE(text == std::string("rondo: recv: ") + std::strerror(ECONNRESET));
    REQUIRE(code == std::errc::connection_reset);
    REQUIRE(code.category() == std::system_category());
}

TEST_CASE("a system error without an operation still starts with the library's name",
          "[base][error]") {
    const std::error_code code = std::make_error_code(std::errc::no_such_file_or_directory);
    const std::system_error error = rondo::detail::make_system_error(code, nullptr);
    REQUIRE(std::string(error.what()) == "rondo: " + code.message());
}
