# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT

# The warnings our own code is held to. Users of the library never see them.
function(rondo_add_warnings target)
  target_compile_options(${target} INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wsign-conversion)
  if(RONDO_WERROR)
    target_compile_options(${target} INTERFACE -Werror)
  endif()
endfunction()
