// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/cost.h"

#include <algorithm>
#include <array>
#include <string_view>

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

bool runs_on_sfpu(const Instruction& instruction) {
  switch (instruction.action) {
    case Action::copy:
    case Action::fill:
    case Action::unary:
    case Action::sfpu_binary:
    case Action::ternary:
      return true;
    default:
      return false;
  }
}

}  // namespace

double sfpu_cycles(const Chip& chip, const Function& function, VectorMode mode) {
  if (function.vector) return chip.cycles().vector(*function.vector, mode);
  // A column vector needs 8 of the 32 vectors of a tile, a row vector 16 (tensix.md 3.2, generic SFPU law).
  constexpr EnumArray<VectorMode, double> parts{1, 0.5, 0.5, 0.25};
  return function.sfpu_cycles * parts[mode];
}

VectorMode mode_of(const Shape& shape) {
  if (shape.cols.unit) return VectorMode::first_column;
  return shape.rows.unit ? VectorMode::r : VectorMode::rc;
}

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
  const bool in_dram = (graph_.is_input(value) || output) && !graph_.value(value).carried;
  if (!in_dram) return machine_.intermediate_format();
  return output ? machine_.out_format() : machine_.format;
}

double CostModel::unpack_cycles(ValueId value, double tiles) const {
  return tiles * machine_.chip.cycles().unpack(tile_bytes(format_of(value)));
}

double CostModel::vector_cycles(const Instruction& instruction) const {
  return sfpu_cycles(machine_.chip, *graph_.op(instruction.op).function, mode_of(graph_.value(instruction.result).shape));
}

double CostModel::eltwise_cycles(const Instruction& instruction) const {
  const CoreCycles& cycles = machine_.chip.cycles();
  const std::string_view name = graph_.op(instruction.op).function->name;
  const EltwiseOp op = name == "mul" ? EltwiseOp::mul : name == "sub" ? EltwiseOp::sub : EltwiseOp::add;
  return instruction.action == Action::dest_reuse ? cycles.dest_reuse(op, phases()) : cycles.eltwise(op, phases());
}

double CostModel::pack_cycles(const Instruction& instruction) const {
  const DataFormat format = format_of(instruction.value[0], instruction.to_output);
  return machine_.chip.cycles().pack(tile_bytes(format), is_block_float(format), instruction.accumulate);
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
  const CoreCycles& cycles = machine_.chip.cycles();
  switch (instruction.action) {
    case Action::load:
      return cycles.copy;
    case Action::copy:
      return cycles.vector(VectorOp::copy_dst, VectorMode::rc);
    case Action::fill:
      return cycles.vector(VectorOp::fill, VectorMode::rc);
    case Action::unary:
    case Action::sfpu_binary:
    case Action::ternary:
      return vector_cycles(instruction);
    case Action::fpu_binary:
    case Action::dest_reuse:
      return eltwise_cycles(instruction);
    case Action::reduce: {
      const Op& op = graph_.op(instruction.op);
      return tiles * cycles.reduce(op.pool, op.dim, phases());
    }
    case Action::tile_sum: {
      const double added = instruction.slot[1] >= 0 ? cycles.copy + cycles.vector(VectorOp::add_tile, VectorMode::rc)
                                                    : cycles.dest_reuse(EltwiseOp::add, phases());
      return cycles.copy + (tiles - 1) * added;
    }
    case Action::transpose:
      return cycles.transpose;
    case Action::matmul:
    case Action::pack:
      return 0;
  }
  return 0;
}

UnitCycles CostModel::matmul(const Instruction& instruction, int k_tiles) const {
  const Op& op = graph_.op(instruction.op);
  const double k = k_tiles > 0 ? k_tiles : graph_.value(op.in[0]).shape.cols.tiles;
  const auto operand = [&](ValueId value) {
    const double bytes = tile_bytes(format_of(value));
    return CoreCycles::Operand{machine_.chip.cycles().unpack(bytes), machine_.chip.cycles().joint(bytes)};
  };
  const OperandSteps steps = machine_.chip.cycles().matmul_block_steps(instruction.rt, instruction.ct, k, operand(op.in[0]),
                                                                       operand(op.in[1]), op.transpose_b, phases());
  UnitCycles cycles;
  cycles.unpack = steps.steps * steps.unpack;
  cycles.math = steps.steps * steps.math;
  cycles.unpacked_tiles = k * unpack_tiles_per_k({instruction.rt, instruction.ct});
  return cycles;
}

UnitCycles CostModel::of(const Instruction& instruction, int k_tiles) const {
  UnitCycles cycles;
  double tiles = 1;
  switch (instruction.action) {
    case Action::load:
    case Action::dest_reuse:
      cycles.unpack = unpack_cycles(instruction.value[0]);
      cycles.unpacked_tiles = 1;
      break;
    case Action::transpose:
      cycles.unpack = unpack_cycles(instruction.value[0]) + machine_.chip.cycles().unpack_transpose;
      cycles.unpacked_tiles = 1;
      break;
    case Action::fpu_binary:
      cycles.unpack = machine_.chip.cycles().unpack_two(tile_bytes(format_of(instruction.value[0])),
                                                        tile_bytes(format_of(instruction.value[1])));
      cycles.unpacked_tiles = 2;
      break;
    case Action::matmul:
      return matmul(instruction, k_tiles);
    case Action::reduce:
    case Action::tile_sum:
      tiles = tiles_read(instruction);
      cycles.unpack = unpack_cycles(instruction.value[0], tiles);
      cycles.unpacked_tiles = tiles;
      break;
    case Action::pack:
      cycles.pack = pack_cycles(instruction);
      cycles.packed_tiles = 1;
      break;
    default:
      break;
  }
  cycles.math = math_cycles(instruction, tiles);
  return cycles;
}

UnitCycles CostModel::of(const std::vector<Instruction>& body, int k_tiles) const {
  const CoreCycles& chip = machine_.chip.cycles();
  UnitCycles cycles;
  const Instruction* before = nullptr;
  bool accumulates = false;
  for (const Instruction& instruction : body) {
    cycles += of(instruction, k_tiles);
    if (instruction.action == Action::pack) {
      if (instruction.accumulate != accumulates) cycles.pack += chip.configure_flag;
      accumulates = instruction.accumulate;
      continue;
    }
    if (before == nullptr || !same_setup(*before, instruction, graph_)) {
      cycles.math += runs_on_sfpu(instruction) ? chip.vector_switch : chip.operation_switch;
    }
    before = &instruction;
  }
  return cycles;
}

double CostModel::section(const UnitCycles& cycles) const {
  const CoreCycles& chip = machine_.chip.cycles();
  const double busy = std::max(cycles.unpack, cycles.math + chip.dst_acquire + chip.dst_commit);
  const double pack = cycles.pack + chip.dst_wait + chip.dst_release;
  return machine_.full_sync ? busy + pack : std::max(busy, pack);
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
          partial.math += machine_.chip.cycles().copy;
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
  // Each is waited for and popped, or reserved and pushed.
  const double buffers = count_of(stage.packs) + 1;
  const double buffer = machine_.chip.cycles().cb_wait + machine_.chip.cycles().cb_pop;
  return total + (machine_.full_sync ? 0 : drain) + buffers * buffer;
}

}  // namespace tilegrid::planner
