// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#pragma once

// What the kernel does once in a blue moon, on demand: this binary puts its own io_uring_enter2()
// in front of liburing's, and lets a test change or refuse a call. Unless a test asks, calls go to
// the kernel as they are.

#include <functional>

namespace rondo_test {

/// One call of io_uring_enter.
struct EnterCall {
    unsigned to_submit;
    unsigned min_complete;
    unsigned flags;
};

/// While it exists, every io_uring_enter passes through `hook`, which may change the call. If it
/// returns 0 the call is made; a negative errno is returned instead of making it.
class EnterHook {
public:
    using Hook = std::function<int(EnterCall&)>;

    explicit EnterHook(Hook hook);
    EnterHook(const EnterHook&) = delete;
    EnterHook& operator=(const EnterHook&) = delete;
    ~EnterHook();
};

} // namespace rondo_test
