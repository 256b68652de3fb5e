# SPDX-License-Identifier: Apache-2.0
# tilegrid_add_revision(TARGET HEADER): adds a source to TARGET that defines what HEADER declares, source_revision(). It is looked up at each
# build, and written and compiled only when it has changed: a commit costs one small file and a link.
#
# Called as a script (cmake -P) it does the look-up.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  function(tilegrid_add_revision target header)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/revision.cpp)
    add_custom_target(${target}_revision BYPRODUCTS ${output}
      COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D OUTPUT=${output} -D HEADER=${header} -P ${PROJECT_SOURCE_DIR}/scripts/cmake/Revision.cmake
      COMMENT "Looking up the revision of the sources" VERBATIM)
    target_sources(${target} PRIVATE ${output})
    add_dependencies(${target} ${target}_revision)
  endfunction()
  return()
endif()

# The sources' own repository: not one that they happen to lie in, as an unpacked archive might.
set(revision unknown)
find_program(git git)
if(git AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND described MATCHES "^[0-9a-f]+(-dirty)?$")
    set(revision ${described})
  endif()
endif()

set(text "// SPDX-License-Identifier: Apache-2.0
// Made by scripts/cmake/Revision.cmake.
#include \"${HEADER}\"

namespace tilegrid {

const char* source_revision() { return \"${revision}\"; }

}  // namespace tilegrid
")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
