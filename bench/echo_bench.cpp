// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What does Rondo add to an echo server: with streams (start_server, read_some, write), with
// stream.receive() instead of read_some, and with single operations (io::recv, io::send)? Baselines by hand: liburing with one-shot receives, and
// with multishot receives into provided buffers; and epoll. Clients and server are two threads on
// one core, over TCP and over Unix sockets; time is the CPU time of both.

#include <cstddef>
#include <string>

#include <benchmark/benchmark.h>

#include "cores.hpp"
#include "costs.hpp"
#include "echo_set_up.hpp"

namespace {

void exchange(benchmark::State& state, bench::Network network,
              const bench::EchoContender& contender) {
    const bench::OnOneCore both;
    bench::EchoSetUp set_up(contender, network, static_cast<std::size_t>(state.range(0)),
                            static_cast<std::size_t>(state.range(1)), both.core());
    set_up.load().start();
    for (auto _ : state) {
        set_up.load().next();
    }
    set_up.load().finish();
    bench::report(state, set_up.end());
}

bool compare(const char* question, bench::Network network) {
    for (const bench::EchoContender& contender : bench::echo_contenders) {
        const std::string name = std::string(question) + '/' + contender.who;
        const auto run = [=](benchmark::State& state) { exchange(state, network, contender); };
        benchmark::RegisterBenchmark(name.c_str(), run)
            ->ArgNames({"connections", "bytes"})
            ->Args({1, 64})
            ->Args({64, 64})
            ->Args({512, 64})
            ->Args({1000, 64})
            ->Args({64, 1024})
            ->Args({64, 16384})
            ->MeasureProcessCPUTime();
    }
    return true;
}

[[maybe_unused]] const bool over_unix = compare("echo_unix", bench::Network::unix_sockets);
[[maybe_unused]] const bool over_tcp = compare("echo_tcp", bench::Network::tcp);

} // namespace
