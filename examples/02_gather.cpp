// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Three waits one after another take the sum of their times; gathered they take the longest. That
// difference is what asynchronous programs are for.
//
//   asyncio                                       | $ 02_gather
//   for i in range(3):                            | one after another: 0.3 s
//       await download(i)                         | at once: 0.1 s
//   results = await asyncio.gather(               | results: 0 1 2
//       *(download(i) for i in range(3)))         |
//   print("results:", *results)                   |

#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<int> download(int number) {
    co_await rondo::sleep(100ms); // a server thinks
    co_return number;
}

double seconds_since(rondo::Clock::time_point start) {
    return std::chrono::duration<double>(rondo::Clock::now() - start).count();
}

rondo::Coro<> download_all() {
    auto start = rondo::Clock::now();
    for (int i = 0; i < 3; ++i) {
        co_await download(i);
    }
    std::printf("one after another: %.1f s\n", seconds_since(start));

    start = rondo::Clock::now();
    std::vector<rondo::Coro<int>> downloads;
    for (int i = 0; i < 3; ++i) {
        downloads.push_back(download(i)); // runs nothing yet
    }
    const std::vector<int> results = co_await rondo::gather(std::move(downloads));
    std::printf("at once: %.1f s\nresults:", seconds_since(start));
    for (const int result : results) { // in the order of the arguments
        std::printf(" %d", result);
    }
    std::puts("");
}

int main() {
    rondo::run(download_all());
}
