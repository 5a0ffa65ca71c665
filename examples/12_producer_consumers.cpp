// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A producer and two consumers with a queue between them. It holds two items at most, so that a
// quick producer waits for slow consumers. At the end the producer shuts it down: each consumer
// takes what is left, and its loop ends. No sentinels, one for each consumer, to count right.
//
//   asyncio (3.13)                                | $ 12_producer_consumers
//   async def produce(queue):                     | consumer 1 has item 1
//       for item in range(1, 7):                  | consumer 2 has item 2
//           await queue.put(item)                 | consumer 1 has item 3
//       queue.shutdown()                          | consumer 2 has item 4
//   async def consume(queue, name):               | consumer 1 has item 5
//       try:                                      | consumer 2 has item 6
//           while True:                           | consumer 1 goes home
//               item = await queue.get()          | consumer 2 goes home
//               print(name, "has item", item)     |
//               await asyncio.sleep(0.02)         |
//       except asyncio.QueueShutDown:             |
//           print(name, "goes home")              |

#include <chrono>
#include <cstdio>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

// The references are to the queue in produce_and_consume(), which awaits all three.
rondo::Coro<> produce(rondo::Queue<int>& queue) {
    for (int item = 1; item <= 6; ++item) {
        co_await queue.put(item); // waits while the queue is full
    }
    queue.shutdown();
}

rondo::Coro<> consume(rondo::Queue<int>& queue, const char* name) {
    while (auto item = co_await queue.next()) {
        std::printf("%s has item %d\n", name, *item);
        co_await rondo::sleep(20ms); // work
    }
    std::printf("%s goes home\n", name);
}

rondo::Coro<> produce_and_consume() {
    rondo::Queue<int> queue(2);
    co_await rondo::gather(produce(queue), consume(queue, "consumer 1"),
                           consume(queue, "consumer 2"));
}

int main() {
    rondo::run(produce_and_consume());
}
