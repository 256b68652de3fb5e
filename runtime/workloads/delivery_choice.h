// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/chip/chip.h"
#include "kernels/attention/kernel_args.h"
#include "runtime/device.h"
#include "runtime/report/value.h"

namespace tilegrid::workloads {

/// One of the deliveries that `auto` has to choose from.
struct DeliveryCandidate {
  attention::KvDelivery delivery{};
  attention::Config config;  ///< with chunks and team
  double cycles = 0;         ///< modelled
  std::string refusal;       ///< why it is none: does not fit, or is another one here
};

/// Dry runs and replays every delivery, each with the chunks that are best for it where `config` leaves them open. Depends
/// on nothing but the configuration and the constants of the chip.
[[nodiscard]] std::vector<DeliveryCandidate> delivery_candidates(Device& device, const attention::Config& config,
                                                                 const attention::TensorAddresses& tensors,
                                                                 const Chip& chip);
/// That of the candidate that takes the least cycles; dram is always one.
[[nodiscard]] attention::Config best_of(const std::vector<DeliveryCandidate>& candidates);

/// Keys: asked, delivery, cores, columns, rows, teams, dropped_chunks, fallback, candidates (of auto).
[[nodiscard]] report::Value delivery_figures(const attention::Config& config,
                                             const std::vector<DeliveryCandidate>& candidates);

}  // namespace tilegrid::workloads
