// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/context.hpp>

#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/gather.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task_group.hpp>
#include <rondo/timeout.hpp>

#include "base/allocations.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using rondo::Context;
using rondo::ContextVar;
using rondo::copy_context;
using rondo::Coro;
using rondo::create_task;
using rondo::get_running_loop;
using rondo::TaskOptions;
using rondo_test::let_others_run;
using rondo_test::Tracked;

namespace {

ContextVar<int> number("number", 0);
ContextVar<std::string> title("title");

/// What it sees at first, and after it has set and slept.
Coro<std::pair<int, int>> see_and_set(int value) {
    const int before = number.get();
    number.set(value);
    co_await rondo::sleep(1ms);
    const int after = number.get();
    co_return std::pair(before, after);
}

} // namespace

// The variable

TEST_CASE("a context variable has its default until it is set", "[core][context][b419]") {
    CHECK(number.get() == 0);
    CHECK(number.get(7) == 7);
    CHECK(number.name() == "number");
    CHECK_THROWS_AS(title.get(), rondo::LookupError);
    CHECK(title.get("none") == "none");
    copy_context().run([] {
        title.set("book");
        CHECK(title.get() == "book");
    });
}

TEST_CASE("a token gives back the value from before", "[core][context][b419]") {
    copy_context().run([] {
        const auto first = title.set("one");
        const auto second = title.set("two");
        CHECK_FALSE(first.old_value());
        CHECK(second.old_value() == "one");
        title.reset(second);
        CHECK(title.get() == "one");
        title.reset(first);
        CHECK_THROWS_AS(title.get(), rondo::LookupError);
    });
}

TEST_CASE("a token is good once, for its variable, in its context", "[core][context][b419]") {
    ContextVar<int> other("other", 0);
    const Context context = copy_context();
    context.run([&] {
        const auto used = number.set(1);
        number.reset(used);
        CHECK_THROWS_AS(number.reset(used), rondo::InvalidStateError);
        const auto wrong = other.set(1);
        CHECK_THROWS_AS(number.reset(wrong), std::invalid_argument);
        const auto elsewhere = number.set(2);
        context.copy().run(
            [&] { CHECK_THROWS_AS(number.reset(elsewhere), std::invalid_argument); });
        CHECK(number.get() == 2);
        number.reset(elsewhere); // it was not used up by the mistake
        CHECK(number.get() == 0);
    });
}

TEST_CASE("variables do not disturb one another, however often they are set", "[core][context]") {
    copy_context().run([] {
        std::vector<std::unique_ptr<ContextVar<int>>> variables;
        for (int i = 0; i < 20; ++i) {
            variables.push_back(std::make_unique<ContextVar<int>>("v", -1));
        }
        for (int round = 0; round < 50; ++round) {
            const auto index = static_cast<std::size_t>(round * 7 % 20);
            variables[index]->set(round);
            for (std::size_t i = 0; i < 20; ++i) {
                int expected = -1;
                for (int r = 0; r <= round; ++r) {
                    expected = static_cast<std::size_t>(r * 7 % 20) == i ? r : expected;
                }
                REQUIRE(variables[i]->get() == expected);
            }
        }
    });
}

TEST_CASE("a variable that comes to live where another was has no value", "[core][context]") {
    copy_context().run([] {
        std::optional<ContextVar<int>> variable;
        variable.emplace("first", 0);
        variable->set(1);
        variable.emplace("second", 0);
        CHECK(variable->get() == 0);
    });
}

TEST_CASE("values die with the last context that has them", "[core][context]") {
    const auto before = Tracked::counts.alive;
    {
        ContextVar<Tracked> tracked("tracked");
        Context context;
        context.run([&] {
            const auto token = tracked.set(Tracked(1));
            tracked.set(Tracked(2));
        });
        CHECK(Tracked::counts.alive == before + 1);
        const Context copy = context.copy();
        context = Context();
        CHECK(Tracked::counts.alive == before + 1);
        CHECK(copy.get(tracked)->number() == 2);
    }
    CHECK(Tracked::counts.alive == before);
}

TEST_CASE("no memory for a value leaves the old one", "[core][context][memory]") {
    copy_context().run([] {
        number.set(1);
        title.set("a title that is too long to fit in a string by itself");
        for (std::size_t left = 0; left < 3; ++left) {
            const rondo_test::NoMemory no_memory(left);
            try {
                number.set(2);
                number.set(1);
            } catch (const std::bad_alloc&) {
                CHECK(number.get() < 3);
            }
        }
        CHECK(title.get().size() > 20);
    });
}

// Contexts as objects

TEST_CASE("a context keeps what is set while it runs", "[core][context]") {
    const Context context;
    const int result = context.run(
        [](int a) {
            number.set(a);
            return a + 1;
        },
        4);
    CHECK(result == 5);
    CHECK(number.get() == 0);
    CHECK(context.get(number) == 4);
    const Context copy = context.copy();
    context.run([] { number.set(5); });
    CHECK(copy.get(number) == 4);
    CHECK_FALSE(Context().get(number));
}

TEST_CASE("a context is left when its function throws, and cannot be entered twice",
          "[core][context]") {
    const Context context;
    CHECK_THROWS_AS(context.run([&] { context.run([] {}); }), rondo::InvalidStateError);
    const Context other;
    CHECK_THROWS_AS(context.run([&] { other.run([&] { context.run([] {}); }); }),
                    rondo::InvalidStateError);
    context.run([&] { other.run([] {}); });
    other.run([&] { context.run([] {}); }); // nobody is inside any more
    CHECK_THROWS_AS(context.run([] { throw 42; }), int);
    CHECK(context.run([] { return number.get(); }) == 0);
}

// Tasks

ASYNC_TEST_CASE("a task's own context cannot be entered by its step, through another neither",
                "[core][context][b412]") {
    const Context context;
    const Context other;
    TaskOptions options;
    options.context = &context;
    const auto enter_again = [&]() -> Coro<int> {
        int thrown = 0;
        try {
            context.run([] {});
        } catch (const rondo::InvalidStateError&) {
            ++thrown;
        }
        try {
            other.run([&] { context.run([] {}); });
        } catch (const rondo::InvalidStateError&) {
            ++thrown;
        }
        co_return thrown;
    };
    const int thrown = co_await create_task(enter_again(), options);
    CHECK(thrown == 2);
    CHECK(context.run([] { return number.get(); }) == 0);
}

ASYNC_TEST_CASE("a task sees what its creator had set, and changes nothing for it",
                "[core][context][b408]") {
    number.set(1);
    auto task = create_task(see_and_set(10));
    number.set(2);
    const auto seen = co_await task;
    CHECK(seen == std::pair(1, 10));
    CHECK(number.get() == 2);
}

ASYNC_TEST_CASE("a Coro that is awaited runs in the context of who awaits it", "[core][context]") {
    const auto seen = co_await see_and_set(3);
    CHECK(seen == std::pair(0, 3));
    CHECK(number.get() == 3);
}

ASYNC_TEST_CASE("children of gather, wait_for and groups inherit", "[core][context][b413]") {
    number.set(5);
    const auto both = co_await rondo::gather(see_and_set(1), see_and_set(2));
    CHECK(std::get<0>(both) == std::pair(5, 1));
    CHECK(std::get<1>(both) == std::pair(5, 2));
    CHECK(number.get() == 5);
    co_await rondo::task_group([](rondo::TaskGroup& group) -> Coro<> {
        auto child = group.create_task(see_and_set(3));
        const auto seen = co_await child;
        CHECK(seen == std::pair(5, 3));
        const Context context;
        TaskOptions options;
        options.context = &context;
        auto apart = group.create_task(see_and_set(4), options);
        const auto nothing = co_await apart;
        CHECK(nothing == std::pair(0, 4));
        CHECK(context.get(number) == 4);
    });
    CHECK(number.get() == 5);
    const auto limited = co_await rondo::wait_for(see_and_set(6), 1s); // awaited in place
    CHECK(limited == std::pair(5, 6));
}

ASYNC_TEST_CASE("a task that is given a context runs in it, and so do those that follow",
                "[core][context][b412]") {
    const Context context = copy_context();
    TaskOptions options;
    options.context = &context;
    auto first = create_task(see_and_set(1), options);
    const auto seen_by_first = co_await first;
    auto second = create_task(see_and_set(2), options);
    const auto seen_by_second = co_await second;
    CHECK(seen_by_first == std::pair(0, 1));
    CHECK(seen_by_second == std::pair(1, 2));
    CHECK(context.get(number) == 2);
    CHECK(number.get() == 0);
}

ASYNC_TEST_CASE("an eager first step runs in the task's own context", "[core][context][b185]") {
    number.set(1);
    TaskOptions eager;
    eager.eager_start = true;
    auto task = create_task(see_and_set(9), eager);
    CHECK(number.get() == 1);
    const auto seen = co_await task;
    CHECK(seen == std::pair(1, 9));
}

TEST_CASE("the program's context goes into run, and nothing comes out", "[core][context][b417]") {
    copy_context().run([] {
        number.set(8);
        const auto seen = rondo::run(see_and_set(9));
        CHECK(seen == std::pair(8, 9));
        CHECK(number.get() == 8);
    });
    CHECK(number.get() == 0);
}

// Callbacks

ASYNC_TEST_CASE("done callbacks run in the context in which they were added",
                "[core][context][b410]") {
    number.set(1);
    auto task = create_task(see_and_set(2));
    std::vector<int> seen;
    task.add_done_callback([&] {
        seen.push_back(number.get());
        number.set(99);
    });
    number.set(3);
    task.add_done_callback([&] { seen.push_back(number.get()); });
    const Context context;
    context.run([] { number.set(4); });
    task.add_done_callback([&] { seen.push_back(number.get()); }, &context);
    co_await task;
    co_await let_others_run();
    if (rondo_test::shuffled()) {
        co_return;
    }
    CHECK(seen == std::vector<int>{1, 3, 4});
    CHECK(number.get() == 3);
}

ASYNC_TEST_CASE("callbacks of the loop run in a copy of the context, or in the one given",
                "[core][context][b411]") {
    auto& loop = get_running_loop();
    const Context given;
    given.run([] { number.set(100); });
    int soon = -1;
    int later = -1;
    int threadsafe = -1;
    int signal = -1;
    int in_given = -1;
    number.set(1);
    loop.call_soon([&] {
        soon = number.get();
        number.set(-5);
    });
    number.set(2);
    loop.call_later(1ms, [&] { later = number.get(); });
    number.set(3);
    loop.call_soon_threadsafe([&] { threadsafe = number.get(); });
    number.set(4);
    loop.add_signal_handler(SIGUSR1, [&] { signal = number.get(); });
    loop.call_soon(
        [&] {
            in_given = number.get();
            number.set(101);
        },
        &given);
    number.set(6);
    std::raise(SIGUSR1);
    co_await rondo::sleep(5ms);
    while (signal < 0) {
        co_await rondo::sleep(1ms);
    }
    loop.remove_signal_handler(SIGUSR1);
    CHECK(soon == 1);
    CHECK(later == 2);
    CHECK(threadsafe == 3);
    CHECK(signal == 4);
    CHECK(in_given == 100);
    CHECK(given.get(number) == 101);
    CHECK(number.get() == 6);
}

ASYNC_TEST_CASE("a callback from another thread brings that thread's context",
                "[core][context][threads][b411]") {
    auto& loop = get_running_loop();
    int seen = -1;
    std::thread other([&] {
        number.set(42);
        loop.call_soon_threadsafe([&] { seen = number.get(); });
    });
    other.join();
    while (seen < 0) {
        co_await rondo::sleep(0s);
    }
    CHECK(seen == 42);
    CHECK(number.get() == 0);
}

// What a context costs, and how it ends

namespace {

/// Notes the order in which its copies' last goes.
struct Mourned {
    std::shared_ptr<int> id;
};

ContextVar<Mourned> mourned("mourned");

} // namespace

TEST_CASE("values die newest first", "[core][context]") {
    std::vector<int> died;
    std::vector<std::unique_ptr<ContextVar<Mourned>>> variables;
    std::optional<Context> context(std::in_place);
    context->run([&] {
        for (int i = 0; i < 5; ++i) {
            variables.push_back(std::make_unique<ContextVar<Mourned>>("m"));
            variables.back()->set(Mourned{std::shared_ptr<int>(new int(i), [&died](const int* id) {
                died.push_back(*id);
                delete id;
            })});
        }
    });
    std::optional<Context> copy(context->copy());
    context.reset();
    CHECK(died.empty());
    copy->run([&] { (void)variables[4]->set(Mourned{}); });
    CHECK(died == std::vector<int>{4});
    copy.reset();
    CHECK(died == std::vector<int>{4, 3, 2, 1, 0});
}

TEST_CASE("a hundred thousand bindings need no stack", "[core][context]") {
    using rondo::detail::ContextBinding;
    using rondo::detail::ContextSlot;
    ContextSlot bindings; // by hand: to bind a variable takes as long as there are others
    for (std::uint64_t id = 1; id <= 100'000; ++id) {
        bindings = ContextSlot(new ContextBinding(id, nullptr, bindings));
    }
    const ContextSlot without_first = ContextBinding::without(bindings, 1);
    CHECK(rondo::detail::find_binding(without_first, 1) == nullptr);
    CHECK(rondo::detail::find_binding(without_first, 2) != nullptr);
    const ContextSlot tail = ContextBinding::without(bindings, 100'000);
    bindings.reset();
    CHECK(rondo::detail::find_binding(tail, 1) != nullptr); // what is shared has stayed
}

TEST_CASE("a value may use contexts when it dies", "[core][context]") {
    copy_context().run([] {
        int seen = -1;
        mourned.set(Mourned{std::shared_ptr<int>(new int(1), [&seen](const int* id) {
            number.set(number.get() + 1);
            seen = number.get();
            delete id;
        })});
        mourned.set(Mourned{});
        CHECK(seen == 1);
        CHECK(number.get() == 1);
    });
}

TEST_CASE("contexts cost no task an allocation", "[core][context]") {
    rondo::testing::run([]() -> Coro<> {
        const auto allocations_of_tasks = []() -> Coro<std::size_t> {
            const auto body = [](int expected, int& right) -> Coro<> {
                co_await rondo::sleep(0s);
                right += number.get() == expected ? 1 : 0;
            };
            int right = 0;
            const int expected = number.get();
            std::vector<rondo::Task<>> tasks;
            tasks.reserve(100'000);
            const std::size_t before = rondo_test::allocation_count();
            for (int i = 0; i < 100'000; ++i) {
                tasks.push_back(create_task(body(expected, right)));
            }
            const std::size_t used = rondo_test::allocation_count() - before;
            for (const auto& task : tasks) {
                co_await task;
            }
            CHECK(right == 100'000);
            co_return used;
        };
        const std::size_t without = co_await allocations_of_tasks();
        number.set(5);
        title.set("with a value");
        const std::size_t with = co_await allocations_of_tasks();
        CHECK(with <= without);
    });
}

// Who runs in which

ASYNC_TEST_CASE("get_context gives the context in which the task runs", "[core][context][b146]") {
    number.set(1);
    auto task = create_task(see_and_set(2));
    const Context context = task.get_context();
    CHECK(context.get(number) == 1);
    context.run([] { number.set(3); }); // before its first step
    const auto seen = co_await task;
    CHECK(seen == std::pair(3, 2));
    CHECK(context.get(number) == 2);
    CHECK(task.get_context().get(number) == 2);
    CHECK(number.get() == 1);

    const Context given;
    TaskOptions options;
    options.context = &given;
    auto in_given = create_task(see_and_set(7), options);
    co_await in_given;
    CHECK(in_given.get_context().get(number) == 7);
    in_given.get_context().run([] { number.set(8); });
    CHECK(given.get(number) == 8);
}

ASYNC_TEST_CASE("a token is good after somebody has asked for the task's context",
                "[core][context][b146][b419]") {
    // The main task shares its Runner's context; one that has its own is what this is about.
    auto task = create_task([]() -> Coro<> {
        const auto outer = number.set(1);
        const auto token = number.set(2);
        const Context own = rondo::current_task().get_context();
        number.reset(token);
        CHECK(number.get() == 1);
        const auto later = number.set(3);
        CHECK(own.get(number) == 3);
        number.reset(later);
        number.reset(outer);
        CHECK(number.get() == 0);
        CHECK_FALSE(own.get(number));
        const auto others = number.set(4);
        Context().run([&] { CHECK_THROWS_AS(number.reset(others), std::invalid_argument); });
        co_return;
    });
    co_await task;
}

TEST_CASE("a Runner keeps one context over its runs", "[core][context][b15]") {
    rondo::Runner runner(rondo::testing::options());
    const auto first = runner.run(see_and_set(1));
    number.set(50); // too late: the context is taken at the first run
    const auto second = runner.run(see_and_set(2));
    CHECK(first == std::pair(0, 1));
    CHECK(second == std::pair(1, 2));
    CHECK(number.get() == 50);
    number.set(0);
}

ASYNC_TEST_CASE("the exception handler runs in the context of the task or callback concerned",
                "[core][context][b89]") {
    auto& loop = get_running_loop();
    std::vector<int> seen;
    loop.set_exception_handler(
        [&](rondo::EventLoop& /*loop*/, const rondo::ErrorContext& /*context*/) {
            seen.push_back(number.get());
        });
    const auto fail_with = [](int value) -> Coro<> {
        number.set(value);
        throw std::runtime_error("failed");
        co_return;
    };
    (void)create_task(fail_with(1));
    co_await rondo::sleep(1ms);
    number.set(2);
    loop.call_soon([] { throw std::runtime_error("a callback"); });
    number.set(3);
    co_await rondo::sleep(1ms);
    const Context given;
    given.run([] { number.set(4); });
    loop.call_later(1ms, [] { throw std::runtime_error("a timer"); }, &given);
    co_await rondo::sleep(2ms);
    CHECK(seen == std::vector<int>{1, 2, 4});
    CHECK(number.get() == 3);
}

TEST_CASE("threads have contexts of their own, and may share values", "[core][context][threads]") {
    ContextVar<std::shared_ptr<const int>> shared("shared");
    copy_context().run([&] {
        shared.set(std::make_shared<const int>(7));
        const Context base = copy_context();
        std::vector<std::thread> threads;
        std::vector<int> sums(4);
        for (std::size_t t = 0; t < sums.size(); ++t) {
            threads.emplace_back([&shared, &sum = sums[t], mine = base.copy(), t] {
                for (int i = 0; i < 1000; ++i) {
                    const Context context = mine.copy();
                    sum += context.run([&] {
                        const auto token = number.set(static_cast<int>(t));
                        const int result = *shared.get() + number.get();
                        number.reset(token);
                        return result;
                    });
                }
            });
        }
        for (auto& thread : threads) {
            thread.join();
        }
        for (std::size_t t = 0; t < sums.size(); ++t) {
            CHECK(sums[t] == 1000 * (7 + static_cast<int>(t)));
        }
        CHECK(base.get(shared).value().use_count() >= 1);
    });
}
