# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# cmake -C cmake/cache/tsan.cmake -B build/tsan: races, for the parts that cross threads:
# ctest --test-dir build/tsan -L threads

set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(RONDO_SANITIZE "thread" CACHE STRING "")
set(RONDO_WERROR ON CACHE BOOL "")
set(RONDO_BUILD_BENCHMARKS OFF CACHE BOOL "")
set(RONDO_BUILD_EXAMPLES OFF CACHE BOOL "")
