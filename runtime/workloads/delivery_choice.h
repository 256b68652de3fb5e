// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/attention/kernel_args.h"
#include "runtime/workloads/attention_run.h"

namespace tilegrid::cli {

/// Those that there are, in the order in which `auto` prefers them at equal times.
inline constexpr std::array<attention::KvDelivery, 4> all_deliveries{
    attention::KvDelivery::dram, attention::KvDelivery::chain, attention::KvDelivery::multicast_row,
    attention::KvDelivery::multicast_grid};

/// Dry runs and replays every delivery, each with the chunks that are best for it where `config` leaves them open. Depends
/// on nothing but the configuration and the constants of the chip; without device time in the options those of wormhole_b0.
[[nodiscard]] std::vector<DeliveryCandidate> delivery_candidates(Device& device, const attention::Config& config,
                                                                 const attention::TensorAddresses& tensors,
                                                                 const AttentionOptions& options);
/// That of the candidate that takes the least cycles; dram is always one.
[[nodiscard]] attention::Config best_of(const std::vector<DeliveryCandidate>& candidates);

/// "chain of 8 cores, 10 of them", "each core reads K and V from DRAM"
[[nodiscard]] std::string team_text(const attention::Config& config);
/// Lines of the report's header.
[[nodiscard]] std::string delivery_text(const AttentionOutcome& outcome);
/// Keys: asked, delivery, cores, columns, rows, teams, dropped_chunks, fallback, candidates (of auto).
[[nodiscard]] nlohmann::ordered_json delivery_json(const AttentionOutcome& outcome);

}  // namespace tilegrid::cli
