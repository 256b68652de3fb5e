// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/plan.h"

#include <algorithm>

#include "core/format.h"

namespace tilegrid::planner {

const char* name_of(Strategy strategy) {
  constexpr const char* names[strategy_count] = {"naive", "liveness", "subblock", "pipelined", "grid", "best"};
  return names[to_underlying(strategy)];
}

const char* name_of(Action action) {
  constexpr const char* names[] = {"load",       "copy",   "fill",   "unary",    "sfpu_binary", "ternary", "fpu_binary",
                                   "dest_reuse", "matmul", "reduce", "tile_sum", "transpose",   "pack"};
  return names[to_underlying(action)];
}

const char* name_of(Carrier carrier) {
  constexpr const char* names[] = {"dst", "l1", "reload"};
  return names[to_underlying(carrier)];
}

std::uint64_t PlanBuffer::bytes() const { return std::uint64_t{1} * tiles * copies * tile_bytes(format); }

const char* PlanCost::bound() const {
  const double longest = std::max({compute, read, write});
  if (longest == read && read > compute) return "read";
  if (longest == write && write > compute) return "write";
  if (unpack >= math && unpack >= pack) return "unpack";
  return math >= pack ? "math" : "pack";
}

int Plan::sections() const {
  int count = 0;
  for (const Pass& pass : passes) count += pass.first.sections() + (pass.segments - 1) * pass.later.sections();
  for (const Stage& stage : stages) {
    const int repeats = stage.k_blocks > 1 && stage.carrier != Carrier::dst ? stage.k_blocks : 1;
    for (const Run& run : stage.runs) count += run.sections() * repeats;
  }
  return count;
}

int Plan::tiles_per_section() const {
  int tiles = 0;
  for (const Pass& pass : passes) {
    tiles = std::max({tiles, pass.first.tiles_per_section(), pass.later.tiles_per_section()});
  }
  for (const Stage& stage : stages) {
    for (const Run& run : stage.runs) tiles = std::max(tiles, run.h * run.w);
  }
  return tiles;
}

std::uint64_t Plan::cb_bytes() const {
  std::uint64_t bytes = 0;
  for (const PlanBuffer& buffer : buffers) bytes += buffer.bytes();
  return bytes;
}

const PlanBuffer* Plan::buffer_of(ValueId value, bool output) const {
  for (const PlanBuffer& buffer : buffers) {
    if (buffer.value == value && buffer.role != BufferRole::scaler && (buffer.role == BufferRole::output) == output) {
      return &buffer;
    }
  }
  return nullptr;
}

}  // namespace tilegrid::planner
