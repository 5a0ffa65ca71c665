// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Forking with a live loop, and making one where io_uring is forbidden.

#include <rondo/event_loop.hpp>

#include <rondo/create_task.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include "child.hpp"
#include "loops.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

using namespace std::chrono_literals;
using rondo::Coro;
using rondo::EventLoop;
using rondo::LoopError;
using rondo_test::ChildEnd;
using rondo_test::Ends;
using rondo_test::real_time;
using rondo_test::real_time_in_order;
using rondo_test::run_in_child;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

template <class F>
std::string message_of(F function) {
    try {
        function();
    } catch (const LoopError& error) {
        return error.what();
    }
    return "no LoopError";
}

// A loop of the child's own, with a timer, a task and I/O.
std::string use_own_loop() {
    const auto main = []() -> Coro<std::string> {
        const Ends pipe = Ends::pipe();
        const rondo::Future<char> got;
        EventLoop& loop = rondo::get_running_loop();
        loop.add_reader(pipe.read_end(), [&] { got.try_set_result(pipe.get()); });
        co_await rondo::sleep(1ms);
        pipe.put('k');
        const char letter = co_await got;
        loop.remove_reader(pipe.read_end());
        co_return std::string("o") + letter;
    };
    return rondo::run(main(), real_time());
}

// Makes io_uring_setup fail in this process, for ever.
bool forbid_io_uring() {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter = {sizeof program / sizeof program[0], program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

} // namespace

TEST_CASE("a forked child that uses its parent's loop is told so", "[loop][fork][b664]") {
    const bool has_run = GENERATE(false, true);
    EventLoop loop(real_time());
    const Ends pipe = Ends::pipe();
    int calls = 0;
    if (has_run) {
        loop.add_reader(pipe.read_end(), [&] {
            ++calls;
            (void)pipe.get();
        });
        loop.run_once(0s);
    }
    const ChildEnd end = run_in_child([&] {
        const auto main = []() -> Coro<> { co_await rondo::sleep(0s); };
        return message_of([&] { loop.run_until_complete(main()); }) + "\n" +
               message_of([&] { loop.run_once(0s); });
    });
    const std::string told =
        "rondo: this loop belongs to the parent process: make a new one after fork()";
    CHECK(end.text == told + "\n" + told);

    // The parent's I/O is undisturbed.
    if (has_run) {
        CHECK(calls == 0);
        pipe.put('x');
        while (calls == 0) {
            loop.run_once();
        }
        CHECK(calls == 1);
    }
    const auto main = []() -> Coro<int> {
        co_await rondo::sleep(1ms);
        co_return 5;
    };
    CHECK(loop.run_until_complete(main()) == 5);
}

TEST_CASE("a forked child may destroy its copy of the loop, and make its own",
          "[loop][fork][b663][b664]") {
    auto loop = std::make_unique<EventLoop>(real_time());
    const Ends pipe = Ends::pipe();
    int calls = 0;
    loop->add_reader(pipe.read_end(), [&] {
        ++calls;
        (void)pipe.get();
    });
    loop->call_later(1h, [] {});
    (void)loop->create_task([]() -> Coro<> { co_await rondo::sleep(1h); }());
    loop->run_once(0s);
    const ChildEnd end = run_in_child([&] {
        const std::string before = use_own_loop();
        loop.reset();
        return before + use_own_loop();
    });
    CHECK(end.text == "okok");
    pipe.put('x');
    while (calls == 0) {
        loop->run_once();
    }
    CHECK(calls == 1);
    loop->set_exception_handler([](EventLoop&, const rondo::ErrorContext&) {});
}

TEST_CASE("a child that is forked inside a callback does not see its parent's loop running",
          "[loop][fork][b662][b663]") {
    EventLoop loop(real_time());
    ChildEnd end;
    loop.call_soon([&] {
        end = run_in_child([&] {
            std::string text;
            try {
                (void)rondo::get_running_loop();
                text = "running ";
            } catch (const LoopError&) {
                text = "not running ";
            }
            return text + use_own_loop();
        });
        loop.stop();
    });
    loop.run_forever();
    CHECK(end.text == "not running ok");
}

TEST_CASE("a child that is forked inside a callback runs none of its parent's other callbacks",
          "[loop][fork][b664]") {
    EventLoop loop(real_time_in_order());
    const Ends pipe = Ends::pipe();
    pid_t child = -1;
    int calls = 0;
    loop.call_soon([&] { child = ::fork(); });
    loop.call_soon([&] {
        ++calls;
        loop.stop();
    });
    try {
        loop.run_forever();
        if (child == 0) {
            ::_exit(1);
        }
    } catch (const LoopError&) {
        if (child == 0) {
            ::_exit(calls == 0 ? 7 : 2);
        }
        throw;
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(calls == 1);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("a child that is forked inside a task and goes on into the loop is stopped",
          "[loop][fork][b664]") {
    const std::size_t parent = static_cast<std::size_t>(::getpid());
    ChildEnd end;
    const auto main = [&]() -> Coro<> {
        const Ends pipe = Ends::pipe();
        EventLoop& loop = rondo::get_running_loop();
        loop.add_reader(pipe.read_end(), [] {});
        co_await rondo::sleep(1ms);
        // A child of a child, so that it can run into the loop as a program would.
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::dup2(ends[1], STDERR_FILENO);
        }
        for (int round = 0; round < 3; ++round) {
            co_await rondo::sleep(1ms);
        }
        ::close(ends[1]);
        char chunk[512];
        for (ssize_t size = 0; (size = ::read(ends[0], chunk, sizeof chunk)) > 0;) {
            end.errors.append(chunk, static_cast<std::size_t>(size));
        }
        ::close(ends[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        end.text = std::to_string(WEXITSTATUS(status));
        loop.remove_reader(pipe.read_end());
    };
    try {
        rondo::run(main(), real_time());
    } catch (const LoopError& error) {
        const std::string text = error.what();
        (void)!::write(STDERR_FILENO, text.data(), text.size());
        ::_exit(static_cast<std::size_t>(::getpid()) == parent ? 1 : 7);
    }
    CHECK(end.text == "7");
    CHECK(has(end.errors, "rondo: "));
}

TEST_CASE("where io_uring is forbidden, making a loop throws one clear error", "[loop][fork]") {
    const ChildEnd end = run_in_child([]() -> std::string {
        const std::size_t before = rondo_test::open_descriptors();
        if (!forbid_io_uring()) {
            return "skip";
        }
        std::string text;
        try {
            EventLoop loop(real_time());
        } catch (const std::system_error& error) {
            text = std::to_string(error.code().value()) + " " + error.what();
        }
        const auto main = []() -> Coro<> { co_return; };
        try {
            rondo::run(main(), real_time());
        } catch (const std::system_error&) {
            text += " twice";
        }
        return text + (rondo_test::open_descriptors() == before ? "" : " leaked");
    });
    if (end.text == "skip") {
        RONDO_SKIP("this process may not install a seccomp filter");
    }
    CHECK(has(end.text, std::to_string(EPERM) + " rondo: io_uring is not available"));
    CHECK(has(end.text, "seccomp"));
    CHECK(has(end.text, " twice"));
    CHECK_FALSE(has(end.text, "leaked"));
    CHECK(end.errors.empty());
}
