#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Descriptors to test with: pipes, sockets on the loopback, temporary files, made by plain system
// calls; and the count of those that are open, so that none is ever lost.

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace rondo_test {

/// Passes on what a system call returned. Throws: std::system_error if that is -1.
template <class Integer>
Integer checked(Integer result) {
    if (result == -1) {
        throw std::system_error(errno, std::system_category(), "a test's own system call");
    }
    return result;
}

/// A descriptor that is closed with its owner.
class Fd {
public:
    explicit Fd(int fd = -1) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() { close(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

private:
    int fd_;
};

/// The two ends of a pipe or of a connection.
struct Ends {
    Fd in;  ///< of a pipe: to read from
    Fd out; ///< of a pipe: to write to

    /// Writes to `out`, all or nothing.
    void put(std::string_view text) const {
        const ssize_t written = ::write(out.get(), text.data(), text.size());
        if (written != static_cast<ssize_t>(text.size())) {
            throw std::runtime_error("a test's own write was short");
        }
    }
    /// What can be read from `in` without waiting, up to 64 KiB.
    [[nodiscard]] std::string get() const {
        pollfd entry{in.get(), POLLIN, 0};
        if (::poll(&entry, 1, 0) != 1) {
            return {};
        }
        std::string text(64 * 1024, '\0');
        const ssize_t size = checked(::read(in.get(), text.data(), text.size()));
        text.resize(static_cast<std::size_t>(size));
        return text;
    }
};

inline Ends pipe(int flags = 0) {
    int ends[2];
    checked(::pipe2(ends, flags | O_CLOEXEC));
    return {Fd(ends[0]), Fd(ends[1])};
}

/// Two connected Unix sockets.
inline Ends sockets(int type = SOCK_STREAM) {
    int ends[2];
    checked(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends));
    return {Fd(ends[0]), Fd(ends[1])};
}

/// An address on the loopback, in the shape of rondo::Endpoint.
struct Address {
    sockaddr_in value = {};

    [[nodiscard]] const sockaddr* native() const noexcept {
        return reinterpret_cast<const sockaddr*>(&value);
    }
    [[nodiscard]] sockaddr* native() noexcept { return reinterpret_cast<sockaddr*>(&value); }
    [[nodiscard]] static socklen_t native_size() noexcept { return sizeof(sockaddr_in); }

    /// Any port of the loopback.
    static Address loopback() noexcept {
        Address address;
        address.value.sin_family = AF_INET;
        address.value.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }
    static Address of(int fd) {
        Address address;
        socklen_t size = native_size();
        checked(::getsockname(fd, address.native(), &size));
        return address;
    }
};

/// A socket that is bound to a port of the loopback.
inline Fd bound(int type) {
    Fd fd(checked(::socket(AF_INET, type | SOCK_CLOEXEC, 0)));
    const Address address = Address::loopback();
    checked(::bind(fd.get(), address.native(), Address::native_size()));
    return fd;
}

/// A socket that listens there.
inline Fd listener(int backlog = 1024, int flags = 0) {
    Fd fd = bound(SOCK_STREAM | flags);
    checked(::listen(fd.get(), backlog));
    return fd;
}

/// A new connection to a listener: the client's end.
inline Fd connected_to(const Fd& listener) {
    Fd fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    const Address address = Address::of(listener.get());
    checked(::connect(fd.get(), address.native(), Address::native_size()));
    return fd;
}

/// Two connected TCP sockets.
inline Ends tcp(int flags = 0) {
    const Fd server = listener();
    Fd client = connected_to(server);
    Fd accepted(checked(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC | flags)));
    if (flags != 0) {
        checked(::fcntl(client.get(), F_SETFL, O_NONBLOCK));
    }
    return {std::move(accepted), std::move(client)};
}

/// Writes to a descriptor in non-blocking mode until no more fits. Returns how many bytes fitted.
inline std::size_t fill(int fd) {
    const std::string block(4096, '.');
    std::size_t total = 0;
    for (ssize_t size = 0; (size = ::write(fd, block.data(), block.size())) > 0;) {
        total += static_cast<std::size_t>(size);
    }
    return total;
}

/// A file without a name.
inline Fd temporary_file(std::string_view content = {}) {
    Fd fd(checked(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)));
    checked(::pwrite(fd.get(), content.data(), content.size(), 0));
    return fd;
}

/// An empty directory, which is removed with what is in it (directories but empty ones excepted).
class TemporaryDirectory {
public:
    TemporaryDirectory() : fd_(checked(::open(make(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))) {}
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        DIR* directory = ::opendir(path_.c_str());
        while (const dirent* entry = ::readdir(directory)) {
            if (::unlinkat(fd_.get(), entry->d_name, 0) != 0) {
                ::unlinkat(fd_.get(), entry->d_name, AT_REMOVEDIR);
            }
        }
        ::closedir(directory);
        ::rmdir(path_.c_str());
    }

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] bool has(const char* name) const noexcept {
        return ::faccessat(fd_.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }

private:
    const char* make() {
        if (::mkdtemp(path_.data()) == nullptr) {
            throw std::system_error(errno, std::system_category(), "mkdtemp");
        }
        return path_.c_str();
    }

    std::string path_ = "/tmp/rondo-io-XXXXXX";
    Fd fd_;
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

/// Checks at the end of its scope that as many descriptors are open as at its beginning. Put it
/// first in a test, outside of any run, so that the loop's own are gone by its end.
class DescriptorCheck {
public:
    DescriptorCheck() = default;
    DescriptorCheck(const DescriptorCheck&) = delete;
    DescriptorCheck& operator=(const DescriptorCheck&) = delete;
    ~DescriptorCheck() { CHECK(open_descriptors() == before_); }

private:
    std::size_t before_ = open_descriptors();
};

/// Whether the peer has closed, or reset, its end of a connection.
inline bool peer_is_gone(int fd) {
    pollfd entry{fd, POLLIN | POLLRDHUP, 0};
    return ::poll(&entry, 1, 10'000) == 1 && (entry.revents & (POLLRDHUP | POLLHUP)) != 0;
}

} // namespace rondo_test
