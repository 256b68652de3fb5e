// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/vector_unit.h"

namespace tilegrid::planner {

/// What an operation asks of the core; the kinds of the planner's JSON schema.
enum class OpKind : std::uint8_t {
  unary,        ///< SFPU, in place on DST
  binary,       ///< add, sub, mul: FPU (operands from CBs), dest-reuse (one of them in DST), or SFPU (both in DST)
  sfpu_binary,  ///< both operands in DST: div, maximum, minimum, ...
  ternary,      ///< three operands in DST: where
  matmul,       ///< operands from CBs; adds into its slot
  reduce,       ///< FPU, operand from a CB; pools along rows, columns or both; adds (max: maxes) into its slot
  tile_sum,     ///< adds the tiles of a row (column) of tiles element by element: partial row sums, 32 columns wide
  transpose,    ///< operand from a CB
};

/// A function that an operation may name.
struct Function {
  std::string_view name;  ///< as in expressions and JSON files: "exp"
  OpKind kind{};
  int operands = 1;
  bool has_parameter = false;      ///< a scalar beside the operands: "mul_scalar"
  std::optional<VectorOp> vector;  ///< the SFPU operation; none for functions that can be planned but not run
  double sfpu_cycles = 0;          ///< without `vector`: an estimate, of a whole tile
};

/// All known functions, by kind and name. Names that the emulated vector unit lacks ("sin", ...) can be planned only.
[[nodiscard]] const std::vector<Function>& functions();
/// Null when there is none of that name.
[[nodiscard]] const Function* find_function(std::string_view name);

}  // namespace tilegrid::planner
