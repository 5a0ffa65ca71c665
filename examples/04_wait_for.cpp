// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// wait_for() sets a limit to how long one thing may take. When time runs out, the job is cancelled:
// it finds a CancelledError thrown where it waits, cleans up and throws it on. By the time the
// caller sees the TimeoutError, nothing of the job is left.
//
//   asyncio                                       | $ 04_wait_for
//   try:                                          | done after 10 ms
//       print(await asyncio.wait_for(job(10), 3)) | the job is cancelled: timeout
//   except TimeoutError:                          | it took too long
//       print("it took too long")                 |

#include <chrono>
#include <cstdio>
#include <string>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<std::string> job(std::chrono::milliseconds time) {
    try {
        co_await rondo::sleep(time);
    } catch (const rondo::CancelledError& cancelled) {
        std::printf("the job is cancelled: %s\n", rondo::to_string(cancelled.reason()));
        throw; // who swallows it goes on as if nothing had happened
    }
    co_return "done after " + std::to_string(time.count()) + " ms";
}

rondo::Coro<> wait_at_most(std::chrono::milliseconds limit, std::chrono::milliseconds time) {
    try {
        const std::string result = co_await rondo::wait_for(job(time), limit);
        std::puts(result.c_str());
    } catch (const rondo::TimeoutError&) {
        std::puts("it took too long");
    }
}

rondo::Coro<> two_jobs() {
    co_await wait_at_most(300ms, 10ms);
    co_await wait_at_most(300ms, 10'000ms);
}

int main() {
    rondo::run(two_jobs());
}
