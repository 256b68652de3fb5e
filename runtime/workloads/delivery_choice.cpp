// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/delivery_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "kernels/attention/delivery.h"
#include "runtime/report/device_report.h"
#include "runtime/timing/replay.h"

namespace tilegrid::cli {
namespace {

using attention::Config;
using attention::KvDelivery;

/// Modelled cycles of a dry run.
double cycles_of(Device& device, const Config& config, const attention::TensorAddresses& tensors, const Chip& architecture) {
  LaunchOptions options;
  options.dry = true;
  RunResult result = device.launch(attention::make_program(config, tensors), options);
  RunLog log{config.grid, "attention", {}};
  log.launches.push_back(std::move(result.log));
  return timing::replay(log, architecture).cycles;
}

bool is_multicast(KvDelivery delivery) {
  return delivery == KvDelivery::multicast_row || delivery == KvDelivery::multicast_grid;
}

/// How members cope with K/V chunks that not all of them need.
std::string causal_text(const Config& config) {
  if (!config.shape.causal || config.delivery == KvDelivery::dram) return {};
  if (config.delivery == KvDelivery::chain) {
    return config.balance == attention::Balance::zigzag
               ? "; each passes on what the next one visits, light and heavy chunks in opposite directions"
               : "; each passes on what the next one visits";
  }
  const std::int64_t dropped = dropped_chunks(config);
  if (dropped == 0) return "; members of a team visit equally many K chunks";
  return fmt::format("; members drop what they do not visit, {} K chunks in all", dropped);
}

}  // namespace

std::vector<DeliveryCandidate> delivery_candidates(Device& device, const Config& config,
                                                   const attention::TensorAddresses& tensors,
                                                   const AttentionOptions& options) {
  const Chip architecture =
      options.architecture ? options.architecture->parameters : choose_architecture("wormhole_b0", {}).parameters;
  std::vector<DeliveryCandidate> candidates;
  for (const KvDelivery delivery : all_deliveries) {
    DeliveryCandidate candidate{delivery, config, 0, {}};
    Config& tried = candidate.config;
    tried.kv = delivery;
    if (delivery == KvDelivery::dram) tried.kv_cores = 0;
    try {
      tried = attention::with_chunks(tried);
      candidate.refusal = fallback_reason(tried);
      if (candidate.refusal.empty()) candidate.cycles = cycles_of(device, tried, tensors, architecture);
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

std::string team_text(const Config& config) {
  const int teams = attention::team_count(config);
  const std::string count = fmt::format("{} team{}", teams, teams == 1 ? "" : "s");
  if (config.delivery == KvDelivery::dram) return "each core reads from DRAM";
  if (config.delivery == KvDelivery::chain) return fmt::format("chain of {} cores, {}", config.team.cores(), count);
  return fmt::format("multicast to {}x{} cores, {}", config.team.columns, config.team.rows, count);
}

std::string delivery_text(const AttentionOutcome& outcome) {
  const Config& config = outcome.config;
  std::string text = fmt::format("  K/V        {}{}\n", team_text(config), causal_text(config));
  const std::string reason = fallback_reason(config);
  if (!reason.empty()) {
    text += fmt::format("  fallback   {} instead of {}: {}\n", name_of(config.delivery), name_of(config.kv), reason);
  }
  if (outcome.candidates.empty()) return text;
  text += "  chosen by ";
  for (const DeliveryCandidate& candidate : outcome.candidates) {
    text += candidate.refusal.empty() ? fmt::format(" {} {:.0f} cycles ({}x{});", name_of(candidate.delivery),
                                                    candidate.cycles, candidate.config.q_chunk, candidate.config.k_chunk)
                                      : fmt::format(" {} not possible: {};", name_of(candidate.delivery), candidate.refusal);
  }
  text.back() = '\n';
  return text;
}

nlohmann::ordered_json delivery_json(const AttentionOutcome& outcome) {
  using Json = nlohmann::ordered_json;
  const Config& config = outcome.config;
  const std::string reason = fallback_reason(config);
  const bool multicast = is_multicast(config.delivery);
  Json json{{"asked", name_of(config.kv)},
            {"delivery", name_of(config.delivery)},
            {"cores", config.team.cores()},
            {"columns", multicast ? Json(config.team.columns) : Json()},
            {"rows", multicast ? Json(config.team.rows) : Json()},
            {"teams", attention::team_count(config)},
            {"dropped_chunks", dropped_chunks(config)},
            {"fallback", reason.empty() ? Json() : Json(reason)}};
  if (outcome.candidates.empty()) return json;
  for (const DeliveryCandidate& candidate : outcome.candidates) {
    const bool possible = candidate.refusal.empty();
    json["candidates"].push_back({{"delivery", name_of(candidate.delivery)},
                                  {"cores", candidate.config.team.cores()},
                                  {"q_chunk", candidate.config.q_chunk},
                                  {"k_chunk", candidate.config.k_chunk},
                                  {"cycles", possible ? Json(candidate.cycles) : Json()},
                                  {"refusal", possible ? Json() : Json(candidate.refusal)}});
  }
  return json;
}

}  // namespace tilegrid::cli
