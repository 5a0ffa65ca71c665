# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT

# Builds `target` with the sanitizers named by RONDO_SANITIZE, if any. A finding ends the program.
function(rondo_add_sanitizers target)
  if(RONDO_SANITIZE STREQUAL "")
    return()
  endif()
  target_compile_options(${target} INTERFACE
    "-fsanitize=${RONDO_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(${target} INTERFACE "-fsanitize=${RONDO_SANITIZE}")
  # Clang before 17 cannot place the function signatures of coroutines (llvm 49689).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17
      AND RONDO_SANITIZE MATCHES "undefined")
    target_compile_options(${target} INTERFACE -fno-sanitize=function)
  endif()
endfunction()
