// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tile.h"

// What kernels need of the host's configuration, which has headers that no kernel could compile quickly.
namespace tilegrid {

struct Program;

/// Of core/format.cpp; a kernel's buffers have formats that are known.
void unknown_format(DataFormat /*format*/) { __builtin_trap(); }

namespace attention {

struct Config;
struct WorkItem {
  int batch = 0;
  int head = 0;
  int chunk = 0;
  static constexpr WorkItem of(int flat_head, int heads, int chunk) { return {flat_head / heads, flat_head % heads, chunk}; }
};

}  // namespace attention
}  // namespace tilegrid
