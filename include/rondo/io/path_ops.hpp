#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Operations on paths. They are the kernel's own ...at() calls, awaited; each returns a description
// that does nothing until it is awaited (see Operation, which also says what errors and cancellation
// do). A relative path starts at a directory's descriptor, or at the working directory for AT_FDCWD.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <rondo/config.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/io/operation.hpp>

namespace rondo::inline RONDO_ABI::io {

namespace detail {

struct OpenAt {
    static constexpr const char* name = "openat";
    static constexpr bool prompt = true;
    static constexpr bool gives_descriptor = true;
    int directory;
    const char* path;
    int flags;
    mode_t mode;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_openat(&entry, directory, path, flags | O_CLOEXEC, mode);
    }
    static int value(int result) noexcept { return result; }
};

using FileStatus = struct ::statx;

struct Statx {
    static constexpr const char* name = "statx";
    static constexpr bool prompt = true;
    int directory;
    const char* path;
    int flags;
    unsigned mask;
    mutable FileStatus status = {}; // the kernel writes it after prepare()

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_statx(&entry, directory, path, flags, mask, &status);
    }
    [[nodiscard]] FileStatus value(int /*result*/) const noexcept { return status; }
};

struct UnlinkAt {
    static constexpr const char* name = "unlinkat";
    static constexpr bool prompt = true;
    int directory;
    const char* path;
    int flags;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_unlinkat(&entry, directory, path, flags);
    }
    static void value(int /*result*/) noexcept {}
};

struct RenameAt {
    static constexpr const char* name = "renameat";
    static constexpr bool prompt = true;
    int from_directory;
    const char* from;
    int to_directory;
    const char* to;
    unsigned flags;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_renameat(&entry, from_directory, from, to_directory, to, flags);
    }
    static void value(int /*result*/) noexcept {}
};

struct MkdirAt {
    static constexpr const char* name = "mkdirat";
    static constexpr bool prompt = true;
    int directory;
    const char* path;
    mode_t mode;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_mkdirat(&entry, directory, path, mode);
    }
    static void value(int /*result*/) noexcept {}
};

struct SymlinkAt {
    static constexpr const char* name = "symlinkat";
    static constexpr bool prompt = true;
    const char* target;
    int directory;
    const char* path;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_symlinkat(&entry, target, directory, path);
    }
    static void value(int /*result*/) noexcept {}
};

struct LinkAt {
    static constexpr const char* name = "linkat";
    static constexpr bool prompt = true;
    int from_directory;
    const char* from;
    int to_directory;
    const char* to;
    int flags;

    void prepare(io_uring_sqe& entry) const noexcept {
        io_uring_prep_linkat(&entry, from_directory, from, to_directory, to, flags);
    }
    static void value(int /*result*/) noexcept {}
};

} // namespace detail

/// Opens a file: `flags` are O_…, to which O_CLOEXEC is added; `mode` are the permissions of a file
/// that is made.
///
/// Returns: its descriptor, which the caller has to close.
/// Cancellation: a descriptor that is there already is returned; none is lost.
/// Lifetime: the path, until the await ends.
[[nodiscard]] inline Operation<detail::OpenAt> openat(int directory, const char* path,
                                                      int flags = O_RDONLY,
                                                      mode_t mode = 0) noexcept {
    return Operation(detail::OpenAt{directory, path, flags, mode});
}

/// What is known about a file: `flags` are AT_… (AT_SYMLINK_NOFOLLOW; AT_EMPTY_PATH with the path ""
/// for the descriptor itself), `mask` which members are wanted, STATX_….
///
/// Returns: a struct statx, whose stx_mask says which members are valid.
/// Lifetime: the path, until the await ends.
[[nodiscard]] inline Operation<detail::Statx> statx(int directory, const char* path, int flags = 0,
                                                    unsigned mask = STATX_BASIC_STATS) noexcept {
    return Operation(detail::Statx{directory, path, flags, mask});
}

/// Removes a name: of a file, or with AT_REMOVEDIR in `flags` an empty directory.
///
/// Lifetime: the path, until the await ends.
[[nodiscard]] inline Operation<detail::UnlinkAt> unlinkat(int directory, const char* path,
                                                          int flags = 0) noexcept {
    return Operation(detail::UnlinkAt{directory, path, flags});
}

/// Renames, and replaces what has the new name; `flags` are RENAME_NOREPLACE, RENAME_EXCHANGE.
///
/// Lifetime: the paths, until the await ends.
[[nodiscard]] inline Operation<detail::RenameAt> renameat(int from_directory, const char* from,
                                                          int to_directory, const char* to,
                                                          unsigned flags = 0) noexcept {
    return Operation(detail::RenameAt{from_directory, from, to_directory, to, flags});
}

/// Makes a directory; `mode` are its permissions, less the process's umask.
///
/// Lifetime: the path, until the await ends.
[[nodiscard]] inline Operation<detail::MkdirAt> mkdirat(int directory, const char* path,
                                                        mode_t mode = 0777) noexcept {
    return Operation(detail::MkdirAt{directory, path, mode});
}

/// Makes a symbolic link at `path` that holds `target`.
///
/// Lifetime: the paths, until the await ends.
[[nodiscard]] inline Operation<detail::SymlinkAt> symlinkat(const char* target, int directory,
                                                            const char* path) noexcept {
    return Operation(detail::SymlinkAt{target, directory, path});
}

/// Gives a file one more name; `flags` are AT_SYMLINK_FOLLOW, AT_EMPTY_PATH.
///
/// Lifetime: the paths, until the await ends.
[[nodiscard]] inline Operation<detail::LinkAt> linkat(int from_directory, const char* from,
                                                      int to_directory, const char* to,
                                                      int flags = 0) noexcept {
    return Operation(detail::LinkAt{from_directory, from, to_directory, to, flags});
}

} // namespace rondo::inline RONDO_ABI::io
