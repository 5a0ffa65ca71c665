# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# What tests and benchmarks need besides the library: what is installed first, else a download
# pinned by commit, else a message that says what to install.

include(FetchContent)

# Makes `package` available: by find_package, else from `repository` at `commit`.
#
#   rondo_find_or_fetch(<package> DEBIAN <name> REPOSITORY <url> COMMIT <hash>)
#
# Sets <package>_FOUND in the caller's scope when an installed one is used.
macro(rondo_find_or_fetch package)
  cmake_parse_arguments(_rondo_fetch "" "DEBIAN;REPOSITORY;COMMIT" "" ${ARGN})
  find_package(${package} QUIET)
  if(NOT ${package}_FOUND)
    if(NOT RONDO_FETCH_DEPENDENCIES)
      message(FATAL_ERROR "rondo: ${package} is not installed and RONDO_FETCH_DEPENDENCIES is off. "
        "On Debian and Ubuntu: apt-get install ${_rondo_fetch_DEBIAN}")
    endif()
    message(STATUS "${package} is not installed (on Debian and Ubuntu: apt-get install "
      "${_rondo_fetch_DEBIAN}): downloading ${_rondo_fetch_REPOSITORY}")
    FetchContent_Declare(${package}
      GIT_REPOSITORY "${_rondo_fetch_REPOSITORY}"
      GIT_TAG "${_rondo_fetch_COMMIT}")
    FetchContent_MakeAvailable(${package})
  endif()
endmacro()
