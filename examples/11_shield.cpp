// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Cancelling a task cancels what it awaits. shield() keeps that from something which must be
// finished: whoever awaits it is cancelled, the write goes on. The loop owns the task; in asyncio
// you would have to keep a reference, or it might be collected half-way.
//
//   asyncio                                       | $ 11_shield
//   saving = asyncio.create_task(save())          | saving
//   async def request():                          | the request is cancelled
//       await asyncio.shield(saving)              | saved
//   task = asyncio.create_task(request())         |
//   await asyncio.sleep(0.01)                     |
//   task.cancel()                                 |
//   await asyncio.wait([task])                    |
//   await saving                                  |

#include <chrono>
#include <cstdio>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<> save() {
    std::puts("saving");
    co_await rondo::sleep(300ms);
    std::puts("saved");
}

rondo::Coro<> request(rondo::Task<> saving) {
    co_await rondo::shield(saving);
    std::puts("the request is answered");
}

rondo::Coro<> cancel_request() {
    const auto saving = rondo::create_task(save());
    const auto task = rondo::create_task(request(saving));
    co_await rondo::sleep(10ms);

    task.cancel();
    const auto ended = co_await rondo::as_result(task); // a cancellation is a result here
    if (ended.cancelled()) {
        std::puts("the request is cancelled");
    }
    co_await saving;
}

int main() {
    rondo::run(cancel_request());
}
