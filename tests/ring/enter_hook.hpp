// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#pragma once

// What the kernel does once in a blue moon, or did years ago, on demand: this binary puts its own
// io_uring_enter2() and io_uring_queue_init_params() in front of liburing's, and lets a test change
// or refuse a call. Unless a test asks, calls go to the kernel as they are.

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

/// While it exists, the kernel knows none of these IORING_SETUP_… flags: EINVAL.
class OldKernel {
public:
    explicit OldKernel(unsigned unknown_flags);
    OldKernel(const OldKernel&) = delete;
    OldKernel& operator=(const OldKernel&) = delete;
    ~OldKernel();
};

} // namespace rondo_test
