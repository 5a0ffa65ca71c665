// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/uring.hpp>

#include "ring/operations.hpp"
#include "support/catch.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using rondo::detail::Ring;
using rondo_test::drain;
using rondo_test::Operation;

namespace uring = rondo::detail::uring;

TEST_CASE("opcodes newer than liburing's header have their numbers", "[ring][uring]") {
    // The kernel never leaves a gap and never renumbers, so the last one of 2.3 fixes the rest.
    STATIC_REQUIRE(IORING_OP_SENDMSG_ZC == 48);
    STATIC_REQUIRE(uring::op_waitid == IORING_OP_SENDMSG_ZC + 2);
    STATIC_REQUIRE(uring::op_ftruncate == IORING_OP_SENDMSG_ZC + 7);
}

TEST_CASE("waitid tells how a child ended", "[ring][uring]") {
    Ring ring;
    if (!ring.supports(uring::op_waitid)) {
        RONDO_SKIP("this kernel has no waitid on the ring");
    }
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::_exit(42);
    }
    siginfo_t how = {};
    Operation wait(
        [&](io_uring_sqe& entry) { uring::prepare_waitid(entry, P_PID, child, &how, WEXITED); });
    ring.submit(wait);
    drain(ring);
    CHECK(wait.result == 0);
    CHECK(how.si_pid == child);
    CHECK(how.si_code == CLD_EXITED);
    CHECK(how.si_status == 42);
}

TEST_CASE("ftruncate changes the size of a file", "[ring][uring]") {
    Ring ring;
    if (!ring.supports(uring::op_ftruncate)) {
        RONDO_SKIP("this kernel has no ftruncate on the ring");
    }
    const int file = ::memfd_create("rondo", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    constexpr std::uint64_t size = 5'000'000'000; // does not fit 32 bits
    Operation truncate([&](io_uring_sqe& entry) { uring::prepare_ftruncate(entry, file, size); });
    ring.submit(truncate);
    drain(ring);
    CHECK(truncate.result == 0);
    struct stat status = {};
    CHECK(::fstat(file, &status) == 0);
    CHECK(status.st_size == static_cast<off_t>(size));
    ::close(file);
}
