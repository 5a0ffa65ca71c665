// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include "ring/enter_hook.hpp"

#include <rondo/detail/uring.hpp>

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace {

rondo_test::EnterHook::Hook current_hook;
unsigned unknown_set_up_flags = 0;

} // namespace

namespace rondo_test {

EnterHook::EnterHook(Hook hook) {
    current_hook = std::move(hook);
}

EnterHook::~EnterHook() {
    current_hook = nullptr;
}

OldKernel::OldKernel(unsigned unknown_flags) {
    unknown_set_up_flags = unknown_flags;
}

OldKernel::~OldKernel() {
    unknown_set_up_flags = 0;
}

} // namespace rondo_test

// Later versions of liburing declare these noexcept.

extern "C" int io_uring_enter2(unsigned fd, unsigned to_submit, unsigned min_complete,
                               unsigned flags, sigset_t* argument,
                               size_t size) noexcept(noexcept(io_uring_enter2(0, 0, 0, 0, nullptr,
                                                                              0))) {
    rondo_test::EnterCall call = {to_submit, min_complete, flags};
    if (current_hook) {
        if (const int error = current_hook(call); error != 0) {
            return error;
        }
    }
    const long result = ::syscall(__NR_io_uring_enter, fd, call.to_submit, call.min_complete,
                                  call.flags, argument, size);
    return result < 0 ? -errno : static_cast<int>(result);
}

extern "C" int io_uring_queue_init_params(
    unsigned entries, io_uring* ring,
    io_uring_params* parameters) noexcept(noexcept(io_uring_queue_init_params(0, nullptr,
                                                                              nullptr))) {
    if ((parameters->flags & unknown_set_up_flags) != 0) {
        return -EINVAL;
    }
    using Function = int (*)(unsigned, io_uring*, io_uring_params*);
    static const auto next =
        reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "io_uring_queue_init_params"));
    return next(entries, ring, parameters);
}
