// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// echo_processes <who>=<command>... [--benchmark_...]
//
// The question of echo_bench put to servers that are programs, in whatever language: what does an
// exchange over TCP cost? Each command starts a server, which prints its port. The clients are
// those of echo_bench. Both are on one core, and time is the CPU time of both; it is taken from a
// process of its own for every server, Rondo's too, since going from one to another costs more than
// from thread to thread.

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cores.hpp"
#include "../echo_load.hpp"
#include "../loopback.hpp"

namespace {

double seconds_of(clockid_t clock) {
    timespec time{};
    bench::require(::clock_gettime(clock, &time) == 0, "clock_gettime");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// A server that runs while this lives.
class Server {
public:
    explicit Server(const std::string& command) {
        int channel[2]{};
        bench::require(::pipe(channel) == 0, "pipe");
        process_ = ::fork();
        bench::require(process_ >= 0, "fork");
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(channel[1], STDOUT_FILENO);
            ::close(channel[0]);
            ::close(channel[1]);
            const std::string in_this_process = "exec " + command;
            ::execl("/bin/sh", "sh", "-c", in_this_process.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(channel[1]);
        std::FILE* const output = ::fdopen(channel[0], "r");
        unsigned port = 0;
        const bool told = std::fscanf(output, "%u", &port) == 1;
        std::fclose(output);
        bench::require(told && ::clock_getcpuclockid(process_, &clock_) == 0, command.c_str());
        port_ = static_cast<in_port_t>(port);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

    [[nodiscard]] in_port_t port() const { return port_; }
    /// Of all its threads.
    [[nodiscard]] double cpu_seconds() const { return seconds_of(clock_); }

private:
    pid_t process_ = -1;
    clockid_t clock_{};
    in_port_t port_ = 0;
};

void echo(benchmark::State& state, const std::string& command) {
    constexpr int batch = 1000;
    const bench::OnOneCore both;
    const Server server(command);
    std::vector<int> sockets;
    for (int i = 0; i < state.range(0); ++i) {
        sockets.push_back(bench::connect_to_port(server.port()));
    }
    bench::EchoLoad load(std::move(sockets), static_cast<std::size_t>(state.range(1)));
    load.check();
    load.start();
    const auto spent = [&] { return seconds_of(CLOCK_PROCESS_CPUTIME_ID) + server.cpu_seconds(); };
    double before = spent();
    while (state.KeepRunningBatch(batch)) {
        for (int i = 0; i < batch; ++i) {
            load.next();
        }
        const double now = spent();
        state.SetIterationTime(now - std::exchange(before, now));
    }
    load.finish();
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const std::size_t end = argument.find('=');
        bench::require(end != std::string::npos, "wants <who>=<command>");
        const std::string name = "echo_processes/" + argument.substr(0, end);
        const std::string command = argument.substr(end + 1);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [command](benchmark::State& state) { echo(state, command); })
            ->ArgNames({"connections", "bytes"})
            ->Args({1, 64})
            ->Args({64, 64})
            ->Args({512, 64})
            ->Args({64, 16384})
            ->UseManualTime();
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
