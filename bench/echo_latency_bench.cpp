// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The same echo servers as in echo_bench, alone on a core, with their clients on another, over TCP.
// How long does a client wait for its reply: as a rule (echo_p50), and when it has bad luck
// (echo_p99)? What is reported as time are these percentiles of 40,000 replies.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "cores.hpp"
#include "costs.hpp"
#include "echo_set_up.hpp"

namespace {

constexpr std::size_t replies = 40'000;
constexpr std::size_t message_size = 64;

/// Seconds from request to reply. A client sends again as soon as it has its reply.
std::vector<double> wait_for_replies(bench::EchoLoad& load, std::size_t connections) {
    using Clock = std::chrono::steady_clock;
    std::vector<double> waits;
    waits.reserve(replies);
    std::vector<Clock::time_point> sent(connections);
    load.start();
    // Until each client has sent at a time that is known; some may have done so often by then.
    for (std::size_t i = 0; i < 2 * connections; ++i) {
        sent[load.next()] = Clock::now();
    }
    while (waits.size() < replies) {
        const std::size_t client = load.next();
        const Clock::time_point now = Clock::now();
        if (sent[client] != Clock::time_point()) {
            waits.push_back(std::chrono::duration<double>(now - sent[client]).count());
        }
        sent[client] = now;
    }
    load.finish();
    return waits;
}

double percentile(std::vector<double>& values, std::size_t percent) {
    const auto place = static_cast<std::ptrdiff_t>(values.size() * percent / 100);
    std::nth_element(values.begin(), values.begin() + place, values.end());
    return values[static_cast<std::size_t>(place)];
}

void wait(benchmark::State& state, const bench::EchoContender& contender, std::size_t percent) {
    const bench::OnOneCore clients;
    const int server_core = bench::another_core().value();
    const auto connections = static_cast<std::size_t>(state.range(0));
    bench::EchoSetUp set_up(contender, bench::Network::tcp, connections, message_size, server_core);
    for (auto _ : state) {
        std::vector<double> waits = wait_for_replies(set_up.load(), connections);
        state.SetIterationTime(percentile(waits, percent));
    }
}

void compare(const char* question, std::size_t percent) {
    for (const bench::EchoContender& contender : bench::echo_contenders) {
        const std::string name = std::string(question) + '/' + contender.who;
        const auto run = [=](benchmark::State& state) { wait(state, contender, percent); };
        benchmark::RegisterBenchmark(name.c_str(), run)
            ->ArgName("connections")
            ->Arg(1)
            ->Arg(64)
            ->Arg(512)
            ->Iterations(1)
            ->UseManualTime();
    }
}

// On one core nothing is apart.
[[maybe_unused]] const bool compared = [] {
    const bool possible = bench::another_core().has_value();
    if (possible) {
        compare("echo_p50", 50);
        compare("echo_p99", 99);
    }
    return possible;
}();

} // namespace
