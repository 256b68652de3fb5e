// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/format.h"
#include "core/matrix_unit.h"
#include "kernels/planner/graph/graph.h"
#include "kernels/planner/plan/machine.h"

namespace tilegrid::planner {

/// A whole tensor, row-major, in elements: 1 where the graph's value has a unit extent, a multiple of 32 elsewhere. May be
/// larger than the graph's block; the meaning of a graph does not depend on the block.
struct Tensor {
  int rows = 0;
  int cols = 0;
  std::vector<float> values;
};

/// What the device may do to numbers. Only what the emulated units do counts (core/matrix_unit.h, core/vector_unit.h).
struct ErrorModel {
  bool dst_fp32 = false;
  Fidelity fidelity = Fidelity::hifi2;
  Numerics numerics = default_numerics;
  DataFormat format = DataFormat::bf16;  ///< of inputs and outputs; values between sections are as wide as DST
  std::optional<DataFormat> output_format{};
  std::vector<DataFormat> input_formats{};  ///< of single inputs; empty: `format`
  /// Element-wise operations may cut fp32 operands to TF32 on their way to a source register. Without it only matmul,
  /// reduce, transpose and broadcast operands do so, which know no other way. Of no effect with 16-bit DST.
  bool allow_tf32 = false;
  /// mul may run on the FPU and so lose what the fidelity drops, not only where an operation's form asks for it; else on
  /// the SFPU, or where nothing is lost.
  bool fpu = true;
  bool fast_exp = false;    ///< every exp is the approximate one: 4 percent (tensix.md 2.3)
  bool packer_sums = true;  ///< sums over K may be carried by the packer: one more rounding to each block of K
  /// Without it numbers have no largest and no smallest size: roundings alone count, and what the device loses because a
  /// number on the way was too large or too small for it does not.
  bool limited_range = true;
};
[[nodiscard]] ErrorModel error_model(const Machine& machine);

/// Exact results (double precision) and, for each, how far the device may be away from it.
///
/// The bounds are running ones: every operation takes its operands' bounds through its function - as an interval where the
/// function is monotone, so that they hold for large bounds too - and adds its own rounding. They are worst cases, not
/// estimates: roundings of a sum add up linearly (a sum of bf16 values in one direction really loses that way), each
/// relative to the partial sum it is made of. Infinite where nothing can be said: near a pole, beyond the range of fp32.
/// Past a switch (where, gtz, sign) whose condition is uncertain the bound covers both sides. An infinite value of bound 0
/// is one that the device has for sure, as with a mask of -inf.
struct Evaluated {
  int rows = 0;
  int cols = 0;
  std::vector<double> values;
  std::vector<double> bounds;  ///< at least 0
  /// Bounds of roundings alone (ErrorModel::limited_range); empty where no number on the way was near the ends of the range:
  /// then these are `bounds`.
  std::vector<double> roundings = {};
  std::vector<bool> lost =
      {};  ///< a number on the way was beyond double precision, too: NaN says nothing there; may be empty
};

/// All outputs of the graph, in order. `inputs` are rounded to the model's format first, by the packer's rules, so that
/// rounding of the data is no error of the device. Pass the graph that runs (Plan::graph): the order of roundings counts.
/// Throws UsageError for a missing input, extents that do not fit, a function that the device cannot run.
[[nodiscard]] std::vector<Evaluated> evaluate(const Graph& graph, const std::vector<Tensor>& inputs, const ErrorModel& model,
                                              const std::function<void(std::uint64_t)>& progress = {});

}  // namespace tilegrid::planner
