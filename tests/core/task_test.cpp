// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/task.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/async_test.hpp"
#include "support/tracked.hpp"

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Future;
using rondo::InvalidStateError;
using rondo::LoopError;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

struct Broken : std::runtime_error {
    explicit Broken(const std::string& what = "broken") : std::runtime_error(what) {}
};

Coro<int> add(int a, int b) {
    co_return a + b;
}

Coro<> append(std::vector<int>& order, int number) {
    order.push_back(number);
    co_return;
}

Coro<int> fail_with(std::string what) {
    throw Broken(what);
    co_return 0;
}

Coro<int> fail_later(std::string what) {
    co_await sleep(1s);
    throw Broken(what);
}

template <class T>
Coro<T> wait_for_it(Future<T> future) {
    co_return co_await future;
}

Coro<Tracked> keep(Tracked parameter) {
    const Tracked local(parameter.number());
    co_await sleep(1s);
    co_return Tracked(parameter.number() + 1);
}

Coro<MoveOnly> make_move_only(int number) {
    co_return MoveOnly(number);
}

Coro<int&> refer_to(int& number) {
    co_return number;
}

template <class A>
concept MakesTask = requires(A&& argument) { create_task(std::forward<A>(argument)); };

// Collects what goes to the exception handler of the running loop.
class Reports {
public:
    Reports() {
        rondo::get_running_loop().set_exception_handler(
            [this](rondo::EventLoop&, const rondo::ErrorContext& context) {
                texts_.push_back(std::string(context.subject) + "|" +
                                 rondo::detail::describe_exception(context.exception));
            });
    }
    Reports(const Reports&) = delete;
    Reports& operator=(const Reports&) = delete;
    ~Reports() { rondo::get_running_loop().set_exception_handler(nullptr); }

    [[nodiscard]] std::size_t count() const { return texts_.size(); }
    [[nodiscard]] bool mention(const std::string& text) const {
        for (const std::string& report : texts_) {
            if (report.find(text) != std::string::npos) {
                return true;
            }
        }
        return false;
    }

private:
    std::vector<std::string> texts_;
};

} // namespace

TEST_CASE("tasks start in the order in which they were created, in a later turn",
          "[core][task][b123]") {
    run_in_order([]() -> Coro<> {
        std::vector<int> order;
        std::vector<Task<>> tasks;
        for (int i = 0; i < 4; ++i) {
            tasks.push_back(create_task(append(order, i)));
        }
        REQUIRE(order.empty());
        co_await sleep(0s);
        REQUIRE(order == std::vector<int>{0, 1, 2, 3});
    });
}

TEST_CASE("only a coroutine can be made a task", "[core][task][b125]") {
    STATIC_REQUIRE(MakesTask<Coro<int>>);
    STATIC_REQUIRE(MakesTask<Coro<int> (*)()>);
    STATIC_REQUIRE_FALSE(MakesTask<int>);
    STATIC_REQUIRE_FALSE(MakesTask<int (*)()>);
    STATIC_REQUIRE_FALSE(MakesTask<Future<int>>);
    STATIC_REQUIRE_FALSE(MakesTask<Coro<int>&>); // it would have to be moved
}

TEST_CASE("a task cannot be made outside a loop, and its coroutine is destroyed",
          "[core][task][b126]") {
    LeakCheck leaks;
    REQUIRE_THROWS_AS(create_task(keep(Tracked(1))), LoopError);
    REQUIRE(leaks.alive() == 0);
}

ASYNC_TEST_CASE("anything that can be awaited becomes a task by ensure_future",
                "[core][task][b127]") {
    Task<> sleeping = rondo::ensure_future(sleep(1s));
    Task<int> adding = rondo::ensure_future(add(1, 2));
    Task<int> same = rondo::ensure_future(adding);
    REQUIRE(same == adding);
    const int sum = co_await adding;
    REQUIRE(sum == 3);
    co_await sleeping;
    const Future<int> future;
    future.set_result(1);
    REQUIRE(rondo::ensure_future(future) == future);
}

TEST_CASE("ensure_future refuses what belongs to another loop", "[core][task][b129]") {
    rondo::EventLoop other(rondo::testing::options());
    const Future<int> foreign = other.create_future<int>();
    rondo::testing::run([&]() -> Coro<> {
        REQUIRE_THROWS_AS(rondo::ensure_future(foreign), LoopError);
        co_return;
    });
}

ASYNC_TEST_CASE("a task is a future", "[core][task][b131]") {
    auto task = create_task(add(1, 2));
    REQUIRE_FALSE(task.done());
    REQUIRE_FALSE(task.cancelled());
    REQUIRE_THROWS_AS(task.result(), InvalidStateError);
    REQUIRE_THROWS_AS(task.exception(), InvalidStateError);
    int seen = 0;
    task.add_done_callback([&seen](const Task<int>& done) { seen = done.result(); });
    co_await let_others_run();
    REQUIRE(task.done());
    REQUIRE(task.result() == 3);
    REQUIRE(task.exception() == nullptr);
    REQUIRE(seen == 3);
}

ASYNC_TEST_CASE("a task that awaits itself is told so", "[core][task][b133]") {
    std::optional<Task<>> itself;
    std::string message;
    const auto await_itself = [&]() -> Coro<> {
        try {
            co_await *itself;
        } catch (const InvalidStateError& error) {
            message = error.what();
        }
    };
    itself = create_task(await_itself());
    co_await *itself;
    REQUIRE(message == "rondo: a task cannot await itself");
}

TEST_CASE("a task that awaits a future of another loop is told so", "[core][task][b134]") {
    rondo::EventLoop other(rondo::testing::options());
    const Future<int> foreign = other.create_future<int>();
    std::string message;
    rondo::testing::run([&]() -> Coro<> {
        try {
            co_await foreign;
        } catch (const LoopError& error) {
            message = error.what();
        }
    });
    REQUIRE(message == "rondo: this task or future belongs to another event loop");
    // Where it is done it belongs to nobody any more.
    foreign.set_result(2);
    const int value = rondo::testing::run(wait_for_it(foreign));
    REQUIRE(value == 2);
}

ASYNC_TEST_CASE("a coroutine that returns a future has that future as its value",
                "[core][task][b136]") {
    const Future<int> inner;
    const auto give = [&inner]() -> Coro<Future<int>> { co_return inner; };
    const Future<int> got = co_await give();
    REQUIRE(got == inner);
    REQUIRE_FALSE(got.done());
}

TEST_CASE("tasks are named Task-1, Task-2 and so on, or as one likes", "[core][task][b137]") {
    rondo::testing::run([]() -> Coro<> {
        REQUIRE(rondo::current_task().name() == "Task-1");
        REQUIRE(rondo::current_task().id() == 1);
        auto second = create_task(add(1, 1));
        auto named = create_task(add(1, 1), {.name = "adder"});
        auto fourth = create_task(add(1, 1));
        REQUIRE(second.name() == "Task-2");
        REQUIRE(named.name() == "adder");
        REQUIRE(named.id() == 3);
        REQUIRE(fourth.name() == "Task-4");
        named.set_name("renamed");
        REQUIRE(named.name() == "renamed");
        co_await named;
        REQUIRE(named.name() == "renamed");
        co_await second;
        co_await fourth;
    });
}

TEST_CASE("the current task: none in a callback, an error outside a loop", "[core][task][b140]") {
    REQUIRE_THROWS_AS(rondo::current_task(), LoopError);
    rondo::testing::run([]() -> Coro<> {
        REQUIRE(static_cast<bool>(rondo::current_task()));
        bool none = false;
        rondo::get_running_loop().call_soon(
            [&none] { none = !static_cast<bool>(rondo::current_task()); });
        const Future<> future;
        bool none_when_done = false;
        future.add_done_callback(
            [&none_when_done] { none_when_done = !static_cast<bool>(rondo::current_task()); });
        future.set_result();
        co_await let_others_run();
        REQUIRE(none);
        REQUIRE(none_when_done);
    });
}

namespace {

Coro<> check_current(std::uint64_t id, int& checks) {
    for (int i = 0; i < 3; ++i) {
        const rondo::TaskRef current = rondo::current_task();
        CHECK(current.id() == id);
        ++checks;
        co_await sleep(i == 1 ? 1s : 0s);
    }
}

Coro<> check_in_chain(std::uint64_t id, int& checks) {
    co_await check_current(id, checks);
    const rondo::TaskRef current = rondo::current_task();
    CHECK(current.id() == id);
    ++checks;
}

} // namespace

ASYNC_TEST_CASE("the current task is right in interleaved tasks", "[core][task][b141]") {
    int checks = 0;
    std::vector<Task<>> tasks;
    for (std::uint64_t i = 0; i < 3; ++i) {
        tasks.push_back(create_task(check_in_chain(rondo::current_task().id() + 1 + i, checks)));
    }
    for (const auto& task : tasks) {
        co_await task;
    }
    REQUIRE(checks == 12);
    REQUIRE(rondo::current_task().id() == 1);
}

namespace {

struct SeesCurrent {
    explicit SeesCurrent(std::uint64_t& where) : seen(&where) {}
    SeesCurrent(SeesCurrent&& other) noexcept : seen(std::exchange(other.seen, nullptr)) {}
    ~SeesCurrent() {
        if (seen != nullptr) {
            const rondo::TaskRef current = rondo::current_task();
            *seen = current ? current.id() : 0;
        }
    }
    std::uint64_t* seen;
};

Coro<> destroy_at_end(SeesCurrent /*parameter*/) {
    co_return;
}

} // namespace

ASYNC_TEST_CASE("the parameters of a task's coroutine are destroyed inside the task",
                "[core][task]") {
    std::uint64_t seen = 0;
    auto task = create_task(destroy_at_end(SeesCurrent(seen)));
    co_await task;
    REQUIRE(seen == task.id());
}

ASYNC_TEST_CASE("a coroutine frame is destroyed as soon as the body ends", "[core][task]") {
    LeakCheck leaks;
    auto task = create_task(keep(Tracked(1)));
    REQUIRE(leaks.alive() == 1);
    co_await sleep(1s);
    co_await let_others_run();
    REQUIRE(task.done());
    REQUIRE(leaks.alive() == 1); // the result, in the task
    REQUIRE(task.result().number() == 2);
    REQUIRE(leaks.alive() == 1);
}

ASYNC_TEST_CASE("a task whose handle is dropped runs on", "[flaw1][core][task]") {
    std::vector<int> order;
    static_cast<void>(create_task(append(order, 1)));
    co_await let_others_run();
    REQUIRE(order == std::vector<int>{1});
}

ASYNC_TEST_CASE("awaiting a handle copies the result, awaiting an rvalue moves it out",
                "[core][task]") {
    LeakCheck leaks;
    auto task = create_task(keep(Tracked(1)));
    const Tracked copy = co_await task;
    const Tracked again = co_await task;
    REQUIRE(copy.number() == 2);
    REQUIRE(again.number() == 2);
    REQUIRE(leaks.copies() == 2);
    const Task<Tracked> other = task;
    const Tracked moved = co_await std::move(task);
    REQUIRE(moved.number() == 2);
    REQUIRE(leaks.copies() == 2);
    REQUIRE(other.result().number() == Tracked::moved_from);

    const MoveOnly value = co_await create_task(make_move_only(9));
    REQUIRE(value.number() == 9);
}

ASYNC_TEST_CASE("a task gives a reference", "[core][task]") {
    int number = 1;
    auto task = create_task(refer_to(number));
    int& first = co_await task;
    int& second = co_await std::move(task);
    REQUIRE(&first == &number);
    REQUIRE(&second == &number);
    auto kept = create_task(refer_to(number));
    co_await let_others_run();
    kept.result() = 5;
    REQUIRE(number == 5);
}

ASYNC_TEST_CASE("several tasks await one, and each gets its result or its exception",
                "[core][task]") {
    const auto share = [](Task<int> task, int& sum) -> Coro<> {
        try {
            const int value = co_await task;
            sum += value;
        } catch (const Broken&) {
            sum += 100;
        }
    };
    int sum = 0;
    auto good = create_task(add(3, 4));
    auto bad = create_task(fail_later("broken"));
    std::vector<Task<>> waiting;
    for (int i = 0; i < 3; ++i) {
        waiting.push_back(create_task(share(good, sum)));
        waiting.push_back(create_task(share(bad, sum)));
    }
    for (const auto& task : waiting) {
        co_await task;
    }
    REQUIRE(sum == 321);
}

ASYNC_TEST_CASE("a failed task holds the very exception that left its body", "[core][task][b147]") {
    auto task = create_task(fail_later("later"));
    std::string caught;
    const Broken* thrown = nullptr;
    try {
        co_await task;
    } catch (const Broken& error) {
        caught = error.what();
        thrown = &error;
    }
    REQUIRE(caught == "later");
    const std::exception_ptr kept = task.exception();
    const Broken* again = nullptr;
    try {
        std::rethrow_exception(kept);
    } catch (const Broken& error) {
        again = &error;
    }
    REQUIRE(again == thrown);
    REQUIRE_THROWS_AS(task.result(), Broken);
    REQUIRE_FALSE(task.cancelled());
}

ASYNC_TEST_CASE("an exception that nobody looked at is reported once, with the task's name",
                "[flaw3][core][task]") {
    const Reports reports;
    {
        auto task = create_task(fail_with("unseen"), {.name = "the one that fails"});
        const Task<int> copy = task;
        co_await let_others_run();
        REQUIRE(task.done());
        REQUIRE(reports.count() == 0);
    }
    REQUIRE(reports.count() == 1);
    REQUIRE(reports.mention("the one that fails|"));
    REQUIRE(reports.mention("unseen"));
    static_cast<void>(create_task(fail_with("detached")));
    co_await let_others_run();
    REQUIRE(reports.count() == 2);
    REQUIRE(reports.mention("detached"));
}

ASYNC_TEST_CASE("an exception that somebody looked at is not reported", "[core][task]") {
    const Reports reports;
    {
        auto awaited = create_task(fail_with("awaited"));
        auto asked = create_task(fail_with("asked"));
        auto asked_for_result = create_task(fail_with("asked for its result"));
        auto cancelled = create_task(fail_with("cancelled"));
        auto called_back = create_task(fail_with("called back"));
        called_back.add_done_callback(
            [](const Task<int>& task) { static_cast<void>(task.exception()); });
        co_await let_others_run();
        bool threw = false;
        try {
            co_await awaited;
        } catch (const Broken&) {
            threw = true;
        }
        REQUIRE(threw);
        REQUIRE(asked.exception() != nullptr);
        REQUIRE_THROWS_AS(asked_for_result.result(), Broken);
        REQUIRE_FALSE(cancelled.cancel()); // b93
    }
    co_await let_others_run();
    REQUIRE(reports.count() == 0);
}

TEST_CASE("a result that nobody looked at is not reported, nor is a cancellation",
          "[core][task][b92]") {
    LeakCheck leaks;
    rondo::testing::run([]() -> Coro<> {
        const Reports reports;
        static_cast<void>(create_task(keep(Tracked(1))));
        create_task(keep(Tracked(2))).cancel();
        co_await sleep(2s);
        REQUIRE(reports.count() == 0);
    });
}

TEST_CASE("a failed task whose handle outlives the loop is reported on stderr only",
          "[core][task]") {
    std::optional<Task<int>> kept;
    rondo::testing::run([&]() -> Coro<> {
        kept = create_task(fail_with("kept"));
        co_await let_others_run();
    });
    REQUIRE(kept->done());
    REQUIRE_THROWS_AS(kept->result(), Broken);
}

TEST_CASE("a done callback added between two runs is called in the second", "[core][task][b105]") {
    rondo::Runner runner(rondo::testing::options());
    std::optional<Task<int>> task;
    runner.run([](std::optional<Task<int>>& out) -> Coro<> {
        out = create_task(add(1, 2));
        co_await let_others_run();
    }(task));
    int seen = 0;
    task->add_done_callback([&seen](const Task<int>& done) { seen = done.result(); });
    runner.run([]() -> Coro<> { co_await let_others_run(); }());
    REQUIRE(seen == 3);
}

TEST_CASE("a KeyboardInterrupt in a task is the task's result, and ends the run as well",
          "[core][task][b149]") {
    std::optional<Task<>> kept;
    bool went_on = false;
    rondo::EventLoop loop(rondo::testing::options());
    std::vector<std::string> reports;
    loop.set_exception_handler([&](rondo::EventLoop&, const rondo::ErrorContext& context) {
        reports.emplace_back(context.message);
    });
    const auto interrupt = []() -> Coro<> {
        co_await sleep(1s);
        throw rondo::KeyboardInterrupt();
    };
    const auto main = [&]() -> Coro<> {
        static_cast<void>(create_task(interrupt()));
        kept = create_task(interrupt());
        co_await sleep(2s);
        went_on = true;
    };
    auto task = loop.create_task(main());
    REQUIRE_THROWS_AS(loop.run_until_complete(task), rondo::KeyboardInterrupt);
    REQUIRE_FALSE(went_on);
    REQUIRE(kept->done());
    REQUIRE_THROWS_AS(kept->result(), rondo::KeyboardInterrupt);
    REQUIRE(reports.empty()); // whoever ran the loop has got it
    loop.run_until_complete(task);
    REQUIRE(went_on);
}

ASYNC_TEST_CASE("a task starts at once if it is asked to, up to its first suspension",
                "[core][task][eager]") {
    std::vector<int> order;
    auto now = create_task(append(order, 1), {.eager_start = true});
    REQUIRE(order == std::vector<int>{1});
    REQUIRE(now.done());
    REQUIRE_FALSE(now.cancel());
    REQUIRE_FALSE(now.cancelled());
    const std::uint64_t creator = rondo::current_task().id();

    LeakCheck leaks;
    auto later = create_task(keep(Tracked(1)), {.name = "eager", .eager_start = true});
    REQUIRE(rondo::current_task().id() == creator);
    REQUIRE(leaks.alive() == 2); // the parameter and the local: it runs
    REQUIRE_FALSE(later.done());
    REQUIRE(later.name() == "eager");
    const Tracked value = co_await later;
    REQUIRE(value.number() == 2);

    auto cancelled = create_task(keep(Tracked(1)), {.eager_start = true});
    REQUIRE(cancelled.cancel("enough"));
    std::string message;
    try {
        co_await cancelled;
    } catch (const CancelledError& error) {
        message = error.message();
    }
    REQUIRE(message == "enough");
}

TEST_CASE("outside a running loop an eager task starts later", "[core][task][eager][b186]") {
    rondo::EventLoop loop(rondo::testing::options());
    std::vector<int> order;
    auto task = loop.create_task(append(order, 1), {.eager_start = true});
    REQUIRE(order.empty());
    loop.run_until_complete(task);
    REQUIRE(order == std::vector<int>{1});
}

ASYNC_TEST_CASE("any handle of a task converts to a TaskRef", "[core][task]") {
    auto task = create_task(add(1, 2), {.name = "adder"});
    const rondo::TaskRef reference = task;
    REQUIRE(static_cast<bool>(reference));
    REQUIRE(reference.name() == "adder");
    REQUIRE(reference == rondo::TaskRef(task));
    REQUIRE_FALSE(static_cast<bool>(rondo::TaskRef()));
    REQUIRE(rondo::all_tasks().size() == 2);
    bool called = false;
    reference.add_done_callback([&called](const rondo::TaskRef& done) { called = done.done(); });
    co_await task;
    co_await let_others_run();
    REQUIRE(called);
    REQUIRE(rondo::all_tasks().size() == 1);
}

ASYNC_TEST_CASE("a task says in words what it waits on", "[core][task]") {
    const Future<int> future;
    auto on_future = create_task(wait_for_it(future));
    auto sleeping = create_task(fail_later("nobody gets here"));
    const auto wait_for_task = [](Task<int> task) -> Coro<int> { co_return co_await task; };
    auto on_task = create_task(wait_for_task(on_future));
    REQUIRE(sleeping.describe_wait() == "its first step");
    co_await let_others_run();
    REQUIRE(on_future.describe_wait() == "the result of a future");
    REQUIRE(on_task.describe_wait() == "the result of Task-2");
    REQUIRE(sleeping.describe_wait() == "sleep");
    future.set_result(1);
    co_await on_task;
    REQUIRE(on_task.describe_wait() == "nothing: it is done");
    REQUIRE(rondo::current_task().describe_wait() == "nothing: it is running");
    sleeping.cancel();
}
