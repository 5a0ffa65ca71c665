#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Connections as they come.

#include <cerrno>
#include <cstddef>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include <rondo/config.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/io/multishot.hpp>
#include <rondo/io/multishot_record.hpp>

namespace rondo::inline RONDO_ABI::io {

namespace detail {

/// Accepted, and not handed out yet.
class PendingDescriptor {
public:
    explicit PendingDescriptor(int fd) noexcept : fd_(fd) {}
    PendingDescriptor(PendingDescriptor&& other) noexcept : fd_(other.release()) {}
    PendingDescriptor& operator=(PendingDescriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~PendingDescriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

class AcceptRecord final : public MultishotRecord {
public:
    using Value = int;

    AcceptRecord(int fd, int flags, std::size_t limit)
        : MultishotRecord("accept_multishot", fd, limit), flags_(flags | SOCK_CLOEXEC) {}

    [[nodiscard]] int pop() noexcept { return queue_.pop().release(); }
    [[nodiscard]] std::size_t count() const noexcept override { return queue_.size(); }

private:
    void prepare_entry(io_uring_sqe& entry) noexcept override {
        if (is_one_shot()) {
            io_uring_prep_accept(&entry, fd(), nullptr, nullptr, flags_);
        } else {
            io_uring_prep_multishot_accept(&entry, fd(), nullptr, nullptr, flags_);
        }
    }
    void take(int result, unsigned /*flags*/) override {
        PendingDescriptor connection(result);
        if (!ended()) {
            queue_.push(std::move(connection));
        }
    }
    Verdict judge(int error, unsigned /*flags*/) noexcept override {
        switch (error) {
        case EAGAIN:
            return Verdict::wait;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return Verdict::temporary;
        // accept(2): what went wrong with a connection before we could have it.
        case ECONNABORTED:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case EINTR:
        case ENETDOWN:
        case ENETUNREACH:
        case ENONET:
        case ENOPROTOOPT:
        case EPERM:
        case EPROTO:
        case ETIMEDOUT:
            return Verdict::transient;
        default:
            return Verdict::fatal;
        }
    }
    void discard() noexcept override { queue_.clear(); }

    int flags_;
    ResultQueue<PendingDescriptor> queue_;
};

} // namespace detail

/// Connections: descriptors.
using ConnectionStream = Multishot<detail::AcceptRecord>;

/// Accepts connections on a listening socket until it is stopped; `flags` are 0 or SOCK_NONBLOCK, to
/// which SOCK_CLOEXEC is added. Results are descriptors, which the caller has to close.
///
/// Throws when awaited: std::system_error. After EMFILE, ENFILE, ENOBUFS and ENOMEM next() may be
/// called again, better a moment later: the connection still waits. What went wrong with a single
/// connection before it was accepted is not reported.
/// Example:
/// @code
/// auto connections = rondo::io::accept_multishot(listener);
/// while (auto connection = co_await connections.next()) {
///     rondo::create_task(serve(*connection));
/// }
/// @endcode
[[nodiscard]] inline Multishot<detail::AcceptRecord> accept_multishot(
    int fd, int flags = 0, MultishotOptions options = {}) {
    return Multishot(detail::Ref<detail::AcceptRecord>::adopt(
        new detail::AcceptRecord(fd, flags, options.limit)));
}

} // namespace rondo::inline RONDO_ABI::io
