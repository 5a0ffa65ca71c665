// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// An async iterator of your own is a class with a next() that can be awaited: a value each time,
// and empty at the end. No base class, no StopAsyncIteration; Rondo's queues, generators and
// as_completed() are used by the same loop.
//
//   asyncio                                       | $ 14_counter
//   class Counter:                                | 1
//       def __init__(self, stop):                 | 2
//           self.stop, self.count = stop, 0       | 3
//       def __aiter__(self):                      |
//           return self                           |
//       async def __anext__(self):                |
//           if self.count >= self.stop:           |
//               raise StopAsyncIteration          |
//           await asyncio.sleep(0.05)             |
//           self.count += 1                       |
//           return self.count                     |
//   async for number in Counter(3):               |
//       print(number)                             |

#include <chrono>
#include <cstdio>
#include <optional>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

class Counter {
public:
    explicit Counter(int stop) : stop_(stop) {}

    // The Counter must outlive the await, as with any member function that is a coroutine.
    rondo::Coro<std::optional<int>> next() {
        if (count_ >= stop_) {
            co_return std::nullopt;
        }
        co_await rondo::sleep(50ms); // what takes its time to get
        ++count_;
        co_return count_;
    }

private:
    int stop_;
    int count_ = 0;
};

rondo::Coro<> count() {
    Counter counter(3);
    while (auto number = co_await counter.next()) {
        std::printf("%d\n", *number);
    }
}

int main() {
    rondo::run(count());
}
