// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/chip/chip.h"
#include "kernels/attention/kernel_args.h"
#include "runtime/device.h"
#include "runtime/report/value.h"

namespace tilegrid::workloads {

/// Those that there are, in the order in which `auto` prefers them at equal times.
inline constexpr std::array<attention::KvDelivery, 4> all_deliveries{
    attention::KvDelivery::dram, attention::KvDelivery::chain, attention::KvDelivery::multicast_row,
    attention::KvDelivery::multicast_grid};

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

/// "chain of 8 cores, 10 of them", "each core reads K and V from DRAM"
[[nodiscard]] std::string team_text(const attention::Config& config);
/// How members cope with K/V chunks that not all of them need.
[[nodiscard]] std::string causal_text(const attention::Config& config);
/// Keys: asked, delivery, cores, columns, rows, teams, dropped_chunks, fallback, candidates (of auto).
[[nodiscard]] report::Value delivery_figures(const attention::Config& config,
                                             const std::vector<DeliveryCandidate>& candidates);

}  // namespace tilegrid::workloads
