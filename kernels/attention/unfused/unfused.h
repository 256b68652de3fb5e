// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/attention/config.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/program.h"

/// Attention without fusion, the baseline of the report (attention.md 2.1): S = Q K^T, S = softmax(S scale + mask), O = S V
/// as three programs, one after the other, with the whole score matrix in DRAM and nothing left out above the diagonal. A
/// causal mask is a tensor in DRAM as well, as for any masked softmax of that time. Chunks of the config are the blocks of
/// both products; softmax reads as many tiles between two barriers as a DST section has slots.
namespace tilegrid::unfused {

/// Bytes of the score matrix [batch, heads, query tiles, key tiles], in the format of Q.
[[nodiscard]] std::uint64_t score_bytes(const attention::Config& config);

/// Bytes of the causal mask [query tiles, key tiles], in the format of Q; 0 without.
[[nodiscard]] std::uint64_t mask_bytes(const attention::Config& config);
/// Its tiles: 0 where a key is seen, the most negative numbers elsewhere.
[[nodiscard]] std::vector<std::byte> causal_mask(const attention::Config& config);

/// DRAM base addresses of what the programs share; the mask's only when causal.
struct Intermediates {
  std::uint32_t scores = 0;
  std::uint32_t mask = 0;
};

/// Throws UsageError, one line with the numbers, when Q, K, V, the output and the score matrix are more than the DRAM banks
/// hold.
void check_dram(const attention::Config& config);

/// Those of all three programs; no id occurs twice. Chunks are set.
[[nodiscard]] std::vector<CircularBufferConfig> circular_buffers(const attention::Config& config);
/// L1 of the program that needs most.
[[nodiscard]] std::uint64_t l1_bytes_needed(const attention::Config& config);

/// The programs, to be launched in this order. Chunks are set. Throws UsageError when one does not fit.
[[nodiscard]] std::vector<Program> make_programs(const attention::Config& config,
                                                 const attention::TensorAddresses& addresses, const Intermediates& dram);

/// Makes the kernels known; every rank calls it before its session begins. attention::register_kernels() does.
void register_kernels();

}  // namespace tilegrid::unfused
