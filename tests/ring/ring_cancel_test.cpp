// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/ring.hpp>

#include "ring/enter_hook.hpp"
#include "ring/operations.hpp"
#include "support/catch.hpp"

#include <deque>
#include <memory>
#include <string>

using rondo::detail::Ring;
using rondo::detail::RingFeature;
using rondo::detail::RingOptions;
using rondo_test::drain;
using rondo_test::EnterCall;
using rondo_test::EnterHook;
using rondo_test::EventCounter;
using rondo_test::Operation;
using rondo_test::Pipe;
using rondo_test::poll_readable_multishot;
using rondo_test::read_into;

namespace {

const EnterHook::Hook refuse_to_submit = [](EnterCall& call) {
    return call.to_submit != 0 ? -EBUSY : 0;
};

} // namespace

TEST_CASE("a cancelled request completes once, with ECANCELED", "[ring][cancel]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    ring.poll();
    CHECK_FALSE(read.is_cancel_requested());

    ring.cancel(read);
    CHECK(read.is_cancel_requested());
    CHECK(read.completions == 0);
    unsigned completed = 0;
    while (!ring.idle()) {
        completed += ring.wait();
    }
    CHECK(read.completions == 1);
    CHECK(read.result == -ECANCELED);
    CHECK_FALSE(read.is_cancel_requested());
    // The verdict on the cancellation goes to nobody.
    CHECK(completed == 1);
    CHECK(ring.metrics().submitted == 2);
    CHECK(ring.metrics().completions == 1);
}

TEST_CASE("a request can be cancelled before the kernel has seen it", "[ring][cancel]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    ring.cancel(read);
    drain(ring);
    CHECK(read.completions == 1);
    CHECK(read.result == -ECANCELED);
}

TEST_CASE("cancelling again asks the kernel no second time", "[ring][cancel]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    for (int time = 0; time < 5; ++time) {
        ring.cancel(read);
    }
    drain(ring);
    CHECK(read.completions == 1);
    CHECK(ring.metrics().submitted == 2);
}

TEST_CASE("cancelling an idle request does nothing", "[ring][cancel]") {
    Ring ring;
    Operation nop;
    ring.cancel(nop);
    CHECK(ring.idle());
    CHECK(nop.completions == 0);
    ring.submit(nop);
    drain(ring);
    CHECK(nop.result == 0);
    ring.cancel(nop);
    CHECK(ring.idle());
    CHECK(nop.completions == 1);
}

TEST_CASE("a request that has succeeded before its cancellation keeps its result",
          "[ring][cancel]") {
    // In every way to race: the data is there before the kernel learns of the cancellation.
    const bool seen_by_kernel = GENERATE(false, true);
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    if (seen_by_kernel) {
        ring.poll();
    }
    REQUIRE(pipe.put("data"));
    ring.cancel(read);
    drain(ring);
    CHECK(read.completions == 1);
    if (read.result == -ECANCELED) {
        // Woken, but not read yet: then nothing may be lost.
        ring.submit(read);
        drain(ring);
    }
    CHECK(read.result == 4);
    CHECK(buffer.substr(0, 4) == "data");
}

TEST_CASE("a cancellation never hits a later request at the same address", "[ring][cancel]") {
    Ring ring({.entries = 8});
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    for (int round = 1; round <= 100; ++round) {
        // Complete it, cancel it, and submit it again in the callback, before the verdict is in.
        read.then = [&](Operation& self) {
            self.then = nullptr;
            ring.submit(self);
        };
        ring.submit(read);
        ring.poll();
        REQUIRE(pipe.put("1"));
        ring.cancel(read);
        while (read.completions < 2 * round - 1) {
            ring.wait();
        }
        REQUIRE(read.is_in_flight());
        REQUIRE_FALSE(read.is_cancel_requested());
        if (read.result == -ECANCELED) {
            // The cancellation was faster: the second read gets the data.
        } else {
            REQUIRE(read.result == 1);
            REQUIRE(pipe.put("2"));
        }
        drain(ring);
        REQUIRE(read.result == 1);
        REQUIRE(read.completions == 2 * round);
    }
}

TEST_CASE("a cancelled parked request completes at once", "[ring][cancel][busy]") {
    Ring ring({.entries = 1});
    Operation first;
    Operation second;
    Operation third;
    {
        const EnterHook hook(refuse_to_submit);
        ring.submit(first);
        ring.submit(second);
        ring.submit(third);
        REQUIRE(second.is_parked());
        ring.cancel(second);
        CHECK(second.completions == 1);
        CHECK(second.result == -ECANCELED);
        CHECK(second.was_idle);
    }
    drain(ring);
    CHECK(first.result == 0);
    CHECK(second.completions == 1);
    CHECK(third.result == 0);
    CHECK(ring.metrics().submitted == 2);
}

TEST_CASE("a cancelled parked request may submit itself again", "[ring][cancel][busy]") {
    Ring ring({.entries = 1});
    Operation first;
    Operation second;
    second.then = [&](Operation& self) {
        if (self.result == -ECANCELED) {
            ring.submit(self);
        }
    };
    {
        const EnterHook hook(refuse_to_submit);
        ring.submit(first);
        ring.submit(second);
        ring.cancel(second);
        CHECK(second.completions == 1);
        CHECK(second.is_parked());
    }
    drain(ring);
    CHECK(second.completions == 2);
    CHECK(second.result == 0);
}

TEST_CASE("a cancellation for which there is no room is made later", "[ring][cancel][busy]") {
    Ring ring({.entries = 1});
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    Operation nop;
    ring.submit(read);
    ring.poll();
    {
        const EnterHook hook(refuse_to_submit);
        ring.submit(nop);
        ring.cancel(read);
        ring.cancel(read);
        CHECK(read.is_cancel_requested());
        CHECK_FALSE(ring.idle());
    }
    drain(ring);
    CHECK(nop.result == 0);
    CHECK(read.completions == 1);
    CHECK(read.result == -ECANCELED);
    CHECK(ring.metrics().submitted == 3);
}

TEST_CASE("a cancellation that waits for room goes when its request completes",
          "[ring][cancel][busy]") {
    Ring ring({.entries = 1});
    Pipe pipe;
    std::string buffer(8, '\0');
    auto read = std::make_unique<Operation>(read_into(pipe.reader(), buffer));
    Operation nop;
    ring.submit(*read);
    ring.poll();
    {
        const EnterHook hook([](EnterCall& call) {
            // Refuses to submit, but lets completions in.
            call.to_submit = 0;
            return 0;
        });
        ring.submit(nop);
        ring.cancel(*read);
        REQUIRE(pipe.put("data"));
        while (read->completions == 0) {
            ring.poll();
        }
        CHECK(read->result == 4);
        CHECK_FALSE(read->is_cancel_requested());
        read.reset();
    }
    drain(ring);
    CHECK(nop.result == 0);
    CHECK(ring.metrics().submitted == 2);
}

TEST_CASE("a multishot request can be cancelled from its own completion",
          "[ring][cancel][multishot]") {
    Ring ring({.entries = 1});
    EventCounter counter;
    Operation poll(poll_readable_multishot(counter.fd()), [&](Operation& self) {
        if ((self.flags & IORING_CQE_F_MORE) != 0) {
            ring.cancel(self);
        }
    });
    ring.submit(poll);
    ring.poll();
    REQUIRE(counter.add());
    drain(ring);
    CHECK(poll.completions == 2);
    CHECK(poll.result == -ECANCELED);
}

TEST_CASE("a request may be destroyed by its own final completion", "[ring][cancel]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    auto read = std::make_unique<Operation>(read_into(pipe.reader(), buffer));
    read->then = [&](Operation&) { read.reset(); };
    ring.submit(*read);
    ring.cancel(*read);
    drain(ring);
    CHECK(read == nullptr);
}

TEST_CASE("cancel_all ends everything", "[ring][cancel]") {
    const unsigned entries = GENERATE(1U, 4U, 256U);
    CAPTURE(entries);
    Ring ring({.entries = entries});
    Pipe pipe;
    EventCounter counter;
    std::string buffer(8, '\0');
    std::deque<Operation> reads;
    for (int index = 0; index < 100; ++index) {
        reads.emplace_back(index % 2 == 0 ? read_into(pipe.reader(), buffer)
                                          : poll_readable_multishot(counter.fd()));
        ring.submit(reads.back());
    }
    __kernel_timespec hour = {3600, 0};
    Operation timer([&](io_uring_sqe& entry) { io_uring_prep_timeout(&entry, &hour, 0, 0); });
    ring.submit(timer);

    ring.cancel_all();
    drain(ring);
    for (const Operation& read : reads) {
        REQUIRE(read.completions == 1);
        REQUIRE(read.result == -ECANCELED);
    }
    CHECK(timer.result == -ECANCELED);
}

TEST_CASE("cancel_all completes what is parked at once", "[ring][cancel][busy]") {
    Ring ring({.entries = 1});
    Pipe pipe;
    std::string buffer(8, '\0');
    std::deque<Operation> reads;
    int again = 1;
    {
        const EnterHook hook(refuse_to_submit);
        for (int index = 0; index < 5; ++index) {
            reads.emplace_back(read_into(pipe.reader(), buffer));
            ring.submit(reads.back());
        }
        // One that does not take it for an answer: it is parked again, and left alone.
        reads[2].then = [&](Operation& self) {
            if (again-- > 0) {
                ring.submit(self);
            }
        };
        ring.cancel_all();
        CHECK(reads[0].completions == 0);
        for (std::size_t index = 1; index < 5; ++index) {
            CHECK(reads[index].completions == 1);
            CHECK(reads[index].result == -ECANCELED);
        }
        CHECK(reads[2].is_parked());
        ring.cancel(reads[2]);
    }
    drain(ring);
    CHECK(reads[0].completions == 1);
    CHECK(reads[0].result == -ECANCELED);
}

TEST_CASE("cancel_all has nothing to do in an idle ring", "[ring][cancel]") {
    Ring ring;
    ring.cancel_all();
    CHECK(ring.idle());
}
