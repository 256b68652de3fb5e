// SPDX-License-Identifier: Apache-2.0
// The native attention as the benchmarks measure it, and what they share.
#pragma once

#include <vector>

#include "scripts/bench/blocked_attention.h"

namespace tilegrid::bench {

struct Tensors {
  std::vector<float> q, k, v, out;
};

/// Random Q, K and V, and room for the output.
[[nodiscard]] Tensors random_tensors(const BlockedAttention& shape);
/// CPU seconds of one run.
[[nodiscard]] double timed(const BlockedAttention& shape, Tensors& tensors);
/// The blocks that suit this machine best.
void choose_blocks(BlockedAttention& shape, Tensors& tensors);
[[nodiscard]] double median(std::vector<double> values);

}  // namespace tilegrid::bench
