#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Runs a callable when a scope ends, however it ends: what finally is elsewhere, for the places
// where a class of its own would hide a one-line clean-up.

#include <rondo/config.hpp>

#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// Calls its callable at the end of its scope, unless released. The callable must not throw.
/// Example: `ScopeExit restore{[&] { current = previous; }};`
template <class F>
class [[nodiscard("rondo: a ScopeExit without a name runs at once: give it one")]] ScopeExit {
public:
    explicit ScopeExit(F callable) noexcept : callable_(std::move(callable)) {}
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;
    ~ScopeExit() {
        if (armed_) {
            callable_();
        }
    }

    /// Calls nothing when the scope ends.
    void release() noexcept { armed_ = false; }

private:
    F callable_;
    bool armed_ = true;
};

} // namespace rondo::inline RONDO_ABI::detail
