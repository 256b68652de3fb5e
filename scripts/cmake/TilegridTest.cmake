# SPDX-License-Identifier: Apache-2.0
# How to declare tests. No test is ever left out for lack of cores: MPI ranks share them.
#
#   tilegrid_unit_test(name SOURCES a.cpp ... LIBRARIES tilegrid::core ... [TIMEOUT seconds])
#   tilegrid_mpi_test(name SOURCES a.cpp ... LIBRARIES ... RANKS 2 4 ... [ALONE] [LABELS ...] [TIMEOUT seconds])
#
# A unit test is one ctest entry. An MPI test is one entry for each rank count, `name.rN`, labelled mpi, or grid80 from 80
# ranks on; all of its cases run in one mpirun, because starting 80 ranks takes seconds. ALONE adds `name.one`, one process
# without mpirun, labelled unit.
find_package(GTest REQUIRED)
set(MPI_CXX_SKIP_MPICXX TRUE)
find_package(MPI REQUIRED COMPONENTS CXX)
include(ProcessorCount)
ProcessorCount(TILEGRID_TEST_CORES)
if(TILEGRID_TEST_CORES EQUAL 0)
  set(TILEGRID_TEST_CORES 1)
endif()

# What the tests labelled unit need, without those that need a launcher.
add_custom_target(unit_tests)

# As for the libraries (TilegridTargets.cmake), with GoogleTest. An executable, as its flags have to be those of the tests.
if(TILEGRID_TOGETHER)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/precompiled_test.cpp CONTENT "int main() {}\n")
  add_executable(tilegrid_precompiled_test EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/precompiled_test.cpp)
  target_compile_features(tilegrid_precompiled_test PRIVATE cxx_std_20)
  target_link_libraries(tilegrid_precompiled_test PRIVATE fmt::fmt GTest::gtest tilegrid_private_options)
  target_precompile_headers(tilegrid_precompiled_test PRIVATE ${TILEGRID_PRECOMPILED} <gtest/gtest.h>)
endif()

function(tilegrid_test_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_definitions(${name} PRIVATE TILEGRID_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} tilegrid_private_options)
  if(TILEGRID_TOGETHER AND "GTest::gtest" IN_LIST ARG_LIBRARIES)
    target_precompile_headers(${name} REUSE_FROM tilegrid_precompiled_test)
  endif()
endfunction()

function(tilegrid_unit_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT ARG_SOURCES OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tilegrid_unit_test(${name}): needs SOURCES; not understood: '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  tilegrid_test_executable(${name} SOURCES ${ARG_SOURCES} LIBRARIES ${ARG_LIBRARIES} GTest::gtest GTest::gtest_main)
  add_dependencies(unit_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${ARG_TIMEOUT})
endfunction()

function(tilegrid_mpi_test name)
  cmake_parse_arguments(ARG "ALONE" "TIMEOUT" "SOURCES;LIBRARIES;RANKS;LABELS" ${ARGN})
  if(NOT ARG_SOURCES OR NOT ARG_RANKS OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tilegrid_mpi_test(${name}): needs SOURCES and RANKS; not understood: '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  # The launcher's own limit comes first, so that it still cleans up.
  math(EXPR ctest_timeout "${ARG_TIMEOUT} + 30")
  tilegrid_test_executable(${name}
    SOURCES ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/mpi_main.cpp ${PROJECT_SOURCE_DIR}/tests/support/mpi_listener.cpp
    LIBRARIES ${ARG_LIBRARIES} tilegrid::noc GTest::gtest MPI::MPI_CXX)
  if(ARG_ALONE)
    add_dependencies(unit_tests ${name})
    add_test(NAME ${name}.one COMMAND ${name})
    set_tests_properties(${name}.one PROPERTIES LABELS unit TIMEOUT ${ARG_TIMEOUT})
  endif()
  foreach(ranks IN LISTS ARG_RANKS)
    set(test ${name}.r${ranks})
    set(labels mpi)
    if(ranks GREATER_EQUAL 80)
      set(labels grid80)
    endif()
    set(alone FALSE)
    set(cores ${ranks})
    if(ranks GREATER TILEGRID_TEST_CORES)
      set(alone TRUE)
      set(cores ${TILEGRID_TEST_CORES})
    endif()
    add_test(NAME ${test} COMMAND ${PROJECT_SOURCE_DIR}/scripts/grid ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${test} PROPERTIES LABELS "${labels};${ARG_LABELS}" PROCESSORS ${cores} RUN_SERIAL ${alone}
      TIMEOUT ${ctest_timeout} ENVIRONMENT "TILEGRID_TIMEOUT=${ARG_TIMEOUT}")
  endforeach()
endfunction()
