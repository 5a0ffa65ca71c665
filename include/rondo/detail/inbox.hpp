#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How other threads and signal handlers reach a loop: a queue behind a mutex, and an eventfd that
// the loop's ring reads. Shared ownership, so that a thread which comes late finds a closed inbox
// and not a dangling loop.

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>

#include <rondo/config.hpp>
#include <rondo/detail/ready_queue.hpp>
#include <rondo/error.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

namespace rondo::inline RONDO_ABI::detail {

class Inbox {
public:
    /// Throws: std::system_error (out of descriptors).
    Inbox() : wake_fd_(::eventfd(0, EFD_CLOEXEC)) {
        if (wake_fd_ < 0) {
            throw_system_error(errno, "eventfd");
        }
    }
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    ~Inbox() { close(); }

    /// What the loop reads to be woken.
    [[nodiscard]] int wake_fd() const noexcept { return wake_fd_; }

    /// Hands an item to the loop. Returns false if the loop is closed.
    [[nodiscard, gnu::noinline]] bool post(Runnable& item) noexcept {
        const std::lock_guard lock(mutex_);
        if (wake_fd_ < 0) {
            return false;
        }
        const bool was_empty = queue_.empty();
        queue_.push_back(item);
        if (was_empty) {
            filled_.store(true, std::memory_order_release);
            ring_the_bell(wake_fd_);
        }
        return true;
    }

    /// Whether anything was posted: cheap enough to ask in every turn.
    [[nodiscard]] bool filled() const noexcept { return filled_.load(std::memory_order_relaxed); }

    /// Moves what was posted to the ready queue, in order.
    [[gnu::noinline]] void drain(ReadyQueue& ready) noexcept {
        const std::lock_guard lock(mutex_);
        filled_.store(false, std::memory_order_relaxed);
        while (!queue_.empty()) {
            ready.push_back(queue_.pop_front());
        }
    }

    /// Nothing can be posted any more. What is left in the queue is dropped by the caller's drain().
    [[gnu::noinline]] void close() noexcept {
        const std::lock_guard lock(mutex_);
        if (wake_fd_ >= 0) {
            ::close(wake_fd_);
            wake_fd_ = -1;
        }
    }

    /// Wakes the reader of an eventfd. Safe in a signal handler; a full or closed one is no error.
    static void ring_the_bell(int fd) noexcept {
        const int saved = errno;
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
        errno = saved;
    }

private:
    std::mutex mutex_;
    ReadyQueue queue_;
    std::atomic<bool> filled_ = false;
    int wake_fd_;
};

} // namespace rondo::inline RONDO_ABI::detail
