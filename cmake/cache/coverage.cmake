# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# cmake -C cmake/cache/coverage.cmake -B build/coverage: which lines the tests reach.

set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(CMAKE_CXX_FLAGS "--coverage" CACHE STRING "")
set(RONDO_BUILD_BENCHMARKS OFF CACHE BOOL "")
