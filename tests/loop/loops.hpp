#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Options of the loops that these tests make, pipes and counts of descriptors.

#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rondo/loop_options.hpp>
#include <rondo/testing/run.hpp>

namespace rondo_test {

/// A loop on the real clock; the environment chooses the size of its ring and shuffles it.
inline rondo::LoopOptions real_time() {
    rondo::LoopOptions options = rondo::testing::options();
    options.virtual_time = false;
    return options;
}

/// The same in FIFO order, whatever the environment asks for.
inline rondo::LoopOptions real_time_in_order() {
    rondo::LoopOptions options = real_time();
    options.shuffle_seed = 0;
    return options;
}

/// A loop on the virtual clock, in FIFO order.
inline rondo::LoopOptions virtual_time_in_order() {
    rondo::LoopOptions options = rondo::testing::options();
    options.shuffle_seed = 0;
    return options;
}

/// Two connected descriptors, which it closes: a pipe or a pair of sockets.
class Ends {
public:
    static Ends pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
            throw std::system_error(errno, std::system_category(), "pipe2");
        }
        return Ends(ends[0], ends[1]);
    }
    static Ends sockets() {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
            throw std::system_error(errno, std::system_category(), "socketpair");
        }
        return Ends(ends[0], ends[1]);
    }

    Ends(Ends&& other) noexcept
        : read_(std::exchange(other.read_, -1)), write_(std::exchange(other.write_, -1)) {}
    Ends& operator=(Ends&&) = delete;
    ~Ends() {
        close_read();
        close_write();
    }

    [[nodiscard]] int read_end() const noexcept { return read_; }
    [[nodiscard]] int write_end() const noexcept { return write_; }

    void put(char letter) const {
        if (::write(write_, &letter, 1) != 1) {
            throw std::system_error(errno, std::system_category(), "write");
        }
    }
    /// One byte; '\0' at the end, '?' if there is none now.
    [[nodiscard]] char get() const noexcept {
        char letter = '?';
        return ::read(read_, &letter, 1) == 0 ? '\0' : letter;
    }
    /// Writes until no more fits. Returns how many bytes fitted.
    std::size_t fill() const noexcept {
        const char block[4096] = {};
        std::size_t total = 0;
        for (ssize_t size = 0; (size = ::write(write_, block, sizeof block)) > 0;) {
            total += static_cast<std::size_t>(size);
        }
        return total;
    }
    /// Reads until nothing is left.
    void drain() const noexcept {
        char block[4096];
        while (::read(read_, block, sizeof block) > 0) {}
    }

    void close_read() noexcept { close(read_); }
    void close_write() noexcept { close(write_); }

private:
    Ends(int read, int write) noexcept : read_(read), write_(write) {}
    static void close(int& fd) noexcept {
        if (fd >= 0) {
            ::close(std::exchange(fd, -1));
        }
    }

    int read_;
    int write_;
};

/// How many descriptors this process has open.
inline std::size_t open_descriptors() {
    DIR* directory = ::opendir("/proc/self/fd");
    std::size_t count = 0;
    while (::readdir(directory) != nullptr) {
        ++count;
    }
    ::closedir(directory);
    return count - 3; // ".", ".." and the directory
}

} // namespace rondo_test
