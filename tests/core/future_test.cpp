// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <exception>
#include <memory>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/sleep.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

using rondo::CancelledError;
using rondo::Coro;
using rondo::Future;
using rondo::InvalidStateError;
using rondo::sleep;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

struct Broken : std::runtime_error {
    explicit Broken(const std::string& what = "broken") : std::runtime_error(what) {}
};

// The address of the exception object: the same object thrown twice has the same.
const void* address_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const Broken& broken) {
        return &broken;
    } catch (const CancelledError& cancelled) {
        return &cancelled;
    }
}

template <class T>
Coro<T> await_copy(Future<T> future) {
    co_return co_await future;
}

Coro<> await_void(Future<> future, std::vector<int>& order, int number) {
    co_await future;
    order.push_back(number);
}

} // namespace

ASYNC_TEST_CASE("a new future is pending", "[core][future][b96]") {
    const Future<int> future;
    REQUIRE_FALSE(future.done());
    REQUIRE_FALSE(future.cancelled());
    co_return;
}

ASYNC_TEST_CASE("a pending future has no result and no exception", "[core][future][b97]") {
    const Future<int> future;
    REQUIRE_THROWS_AS(future.result(), InvalidStateError);
    REQUIRE_THROWS_AS(future.exception(), InvalidStateError);
    co_return;
}

ASYNC_TEST_CASE("a result is set once, and then nothing changes it", "[core][future][b98]") {
    const Future<int> future;
    future.set_result(42);
    REQUIRE(future.done());
    REQUIRE_FALSE(future.cancelled());
    REQUIRE(future.result() == 42);
    REQUIRE(future.exception() == nullptr);
    REQUIRE_THROWS_AS(future.set_result(43), InvalidStateError);
    REQUIRE_THROWS_AS(future.set_exception(Broken()), InvalidStateError);
    REQUIRE_FALSE(future.cancel());
    REQUIRE_FALSE(future.cancelled());
    REQUIRE(future.result() == 42);
    co_return;
}

ASYNC_TEST_CASE("a future throws the very exception that was set", "[core][future][b99]") {
    const Future<int> future;
    const std::exception_ptr error = std::make_exception_ptr(Broken());
    future.set_exception(error);
    REQUIRE(future.done());
    REQUIRE(future.exception() == error);
    const void* thrown = nullptr;
    try {
        static_cast<void>(future.result());
    } catch (const Broken& broken) {
        thrown = &broken;
    }
    REQUIRE(thrown == address_of(error));
    REQUIRE_THROWS_AS(future.set_result(1), InvalidStateError);
    REQUIRE_THROWS_AS(future.set_exception(Broken()), InvalidStateError);
    REQUIRE_FALSE(future.cancel());
    REQUIRE(future.exception() == error);
    co_return;
}

ASYNC_TEST_CASE("an exception is set as an object or made in place", "[core][future][b100]") {
    const Future<int> object;
    object.set_exception(Broken("as an object"));
    REQUIRE_THROWS_WITH(object.result(), "as an object");

    const Future<int> in_place;
    in_place.set_exception(std::in_place_type<Broken>, "in place");
    REQUIRE_THROWS_WITH(in_place.result(), "in place");

    const Future<int> by_default;
    by_default.set_exception(std::in_place_type<Broken>);
    REQUIRE_THROWS_WITH(by_default.result(), "broken");
    co_return;
}

ASYNC_TEST_CASE("a null exception is refused", "[core][future]") {
    const Future<int> future;
    REQUIRE_THROWS_AS(future.set_exception(std::exception_ptr()), std::invalid_argument);
    REQUIRE_FALSE(future.done());
    co_return;
}

ASYNC_TEST_CASE("cancel() puts its message into the CancelledError", "[core][future][b103]") {
    const Future<int> future;
    REQUIRE(future.cancel("enough"));
    REQUIRE(future.cancelled());
    std::string message;
    try {
        static_cast<void>(future.result());
    } catch (const CancelledError& cancelled) {
        message = cancelled.message();
    }
    REQUIRE(message == "enough");

    const Future<int> silent;
    REQUIRE(silent.cancel());
    try {
        static_cast<void>(silent.exception());
        FAIL("exception() of a cancelled future throws");
    } catch (const CancelledError& cancelled) {
        REQUIRE(cancelled.message().empty());
        REQUIRE(cancelled.reason() == rondo::CancelReason::user);
    }
    co_return;
}

ASYNC_TEST_CASE("a future that is given a CancelledError is cancelled", "[core][future]") {
    const Future<> future;
    future.set_exception(CancelledError(rondo::CancelReason::shutdown));
    REQUIRE(future.cancelled());
    REQUIRE_THROWS_AS(future.result(), CancelledError);
    co_return;
}

TEST_CASE("done callbacks run in a later turn, in the order they were added, with the future",
          "[core][future][b104]") {
    run_in_order([]() -> Coro<> {
        std::vector<int> order;
        const Future<int> future;
        future.add_done_callback(
            [&order](const Future<int>& done) { order.push_back(done.result()); });
        future.add_done_callback([&order] { order.push_back(2); });
        future.add_done_callback(
            [&order](Future<int> done) { order.push_back(done.result() + 2); });
        future.set_result(1);
        REQUIRE(order.empty());
        co_await sleep(0s);
        REQUIRE(order == std::vector<int>{1, 2, 3});
        // Once only.
        co_await sleep(0s);
        REQUIRE(order.size() == 3);
    });
}

ASYNC_TEST_CASE("done callbacks run for an exception and for a cancellation as well",
                "[core][future][b104]") {
    int called = 0;
    const Future<> failed;
    failed.add_done_callback(
        [&called](const Future<>& future) { called += future.exception() != nullptr; });
    failed.set_exception(Broken());
    const Future<> cancelled;
    cancelled.add_done_callback(
        [&called](const Future<>& future) { called += future.cancelled(); });
    cancelled.cancel();
    REQUIRE(called == 0);
    co_await let_others_run();
    REQUIRE(called == 2);
}

ASYNC_TEST_CASE("a done callback on a future that is done runs in the next turn",
                "[core][future][b105]") {
    bool called = false;
    const Future<int> future;
    future.set_result(1);
    future.add_done_callback([&called] { called = true; });
    REQUIRE_FALSE(called);
    co_await let_others_run();
    REQUIRE(called);
}

ASYNC_TEST_CASE("a done callback can be removed before and after the future is done",
                "[core][future]") {
    LeakCheck leaks;
    bool called = false;
    const Future<> future;
    rondo::Handle before = future.add_done_callback([&called, held = Tracked()] { called = true; });
    REQUIRE(leaks.alive() == 1);
    before.cancel();
    REQUIRE(before.cancelled());
    REQUIRE(leaks.alive() == 0);
    before.cancel();
    rondo::Handle after = future.add_done_callback([&called, held = Tracked()] { called = true; });
    future.set_result();
    after.cancel();
    REQUIRE(leaks.alive() == 0);
    co_await let_others_run();
    REQUIRE_FALSE(called);
}

TEST_CASE("callbacks may add and remove callbacks of the same future", "[core][future][b107]") {
    LeakCheck leaks;
    run_in_order([]() -> Coro<> {
        std::vector<std::string> order;
        const Future<> future;
        rondo::Handle removed;
        rondo::Handle itself;
        itself = future.add_done_callback([&, held = Tracked()] {
            order.emplace_back("first");
            itself.cancel(); // itself: has no effect, it runs
            removed.cancel();
            future.add_done_callback([&order, held = Tracked()] { order.emplace_back("added"); });
        });
        removed =
            future.add_done_callback([&, held = Tracked()] { order.emplace_back("removed"); });
        future.add_done_callback([&, held = Tracked()] { order.emplace_back("last"); });
        future.set_result();
        co_await sleep(0s);
        const std::vector<std::string> next_turn = order;
        REQUIRE(next_turn == std::vector<std::string>{"first", "last"});
        co_await sleep(0s);
        REQUIRE(order == std::vector<std::string>{"first", "last", "added"});
    });
}

ASYNC_TEST_CASE("a done callback that throws is reported, and the others run", "[core][future]") {
    std::vector<std::string> reported;
    rondo::get_running_loop().set_exception_handler(
        [&reported](rondo::EventLoop&, const rondo::ErrorContext& context) {
            reported.emplace_back(rondo::detail::describe_exception(context.exception));
        });
    bool called = false;
    const Future<> future;
    future.add_done_callback([] { throw Broken("in a callback"); });
    future.add_done_callback([&called] { called = true; });
    future.set_result();
    co_await let_others_run();
    REQUIRE(called);
    REQUIRE(reported.size() == 1);
    REQUIRE(reported[0].find("in a callback") != std::string::npos);
    rondo::get_running_loop().set_exception_handler(nullptr);
}

ASYNC_TEST_CASE("awaiting a done future takes no turn of the loop", "[core][future][b108]") {
    const Future<int> future;
    future.set_result(7);
    const auto turns = rondo::get_running_loop().metrics().turns;
    const int value = co_await future;
    REQUIRE(value == 7);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

ASYNC_TEST_CASE("a future is awaited several times and by several tasks", "[core][future][b109]") {
    const Future<std::string> future;
    auto first = rondo::create_task(await_copy(future));
    auto second = rondo::create_task(await_copy(future));
    co_await let_others_run();
    future.set_result("the same");
    const std::string a = co_await first;
    const std::string b = co_await second;
    const std::string c = co_await future;
    const std::string d = co_await future;
    REQUIRE(a == "the same");
    REQUIRE(b == a);
    REQUIRE(c == a);
    REQUIRE(d == a);
}

ASYNC_TEST_CASE("a failed future throws the same exception object to all", "[core][future][b110]") {
    const Future<int> future;
    const std::exception_ptr error = std::make_exception_ptr(Broken());
    future.set_exception(error);
    for (int i = 0; i < 3; ++i) {
        const void* thrown = nullptr;
        try {
            co_await future;
        } catch (const Broken& broken) {
            thrown = &broken;
        }
        REQUIRE(thrown == address_of(error));
    }
}

TEST_CASE("a future cannot be made outside a loop", "[core][future][b112]") {
    REQUIRE_THROWS_AS(Future<int>(), rondo::LoopError);
}

TEST_CASE("a future can be made for a loop that is named", "[core][future][b112]") {
    rondo::EventLoop loop(rondo::testing::options());
    const Future<int> future = loop.create_future<int>();
    loop.call_soon([future] { future.set_result(3); });
    const int value = loop.run_until_complete(future);
    REQUIRE(value == 3);
}

ASYNC_TEST_CASE("a result that comes after a cancellation is dropped if one asks so",
                "[core][future][b114]") {
    const Future<int> future;
    REQUIRE(future.cancel());
    REQUIRE_FALSE(future.try_set_result(1));
    REQUIRE(future.cancelled());
    const Future<int> other;
    REQUIRE(other.try_set_result(1));
    REQUIRE(other.result() == 1);
    co_return;
}

namespace {

// A result whose destructor goes on using the future's handles.
class Reentrant {
public:
    explicit Reentrant(std::vector<std::string>& log, Future<> other)
        : log_(&log), other_(std::move(other)) {}
    Reentrant(Reentrant&& other) noexcept
        : log_(std::exchange(other.log_, nullptr)), other_(std::move(other.other_)) {}
    ~Reentrant() {
        if (log_ != nullptr) {
            other_.add_done_callback([log = log_] { log->emplace_back("called"); });
            other_.set_result();
            log_->emplace_back("destroyed");
        }
    }

private:
    std::vector<std::string>* log_;
    Future<> other_;
};

} // namespace

ASYNC_TEST_CASE("a result whose destructor uses the library is destroyed safely",
                "[core][future][b121]") {
    std::vector<std::string> log;
    {
        const Future<Reentrant> future;
        const Future<> other;
        future.set_result(Reentrant(log, other));
    }
    REQUIRE(log == std::vector<std::string>{"destroyed"});
    co_await let_others_run();
    REQUIRE(log == std::vector<std::string>{"destroyed", "called"});
}

TEST_CASE("a pending future that is dropped leaves nothing behind", "[core][future][b92]") {
    LeakCheck leaks;
    int reports = 0;
    rondo::testing::run([&]() -> Coro<> {
        rondo::get_running_loop().set_exception_handler(
            [&](rondo::EventLoop&, const rondo::ErrorContext&) { ++reports; });
        {
            const Future<Tracked> future;
            future.add_done_callback([held = Tracked()] { FAIL("it is never done"); });
        }
        REQUIRE(leaks.alive() == 0);
        {
            const Future<Tracked> future;
            future.set_result(Tracked(1));
        }
        co_await sleep(0s);
        REQUIRE(leaks.alive() == 0);
    });
    REQUIRE(reports == 0);
}

ASYNC_TEST_CASE("a failed future that nobody looks at is reported once", "[core][future][b92]") {
    std::vector<std::string> reports;
    rondo::get_running_loop().set_exception_handler(
        [&](rondo::EventLoop&, const rondo::ErrorContext& context) {
            reports.push_back(rondo::detail::describe_exception(context.exception));
        });
    {
        const Future<int> never_seen;
        never_seen.set_exception(Broken("never seen"));
        const Future<int> copy = never_seen;
        const Future<int> looked_at;
        looked_at.set_exception(Broken("looked at"));
        REQUIRE(looked_at.exception() != nullptr);
        const Future<int> asked;
        asked.set_exception(Broken("asked"));
        REQUIRE_THROWS_AS(asked.result(), Broken);
        const Future<int> cancelled_late;
        cancelled_late.set_exception(Broken("cancelled"));
        REQUIRE_FALSE(cancelled_late.cancel()); // b93
        REQUIRE(reports.empty());
    }
    REQUIRE(reports.size() == 1);
    REQUIRE(reports[0].find("never seen") != std::string::npos);
    co_await let_others_run();
    REQUIRE(reports.size() == 1);
    rondo::get_running_loop().set_exception_handler(nullptr);
}

ASYNC_TEST_CASE("a future holds void, values, references and what only moves", "[core][future]") {
    LeakCheck leaks;
    const Future<> nothing;
    nothing.set_result();
    co_await nothing;

    int target = 1;
    const Future<int&> reference;
    reference.set_result(target);
    int& got = co_await reference;
    got = 2;
    REQUIRE(target == 2);
    REQUIRE(&reference.result() == &target);

    Future<MoveOnly> moved;
    moved.set_result(MoveOnly(5));
    REQUIRE(moved.result().number() == 5);
    const MoveOnly value = co_await std::move(moved);
    REQUIRE(value.number() == 5);
    REQUIRE(leaks.copies() == 0);

    const Future<std::string> converted;
    converted.set_result("from a literal");
    const std::string text = co_await converted;
    REQUIRE(text == "from a literal");
    static_assert(
        !std::is_invocable_v<decltype([](auto f) -> decltype(f.set_result("no")) {}), Future<int>>);
}

ASYNC_TEST_CASE("a result whose move throws leaves the future pending", "[core][future]") {
    LeakCheck leaks;
    const Future<ThrowsOnMove> future;
    ThrowsOnMove value(1);
    value.arm(0);
    REQUIRE_THROWS_AS(future.set_result(std::move(value)), ThrowsOnMove::Error);
    REQUIRE_FALSE(future.done());
    future.set_result(ThrowsOnMove(2));
    REQUIRE(future.result().number() == 2);
    co_return;
}

ASYNC_TEST_CASE("copies of a handle are the same future", "[core][future]") {
    const Future<int> future;
    const Future<int> copy = future;
    const Future<int> other;
    REQUIRE(copy == future);
    REQUIRE_FALSE(copy == other);
    copy.set_result(1);
    REQUIRE(future.done());
    co_return;
}

TEST_CASE("those who await a future go on in the order in which they came", "[core][future]") {
    run_in_order([]() -> Coro<> {
        const Future<> future;
        std::vector<int> order;
        std::vector<rondo::Task<>> tasks;
        for (int i = 0; i < 5; ++i) {
            tasks.push_back(rondo::create_task(await_void(future, order, i)));
        }
        co_await sleep(0s);
        future.set_result();
        REQUIRE(order.empty());
        for (const auto& task : tasks) {
            co_await task;
        }
        REQUIRE(order == std::vector<int>{0, 1, 2, 3, 4});
    });
}

TEST_CASE("a future outlives its loop", "[core][future]") {
    LeakCheck leaks;
    std::unique_ptr<Future<Tracked>> kept;
    std::unique_ptr<Future<Tracked>> pending;
    rondo::testing::run([&]() -> Coro<> {
        kept = std::make_unique<Future<Tracked>>();
        kept->set_result(Tracked(3));
        pending = std::make_unique<Future<Tracked>>();
        pending->add_done_callback([held = Tracked()] { FAIL("there is no loop to call this"); });
        co_return;
    });
    REQUIRE(kept->result().number() == 3);
    pending->set_result(Tracked(4));
    REQUIRE(pending->result().number() == 4);
    kept->add_done_callback([held = Tracked()] { FAIL("there is no loop to call this"); });
}
