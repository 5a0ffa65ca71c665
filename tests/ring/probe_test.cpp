// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/probe.hpp>
#include <rondo/detail/ring.hpp>

#include "ring/child.hpp"
#include "ring/operations.hpp"
#include "support/catch.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cstddef>
#include <exception>
#include <string>
#include <system_error>

using rondo::detail::explain_unavailable;
using rondo::detail::Ring;
using rondo::detail::UringFacts;
using rondo::detail::UringProbe;
using rondo_test::run_in_child;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Makes io_uring_setup fail with `error` in this process, for ever, if it asks for more than
/// `allowed` entries.
bool refuse_set_up(int error, unsigned allowed) {
    const unsigned number = __NR_io_uring_setup;
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, allowed, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter = {sizeof program / sizeof program[0], program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

/// The errno and the message of a system error.
std::string describe(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error& error) {
        return std::to_string(error.code().value()) + " " + error.what();
    }
}

/// What making a ring says: "ring of n entries", or its error.
std::string try_ring(unsigned entries) {
    try {
        Ring ring({.entries = entries});
        return "ring of " + std::to_string(ring.native().sq.ring_entries) + " entries";
    } catch (const std::system_error&) {
        return describe(std::current_exception());
    }
}

} // namespace

TEST_CASE("a ring knows which opcodes its kernel has", "[ring][probe]") {
    const Ring ring;
    CHECK(ring.supports(IORING_OP_NOP));
    CHECK(ring.supports(IORING_OP_READ));
    CHECK(ring.supports(IORING_OP_SEND_ZC));
    CHECK_FALSE(ring.supports(255));
    CHECK_FALSE(ring.supports(-1));
    CHECK_FALSE(ring.supports(256));
    CHECK_FALSE(ring.supports(1'000'000));
}

TEST_CASE("a probe that asked nobody knows of nothing", "[ring][probe]") {
    const UringProbe probe;
    CHECK_FALSE(probe.supports(IORING_OP_NOP));
}

TEST_CASE("the facts about this machine are collected", "[ring][probe]") {
    const UringFacts facts = UringFacts::collect();
    CHECK_FALSE(facts.kernel.empty());
    REQUIRE(facts.file_limit.has_value());
    CHECK(*facts.file_limit > 0);
    CHECK(facts.memory_limit.has_value());
    REQUIRE(facts.seccomp.has_value());
    CHECK(*facts.seccomp >= 0);
    CHECK(*facts.seccomp <= 2);
}

TEST_CASE("a kernel without io_uring is named with its version", "[ring][probe][message]") {
    UringFacts facts;
    facts.kernel = "5.4.0-42";
    facts.seccomp = 0;
    CHECK(explain_unavailable(ENOSYS, facts) ==
          "rondo: io_uring is not available: this kernel is too old or built without "
          "CONFIG_IO_URING: use Linux 6.1 or later (this is Linux 5.4.0-42)");
    CHECK(explain_unavailable(EINVAL, facts) ==
          "rondo: io_uring is not available: this kernel's io_uring lacks what Rondo needs: use "
          "Linux 6.1 or later (this is Linux 5.4.0-42)");
}

TEST_CASE("the sysctl that forbids io_uring is named with its value", "[ring][probe][message]") {
    UringFacts facts;
    facts.disabled = 2;
    facts.seccomp = 2; // the sysctl is the nearer cause
    CHECK(explain_unavailable(EPERM, facts) ==
          "rondo: io_uring is not available: the sysctl kernel.io_uring_disabled is 2, which "
          "forbids it to everybody: run `sysctl -w kernel.io_uring_disabled=0`");
    facts.disabled = 1;
    const std::string text = explain_unavailable(EPERM, facts);
    CHECK(has(text, "kernel.io_uring_disabled is 1"));
    CHECK(has(text, "kernel.io_uring_group"));
    CHECK(has(text, "sysctl -w kernel.io_uring_disabled=0"));
}

TEST_CASE("a seccomp filter is named with what it must allow", "[ring][probe][message]") {
    const int error = GENERATE(EPERM, EACCES, ENOSYS, EOPNOTSUPP);
    UringFacts facts;
    facts.disabled = 0;
    facts.seccomp = 2;
    const std::string text = explain_unavailable(error, facts);
    CHECK(has(text, "rondo: "));
    CHECK(has(text, "seccomp"));
    CHECK(has(text, "Docker"));
    CHECK(has(text, "io_uring_setup, io_uring_enter and io_uring_register"));
}

TEST_CASE("a refusal without a known cause says where to look", "[ring][probe][message]") {
    UringFacts facts;
    facts.disabled = 0;
    facts.seccomp = 0;
    const std::string text = explain_unavailable(EPERM, facts);
    CHECK(has(text, "SELinux"));
    CHECK(has(text, "kernel.io_uring_disabled"));
    CHECK(has(explain_unavailable(EIO, facts), "for a reason that Rondo does not know"));
}

TEST_CASE("missing memory and descriptors are named with their limits", "[ring][probe][message]") {
    UringFacts facts;
    facts.memory_limit = 64 * 1024;
    facts.file_limit = 1024;
    CHECK(explain_unavailable(ENOMEM, facts) ==
          "rondo: io_uring is not available: there is no memory for the ring; before Linux 5.12 "
          "it counts as locked memory, of which this process may have 64 KiB: raise `ulimit -l`, "
          "free memory, or ask for fewer entries");
    CHECK(explain_unavailable(EMFILE, facts) ==
          "rondo: io_uring is not available: this process has no file descriptor left of its "
          "1024: raise `ulimit -n`, or close some");
    CHECK(has(explain_unavailable(ENFILE, facts), "fs.file-max"));
    facts.memory_limit = RLIM_INFINITY;
    CHECK_FALSE(has(explain_unavailable(ENOMEM, facts), "locked"));
}

TEST_CASE("every errno has an explanation", "[ring][probe][message]") {
    for (int error = 1; error < 134; ++error) {
        const std::string text = explain_unavailable(error, UringFacts());
        REQUIRE(has(text, "rondo: io_uring is not available: "));
        REQUIRE(text.find('\n') == std::string::npos);
    }
}

TEST_CASE("a real seccomp filter gives a clear error", "[ring][probe][message]") {
    const int error = GENERATE(EPERM, ENOSYS, EOPNOTSUPP);
    const std::string said = run_in_child(
        [&]() -> std::string { return refuse_set_up(error, 0) ? try_ring(8) : "no filter"; });
    CAPTURE(said);
    CHECK(has(said, std::to_string(error) + " rondo: io_uring is not available: "));
    CHECK(has(said, "seccomp"));
    CHECK(has(said, "this is Linux"));
    CHECK(has(said, std::system_category().message(error)));
}

TEST_CASE("a real lack of descriptors gives a clear error", "[ring][probe][message]") {
    const std::string said = run_in_child([]() -> std::string {
        const int next = ::dup(0);
        ::close(next);
        rlimit before = {};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const rlimit none_left = {static_cast<rlim_t>(next), before.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &none_left) != 0) {
            return "no limit";
        }
        std::exception_ptr failure;
        try {
            const Ring ring;
        } catch (...) {
            failure = std::current_exception();
        }
        // The undefined behaviour sanitizer needs descriptors to look at an exception.
        ::setrlimit(RLIMIT_NOFILE, &before);
        return failure ? describe(failure) : "a ring";
    });
    CAPTURE(said);
    CHECK(has(said, std::to_string(EMFILE) + " rondo: io_uring is not available: "));
    CHECK(has(said, "ulimit -n"));
}

TEST_CASE("a ring for which there is no memory is made smaller", "[ring][probe]") {
    const std::string said = run_in_child(
        []() -> std::string { return refuse_set_up(ENOMEM, 20) ? try_ring(256) : "no filter"; });
    CHECK(said == "ring of 16 entries");
}

TEST_CASE("a ring is given up when not even a small one can be had", "[ring][probe][message]") {
    const std::string said = run_in_child(
        []() -> std::string { return refuse_set_up(ENOMEM, 0) ? try_ring(256) : "no filter"; });
    CAPTURE(said);
    CHECK(has(said, std::to_string(ENOMEM) + " rondo: io_uring is not available: "));
}
