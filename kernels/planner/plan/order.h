// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/planner/plan/cost.h"
#include "kernels/planner/plan/stages.h"

namespace tilegrid::planner {

/// From where an operation takes its operands (dst.md 1.2, 2.2).
enum class Form : std::uint8_t {
  unit,     ///< as its kind dictates: matmul, reduce, tile_sum, transpose, unary, ternary
  sfpu,     ///< both operands in DST
  fpu,      ///< both operands from CBs into a fresh slot
  reuse_a,  ///< operand 0 in DST and overwritten, operand 1 from a CB
  reuse_b,  ///< operand 1 in DST and overwritten, operand 0 from a CB
};

/// One operation of one tile: what is brought into DST for it, and which slot its result takes.
struct Step {
  int op = -1;
  Form form = Form::unit;
  std::vector<ValueId> keep;  ///< values of CBs that stay in DST after it, since a later step wants them there
};
using Schedule = std::vector<Step>;

/// The operations of one stage and what binds them.
class StageProblem {
 public:
  /// `held`, by value: must be in DST when the section ends, to be packed or summed by the packer.
  StageProblem(const Graph& graph, const Machine& machine, const OpGroup& group, const std::vector<bool>& packed);

  [[nodiscard]] const Graph& graph() const { return *graph_; }
  [[nodiscard]] const Machine& machine() const { return *machine_; }
  [[nodiscard]] const OpGroup& group() const { return *group_; }
  /// The operations that have steps: all but the sums that the packer makes while it packs.
  [[nodiscard]] const std::vector<int>& ops() const { return ops_; }
  [[nodiscard]] const std::vector<int>& packer_sums() const { return packer_sums_; }
  [[nodiscard]] bool made_here(ValueId value) const;
  [[nodiscard]] bool held(ValueId value) const { return held_[value]; }
  [[nodiscard]] bool packed(ValueId value) const { return packed_[value]; }
  /// Values that are in DST when the section ends, and values that are packed.
  [[nodiscard]] std::vector<ValueId> held_values() const;

  /// Forms that are legal and, with Precision::keep, cut no fp32 value; never empty.
  [[nodiscard]] std::vector<Form> forms_of(int op) const;
  /// Operands that the form reads from DST; the accumulator is one of them.
  [[nodiscard]] bool operand_in_dst(const Op& op, Form form, std::size_t index) const;
  /// Whether the operand is widened on its way to DST (unary_bcast): such a tile is of no use to others.
  [[nodiscard]] bool widened(const Op& op, std::size_t index) const;
  /// How it is widened to the stage's shape.
  [[nodiscard]] Broadcast broadcast_of(ValueId value) const;
  /// Whether the result replaces one of its operands' tiles, the one given by `operand`.
  [[nodiscard]] static bool in_place(const Op& op, Form form, std::size_t& operand);
  /// Whether a tile_sum adds on the SFPU, because the FPU would cut its fp32 sums; meanwhile it takes a second slot.
  [[nodiscard]] bool sums_on_sfpu(const Op& op) const;
  /// Whether the operation adds into its slot, so that the slot must be clean (dst.md 3.1).
  [[nodiscard]] static bool adds_into_slot(const Op& op, Form form);

 private:
  /// Whether the FPU adds, subtracts or multiplies with what it gets from circular buffers without a loss that the SFPU has
  /// not, or may have one.
  [[nodiscard]] bool fpu_keeps(const Op& op) const;

  const Graph* graph_;
  const Machine* machine_;
  const OpGroup* group_;
  std::vector<int> ops_;
  std::vector<int> packer_sums_;
  std::vector<bool> made_here_;
  std::vector<bool> held_;
  std::vector<bool> packed_;
};

/// The operations as listed, element-wise ones on the SFPU, inputs loaded once and kept until their last use: what compilers
/// do (dst.md 1.3, 2.2).
[[nodiscard]] Schedule listed_schedule(const StageProblem& problem);

/// What the search for an order minimises: cycles of each unit, weighted.
struct CycleWeights {
  double unpack = 1;
  double math = 1;
};

/// The cheapest order and forms that keep one tile within `slots` slots; empty when there are none. Exact for up to 20
/// operations as long as the states stay below a limit, a beam search beyond.
[[nodiscard]] Schedule best_schedule(const StageProblem& problem, int slots, CycleWeights weights);

/// Fewest slots with which one tile can be done.
[[nodiscard]] int fewest_slots(const StageProblem& problem);

}  // namespace tilegrid::planner
