#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The callbacks of add_reader and add_writer: a poll request that is armed anew after each call,
// so that, as in asyncio, the callback is called for as long as the descriptor is ready.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

#include <rondo/config.hpp>
#include <rondo/detail/context_node.hpp>
#include <rondo/detail/ready_queue.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/small_function.hpp>
#include <rondo/detail/uring.hpp>
#include <rondo/error.hpp>

#include <fcntl.h>
#include <poll.h>

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

    /// Begins to watch. A loop that does not run yet may do so on another thread, and with another
    /// ring: its watchers are armed by its first turn.
    void start() noexcept {
        add_ref(); // the kernel's or the ready queue's
        if (current_scheduler == &scheduler_) {
            scheduler_.ring->submit(*this);
        } else {
            scheduler_.ready.push_back(*this);
        }
    }

    /// Whether its callback is not to be called any more.
    [[nodiscard]] bool removed() const noexcept { return removed_; }

    void remove() noexcept {
        removed_ = true;
        if (!is_idle()) {
            scheduler_.ring->cancel(*this);
        }
        SmallFunction<void()> dropped = std::move(callback_);
    }

    void run() noexcept override {
        if (std::exchange(due_, false) && !removed_) {
            call();
        }
        if (removed_) {
            drop_ref();
        } else {
            scheduler_.ring->submit(*this); // with the ready queue's reference
        }
    }

    void discard() noexcept override { drop_ref(); }

private:
    ~FdWatcher() = default;

    void call() noexcept {
        // Out of the object first: the callback may remove the watcher, which drops it.
        SmallFunction<void()> callback = std::move(callback_);
        const EnteredContext entered(scheduler_, context_);
        try {
            callback();
        } catch (const KeyboardInterrupt&) {
            scheduler_.interrupt = std::current_exception();
        } catch (...) {
            scheduler_.reporter(scheduler_, "a reader or writer callback threw",
                                std::current_exception(), nullptr);
        }
        if (!removed_) {
            callback_ = std::move(callback);
        }
    }

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
            self.due_ = true;
            self.scheduler_.ready.push_back(self); // with the kernel's reference
        }
    }

    Scheduler& scheduler_;
    int fd_;
    unsigned events_;
    std::uint32_t references_ = 0;
    bool removed_ = false;
    bool due_ = false;               // it is in the ready queue to be called
    SmallFunction<void()> callback_; // empty while it is called
    RunContext context_{current_context()};
};

/// The watchers of one direction, by descriptor.
class FdWatchers {
public:
    explicit FdWatchers(unsigned events) noexcept : events_(events) {}

    void add(Scheduler& scheduler, int fd, SmallFunction<void()> callback) {
        if (::fcntl(fd, F_GETFD) < 0) {
            throw_system_error(errno, "add_reader/add_writer");
        }
        const auto index = static_cast<std::size_t>(fd);
        remove_ = &FdWatchers::remove; // before what may throw: clear() needs it for any entry
        if (index >= watchers_.size()) {
            watchers_.resize(index + 1);
        }
        auto* const watcher = new FdWatcher(scheduler, fd, events_, std::move(callback));
        watcher->add_ref(); // the table's
        remove(fd);
        watchers_[index] = watcher;
        watcher->start();
    }

    bool remove(int fd) noexcept {
        const auto index = static_cast<std::size_t>(fd);
        if (fd < 0 || index >= watchers_.size() || watchers_[index] == nullptr) {
            return false;
        }
        const auto watcher = Ref<FdWatcher>::adopt(std::exchange(watchers_[index], nullptr));
        const bool watching = !watcher->removed(); // not if it has failed
        watcher->remove();
        return watching;
    }

    void clear() noexcept {
        for (std::size_t fd = 0; fd < watchers_.size(); ++fd) {
            (this->*remove_)(static_cast<int>(fd));
        }
    }

private:
    unsigned events_;
    std::vector<FdWatcher*> watchers_; // a reference each, or null
    // Set by add(), and called through, so that a program without readers and writers, which every
    // loop clears at its end, is compiled without all of this.
    bool (FdWatchers::*remove_)(int) noexcept = nullptr;
};

} // namespace rondo::inline RONDO_ABI::detail
