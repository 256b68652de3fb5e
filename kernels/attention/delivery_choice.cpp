// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/delivery_choice.h"

#include <utility>

#include "core/error.h"
#include "kernels/attention/delivery.h"

namespace tilegrid::attention {

std::vector<DeliveryCandidate> delivery_candidates(const Config& config, const TensorAddresses& tensors,
                                                   const std::function<double(const Program&)>& cycles_of) {
  std::vector<DeliveryCandidate> candidates;
  candidates.reserve(all_deliveries.size());
  for (const KvDelivery delivery : all_deliveries) {
    DeliveryCandidate candidate{delivery, config, 0, {}};
    Config& tried = candidate.config;
    tried.kv = delivery;
    if (delivery == KvDelivery::dram) tried.kv_cores = 0;
    try {
      tried = with_chunks(tried);
      candidate.refusal = fallback_reason(tried);
      if (candidate.refusal.empty()) candidate.cycles = cycles_of(make_program(tried, tensors));
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

}  // namespace tilegrid::attention
