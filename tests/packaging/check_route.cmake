# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# cmake -DROUTE=<route> -DRONDO_SOURCE_DIR=<path> -DRONDO_VERSION=<x.y.z> -DWORK_DIR=<scratch>
#       -DGENERATOR=<name> -DCOMPILER=<path> -P check_route.cmake
#
# Builds and runs the consumer beside this file, which gets the library by one of the routes
# add_subdirectory, fetch_content, find_package and pkg_config.

cmake_minimum_required(VERSION 3.22)

# Runs a command; the output is shown only if it fails.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ROUTE}: ${what} failed:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
set(consumer "${CMAKE_CURRENT_LIST_DIR}/consumer")
set(build "${WORK_DIR}/build")
set(how -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}" -DCMAKE_BUILD_TYPE=Debug)

# The routes that go through an installation get one that was moved after it was made.
if(ROUTE STREQUAL "find_package" OR ROUTE STREQUAL "pkg_config")
  set(prefix "${WORK_DIR}/moved")
  run("configuring the library" "${CMAKE_COMMAND}" -S "${RONDO_SOURCE_DIR}" -B "${WORK_DIR}/rondo"
    ${how} -DRONDO_BUILD_TESTS=OFF -DRONDO_BUILD_BENCHMARKS=OFF -DRONDO_BUILD_EXAMPLES=OFF)
  run("installing" "${CMAKE_COMMAND}" --install "${WORK_DIR}/rondo" --prefix "${WORK_DIR}/first")
  file(RENAME "${WORK_DIR}/first" "${prefix}")
  file(GLOB_RECURSE installed RELATIVE "${prefix}" "${prefix}/*")
  if(NOT "include/rondo/rondo.hpp" IN_LIST installed)
    message(FATAL_ERROR "rondo.hpp was not installed, but: ${installed}")
  endif()
endif()

if(ROUTE STREQUAL "pkg_config")
  find_program(pkg_config NAMES pkg-config pkgconf)
  if(NOT pkg_config)
    message(STATUS "skipped: there is no pkg-config")
    return()
  endif()
  set(ENV{PKG_CONFIG_PATH} "${prefix}/share/pkgconfig")
  run("pkg-config --modversion" "${pkg_config}" --modversion rondo)
  string(STRIP "${output}" version)
  if(NOT version STREQUAL RONDO_VERSION)
    message(FATAL_ERROR "pkg-config says version ${version}, not ${RONDO_VERSION}")
  endif()
  run("pkg-config" "${pkg_config}" --cflags --libs rondo)
  separate_arguments(flags UNIX_COMMAND "${output}")
  file(MAKE_DIRECTORY "${build}")
  run("compiling" "${COMPILER}" "${consumer}/main.cpp" -o "${build}/consumer" ${flags})
else()
  run("configuring" "${CMAKE_COMMAND}" -S "${consumer}" -B "${build}" ${how} "-DROUTE=${ROUTE}"
    "-DRONDO_SOURCE_DIR=${RONDO_SOURCE_DIR}" "-DCMAKE_PREFIX_PATH=${prefix}")
  run("building" "${CMAKE_COMMAND}" --build "${build}")
endif()

run("running" "${build}/consumer")
if(NOT output STREQUAL "the answer is 42, by rondo ${RONDO_VERSION}\n")
  message(FATAL_ERROR "the program printed \"${output}\"")
endif()
message(STATUS "${output}")
