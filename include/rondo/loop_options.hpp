#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// How a loop is made: plain options with sensible defaults.

#include <cstdint>
#include <cstdlib>

#include <rondo/config.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// RONDO_DEBUG=1 in the environment asks for debug mode.
inline bool debug_by_environment() noexcept {
    const char* value = std::getenv("RONDO_DEBUG"); // NOLINT(concurrency-mt-unsafe)
    return value != nullptr && *value != '\0' && *value != '0';
}

} // namespace detail

/// Options of run(), Runner and EventLoop. All members are trivially destructible.
struct LoopOptions {
    /// Submission entries of the ring, at least 1. More operations than that may be in flight; it
    /// bounds how many start with one system call.
    unsigned entries = 256;

    /// Debug mode: costs time, finds mistakes.
    bool debug = detail::debug_by_environment();

    /// run() and Runner::run() let the first SIGINT cancel the main task and then throw
    /// KeyboardInterrupt; the second has the default effect. Only where SIGINT is not handled
    /// otherwise.
    bool handle_sigint = true;

    /// For tests, see rondo/testing/run.hpp: the clock stands still while anything can run, and
    /// jumps to the next deadline when nothing can.
    bool virtual_time = false;

    /// For tests: runs ready tasks in an order drawn from this seed instead of FIFO; 0 for FIFO.
    std::uint64_t shuffle_seed = 0;
};

} // namespace rondo::inline RONDO_ABI
