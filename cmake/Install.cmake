# SPDX-FileCopyrightText: 2026 The Rondo authors
# SPDX-License-Identifier: MIT
#
# What `cmake --install` puts where: headers, a CMake package, a pkg-config file. Nothing depends
# on the architecture, so the two packages lie under share/.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(rondo_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/rondo")
set(rondo_pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/rondo"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp")

install(TARGETS rondo EXPORT rondo INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT rondo
  FILE rondoTargets.cmake
  NAMESPACE rondo::
  DESTINATION "${rondo_package_dir}")

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/rondoConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/package/rondoConfig.cmake"
  INSTALL_DESTINATION "${rondo_package_dir}"
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/package/rondoConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)
install(FILES
  "${PROJECT_BINARY_DIR}/package/rondoConfig.cmake"
  "${PROJECT_BINARY_DIR}/package/rondoConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/FindLiburing.cmake"
  DESTINATION "${rondo_package_dir}")

# The prefix is told relative to the file, so that the tree may be moved.
file(RELATIVE_PATH rondo_prefix_from_pkgconfig
  "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" rondo_prefix_from_pkgconfig "${rondo_prefix_from_pkgconfig}")
configure_file(
  "${CMAKE_CURRENT_LIST_DIR}/rondo.pc.in"
  "${PROJECT_BINARY_DIR}/package/rondo.pc"
  @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/rondo.pc" DESTINATION "${rondo_pkgconfig_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
