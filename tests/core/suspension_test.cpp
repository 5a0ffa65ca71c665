// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/suspension.hpp>

#include <coroutine>
#include <fstream>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>
#include <rondo/wait_list.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support/async_test.hpp"
#include "support/checked_wait.hpp"
#include "support/tracked.hpp"

using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::sleep;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;

namespace {

// The worked example of suspension.hpp, letter for letter.
class Gate {
public:
    auto pass() { return Pass{*this}; }
    void open() {
        if (Awaiter* first = waiting_.pop_front()) {
            first->let_through();
        } else {
            ++open_;
        }
    }

private:
    class Awaiter : public rondo::Suspension, public rondo::WaitHook {
    public:
        explicit Awaiter(Gate& gate) noexcept : gate_(gate) {}
        ~Awaiter() { rondo::WaitList<Awaiter>::remove_if_linked(*this); }
        bool await_ready() noexcept {
            passed_ = gate_.open_ > 0;
            gate_.open_ -= passed_;
            return passed_;
        }
        template <class Promise>
        bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
            if (!suspend_unless_cancelled(awaiting)) {
                return false;
            }
            gate_.waiting_.push_back(*this);
            return true;
        }
        void await_resume() {
            if (!passed_) {
                throw_cancelled();
            }
            if (cancellation_pending()) { // let through and cancelled in one turn:
                gate_.open();             // cancelled means no effect
                throw_cancelled();
            }
        }
        void let_through() noexcept {
            passed_ = true;
            resume();
        }

    private:
        void on_cancel() noexcept override {
            rondo::WaitList<Awaiter>::remove(*this);
            resume();
        }
        const char* describe() const noexcept override { return "Gate::pass"; }

        Gate& gate_;
        bool passed_ = false;
    };

    struct Pass {
        Gate& gate;
        Awaiter operator co_await() const noexcept { return Awaiter(gate); }
    };

    int open_ = 0;
    rondo::WaitList<Awaiter> waiting_;
};

// The lines of a file from `first` to `last`, each without `prefix` at its beginning.
std::vector<std::string> excerpt(const std::string& path, const std::string& first,
                                 const std::string& last, const std::string& prefix) {
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (lines.empty() && line != prefix + first) {
            continue;
        }
        lines.push_back(line.substr(line.size() < prefix.size() ? line.size() : prefix.size()));
        if (line == prefix + last) {
            break;
        }
    }
    return lines;
}

Coro<> walk_through(Gate& gate, std::string& log, char letter) {
    try {
        co_await gate.pass();
        log += letter;
    } catch (const CancelledError&) {
        log += '!';
        log += letter;
        throw;
    }
}

} // namespace

TEST_CASE("the gate is the one that the documentation shows", "[core][suspension][gate]") {
    const std::string root = RONDO_SOURCE_DIR; // __FILE__ may be relative to anywhere
    const std::string here = root + "/tests/core/suspension_test.cpp";
    const std::string header = root + "/include/rondo/suspension.hpp";
    const std::vector<std::string> shown = excerpt(header, "class Gate {", "};", "/// ");
    const std::vector<std::string> tested = excerpt(here, "class Gate {", "};", "");
    REQUIRE(tested.size() > 50);
    std::vector<std::string> trimmed;
    for (const std::string& line : shown) {
        trimmed.push_back(line == "///" ? "" : line);
    }
    REQUIRE(trimmed == tested);
}

ASYNC_TEST_CASE("the gate: one that is open is passed at once", "[core][suspension][gate]") {
    Gate gate;
    gate.open();
    gate.open();
    const auto turns = rondo::get_running_loop().metrics().turns;
    co_await gate.pass();
    co_await gate.pass();
    REQUIRE(rondo::get_running_loop().metrics().turns == turns);
}

TEST_CASE("the gate: those who wait pass in the order in which they came",
          "[core][suspension][gate]") {
    run_in_order([]() -> Coro<> {
        Gate gate;
        std::string log;
        auto a = create_task(walk_through(gate, log, 'a'));
        auto b = create_task(walk_through(gate, log, 'b'));
        co_await sleep(0s);
        REQUIRE(a.describe_wait() == "Gate::pass");
        gate.open();
        REQUIRE(log.empty()); // never from inside open()
        co_await sleep(0s);
        REQUIRE(log == "a");
        gate.open();
        co_await b;
        REQUIRE(log == "ab");
    });
}

ASYNC_TEST_CASE("the gate: a task that is cancelled before it waits does not",
                "[core][suspension][gate][cancel]") {
    Gate gate;
    std::string log;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel();
        co_await walk_through(gate, log, 'a');
    };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(task.cancelled());
    REQUIRE(log == "!a");
    gate.open();
    co_await gate.pass(); // the one opening is still there
}

ASYNC_TEST_CASE("the gate: a task that is cancelled while it waits leaves the line",
                "[core][suspension][gate][cancel]") {
    Gate gate;
    std::string log;
    auto a = create_task(walk_through(gate, log, 'a'));
    co_await let_others_run();
    auto b = create_task(walk_through(gate, log, 'b'));
    co_await let_others_run();
    a.cancel();
    gate.open(); // goes to b: a has left already
    co_await b;
    co_await let_others_run();
    REQUIRE(a.cancelled());
    REQUIRE((log == "!ab" || log == "b!a"));
}

ASYNC_TEST_CASE("the gate: a task let through and cancelled in one turn hands its pass on",
                "[core][suspension][gate][cancel]") {
    Gate gate;
    std::string log;
    auto a = create_task(walk_through(gate, log, 'a'));
    co_await let_others_run();
    auto b = create_task(walk_through(gate, log, 'b'));
    co_await let_others_run();
    gate.open();
    a.cancel();
    co_await b;
    REQUIRE(a.cancelled());
    REQUIRE(log == "!ab");
}

TEST_CASE("the gate: a frame that is destroyed while it waits leaves the line",
          "[core][suspension][gate]") {
    LeakCheck leaks;
    Gate gate;
    std::string log;
    {
        rondo::EventLoop loop(rondo::testing::options());
        loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
        auto task = loop.create_task(walk_through(gate, log, 'a'));
        loop.run_until_complete(let_others_run());
        REQUIRE(task.describe_wait() == "Gate::pass");
    }
    gate.open(); // nobody is there: this would touch a dead awaiter
    REQUIRE(log.empty());
}

ASYNC_TEST_CASE("an awaiter is asked ready, suspend and resume, and destroyed",
                "[core][suspension]") {
    CheckedWait wait;
    const auto body = [&]() -> Coro<> { co_await wait.wait(); };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(wait.log() == "rs");
    REQUIRE(wait.release());
    REQUIRE(wait.log() == "rsw");
    co_await task;
    REQUIRE(wait.log() == "rswvd");
}

ASYNC_TEST_CASE("an awaiter is asked to cancel once, while it waits", "[core][suspension]") {
    CheckedWait wait;
    const auto body = [&]() -> Coro<> { co_await wait.wait(); };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    task.cancel();
    REQUIRE(wait.log() == "rsc");
    REQUIRE(wait.nobody_waits());
    co_await let_others_run();
    REQUIRE(wait.log() == "rscxd");
    REQUIRE(task.cancelled());
}

ASYNC_TEST_CASE("an awaiter is not asked to cancel when the task was cancelled before",
                "[core][suspension]") {
    CheckedWait wait;
    const auto body = [&]() -> Coro<> {
        rondo::current_task().cancel();
        co_await wait.wait();
    };
    auto task = create_task(body());
    co_await let_others_run();
    REQUIRE(wait.log() == "rnxd");
    REQUIRE(task.cancelled());
}

namespace {

// Tries every moment: runs a task that waits three times, and cancels it after so many turns.
struct Sweep {
    explicit Sweep(CheckedWait::OnRace on_race) : wait(on_race) {}

    CheckedWait wait;
    int passed = 0;

    Coro<> body() {
        for (int i = 0; i < 3; ++i) {
            co_await wait.wait();
            ++passed;
        }
    }
};

std::size_t count(const std::string& log, char letter) {
    std::size_t found = 0;
    for (const char each : log) {
        found += each == letter;
    }
    return found;
}

} // namespace

ASYNC_TEST_CASE("cancelled at any moment, an awaiter keeps to the protocol",
                "[core][suspension][cancel]") {
    for (const auto on_race : {CheckedWait::OnRace::undo, CheckedWait::OnRace::keep}) {
        for (int cancel_at = 0; cancel_at < 20; ++cancel_at) {
            Sweep sweep(on_race);
            auto task = create_task(sweep.body());
            for (int step = 0; !task.done(); ++step) {
                REQUIRE(step < 100);
                // A release and a turn by turns; the cancellation before, between or after them.
                if (step % 2 == 1) {
                    static_cast<void>(sweep.wait.release());
                }
                if (step == cancel_at) {
                    task.cancel();
                }
                if (step % 2 == 0) {
                    co_await sleep(0s);
                }
            }
            const std::string& log = sweep.wait.log();
            CAPTURE(cancel_at, log);
            REQUIRE(sweep.wait.nobody_waits());
            REQUIRE(count(log, 'd') == count(log, 'r'));
            REQUIRE(count(log, 'D') == 0);
            REQUIRE(count(log, 'x') + count(log, 'v') == count(log, 'r'));
            // What was let through was used or undone, never lost.
            REQUIRE(count(log, 'w') ==
                    static_cast<std::size_t>(sweep.passed + sweep.wait.undone()));
            REQUIRE(task.cancelled() == (sweep.passed < 3));
            co_await let_others_run();
        }
    }
}

namespace {

// An awaiter that is a variable, and is awaited twice.
class Countdown final : public rondo::Suspension {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        resume(); // at once: the task only goes to the back of the ready queue
        return true;
    }
    int await_resume() {
        throw_if_cancelled();
        return --left_;
    }

private:
    void on_cancel() noexcept override { resume(); }
    int left_ = 10;
};

// Its event never comes: to return as if it had would be a lie.
class Never final : public rondo::Suspension {
public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        return suspend_unless_cancelled(awaiting);
    }
    void await_resume() { throw_if_cancelled(); }

private:
    void on_cancel() noexcept override { resume(); }
};

} // namespace

ASYNC_TEST_CASE("an awaiter may be a variable and be awaited again", "[core][suspension]") {
    Countdown countdown;
    const auto turns = rondo::get_running_loop().metrics().turns;
    const int first = co_await countdown;
    const int second = co_await countdown;
    REQUIRE(first == 9);
    REQUIRE(second == 8);
    REQUIRE(rondo::get_running_loop().metrics().turns == turns + 2);
    REQUIRE_FALSE(countdown.is_waiting());
}

ASYNC_TEST_CASE("an awaiter that takes the usual end is cancelled even if uncancel() follows",
                "[core][suspension][cancel]") {
    const auto body = []() -> Coro<> {
        Never never;
        co_await never;
    };
    auto task = create_task(body());
    co_await let_others_run();
    task.cancel();
    REQUIRE(task.uncancel() == 0);
    co_await let_others_run();
    REQUIRE(task.cancelled());
}
