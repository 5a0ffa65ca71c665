#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Runs a function that is expected to abort in a child process, and tells how the child ended and
// what it wrote to stderr.

#include <csignal>
#include <string>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rondo_test {

struct ChildEnd {
    int signal = 0; // that killed it; 0 if it returned
    std::string output;
};

/// Lifetime: the function runs in a copy of this process; what it changes is not seen here.
template <class F>
ChildEnd run_in_child(F function) {
    int ends[2];
    if (::pipe(ends) != 0) {
        return {-1, "pipe() failed"};
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        // The test framework must not report this abort, nor the kernel keep a core of it.
        std::signal(SIGABRT, SIG_DFL);
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        function();
        ::_exit(0);
    }
    ::close(ends[1]);
    ChildEnd end;
    char buffer[256];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof(buffer))) > 0;) {
        end.output.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return end;
}

} // namespace rondo_test
