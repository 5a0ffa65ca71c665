# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# The version stands in project(), for CMake, and in config.hpp, for programs. They must agree.

# Fails unless RONDO_VERSION_MAJOR, _MINOR and _PATCH in `header` are the project's.
function(rondo_check_version header)
  foreach(part IN ITEMS MAJOR MINOR PATCH)
    file(STRINGS "${header}" line REGEX "^#[ ]*define RONDO_VERSION_${part} ")
    if(NOT line MATCHES "RONDO_VERSION_${part} +([0-9]+)")
      message(FATAL_ERROR "rondo: ${header} does not define RONDO_VERSION_${part}")
    endif()
    if(NOT CMAKE_MATCH_1 EQUAL "${rondo_VERSION_${part}}")
      message(FATAL_ERROR "rondo: ${header} says RONDO_VERSION_${part} is ${CMAKE_MATCH_1}, "
        "project() says ${rondo_VERSION_${part}}: change both together")
    endif()
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
endfunction()
