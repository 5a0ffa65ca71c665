// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/ring.hpp>

#include "ring/enter_hook.hpp"
#include "ring/operations.hpp"
#include "support/catch.hpp"

#include <sys/time.h>

#include <chrono>
#include <csignal>
#include <deque>
#include <memory>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using rondo::Clock;
using rondo::detail::Completion;
using rondo::detail::CompletionFilter;
using rondo::detail::Request;
using rondo::detail::Ring;
using rondo::detail::RingFeature;
using rondo::detail::RingOptions;
using rondo_test::drain;
using rondo_test::EnterCall;
using rondo_test::EnterHook;
using rondo_test::EventCounter;
using rondo_test::nop;
using rondo_test::Operation;
using rondo_test::Pipe;
using rondo_test::poll_readable;
using rondo_test::poll_readable_multishot;
using rondo_test::read_into;

TEST_CASE("a request takes no more room than it must", "[ring][request]") {
    STATIC_REQUIRE(sizeof(Request) <= 48);
}

TEST_CASE("a request is submitted and completed in one system call", "[ring]") {
    Ring ring;
    Operation operation;
    ring.submit(operation);
    CHECK(operation.is_in_flight());
    CHECK(ring.in_flight() == 1);
    CHECK(ring.metrics().enters == 0);

    const unsigned completed = ring.wait();

    CHECK(completed == 1);
    CHECK(operation.completions == 1);
    CHECK(operation.result == 0);
    CHECK(operation.was_idle);
    CHECK(ring.idle());
    CHECK(ring.metrics().enters == 1);
    CHECK(ring.metrics().submitted == 1);
    CHECK(ring.metrics().completions == 1);
}

TEST_CASE("a request can be submitted again after its final completion", "[ring]") {
    Ring ring({.entries = 2});
    Operation operation;
    for (int round = 1; round <= 100; ++round) {
        ring.submit(operation);
        ring.wait();
        REQUIRE(operation.completions == round);
    }
    CHECK(ring.idle());
}

namespace {

struct StaticNop : Request {
    StaticNop() : Request(&completed, &fill) {}

    static void completed(Completion& completion, int, unsigned) noexcept {
        ++static_cast<StaticNop&>(completion).completions;
    }
    static void fill(Request&, io_uring_sqe& entry) noexcept { io_uring_prep_nop(&entry); }

    int completions = 0;
};

} // namespace

TEST_CASE("a submission with inlined preparation is a submission", "[ring]") {
    Ring ring({.entries = 1});
    StaticNop nops[3];
    for (StaticNop& request : nops) {
        ring.submit_as<&StaticNop::fill>(request);
    }
    drain(ring);
    for (const StaticNop& request : nops) {
        CHECK(request.completions == 1);
    }
}

TEST_CASE("an entry is all zeros when it is prepared", "[ring]") {
    Ring ring({.entries = 1});
    bool zeros = true;
    const auto check = [&](io_uring_sqe& entry) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(&entry);
        for (std::size_t index = 0; index < sizeof entry; ++index) {
            zeros = zeros && bytes[index] == 0;
        }
        io_uring_prep_nop(&entry);
    };
    Operation first(check);
    Operation second(check);
    ring.submit(first);
    ring.wait();
    ring.submit(second);
    ring.wait();
    CHECK(zeros);
}

TEST_CASE("a failed request completes with a negated errno", "[ring]") {
    Ring ring;
    std::string buffer(8, '\0');
    Operation read(read_into(-1, buffer));
    ring.submit(read);
    ring.wait();
    CHECK(read.result == -EBADF);
}

TEST_CASE("a bad entry does not keep those behind it from the kernel", "[ring]") {
    Ring ring;
    Operation bad([](io_uring_sqe& entry) { entry.opcode = 255; });
    Operation good;
    ring.submit(bad);
    ring.submit(good);
    drain(ring);
    CHECK(bad.result == -EINVAL);
    CHECK(good.result == 0);
}

TEST_CASE("data passes through a pipe", "[ring]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(16, '\0');
    const std::string text = "over the ring";
    Operation read(read_into(pipe.reader(), buffer));
    Operation write([&](io_uring_sqe& entry) {
        io_uring_prep_write(&entry, pipe.writer(), text.data(), static_cast<unsigned>(text.size()),
                            0);
    });
    ring.submit(read);
    ring.submit(write);
    drain(ring);
    CHECK(write.result == static_cast<int>(text.size()));
    REQUIRE(read.result == static_cast<int>(text.size()));
    CHECK(buffer.substr(0, text.size()) == text);
}

TEST_CASE("poll makes no system call when there is nothing to do", "[ring][poll]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    CHECK(ring.poll() == 0);
    const auto enters = ring.metrics().enters;

    for (int turn = 0; turn < 1000; ++turn) {
        CHECK(ring.poll() == 0);
    }
    CHECK(ring.metrics().enters == enters);

    REQUIRE(pipe.put("x"));
    CHECK(ring.poll() == 1);
    CHECK(read.result == 1);
    CHECK(ring.idle());
}

TEST_CASE("poll does not wait", "[ring][poll]") {
    Ring ring;
    unsigned asked_to_wait_for = 0;
    const EnterHook hook([&](EnterCall& call) {
        asked_to_wait_for += call.min_complete;
        return 0;
    });
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    CHECK(ring.poll() == 0);
    CHECK(asked_to_wait_for == 0);
    ring.cancel(read);
    drain(ring);
}

TEST_CASE("wait returns without a completion when its time is over", "[ring][wait]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);

    const auto begin = std::chrono::steady_clock::now();
    CHECK(ring.wait(20ms) == 0);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    CHECK(ring.metrics().enters == 1);
    CHECK(read.is_in_flight());

    ring.cancel(read);
    drain(ring);
}

TEST_CASE("wait with no time left is poll", "[ring][wait]") {
    const auto timeout =
        GENERATE(as<std::chrono::nanoseconds>(), 0ns, -1ns, std::chrono::nanoseconds::min());
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    Operation operation;
    ring.submit(read);
    ring.submit(operation);
    CHECK(ring.wait(timeout) == 1);
    CHECK(ring.wait(timeout) == 0);
    CHECK(operation.completions == 1);
    ring.cancel(read);
    drain(ring);
}

TEST_CASE("wait_until returns when the deadline has come, not before", "[ring][wait]") {
    const unsigned disabled = GENERATE(0U, RingFeature::registered_wait);
    CAPTURE(disabled);
    Ring ring({.disabled_features = disabled});
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);

    const auto deadline = Clock::now() + 20ms;
    CHECK(ring.wait_until(deadline) == 0);
    CHECK(Clock::now() >= deadline);
    CHECK(ring.metrics().enters == 1);
    CHECK(read.is_in_flight());

    // One that has passed, or never was.
    CHECK(ring.wait_until(deadline) == 0);
    CHECK(ring.wait_until(Clock::time_point()) == 0);
    CHECK(ring.wait_until(Clock::time_point::min()) == 0);

    REQUIRE(pipe.put("x"));
    CHECK(ring.wait_until(Clock::time_point::max()) == 1);
    CHECK(read.result == 1);
}

TEST_CASE("wait_until takes a completion that is early", "[ring][wait]") {
    const unsigned disabled = GENERATE(0U, RingFeature::registered_wait);
    Ring ring({.disabled_features = disabled});
    Operation operation;
    ring.submit(operation);
    CHECK(ring.wait_until(Clock::now() + 1h) == 1);
    ring.submit(operation);
    CHECK(ring.wait_until(Clock::now() - 1h) == 1);
    CHECK(operation.completions == 2);
}

TEST_CASE("wait can be given all the time there is", "[ring][wait]") {
    const unsigned disabled = GENERATE(0U, RingFeature::registered_wait);
    Ring ring({.disabled_features = disabled});
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    std::thread writer([&] { pipe.put("late"); });
    CHECK(ring.wait(std::chrono::nanoseconds::max()) == 1);
    writer.join();
    CHECK(read.result == 4);
    CHECK(ring.metrics().enters == 1);
}

TEST_CASE("wait makes no system call for what has completed already", "[ring][wait]") {
    // Where the kernel posts completions without being entered.
    Ring ring({.disabled_features = RingFeature::defer_taskrun | RingFeature::coop_taskrun});
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    REQUIRE(ring.wait(1ns) == 0);
    REQUIRE(pipe.put("now"));

    int enters = 0;
    const EnterHook hook([&](EnterCall& call) {
        // Only poll()'s look is allowed: without a flag from the kernel it has to take one.
        enters += call.min_complete != 0 ? 1 : 0;
        return 0;
    });
    CHECK(ring.wait() == 1);
    CHECK(enters == 0);
    CHECK(read.result == 3);
}

TEST_CASE("a signal ends wait early and loses nothing", "[ring][wait]") {
    struct sigaction ignore_it = {};
    struct sigaction before = {};
    ignore_it.sa_handler = [](int) {};
    REQUIRE(::sigaction(SIGALRM, &ignore_it, &before) == 0);

    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    // A repeated alarm, so that one of them surely falls into the wait.
    const itimerval soon = {{0, 1000}, {0, 1000}};
    const itimerval never = {};
    REQUIRE(::setitimer(ITIMER_REAL, &soon, nullptr) == 0);
    CHECK(ring.wait() == 0);
    REQUIRE(::setitimer(ITIMER_REAL, &never, nullptr) == 0);
    REQUIRE(pipe.put("still here"));
    while (ring.wait() == 0) {}
    CHECK(read.result == 8);
    REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
}

TEST_CASE("a completion may submit again, and poll does not go on for ever", "[ring]") {
    Ring ring({.entries = 4});
    Operation again(nop(), [&](Operation& self) {
        if (self.completions < 10) {
            ring.submit(self);
        }
    });
    ring.submit(again);
    for (int round = 1; round <= 10; ++round) {
        CHECK(ring.poll() == 1);
        CHECK(again.completions == round);
    }
    CHECK(ring.poll() == 0);
    CHECK(ring.idle());
}

TEST_CASE("what completes during a poll waits for the next one", "[ring]") {
    // A queue of one entry is flushed by the second submission, which completes at once.
    Ring ring({.entries = 1});
    int left = 1000;
    Operation one;
    Operation two;
    const Operation::Then both = [&](Operation&) {
        for (Operation* operation : {&one, &two}) {
            if (left > 0 && operation->is_idle()) {
                --left;
                ring.submit(*operation);
            }
        }
    };
    one.then = both;
    two.then = both;
    ring.submit(one);
    while (!ring.idle()) {
        CHECK(ring.poll() <= 2);
    }
    CHECK(one.completions + two.completions == 1001);
}

TEST_CASE("a completion may submit more than the queue holds", "[ring]") {
    Ring ring({.entries = 2});
    std::deque<Operation> many(50);
    Operation first(nop(), [&](Operation&) {
        for (Operation& operation : many) {
            ring.submit(operation);
        }
    });
    ring.submit(first);
    drain(ring);
    for (const Operation& operation : many) {
        REQUIRE(operation.completions == 1);
    }
}

TEST_CASE("a multishot request is in flight until it says that there is no more",
          "[ring][multishot]") {
    Ring ring;
    EventCounter counter;
    Operation poll(poll_readable_multishot(counter.fd()));
    ring.submit(poll);
    ring.poll();

    for (int round = 1; round <= 3; ++round) {
        REQUIRE(counter.add());
        REQUIRE(ring.wait() == 1);
        CHECK(poll.completions == round);
        CHECK((poll.result & POLLIN) != 0);
        CHECK((poll.flags & IORING_CQE_F_MORE) != 0);
        CHECK_FALSE(poll.was_idle);
        CHECK(poll.is_in_flight());
        CHECK(ring.in_flight() == 1);
    }

    ring.cancel(poll);
    drain(ring);
    CHECK(poll.result == -ECANCELED);
    CHECK((poll.flags & IORING_CQE_F_MORE) == 0);
    CHECK(poll.was_idle);
    CHECK(ring.in_flight() == 0);
}

TEST_CASE("the descriptor of the ring can be waited for", "[ring]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    ring.poll();
    pollfd entry = {ring.fd(), POLLIN, 0};
    CHECK(::poll(&entry, 1, 0) == 0);
    REQUIRE(pipe.put("x"));
    CHECK(::poll(&entry, 1, -1) == 1);
    CHECK(ring.poll() == 1);
}

namespace {

class FailEverySecond : public CompletionFilter {
public:
    void filter(Completion&, int& result, unsigned&) noexcept override {
        if (++seen_ % 2 == 0) {
            result = -EIO;
        }
    }

private:
    int seen_ = 0;
};

class TakeItselfAway : public CompletionFilter {
public:
    explicit TakeItselfAway(Ring& ring) : ring_(ring) {}

    void filter(Completion&, int& result, unsigned&) noexcept override {
        ++seen;
        result = -EIO;
        ring_.set_completion_filter(nullptr);
    }

    int seen = 0;

private:
    Ring& ring_;
};

} // namespace

TEST_CASE("a filter sees completions before their requests do", "[ring][filter]") {
    Ring ring;
    std::deque<Operation> nops(4);
    FailEverySecond filter;
    ring.set_completion_filter(&filter);
    for (Operation& operation : nops) {
        ring.submit(operation);
    }
    drain(ring);
    CHECK(nops[0].result == 0);
    CHECK(nops[1].result == -EIO);
    CHECK(nops[2].result == 0);
    CHECK(nops[3].result == -EIO);

    ring.set_completion_filter(nullptr);
    ring.submit(nops[0]);
    ring.submit(nops[1]);
    drain(ring);
    CHECK(nops[0].result == 0);
    CHECK(nops[1].result == 0);
}

TEST_CASE("a filter can be taken away between two completions", "[ring][filter]") {
    Ring ring;
    std::deque<Operation> nops(3);
    TakeItselfAway filter(ring);
    ring.set_completion_filter(&filter);
    for (Operation& operation : nops) {
        ring.submit(operation);
    }
    drain(ring);
    CHECK(filter.seen == 1);
    CHECK(nops[0].result == -EIO);
    CHECK(nops[1].result == 0);
    CHECK(nops[2].result == 0);
}

TEST_CASE("another thread that waits is told whose the ring is", "[ring][thread]") {
    Ring ring;
    if ((ring.features() & RingFeature::single_issuer) == 0) {
        RONDO_SKIP("this kernel lets any thread use a ring");
    }
    std::string message;
    std::thread other([&] {
        try {
            ring.wait(1ns);
        } catch (const rondo::LoopError& error) {
            message = error.what();
        }
    });
    other.join();
    CHECK(message == "rondo: this loop belongs to another thread: use call_soon_threadsafe() or "
                     "run_coroutine_threadsafe()");
}

TEST_CASE("a ring closed by another thread takes nothing from the rings of that thread",
          "[ring][thread]") {
    // Registered descriptors are numbers that each thread counts for itself.
    const unsigned disabled = GENERATE(0U, RingFeature::single_issuer);
    std::unique_ptr<Ring> foreign;
    std::thread other(
        [&] { foreign = std::make_unique<Ring>(RingOptions{.disabled_features = disabled}); });
    other.join();
    Ring own;
    foreign.reset();
    Operation operation;
    own.submit(operation);
    CHECK(own.wait() == 1);
    CHECK(operation.result == 0);
}

TEST_CASE("a thread can have more rings than it can register", "[ring][thread]") {
    constexpr int registered_at_most = 16;
    std::deque<Ring> rings;
    for (int index = 0; index < registered_at_most + 4; ++index) {
        rings.emplace_back(RingOptions{.entries = 1});
    }
    for (Ring& ring : rings) {
        Operation operation;
        ring.submit(operation);
        REQUIRE(ring.wait() == 1);
        REQUIRE(operation.result == 0);
    }
    CHECK((rings.back().features() & RingFeature::registered_fd) == 0);
    rings.clear();
    const Ring again;
    CHECK((again.features() & RingFeature::registered_fd) != 0);
}

TEST_CASE("closing a ring twice does nothing the second time", "[ring]") {
    Ring ring;
    Operation operation;
    ring.submit(operation);
    drain(ring);
    CHECK_FALSE(ring.is_closed());
    ring.close();
    CHECK(ring.is_closed());
    ring.close();
    CHECK(ring.is_closed());
}

TEST_CASE("rings come and go without a trace", "[ring]") {
    const int before = ::dup(0);
    ::close(before);
    for (int round = 0; round < 50; ++round) {
        Ring ring({.entries = 8});
        Operation operation;
        ring.submit(operation);
        drain(ring);
    }
    const int after = ::dup(0);
    ::close(after);
    CHECK(after == before);
}
