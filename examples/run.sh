#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# examples/run.sh [<argument of crawl>...]
#
# Installs what is missing (on Debian) and builds the examples. Without arguments it then fetches
# 200 pages from a slow server of its own, first one after another and then concurrently, and
# prints both times. With arguments it runs `crawl` with them:
#
#   sh examples/run.sh                                     the demonstration
#   sh examples/run.sh --limit 20 http://127.0.0.1:8000/   your own pages; `-` reads them from stdin

set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/debian_packages.sh"
build=$root/build/examples

# What is built is told on stderr, so that stdout is the program's alone.
{
    # shellcheck disable=SC2086
    need $build_packages

    begin "configuring $build"
    build_dir "$build"
    cmake -S "$root" -B "$build" -G Ninja -C "$root/cmake/cache/release.cmake" \
        -DRONDO_BUILD_TESTS=OFF -DRONDO_BUILD_BENCHMARKS=OFF -DRONDO_WERROR=OFF

    begin "building the examples"
    cmake --build "$build" --parallel "$jobs"
} >&2

if [ $# -eq 0 ]; then
    begin "crawling 200 pages one after another, and concurrently" >&2
    exec "$build/examples/crawl_demo"
else
    begin "crawling" >&2
    exec "$build/examples/crawl" "$@"
fi
