// SPDX-License-Identifier: Apache-2.0
#include "core/chip/known_faults.h"

#include <algorithm>
#include <array>

namespace tilegrid {
namespace {

// A row is here when a run can be known to rely on it, from what its kernels did and how the core was set.
constexpr std::array<KnownFault, 4> table{{
    {"hifi4-fp32-dst", "wormhole_b0", "some sums of products with HiFi4 and fp32 DST come out 2^27 times too large",
     "HiFi3 avoids it, as ttnn does", "tt-metal#38306, core/hardware/tensix.md 2.1",
     [](const ComputeUse& use) { return use.fidelity == Fidelity::hifi4 && use.dst_fp32 && use.matmul_tiles > 0; }},
    {"dest-reuse-fp32", "wormhole_b0", "operations that take an operand out of an fp32 DST may compute wrong values",
     "needs a tt-metal with its change 46223", "tt-metal#45216, core/hardware/tensix.md 7",
     [](const ComputeUse& use) { return use.dst_fp32 && use.dest_reuses > 0; }},
    {"reduce-fp32-scaler", "wormhole_b0",
     "sums of fp32 tiles with a bf16 scaler may be cut off where they should be rounded", "an fp32 scaler avoids it",
     "tt-metal#17012, of Blackhole #48870",
     [](const ComputeUse& use) { return use.dst_fp32 && use.summed_tiles > 0 && use.fp32_buffers && use.bf16_buffers; }},
    {"dest-reuse-bank", "blackhole", "operations that take an operand out of DST may write a source bank that is in use",
     "needs a tt-metal with its change 52256", "tt-metal#52252", [](const ComputeUse& use) { return use.dest_reuses > 0; }},
}};

}  // namespace

std::span<const KnownFault> known_faults() { return table; }

bool has_matrix_fault(const Chip& chip) { return chip.name() == table.front().chip; }

KnownFaults faults_relied_on(const Chip& chip, const ComputeUse& use) {
  KnownFaults faults;
  for (const KnownFault& fault : table) {
    if (chip.name() == fault.chip && fault.relied_on(use)) faults.push_back(&fault);
  }
  return faults;
}

void add(KnownFaults& faults, const KnownFaults& more) {
  for (const KnownFault* fault : more) {
    if (std::find(faults.begin(), faults.end(), fault) == faults.end()) faults.push_back(fault);
  }
}

}  // namespace tilegrid
