#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Runs a function in a forked child, for what a process cannot do to itself and go on: to be
// killed by a signal, to be forbidden system calls, to live on after fork(). And what this process
// writes to stderr.

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rondo_test {

/// How a child ended.
struct ChildEnd {
    std::string text;   ///< what its function returned; empty if a signal killed it
    std::string errors; ///< what it wrote to stderr
    int signal = 0;     ///< that killed it, or 0
};

/// Collects what is written to stderr while it lives.
class CapturedErrors {
public:
    CapturedErrors() : file_(::memfd_create("stderr", MFD_CLOEXEC)), saved_(::dup(STDERR_FILENO)) {
        std::fflush(stderr);
        ::dup2(file_, STDERR_FILENO);
    }
    CapturedErrors(const CapturedErrors&) = delete;
    CapturedErrors& operator=(const CapturedErrors&) = delete;
    ~CapturedErrors() {
        restore();
        ::close(file_);
    }

    /// Ends the capture. Returns what was written.
    std::string take() {
        restore();
        std::string text;
        char chunk[1024];
        for (ssize_t size = 0;
             (size = ::pread(file_, chunk, sizeof chunk, static_cast<off_t>(text.size()))) > 0;) {
            text.append(chunk, static_cast<std::size_t>(size));
        }
        return text;
    }

private:
    void restore() noexcept {
        if (saved_ >= 0) {
            std::fflush(stderr);
            ::dup2(saved_, STDERR_FILENO);
            ::close(saved_);
            saved_ = -1;
        }
    }

    int file_;
    int saved_;
};

/// Runs `function`, which returns a std::string, in a forked child.
template <class F>
ChildEnd run_in_child(F function) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) {
        throw std::system_error(errno, std::system_category(), "pipe2");
    }
    CapturedErrors errors; // the file is the child's too
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        // Catch2's handlers report any signal as a failure of the test.
        for (const int number : {SIGABRT, SIGINT, SIGTERM, SIGSEGV}) {
            ::signal(number, SIG_DFL);
        }
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
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
    ChildEnd end;
    char chunk[512];
    for (ssize_t size = 0; (size = ::read(ends[0], chunk, sizeof chunk)) > 0;) {
        end.text.append(chunk, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end.errors = errors.take();
    return end;
}

} // namespace rondo_test
