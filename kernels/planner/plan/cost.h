// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/planner/plan/plan.h"

namespace tilegrid::planner {

/// Busy cycles of the three parts of the compute pipeline, and tiles moved.
struct UnitCycles {
  double unpack = 0, math = 0, pack = 0;
  double unpacked_tiles = 0, packed_tiles = 0;
  UnitCycles& operator+=(const UnitCycles& other);
  UnitCycles& operator*=(double factor);
};

/// Part of a tile that the vector unit has to do for a result of this shape.
[[nodiscard]] VectorMode mode_of(const Shape& shape);
/// SFPU cycles of a tile: of the chip, or the function's own estimate when the emulated SFPU does not have it.
[[nodiscard]] double sfpu_cycles(const Chip& chip, const Function& function, VectorMode mode);

/// What instructions cost on a machine, by the cycles of its chip, which device time is made of too (core/chip). Formats of
/// operands in CBs: inputs have the machine's format, everything else the intermediate one.
class CostModel {
 public:
  CostModel(const Graph& graph, const Machine& machine) : graph_(graph), machine_(machine) {}

  /// One instruction; matmul and reduce over all tiles that they run over, or over `k_tiles` of K when positive.
  [[nodiscard]] UnitCycles of(const Instruction& instruction, int k_tiles = 0) const;
  /// A section's body, with re-initialisation where the operation changes, without overlap.
  [[nodiscard]] UnitCycles of(const std::vector<Instruction>& body, int k_tiles = 0) const;
  /// Cycles of one section in a long row of them: the slowest unit, hand-overs included; in full-sync pack does not overlap
  /// (dst.md 3.3).
  [[nodiscard]] double section(const UnitCycles& cycles) const;
  /// A stage over a block, filling and draining included; adds its busy cycles to `busy`.
  [[nodiscard]] double stage(const Stage& stage, UnitCycles& busy) const;

  [[nodiscard]] DataFormat format_of(ValueId value, bool output = false) const;
  [[nodiscard]] const Machine& machine() const { return machine_; }

 private:
  [[nodiscard]] double unpack_cycles(ValueId value, double tiles = 1) const;
  [[nodiscard]] UnitCycles matmul(const Instruction& instruction, int k_tiles) const;
  [[nodiscard]] double math_cycles(const Instruction& instruction, double tiles) const;
  [[nodiscard]] double vector_cycles(const Instruction& instruction) const;
  [[nodiscard]] double eltwise_cycles(const Instruction& instruction) const;
  [[nodiscard]] std::uint32_t phases() const { return to_underlying(machine_.fidelity); }
  [[nodiscard]] double pack_cycles(const Instruction& instruction) const;
  [[nodiscard]] double tiles_read(const Instruction& instruction) const;

  const Graph& graph_;
  const Machine& machine_;
};

}  // namespace tilegrid::planner
