// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "core/format.h"
#include "kernels/planner/graph/functions.h"
#include "kernels/planner/plan/rounding.h"

namespace tilegrid::planner {

/// A number and how far the device's may be away from it.
struct Bounded {
  double value = 0;
  double bound = 0;
};

/// Roundings of one element-wise operation.
struct ElementErrors {
  bool dst_fp32 = false;
  bool half_dst = false;  ///< 16-bit DST is fp16
  bool fast_exp = false;
  bool sfpu_steps = false;    ///< exponentials, reciprocals and roots as the vendor's kernels compute them: exact numerics
  bool limited_range = true;  ///< as in ErrorModel
  double product_cut = 0;     ///< of mul: what truncated operands take from the product, relative
  int product_roundings = 1;  ///< of mul: DST is rounded after so many phases
  double sum_cut = 0;         ///< of add and sub: what alignment takes, relative to the larger operand
};

inline constexpr double smallest_normal = 0x1p-126;  ///< what is below becomes 0
inline constexpr double largest_result = 3.38e38;    ///< just below the largest bf16; what is beyond may be infinite

inline constexpr double smallest_half = 0x1p-14;  ///< of fp16, in the same way
inline constexpr double largest_half = 131008;    ///< where fp16 ends

/// Makes the bound infinite when there is no number, or, with a limited range, one that the device may not be able to hold.
/// An infinity of bound 0 stays: the device has it, too.
[[nodiscard]] Bounded settled(Bounded x, bool limited_range);
/// The same with the range of fp16, which is always limited.
[[nodiscard]] Bounded settled_half(Bounded x);
/// With a relative loss more. An infinity has none.
[[nodiscard]] Bounded with_loss(Bounded x, double relative);
/// An input as the packer rounds it to a format of single numbers (tensix.md 1.6); denormals are 0.
[[nodiscard]] float rounded_to(float value, DataFormat format);
/// Functions of which finite operands may have infinite results.
[[nodiscard]] bool has_pole(const Function& function);

/// Value and bound of an element-wise function; the operands' bounds include cuts on their way.
using Evaluator = Bounded (*)(const ElementErrors& errors, std::span<const Bounded> in, double parameter);
/// Null for functions that can only be planned.
[[nodiscard]] Evaluator find_evaluator(const Function& function);

}  // namespace tilegrid::planner
