# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT

"""As much of Google Benchmark as asyncio_peer.py needs: its names, arguments and file of results."""

import argparse
import asyncio
import json
import re
import time

_benchmarks = []


def asks(question, *arguments, operations=1, once=False):
    """Decorates `async def benchmark(rounds, *arguments)`, which puts the question to a peer.

    Each argument is a (name, value), and becomes part of the benchmark's name; a name may be empty.
    A round is that many operations. With once there is but one: it takes long, most of it asleep.
    What the benchmark returns, if anything, is the CPU time of its preparations.
    """

    def add(function):
        words = [f"{name}:{value}" if name else str(value) for name, value in arguments]
        values = [value for _, value in arguments]
        _benchmarks.append(("/".join(words), question, function, values, operations, once))
        return function

    return add


async def _seconds(function, rounds, values):
    wall, cpu = time.perf_counter(), time.process_time()
    prepared = await function(rounds, *values) or 0
    return time.perf_counter() - wall - prepared, time.process_time() - cpu - prepared


def _measure(function, values, once, min_time, new_loop):
    rounds = 1
    while True:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            wall, cpu = runner.run(_seconds(function, rounds, values))
        if once or cpu >= min_time:
            return rounds, wall, cpu
        # As many as should do, and a few more; at most ten times as many, since few tell little.
        rounds = int(rounds * min(10, 1.4 * min_time / max(cpu, 1e-9))) + 1


def main(loops):
    """Runs all benchmarks on each of the loops: names of peers, and what makes their event loop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--benchmark_filter", default="")
    parser.add_argument("--benchmark_min_time", type=float, default=0.5)
    parser.add_argument("--benchmark_out")
    options = parser.parse_args()
    results = []
    for family, (arguments, question, function, values, operations, once) in enumerate(_benchmarks):
        for peer, new_loop in loops.items():
            name = "/".join(filter(None, (question, peer, arguments)))
            if not re.search(options.benchmark_filter, name):
                continue
            rounds, wall, cpu = _measure(
                function, values, once, options.benchmark_min_time, new_loop
            )
            iterations = rounds * operations
            results.append(
                {
                    "name": name,
                    "family_index": family,
                    "per_family_instance_index": 0,
                    "run_type": "iteration",
                    "iterations": iterations,
                    "real_time": wall / iterations * 1e9,
                    "cpu_time": cpu / iterations * 1e9,
                    "time_unit": "ns",
                }
            )
            print(f"{name:50} {results[-1]['cpu_time']:12.1f} ns {iterations:12}", flush=True)
    if options.benchmark_out:
        with open(options.benchmark_out, "w", encoding="utf-8") as file:
            json.dump({"benchmarks": results}, file, indent=2)
