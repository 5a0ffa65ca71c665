#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Waiting for something other than data: for readiness, for a child process; and ending whatever
// waits on a descriptor.

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <utility>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rondo/config.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/io/operation.hpp>

namespace rondo::inline RONDO_ABI::io {

namespace detail {

struct Poll {
    static constexpr const char* name = "poll";
    int fd;
    int events;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_poll_add(&entry, fd, static_cast<unsigned>(events));
    }
    static int value(int result) noexcept { return result; }
};

struct CancelFd {
    static constexpr const char* name = "cancel_fd";
    static constexpr bool prompt = true;
    int fd;

    void prepare(io_uring_sqe& entry) const noexcept {
        entry.opcode = IORING_OP_ASYNC_CANCEL;
        entry.fd = fd;
        entry.cancel_flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
    }
    static std::size_t value(int result) noexcept { return static_cast<std::size_t>(result); }
};

struct WaitId {
    static constexpr const char* name = "waitid";
    int id_type;
    int id;
    int options;
    mutable siginfo_t info = {}; // the kernel writes it after prepare()
    bool polls = false;          // for the end of the process that `process` refers to
    int process = -1;

    void prepare(io_uring_sqe& entry) const noexcept {
        if (polls) {
            io_uring_prep_poll_add(&entry, process, POLLIN);
        } else {
            rondo::detail::uring::prepare_waitid(entry, static_cast<unsigned>(id_type), id, &info,
                                                 static_cast<unsigned>(options));
        }
    }

    /// A kernel before 6.7 does not know the request, and says so as if it had been a bad one.
    bool try_another_way(int& result) noexcept {
        if (!polls) {
            return result == -EINVAL && poll_instead(result);
        }
        if (result >= 0) {
            result = wait_nowait();
            if (result == 0 && info.si_pid == 0) {
                return true; // not yet: another thread was quicker to be woken
            }
        }
        ::close(std::exchange(process, -1));
        return false;
    }

    bool poll_instead(int& result) noexcept {
        const int states = WEXITED | WSTOPPED | WCONTINUED;
        if (id_type != P_PID || (options & states) != WEXITED || (options & WNOHANG) != 0) {
            result = wait_nowait();
            if (result == 0 && info.si_pid == 0 && (options & WNOHANG) == 0) {
                result = -ENOSYS;
            }
            return false;
        }
        process = static_cast<int>(::syscall(SYS_pidfd_open, id, 0));
        if (process < 0) {
            result = errno == ESRCH ? -ECHILD : -errno;
            return false;
        }
        polls = true;
        return true;
    }

    [[nodiscard]] int wait_nowait() const noexcept {
        info = {};
        return ::waitid(static_cast<idtype_t>(id_type), static_cast<id_t>(id), &info,
                        options | WNOHANG) == 0
                   ? 0
                   : -errno;
    }

    [[nodiscard]] siginfo_t value(int /*result*/) const noexcept { return info; }
};

} // namespace detail

/// Waits until a descriptor is ready: `events` are POLLIN, POLLOUT, POLLPRI, POLLRDHUP; POLLERR and
/// POLLHUP are always waited for.
///
/// Returns: what it is ready for, POLL….
[[nodiscard]] inline Operation<detail::Poll> poll(int fd, int events) noexcept {
    return Operation(detail::Poll{fd, events});
}

/// Ends everything that this loop has in flight on a descriptor: it fails with ECANCELED, unless it
/// is done before. What follows can close the descriptor without leaving anything behind.
///
/// Returns: how many operations were asked to end.
/// Throws when awaited: std::system_error (EBADF).
[[nodiscard]] inline Operation<detail::CancelFd> cancel_fd(int fd) noexcept {
    return Operation(detail::CancelFd{fd});
}

/// Waits for a child process, as waitid(2): `id_type` is P_PID, P_PIDFD, P_PGID or P_ALL, `options`
/// are WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, WNOHANG.
///
/// A kernel before 6.7 can wait only for the end of one process by its number (P_PID, WEXITED).
/// Returns: a siginfo_t, with si_pid, si_status and si_code.
/// Throws when awaited: std::system_error (ECHILD: no such child; ENOSYS: see above).
/// Cancellation: a child that has been reaped is returned; no status is lost.
[[nodiscard]] inline Operation<detail::WaitId> waitid(int id_type, int id, int options) noexcept {
    return Operation(detail::WaitId{id_type, id, options});
}

} // namespace rondo::inline RONDO_ABI::io
