// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Errors that nobody handles.

#include <rondo/event_loop.hpp>

#include <rondo/create_task.hpp>
#include <rondo/future.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include "child.hpp"
#include "loops.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::ErrorContext;
using rondo::EventLoop;
using rondo_test::CapturedErrors;
using rondo_test::virtual_time_in_order;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

Coro<> fail() {
    co_await rondo::sleep(0s);
    throw std::runtime_error("it broke");
}

Coro<> let_it_pass() {
    co_await rondo::sleep(1s);
}

} // namespace

TEST_CASE("the default handler prints message, subject, type and text in one line on stderr",
          "[loop][exception_handler][b86]") {
    EventLoop loop(virtual_time_in_order());
    CapturedErrors errors;
    (void)loop.create_task(fail(), {.name = "doomed"});
    loop.run_until_complete(let_it_pass());
    CHECK(errors.take() == "rondo: a task failed and nobody looked at it (doomed): "
                           "std::runtime_error: it broke\n");
}

TEST_CASE("the default handler copes with any exception, and with none",
          "[loop][exception_handler][b86]") {
    EventLoop loop(virtual_time_in_order());
    CapturedErrors errors;
    loop.call_soon([] { throw 5; });
    loop.call_soon([] { throw rondo::CancelledError(); });
    loop.run_until_complete(let_it_pass());
    loop.call_exception_handler({.message = "no exception", .exception = nullptr, .subject = {}});
    EventLoop::default_exception_handler(
        {.message = "nor here", .exception = nullptr, .subject = "Task-9"});
    const std::string text = errors.take();
    CHECK(has(text, "rondo: a callback threw: int\n"));
    CHECK(has(text, "CancelledError: rondo: cancelled\n"));
    CHECK(has(text, "\nrondo: no exception\nrondo: nor here (Task-9)\n"));
}

TEST_CASE("a handler is told message, exception and subject, and the loop",
          "[loop][exception_handler]") {
    EventLoop loop(virtual_time_in_order());
    std::string told;
    const EventLoop* where = nullptr;
    loop.set_exception_handler([&](EventLoop& its_loop, const ErrorContext& context) {
        where = &its_loop;
        told = std::string(context.message) + "|" + std::string(context.subject) + "|";
        try {
            std::rethrow_exception(context.exception);
        } catch (const std::runtime_error& error) {
            told += error.what();
        }
    });
    CapturedErrors errors;
    (void)loop.create_task(fail(), {.name = "doomed"});
    loop.run_until_complete(let_it_pass());
    CHECK(errors.take().empty());
    CHECK(told == "a task failed and nobody looked at it|doomed|it broke");
    CHECK(where == &loop);
}

TEST_CASE("an empty handler restores the default", "[loop][exception_handler][b84]") {
    EventLoop loop(virtual_time_in_order());
    CHECK_FALSE(loop.get_exception_handler());
    loop.set_exception_handler([](EventLoop&, const ErrorContext&) {});
    CHECK(loop.get_exception_handler());
    loop.set_exception_handler(nullptr);
    CHECK_FALSE(loop.get_exception_handler());
    CapturedErrors errors;
    loop.call_soon([] { throw std::runtime_error("seen"); });
    loop.run_until_complete(let_it_pass());
    CHECK(has(errors.take(), "seen"));
}

TEST_CASE("when the handler throws, the default one reports that and the original error",
          "[loop][exception_handler][b87][b88]") {
    EventLoop loop(virtual_time_in_order());
    int called = 0;
    loop.set_exception_handler([&](EventLoop&, const ErrorContext&) {
        ++called;
        throw std::logic_error("broken handler");
    });
    CapturedErrors errors;
    loop.call_soon([] { throw std::runtime_error("the original"); });
    loop.run_until_complete(let_it_pass()); // goes on
    const std::string text = errors.take();
    CHECK(called == 1);
    CHECK(has(text, "the exception handler itself threw: std::logic_error: broken handler"));
    CHECK(has(text, "a callback threw: std::runtime_error: the original"));
}

TEST_CASE("a handler may replace itself, and use the loop", "[loop][exception_handler]") {
    EventLoop loop(virtual_time_in_order());
    std::string trace;
    loop.set_exception_handler([&](EventLoop& its_loop, const ErrorContext&) {
        trace += 'a';
        its_loop.set_exception_handler([&](EventLoop&, const ErrorContext&) { trace += 'b'; });
        its_loop.call_soon([&] { trace += 'c'; });
        trace += 'd';
    });
    loop.call_soon([] { throw 1; });
    loop.call_later(1ms, [] { throw 2; });
    loop.run_until_complete(let_it_pass());
    CHECK(trace == "adcb");
}

TEST_CASE("a KeyboardInterrupt from the handler leaves the loop", "[loop][exception_handler]") {
    EventLoop loop(virtual_time_in_order());
    loop.set_exception_handler(
        [](EventLoop&, const ErrorContext&) { throw rondo::KeyboardInterrupt(); });
    loop.call_soon([] { throw 1; });
    CHECK_THROWS_AS(loop.run_forever(), rondo::KeyboardInterrupt);
}

TEST_CASE("results that nobody looks at, futures that nobody completes and failures that "
          "somebody saw are not reported",
          "[loop][exception_handler][b92][b93]") {
    EventLoop loop(virtual_time_in_order());
    std::vector<std::string> reports;
    loop.set_exception_handler(
        [&](EventLoop&, const ErrorContext& context) { reports.emplace_back(context.message); });
    const auto result = []() -> Coro<int> { co_return 5; };
    (void)loop.create_task(result());
    (void)loop.create_future<int>();
    {
        const auto seen = loop.create_future<int>();
        seen.set_exception(std::runtime_error("seen"));
        CHECK(seen.exception() != nullptr);
        const auto cancelled_late = loop.create_future<int>();
        cancelled_late.set_exception(std::runtime_error("late"));
        CHECK_FALSE(cancelled_late.cancel());
    }
    loop.run_until_complete(let_it_pass());
    CHECK(reports.empty());
    {
        const auto unseen = loop.create_future<int>();
        unseen.set_exception(std::runtime_error("unseen"));
    }
    CHECK(reports == std::vector<std::string>{"a future failed and nobody looked at it"});
}

TEST_CASE("what leftovers throw while run shuts down is reported", "[loop][exception_handler]") {
    CapturedErrors errors;
    const auto throws_in_cleanup = []() -> Coro<> {
        try {
            co_await rondo::sleep(1h);
        } catch (const rondo::CancelledError&) {
            throw std::runtime_error("in cleanup");
        }
    };
    const auto main = [&]() -> Coro<int> {
        (void)rondo::create_task(throws_in_cleanup());
        co_await rondo::sleep(0s);
        co_return 3;
    };
    CHECK(rondo::run(main(), virtual_time_in_order()) == 3);
    CHECK(has(errors.take(), "std::runtime_error: in cleanup"));
}
