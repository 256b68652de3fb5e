// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cli/attention_command.h"
#include "runtime/report/run_report.h"
#include "runtime/session.h"
#include "runtime/workloads/verify.h"

namespace tilegrid::cli {

/// One of the deliveries that `auto` has to choose from.
struct DeliveryCandidate {
  attention::KvDelivery delivery{};
  attention::Config config;  ///< with chunks and team
  double cycles = 0;         ///< modelled
  std::string refusal;       ///< why it is none: does not fit, or is another one here
};

/// Everything that is known when a run is over; text and JSON are made from it.
struct AttentionOutcome : RunOutcome {
  AttentionOptions options;
  attention::Config config;  ///< resolved: shape and chunks are set
  bool q_chunk_chosen = false;
  bool k_chunk_chosen = false;
  std::vector<std::vector<attention::WorkItem>> split;  ///< by core index
  std::vector<DeliveryCandidate> candidates;            ///< of --kv auto
  std::optional<std::uint64_t> output_hash;             ///< when the options ask for it
  std::optional<Verification> verification;
  std::vector<LaunchLog> earlier_logs;  ///< of launches before the last, whose log is in `result`
};

/// Runs attention and verifies it; nothing is printed. With `keep_logs` the result has the event logs.
[[nodiscard]] AttentionOutcome attention_outcome(const Session& session, Device& device, const AttentionOptions& options,
                                                 bool keep_logs = false);

/// Tile multiplications of a run by its work split.
[[nodiscard]] std::uint64_t matmul_tiles_of(const attention::Config& config,
                                            const std::vector<std::vector<attention::WorkItem>>& split);

/// The host's side of `tilegrid attention`; runs on rank 0. Returns the exit code.
int run_attention(const Session& session, Device& device, const AttentionOptions& options);

}  // namespace tilegrid::cli
