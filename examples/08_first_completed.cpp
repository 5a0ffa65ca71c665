// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Three mirrors are asked for the same page, and the first answer is enough. wait() itself cancels
// nothing: cancel what is pending, and await it, for a task that was asked to stop has not stopped
// yet. (rondo::race() does all three steps; wait() is there for whatever else you want to do.)
//
//   asyncio                                       | $ 08_first_completed
//   done, pending = await asyncio.wait(           | mirror 2 answers
//       mirrors, return_when=FIRST_COMPLETED)     | mirror 1 stops
//   for task in pending:                          | mirror 3 stops
//       task.cancel()                             | 2 cancelled
//   await asyncio.gather(*pending,                |
//                        return_exceptions=True)  |

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<int> ask(int mirror, std::chrono::milliseconds time) {
    try {
        co_await rondo::sleep(time);
    } catch (const rondo::CancelledError&) {
        std::printf("mirror %d stops\n", mirror);
        throw;
    }
    co_return mirror;
}

rondo::Coro<> ask_all() {
    const std::vector<rondo::Task<int>> mirrors{rondo::create_task(ask(1, 10s)),
                                                rondo::create_task(ask(2, 10ms)),
                                                rondo::create_task(ask(3, 20s))};
    const rondo::WaitOptions options{.return_when = rondo::FIRST_COMPLETED};
    const auto asked = co_await rondo::wait(mirrors, options);
    std::printf("mirror %d answers\n", asked.done.front().result());

    for (const auto& task : asked.pending) {
        task.cancel();
    }
    const auto stopped = co_await rondo::gather(rondo::return_exceptions, asked.pending);
    const auto cancelled = std::count_if(stopped.begin(), stopped.end(),
                                         [](const auto& result) { return result.cancelled(); });
    std::printf("%d cancelled\n", static_cast<int>(cancelled));
}

int main() {
    rondo::run(ask_all());
}
