# SPDX-License-Identifier: Apache-2.0
# One target per folder, one way to declare it: tilegrid_library(core SOURCES ... PUBLIC ... PRIVATE ...)

add_library(tilegrid_private_options INTERFACE)
target_compile_options(tilegrid_private_options INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -ffp-contract=off -Wall -Wextra -Wconversion $<$<BOOL:${TILEGRID_WERROR}>:-Werror>)
# An int may be an index and a size a count, without a cast: Clang would count that as a conversion, GCC does not (core/ids.h).
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(tilegrid_private_options INTERFACE -Wno-sign-conversion)
endif()
# GCC 12 sees overlapping and endless copies in "literal" + std::string where there are none (GCC bugs 105329, 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(tilegrid_private_options INTERFACE -Wno-restrict -Wno-stringop-overflow)
endif()
if(TILEGRID_SANITIZE)
  add_compile_options(-fsanitize=${TILEGRID_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TILEGRID_SANITIZE})
endif()

# What nearly every source includes, compiled once: for each library, or for all when few sources of each are compiled. Sources
# still name what they use: tests/package compiles the headers without.
set(TILEGRID_PRECOMPILED <algorithm> <array> <cstdint> <functional> <map> <memory> <optional> <span> <string> <vector> <fmt/format.h>)
if(TILEGRID_TOGETHER)
  find_package(fmt REQUIRED)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cpp CONTENT "")
  add_library(tilegrid_precompiled OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
  target_compile_features(tilegrid_precompiled PRIVATE cxx_std_20)
  target_link_libraries(tilegrid_precompiled PRIVATE fmt::fmt tilegrid_private_options)
  target_precompile_headers(tilegrid_precompiled PRIVATE ${TILEGRID_PRECOMPILED})
endif()

# Sources of one folder share most of what they include and instantiate: eight of them together cost half. What is compiled with
# options of its own, or once a SIMD target, stays alone. Names in anonymous namespaces of one folder have to differ.
function(tilegrid_compile_together target)
  if(NOT TILEGRID_TOGETHER)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(source IN LISTS sources)
    file(REAL_PATH ${source} path)
    file(RELATIVE_PATH path ${CMAKE_CURRENT_SOURCE_DIR} ${path})
    get_filename_component(folder ${path} DIRECTORY)
    if(folder MATCHES "^\\.\\.|simd$")
      continue()
    endif()
    string(MAKE_C_IDENTIFIER "of_${folder}" group)
    math(EXPR in_group "0${count_${group}} + 1")
    set(count_${group} ${in_group})
    math(EXPR number "(${in_group} - 1) / 8")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP "${group}_${number}")
  endforeach()
endfunction()

function(tilegrid_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(tilegrid_${name} STATIC ${ARG_SOURCES})
  add_library(tilegrid::${name} ALIAS tilegrid_${name})
  set_target_properties(tilegrid_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(tilegrid_${name} PUBLIC cxx_std_20)
  # In the tree and in users' code headers are named from the root: "core/tile.h", or <tilegrid/core/tile.h> once installed.
  target_include_directories(tilegrid_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/tilegrid>)
  target_link_libraries(tilegrid_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:tilegrid_private_options>)
  if(TILEGRID_TOGETHER)
    target_precompile_headers(tilegrid_${name} REUSE_FROM tilegrid_precompiled)
  else()
    target_precompile_headers(tilegrid_${name} PRIVATE ${TILEGRID_PRECOMPILED})
  endif()
  tilegrid_compile_together(tilegrid_${name})
  install(TARGETS tilegrid_${name} EXPORT tilegrid_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tilegrid
    FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp"
    # Not for users: the command, and what needs the headers of MPI or Highway.
    PATTERN cli EXCLUDE PATTERN simd EXCLUDE REGEX "runtime/metalium" EXCLUDE PATTERN "mpi_transport.h" EXCLUDE PATTERN "mpi_doorbell.h" EXCLUDE)
endfunction()

function(tilegrid_install_package)
  include(CMakePackageConfigHelpers)
  set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tilegrid)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/scripts/cmake/tilegrid-config.cmake.in
    ${PROJECT_BINARY_DIR}/tilegrid-config.cmake INSTALL_DESTINATION ${config_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/tilegrid-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/tilegrid-config.cmake ${PROJECT_BINARY_DIR}/tilegrid-config-version.cmake
    ${PROJECT_SOURCE_DIR}/scripts/cmake/tilegrid-metalium.cmake DESTINATION ${config_dir})
  install(EXPORT tilegrid_targets FILE tilegrid-targets.cmake NAMESPACE tilegrid:: DESTINATION ${config_dir})
endfunction()
