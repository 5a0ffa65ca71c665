// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#pragma once

// Requests and descriptors for the tests of the ring: a request that remembers what came of it,
// and pipes and event counters that close themselves.

#include <rondo/detail/ring.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rondo_test {

namespace detail = rondo::detail;

/// A request that counts its completions and keeps the last one.
class Operation : public detail::Request {
public:
    using Fill = std::function<void(io_uring_sqe&)>;
    using Then = std::function<void(Operation&)>;

    Operation();

    explicit Operation(Fill fill, Then on_each = {})
        : Request(&completed, &prepare_entry), then(std::move(on_each)), fill_(std::move(fill)) {}

    int completions = 0;
    int result = 1'000'000; // no request comes to that
    unsigned flags = 0;
    bool was_idle = false; // whether the request was idle already when its completion was called
    Then then;

private:
    static void completed(detail::Completion& completion, int result, unsigned flags) noexcept {
        auto& self = static_cast<Operation&>(completion);
        ++self.completions;
        self.result = result;
        self.flags = flags;
        self.was_idle = self.is_idle();
        if (self.then) {
            const Then keep = self.then; // which may destroy this
            keep(self);
        }
    }

    static void prepare_entry(detail::Request& request, io_uring_sqe& entry) noexcept {
        static_cast<Operation&>(request).fill_(entry);
    }

    Fill fill_;
};

/// What does nothing.
inline Operation::Fill nop() {
    return [](io_uring_sqe& entry) { io_uring_prep_nop(&entry); };
}

inline Operation::Operation() : Operation(nop()) {}

/// What reads into `buffer` from `fd`.
inline Operation::Fill read_into(int fd, std::string& buffer) {
    return [fd, &buffer](io_uring_sqe& entry) {
        io_uring_prep_read(&entry, fd, buffer.data(), static_cast<unsigned>(buffer.size()), 0);
    };
}

/// What waits until `fd` is readable, once.
inline Operation::Fill poll_readable(int fd) {
    return [fd](io_uring_sqe& entry) { io_uring_prep_poll_add(&entry, fd, POLLIN); };
}

/// What reports each time that `fd` becomes readable.
inline Operation::Fill poll_readable_multishot(int fd) {
    return [fd](io_uring_sqe& entry) { io_uring_prep_poll_multishot(&entry, fd, POLLIN); };
}

class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_, O_CLOEXEC) < 0) {
            throw std::system_error(errno, std::system_category(), "pipe2");
        }
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }

    int reader() const { return ends_[0]; }
    int writer() const { return ends_[1]; }

    /// Whether all of it went in.
    bool put(std::string_view text) const {
        return ::write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    }

private:
    int ends_[2] = {-1, -1};
};

class EventCounter {
public:
    EventCounter() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (fd_ < 0) {
            throw std::system_error(errno, std::system_category(), "eventfd");
        }
    }
    EventCounter(const EventCounter&) = delete;
    EventCounter& operator=(const EventCounter&) = delete;
    ~EventCounter() { ::close(fd_); }

    int fd() const { return fd_; }

    bool add() const {
        const std::uint64_t one = 1;
        return ::write(fd_, &one, sizeof one) == sizeof one;
    }

private:
    int fd_;
};

/// Runs the ring until nothing is left of it.
inline void drain(detail::Ring& ring) {
    while (!ring.idle()) {
        ring.wait();
    }
}

} // namespace rondo_test
