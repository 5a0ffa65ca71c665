// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// run() does all of this for you. By hand, for a program that sets things up before and after: run
// one thing to its end, run until somebody calls stop(), close.
//
//   asyncio                                       | $ 17_manual_loop
//   loop = asyncio.new_event_loop()               | the answer is 42
//   try:                                          | tick 1
//       print("the answer is",                    | tick 2
//             loop.run_until_complete(answer()))  | tick 3
//       ticking = loop.create_task(tick(loop))    | stopped
//       loop.run_forever()                        | closed
//       ticking.result()                          |
//       print("stopped")                          |
//   finally:                                      |
//       loop.close()                              |

#include <chrono>
#include <cstdio>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<int> answer() {
    co_await rondo::sleep(10ms);
    co_return 42;
}

rondo::Coro<> tick(rondo::EventLoop& loop) {
    for (int i = 1; i <= 3; ++i) {
        co_await rondo::sleep(10ms);
        std::printf("tick %d\n", i);
    }
    loop.stop();
}

int main() {
    rondo::EventLoop loop;
    const int result = loop.run_until_complete(answer());
    std::printf("the answer is %d\n", result);

    const rondo::Task<> ticking = loop.create_task(tick(loop));
    loop.run_forever();
    ticking.result(); // throws what tick() threw, if it did
    std::puts("stopped");

    loop.close(); // the destructor would, too
    std::puts(loop.is_closed() ? "closed" : "open");
}
