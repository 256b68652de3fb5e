# SPDX-License-Identifier: Apache-2.0
# A host program for TT-Metalium, as it is: tilegrid_metalium_program(name sources...). It is an executable like any other;
# further include folders and libraries are set on it.
function(tilegrid_metalium_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE tilegrid::metalium)
endfunction()
