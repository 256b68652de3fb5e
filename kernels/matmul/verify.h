// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "kernels/common/verify_request.h"
#include "kernels/matmul/matmul.h"
#include "kernels/planner/reference/judgement.h"

namespace tilegrid::matmul {

/// Above this many multiply-adds of the reference the default is a sample of rows.
inline constexpr double verification_limit = 2e9;

/// The output, or a sample of its rows, against double precision: every element within the bound of its roundings, and all
/// together much nearer, since bounds are worst cases.
struct Verification {
  VerifyRequest request;  ///< mode is full or sample
  std::uint64_t rows = 0;
  planner::Comparison compared;
  planner::Tally finite;  ///< of a sample: whether all of the output is finite
  /// Root mean square of the error, over that of the output or of what products that cancel nowhere would add up to,
  /// whichever is larger.
  double error = 0;
  double gate = 0;     ///< what `error` must be below
  double seconds = 0;  ///< that it took, for who measures them
  [[nodiscard]] bool passed() const { return finite.wrong() == 0 && compared.verified() && error < gate; }
};

/// Bound for Verification::error.
[[nodiscard]] double error_gate(const Config& config);

/// Compares the output [batch, m, n] with a b in double precision; a and b as Shape has them. On this rank alone. `progress`
/// hears now and then of how many rows, batches put behind each other, the products are there.
[[nodiscard]] Verification verify(const Config& config, const VerifyRequest& request, std::span<const float> a,
                                  std::span<const float> b, std::span<const float> output,
                                  const std::function<void(std::uint64_t)>& progress = {});

}  // namespace tilegrid::matmul
