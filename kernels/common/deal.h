// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

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
  std::uint32_t id = 0;
  const char* role = "";
};
/// Gives the program circular buffers of so many tiles of one format.
inline void add_buffers(Program& program, DataFormat format, std::uint32_t tiles,
                        std::initializer_list<TileBuffer> buffers) {
  for (const auto& [id, role] : buffers) {
    program.circular_buffers.push_back(CircularBufferConfig::of_tiles(id, tiles, format, role));
  }
}

/// An argument of a kernel: a whole number, or the bits of a float.
struct Argument {
  std::uint32_t word = 0;
  Argument(std::integral auto value) : word(static_cast<std::uint32_t>(value)) {}
  Argument(std::floating_point auto value) : word(std::bit_cast<std::uint32_t>(static_cast<float>(value))) {}
};
/// A registered kernel, and arguments that all cores have in common.
struct CommonKernel {
  std::string name;
  std::vector<Argument> arguments;
};
/// Gives all cores of the grid the usual three: a reader on NCRISC and NoC 0, compute, a writer on BRISC and NoC 1.
inline void add_kernels(Program& program, const CommonKernel& reader, const CommonKernel& compute,
                        const CommonKernel& writer) {
  const auto add = [&](const CommonKernel& kernel, Risc risc, NocId noc) {
    KernelConfig& config = program.kernels.emplace_back(KernelConfig{kernel.name, risc, noc, {}, {}, {}, {}});
    config.cores = CoreRange::all(program.grid);
    for (const Argument& argument : kernel.arguments) config.common_args.push_back(argument.word);
  };
  add(reader, Risc::ncrisc, NocId::noc0);
  add(compute, Risc::trisc, NocId::noc0);
  add(writer, Risc::brisc, NocId::noc1);
}

}  // namespace tilegrid
