// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Full queues, short submits, overflows, and what io_uring_enter refuses.

#include <rondo/detail/ring.hpp>

#include "ring/enter_hook.hpp"
#include "ring/operations.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <system_error>
#include <vector>

using namespace std::chrono_literals;
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

TEST_CASE("a ring of four entries carries ten thousand requests at once", "[ring][full]") {
    constexpr int count = 10'000;
    Ring ring({.entries = 4});
    REQUIRE(ring.native().cq.ring_entries == 8);
    EventCounter counter;
    std::deque<Operation> polls;
    for (int index = 0; index < count; ++index) {
        polls.emplace_back(poll_readable(counter.fd()));
        ring.submit(polls.back());
    }
    CHECK(ring.poll() == 0);
    CHECK(ring.in_flight() == count);
    CHECK(ring.metrics().parked == 0);

    REQUIRE(counter.add());
    unsigned completed = 0;
    while (!ring.idle()) {
        completed += ring.wait();
    }
    CHECK(completed == count);
    for (const Operation& poll : polls) {
        REQUIRE(poll.completions == 1);
        REQUIRE((poll.result & POLLIN) != 0);
    }
    CHECK(ring.metrics().overflows > 0);
    CHECK(ring.metrics().lost == 0);
}

TEST_CASE("ten thousand requests that complete at once pass through a ring of one entry",
          "[ring][full]") {
    Ring ring({.entries = 1});
    std::deque<Operation> nops(10'000);
    for (Operation& operation : nops) {
        ring.submit(operation);
    }
    drain(ring);
    for (const Operation& operation : nops) {
        REQUIRE(operation.completions == 1);
    }
    CHECK(ring.metrics().overflows > 0);
}

TEST_CASE("completions keep their order through an overflow", "[ring][overflow]") {
    Ring ring({.entries = 4});
    std::vector<int> order;
    std::deque<Operation> nops;
    for (int index = 0; index < 100; ++index) {
        nops.emplace_back(nop(), [&order, index](Operation&) { order.push_back(index); });
        ring.submit(nops.back());
    }
    drain(ring);
    std::vector<int> expected;
    for (int index = 0; index < 100; ++index) {
        expected.push_back(index);
    }
    CHECK(order == expected);
}

TEST_CASE("poll fetches what has overflowed although nothing is queued", "[ring][overflow]") {
    Ring ring({.entries = 4});
    EventCounter counter;
    std::deque<Operation> polls;
    for (int index = 0; index < 32; ++index) {
        polls.emplace_back(poll_readable(counter.fd()));
        ring.submit(polls.back());
    }
    ring.poll();
    REQUIRE(counter.add());
    int turns = 0;
    while (!ring.idle()) {
        ring.poll();
        REQUIRE(++turns < 1000);
    }
    for (const Operation& poll : polls) {
        REQUIRE(poll.completions == 1);
    }
}

TEST_CASE("a multishot request that an overflow ends says so", "[ring][overflow][multishot]") {
    // The kernel ends a multishot request whose completion does not fit. It must not be taken for
    // alive, whatever its last result is.
    Ring ring({.entries = 1, .completion_entries = 2});
    EventCounter counter;
    std::deque<Operation> polls;
    for (int index = 0; index < 8; ++index) {
        polls.emplace_back(poll_readable_multishot(counter.fd()));
        ring.submit(polls.back());
    }
    ring.poll();
    REQUIRE(counter.add());
    while (ring.poll() != 0) {}
    std::size_t alive = 0;
    for (const Operation& poll : polls) {
        CHECK(poll.completions >= 1);
        CHECK(poll.is_in_flight() == ((poll.flags & IORING_CQE_F_MORE) != 0));
        alive += poll.is_in_flight() ? 1U : 0U;
    }
    CHECK(ring.in_flight() == alive);
    for (Operation& poll : polls) {
        ring.cancel(poll);
    }
    drain(ring);
}

TEST_CASE("a kernel that refuses to submit gets the requests later, in order", "[ring][busy]") {
    const int error = GENERATE(EBUSY, EAGAIN);
    CAPTURE(error);
    Ring ring({.entries = 2});
    std::vector<int> order;
    std::deque<Operation> nops;
    for (int index = 0; index < 10; ++index) {
        nops.emplace_back(nop(), [&order, index](Operation&) { order.push_back(index); });
    }
    bool refuse = true;
    int refusals = 0;
    const EnterHook hook([&](EnterCall& call) {
        if (refuse && call.to_submit != 0) {
            ++refusals;
            return -error;
        }
        return 0;
    });

    for (Operation& operation : nops) {
        ring.submit(operation);
    }
    CHECK(nops[1].is_in_flight());
    CHECK(nops[2].is_parked());
    CHECK(ring.in_flight() == 2);
    CHECK(ring.metrics().parked == 8);
    CHECK(ring.poll() == 0);
    CHECK(ring.wait(1ms) == 0);
    CHECK_FALSE(ring.idle());
    CHECK(ring.metrics().submit_busy == static_cast<std::uint64_t>(refusals));
    CHECK(refusals > 0);

    refuse = false;
    drain(ring);
    const std::vector<int> expected = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    CHECK(order == expected);
    CHECK(ring.metrics().parked == 8);
}

TEST_CASE("poll hands over what was refused, too", "[ring][busy]") {
    Ring ring({.entries = 2});
    std::deque<Operation> nops(7);
    {
        const EnterHook hook([](EnterCall& call) { return call.to_submit != 0 ? -EBUSY : 0; });
        for (Operation& operation : nops) {
            ring.submit(operation);
        }
        ring.poll();
    }
    // Two each turn, and no turn without any.
    for (unsigned left = 7; left != 0;) {
        const unsigned completed = ring.poll();
        REQUIRE(completed == (left == 1 ? 1 : 2));
        left -= completed;
    }
    CHECK(ring.idle());
}

TEST_CASE("a refused wait still delivers what completes meanwhile", "[ring][busy]") {
    Ring ring({.entries = 2});
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    ring.poll();
    REQUIRE(pipe.put("x"));

    Operation later;
    ring.submit(later);
    {
        const EnterHook hook([](EnterCall& call) { return call.to_submit != 0 ? -EAGAIN : 0; });
        CHECK(ring.wait() == 1);
        CHECK(read.completions == 1);
        CHECK(later.completions == 0);
    }
    drain(ring);
    CHECK(later.completions == 1);
}

TEST_CASE("a refused wait comes back without any completion", "[ring][busy]") {
    Ring ring;
    Operation later;
    ring.submit(later);
    {
        const EnterHook hook([](EnterCall& call) { return call.to_submit != 0 ? -EAGAIN : 0; });
        CHECK(ring.wait() == 0);
        CHECK(ring.wait(1us) == 0);
    }
    drain(ring);
    CHECK(later.completions == 1);
}

TEST_CASE("a short submit is made up for", "[ring][short]") {
    Ring ring({.entries = 8});
    std::deque<Operation> nops(20);
    const EnterHook hook([](EnterCall& call) {
        call.to_submit = call.to_submit > 1 ? 1 : call.to_submit;
        return 0;
    });
    for (Operation& operation : nops) {
        ring.submit(operation);
    }
    drain(ring);
    for (const Operation& operation : nops) {
        REQUIRE(operation.completions == 1);
    }
}

TEST_CASE("wait submits all that is parked before it waits", "[ring][busy]") {
    // The parked write is what the read waits for.
    Ring ring({.entries = 1});
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    Operation write(
        [&](io_uring_sqe& entry) { io_uring_prep_write(&entry, pipe.writer(), "x", 1, 0); });
    {
        const EnterHook hook([](EnterCall& call) { return call.to_submit != 0 ? -EBUSY : 0; });
        ring.submit(read);
        ring.submit(write);
        REQUIRE(write.is_parked());
    }
    drain(ring);
    CHECK(write.result == 1);
    CHECK(read.result == 1);
}

TEST_CASE("what io_uring_enter says in passing goes no further", "[ring][errno]") {
    const int error = GENERATE(EINTR, ETIME, EBADR);
    CAPTURE(error);
    Ring ring;
    Operation operation;
    ring.submit(operation);
    bool first = true;
    const EnterHook hook([&](EnterCall&) {
        const bool fail = first;
        first = false;
        return fail ? -error : 0;
    });
    CHECK(ring.wait() == 0);
    CHECK(ring.wait() == 1);
    CHECK(operation.completions == 1);
    CHECK(ring.metrics().lost == 0);
}

TEST_CASE("an error of io_uring_enter that has no business to be is thrown", "[ring][errno]") {
    Ring ring;
    Operation operation;
    ring.submit(operation);
    {
        const EnterHook hook([](EnterCall&) { return -EFAULT; });
        try {
            ring.poll();
            FAIL("no exception");
        } catch (const std::system_error& error) {
            CHECK(error.code() == std::errc::bad_address);
            CHECK(std::string(error.what()).find("rondo: io_uring_enter") == 0);
        }
    }
    drain(ring);
    CHECK(operation.completions == 1);
}
