// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/cost.h"

#include <algorithm>

#include "core/format.h"
#include "kernels/planner/slot_cases/subblock_tables.h"

namespace tilegrid::planner {
namespace {

/// What the math thread must be set up for; a change costs an init.
bool same_setup(const Instruction& a, const Instruction& b, const Graph& graph) {
  if (a.action != b.action || a.broadcast != b.broadcast || a.dst_is_a != b.dst_is_a) return false;
  if (a.op < 0 || b.op < 0) return a.op == b.op;
  return graph.op(a.op).function == graph.op(b.op).function && graph.op(a.op).transpose_b == graph.op(b.op).transpose_b;
}

}  // namespace

UnitCycles& UnitCycles::operator+=(const UnitCycles& other) {
  unpack += other.unpack;
  math += other.math;
  pack += other.pack;
  unpacked_tiles += other.unpacked_tiles;
  packed_tiles += other.packed_tiles;
  return *this;
}

UnitCycles& UnitCycles::operator*=(double factor) {
  unpack *= factor;
  math *= factor;
  pack *= factor;
  unpacked_tiles *= factor;
  packed_tiles *= factor;
  return *this;
}

DataFormat CostModel::format_of(ValueId value, bool output) const {
  return graph_.is_input(value) || output ? machine_.format : machine_.intermediate_format();
}

double CostModel::unpack_cycles(ValueId value, double tiles) const {
  return tiles * tile_bytes(format_of(value)) / machine_.costs.unpack_bytes_per_cycle;
}

double CostModel::vector_cycles(const Instruction& instruction) const {
  const Shape shape = graph_.value(instruction.result).shape;
  // A column vector needs 8 of the 32 vectors of a tile, a row vector 16 (tensix.md 3.2, generic SFPU law).
  double part = 1;
  if (shape.cols.unit) {
    part = 0.25;
  } else if (shape.rows.unit) {
    part = 0.5;
  }
  return graph_.op(instruction.op).function->sfpu_cycles * part;
}

double CostModel::tiles_read(const Instruction& instruction) const {
  const Op& op = graph_.op(instruction.op);
  const Shape operand = graph_.value(op.in[0]).shape;
  switch (op.dim) {
    case ReduceDim::row:
      return operand.cols.tiles;
    case ReduceDim::col:
      return operand.rows.tiles;
    case ReduceDim::scalar:
      return operand.tiles();
  }
  return 1;
}

double CostModel::math_cycles(const Instruction& instruction, double tiles) const {
  const Costs& costs = machine_.costs;
  const double phases = static_cast<double>(machine_.fidelity);
  switch (instruction.action) {
    case Action::load:
      return costs.copy_tile;
    case Action::copy:
    case Action::fill:
      return costs.copy_dst;
    case Action::unary:
    case Action::sfpu_binary:
    case Action::ternary:
      return vector_cycles(instruction);
    case Action::fpu_binary:
    case Action::dest_reuse: {
      const bool mul = graph_.op(instruction.op).function->name == "mul";
      const double move = instruction.action == Action::dest_reuse ? costs.copy_tile : 0;  // DST to a source register
      return move + (mul ? costs.mul_tile_phase * phases : costs.add_tile);
    }
    case Action::matmul:
      return tiles * costs.matmul_tile_phase * phases;
    case Action::reduce: {
      const Op& op = graph_.op(instruction.op);
      if (op.dim == ReduceDim::scalar) return tiles * costs.reduce_scalar;
      if (op.pool == Pool::max) return tiles * (op.dim == ReduceDim::row ? costs.reduce_row_max : costs.reduce_col);
      return tiles * phases * (op.dim == ReduceDim::row ? costs.reduce_row_sum_phase : costs.reduce_col);
    }
    case Action::tile_sum:
      return costs.copy_tile +
             (tiles - 1) * (costs.copy_tile + (instruction.slot[1] >= 0 ? costs.copy_dst : costs.add_tile));
    case Action::transpose:
      return costs.transpose_tile;
    case Action::pack:
      return 0;
  }
  return 0;
}

UnitCycles CostModel::of(const Instruction& instruction, int k_tiles) const {
  UnitCycles cycles;
  double tiles = 1;
  switch (instruction.action) {
    case Action::load:
    case Action::transpose:
    case Action::dest_reuse:
      cycles.unpack = unpack_cycles(instruction.value[0]);
      cycles.unpacked_tiles = 1;
      break;
    case Action::fpu_binary:
      cycles.unpack = unpack_cycles(instruction.value[0]) + unpack_cycles(instruction.value[1]);
      cycles.unpacked_tiles = 2;
      break;
    case Action::matmul: {
      const Op& op = graph_.op(instruction.op);
      const double k = k_tiles > 0 ? k_tiles : graph_.value(op.in[0]).shape.cols.tiles;
      const double moved = k * unpack_tiles_per_k({instruction.rt, instruction.ct});
      cycles.unpack = (unpack_cycles(op.in[0], moved) + unpack_cycles(op.in[1], moved)) / 2;
      cycles.unpacked_tiles = moved;
      tiles = k * instruction.rt * instruction.ct;
      break;
    }
    case Action::reduce:
    case Action::tile_sum:
      tiles = tiles_read(instruction);
      cycles.unpack = unpack_cycles(instruction.value[0], tiles);
      cycles.unpacked_tiles = tiles;
      break;
    case Action::pack:
      cycles.pack = tile_bytes(format_of(instruction.value[0], instruction.to_output)) /
                    machine_.costs.pack_bytes_per_cycle * (instruction.accumulate ? 2 : 1);
      cycles.packed_tiles = 1;
      break;
    default:
      break;
  }
  cycles.math = math_cycles(instruction, tiles);
  return cycles;
}

UnitCycles CostModel::of(const std::vector<Instruction>& body, int k_tiles) const {
  UnitCycles cycles;
  const Instruction* before = nullptr;
  bool accumulates = false;
  for (const Instruction& instruction : body) {
    cycles += of(instruction, k_tiles);
    if (instruction.action == Action::pack) {
      if (instruction.accumulate != accumulates) cycles.pack += machine_.costs.init;
      accumulates = instruction.accumulate;
      continue;
    }
    if (before == nullptr || !same_setup(*before, instruction, graph_)) cycles.math += machine_.costs.init;
    before = &instruction;
  }
  return cycles;
}

double CostModel::section(const UnitCycles& cycles) const {
  const double busy = std::max(cycles.unpack, cycles.math);
  const double overlapped = machine_.full_sync ? busy + cycles.pack : std::max(busy, cycles.pack);
  return overlapped + machine_.costs.section;
}

double CostModel::stage(const Stage& stage, UnitCycles& busy) const {
  double total = 0;
  double drain = 0;
  for (const Run& run : stage.runs) {
    UnitCycles cycles = of(run.body, stage.k_block);
    double once = section(cycles);
    if (stage.k_blocks > 1 && stage.carrier == Carrier::dst) {
      // The matmul instructions run once for each K block, the rest of the section once.
      UnitCycles matmul;
      for (const Instruction& instruction : run.body) {
        if (instruction.action == Action::matmul) matmul += of(instruction, stage.k_block);
      }
      matmul *= stage.k_blocks - 1;
      cycles += matmul;
      once = section(cycles);
    } else if (stage.k_blocks > 1) {
      UnitCycles partial;
      if (stage.carrier == Carrier::reload) {
        for (const Instruction& instruction : run.body) {
          if (instruction.action != Action::pack) continue;
          partial.unpack += unpack_cycles(instruction.value[0]);
          partial.math += machine_.costs.copy_tile;
          partial.unpacked_tiles += 1;
        }
      }
      UnitCycles beginning = cycles;
      if (stage.carrier == Carrier::l1) beginning.pack /= 2;  // the first block overwrites
      const double first = section(beginning);
      UnitCycles later = cycles;
      later += partial;
      once = first + (stage.k_blocks - 1) * section(later);
      later *= stage.k_blocks - 1;
      cycles += later;
    }
    drain = cycles.pack / std::max(1, stage.k_blocks);
    cycles *= run.sections();
    busy += cycles;
    total += once * run.sections();
  }
  const double buffers = static_cast<double>(stage.packs.size()) + 1;
  return total + (machine_.full_sync ? 0 : drain) + buffers * machine_.costs.cb_operation;
}

}  // namespace tilegrid::planner
