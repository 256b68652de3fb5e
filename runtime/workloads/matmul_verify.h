// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "runtime/workloads/matmul_run.h"

namespace tilegrid::cli {

/// Replaces `choose`, and a sample of all rows or more by `full`.
[[nodiscard]] VerifyRequest resolve(const VerifyRequest& request, const matmul::Shape& shape);

/// Bound for MatmulVerification::error.
[[nodiscard]] double error_gate(const matmul::Config& config);

/// Compares the output [batch, m, n] with a b in double precision; a and b as matmul::Shape has them. On this rank alone.
[[nodiscard]] MatmulVerification verify_matmul(const matmul::Config& config, const VerifyRequest& request,
                                               std::span<const float> a, std::span<const float> b,
                                               std::span<const float> output);

}  // namespace tilegrid::cli
