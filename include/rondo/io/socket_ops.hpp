#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Operations on sockets. They are the kernel's own calls, awaited; each returns a description that
// does nothing until it is awaited (see Operation, which also says what errors and cancellation do).
// No send raises SIGPIPE, and no descriptor made here is inherited by other programs.

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/io/file_ops.hpp>
#include <rondo/io/operation.hpp>

namespace rondo::inline RONDO_ABI::io {

/// An address: what has native() and native_size(), such as Endpoint.
template <class E>
concept NativeAddress = std::copyable<E> && requires(const E& endpoint) {
    { endpoint.native() } -> std::convertible_to<const sockaddr*>;
    { endpoint.native_size() } -> std::convertible_to<socklen_t>;
};

namespace detail {

struct Recv {
    static constexpr const char* name = "recv";
    static constexpr short poll_events = POLLIN;
    int fd;
    MutableBuffer buffer;
    int flags;

    [[nodiscard]] bool may_wait() const noexcept { return (flags & MSG_DONTWAIT) == 0; }
    void prepare(io_uring_sqe& entry) const noexcept {
        rondo::detail::uring::prepare_transfer(entry, IORING_OP_RECV, buffer.data(),
                                               transfer_size(buffer.size()));
        entry.fd = fd;
        entry.msg_flags = static_cast<unsigned>(flags);
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct Send {
    static constexpr const char* name = "send";
    static constexpr short poll_events = POLLOUT;
    int fd;
    ConstBuffer buffer;
    int flags;

    [[nodiscard]] bool may_wait() const noexcept { return (flags & MSG_DONTWAIT) == 0; }
    void prepare(io_uring_sqe& entry) const noexcept {
        rondo::detail::uring::prepare_transfer(entry, IORING_OP_SEND, buffer.data(),
                                               transfer_size(buffer.size()));
        entry.fd = fd;
        entry.msg_flags = static_cast<unsigned>(flags | MSG_NOSIGNAL);
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct SendZc : Send {
    static constexpr const char* name = "send_zc";
    bool copies = false; // this kernel, or this kind of socket, has no other way

    void prepare(io_uring_sqe& entry) const noexcept {
        if (copies) {
            Send::prepare(entry);
        } else {
            io_uring_prep_send_zc(&entry, fd, buffer.data(), transfer_size(buffer.size()),
                                  flags | MSG_NOSIGNAL, 0);
        }
    }
    bool try_another_way(int& result) noexcept {
        return (result == -EOPNOTSUPP || result == -EINVAL) && !std::exchange(copies, true);
    }
};

struct RecvMsg {
    static constexpr const char* name = "recvmsg";
    static constexpr short poll_events = POLLIN;
    int fd;
    msghdr* message;
    int flags;

    [[nodiscard]] bool may_wait() const noexcept { return (flags & MSG_DONTWAIT) == 0; }
    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_recvmsg(&entry, fd, message, static_cast<unsigned>(flags));
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct SendMsg {
    static constexpr const char* name = "sendmsg";
    static constexpr short poll_events = POLLOUT;
    int fd;
    const msghdr* message;
    int flags;

    [[nodiscard]] bool may_wait() const noexcept { return (flags & MSG_DONTWAIT) == 0; }
    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_sendmsg(&entry, fd, message, static_cast<unsigned>(flags | MSG_NOSIGNAL));
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct Accept {
    static constexpr const char* name = "accept";
    static constexpr short poll_events = POLLIN;
    static constexpr bool gives_descriptor = true;
    int fd;
    sockaddr* address;
    socklen_t* size;
    int flags;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_accept(&entry, fd, address, size, flags | SOCK_CLOEXEC);
    }
    static int value(int result) noexcept { return result; }
};

struct Connect {
    static constexpr const char* name = "connect";
    int fd;
    const sockaddr* address;
    socklen_t size;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_connect(&entry, fd, address, size);
    }
    static void value(int /*result*/) noexcept {}
};

template <NativeAddress E>
struct ConnectTo {
    static constexpr const char* name = "connect";
    int fd;
    E endpoint;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_connect(&entry, fd, endpoint.native(),
                              static_cast<socklen_t>(endpoint.native_size()));
    }
    static void value(int /*result*/) noexcept {}
};

struct Socket {
    static constexpr const char* name = "socket";
    static constexpr bool prompt = true;
    static constexpr bool gives_descriptor = true;
    int domain;
    int type;
    int protocol;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_socket(&entry, domain, type | SOCK_CLOEXEC, protocol, 0);
    }
    /// A kernel before 5.19 does not know the request, and says so as if it had been a bad one.
    [[nodiscard]] bool try_another_way(int& result) const noexcept {
        if (result == -EINVAL) {
            const int fd = ::socket(domain, type | SOCK_CLOEXEC, protocol);
            result = fd >= 0 ? fd : -errno;
        }
        return false;
    }
    static int value(int result) noexcept { return result; }
};

struct Shutdown {
    static constexpr const char* name = "shutdown";
    static constexpr bool prompt = true;
    int fd;
    int how;

    void prepare(io_uring_sqe& entry) const noexcept { io_uring_prep_shutdown(&entry, fd, how); }
    static void value(int /*result*/) noexcept {}
};

} // namespace detail

/// Receives into `buffer`; `flags` are MSG_…. With MSG_DONTWAIT it fails with EAGAIN instead of
/// waiting.
///
/// Returns: how many bytes; 0 when the peer has ended its stream.
/// Cancellation: bytes that have been received are returned; none is lost.
/// Lifetime: the buffer, until the await ends.
[[nodiscard]] inline Operation<detail::Recv> recv(int fd, MutableBuffer buffer,
                                                  int flags = 0) noexcept {
    return Operation(detail::Recv{fd, buffer, flags});
}

/// Sends `buffer`; `flags` are MSG_…, to which MSG_NOSIGNAL is added.
///
/// Returns: how many bytes the kernel took. With MSG_WAITALL that is all of them, unless the send
/// fails or is cancelled half-way.
/// Cancellation: if bytes were taken already, their count is returned.
/// Lifetime: the buffer's bytes, until the await ends.
[[nodiscard]] inline Operation<detail::Send> send(int fd, ConstBuffer buffer,
                                                  int flags = 0) noexcept {
    return Operation(detail::Send{fd, buffer, flags});
}

/// send() without copying: ends when the kernel needs the buffer no more, which for TCP is when the
/// peer has acknowledged it. Pays from tens of kilobytes on, over a real network. Where the kernel
/// or the kind of socket knows no such thing, it is a send().
///
/// Returns, Cancellation, Lifetime: as send().
[[nodiscard]] inline Operation<detail::SendZc> send_zc(int fd, ConstBuffer buffer,
                                                       int flags = 0) noexcept {
    return Operation(detail::SendZc{{fd, buffer, flags}});
}

/// Receives a message with its source address and control data; `flags` are MSG_….
///
/// Returns: how many bytes. msg_namelen, msg_controllen and msg_flags of `*message` are set.
/// Lifetime: `*message` and all that it points to, until the await ends.
[[nodiscard]] inline Operation<detail::RecvMsg> recvmsg(int fd, msghdr* message,
                                                        int flags = 0) noexcept {
    return Operation(detail::RecvMsg{fd, message, flags});
}

/// Sends a message from several buffers, to an address, with control data; `flags` are MSG_…, to
/// which MSG_NOSIGNAL is added.
///
/// Returns: how many bytes the kernel took.
/// Lifetime: `*message` and all that it points to, until the await ends.
[[nodiscard]] inline Operation<detail::SendMsg> sendmsg(int fd, const msghdr* message,
                                                        int flags = 0) noexcept {
    return Operation(detail::SendMsg{fd, message, flags});
}

/// Accepts a connection; `flags` are 0 or SOCK_NONBLOCK, to which SOCK_CLOEXEC is added.
///
/// Returns: the connection's descriptor, which the caller has to close.
/// Cancellation: a connection that has been accepted is returned; no descriptor is lost.
[[nodiscard]] inline Operation<detail::Accept> accept(int fd, int flags = 0) noexcept {
    return Operation(detail::Accept{fd, nullptr, nullptr, flags});
}

/// The same, and writes the peer's address to `*address`, for which there is room for `*size` bytes;
/// `*size` becomes its length.
///
/// Lifetime: `*address` and `*size`, until the await ends.
[[nodiscard]] inline Operation<detail::Accept> accept(int fd, sockaddr* address, socklen_t* size,
                                                      int flags = 0) noexcept {
    return Operation(detail::Accept{fd, address, size, flags});
}

/// Connects a socket to an address, also one in non-blocking mode; but a Unix socket in that mode
/// fails with EAGAIN when the listener's queue is full, as there is nothing to wait for.
///
/// Cancellation: the socket is left in the middle of connecting, fit only to be closed.
/// Lifetime: `*address`, until the await ends.
[[nodiscard]] inline Operation<detail::Connect> connect(int fd, const sockaddr* address,
                                                        socklen_t size) noexcept {
    return Operation(detail::Connect{fd, address, size});
}

/// The same to an Endpoint or the like, which is copied.
template <NativeAddress E>
[[nodiscard]] Operation<detail::ConnectTo<E>> connect(int fd, const E& endpoint) {
    return Operation(detail::ConnectTo<E>{fd, endpoint});
}

/// Makes a socket: AF_…, SOCK_… (with SOCK_NONBLOCK if you like; SOCK_CLOEXEC is added), and a
/// protocol or 0.
///
/// Returns: its descriptor, which the caller has to close.
[[nodiscard]] inline Operation<detail::Socket> socket(int domain, int type,
                                                      int protocol = 0) noexcept {
    return Operation(detail::Socket{domain, type, protocol});
}

/// Ends one direction of a connection or both: `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. Wakes what
/// waits on the socket.
[[nodiscard]] inline Operation<detail::Shutdown> shutdown(int fd, int how) noexcept {
    return Operation(detail::Shutdown{fd, how});
}

} // namespace rondo::inline RONDO_ABI::io
