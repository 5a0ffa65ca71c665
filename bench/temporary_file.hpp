#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A file to read from: of real blocks, in the page cache and on the device, and gone when the
// program ends, however that may be.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "hand_ring.hpp"

namespace bench {

class TemporaryFile {
public:
    static constexpr std::size_t block = 4096;

    /// In $TMPDIR or /var/tmp, which is on a disk more often than /tmp is.
    explicit TemporaryFile(std::size_t blocks) : blocks_(blocks) {
        const char* const folder = std::getenv("TMPDIR"); // NOLINT(concurrency-mt-unsafe)
        std::string path = std::string(folder != nullptr ? folder : "/var/tmp") + "/rondo-XXXXXX";
        cached_ = ::mkostemp(path.data(), O_CLOEXEC);
        require(cached_ >= 0, path.c_str());
        if (!is_in_memory()) {
            direct_ = ::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
        }
        ::unlink(path.c_str());
        fill();
        check_direct();
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        ::close(cached_);
        if (direct_ >= 0) {
            ::close(direct_);
        }
    }

    [[nodiscard]] std::size_t blocks() const { return blocks_; }

    /// For reads through the page cache, which has all of it.
    [[nodiscard]] int cached() const { return cached_; }

    /// For reads from the device; negative where that cannot be had.
    [[nodiscard]] int direct() const { return direct_; }

    /// Whether `bytes` are what was written to that block.
    static bool is_block(std::size_t number, const std::byte* bytes) {
        std::uint64_t head = 0;
        std::memcpy(&head, bytes, sizeof head);
        return head == mark(number);
    }

private:
    // A file system in memory takes O_DIRECT, and goes through the page cache all the same.
    [[nodiscard]] bool is_in_memory() const {
        struct statfs system{};
        require(::fstatfs(cached_, &system) == 0, "fstatfs");
        return system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
    }

    static std::uint64_t mark(std::size_t number) { return number * 0x9e3779b97f4a7c15U + 1; }

    void fill() {
        constexpr std::size_t at_once = 256;
        std::string bytes(at_once * block, 'r');
        for (std::size_t i = 0; i < blocks_; i += at_once) {
            const std::size_t count = std::min(at_once, blocks_ - i);
            for (std::size_t k = 0; k < count; ++k) {
                const std::uint64_t head = mark(i + k);
                std::memcpy(&bytes[k * block], &head, sizeof head);
            }
            require(::write(cached_, bytes.data(), count * block) ==
                        static_cast<ssize_t>(count * block),
                    "write to the temporary file");
        }
        // Direct reads would wait for what is not written yet.
        require(::fsync(cached_) == 0, "fsync");
    }

    // Some take the flag, and then refuse to read.
    void check_direct() {
        alignas(block) std::byte bytes[block]{};
        if (direct_ >= 0 && ::pread(direct_, bytes, block, 0) != static_cast<ssize_t>(block)) {
            ::close(std::exchange(direct_, -1));
        }
    }

    std::size_t blocks_;
    int cached_ = -1;
    int direct_ = -1;
};

} // namespace bench
