#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What the tests of this folder do with tasks: look at how one ends, run something on a loop that
// is closed on it.

#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/error.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/task.hpp>

#include "support/async_test.hpp"

#include <string>
#include <utility>

namespace rondo_test {

/// Waits until the task is done, whatever comes of it; its exceptions count as seen.
template <class T>
rondo::Coro<> end_of(const rondo::Task<T>& task) {
    try {
        (void)co_await task;
    } catch (...) { // NOLINT(bugprone-empty-catch): only the end counts
    }
}

/// The message of the CancelledError that ended the task; "not cancelled" for any other end.
inline std::string cancel_message(const rondo::Task<>& task) {
    try {
        task.result();
    } catch (const rondo::CancelledError& cancelled) {
        return cancelled.message();
    } catch (...) { // NOLINT(bugprone-empty-catch): the same as a value
    }
    return "not cancelled";
}

/// Whether the task ended by an exception of this type.
template <class Error, class T>
bool failed_with(const rondo::Task<T>& task) {
    try {
        (void)task.result();
    } catch (const Error&) {
        return true;
    } catch (...) { // NOLINT(bugprone-empty-catch): another one
    }
    return false;
}

/// Runs `body` on a loop in FIFO order, then `last`, and closes the loop: the tasks that are left
/// take no step any more, also those that `last` woke; their frames die where they are suspended.
template <class Body, class Last>
void run_and_close(Body body, Last last) {
    rondo::EventLoop loop(in_order());
    loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
    loop.run_until_complete(body());
    last();
}

} // namespace rondo_test
