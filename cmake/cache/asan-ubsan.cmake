# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# cmake -C cmake/cache/asan-ubsan.cmake -B build/asan-ubsan: wild memory, leaks, undefined behaviour.

set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(RONDO_SANITIZE "address,undefined" CACHE STRING "")
set(RONDO_WERROR ON CACHE BOOL "")
set(RONDO_BUILD_BENCHMARKS OFF CACHE BOOL "")
