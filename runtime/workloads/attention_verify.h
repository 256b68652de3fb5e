// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/attention/verify/verify.h"
#include "runtime/device.h"

namespace tilegrid::workloads {

struct Verification {
  VerifyRequest request;  ///< mode is full or sample
  attention::VerifyFigures figures;
  planner::Tally finite;  ///< whether all elements of the output are
  attention::Gate gate;
  bool passed = false;
  double seconds = 0;
  std::vector<std::uint64_t> resident_bytes;  ///< by rank: high-water mark of the process after its part; 0 without a part
};

/// Makes the task of verification known; every rank, before its session begins.
void register_verify_task();

/// Compares the output with the reference in double precision; the work is spread over the ranks. The figures do not depend
/// on the number of ranks.
[[nodiscard]] Verification verify(Device& device, const attention::Config& config, const VerifyRequest& request,
                                  attention::Inputs& inputs, const attention::OutputTiles& output);

}  // namespace tilegrid::workloads
