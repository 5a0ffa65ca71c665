// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// timeout() sets one limit for a block of several steps, however the time is spent among them. The
// block is a lambda that is called at once and awaited in place, so it may capture by reference.
//
//   asyncio                                       | $ 09_timeout_block
//   try:                                          | connect
//       async with asyncio.timeout(0.3):          | log in
//           await step("connect", 0.01)           | download
//           await step("log in", 0.01)            | time is up after 2 steps
//           await step("download", 10)            |
//   except TimeoutError:                          |
//       print(f"time is up after {done} steps")   |

#include <chrono>
#include <cstdio>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<> step(const char* name, std::chrono::milliseconds time) {
    std::puts(name);
    co_await rondo::sleep(time);
}

rondo::Coro<> three_steps() {
    int done = 0;
    try {
        co_await rondo::timeout(300ms, [&]() -> rondo::Coro<> {
            co_await step("connect", 10ms);
            ++done;
            co_await step("log in", 10ms);
            ++done;
            co_await step("download", 10s);
            ++done;
        });
    } catch (const rondo::TimeoutError&) {
        std::printf("time is up after %d steps\n", done);
    }
}

int main() {
    rondo::run(three_steps());
}
