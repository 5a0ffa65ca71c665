#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# bench/run.sh [--quick] [--json FILE] [<argument of Google Benchmark>...]
#
# Installs what is missing (on Debian), builds the benchmarks as users build, runs them in random
# order in several rounds, and prints one table of ratios. bench/README.md says how to read it.
#
#   sh bench/run.sh                                everything, in a few minutes
#   sh bench/run.sh --quick                        the same, short and less exact
#   sh bench/run.sh --benchmark_filter=timer       what matches
#   sh bench/run.sh --json ratios.json             the table for machines as well

set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/debian_packages.sh"
build=$root/build/bench
results=$build/results

rounds=5
seconds=0.2
json=
# What is not ours goes to the end of the arguments, once around.
for argument; do
    shift
    case $argument in
        --quick) rounds=3 seconds=0.03 ;;
        --json) json=next ;;
        --json=*) json=${argument#--json=} ;;
        *)
            if [ "$json" = next ]; then
                json=$argument
            else
                set -- "$@" "$argument"
            fi
            ;;
    esac
done
if [ "$json" = next ]; then
    begin "reading the arguments"
    echo "--json wants the name of a file" >&2
    exit 2
fi

# shellcheck disable=SC2086
need $build_packages libbenchmark-dev

begin "configuring $build"
build_dir "$build"
cmake -S "$root" -B "$build" -G Ninja -C "$root/cmake/cache/release.cmake" \
    -DRONDO_BUILD_TESTS=OFF -DRONDO_BUILD_EXAMPLES=OFF -DRONDO_WERROR=OFF

begin "building the benchmarks"
cmake --build "$build" --parallel "$jobs"

# One core, the last that is ours, so that nothing wanders.
on_one_core=
if command -v taskset > /dev/null; then
    on_one_core="taskset -c $(taskset -cp $$ | sed 's/.*[^0-9]//')"
fi

rm -rf "$results"
mkdir -p "$results"
for program in "$build"/bench/*_bench; do
    name=$(basename "$program")
    begin "running $name"
    # shellcheck disable=SC2086
    $on_one_core "$program" \
        --benchmark_enable_random_interleaving=true --benchmark_repetitions="$rounds" \
        --benchmark_min_time="$seconds" \
        --benchmark_out="$results/$name.json" --benchmark_out_format=json \
        "$@" > "$results/$name.txt" 2>&1 || {
        cat "$results/$name.txt" >&2
        exit 1
    }
done

begin "comparing"
echo "$(uname -sr), $(sed -n 's/^CMAKE_CXX_COMPILER:[^=]*=//p' "$build/CMakeCache.txt") -O3," \
    "$rounds rounds; CPU time of an operation in relation to the baseline's"
echo
awk -v json="$json" -f "$root/bench/table.awk" "$root/bench/targets.txt" "$results"/*.json
