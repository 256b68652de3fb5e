// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cli/sweep_arguments.h"
#include "runtime/workloads/attention_run.h"

namespace tilegrid::cli {

/// One delivery with one balance.
struct KvRow {
  attention::KvDelivery delivery{};
  attention::Balance balance{};
  std::string refusal;   ///< why there are no figures
  std::string fallback;  ///< why it is not what was asked for
  std::string team;      ///< what is done, in words
  attention::KvDelivery used{};
  int cores = 1;  ///< that share a reading
  double cycles = 0, seconds = 0, tflops = 0, peak_share = 0;
  std::string bound;
  std::uint64_t dram_bytes = 0;        ///< of K and V, read
  std::uint64_t dram_total_bytes = 0;  ///< of everything, read and written
  double noc_byte_hops = 0;
  double max_link_share = 0;                   ///< busy cycles of the busiest link over all cycles
  double stall_mean = 0, stall_worst = 0;      ///< cycles that a core's compute waited for K and V
  std::uint64_t l1_bytes = 0;                  ///< of the core with most
  double host_seconds = 0;                     ///< of the launch
  std::uint64_t messages = 0, host_bytes = 0;  ///< of MPI
  std::optional<bool> verified;
  std::optional<std::uint64_t> output_hash;
};

/// All rows of one shape, with the same chunks: those of the delivery that is estimated to be quickest.
struct KvComparison {
  SweepPoint flags;
  AttentionOptions options;
  attention::Config config;  ///< of the first row
  std::string refusal;       ///< why there are no rows
  std::vector<KvRow> rows;
  /// The row with the least device time; null without any.
  [[nodiscard]] const KvRow* best() const;
  /// Whether all outputs are the same bits and the verified ones right.
  [[nodiscard]] bool passed() const;
};

/// Fills in config and rows. Shapes that do not run are refusals, all other errors leave it.
void run_comparison(const Session& session, Device& device, KvComparison& comparison);

/// One shape, all rows.
[[nodiscard]] std::string comparison_text(const KvComparison& comparison);
/// Many shapes: the winner of each, and where it changes.
[[nodiscard]] std::string winners_text(const std::vector<KvComparison>& comparisons);
/// Keys: version, command, dry_run, shapes (one for each comparison: flags, config, winner, refusal), rows (of all shapes; a
/// row's `shape` is the index).
[[nodiscard]] nlohmann::ordered_json comparison_json(const std::vector<KvComparison>& comparisons);

}  // namespace tilegrid::cli
