// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/compare_kv.h"

#include <algorithm>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/attention/delivery.h"
#include "kernels/attention/kernel_args.h"
#include "runtime/report/metrics.h"
#include "runtime/workloads/delivery_choice.h"

namespace tilegrid::cli {
namespace {

using attention::Balance;

std::uint64_t q_bytes(const attention::Config& config) {
  const attention::Shape& shape = config.shape;
  return static_cast<std::uint64_t>(shape.batch) * static_cast<std::uint64_t>(shape.heads) *
         static_cast<std::uint64_t>(tiles_of(shape.seq_q)) * static_cast<std::uint64_t>(tiles_of(shape.dim)) *
         tile_bytes(config.format);
}

void add_device_figures(KvRow& row, const DeviceReport& report) {
  row.cycles = report.time.cycles;
  row.seconds = report.time.seconds;
  row.tflops = report.time.tflops;
  row.peak_share = report.time.peak_share;
  row.bound = name_of(report.summary.limits[0].kind, report.program);
  row.noc_byte_hops = report.summary.bytes_times_hops;
  if (!report.summary.links.empty()) row.max_link_share = report.summary.links.front().busy / report.summary.cycles;
  const auto stall = [](const timing::CoreTime& core) {
    return core.starved.at(attention::cb_k) + core.starved.at(attention::cb_v);
  };
  row.stall_mean = stall(report.summary.mean);
  for (const timing::CoreTime& core : report.summary.cores) row.stall_worst = std::max(row.stall_worst, stall(core));
}

void add_counts(KvRow& row, const AttentionOutcome& outcome) {
  std::uint64_t read = 0;
  for (const CoreCounters& core : outcome.result.cores) {
    read += transfers_of(core, TransferKind::dram_read).bytes;
    row.dram_total_bytes += transfers_of(core, TransferKind::dram_write).bytes;
    row.l1_bytes = std::max<std::uint64_t>(row.l1_bytes, core.l1_used_bytes);
  }
  row.dram_total_bytes += read;
  row.dram_bytes = read - q_bytes(outcome.config);  // each Q chunk is read once, by its core
  row.host_seconds = outcome.result.wall_seconds;
  for (const RankHostCost& rank : outcome.result.ranks) {
    row.messages += rank.messages;
    row.host_bytes += rank.bytes;
  }
}

/// The first row chooses the chunks for all.
void run_row(const Session& session, Device& device, KvComparison& comparison, KvRow& row) {
  const bool is_first = comparison.rows.empty();
  AttentionOptions options = comparison.options;
  options.config.kv = row.delivery;
  if (row.delivery == attention::KvDelivery::dram) options.config.kv_cores = 0;
  options.config.balance = row.balance;
  if (!is_first) {
    options.config.q_chunk = comparison.config.q_chunk;
    options.config.k_chunk = comparison.config.k_chunk;
  }
  options.chunks_for_all = is_first;
  options.progress = false;
  options.hash_output = !options.dry_run;
  // All outputs must be the same bits: one that is right is enough.
  if (!is_first) options.verify = {VerifyMode::off};
  device.free_buffers();
  try {
    const AttentionOutcome outcome = attention_outcome(session, device, options);
    if (is_first) comparison.config = outcome.config;
    row.fallback = fallback_reason(outcome.config);
    row.team = team_text(outcome.config);
    row.used = outcome.config.delivery;
    row.cores = outcome.config.team.cores();
    add_counts(row, outcome);
    add_device_figures(row, *outcome.device);
    if (outcome.verification) row.verified = outcome.verification->passed;
    row.output_hash = outcome.output_hash;
  } catch (const UsageError& error) {
    row.refusal = error.message();
  }
}

}  // namespace

const KvRow* KvComparison::best() const {
  const KvRow* best = nullptr;
  for (const KvRow& row : rows) {
    if (row.refusal.empty() && (best == nullptr || row.cycles < best->cycles)) best = &row;
  }
  return best;
}

bool KvComparison::passed() const {
  std::optional<std::uint64_t> hash;
  for (const KvRow& row : rows) {
    if (!row.verified.value_or(true)) return false;
    if (!row.output_hash) continue;
    if (hash && hash != row.output_hash) return false;
    hash = row.output_hash;
  }
  return true;
}

void run_comparison(const Session& session, Device& device, KvComparison& comparison) {
  try {
    check_kv_cores(comparison.options.config);
  } catch (const UsageError& error) {
    comparison.refusal = error.message();
    return;
  }
  std::vector<Balance> balances{Balance::zigzag};
  if (comparison.options.shape.causal) balances.push_back(Balance::contiguous);
  for (const attention::KvDelivery delivery : all_deliveries) {
    for (const Balance balance : balances) {
      KvRow row;
      row.delivery = delivery;
      row.balance = balance;
      run_row(session, device, comparison, row);
      if (comparison.rows.empty() && !row.refusal.empty()) {
        comparison.refusal = row.refusal;
        return;
      }
      comparison.rows.push_back(std::move(row));
    }
  }
}

}  // namespace tilegrid::cli
