// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "kernels/matmul/matmul.h"
#include "kernels/planner/reference/judgement.h"
#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {

/// Above this many multiply-adds of the reference the default is a sample of rows.
inline constexpr double matmul_verification_limit = 2e9;

/// The output, or a sample of its rows, against double precision: every element within the bound of its roundings, and all
/// together much nearer, since bounds are worst cases.
struct MatmulVerification {
  VerifyRequest request;  ///< mode is full or sample
  std::uint64_t rows = 0;
  planner::Comparison compared;
  planner::Tally finite;  ///< of a sample: whether all of the output is finite
  /// Root mean square of the error, over that of the output or of what products that cancel nowhere would add up to,
  /// whichever is larger.
  double error = 0;
  double gate = 0;  ///< what `error` must be below
  double seconds = 0;
  [[nodiscard]] bool passed() const { return finite.wrong() == 0 && compared.verified() && error < gate; }
};

/// Bound for MatmulVerification::error.
[[nodiscard]] double error_gate(const matmul::Config& config);

/// Compares the output [batch, m, n] with a b in double precision; a and b as matmul::Shape has them. On this rank alone.
[[nodiscard]] MatmulVerification verify_matmul(const matmul::Config& config, const VerifyRequest& request,
                                               std::span<const float> a, std::span<const float> b,
                                               std::span<const float> output);

}  // namespace tilegrid::workloads
