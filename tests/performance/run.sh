#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# tests/performance/run.sh [--update] [<group or case>]
#
# Builds the cases as users build their programs and compares what they cost with budgets.txt, or
# writes it with --update. A group is core, loop, composition, sync or io. For another compiler's
# column: CXX=clang++-19 sh tests/performance/run.sh --update

set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/cmake/debian_packages.sh"
build=$root/build/performance-$(basename "${CXX:-default}")

update=
if [ "${1-}" = --update ]; then
    update=--update
    shift
fi

# shellcheck disable=SC2086
need $build_packages catch2 valgrind

begin "configuring $build"
build_dir "$build"
cmake -S "$root" -B "$build" -G Ninja -C "$root/cmake/cache/release.cmake" \
    -DRONDO_BUILD_BENCHMARKS=OFF -DRONDO_BUILD_EXAMPLES=OFF

begin "building the cases"
cmake --build "$build" --parallel "$jobs" --target costs

begin "measuring"
# shellcheck disable=SC2086
sh "$root/tests/performance/check_costs.sh" $update "$build/tests/performance/costs" \
    "$root/tests/performance/budgets.txt" "$@"
