// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The same echo servers as in echo_bench, alone on a core, with their clients on another, over TCP.
// How long does an exchange take (echo_apart: time on the clock, the inverse of throughput), and how
// much of it is the server's CPU time (echo_server)?

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <benchmark/benchmark.h>

#include "cores.hpp"
#include "costs.hpp"
#include "echo_set_up.hpp"

namespace {

constexpr int at_once = 1000; // exchanges between looks at the clock

enum class Time { on_the_clock, of_the_server };

double seconds(bench::EchoSetUp& set_up, Time time) {
    if (time == Time::of_the_server) {
        return set_up.server_seconds();
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void exchange(benchmark::State& state, const bench::EchoContender& contender, Time time) {
    const bench::OnOneCore clients;
    const int server_core = bench::another_core().value();
    bench::EchoSetUp set_up(contender, bench::Network::tcp,
                            static_cast<std::size_t>(state.range(0)),
                            static_cast<std::size_t>(state.range(1)), server_core);
    set_up.load().start();
    double before = seconds(set_up, time);
    while (state.KeepRunningBatch(at_once)) {
        for (int i = 0; i < at_once; ++i) {
            set_up.load().next();
        }
        const double after = seconds(set_up, time);
        state.SetIterationTime(after - before);
        before = after;
    }
    set_up.load().finish();
    bench::report(state, set_up.end());
}

void compare(const char* question, Time time) {
    for (const bench::EchoContender& contender : bench::echo_contenders) {
        const std::string name = std::string(question) + '/' + contender.who;
        const auto run = [=](benchmark::State& state) { exchange(state, contender, time); };
        benchmark::RegisterBenchmark(name.c_str(), run)
            ->ArgNames({"connections", "bytes"})
            ->Args({1, 64})
            ->Args({64, 64})
            ->Args({512, 64})
            ->Args({64, 1024})
            ->Args({64, 16384})
            ->UseManualTime();
    }
}

// On one core nothing is apart.
[[maybe_unused]] const bool compared = [] {
    const bool possible = bench::another_core().has_value();
    if (possible) {
        compare("echo_apart", Time::on_the_clock);
        compare("echo_server", Time::of_the_server);
    }
    return possible;
}();

} // namespace
