#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# tests/run.sh [<ctest argument>...]
#
# Installs what is missing (on Debian), builds the tests with the system's compiler and asserts on,
# and runs them all, quick ones first. From any directory, as root or not. Examples:
#
#   sh tests/run.sh                  everything
#   sh tests/run.sh -L quick         without the slow ones
#   sh tests/run.sh -R '^core'       one layer

set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/debian_packages.sh"
build=$root/build/tests

# shellcheck disable=SC2086
need $build_packages catch2 valgrind

begin "configuring $build"
build_dir "$build"
cmake -S "$root" -B "$build" -G Ninja -C "$root/cmake/cache/debug.cmake" \
    -DRONDO_BUILD_BENCHMARKS=OFF "-DRONDO_WERROR=${RONDO_WERROR:-OFF}"

begin "building the tests (the first time takes minutes)"
cmake --build "$build" --parallel "$jobs"

begin "running the tests"
ctest --test-dir "$build" --parallel "$jobs" --output-on-failure "$@"
