// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "core/format.h"
#include "kernels/program.h"

namespace tilegrid {

/// A contiguous run of items.
struct Share {
  int first = 0;
  int count = 0;
};
/// Of `items` that are dealt to `cores` in runs, that of core `core`; the remainder goes to the first cores.
[[nodiscard]] constexpr Share share_of(int items, int cores, int core) {
  const int each = items / cores, more = items % cores;
  return {core * each + std::min(core, more), each + (core < more ? 1 : 0)};
}

/// Runtime arguments of every kernel on every core of the grid: the first item of the core's share, and how many.
inline void deal(Program& program, int items) {
  const int cores = program.grid.cores();
  for (KernelConfig& kernel : program.kernels) {
    for (int core = 0; core < cores; ++core) {
      const Share share = share_of(items, cores, core);
      const std::uint32_t first = share.first, count = share.count;
      kernel.runtime_args.push_back({core, {first, count}});
    }
  }
}

/// A circular buffer that holds tiles.
struct TileBuffer {
  std::uint32_t id = 0, tiles = 0;
  const char* role = "";
};
/// Gives the program circular buffers of tiles of one format.
inline void add_buffers(Program& program, DataFormat format, std::initializer_list<TileBuffer> buffers) {
  for (const auto& [id, tiles, role] : buffers) {
    program.circular_buffers.push_back(CircularBufferConfig::of_tiles(id, tiles, format, role));
  }
}

}  // namespace tilegrid
