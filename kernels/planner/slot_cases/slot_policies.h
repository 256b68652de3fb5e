// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"

namespace tilegrid::planner {

/// What an operation of a neutral case asks of DST (dst.md 1.2, 2.2, 3.1). One tile of everything.
enum class SlotKind : std::uint8_t {
  sfpu_unary,    ///< in place
  binary,        ///< add, sub, mul: SFPU, FPU or dest-reuse form
  sfpu_binary,   ///< both operands in DST
  sfpu_ternary,  ///< three operands in DST
  bcast,         ///< operands from CBs, fresh slot
  matmul,        ///< operands from CBs, fresh slot that it adds into
  matmul_acc,    ///< last operand is the accumulator, in DST, in place
  reduce_acc,    ///< as matmul_acc
  fpu_reduce,    ///< operands from CBs, fresh slot that it adds into
  transpose,     ///< operand from a CB, fresh slot
  dest_reuse,    ///< one operand from a CB, the other in DST and overwritten
};
[[nodiscard]] std::optional<SlotKind> slot_kind_of(std::string_view name);
[[nodiscard]] const char* name_of(SlotKind kind);

/// An operation as listed. Slots depend on the kind alone, but for `fn` "mul..." of bcast, which adds into its slot.
struct SlotOp {
  std::string name;  ///< of its result
  SlotKind kind{};
  std::string fn;
  std::vector<int> in;  ///< values: first the inputs, then the results in the order of ops
};

/// One tile's worth of a graph, operations in an order in which they can run.
struct SlotDag {
  std::vector<std::string> inputs;
  std::vector<SlotOp> ops;
  std::vector<int> outputs;  ///< values that are in DST at the end

  [[nodiscard]] int input_count() const { return count_of(inputs); }
  [[nodiscard]] bool is_input(int value) const { return value < input_count(); }
  [[nodiscard]] int result_of(std::size_t op) const { return input_count() + static_cast<int>(op); }
  [[nodiscard]] const std::string& name_of(int value) const;
  [[nodiscard]] bool is_output(int value) const;
};

/// The same without operations that no output needs.
[[nodiscard]] SlotDag without_dead_ops(const SlotDag& dag);
/// Places in `op.in` of the operands that are in DST when the operation is done by the SFPU if it can be; each value once.
[[nodiscard]] std::vector<std::size_t> dst_operands(const SlotDag& dag, const SlotOp& op);
/// Name of the first operation that can't be in one section with the others: it reads a CB operand that another one makes,
/// or has no CB operand to reuse DST with. Empty when there is none.
[[nodiscard]] std::string obstacle_to_one_section(const SlotDag& dag);

// Optimal order (exact_slots.cpp).

struct ExactRules {
  bool fpu_forms = false;    ///< add, sub, mul may read CBs, both or one
  bool clean_slots = false;  ///< what adds into its slot needs one that nothing has written in this section (dst.md 3.1)
  bool load_once = false;    ///< each input is copied to DST once at most
};
/// Fewest slots over all orders: results that are needed stay, a result takes the slot of an operand that it ends or a free
/// one, inputs are loaded just before use. None when one section can't hold the graph, it has more than 64 operations, or
/// the search is too long (graphs of well over 20 operations).
[[nodiscard]] std::optional<int> exact_slots(const SlotDag& dag, ExactRules rules);

// Listed order, tt-lang (linear_scan.cpp).

struct LinearScanRules {
  bool separate_outputs = false;  ///< outputs above everything else
  bool fpu_forms = false;         ///< add, sub, mul of two inputs read CBs; the result's slot is never shared
};
struct LinearScan {
  int slots = 0;
  int copies_in_dst = 0;
  int copies_from_cb = 0;              ///< further unpacks of an input
  std::map<std::string, int> slot_of;  ///< of values that pass through DST
};
/// Copies, intervals, merged in-place operations and first free slot of dst.md 2.1 and 2.2, without a limit of slots.
[[nodiscard]] LinearScan linear_scan(const SlotDag& dag, LinearScanRules rules);

// Fixed orders without reuse inside an operation.

enum class FreshOrder : std::uint8_t { breadth_first, depth_first };
/// SFPU forms, inputs loaded for each operation, every result in a fresh slot while the operands live. Breadth first: by
/// depth, then as listed; depth first: outputs in turn, operands from left to right.
[[nodiscard]] int fresh_result_slots(const SlotDag& dag, FreshOrder order);

}  // namespace tilegrid::planner
