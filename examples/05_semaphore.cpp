// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A semaphore lets only so many in at once: a hundred requests, five at a time. What acquire()
// gives is a permit which is released at the end of its scope: there is nothing to forget.
//
//   asyncio                                       | $ 05_semaphore
//   limit = asyncio.Semaphore(3)                  | 10 jobs: 3 at a time
//   async def job():                              | 100 jobs: 5 at a time
//       async with limit:                         |
//           await asyncio.sleep(0.01)             |
//   await asyncio.gather(*(job()                  |
//                          for _ in range(10)))   |

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

struct Count {
    int now = 0;
    int most = 0;
};

// The references are to locals of run_jobs(), which awaits all jobs.
rondo::Coro<> job(rondo::Semaphore& limit, Count& working) {
    const auto permit = co_await limit.acquire();
    ++working.now; // one thread: no lock, no atomic
    working.most = std::max(working.most, working.now);
    co_await rondo::sleep(10ms);
    --working.now;
}

rondo::Coro<> run_jobs(int count, int at_a_time) {
    rondo::Semaphore limit(at_a_time);
    Count working;
    std::vector<rondo::Coro<>> jobs;
    for (int i = 0; i < count; ++i) {
        jobs.push_back(job(limit, working));
    }
    co_await rondo::gather(std::move(jobs));
    std::printf("%d jobs: %d at a time\n", count, working.most);
}

rondo::Coro<> both() {
    co_await run_jobs(10, 3);
    co_await run_jobs(100, 5);
}

int main() {
    rondo::run(both());
}
