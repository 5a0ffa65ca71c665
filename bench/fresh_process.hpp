#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Runs a measured function in a process of its own: memory that a million tasks need is then taken
// from the system each time, as in a program that does this once, and can be measured.

#include <cstddef>
#include <ctime>

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

/// What a child process has spent.
struct ChildCosts {
    double seconds = 0; // of CPU
    double bytes = 0;   // resident at most
};

inline ChildCosts costs_of_this_process() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9,
            static_cast<double>(usage.ru_maxrss) * 1024};
}

/// A benchmark's whole loop: each round is one call of `measured()` in a new process, and stands
/// for `count` operations. For benchmarks with UseManualTime().
template <class F>
void run_in_fresh_processes(benchmark::State& state, std::size_t count, const F& measured) {
    ChildCosts last;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(count))) {
        int channel[2]{};
        if (::pipe(channel) != 0) {
            state.SkipWithError("no pipe");
            return;
        }
        const pid_t child = ::fork();
        if (child == 0) {
            const ChildCosts before = costs_of_this_process();
            measured();
            const ChildCosts after = costs_of_this_process();
            const ChildCosts spent{after.seconds - before.seconds, after.bytes - before.bytes};
            const ssize_t written = ::write(channel[1], &spent, sizeof spent);
            ::_exit(written == sizeof spent ? 0 : 1);
        }
        ::close(channel[1]);
        const ssize_t size = ::read(channel[0], &last, sizeof last);
        ::close(channel[0]);
        int status = 0;
        if (child < 0 || ::waitpid(child, &status, 0) != child || size != sizeof last) {
            state.SkipWithError("the measured process failed");
            return;
        }
        state.SetIterationTime(last.seconds);
    }
    state.counters["bytes"] = last.bytes / static_cast<double>(count);
}

} // namespace bench
