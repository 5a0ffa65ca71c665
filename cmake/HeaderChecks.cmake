# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# For tests of headers as text: what a compiler says to them, alone and together.

# Lists the headers under `include_dir`, relative to it, in `out`. Notices new ones by itself.
function(rondo_list_headers out include_dir)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${include_dir}" "${include_dir}/*.hpp")
  list(SORT headers)
  set(${out} ${headers} PARENT_SCOPE)
endfunction()

# Adds the object library `target`, built with everything else: one file per header, which includes
# that header first, and twice, and nothing else.
function(rondo_add_header_checks target include_dir)
  rondo_list_headers(headers "${include_dir}")
  set(sources "")
  foreach(header IN LISTS headers)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/${target}/${header}.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "#include <@header@>\n#include <@header@>\n" @ONLY)
    list(APPEND sources "${source}")
  endforeach()
  add_library(${target} OBJECT ${sources})
  target_link_libraries(${target} PRIVATE rondo_developer)
endfunction()

# Writes a header that includes every header under `include_dir`.
function(rondo_write_all_headers file include_dir)
  rondo_list_headers(headers "${include_dir}")
  list(TRANSFORM headers REPLACE "(.+)" "#include <\\1>\n")
  list(JOIN headers "" content)
  file(CONFIGURE OUTPUT "${file}" CONTENT "#pragma once\n${content}" @ONLY)
endfunction()

# Sets `out` to the command that compiles a C++20 file against the library without CMake's help.
function(rondo_compile_command out)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
  set(command "${CMAKE_CXX_COMPILER}" ${flags} -std=c++20 -DRONDO_NO_COMPILER_NOTE
    "-I${PROJECT_SOURCE_DIR}/include")
  if(NOT Liburing_INCLUDE_DIR IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    list(APPEND command -isystem "${Liburing_INCLUDE_DIR}")
  endif()
  set(${out} ${command} PARENT_SCOPE)
endfunction()
