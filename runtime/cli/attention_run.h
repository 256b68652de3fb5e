// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cli/attention_command.h"
#include "runtime/cli/verify.h"
#include "runtime/session.h"

namespace tilegrid::cli {

/// Everything that is known when a run is over; text and JSON are made from it.
struct AttentionOutcome {
  AttentionOptions options;
  attention::Config config;  ///< resolved: shape and chunks are set
  bool q_chunk_chosen = false;
  bool k_chunk_chosen = false;
  std::vector<std::vector<attention::WorkItem>> split;  ///< by core index
  std::vector<CircularBufferConfig> circular_buffers;
  std::uint64_t expected_matmul_tiles = 0;
  int ranks = 1;
  std::string transport;
  RunResult result;
  std::optional<Verification> verification;
  double total_seconds = 0;  ///< on the host, from the first look at the data until the report
};

/// Tile multiplications of a run by its work split.
[[nodiscard]] std::uint64_t matmul_tiles_of(const attention::Config& config,
                                            const std::vector<std::vector<attention::WorkItem>>& split);

/// The host's side of `tilegrid attention`; runs on rank 0. Returns the exit code.
int run_attention(const Session& session, Device& device, const AttentionOptions& options);

}  // namespace tilegrid::cli
