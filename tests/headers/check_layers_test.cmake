# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# cmake -DSCRIPT=<check_layers.cmake> -DWORK_DIR=<scratch folder> -P check_layers_test.cmake
#
# Feeds check_layers.cmake small trees with one mistake each, and asks that it names the mistake.

cmake_minimum_required(VERSION 3.22)

# Runs the check on headers given as pairs of name and includes. It must say `expected`, or with
# an empty `expected` pass.
function(expect expected)
  file(REMOVE_RECURSE "${WORK_DIR}")
  if(NOT DEFINED guard)
    set(guard "#pragma once\n")
  endif()
  set(arguments ${ARGN})
  while(arguments)
    list(POP_FRONT arguments header includes)
    string(REPLACE " " "\n#include " includes "${includes}")
    file(WRITE "${WORK_DIR}/rondo/${header}" "${guard}#include ${includes}\n")
  endwhile()
  file(WRITE "${WORK_DIR}/layers.txt" "# a comment\nlayer 0 low includes\nforbid 0 regex\n"
    "low.hpp\nlow2.hpp\nlayer 1 high includes 0\nhigh.hpp\nnot_yet.hpp\n")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" "-DINCLUDE_DIR=${WORK_DIR}" "-DLAYERS=${WORK_DIR}/layers.txt"
      -P "${SCRIPT}"
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(expected STREQUAL "" AND NOT result EQUAL 0)
    message(FATAL_ERROR "a good tree was refused: ${output}")
  elseif(NOT expected STREQUAL "" AND result EQUAL 0)
    message(FATAL_ERROR "not noticed: ${expected}")
  endif()
  string(FIND "${output}" "${expected}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "expected \"${expected}\" in: ${output}")
  endif()
endfunction()

expect("" low.hpp "<string> <memory>" low2.hpp "<rondo/low.hpp>" high.hpp "<rondo/low.hpp>")
expect("low.hpp (layer 0, low) includes high.hpp (layer 1, high)"
  low.hpp "<rondo/high.hpp>" high.hpp "<vector>")
expect("these include each other in a circle, or lead to one: low.hpp, low2.hpp"
  low.hpp "<rondo/low2.hpp>" low2.hpp "<rondo/low.hpp>")
expect("stray.hpp stands in no layer" stray.hpp "<vector>")
expect("low.hpp includes gone.hpp, which does not exist" low.hpp "<rondo/gone.hpp>")
expect("includes <regex>" low.hpp "<regex>")
expect("high.hpp includes <liburing.h>" high.hpp "<liburing.h>")
expect("write <rondo/...>" high.hpp "\"low.hpp\"")
set(guard "// none\n")
expect("low.hpp has no #pragma once" low.hpp "<vector>")
