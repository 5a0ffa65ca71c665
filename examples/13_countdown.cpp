// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// An async generator gives one value after another with co_yield, and may await in between. next()
// runs it to its next value, and is empty after the last: asyncio's `async for`.
//
//   asyncio                                       | $ 13_countdown
//   async def countdown(n):                       | 3
//       while n > 0:                              | 2
//           yield n                               | 1
//           await asyncio.sleep(0.05)             | lift-off
//           n -= 1                                |
//   async for number in countdown(3):             |
//       print(number)                             |
//   print("lift-off")                             |

#include <chrono>
#include <cstdio>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::AsyncGenerator<int> countdown(int from) {
    for (int number = from; number > 0; --number) {
        co_yield number;
        co_await rondo::sleep(50ms);
    }
}

rondo::Coro<> launch() {
    auto numbers = countdown(3);
    while (auto number = co_await numbers.next()) {
        std::printf("%d\n", *number);
    }
    std::puts("lift-off");
}

int main() {
    rondo::run(launch());
}
