#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# bench/run.sh [<argument of Google Benchmark>...]
#
# Installs what is missing (on Debian), builds the benchmarks as users build, and runs them one
# after another. Each prints its baseline and the ratio to it. Examples:
#
#   sh bench/run.sh                                everything
#   sh bench/run.sh --benchmark_filter=timer       what matches

set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/debian_packages.sh"
build=$root/build/bench

# shellcheck disable=SC2086
need $build_packages libbenchmark-dev

begin "configuring $build"
build_dir "$build"
cmake -S "$root" -B "$build" -G Ninja -C "$root/cmake/cache/release.cmake" \
    -DRONDO_BUILD_TESTS=OFF -DRONDO_BUILD_EXAMPLES=OFF -DRONDO_WERROR=OFF

begin "building the benchmarks"
cmake --build "$build" --parallel "$jobs"

for program in "$build"/bench/*_bench; do
    [ -x "$program" ] || continue
    begin "$(basename "$program")"
    "$program" "$@"
done
