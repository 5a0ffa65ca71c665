# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# cmake -C cmake/cache/debug.cmake -B build/debug: asserts on, warnings are errors.

set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(RONDO_WERROR ON CACHE BOOL "")
