#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The callbacks of add_reader and add_writer: a poll request that is armed anew after each call,
// so that, as in asyncio, the callback is called for as long as the descriptor is ready.

#include <cerrno>
#include <cstdint>
#include <exception>
#include <poll.h>
#include <system_error>
#include <utility>
#include <vector>

#include <rondo/config.hpp>
#include <rondo/detail/ready_queue.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/small_function.hpp>
#include <rondo/detail/uring.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// Watches one descriptor in one direction. Counted: the kernel and the ready queue may still hold
/// it when it has been removed.
class FdWatcher final : public Request, public Runnable {
public:
    FdWatcher(Scheduler& scheduler, int fd, unsigned events,
              SmallFunction<void()> callback) noexcept
        : Request(&FdWatcher::completed, &FdWatcher::fill), scheduler_(scheduler), fd_(fd),
          events_(events), callback_(std::move(callback)) {}

    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    void arm() noexcept {
        add_ref(); // the kernel's
        scheduler_.ring->submit(*this);
    }

    void remove() noexcept {
        removed_ = true;
        if (!is_idle()) {
            scheduler_.ring->cancel(*this);
        }
    }

    void run() noexcept override {
        if (!removed_) {
            try {
                callback_();
            } catch (...) {
                scheduler_.reporter(scheduler_, "a reader or writer callback threw",
                                    std::current_exception(), nullptr);
            }
        }
        if (!removed_) {
            arm();
        }
        drop_ref();
    }

    void discard() noexcept override { drop_ref(); }

private:
    ~FdWatcher() = default;

    static void fill(Request& request, io_uring_sqe& entry) noexcept {
        auto& self = static_cast<FdWatcher&>(request);
        io_uring_prep_poll_add(&entry, self.fd_, self.events_);
    }

    static void completed(Completion& completion, int result, unsigned /*flags*/) noexcept {
        auto& self = static_cast<FdWatcher&>(static_cast<Request&>(completion));
        if (result < 0 && !self.removed_) {
            self.removed_ = true;
            self.scheduler_.reporter(
                self.scheduler_, "watching a descriptor failed",
                std::make_exception_ptr(std::system_error(-result, std::system_category(),
                                                          "rondo: add_reader/add_writer: poll")),
                nullptr);
        }
        if (self.removed_) {
            self.drop_ref();
        } else {
            self.scheduler_.ready.push_back(self); // with the kernel's reference
        }
    }

    Scheduler& scheduler_;
    int fd_;
    unsigned events_;
    std::uint32_t references_ = 0;
    bool removed_ = false;
    SmallFunction<void()> callback_;
};

/// The watchers of one direction, by descriptor.
class FdWatchers {
public:
    explicit FdWatchers(unsigned events) noexcept : events_(events) {}

    void add(Scheduler& scheduler, int fd, SmallFunction<void()> callback) {
        if (fd < 0) {
            throw_system_error(EBADF, "add_reader/add_writer");
        }
        const auto index = static_cast<std::size_t>(fd);
        if (index >= watchers_.size()) {
            watchers_.resize(index + 1);
        }
        Ref<FdWatcher> watcher(new FdWatcher(scheduler, fd, events_, std::move(callback)));
        remove(fd);
        watchers_[index] = watcher;
        watcher->arm();
    }

    bool remove(int fd) noexcept {
        const auto index = static_cast<std::size_t>(fd);
        if (fd < 0 || index >= watchers_.size() || !watchers_[index]) {
            return false;
        }
        const Ref<FdWatcher> watcher = std::exchange(watchers_[index], nullptr);
        watcher->remove();
        return true;
    }

    void clear() noexcept {
        for (std::size_t fd = 0; fd < watchers_.size(); ++fd) {
            remove(static_cast<int>(fd));
        }
        watchers_.clear();
    }

private:
    unsigned events_;
    std::vector<Ref<FdWatcher>> watchers_;
};

} // namespace rondo::inline RONDO_ABI::detail
