// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/poll.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/sleep.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "descriptors.hpp"
#include "ring_filter.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::Coro;
using rondo::create_task;
using rondo::MutableBuffer;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

Coro<int> poll_for(int fd, int events) {
    const int ready = co_await io::poll(fd, events);
    co_return ready;
}

/// A child process that ends with a status when its pipe is closed.
class Child {
public:
    explicit Child(int status) {
        pid_ = checked(::fork());
        if (pid_ == 0) {
            ends_.out.close();
            char byte[1];
            while (::read(ends_.in.get(), byte, 1) > 0) {}
            ::_exit(status);
        }
        ends_.in.close();
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        end();
        ::waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void end() noexcept { ends_.out.close(); }

private:
    Ends ends_ = pipe();
    pid_t pid_ = 0;
};

Coro<siginfo_t> wait_for_child(int type, int id, int options) {
    const siginfo_t info = co_await io::waitid(type, id, options);
    co_return info;
}

} // namespace

ASYNC_TEST_CASE("poll tells for what a descriptor is ready", "[io][poll]") {
    Ends ends = sockets();
    const int writable = co_await io::poll(ends.in.get(), POLLIN | POLLOUT);
    CHECK(writable == POLLOUT);
    ends.put("x");
    const int both = co_await io::poll(ends.in.get(), POLLIN | POLLOUT);
    CHECK(both == (POLLIN | POLLOUT));
    ends.out.close();
    const int closed = co_await io::poll(ends.in.get(), POLLRDHUP);
    CHECK((closed & POLLRDHUP) != 0);
    CHECK((closed & POLLHUP) != 0);
}

ASYNC_TEST_CASE("poll waits until a descriptor is ready", "[io][poll]") {
    const Ends ends = pipe();
    auto task = create_task(poll_for(ends.in.get(), POLLIN));
    co_await rondo::sleep(1h);
    CHECK_FALSE(task.done());
    ends.put("x");
    const int ready = co_await task;
    CHECK(ready == POLLIN);
    CHECK(ends.get() == "x"); // it took nothing
}

ASYNC_TEST_CASE("cancel_fd ends all that is in flight on a descriptor, and counts it",
                "[io][poll]") {
    const Ends ends = tcp();
    const Ends others = pipe();
    auto receive = [](int fd) -> Coro<std::error_code> {
        char byte[1];
        const auto result = co_await as_result(io::recv(fd, byte));
        co_return result.error();
    };
    std::vector<Task<std::error_code>> tasks;
    for (int i = 0; i < 20; ++i) {
        tasks.push_back(create_task(receive(ends.in.get())));
    }
    auto untouched = create_task(poll_for(others.in.get(), POLLIN));
    co_await let_others_run();

    const std::size_t count = co_await io::cancel_fd(ends.in.get());
    CHECK(count == 20);
    for (auto& task : tasks) {
        const std::error_code error = co_await task;
        CHECK(error == std::errc::operation_canceled);
    }
    const std::size_t none = co_await io::cancel_fd(ends.in.get());
    CHECK(none == 0);

    CHECK_FALSE(untouched.done());
    others.put("x");
    co_await untouched;
}

ASYNC_TEST_CASE("cancel_fd ends what was begun in the same turn", "[io][poll]") {
    const Ends ends = tcp();
    auto task = create_task(
        [](int fd) -> Coro<bool> {
            char byte[1];
            const auto result = co_await as_result(io::recv(fd, byte));
            co_return result.error() == std::errc::operation_canceled;
        },
        ends.in.get());
    bool cancelled = false;
    while (!task.done()) { // in a shuffled run, it may not have begun
        const std::size_t count = co_await io::cancel_fd(ends.in.get());
        cancelled = cancelled || count == 1;
    }
    CHECK(cancelled);
    const bool told = co_await task;
    CHECK(told);
}

ASYNC_TEST_CASE("waitid waits for the end of a child and reaps it", "[io][poll]") {
    Child child(7);
    auto task = create_task(wait_for_child(P_PID, child.pid(), WEXITED));
    co_await rondo::sleep(1h);
    CHECK_FALSE(task.done());
    child.end();
    const siginfo_t info = co_await task;
    CHECK(info.si_pid == child.pid());
    CHECK(info.si_code == CLD_EXITED);
    CHECK(info.si_status == 7);
    const auto again = co_await as_result(io::waitid(P_PID, child.pid(), WEXITED));
    CHECK(again.error() == std::errc::no_child_process);
}

ASYNC_TEST_CASE("waitid tells of a signal, and can leave the child to others", "[io][poll]") {
    const Child child(0);
    checked(::kill(child.pid(), SIGKILL));
    const siginfo_t info = co_await io::waitid(P_PID, child.pid(), WEXITED | WNOWAIT);
    CHECK(info.si_code == CLD_KILLED);
    CHECK(info.si_status == SIGKILL);
    const siginfo_t again = co_await io::waitid(P_PID, child.pid(), WEXITED);
    CHECK(again.si_pid == child.pid());
}

ASYNC_TEST_CASE("a cancelled waitid reaps nobody", "[io][poll][cancel]") {
    Child child(3);
    auto task = create_task(wait_for_child(P_PID, child.pid(), WEXITED));
    co_await let_others_run();
    task.cancel();
    const auto result = co_await as_result(task);
    CHECK(result.cancelled());
    child.end();
    const siginfo_t info = co_await io::waitid(P_PID, child.pid(), WEXITED);
    CHECK(info.si_status == 3);
}

ASYNC_TEST_CASE("where the kernel does not know waitid, the end of a process is polled for",
                "[io][poll]") {
    const std::size_t descriptors = open_descriptors();
    {
        Child child(9);
        io::detail::WaitId request{P_PID, child.pid(), WEXITED};
        int refusal = -EINVAL;
        const bool tries_again = request.try_another_way(refusal);
        REQUIRE(tries_again);
        auto task = create_task(
            [](io::detail::WaitId description) -> Coro<siginfo_t> {
                const siginfo_t info = co_await io::Operation(description);
                co_return info;
            },
            request);
        co_await rondo::sleep(1h);
        CHECK_FALSE(task.done());
        child.end();
        const siginfo_t info = co_await task;
        CHECK(info.si_pid == child.pid());
        CHECK(info.si_code == CLD_EXITED);
        CHECK(info.si_status == 9);
    }
    CHECK(open_descriptors() == descriptors);
}

ASYNC_TEST_CASE("a kernel that does not know waitid is noticed", "[io][poll]") {
    Child child(9);
    child.end();
    bool first = true;
    const RingFilter filter([&](int& result, unsigned&) {
        if (result == 0 && first) {
            first = false;
            result = -EINVAL;
        }
    });
    const siginfo_t info = co_await io::waitid(P_PID, child.pid(), WEXITED | WNOWAIT);
    CHECK(filter.changed() == 1);
    CHECK(info.si_status == 9);
}

ASYNC_TEST_CASE("what a kernel without waitid cannot wait for is an error", "[io][poll]") {
    const Child child(9);
    for (const int options : {WEXITED, WEXITED | WSTOPPED}) {
        io::detail::WaitId request{options == WEXITED ? P_ALL : P_PID, child.pid(), options};
        int result = -EINVAL;
        const bool tries_again = request.try_another_way(result);
        CHECK_FALSE(tries_again);
        CHECK(result == -ENOSYS);
    }
    io::detail::WaitId stranger{P_PID, 1, WEXITED};
    int result = -EINVAL;
    static_cast<void>(stranger.try_another_way(result));
    CHECK(result != 0);
    co_return;
}
