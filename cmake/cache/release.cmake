# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# cmake -C cmake/cache/release.cmake -B build/release: what users build, and what is measured.

set(CMAKE_BUILD_TYPE Release CACHE STRING "")
set(RONDO_WERROR ON CACHE BOOL "")
