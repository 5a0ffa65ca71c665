// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/as_result.hpp>

#include <rondo/buffer.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/gather.hpp>
#include <rondo/io/operation.hpp>
#include <rondo/io/socket_ops.hpp>
#include <rondo/semaphore.hpp>
#include <rondo/sleep.hpp>
#include <rondo/suspension.hpp>
#include <rondo/timeout.hpp>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <dlfcn.h>

using rondo::as_result;
using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::Result;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

std::size_t exceptions_made = 0;

} // namespace

// Stands before the C++ runtime's own, which it calls: every exception object passes here, those
// of make_exception_ptr too.
extern "C" void* __cxa_allocate_exception(std::size_t size) noexcept {
    using Allocate = void* (*)(std::size_t);
    static const auto next =
        reinterpret_cast<Allocate>(::dlsym(RTLD_NEXT, "__cxa_allocate_exception"));
    ++exceptions_made;
    return next(size);
}

namespace {

struct Broken : std::runtime_error {
    explicit Broken(const std::string& what = "broken") : std::runtime_error(what) {}
};

Coro<int> number(int value) {
    co_await sleep(1ms);
    co_return value;
}

Coro<int> fail(std::string what) {
    co_await sleep(1ms);
    throw Broken(what);
}

Coro<std::string> text() {
    co_await sleep(1ms);
    co_return "a text too long for the small string";
}

/// Answers its cancellation with 7, and keeps the message.
Coro<int> sleep_and_answer(std::string& message) {
    try {
        co_await sleep(1h);
    } catch (const CancelledError& why) {
        message = why.message();
    }
    co_return 7;
}

template <class A>
using ResultOf = rondo::await_result_t<decltype(as_result(std::declval<A>()))>;

static_assert(std::same_as<ResultOf<Coro<int>>, Result<int>>);
static_assert(std::same_as<ResultOf<Coro<>>, Result<void>>);
static_assert(std::same_as<ResultOf<Coro<int&>>, Result<int&>>);
static_assert(std::same_as<ResultOf<Task<std::string>>, Result<std::string>>);
static_assert(std::same_as<ResultOf<Task<std::string>&>, Result<std::string>>);
static_assert(std::same_as<ResultOf<const Future<>&>, Result<void>>);

/// Whether an awaitable, awaited as a result by a task that is cancelled meanwhile, gives a
/// cancellation for the right reason; and how many exception objects were made for it.
template <class MakeAwaitable>
Coro<std::size_t> exceptions_for_cancelling(MakeAwaitable make_awaitable) {
    std::size_t made = 0;
    const auto body = [&]() -> Coro<> {
        auto outcome = co_await as_result(make_awaitable());
        made = exceptions_made;
        CHECK(outcome.cancelled());
        co_await sleep(1ms); // delivered
    };
    auto task = create_task(body());
    co_await let_others_run();
    made = exceptions_made;
    const std::size_t before = made;
    task.cancel("stop");
    co_await task;
    CHECK(task.cancelling() == 1);
    co_return made - before;
}

} // namespace

TEST_CASE("the count of exception objects counts", "[composition][as_result]") {
    const std::size_t before = exceptions_made;
    REQUIRE_THROWS_AS(throw Broken(), Broken);
    const auto made = std::make_exception_ptr(Broken());
    REQUIRE(made != nullptr);
    REQUIRE(exceptions_made == before + 2);
}

ASYNC_TEST_CASE("as_result gives a value as a Result", "[composition][as_result]") {
    const std::size_t before = exceptions_made;
    auto of_coro = co_await as_result(number(1));
    REQUIRE(of_coro.value() == 1);
    auto of_void = co_await as_result(sleep(1ms));
    REQUIRE(of_void.has_value());
    auto of_task = co_await as_result(create_task(number(2)));
    REQUIRE(of_task.value() == 2);
    const Future<int> future;
    future.set_result(3);
    auto of_future = co_await as_result(future);
    REQUIRE(of_future.value() == 3);
    auto of_operation = co_await as_result(rondo::io::nop());
    REQUIRE(of_operation.has_value());
    auto of_gather = co_await as_result(rondo::gather(number(4), number(5)));
    REQUIRE(*of_gather == std::tuple(4, 5));
    REQUIRE(exceptions_made == before);
}

ASYNC_TEST_CASE("as_result takes no turn of the loop of its own", "[composition][as_result]") {
    const auto at_once = []() -> Coro<int> { co_return 1; };
    const auto turns = rondo::get_running_loop().metrics().turns;
    auto outcome = co_await as_result(at_once());
    REQUIRE(outcome.value() == 1);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("as_result gives move-only results and references on", "[composition][as_result]") {
    int here = 0;
    const auto refer = [](int& target) -> Coro<int&> { co_return target; };
    const auto move_only = []() -> Coro<MoveOnly> { co_return MoveOnly(4); };
    auto reference = co_await as_result(refer(here));
    REQUIRE(&*reference == &here);
    auto number_only = co_await as_result(move_only());
    REQUIRE(number_only->number() == 4);
    auto of_task = co_await as_result(create_task(move_only()));
    REQUIRE(of_task->number() == 4);
    auto reference_of_task = co_await as_result(create_task(refer(here)));
    REQUIRE(&*reference_of_task == &here);
}

ASYNC_TEST_CASE("as_result gives an exception as it is", "[composition][as_result]") {
    auto of_coro = co_await as_result(fail("coro"));
    REQUIRE_FALSE(of_coro.has_value());
    REQUIRE_FALSE(of_coro.cancelled());
    REQUIRE_FALSE(of_coro.error());
    REQUIRE_THROWS_WITH(of_coro.value(), "coro");

    auto task = create_task(fail("task"));
    const std::size_t before = exceptions_made;
    auto of_task = co_await as_result(task);
    REQUIRE(exceptions_made == before + 1); // the task's own, handed on
    REQUIRE_THROWS_AS(of_task.value(), Broken);
    REQUIRE(of_task.exception() == task.exception());
}

ASYNC_TEST_CASE("as_result gives an operation's error without an exception",
                "[composition][as_result]") {
    char buffer[1];
    const std::size_t before = exceptions_made;
    auto received =
        co_await as_result(rondo::io::recv(-1, rondo::MutableBuffer(buffer, sizeof buffer)));
    REQUIRE_FALSE(received.has_value());
    REQUIRE(received.error() == std::errc::bad_file_descriptor);
    REQUIRE(std::string(received.operation()) == "recv");
    REQUIRE(exceptions_made == before);
    REQUIRE_THROWS_WITH(received.value(), Catch::Matchers::Contains("recv"));
}

ASYNC_TEST_CASE("a task that is given as an lvalue keeps its result", "[composition][as_result]") {
    auto task = create_task(text());
    const Future<std::string> future;
    auto first = co_await as_result(task);
    auto again = co_await as_result(task);
    REQUIRE(first.value() == "a text too long for the small string");
    REQUIRE(again.value() == first.value());
    REQUIRE(task.result() == first.value());
    future.set_result("another text too long for the small string");
    auto of_future = co_await as_result(future);
    REQUIRE(of_future.value() == future.result());
    // An rvalue is moved from, as with co_await itself.
    auto other = task;
    auto moved = co_await as_result(std::move(other));
    REQUIRE(moved.value() == first.value());
    REQUIRE(task.result().empty());
}

ASYNC_TEST_CASE("a cancellation is a result, and counts as delivered",
                "[composition][as_result][cancel]") {
    std::string reason;
    const auto body = [&]() -> Coro<> {
        auto slept = co_await as_result(sleep(1h));
        CHECK(slept.cancelled());
        try {
            slept.value();
        } catch (const CancelledError& why) {
            reason = std::string(rondo::to_string(why.reason())) + ":" + why.message();
        }
        co_await sleep(1s); // is not cancelled
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel("stop");
    co_await task;
    REQUIRE(reason == "user:stop");
    REQUIRE(task.cancelling() == 1);
}

ASYNC_TEST_CASE("a cancellation that is pending is a result as well",
                "[composition][as_result][cancel]") {
    const auto body = []() -> Coro<bool> {
        rondo::current_task().cancel();
        auto slept = co_await as_result(sleep(1h));
        co_await sleep(1s);
        co_return slept.cancelled();
    };
    const bool cancelled = co_await create_task(body());
    REQUIRE(cancelled);
}

ASYNC_TEST_CASE("for a cancellation at a leaf no exception is made",
                "[composition][as_result][cancel]") {
    rondo::Semaphore semaphore(0);
    const auto of_sleep = co_await exceptions_for_cancelling([] { return sleep(1h); });
    REQUIRE(of_sleep == 0);
    const auto of_permit =
        co_await exceptions_for_cancelling([&semaphore] { return semaphore.acquire(); });
    REQUIRE(of_permit == 0);
    REQUIRE(semaphore.value() == 0);
}

ASYNC_TEST_CASE("cancelling as_result of a task cancels that task, and gives its answer",
                "[composition][as_result][cancel]") {
    std::string answer = "none";
    auto inner = create_task(sleep_and_answer(answer));
    Result<int> outcome = Result<int>(0);
    const auto body = [&]() -> Coro<> {
        auto awaited = co_await as_result(inner);
        outcome = std::move(awaited);
    };
    auto outer = create_task(body());
    co_await let_others_run();
    outer.cancel("stop");
    co_await outer;
    REQUIRE(answer == "stop");
    REQUIRE(outcome.value() == 7);
}

namespace {

/// An awaiter from elsewhere: gives 11, or throws.
struct Foreign {
    bool fails = false;
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> awaiting) { awaiting.resume(); }
    [[nodiscard]] int await_resume() const {
        if (fails) {
            throw Broken("foreign");
        }
        return 11;
    }
};

} // namespace

ASYNC_TEST_CASE("as_result takes awaitables from elsewhere", "[composition][as_result]") {
    const Foreign works;
    const Foreign breaks{true};
    auto value = co_await as_result(works);
    REQUIRE(value.value() == 11);
    auto error = co_await as_result(breaks);
    REQUIRE_THROWS_WITH(error.value(), "foreign");
}

namespace {

/// An awaiter that is awaited where it lives: it cannot be copied or moved.
class Once final : public rondo::Suspension {
public:
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return suspend_unless_cancelled(awaiting);
    }
    int await_resume() {
        throw_if_cancelled();
        return 12;
    }

private:
    void on_cancel() noexcept override { resume(); }
};

} // namespace

ASYNC_TEST_CASE("as_result awaits an awaiter in its place", "[composition][as_result]") {
    Once awaiter;
    const auto body = [&]() -> Coro<int> {
        auto outcome = co_await as_result(awaiter);
        co_return outcome.value();
    };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(awaiter.is_waiting());
    awaiter.resume();
    const int value = co_await task;
    REQUIRE(value == 12);
}

ASYNC_TEST_CASE("as_result and time-outs go together", "[composition][as_result][wait_for]") {
    auto late = co_await as_result(rondo::wait_for(sleep(1h), 1s));
    REQUIRE_FALSE(late.cancelled());
    REQUIRE_THROWS_AS(late.value(), rondo::TimeoutError);
    auto swallowed = co_await rondo::wait_for(as_result(sleep(1h)), 1s);
    REQUIRE(swallowed.cancelled());
    REQUIRE(rondo::current_task().cancelling() == 0);
    co_await sleep(1s);
}

ASYNC_TEST_CASE("an as_result that is not awaited starts nothing", "[composition][as_result]") {
    bool started = false;
    const auto body = [&](Tracked) -> Coro<> {
        started = true;
        co_return;
    };
    const std::ptrdiff_t before = Tracked::counts.alive;
    {
        [[maybe_unused]] auto dropped = as_result(body(Tracked()));
        co_await let_others_run();
    }
    REQUIRE_FALSE(started);
    REQUIRE(Tracked::counts.alive == before);
}
