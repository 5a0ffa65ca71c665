// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/wait_list.hpp>

#include <rondo/create_task.hpp>
#include <rondo/sleep.hpp>
#include <rondo/suspension.hpp>

#include "support/async_test.hpp"

#include <coroutine>
#include <string>
#include <type_traits>
#include <vector>

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::Task;
using rondo::WaitHook;
using rondo::WaitList;
using namespace rondo_test;

namespace {

struct Waiter : WaitHook {
    explicit Waiter(char letter) noexcept : name(letter) {}
    char name;
};

static_assert(!std::is_copy_constructible_v<WaitList<Waiter>>);
static_assert(!std::is_move_constructible_v<WaitList<Waiter>>);
static_assert(std::is_nothrow_default_constructible_v<WaitList<Waiter>>);

std::string drain(WaitList<Waiter>& list) {
    std::string names;
    while (const Waiter* first = list.pop_front()) {
        names += first->name;
    }
    return names;
}

/// A primitive of three lines: all who wait go on at a signal.
class Bell {
public:
    [[nodiscard]] auto wait() noexcept { return Wait{*this}; }
    void ring() noexcept {
        while (Awaiter* first = waiting_.pop_front()) {
            first->resume();
        }
    }
    [[nodiscard]] bool nobody_waits() const noexcept { return waiting_.empty(); }

private:
    class Awaiter final : public rondo::Suspension, public WaitHook {
    public:
        explicit Awaiter(Bell& bell) noexcept : bell_(bell) {}
        ~Awaiter() { WaitList<Awaiter>::remove_if_linked(*this); }
        [[nodiscard]] static bool await_ready() noexcept { return false; }
        template <class P>
        bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
            if (!suspend_unless_cancelled(awaiting)) {
                return false;
            }
            bell_.waiting_.push_back(*this);
            return true;
        }
        void await_resume() { throw_if_cancelled(); }

    private:
        void on_cancel() noexcept override {
            WaitList<Awaiter>::remove(*this);
            resume();
        }

        Bell& bell_;
    };

    struct Wait {
        Bell& bell;
        Awaiter operator co_await() const noexcept { return Awaiter(bell); }
    };

    WaitList<Awaiter> waiting_;
};

Coro<> listen(Bell& bell, std::string& log, char name) {
    co_await bell.wait();
    log += name;
}

} // namespace

TEST_CASE("a wait list gives out who came first, and null when nobody is left",
          "[sync][wait_list]") {
    WaitList<Waiter> list;
    REQUIRE(list.empty());
    REQUIRE(list.front() == nullptr);
    REQUIRE(list.pop_front() == nullptr);
    Waiter a('a');
    Waiter b('b');
    Waiter c('c');
    list.push_back(a);
    list.push_back(b);
    list.push_back(c);
    REQUIRE_FALSE(list.empty());
    REQUIRE(list.front() == &a); // and leaves it there
    REQUIRE(list.front() == &a);
    REQUIRE(drain(list) == "abc");
    REQUIRE(list.empty());
    REQUIRE_FALSE(a.is_linked());
}

TEST_CASE("anybody may leave a wait list from anywhere, and come again at its end",
          "[sync][wait_list]") {
    WaitList<Waiter> list;
    Waiter a('a');
    Waiter b('b');
    Waiter c('c');
    Waiter d('d');
    for (Waiter* waiter : {&a, &b, &c, &d}) {
        list.push_back(*waiter);
    }
    WaitList<Waiter>::remove(b);
    WaitList<Waiter>::remove_if_linked(d);
    WaitList<Waiter>::remove_if_linked(d); // has left already
    REQUIRE_FALSE(b.is_linked());
    list.push_back(b);
    WaitList<Waiter>::remove(a);
    REQUIRE(drain(list) == "cb");
}

TEST_CASE("a wait list that dies lets go of those who wait", "[sync][wait_list]") {
    Waiter a('a');
    Waiter b('b');
    {
        WaitList<Waiter> list;
        list.push_back(a);
        list.push_back(b);
    }
    REQUIRE_FALSE(a.is_linked());
    REQUIRE_FALSE(b.is_linked());
    WaitList<Waiter>::remove_if_linked(a); // as its destructor would
    WaitList<Waiter> next;
    next.push_back(b);
    REQUIRE(next.pop_front() == &b);
}

TEST_CASE("a primitive of one's own on a wait list wakes in the order of arrival",
          "[sync][wait_list]") {
    run_in_order([]() -> Coro<> {
        Bell bell;
        std::string log;
        std::vector<Task<>> tasks;
        for (const char name : {'a', 'b', 'c'}) {
            tasks.push_back(create_task(listen(bell, log, name)));
        }
        co_await let_others_run();
        REQUIRE(log.empty());
        bell.ring();
        REQUIRE(log.empty());
        for (const Task<>& task : tasks) {
            co_await task;
        }
        REQUIRE(log == "abc");
    });
}

ASYNC_TEST_CASE("who is cancelled leaves the list, the others stay", "[sync][wait_list][cancel]") {
    Bell bell;
    std::string log;
    auto a = create_task(listen(bell, log, 'a'));
    co_await let_others_run();
    auto b = create_task(listen(bell, log, 'b'));
    co_await let_others_run();
    a.cancel();
    co_await let_others_run();
    REQUIRE(a.cancelled());
    REQUIRE_FALSE(bell.nobody_waits());
    bell.ring();
    co_await b;
    REQUIRE(log == "b");
    REQUIRE(bell.nobody_waits());
}

ASYNC_TEST_CASE("who waits at a primitive that has died can still be cancelled",
                "[sync][wait_list][cancel]") {
    std::string log;
    std::vector<Task<>> tasks;
    {
        Bell bell;
        for (const char name : {'a', 'b'}) {
            tasks.push_back(create_task(listen(bell, log, name)));
        }
        co_await let_others_run();
    }
    for (const Task<>& task : tasks) {
        task.cancel();
        co_await let_others_run();
        REQUIRE(task.cancelled());
    }
    REQUIRE(log.empty());
}
