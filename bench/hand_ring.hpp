#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// An io_uring as one sets it up by hand, with liburing and the flags that are best for one thread:
// under the baselines, and under the load generator.

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include <liburing.h>

namespace bench {

/// Ends the program if something does not work that always works.
inline void require(bool works, const char* what) {
    if (!works) {
        std::perror(what);
        std::abort();
    }
}

class HandRing {
public:
    /// How large a ring should be in which so many requests may be in flight.
    static unsigned entries_for(std::size_t requests) {
        constexpr std::size_t most = 32768;
        return static_cast<unsigned>(requests < 8 ? 8 : requests < most ? requests : most);
    }

    explicit HandRing(unsigned entries) {
        io_uring_params parameters{};
        parameters.flags =
            IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
#ifdef IORING_SETUP_NO_SQARRAY
        parameters.flags |= IORING_SETUP_NO_SQARRAY;
#endif
        require(io_uring_queue_init_params(entries, &ring_, &parameters) == 0, "io_uring");
        require(io_uring_register_ring_fd(&ring_) == 1, "io_uring_register_ring_fd");
    }
    HandRing(const HandRing&) = delete;
    HandRing& operator=(const HandRing&) = delete;
    ~HandRing() { io_uring_queue_exit(&ring_); }

    /// An entry. Submits what is queued if there is no room; few queue more than the ring has entries.
    io_uring_sqe& entry() {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        if (entry == nullptr) {
            io_uring_submit(&ring_);
            entry = io_uring_get_sqe(&ring_);
        }
        require(entry != nullptr, "io_uring_get_sqe");
        return *entry;
    }

    /// Submits and waits for `count` completions, in one system call.
    void submit_and_wait(unsigned count) {
        const int result = io_uring_submit_and_wait(&ring_, count);
        require(result >= 0 || result == -EINTR, "io_uring_submit_and_wait");
    }

    io_uring& native() { return ring_; }

private:
    io_uring ring_{};
};

} // namespace bench
