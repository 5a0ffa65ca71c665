// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include "ring/enter_hook.hpp"

#include <rondo/detail/uring.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace {

rondo_test::EnterHook::Hook current_hook;

} // namespace

namespace rondo_test {

EnterHook::EnterHook(Hook hook) {
    current_hook = std::move(hook);
}

EnterHook::~EnterHook() {
    current_hook = nullptr;
}

} // namespace rondo_test

extern "C" int io_uring_enter2(unsigned fd, unsigned to_submit, unsigned min_complete,
                               unsigned flags, sigset_t* argument, size_t size) {
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
