// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// The difference that makes people want asynchronous I/O: 200 pages from a server that takes 50 ms
// for each, first one after another, then concurrently. Server and client share one thread.
//
//   prints: 200 pages one after another: 10.1 s
//           200 pages concurrently:       0.1 s
//           ratio: 150

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

#include "crawl.hpp"
#include "slow_server.hpp"

using namespace std::chrono_literals;

/// Seconds that it takes to fetch all, `at_once` at a time.
rondo::Coro<double> time_crawl(std::vector<std::string> urls, int at_once) {
    const auto start = rondo::Clock::now();
    const std::vector<Row> rows = co_await crawl(std::move(urls), at_once, 10s);
    for (const Row& row : rows) {
        if (row.failed() || row.page.bytes != 1024) {
            throw std::runtime_error(row.url + ": " + row.error);
        }
    }
    co_return std::chrono::duration<double>(rondo::Clock::now() - start).count();
}

rondo::Coro<> demo(int pages) {
    rondo::Server server = co_await start_slow_server(0, 50ms);
    const std::string base = "http://" + server.endpoints().front().to_string() + "/page/";
    std::vector<std::string> urls;
    for (int i = 0; i < pages; ++i) {
        urls.push_back(base + std::to_string(i));
    }
    const double one_by_one = co_await time_crawl(urls, 1);
    std::printf("%d pages one after another: %6.2f s\n", pages, one_by_one);
    const double at_once = co_await time_crawl(urls, pages);
    std::printf("%d pages concurrently:      %6.2f s\n", pages, at_once);
    std::printf("ratio: %.0f\n", one_by_one / at_once);
    server.close();
    co_await server.wait_closed();
}

int main(int argc, char** argv) {
    try {
        rondo::run(demo(argc > 1 ? std::atoi(argv[1]) : 200));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "crawl_demo: %s\n", error.what());
        return 1;
    }
}
