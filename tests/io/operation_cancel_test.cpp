// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/operation.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/sleep.hpp>
#include <rondo/task.hpp>

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "descriptors.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::CancelledError;
using rondo::Coro;
using rondo::create_task;
using rondo::get_running_loop;
using rondo::MutableBuffer;
using rondo::Task;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

/// What became of an operation whose task was cancelled.
struct Outcome {
    int result = -1;        // what it returned, or -1
    bool cancelled = false; // it threw CancelledError
    bool later = false;     // the suspension after it did
};

/// Awaits an operation and then a suspension point. Swallows cancellations and notes them.
template <class R>
Coro<Outcome> observe(io::Operation<R> operation) {
    Outcome outcome;
    try {
        if constexpr (std::is_void_v<typename io::OperationAwaiter<R>::Value>) {
            co_await operation;
            outcome.result = 0;
        } else {
            const auto value = co_await operation;
            outcome.result = static_cast<int>(value);
        }
    } catch (const CancelledError&) {
        outcome.cancelled = true;
    }
    try {
        co_await rondo::sleep(0s);
    } catch (const CancelledError&) {
        outcome.later = true;
    }
    co_return outcome;
}

/// The same, for a task that is cancelled before it comes to the operation.
template <class R>
Coro<Outcome> observe_cancelled(io::Operation<R> operation) {
    rondo::current_task().cancel();
    Outcome outcome;
    const auto result = co_await as_result(operation);
    outcome.cancelled = result.cancelled();
    if (result) {
        outcome.result = 0;
    }
    co_return outcome;
}

bool waits(const Task<Outcome>& task, const char* operation) {
    return !task.done() &&
           get_running_loop().core().describe_tasks().find(operation) != std::string::npos;
}

} // namespace

// Before

ASYNC_TEST_CASE("an operation of a task that is cancelled already is never begun",
                "[io][operation][cancel]") {
    const Ends ends = sockets();
    ends.put("abc");
    char bytes[8];
    const Fd server = listener();
    const Fd client = connected_to(server);
    const Fd file = temporary_file();
    TemporaryDirectory directory;
    const std::size_t descriptors = open_descriptors();

    auto receive = create_task(observe_cancelled(io::recv(ends.in.get(), bytes)));
    auto send = create_task(observe_cancelled(io::send(ends.in.get(), "x")));
    auto accept = create_task(observe_cancelled(io::accept(server.get())));
    auto write = create_task(observe_cancelled(io::write(file.get(), "x", 0)));
    auto open =
        create_task(observe_cancelled(io::openat(directory.fd(), "new", O_CREAT | O_WRONLY, 0600)));
    auto close = create_task(observe_cancelled(io::close(file.get())));
    for (auto* task : {&receive, &send, &accept, &write, &open, &close}) {
        const Outcome outcome = co_await *task;
        CHECK(outcome.cancelled);
        CHECK(outcome.result == -1);
    }

    CHECK(ends.get() == "abc");
    CHECK(::recv(ends.out.get(), bytes, sizeof bytes, MSG_DONTWAIT) == -1);
    CHECK_FALSE(directory.has("new"));
    CHECK(open_descriptors() == descriptors);
    struct stat status = {};
    REQUIRE(::fstat(file.get(), &status) == 0); // it is open
    CHECK(status.st_size == 0);
    const int connection = co_await io::accept(server.get()); // it is still there
    ::close(connection);
}

// While it waits

ASYNC_TEST_CASE("a cancelled read takes nothing from those who read later",
                "[io][operation][cancel]") {
    for (const int flags : {0, O_NONBLOCK}) {
        const Ends ends = pipe(flags);
        char bytes[8];
        auto task = create_task(observe(io::read(ends.in.get(), bytes)));
        co_await let_others_run();
        CHECK(waits(task, "read"));
        task.cancel();
        const Outcome outcome = co_await task;
        CHECK(outcome.cancelled);
        CHECK_FALSE(outcome.later);

        ends.put("abc");
        const std::size_t size = co_await io::read(ends.in.get(), bytes);
        CHECK(std::string_view(bytes, size) == "abc");
    }
}

ASYNC_TEST_CASE("a cancelled recv takes nothing from those who receive later",
                "[io][operation][cancel]") {
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        const Ends ends = tcp(flags);
        char bytes[8];
        auto task = create_task(observe(io::recv(ends.in.get(), bytes)));
        co_await let_others_run();
        CHECK(waits(task, "recv"));
        task.cancel();
        const Outcome outcome = co_await task;
        CHECK(outcome.cancelled);

        ends.put("abc");
        const std::size_t size = co_await io::recv(ends.in.get(), bytes);
        CHECK(std::string_view(bytes, size) == "abc");
    }
}

ASYNC_TEST_CASE("a cancelled send sends nothing later", "[io][operation][cancel]") {
    const Ends ends = sockets();
    checked(::fcntl(ends.out.get(), F_SETFL, O_NONBLOCK));
    std::size_t expected = fill(ends.out.get());
    checked(::fcntl(ends.out.get(), F_SETFL, 0));
    auto task = create_task(observe(io::send(ends.out.get(), "too late")));
    co_await let_others_run();
    CHECK(waits(task, "send"));
    task.cancel();
    const Outcome outcome = co_await task;
    CHECK(outcome.cancelled);

    for (std::string text = ends.get(); !text.empty(); text = ends.get()) {
        REQUIRE(expected >= text.size());
        expected -= text.size();
    }
    CHECK(expected == 0);
}

ASYNC_TEST_CASE("a cancelled accept leaves the connection to the next", "[io][operation][cancel]") {
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        const Fd server = listener(16, flags);
        const std::size_t descriptors = open_descriptors();
        auto task = create_task(observe(io::accept(server.get())));
        co_await let_others_run();
        CHECK(waits(task, "accept"));
        task.cancel();
        const Outcome outcome = co_await task;
        CHECK(outcome.cancelled);
        CHECK(open_descriptors() == descriptors);

        const Fd client = connected_to(server);
        const Fd connection(co_await io::accept(server.get()));
        CHECK(connection.get() >= 0);
    }
}

ASYNC_TEST_CASE("a poll, a connect and a splice are cancelled while they wait",
                "[io][operation][cancel]") {
    const Ends ends = pipe();
    const Ends target = pipe();
    auto polling = create_task(observe(io::poll(ends.in.get(), POLLIN)));

    // A listener whose queue is full does not answer.
    const Fd server = listener(0);
    const Fd first = connected_to(server);
    const Fd second(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    auto connecting = create_task(observe(io::connect(second.get(), Address::of(server.get()))));

    auto splicing = create_task(observe(io::splice(ends.in.get(), io::current_position,
                                                   target.out.get(), io::current_position, 16)));
    co_await let_others_run();
    CHECK(waits(polling, "poll"));
    CHECK(waits(connecting, "connect"));
    CHECK(waits(splicing, "splice"));
    for (auto* task : {&polling, &connecting, &splicing}) {
        task->cancel();
        const Outcome outcome = co_await *task;
        CHECK(outcome.cancelled);
        CHECK_FALSE(outcome.later);
    }
    ends.put("abc");
    CHECK(ends.get() == "abc");
}

ASYNC_TEST_CASE("a cancelled operation lets go of its descriptor at once",
                "[io][operation][cancel]") {
    // behaviours.md 176
    Ends ends = tcp();
    char bytes[8];
    auto task = create_task(observe(io::recv(ends.in.get(), bytes)));
    co_await let_others_run();
    task.cancel();
    const Outcome outcome = co_await task;
    CHECK(outcome.cancelled);
    ends.in.close();
    // An operation in flight would keep the connection open.
    CHECK(peer_is_gone(ends.out.get()));
}

ASYNC_TEST_CASE("a thousand operations are cancelled at once", "[io][operation][cancel]") {
    const Ends ends = pipe();
    std::vector<char> bytes(1000);
    std::vector<Task<Outcome>> tasks;
    for (char& byte : bytes) {
        tasks.push_back(create_task(observe(io::read(ends.in.get(), MutableBuffer(&byte, 1)))));
    }
    co_await let_others_run();
    for (auto& task : tasks) {
        task.cancel();
    }
    for (auto& task : tasks) {
        const Outcome outcome = co_await task;
        if (!outcome.cancelled) {
            FAIL("read something from an empty pipe");
        }
    }
    ends.put("abc");
    CHECK(ends.get() == "abc");
}

// In a race with its completion

ASYNC_TEST_CASE("a read that completes as it is cancelled returns its bytes",
                "[io][operation][cancel]") {
    const Ends ends = pipe();
    char bytes[8];
    auto task = create_task(observe(io::read(ends.in.get(), bytes)));
    co_await let_others_run();
    ends.put("abc"); // the kernel has done its part; the loop has not seen it
    task.cancel();
    const Outcome outcome = co_await task;
    // Which of the two the kernel lets win is its business; that nothing is lost is ours.
    if (outcome.cancelled) {
        CHECK(ends.get() == "abc");
        CHECK_FALSE(outcome.later);
    } else {
        CHECK(std::string_view(bytes, 3) == "abc");
        CHECK(outcome.result == 3);
        CHECK(outcome.later);
        CHECK(ends.get().empty());
    }
}

ASYNC_TEST_CASE("a recv that completes as it is cancelled returns its bytes",
                "[io][operation][cancel]") {
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        const Ends ends = tcp(flags);
        char bytes[8];
        auto task = create_task(observe(io::recv(ends.in.get(), bytes)));
        co_await let_others_run();
        ends.put("abc");
        task.cancel();
        const Outcome outcome = co_await task;
        std::string text = outcome.cancelled ? std::string() : std::string(bytes, 3);
        CHECK(outcome.cancelled != outcome.later);
        text += ends.get();
        CHECK(text == "abc");
    }
}

ASYNC_TEST_CASE("an accept that completes as it is cancelled loses no connection",
                "[io][operation][cancel]") {
    for (const int flags : {0, SOCK_NONBLOCK + 0}) {
        const Fd server = listener(16, flags);
        auto task = create_task(observe(io::accept(server.get())));
        co_await let_others_run();
        const Fd client = connected_to(server);
        task.cancel();
        const Outcome outcome = co_await task;
        CHECK(outcome.cancelled != outcome.later);
        Fd connection(outcome.result);
        if (outcome.cancelled) {
            connection = Fd(co_await io::accept(server.get()));
        }
        CHECK(::send(client.get(), "x", 1, 0) == 1);
        char byte[1];
        const std::size_t size = co_await io::recv(connection.get(), byte);
        CHECK(size == 1);
    }
}

TEST_CASE("an operation that has completed keeps its result when its task is cancelled then",
          "[io][operation][cancel]") {
    run_in_order([]() -> Coro<> {
        // Both complete in the same turn. The first to run cancels the other, which has been
        // woken and has not run.
        const Ends first = pipe();
        const Ends second = pipe();
        char bytes[8];
        std::optional<Task<Outcome>> victim;
        auto read_and_cancel = [&](int fd) -> Coro<bool> {
            char byte[1];
            co_await io::read(fd, byte);
            const bool cancelled = victim->cancel();
            co_return cancelled;
        };
        auto culprit = create_task(read_and_cancel(first.in.get()));
        victim = create_task(observe(io::read(second.in.get(), bytes)));
        co_await let_others_run();
        first.put("x");
        second.put("abc");
        const bool cancelled = co_await culprit;
        CHECK(cancelled);
        const Outcome outcome = co_await *victim;
        CHECK(outcome.result == 3);
        CHECK(outcome.later);
        CHECK(std::string_view(bytes, 3) == "abc");
    });
}

ASYNC_TEST_CASE("a file that is opened while its task is cancelled is returned",
                "[io][operation][cancel]") {
    TemporaryDirectory directory;
    const std::size_t descriptors = open_descriptors();
    auto task =
        create_task(observe(io::openat(directory.fd(), "new", O_CREAT | O_EXCL | O_WRONLY, 0600)));
    while (!waits(task, "openat") && !task.done()) {
        co_await rondo::sleep(0s);
    }
    task.cancel(); // queued behind the request, or too late
    const Outcome outcome = co_await task;
    if (outcome.result >= 0) {
        CHECK(::close(outcome.result) == 0);
    } else {
        CHECK(outcome.cancelled);
    }
    CHECK(directory.has("new") == (outcome.result >= 0));
    CHECK(open_descriptors() == descriptors);
}

ASYNC_TEST_CASE("a close that has begun is carried through", "[io][operation][cancel]") {
    for (int round = 0; round < 20; ++round) {
        Ends ends = tcp();
        auto task = create_task(observe(io::close(ends.in.release())));
        while (!waits(task, "close") && !task.done()) {
            co_await rondo::sleep(0s);
        }
        const bool cancelled = task.cancel();
        const Outcome outcome = co_await task;
        CHECK(outcome.result == 0);
        CHECK_FALSE(outcome.cancelled);
        CHECK(outcome.later == cancelled);
        CHECK(peer_is_gone(ends.out.get()));
    }
}

ASYNC_TEST_CASE("a recv of everything that is cancelled half-way returns what it has",
                "[io][operation][cancel]") {
    const Ends ends = tcp();
    char bytes[8];
    auto task = create_task(observe(io::recv(ends.in.get(), bytes, MSG_WAITALL)));
    co_await let_others_run();
    ends.put("abc");
    co_await let_others_run();
    CHECK_FALSE(task.done());
    task.cancel();
    const Outcome outcome = co_await task;
    CHECK(outcome.result == 3);
    CHECK(std::string_view(bytes, 3) == "abc");
    CHECK(outcome.later);
}

ASYNC_TEST_CASE("no byte is lost when reads are cancelled at random moments",
                "[io][operation][cancel]") {
    const Ends ends = sockets();
    std::string sent;
    std::string received;
    unsigned random = 4711;
    for (int round = 0; round < 300; ++round) {
        char bytes[16];
        auto task = create_task(observe(io::recv(ends.in.get(), bytes)));
        random = random * 1664525U + 1013904223U;
        const unsigned choice = random >> 16U;
        for (unsigned turn = 0; turn < choice % 3; ++turn) {
            co_await rondo::sleep(0s);
        }
        const std::string text = "<" + std::to_string(round) + ">";
        const bool sends_first = (choice & 4U) != 0;
        if (sends_first) {
            ends.put(text);
        }
        if ((choice & 8U) != 0) {
            co_await rondo::sleep(0s);
        }
        task.cancel();
        if (!sends_first) {
            ends.put(text);
        }
        sent += text;
        const auto outcome = co_await as_result(task);
        if (outcome && outcome->result > 0) {
            received.append(bytes, static_cast<std::size_t>(outcome->result));
        }
    }
    received += ends.get();
    CHECK(received == sent);
}

// Told to end by somebody else

ASYNC_TEST_CASE("an operation that somebody else cancelled fails with ECANCELED",
                "[io][operation][cancel]") {
    const Ends ends = tcp();
    char bytes[8];
    auto task = create_task(
        [](int fd, MutableBuffer buffer) -> Coro<std::error_code> {
            const auto result = co_await as_result(io::recv(fd, buffer));
            co_return result.error();
        },
        ends.in.get(), MutableBuffer(bytes));
    co_await let_others_run();
    const std::size_t count = co_await io::cancel_fd(ends.in.get());
    CHECK(count == 1);
    const std::error_code error = co_await task;
    CHECK(error == std::errc::operation_canceled);
}

ASYNC_TEST_CASE("without exceptions a cancellation is a result, and counts as delivered",
                "[io][operation][cancel]") {
    const Ends ends = pipe();
    char bytes[8];
    auto task = create_task(
        [](int fd, MutableBuffer buffer) -> Coro<bool> {
            const auto result = co_await as_result(io::read(fd, buffer));
            co_await rondo::sleep(0s); // nothing is pending any more
            co_return result.cancelled() && !result.error();
        },
        ends.in.get(), MutableBuffer(bytes));
    co_await let_others_run();
    task.cancel();
    const bool cancelled = co_await task;
    CHECK(cancelled);
}
