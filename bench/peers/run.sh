#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# bench/peers/run.sh [BUILD [RESULTS [ROUNDS [QUESTION...]]]]
#
# Installs the peers that Debian packages, puts the questions of the benchmarks next door to them,
# and writes what Google Benchmark would write to RESULTS/peer_<name>.json. bench/run.sh --peers
# calls it.
#
#   BUILD      a build folder with Rondo's benchmarks in it; without it they are built in build/bench
#   RESULTS    a folder; without it build/bench/peers/results, and they are compared as well
#   ROUNDS     5
#   QUESTION   a program of Rondo's without its _bench, or echo; all
#
# In each round and for each question, one after another: Rondo, then every peer that has something
# to say to it. Rondo's own results go to RESULTS/beside_peers/, so that those of the same minute can
# be compared.

set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=../../cmake/debian_packages.sh
. "$root/cmake/debian_packages.sh"
here=$root/bench/peers
rondo=${1:-}
results=${2:-}
rounds=${3:-5}
shift $(($# < 3 ? $# : 3))
questions=${*:-await exception spawn yield sleep timer wait_for gather task_group queue semaphore \
    lock future cancel call_soon threadsafe echo}

compare=
if [ -z "$results" ]; then
    compare=1
    results=$root/build/bench/peers/results
fi

# Debian's interpreter, which has Debian's uvloop, whatever else is called python3.
python=/usr/bin/python3

# shellcheck disable=SC2086
need $build_packages libbenchmark-dev libasio-dev libuv1-dev golang-go python3 python3-uvloop

if [ -z "$rondo" ]; then
    rondo=$root/build/bench
    begin "building Rondo's benchmarks in $rondo"
    build_dir "$rondo"
    cmake -S "$root" -B "$rondo" -G Ninja -C "$root/cmake/cache/release.cmake" \
        -DRONDO_BUILD_TESTS=OFF -DRONDO_BUILD_EXAMPLES=OFF -DRONDO_WERROR=OFF
    cmake --build "$rondo" --parallel "$jobs"
fi
build=$rondo/peers

begin "building the peers in $build"
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[^=]*=//p' "$rondo/CMakeCache.txt")
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler"
cmake --build "$build" --parallel "$jobs"
for program in peer echo; do
    # It needs no other module, and shall look for none.
    (cd "$here/go" && env GOCACHE="$build/go-cache" GOFLAGS= GOPROXY=off CGO_ENABLED=0 \
        go build -o "$build/go_$program" "./$program")
done

# One core, the last that is ours, so that nothing wanders.
on_one_core=
if command -v taskset > /dev/null; then
    on_one_core="taskset -c $(taskset -cp $$ | sed 's/.*[^0-9]//')"
fi

# ask <file of results> <program> <argument>...
ask() {
    file=$1
    shift
    # shellcheck disable=SC2086
    $on_one_core env PYTHONDONTWRITEBYTECODE=1 "$@" --benchmark_min_time=0.1 \
        --benchmark_out="$file" > "$results/beside_peers/output.txt" 2>&1 || {
        cat "$results/beside_peers/output.txt" >&2
        exit 1
    }
}

rm -rf "$results"/peer_* "$results/beside_peers"
mkdir -p "$results/beside_peers"

# Crowds of a million are left out: they ask for memory as well, which only Rondo's programs measure.
of_rondo='/rondo(/tasks:[0-9]{1,6})?(/[^t].*)?$'

# ask_all <question> <round>
ask_all() {
    program=$rondo/bench/$1_bench
    ask "$results/beside_peers/rondo_$1_$2.json" "$program" --benchmark_filter="$of_rondo"
    # await|await|... is as good a pattern as any.
    asked=$("$program" --benchmark_list_tests=true --benchmark_filter="$of_rondo" |
        sed 's,/.*,,' | paste -s -d '|')
    for peer in asio libuv go; do
        ask "$results/peer_${peer}_$1_$2.json" "$build/${peer}_peer" \
            --benchmark_filter="^($asked)/"
    done
    ask "$results/peer_asyncio_$1_$2.json" "$python" "$here/python/asyncio_peer.py" \
        --benchmark_filter="^($asked)/"
}

# ask_servers <round>
ask_servers() {
    ask "$results/peer_echo_$1.json" "$build/echo_processes" \
        "rondo=$build/rondo_echo" "asio=$build/asio_echo" \
        "asio_on_io_uring=$build/asio_on_io_uring_echo" "libuv=$build/libuv_echo" \
        "go=$build/go_echo" \
        "asyncio=$python $here/python/echo.py asyncio streams" \
        "asyncio_protocol=$python $here/python/echo.py asyncio protocol" \
        "uvloop=$python $here/python/echo.py uvloop streams" \
        "uvloop_protocol=$python $here/python/echo.py uvloop protocol"
}

round=1
while [ "$round" -le "$rounds" ]; do
    begin "round $round of $rounds beside peers"
    for question in $questions; do
        echo "$question"
        if [ "$question" = echo ]; then
            ask_servers "$round"
        else
            ask_all "$question" "$round"
        fi
    done
    round=$((round + 1))
done

if [ -n "$compare" ]; then
    begin "comparing with peers"
    set --
    for file in "$results"/beside_peers/*.json "$results"/peer_*.json; do
        # Of Rondo there is none where only echo was asked for.
        [ ! -e "$file" ] || set -- "$@" "$file"
    done
    awk -f "$root/bench/results.awk" -f "$here/table.awk" "$@"
fi
