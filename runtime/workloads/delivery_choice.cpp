// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/delivery_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "kernels/attention/delivery.h"
#include "runtime/timing/replay.h"

namespace tilegrid::workloads {
namespace {

using attention::Config;
using attention::KvDelivery;

/// Modelled cycles of a dry run.
double cycles_of(Device& device, const Config& config, const attention::TensorAddresses& tensors, const Chip& chip) {
  LaunchOptions options;
  options.dry = true;
  RunResult result = device.launch(attention::make_program(config, tensors), options);
  RunLog log{config.grid, "attention", {}};
  log.launches.push_back(std::move(result.log));
  return timing::replay(log, chip).cycles;
}

}  // namespace

std::vector<DeliveryCandidate> delivery_candidates(Device& device, const Config& config,
                                                   const attention::TensorAddresses& tensors, const Chip& chip) {
  std::vector<DeliveryCandidate> candidates;
  for (const KvDelivery delivery : attention::all_deliveries) {
    DeliveryCandidate candidate{delivery, config, 0, {}};
    Config& tried = candidate.config;
    tried.kv = delivery;
    if (delivery == KvDelivery::dram) tried.kv_cores = 0;
    try {
      tried = attention::with_chunks(tried);
      candidate.refusal = fallback_reason(tried);
      if (candidate.refusal.empty()) candidate.cycles = cycles_of(device, tried, tensors, chip);
    } catch (const UsageError& error) {
      candidate.refusal = error.message();
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

Config best_of(const std::vector<DeliveryCandidate>& candidates) {
  const DeliveryCandidate* best = nullptr;
  for (const DeliveryCandidate& candidate : candidates) {
    if (candidate.refusal.empty() && (best == nullptr || candidate.cycles < best->cycles)) best = &candidate;
  }
  if (best == nullptr) throw UsageError(candidates.front().refusal);
  Config config = best->config;
  config.kv = KvDelivery::automatic;
  return config;
}

report::Value delivery_figures(const Config& config, const std::vector<DeliveryCandidate>& candidates) {
  using report::Value;
  const bool multicast = attention::is_multicast(config.delivery);
  Value figures{{"asked", name_of(config.kv)},
                {"delivery", name_of(config.delivery)},
                {"cores", config.team.cores()},
                {"columns", multicast ? Value(config.team.columns) : Value()},
                {"rows", multicast ? Value(config.team.rows) : Value()},
                {"teams", attention::team_count(config)},
                {"dropped_chunks", dropped_chunks(config)},
                {"fallback", report::text_or_null(fallback_reason(config))}};
  for (const DeliveryCandidate& candidate : candidates) {
    figures["candidates"].push({{"delivery", name_of(candidate.delivery)},
                                {"cores", candidate.config.team.cores()},
                                {"q_chunk", candidate.config.q_chunk},
                                {"k_chunk", candidate.config.k_chunk},
                                {"cycles", candidate.refusal.empty() ? Value(candidate.cycles) : Value()},
                                {"refusal", report::text_or_null(candidate.refusal)}});
  }
  return figures;
}

}  // namespace tilegrid::workloads
