// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
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
  DataFormat format = DataFormat::bf16;  ///< of inputs and outputs; values between sections are as wide as DST
  /// Element-wise operations may cut fp32 operands to TF32 on their way to a source register. Without it only matmul,
  /// reduce, transpose and broadcast operands do so, which know no other way. Of no effect with 16-bit DST.
  bool allow_tf32 = false;
  bool fpu = true;          ///< mul may run on the FPU and so lose what the fidelity drops; else on the SFPU
  bool fast_exp = false;    ///< every exp is the approximate one: 4 percent (tensix.md 2.3)
  bool packer_sums = true;  ///< sums over K may be carried by the packer: one more rounding to each block of K
};
[[nodiscard]] ErrorModel error_model(const Machine& machine);

/// Exact results (double precision) and, for each, how far the device may be away from it.
///
/// The bounds are running ones: every operation takes its operands' bounds through its function - as an interval where the
/// function is monotone, so that they hold for large bounds too - and adds its own rounding. They are worst cases, not
/// estimates: roundings of a sum add up linearly (a sum of bf16 values in one direction really loses that way), each
/// relative to the partial sum it is made of. Infinite where nothing can be said: near a pole, beyond the range of fp32.
/// Past a switch (where, gtz, sign) whose condition is uncertain the bound covers both sides.
struct Evaluated {
  int rows = 0;
  int cols = 0;
  std::vector<double> values;
  std::vector<double> bounds;  ///< at least 0
};

/// All outputs of the graph, in order. `inputs` are rounded to the model's format first, by the packer's rules, so that
/// rounding of the data is no error of the device. Pass the graph that runs (Plan::graph): the order of roundings counts.
/// Throws UsageError for a missing input, extents that do not fit, a function that the device cannot run.
[[nodiscard]] std::vector<Evaluated> evaluate(const Graph& graph, const std::vector<Tensor>& inputs,
                                              const ErrorModel& model);

/// How a device's output compares with the evaluation.
struct Comparison {
  double correlation = 0;  ///< Pearson, over elements where both are finite, as are the next three
  double rmse = 0;
  double relative_l2 = 0;  ///< |output - values| / |values|
  double max_abs = 0;
  double worst_ratio = 0;      ///< largest |difference| / bound of the decided elements
  std::size_t worst = 0;       ///< its element, row-major
  double rms_ratio = 0;        ///< of the decided elements
  std::size_t elements = 0;    ///< all
  std::size_t undecided = 0;   ///< of infinite bound, or where a result beyond the format's range is within the bound
  std::size_t not_finite = 0;  ///< NaN or infinite in the output, but not undecided
  [[nodiscard]] bool passed() const { return not_finite == 0 && worst_ratio <= 1.0; }
};
/// Throws UsageError when the extents differ.
[[nodiscard]] Comparison compare(const Evaluated& expected, const Tensor& output);

}  // namespace tilegrid::planner
