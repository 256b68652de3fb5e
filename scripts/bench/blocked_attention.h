// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace tilegrid::bench {

/// Causal attention with grouped queries: q and out [heads, seq, dim], k and v [kv_heads, seq, dim].
struct BlockedAttention {
  int heads = 1;
  int kv_heads = 1;
  int seq = 0;  ///< a multiple of both blocks
  int dim = 0;
  int q_block = 128;  ///< rows
  int k_block = 256;
};

/// Blocked flash attention in fp32 on one thread: OpenBLAS for both products, online softmax between them, blocks above the
/// diagonal skipped. What a CPU programmer would write; the yardstick of attention_bench.
void blocked_attention(const BlockedAttention& shape, std::span<const float> q, std::span<const float> k,
                       std::span<const float> v, std::span<float> out);

}  // namespace tilegrid::bench
