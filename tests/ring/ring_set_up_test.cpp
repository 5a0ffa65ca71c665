// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/ring.hpp>

#include "ring/enter_hook.hpp"
#include "ring/operations.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <system_error>

using namespace std::chrono_literals;
using rondo::Clock;
using rondo::detail::Ring;
using rondo::detail::RingFeature;
using rondo::detail::RingOptions;
using rondo_test::drain;
using rondo_test::EventCounter;
using rondo_test::OldKernel;
using rondo_test::Operation;
using rondo_test::Pipe;
using rondo_test::poll_readable_multishot;
using rondo_test::read_into;

TEST_CASE("a ring works without any one feature, and without all of them", "[ring][features]") {
    const unsigned disabled = GENERATE(
        as<unsigned>(), 0U, RingFeature::submit_all, RingFeature::coop_taskrun,
        RingFeature::taskrun_flag, RingFeature::single_issuer, RingFeature::defer_taskrun,
        RingFeature::no_sqarray, RingFeature::registered_fd, RingFeature::no_iowait,
        RingFeature::registered_wait, RingFeature::defer_taskrun | RingFeature::coop_taskrun,
        RingFeature::defer_taskrun | RingFeature::taskrun_flag, ~0U);
    CAPTURE(disabled);
    Ring ring({.entries = 4, .disabled_features = disabled});
    CHECK((ring.features() & disabled) == 0);

    // Something that completes at once, more than fits.
    std::deque<Operation> nops(20);
    for (Operation& nop : nops) {
        ring.submit(nop);
    }
    drain(ring);
    for (const Operation& nop : nops) {
        REQUIRE(nop.completions == 1);
    }

    // Something that completes from outside, found by poll().
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    CHECK(ring.poll() == 0);
    REQUIRE(pipe.put("one"));
    while (ring.poll() == 0) {}
    CHECK(read.result == 3);

    // The same, found by wait().
    ring.submit(read);
    CHECK(ring.wait(1us) == 0);
    REQUIRE(pipe.put("two!"));
    while (ring.wait() == 0) {}
    CHECK(read.result == 4);

    // Time.
    const auto begin = Clock::now();
    CHECK(ring.wait(2ms) == 0);
    CHECK(ring.wait_until(begin + 4ms) == 0);
    CHECK(Clock::now() - begin >= 4ms);

    // Multishot, cancellation, a bad entry before a good one.
    EventCounter counter;
    Operation multishot(poll_readable_multishot(counter.fd()));
    ring.submit(multishot);
    REQUIRE(counter.add());
    while (ring.wait() == 0) {}
    CHECK((multishot.flags & IORING_CQE_F_MORE) != 0);
    Operation bad([](io_uring_sqe& entry) { entry.opcode = 255; });
    ring.submit(bad);
    ring.cancel(multishot);
    drain(ring);
    CHECK(bad.result == -EINVAL);
    CHECK(multishot.result == -ECANCELED);
}

TEST_CASE("a ring uses what the kernel has", "[ring][features]") {
    const Ring ring;
    const unsigned since_6_1 = RingFeature::submit_all | RingFeature::taskrun_flag |
                               RingFeature::single_issuer | RingFeature::defer_taskrun |
                               RingFeature::registered_fd;
    CHECK((ring.features() & since_6_1) == since_6_1);
}

TEST_CASE("a ring gives up one by one what the kernel does not know", "[ring][features]") {
    struct Kernel {
        const char* version;
        unsigned unknown;
        unsigned features;
    };
    const unsigned since_6_13 = IORING_SETUP_R_DISABLED; // stands for what is registered meanwhile
    const unsigned since_6_1 = IORING_SETUP_DEFER_TASKRUN;
    const unsigned since_6_0 = since_6_1 | IORING_SETUP_SINGLE_ISSUER;
    const unsigned since_5_19 = since_6_0 | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    const unsigned since_5_18 = since_5_19 | IORING_SETUP_SUBMIT_ALL;
    using F = RingFeature;
    const Kernel kernel =
        GENERATE_COPY(Kernel{"6.0", since_6_1,
                             F::single_issuer | F::coop_taskrun | F::taskrun_flag | F::submit_all},
                      Kernel{"5.19", since_6_0, F::coop_taskrun | F::taskrun_flag | F::submit_all},
                      Kernel{"5.18", since_5_19, F::submit_all}, Kernel{"5.17", since_5_18, 0U},
                      Kernel{"5.11", since_5_18 | since_6_13, 0U});
    CAPTURE(kernel.version);
    const OldKernel old(kernel.unknown);
    Ring ring;
    const unsigned of_set_up =
        F::single_issuer | F::defer_taskrun | F::coop_taskrun | F::taskrun_flag | F::submit_all;
    CHECK((ring.features() & of_set_up) == kernel.features);
    if ((kernel.unknown & since_6_13) != 0) {
        CHECK((ring.features() & F::registered_wait) == 0);
    }
    Operation operation;
    ring.submit(operation);
    CHECK(ring.wait(1h) == 1);
}

TEST_CASE("a kernel that knows none of the flags is an error with a remedy", "[ring][features]") {
    const OldKernel old(IORING_SETUP_CQSIZE);
    try {
        const Ring ring;
        FAIL("no exception");
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::invalid_argument);
        CHECK(std::string(error.what()).find("use Linux 6.1 or later") != std::string::npos);
    }
}

TEST_CASE("work is deferred only for a single issuer", "[ring][features]") {
    const Ring ring({.disabled_features = RingFeature::single_issuer});
    CHECK((ring.features() & RingFeature::defer_taskrun) == 0);
    CHECK((ring.features() & RingFeature::taskrun_flag) != 0);
}

TEST_CASE("a ring has as many entries as were asked for, rounded up", "[ring][options]") {
    const unsigned asked = GENERATE(1U, 3U, 4U, 63U, 256U, 1000U);
    CAPTURE(asked);
    Ring ring({.entries = asked});
    const unsigned entries = ring.native().sq.ring_entries;
    CHECK(entries >= asked);
    CHECK(entries < 2 * asked + 1);
    CHECK((entries & (entries - 1)) == 0);
}

TEST_CASE("a ring takes no more entries than the kernel allows", "[ring][options]") {
    Ring ring({.entries = 1'000'000});
    CHECK(ring.native().sq.ring_entries == 32768);
    CHECK(ring.native().cq.ring_entries == 65536);
}

TEST_CASE("the completion queue is larger than the submission queue", "[ring][options]") {
    CHECK(Ring({.entries = 1}).native().cq.ring_entries == 2);
    CHECK(Ring({.entries = 4}).native().cq.ring_entries == 8);
    CHECK(Ring({.entries = 64}).native().cq.ring_entries == 4096);
    CHECK(Ring({.entries = 2048}).native().cq.ring_entries == 8192);
    CHECK(Ring({.entries = 16, .completion_entries = 64}).native().cq.ring_entries == 64);
    // Fewer than submissions is more than the kernel would do.
    CHECK(Ring({.entries = 16, .completion_entries = 1}).native().cq.ring_entries == 16);
}
