// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#pragma once

// Runs a function in a forked child, for what a process cannot do to itself and go on: a seccomp
// filter, a limit, life after fork().

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <system_error>

namespace rondo_test {

/// What `function` returns in a forked child, or "killed by signal n" if it gets no further.
inline std::string run_in_child(const std::function<std::string()>& function) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) {
        throw std::system_error(errno, std::system_category(), "pipe2");
    }
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::system_category(), "fork");
    }
    if (child == 0) {
        ::close(ends[0]);
        std::string text;
        try {
            text = function();
        } catch (const std::exception& error) {
            text = std::string("unexpected exception: ") + error.what();
        }
        const ssize_t written = ::write(ends[1], text.data(), text.size());
        ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string text;
    char chunk[512];
    for (ssize_t size = 0; (size = ::read(ends[0], chunk, sizeof chunk)) > 0;) {
        text.append(chunk, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (WIFSIGNALED(status)) {
        return "killed by signal " + std::to_string(WTERMSIG(status));
    }
    return text;
}

} // namespace rondo_test
