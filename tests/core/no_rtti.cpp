// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A program compiled with -fno-rtti, where typeid cannot tell a cancellation from a failure: it
// must be told all the same. Prints what went wrong; exit status 1 if anything did.

#include <cstdio>
#include <exception>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/error.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task.hpp>
#include <stdexcept>
#include <string>

#ifdef __cpp_rtti
#error "this file is to be compiled with -fno-rtti"
#endif

using namespace std::chrono_literals;

namespace {

int failures = 0;

void check(bool condition, const char* what) {
    if (!condition) {
        std::printf("failed: %s\n", what);
        ++failures;
    }
}

rondo::Coro<int> sleep_long() {
    co_await rondo::sleep(1h);
    co_return 1;
}

rondo::Coro<int> fail() {
    co_await rondo::sleep(1ms);
    throw std::runtime_error("broken");
}

rondo::Coro<> interrupt() {
    co_await rondo::sleep(1ms);
    throw rondo::KeyboardInterrupt();
}

rondo::Coro<> body() {
    auto cancelled = rondo::create_task(sleep_long());
    auto failed = rondo::create_task(fail());
    co_await rondo::sleep(0s);
    cancelled.cancel("enough");
    std::string message;
    try {
        co_await cancelled;
    } catch (const rondo::CancelledError& error) {
        message = error.message();
    }
    check(message == "enough", "a cancellation is caught with its message");
    check(cancelled.cancelled(), "a cancelled task is cancelled");
    std::string what;
    try {
        co_await failed;
    } catch (const std::runtime_error& error) {
        what = error.what();
    }
    check(what == "broken", "a failure is caught");
    check(!failed.cancelled(), "a failed task is not cancelled");
    const std::string text = rondo::detail::describe_exception(failed.exception());
    check(text.find("runtime_error: broken") != std::string::npos, "a failure is described");
}

} // namespace

int main() {
    rondo::run(body());
    bool interrupted = false;
    try {
        rondo::run(interrupt());
    } catch (const rondo::KeyboardInterrupt&) {
        interrupted = true;
    }
    check(interrupted, "KeyboardInterrupt leaves run()");
    return failures == 0 ? 0 : 1;
}
