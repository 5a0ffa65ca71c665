#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A ring's table of files. A request that names its file by a place in it spares the kernel a look-up
// and a count that other threads might want to change, which is 4 or 5 % of what an echo costs; but a
// file is put there, and taken away, by a system call each. So it is for those who go on for a while.

#include <rondo/detail/ring.hpp>
#include <rondo/detail/uring.hpp>

#include <rondo/config.hpp>
#include <rondo/detail/ref.hpp>

#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// Lives as long as its ring, or anybody who has a place in it.
class DirectFiles {
public:
    static constexpr int none = -1;

    DirectFiles(const DirectFiles&) = delete;
    DirectFiles& operator=(const DirectFiles&) = delete;

    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    [[nodiscard]] bool is_of(const Ring& ring) const noexcept { return ring_ == &ring; }

    /// How many places are free.
    [[nodiscard]] std::size_t room() const noexcept { return free_count_; }

    /// Puts a file into the table. Returns its place; none if there is no room for it.
    [[nodiscard]] int add(int fd) noexcept;

    /// Takes it away, so that the descriptor is the last to hold the file. Precondition: no request
    /// names the place any more.
    ///
    /// Returns whether that is so: not on another thread than the ring's, while the ring lives.
    [[nodiscard]] bool remove(int place) noexcept;

private:
    friend DirectFiles* direct_files(Ring& ring) noexcept;

    using Place = std::uint16_t;
    static constexpr std::size_t most = 8192;

    DirectFiles(Ring& ring, std::unique_ptr<Place[]> free, std::size_t count) noexcept
        : ring_(&ring), free_(std::move(free)), free_count_(count) {
        for (std::size_t i = 0; i < count; ++i) {
            free_[i] = static_cast<Place>(count - 1 - i);
        }
    }
    ~DirectFiles() = default;

    static DirectFiles* make(Ring& ring) noexcept;
    static void close(DirectFiles* files) noexcept;
    [[nodiscard]] bool update(int place, int fd) const noexcept;

    Ring* ring_; // null when it is closed
    std::unique_ptr<Place[]> free_;
    std::size_t free_count_;
    std::uint32_t references_ = 1;
};

/// The table of a ring, made when it is first asked for. Null if there is none to be had: kernels
/// before 6.14 may keep a file open for as long as any request on any file in the table waits.
inline DirectFiles* direct_files(Ring& ring) noexcept {
    auto& owned = ring.parts().direct_files;
    if (owned == nullptr && (ring.native().features & uring::feature_rw_attribute) != 0) {
        owned = {DirectFiles::make(ring), &DirectFiles::close};
    }
    return owned.get();
}

// Implementation

inline DirectFiles* DirectFiles::make(Ring& ring) noexcept {
    rlimit limit = {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return nullptr;
    }
    const std::size_t count = limit.rlim_cur < most ? limit.rlim_cur : most;
    std::unique_ptr<Place[]> free(new (std::nothrow) Place[count]);
    if (free == nullptr) {
        return nullptr;
    }
    io_uring_rsrc_register registration = {};
    registration.nr = static_cast<unsigned>(count);
    registration.flags = IORING_RSRC_REGISTER_SPARSE;
    if (io_uring_register(static_cast<unsigned>(ring.fd()), IORING_REGISTER_FILES2, &registration,
                          sizeof registration) < 0) {
        return nullptr; // somebody has given the ring a table of his own, or there is no memory
    }
    return new (std::nothrow) DirectFiles(ring, std::move(free), count);
}

/// The ring goes, and lets go of the files now and not when the kernel comes to it.
inline void DirectFiles::close(DirectFiles* files) noexcept {
    if (!files->ring_->is_inherited()) {
        io_uring_register(static_cast<unsigned>(files->ring_->fd()), IORING_UNREGISTER_FILES,
                          nullptr, 0);
    }
    files->ring_ = nullptr;
    files->drop_ref();
}

inline bool DirectFiles::update(int place, int fd) const noexcept {
    io_uring_files_update update = {};
    update.offset = static_cast<unsigned>(place);
    update.fds = reinterpret_cast<std::uintptr_t>(&fd);
    return io_uring_register(static_cast<unsigned>(ring_->fd()), IORING_REGISTER_FILES_UPDATE,
                             &update, 1) == 1;
}

inline int DirectFiles::add(int fd) noexcept {
    if (ring_ == nullptr || free_count_ == 0) {
        return none;
    }
    const int place = free_[free_count_ - 1];
    if (!update(place, fd)) {
        return none;
    }
    --free_count_;
    return place;
}

inline bool DirectFiles::remove(int place) noexcept {
    if (ring_ == nullptr || ring_->is_inherited()) {
        return true; // a forked child's copy is of the parent's table, and not to be touched
    }
    if (!update(place, -1)) {
        return false;
    }
    free_[free_count_++] = static_cast<Place>(place);
    return true;
}

} // namespace rondo::inline RONDO_ABI::detail
