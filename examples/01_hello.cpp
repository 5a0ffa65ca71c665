// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A coroutine is a function that can wait without holding up the thread. Calling it runs nothing;
// run() starts the loop and the first one, co_await runs another and waits for its result. The
// second line comes a tenth of a second after the first.
//
//   asyncio                                       | $ 01_hello
//   async def say_hello():                        | hello
//       print("hello")                            | world
//       await asyncio.sleep(0.1)                  |
//       print("world")                            |
//   asyncio.run(say_hello())                      |

#include <chrono>
#include <cstdio>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<> say_hello() {
    std::puts("hello");
    co_await rondo::sleep(100ms);
    std::puts("world");
}

int main() {
    rondo::run(say_hello());
}
