# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# cmake -DCOMPILER=<command;...> -DCOMPILER_ID=<GNU|Clang> -DSOURCE=<file> -P check_mistake.cmake
#
# Compiles a file twice. As it is, it must pass. With MISTAKE defined it must fail, and the
# compiler must say what comments in the file announce:
#
#   // expect: <text>        this text, in a message
#   // expect GNU: <text>    the same from this compiler alone; or Clang
#   // expect errors: <n>    so many errors in all, so that one mistake is not told ten times

cmake_minimum_required(VERSION 3.22)

get_filename_component(name "${SOURCE}" NAME)
set(command ${COMPILER} -Wall -Wextra -Werror -fdiagnostics-color=never -c "${SOURCE}" -o /dev/null)

execute_process(COMMAND ${command} RESULT_VARIABLE result ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${name} does not compile even without the mistake:\n${output}")
endif()

execute_process(COMMAND ${command} -DMISTAKE RESULT_VARIABLE result ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "${name}: the mistake compiles")
endif()

file(STRINGS "${SOURCE}" expectations REGEX "^// expect( ${COMPILER_ID})?: ")
if(NOT expectations)
  message(FATAL_ERROR "${name} has no line `// expect: <text>`")
endif()
foreach(expectation IN LISTS expectations)
  string(REGEX REPLACE "^// expect[^:]*: " "" text "${expectation}")
  string(FIND "${output}" "${text}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "${name}: the compiler does not say \"${text}\", but:\n${output}")
  endif()
endforeach()

file(STRINGS "${SOURCE}" expected_errors REGEX "^// expect errors: ")
if(expected_errors)
  string(REGEX REPLACE "^// expect errors: " "" expected_errors "${expected_errors}")
  string(REGEX MATCHALL " error: " errors "${output}")
  list(LENGTH errors errors)
  if(NOT errors EQUAL expected_errors)
    message(FATAL_ERROR "${name}: ${errors} errors, not ${expected_errors}:\n${output}")
  endif()
endif()

message("${output}")
