#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Operations on an open descriptor: reading, writing, syncing, closing. They are the kernel's own
// calls, awaited; each returns a description that does nothing until it is awaited (see Operation,
// which also says what errors and cancellation do).

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fcntl.h>
#include <poll.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rondo/buffer.hpp>
#include <rondo/config.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/io/operation.hpp>

namespace rondo::inline RONDO_ABI::io {

/// Stands for an offset: at the descriptor's own position, which moves on; the only one that pipes,
/// sockets and terminals have.
inline constexpr std::uint64_t current_position = ~std::uint64_t{0};

namespace detail {

/// What Linux transfers in one call at most; a longer buffer makes a short transfer.
[[nodiscard]] inline unsigned transfer_size(std::size_t size) noexcept {
    constexpr std::size_t most = 0x7ffff000;
    return static_cast<unsigned>(size < most ? size : most);
}

// The kernel reads arrays of buffers as arrays of iovec: the pointer first, then the size.
static_assert(std::is_standard_layout_v<MutableBuffer> && sizeof(MutableBuffer) == sizeof(iovec));
static_assert(std::is_standard_layout_v<ConstBuffer> && sizeof(ConstBuffer) == sizeof(iovec));

template <class Buffer>
[[nodiscard]] const iovec* as_iovecs(std::span<const Buffer> buffers) noexcept {
    return reinterpret_cast<const iovec*>(buffers.data());
}

[[nodiscard]] inline std::size_t as_size(int result) noexcept {
    return static_cast<std::size_t>(result);
}

/// To write to a pipe that nobody reads is an error, and not to end the program. Only sends and the
/// newest kernels can be told so for a single call, so this tells it for the process, once, unless
/// the program has taken care of SIGPIPE itself.
inline void ignore_broken_pipes() noexcept {
    [[maybe_unused]] static const bool done = [] {
        struct sigaction action = {};
        if (::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
            action.sa_handler = SIG_IGN;
            ::sigaction(SIGPIPE, &action, nullptr);
        }
        return true;
    }();
}

struct Read {
    static constexpr const char* name = "read";
    static constexpr short poll_events = POLLIN;
    int fd;
    MutableBuffer buffer;
    std::uint64_t offset;

    // Only files have positions.
    [[nodiscard]] bool prompt() const noexcept { return offset != current_position; }
    void prepare(io_uring_sqe& entry) const noexcept {
        rondo::detail::uring::prepare_transfer(entry, IORING_OP_READ, buffer.data(),
                                               transfer_size(buffer.size()));
        entry.fd = fd;
        entry.off = offset;
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct Write {
    static constexpr const char* name = "write";
    static constexpr short poll_events = POLLOUT;
    int fd;
    ConstBuffer buffer;
    std::uint64_t offset;

    [[nodiscard]] bool prompt() const noexcept { return offset != current_position; }
    void prepare(io_uring_sqe& entry) const noexcept {
        rondo::detail::uring::prepare_transfer(entry, IORING_OP_WRITE, buffer.data(),
                                               transfer_size(buffer.size()));
        entry.fd = fd;
        entry.off = offset;
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct ReadV {
    static constexpr const char* name = "readv";
    static constexpr short poll_events = POLLIN;
    int fd;
    std::span<const MutableBuffer> buffers;
    std::uint64_t offset;
    int flags;

    [[nodiscard]] bool prompt() const noexcept { return offset != current_position; }
    [[nodiscard]] bool may_wait() const noexcept { return (flags & RWF_NOWAIT) == 0; }
    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_readv2(&entry, fd, as_iovecs(buffers), static_cast<unsigned>(buffers.size()),
                             offset, flags);
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct WriteV {
    static constexpr const char* name = "writev";
    static constexpr short poll_events = POLLOUT;
    int fd;
    std::span<const ConstBuffer> buffers;
    std::uint64_t offset;
    int flags;

    [[nodiscard]] bool prompt() const noexcept { return offset != current_position; }
    [[nodiscard]] bool may_wait() const noexcept { return (flags & RWF_NOWAIT) == 0; }
    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_writev2(&entry, fd, as_iovecs(buffers), static_cast<unsigned>(buffers.size()),
                              offset, flags);
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct Close {
    static constexpr const char* name = "close";
    static constexpr bool prompt = true;
    // Whether a close that was interrupted has closed anything, nobody could tell.
    static constexpr bool uncancellable = true;
    int fd;

    void prepare(io_uring_sqe& entry) const noexcept { io_uring_prep_close(&entry, fd); }
    static void value(int /*result*/) noexcept {}
};

struct Fsync {
    static constexpr const char* name = "fsync";
    static constexpr bool prompt = true;
    int fd;
    unsigned flags;

    void prepare(io_uring_sqe& entry) const noexcept { io_uring_prep_fsync(&entry, fd, flags); }
    static void value(int /*result*/) noexcept {}
};

struct Fdatasync : Fsync {
    static constexpr const char* name = "fdatasync";
};

struct SyncFileRange {
    static constexpr const char* name = "sync_file_range";
    static constexpr bool prompt = true;
    int fd;
    std::uint64_t offset;
    std::uint32_t size;
    unsigned flags;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_sync_file_range(&entry, fd, size, offset, static_cast<int>(flags));
    }
    static void value(int /*result*/) noexcept {}
};

struct Fallocate {
    static constexpr const char* name = "fallocate";
    static constexpr bool prompt = true;
    int fd;
    int mode;
    std::uint64_t offset;
    std::uint64_t size;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_fallocate(&entry, fd, mode, static_cast<off_t>(offset),
                                static_cast<off_t>(size));
    }
    static void value(int /*result*/) noexcept {}
};

struct Ftruncate {
    static constexpr const char* name = "ftruncate";
    static constexpr bool prompt = true;
    int fd;
    std::uint64_t size;

    void prepare(io_uring_sqe& entry) const noexcept {
        rondo::detail::uring::prepare_ftruncate(entry, fd, size);
    }
    /// A kernel before 6.9 does not know the request, and says so as if it had been a bad one.
    [[nodiscard]] bool try_another_way(int& result) const noexcept {
        if (result == -EINVAL) {
            result = ::ftruncate(fd, static_cast<off_t>(size)) == 0 ? 0 : -errno;
        }
        return false;
    }
    static void value(int /*result*/) noexcept {}
};

struct Fadvise {
    static constexpr const char* name = "fadvise";
    static constexpr bool prompt = true;
    int fd;
    std::uint64_t offset;
    std::uint32_t size;
    int advice;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_fadvise(&entry, fd, offset, static_cast<off_t>(size), advice);
    }
    static void value(int /*result*/) noexcept {}
};

struct Splice {
    static constexpr const char* name = "splice";
    int from;
    std::uint64_t from_offset;
    int to;
    std::uint64_t to_offset;
    std::size_t size;
    unsigned flags;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_splice(&entry, from, static_cast<std::int64_t>(from_offset), to,
                             static_cast<std::int64_t>(to_offset), transfer_size(size), flags);
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

struct Tee {
    static constexpr const char* name = "tee";
    int from;
    int to;
    std::size_t size;
    unsigned flags;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_tee(&entry, from, to, transfer_size(size), flags);
    }
    static std::size_t value(int result) noexcept { return as_size(result); }
};

} // namespace detail

/// Reads into `buffer`: at `offset` of a file, in bytes, or at the current position.
///
/// Returns: how many bytes; 0 at the end. May be less than the buffer holds.
/// Cancellation: a read that has taken bytes returns them; no byte is lost.
/// Lifetime: the buffer, until the await ends.
[[nodiscard]] inline Operation<detail::Read> read(
    int fd, MutableBuffer buffer, std::uint64_t offset = current_position) noexcept {
    return Operation(detail::Read{fd, buffer, offset});
}

/// Writes `buffer`: at `offset` of a file, in bytes, or at the current position.
///
/// Returns: how many bytes; on pipes and the like this may be less than the buffer has.
/// Throws when awaited: std::system_error; EPIPE when nobody reads the pipe any more: SIGPIPE is
/// ignored from the first write on, unless the program handles it.
/// Cancellation: a write that has written bytes returns their count.
/// Lifetime: the buffer's bytes, until the await ends.
[[nodiscard]] inline Operation<detail::Write> write(
    int fd, ConstBuffer buffer, std::uint64_t offset = current_position) noexcept {
    detail::ignore_broken_pipes();
    return Operation(detail::Write{fd, buffer, offset});
}

/// Reads into several buffers, filling one after the other; `flags` are RWF_….
///
/// Returns, Cancellation: as read().
/// Lifetime: the array of buffers, too, until the await ends.
[[nodiscard]] inline Operation<detail::ReadV> readv(int fd, std::span<const MutableBuffer> buffers,
                                                    std::uint64_t offset = current_position,
                                                    int flags = 0) noexcept {
    return Operation(detail::ReadV{fd, buffers, offset, flags});
}

/// Writes several buffers, one after the other; `flags` are RWF_….
///
/// Returns, Cancellation: as write().
/// Lifetime: the array of buffers, too, until the await ends.
[[nodiscard]] inline Operation<detail::WriteV> writev(int fd, std::span<const ConstBuffer> buffers,
                                                      std::uint64_t offset = current_position,
                                                      int flags = 0) noexcept {
    detail::ignore_broken_pipes();
    return Operation(detail::WriteV{fd, buffers, offset, flags});
}

/// Closes a descriptor. Operations in flight on it go on: end them first, with cancel_fd().
///
/// Throws when awaited: std::system_error (EBADF; or EIO and the like for what was written before:
/// the descriptor is closed all the same).
/// Cancellation: before it begins, then the descriptor is still open; once begun it is carried
/// through.
[[nodiscard]] inline Operation<detail::Close> close(int fd) noexcept {
    return Operation(detail::Close{fd});
}

/// Waits until what was written to a file is on the device, metadata included.
[[nodiscard]] inline Operation<detail::Fsync> fsync(int fd) noexcept {
    return Operation(detail::Fsync{fd, 0});
}

/// The same with only those metadata that reading the data back takes.
[[nodiscard]] inline Operation<detail::Fdatasync> fdatasync(int fd) noexcept {
    return Operation(detail::Fdatasync{{fd, IORING_FSYNC_DATASYNC}});
}

/// Starts or awaits writing out part of a file: `flags` are SYNC_FILE_RANGE_…, `size` in bytes with
/// 0 for the rest of the file. Says nothing about metadata: see sync_file_range(2).
[[nodiscard]] inline Operation<detail::SyncFileRange> sync_file_range(int fd, std::uint64_t offset,
                                                                      std::uint32_t size,
                                                                      unsigned flags) noexcept {
    return Operation(detail::SyncFileRange{fd, offset, size, flags});
}

/// Reserves, zeroes or frees space of a file: `mode` is 0 or FALLOC_FL_…, the rest in bytes.
[[nodiscard]] inline Operation<detail::Fallocate> fallocate(int fd, int mode, std::uint64_t offset,
                                                            std::uint64_t size) noexcept {
    return Operation(detail::Fallocate{fd, mode, offset, size});
}

/// Cuts a file, or extends it with zeroes, to `size` bytes. Where the kernel has no such request
/// (before 6.9), makes the plain system call, for whose time the loop stands still.
[[nodiscard]] inline Operation<detail::Ftruncate> ftruncate(int fd, std::uint64_t size) noexcept {
    return Operation(detail::Ftruncate{fd, size});
}

/// Says how a part of a file will be used: `advice` is POSIX_FADV_…, `size` in bytes with 0 for the
/// rest of the file.
[[nodiscard]] inline Operation<detail::Fadvise> fadvise(int fd, std::uint64_t offset,
                                                        std::uint32_t size, int advice) noexcept {
    return Operation(detail::Fadvise{fd, offset, size, advice});
}

/// Moves bytes between two descriptors, of which one is a pipe, without copying them to user space.
/// A pipe's offset is current_position; `flags` are SPLICE_F_….
///
/// A thread of the kernel's does it: better not between sockets by the thousand.
/// Returns: how many bytes; 0 at the end.
[[nodiscard]] inline Operation<detail::Splice> splice(int from, std::uint64_t from_offset, int to,
                                                      std::uint64_t to_offset, std::size_t size,
                                                      unsigned flags = 0) noexcept {
    detail::ignore_broken_pipes();
    return Operation(detail::Splice{from, from_offset, to, to_offset, size, flags});
}

/// Copies bytes from one pipe to another and leaves them in the first; `flags` are SPLICE_F_….
///
/// Returns: how many bytes; 0 at the end.
[[nodiscard]] inline Operation<detail::Tee> tee(int from, int to, std::size_t size,
                                                unsigned flags = 0) noexcept {
    detail::ignore_broken_pipes();
    return Operation(detail::Tee{from, to, size, flags});
}

} // namespace rondo::inline RONDO_ABI::io
