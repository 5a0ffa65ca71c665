#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Small coroutines that work, fail, wait or clean up, and how an awaitable ends as a text that can
// be compared.

#include <rondo/awaitable.hpp>
#include <rondo/coro.hpp>
#include <rondo/error.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/exception_group.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task.hpp>
#include <rondo/timer.hpp>

#include "support/async_test.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace rondo_test {

struct Broken : std::runtime_error {
    explicit Broken(const std::string& what = "broken") : std::runtime_error(what) {}
};

inline rondo::Clock::time_point now() {
    return rondo::get_running_loop().time();
}

/// Gives a value, after a while: at once, without a turn of the loop, if that is nothing.
inline rondo::Coro<int> number(int value, rondo::Clock::duration after = {}) {
    if (after > rondo::Clock::duration::zero()) {
        co_await rondo::sleep(after);
    }
    co_return value;
}

inline rondo::Coro<> nap(rondo::Clock::duration time) {
    co_await rondo::sleep(time);
}

inline rondo::Coro<int> fail(std::string what, rondo::Clock::duration after = {}) {
    if (after > rondo::Clock::duration::zero()) {
        co_await rondo::sleep(after);
    }
    throw Broken(what);
}

inline std::string text_of(const rondo::CancelledError& why) {
    return std::string(rondo::to_string(why.reason())) + ":" + why.message();
}

/// Sleeps for an hour; when it is cancelled notes why, cleans up for a while, and is cancelled.
inline rondo::Coro<> diary(std::string& entry, rondo::Clock::duration clean_up = {}) {
    std::exception_ptr cancelled;
    try {
        co_await rondo::sleep(std::chrono::hours(1));
        entry = "done";
    } catch (const rondo::CancelledError& why) {
        entry = text_of(why);
        cancelled = std::current_exception();
    }
    if (cancelled != nullptr) {
        co_await rondo::sleep(clean_up);
        entry += ":cleaned";
        std::rethrow_exception(cancelled);
    }
}

/// Sleeps for an hour, and answers a cancellation with an exception, after a while.
inline rondo::Coro<> answer_with(std::string what, rondo::Clock::duration clean_up = {}) {
    bool cancelled = false;
    try {
        co_await rondo::sleep(std::chrono::hours(1));
    } catch (const rondo::CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        co_await rondo::sleep(clean_up);
        throw Broken(what);
    }
}

/// An exception as text: "Broken" with its text alone, a group as [its members].
inline std::string text_of(const std::exception_ptr& error) {
    if (error == nullptr) {
        return "value";
    }
    try {
        std::rethrow_exception(error);
    } catch (const rondo::CancelledError& why) {
        return text_of(why);
    } catch (const rondo::TimeoutError& late) {
        return "TimeoutError from " + text_of(late.nested_ptr());
    } catch (const rondo::ExceptionGroup& group) {
        std::string text = "[";
        for (const std::exception_ptr& member : group.exceptions()) {
            text += (text.size() == 1 ? "" : ", ") + text_of(member);
        }
        return text + "]";
    } catch (const std::exception& e) {
        return e.what();
    } catch (const rondo::KeyboardInterrupt&) {
        return "KeyboardInterrupt";
    } catch (int thrown) {
        return "int " + std::to_string(thrown);
    } catch (...) {
        return "something else";
    }
}

/// How an awaitable ends, as text.
template <rondo::Awaitable A>
rondo::Coro<std::string> outcome_of(A awaitable) {
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<rondo::await_result_t<A>>) {
            co_await std::move(awaitable);
        } else {
            [[maybe_unused]] auto&& value = co_await std::move(awaitable);
        }
    } catch (...) {
        error = std::current_exception();
    }
    co_return text_of(error);
}

inline const std::string timed_out = "TimeoutError from timeout:";

/// Calls something when its deadline passes: before any task runs, as the timer of a limit does.
class OnDeadline final : public rondo::Timer {
public:
    OnDeadline(rondo::Clock::duration after, std::function<void()> function)
        : function_(std::move(function)) {
        start(now() + after);
    }

private:
    void on_deadline() noexcept override { function_(); }
    std::function<void()> function_;
};

} // namespace rondo_test
