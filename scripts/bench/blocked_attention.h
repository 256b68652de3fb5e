// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace tilegrid::bench {

/// Attention with grouped queries, as many as keys: q and out [heads, seq, dim], k and v [kv_heads, seq, dim].
struct BlockedAttention {
  int heads = 1;
  int kv_heads = 1;
  int seq = 0;  ///< a multiple of q_block
  int dim = 0;
  int q_block = 128;  ///< rows
  int k_block = 256;
  bool causal = true;
};

/// Blocked flash attention in fp32 on one thread: OpenBLAS for both products, online softmax between them, blocks above the
/// diagonal skipped when causal. What a CPU programmer would write; the yardstick of the benchmarks.
void blocked_attention(const BlockedAttention& shape, std::span<const float> q, std::span<const float> k,
                       std::span<const float> v, std::span<float> out);

}  // namespace tilegrid::bench
