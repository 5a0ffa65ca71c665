// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/ring.hpp>

#include "ring/child.hpp"
#include "ring/operations.hpp"
#include "support/catch.hpp"

#include <sys/mman.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using rondo::detail::Ring;
using rondo_test::drain;
using rondo_test::Operation;
using rondo_test::Pipe;
using rondo_test::read_into;
using rondo_test::run_in_child;

namespace {

std::string message_of(const std::function<void()>& function) {
    try {
        function();
    } catch (const rondo::LoopError& error) {
        return error.what();
    }
    return "no exception";
}

const std::string belongs_to_parent =
    "rondo: this loop belongs to the parent process: make a new one after fork()";

} // namespace

TEST_CASE("a forked child is told that the ring is its parent's", "[ring][fork]") {
    Ring ring;
    CHECK_FALSE(ring.is_inherited());
    CHECK(run_in_child([&] { return message_of([&] { ring.poll(); }); }) == belongs_to_parent);
    CHECK(run_in_child([&] { return message_of([&] { ring.wait(); }); }) == belongs_to_parent);
    CHECK(run_in_child([&] { return message_of([&] { ring.wait(1ns); }); }) == belongs_to_parent);
    CHECK_FALSE(ring.is_inherited());
}

TEST_CASE("a forked child that submits and cancels comes to no harm", "[ring][fork]") {
    Ring ring;
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring.submit(read);
    ring.poll();

    const std::string said = run_in_child([&] {
        Operation nop;
        ring.submit(nop);
        const bool parked = nop.is_parked();
        ring.cancel(nop);
        const bool cancelled = nop.result == -ECANCELED;
        ring.cancel(read);
        ring.cancel_all();
        return std::string(parked ? "parked " : "") + (cancelled ? "cancelled " : "") +
               message_of([&] { ring.poll(); });
    });
    CHECK(said == "parked cancelled " + belongs_to_parent);

    // The parent never notices.
    CHECK_FALSE(read.is_cancel_requested());
    CHECK(ring.poll() == 0);
    REQUIRE(pipe.put("data"));
    drain(ring);
    CHECK(read.result == 4);
}

TEST_CASE("a forked child can destroy the ring, and the parent goes on", "[ring][fork]") {
    auto ring = std::make_unique<Ring>();
    Pipe pipe;
    std::string buffer(8, '\0');
    Operation read(read_into(pipe.reader(), buffer));
    ring->submit(read);
    ring->poll();

    const std::string said = run_in_child([&]() -> std::string {
        // Addresses of the ring's memory are free in the child: something else may live there by
        // the time when the ring goes.
        const std::size_t size = 4096;
        void* const place = ring->native().sq.ring_ptr;
        void* const mine = ::mmap(place, size, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (mine != place) {
            return "the ring's memory was inherited";
        }
        std::memset(mine, 7, size);
        ring.reset();
        return static_cast<const unsigned char*>(mine)[size - 1] == 7 ? "mine" : "changed";
    });
    CHECK(said == "mine");

    REQUIRE(pipe.put("data"));
    drain(*ring);
    CHECK(read.result == 4);
}

TEST_CASE("a forked child can make a ring of its own", "[ring][fork]") {
    Ring ring;
    const std::string said = run_in_child([] {
        Ring own;
        Operation nop;
        own.submit(nop);
        own.wait();
        // And so can its child.
        const std::string grandchild = run_in_child([&] {
            Ring third;
            Operation another;
            third.submit(another);
            third.wait();
            return "grandchild " + std::to_string(another.result) + " " +
                   (own.is_inherited() ? "inherited" : "own");
        });
        return "child " + std::to_string(nop.result) + " " + grandchild;
    });
    CHECK(said == "child 0 grandchild 0 inherited");
    Operation nop;
    ring.submit(nop);
    drain(ring);
    CHECK(nop.result == 0);
}
