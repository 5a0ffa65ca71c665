# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# The questions of the benchmarks next door, put to asyncio, on its own loop and on uvloop's. Each
# function does what its counterpart in C++ does; their names are those of the questions.

import asyncio
import queue
import time

import uvloop

from harness import asks, main


async def leaf(value):
    return value


async def nested(depth):
    if depth <= 1:
        return 1
    return await nested(depth - 1) + 1


@asks("await", ("depth", 1), operations=1000)
async def await_one(rounds, _depth):
    for _ in range(rounds):
        for value in range(1000):
            await leaf(value)


@asks("await", ("depth", 10), operations=1000)
async def await_nested(rounds, depth):
    for _ in range(rounds):
        for _ in range(1000):
            await nested(depth)


class Failure(Exception):
    pass


async def fail(depth):
    if depth <= 1:
        raise Failure
    return await fail(depth - 1) + 1


@asks("exception", ("depth", 1))
@asks("exception", ("depth", 10))
async def exception(rounds, depth):
    for _ in range(rounds):
        try:
            await fail(depth)
        except Failure:
            pass


async def nothing():
    pass


@asks("spawn_one", operations=1000)
async def spawn_one(rounds):
    for _ in range(rounds):
        for _ in range(1000):
            await asyncio.create_task(nothing())


@asks("spawn_crowd", ("tasks", 1000), operations=1000)
@asks("spawn_crowd", ("tasks", 100000), operations=100000)
async def spawn_crowd(rounds, count):
    for _ in range(rounds):
        tasks = [asyncio.create_task(nothing()) for _ in range(count)]
        for task in tasks:
            await task


@asks("gather_ready", operations=10000)
async def gather_ready(rounds):
    for _ in range(rounds):
        await asyncio.gather(*[nothing() for _ in range(10000)])


@asks("gather_sleepers", operations=10000)
async def gather_sleepers(rounds):
    for _ in range(rounds):
        await asyncio.gather(*[asyncio.sleep(0.01) for _ in range(10000)])


@asks("task_group", operations=1000)
async def task_group(rounds):
    for _ in range(rounds):
        async with asyncio.TaskGroup() as group:
            for _ in range(1000):
                group.create_task(nothing())


YIELDS = 10000


async def yielder():
    for _ in range(YIELDS):
        await asyncio.sleep(0)


@asks("yield", ("tasks", 2), operations=2 * YIELDS)
@asks("yield", ("tasks", 100), operations=100 * YIELDS)
async def yields(rounds, count):
    for _ in range(rounds):
        tasks = [asyncio.create_task(yielder()) for _ in range(count)]
        for task in tasks:
            await task


def random_times():
    """The same sequence of sleeps as in sleep_bench."""
    bits, state = (1 << 64) - 1, 88172645463325252
    while True:
        state ^= state << 13 & bits
        state ^= state >> 7
        state ^= state << 17 & bits
        yield (state >> 16) % 1_000_000_000 / 1e9


@asks("sleep", ("tasks", 100000), operations=100000, once=True)
async def sleep(_rounds, count):
    before = time.process_time()
    times = [time for time, _ in zip(random_times(), range(count))]
    prepared = time.process_time() - before
    tasks = [asyncio.create_task(asyncio.sleep(time)) for time in times]
    for task in tasks:
        await task
    return prepared


def ignore(_value):
    pass


@asks("call_later_cancelled", operations=1000)
async def call_later_cancelled(rounds):
    loop = asyncio.get_running_loop()
    for _ in range(rounds):
        for _ in range(1000):
            loop.call_later(900, ignore, None).cancel()
        await asyncio.sleep(0)  # the loop throws them away


async def ready_soon():
    await asyncio.sleep(0)
    return 1


@asks("wait_for")
async def wait_for(rounds):
    for _ in range(rounds):
        await asyncio.wait_for(ready_soon(), 10)


@asks("cancel_sleeper", operations=1000)
async def cancel_sleeper(rounds):
    for _ in range(rounds):
        tasks = [asyncio.create_task(asyncio.sleep(10)) for _ in range(1000)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        for task in tasks:
            try:
                await task
            except asyncio.CancelledError:
                pass


ITEMS = 100000


async def producer(items):
    for item in range(ITEMS):
        await items.put(item)


@asks("queue", ("", 1), operations=ITEMS)
@asks("queue", ("", 64), operations=ITEMS)
@asks("queue", ("", 1024), operations=ITEMS)
async def queues(rounds, size):
    items = asyncio.Queue(size)
    for _ in range(rounds):
        producing = asyncio.create_task(producer(items))
        for _ in range(ITEMS):
            await items.get()
        await producing


USERS = 64
TIMES = 1000


async def user(lock):
    for _ in range(TIMES):
        async with lock:
            await asyncio.sleep(0)


async def contended(rounds, lock):
    for _ in range(rounds):
        tasks = [asyncio.create_task(user(lock)) for _ in range(USERS)]
        for task in tasks:
            await task


async def free(rounds, lock):
    for _ in range(rounds):
        async with lock:
            pass


@asks("semaphore_contended", operations=USERS * TIMES)
async def semaphore_contended(rounds):
    await contended(rounds, asyncio.Semaphore(8))


@asks("lock_contended", operations=USERS * TIMES)
async def lock_contended(rounds):
    await contended(rounds, asyncio.Lock())


@asks("semaphore_free")
async def semaphore_free(rounds):
    await free(rounds, asyncio.Semaphore(1))


@asks("lock_free")
async def lock_free(rounds):
    await free(rounds, asyncio.Lock())


async def giver(wanted):
    value = 0
    while wanted:
        wanted[0].set_result(value)
        value += 1
        await asyncio.sleep(0)


@asks("future_hand_over")
async def future_hand_over(rounds):
    loop = asyncio.get_running_loop()
    wanted = [loop.create_future()]
    giving = asyncio.create_task(giver(wanted))
    for _ in range(rounds):
        await wanted[0]
        wanted[0] = loop.create_future()
    wanted.clear()
    await giving


@asks("call_soon", operations=1000)
async def call_soon(rounds):
    loop = asyncio.get_running_loop()
    for _ in range(rounds):
        for value in range(1000):
            loop.call_soon(ignore, value)
        await asyncio.sleep(0)  # its place in the queue is behind them


@asks("threadsafe_round_trip")
async def threadsafe_round_trip(rounds):
    loop = asyncio.get_running_loop()
    answers = queue.SimpleQueue()

    def ask():
        for value in range(rounds):
            loop.call_soon_threadsafe(answers.put, value)
            answers.get()

    await asyncio.to_thread(ask)


main({"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop})
