# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# Finds liburing and defines the target Liburing::liburing. pkg-config only gives hints, so that
# it is not needed. Rondo's own build uses this file, and so does the installed package.
#
# Sets Liburing_FOUND, Liburing_VERSION. Cache: Liburing_INCLUDE_DIR, Liburing_LIBRARY.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_Liburing QUIET liburing)
endif()

find_path(Liburing_INCLUDE_DIR liburing.h HINTS ${PC_Liburing_INCLUDE_DIRS})
find_library(Liburing_LIBRARY uring HINTS ${PC_Liburing_LIBRARY_DIRS})
mark_as_advanced(Liburing_INCLUDE_DIR Liburing_LIBRARY)

# The header tells its version from 2.4 on; before that only pkg-config knows.
set(Liburing_VERSION "${PC_Liburing_VERSION}")
if(EXISTS "${Liburing_INCLUDE_DIR}/liburing/io_uring_version.h")
  file(STRINGS "${Liburing_INCLUDE_DIR}/liburing/io_uring_version.h" _liburing_version
    REGEX "define IO_URING_VERSION_(MAJOR|MINOR) ")
  string(REGEX REPLACE ".*MAJOR +([0-9]+).*MINOR +([0-9]+).*" "\\1.\\2" Liburing_VERSION
    "${_liburing_version}")
  unset(_liburing_version)
endif()

include(FindPackageHandleStandardArgs)
if(Liburing_VERSION STREQUAL "")
  # Neither source is there: the compiler will tell what is missing.
  unset(Liburing_FIND_VERSION)
endif()
find_package_handle_standard_args(Liburing
  REQUIRED_VARS Liburing_LIBRARY Liburing_INCLUDE_DIR
  VERSION_VAR Liburing_VERSION
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install liburing-dev")

if(Liburing_FOUND AND NOT TARGET Liburing::liburing)
  add_library(Liburing::liburing UNKNOWN IMPORTED)
  set_target_properties(Liburing::liburing PROPERTIES
    IMPORTED_LOCATION "${Liburing_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Liburing_INCLUDE_DIR}")
endif()
