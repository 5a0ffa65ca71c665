#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Unix signals, as far as a handler can safely take them: a mark per signal, and a byte to the loop
// that asked. An ordinary handler and not a signalfd, because that needs the signal blocked in
// every thread, and in every child process after that.

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include <rondo/config.hpp>
#include <rondo/detail/inbox.hpp>
#include <rondo/error.hpp>

#include <pthread.h>
#include <sched.h>

namespace rondo::inline RONDO_ABI::detail {

/// One signal's entry; static, so that a handler that runs late finds it.
struct SignalSlot {
    std::atomic<int> wake_fd = -1; // eventfd of the loop that listens, or -1
    std::atomic<bool> arrived = false;
    struct sigaction previous{};
};

inline constexpr int signal_count = 65; // Linux: 1 to 64
inline SignalSlot signal_slots[signal_count];

/// Handlers that run now, on any thread: their descriptor must not be closed, and used again for
/// something else, before they have written to it.
inline std::atomic<int> signal_handlers_running = 0;

static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

inline void on_signal(int number) noexcept {
    signal_handlers_running.fetch_add(1);
    SignalSlot& slot = signal_slots[number];
    slot.arrived.store(true);
    const int fd = slot.wake_fd.load();
    if (fd >= 0) {
        Inbox::ring_the_bell(fd);
    }
    signal_handlers_running.fetch_sub(1);
}

inline void require_signal_number(int number) {
    if (number <= 0 || number >= signal_count) {
        throw_system_error(EINVAL, "add_signal_handler: no such signal");
    }
}

/// Whether a signal has its default effect in this process.
[[nodiscard]] inline bool signal_is_default(int number) noexcept {
    struct sigaction now{};
    return ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL;
}

/// Directs a signal to a loop.
/// Throws: std::system_error (SIGKILL and SIGSTOP cannot be caught); LoopError if another loop
/// listens to it.
inline void listen_to_signal(int number, int wake_fd) {
    require_signal_number(number);
    // A child of fork() has none of the threads on which a handler may run.
    [[maybe_unused]] static const int registered =
        ::pthread_atfork(nullptr, nullptr, [] { signal_handlers_running.store(0); });
    SignalSlot& slot = signal_slots[number];
    int nobody = -1;
    if (!slot.wake_fd.compare_exchange_strong(nobody, wake_fd)) {
        throw_loop_error("rondo: another event loop handles this signal already");
    }
    slot.arrived.store(false);
    struct sigaction action{};
    action.sa_handler = &on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (::sigaction(number, &action, &slot.previous) != 0) {
        const int error = errno;
        slot.wake_fd.store(-1);
        throw_system_error(error, "add_signal_handler");
    }
}

/// After listen_to_signal(): only the first signal goes to the loop, the next has its default effect.
inline void listen_to_one_signal_only(int number) noexcept {
    struct sigaction action{};
    action.sa_handler = &on_signal;
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
}

/// Puts back what was there before listen_to_signal(). No handler uses the loop's descriptor after
/// that.
inline void stop_listening_to_signal(int number) noexcept {
    SignalSlot& slot = signal_slots[number];
    ::sigaction(number, &slot.previous, nullptr);
    slot.wake_fd.store(-1);
    while (signal_handlers_running.load() != 0) {
        ::sched_yield(); // on another thread, a few instructions from its end
    }
    slot.arrived.store(false);
}

} // namespace rondo::inline RONDO_ABI::detail
