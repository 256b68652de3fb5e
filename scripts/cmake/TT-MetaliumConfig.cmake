# SPDX-License-Identifier: Apache-2.0
# Projects that look for TT-Metalium find tilegrid in its place.
include(CMakeFindDependencyMacro)
find_dependency(tilegrid)
foreach(name TT::Metalium Metalium::Metal)
  if(NOT TARGET ${name})
    add_library(${name} INTERFACE IMPORTED)
    target_link_libraries(${name} INTERFACE tilegrid::metalium)
  endif()
endforeach()
