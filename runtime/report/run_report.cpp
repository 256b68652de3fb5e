// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/l1.h"
#include "core/simd/dispatch.h"
#include "runtime/report/grid_view.h"
#include "runtime/report/metrics.h"

namespace tilegrid::cli {
namespace {

std::string spread_line(const std::string& name, const Spread& spread) {
  return fmt::format("  {:<24}{:>16}{:>14}{:>14}{:>14}\n", name, grouped(spread.total), grouped(spread.min),
                     grouped(spread.mean), grouped(spread.max));
}

std::string work_text(const RunOutcome& outcome) {
  const RunResult& result = outcome.result;
  const std::uint32_t l1_bytes = result.chip.memory().l1_bytes;
  std::string text = fmt::format("\n{:<26}{:>16}{:>14}{:>14}{:>14}\n", "Device counts: tiles", "total", "least a core",
                                 "mean", "most a core");
  for (int i = 0; i < tile_op_count; ++i) {
    const auto op = static_cast<std::size_t>(i);
    const Spread spread = spread_over_cores(result, [op](const CoreCounters& core) { return core.tiles[op]; });
    if (spread.total > 0) text += spread_line(name_of(static_cast<TileOp>(i)), spread);
  }
  text += spread_line("DST sections", spread_over_cores(result, [](const CoreCounters& core) { return core.dst_sections; }));
  const auto peak = spread_over_cores(result, [](const CoreCounters& core) { return core.dst_peak_slots; });
  const auto capacity = spread_over_cores(result, [](const CoreCounters& core) { return core.dst_capacity; });
  const auto l1 = spread_over_cores(result, [](const CoreCounters& core) { return core.l1_used_bytes; });
  const auto ambiguous = spread_over_cores(result, [](const CoreCounters& core) { return core.ambiguous_waits; });
  text += fmt::format("  DST peak {:.0f} of {:.0f} slots; L1 used {} of {} bytes ({:.1f}%); ambiguous waits {:.0f}\n",
                      peak.max, capacity.max, grouped(l1.max), grouped(std::uint64_t{l1_bytes}),
                      100 * l1.max / static_cast<double>(l1_bytes), ambiguous.total);
  return text;
}

std::string buffers_text(const RunOutcome& outcome) {
  std::string text = fmt::format("\n{:<26}{:>10}{:>16}{:>14}{:>14}   (high water depends on host scheduling)\n",
                                 "Device counts: CBs", "pages", "page bytes", "high water", "format");
  for (const CircularBufferConfig& cb : outcome.circular_buffers) {
    const auto id = static_cast<std::size_t>(cb.id);
    const Spread high =
        spread_over_cores(outcome.result, [id](const CoreCounters& core) { return core.cbs.at(id).high_water_pages; });
    text += fmt::format("  {:>2} {:<21}{:>10}{:>16}{:>14.0f}{:>14}\n", cb.id, cb.role, cb.pages, cb.page_bytes, high.max,
                        name_of(cb.format));
  }
  return text;
}

std::string noc_text(const RunOutcome& outcome) {
  const RunResult& result = outcome.result;
  std::string text = fmt::format("\n{:<22}{:>14}{:>16}{:>14}{:>11}{:>16}{:>16}\n", "Device counts: NoC", "transactions",
                                 "bytes", "hops", "mean hops", "least B a core", "most B a core");
  for (std::size_t noc = 0; noc < noc_count; ++noc) {
    for (std::size_t kind = 0; kind < transfer_kind_count; ++kind) {
      const auto of = [&](std::uint64_t TransferCounters::*field) {
        return spread_over_cores(result, [=](const CoreCounters& core) { return core.transfers[noc][kind].*field; });
      };
      const Spread transactions = of(&TransferCounters::transactions);
      if (transactions.total == 0) continue;
      const Spread bytes = of(&TransferCounters::bytes);
      const Spread hops = of(&TransferCounters::hops);
      text += fmt::format("  {:<20}{:>14}{:>16}{:>14}{:>11.2f}{:>16}{:>16}\n",
                          fmt::format("NoC {} {}", noc, name_of(static_cast<TransferKind>(kind))),
                          grouped(transactions.total), grouped(bytes.total), grouped(hops.total),
                          hops.total / transactions.total, grouped(bytes.min), grouped(bytes.max));
    }
  }
  const auto dram = [&](TransferKind kind) {
    return bytes_text(
        spread_over_cores(result, [=](const CoreCounters& core) { return transfers_of(core, kind).bytes; }).total);
  };
  text += fmt::format("  DRAM read {}, written {}\n", dram(TransferKind::dram_read), dram(TransferKind::dram_write));
  return text;
}

std::string ranks_text(const RunOutcome& outcome) {
  const std::vector<RankHostCost>& ranks = outcome.result.ranks;
  const auto over_ranks = [&](auto field) {
    std::vector<double> values;
    values.reserve(ranks.size());
    for (const RankHostCost& rank : ranks) values.push_back(static_cast<double>(rank.*field));
    return spread_of(values);
  };
  std::string text = fmt::format("\nHost cost: launch {:.3f} s, start to end {:.3f} s\n", outcome.result.wall_seconds,
                                 outcome.total_seconds);
  const auto seconds = [&](const char* name, double RankHostCost::*field) {
    const Spread spread = over_ranks(field);
    return fmt::format("{} {:.3f} (most {:.3f})", name, spread.total, spread.max);
  };
  text += fmt::format("  seconds, all ranks and the rank with most: {}, {}, {}\n",
                      seconds("kernels", &RankHostCost::kernel_seconds), seconds("serving", &RankHostCost::serving_seconds),
                      seconds("waiting", &RankHostCost::waiting_seconds));
  text += fmt::format("  MPI messages {}, {}; longest gap between polls {:.1f} ms; resident {} a rank at most\n",
                      grouped(over_ranks(&RankHostCost::messages).total), bytes_text(over_ranks(&RankHostCost::bytes).total),
                      over_ranks(&RankHostCost::longest_gap_us).max / 1000,
                      bytes_text(over_ranks(&RankHostCost::resident_bytes).max));
  return text;
}

std::string blocked_text(const RunOutcome& outcome) {
  std::string text = fmt::format("\n{:<26}", "Host cost: seconds blocked");
  std::vector<int> reasons;
  for (int reason = 0; reason < block_reason_count; ++reason) {
    for (const CoreHostCost& core : outcome.result.core_hosts) {
      const bool seen = std::any_of(core.blocked_count.begin(), core.blocked_count.end(),
                                    [=](const auto& counts) { return counts[static_cast<std::size_t>(reason)] > 0; });
      if (!seen) continue;
      reasons.push_back(reason);
      break;
    }
  }
  for (const int reason : reasons) text += fmt::format("{:>15}", name_of(static_cast<BlockReason>(reason)));
  text += reasons.empty() ? " none\n" : "   (sum over cores; times)\n";
  for (int risc = 0; risc < risc_count && !reasons.empty(); ++risc) {
    text += fmt::format("  {:<24}", name_of(static_cast<Risc>(risc)));
    for (const int reason : reasons) {
      double seconds = 0;
      std::uint64_t count = 0;
      for (const CoreHostCost& core : outcome.result.core_hosts) {
        seconds += core.blocked_seconds[static_cast<std::size_t>(risc)][static_cast<std::size_t>(reason)];
        count += core.blocked_count[static_cast<std::size_t>(risc)][static_cast<std::size_t>(reason)];
      }
      text += fmt::format("{:>15}", count == 0 ? "-" : fmt::format("{:.3f} ({})", seconds, count));
    }
    text += '\n';
  }
  return text;
}

}  // namespace

std::string place_text(const RunOutcome& outcome) {
  return fmt::format("  runs on    {} cores, {} rank{}, {}, SIMD {}{}\n", text_of(outcome.grid), outcome.ranks,
                     outcome.ranks == 1 ? "" : "s", outcome.transport, simd_target_name(),
                     outcome.shake ? fmt::format(", shaken with seed {}", *outcome.shake) : std::string());
}

std::string device_text(const RunOutcome& outcome) {
  return work_text(outcome) + buffers_text(outcome) + noc_text(outcome) +
         (outcome.device ? device_time_text(*outcome.device) : std::string());
}

std::string host_text(const RunOutcome& outcome) {
  return ranks_text(outcome) + blocked_text(outcome) + (outcome.device ? replay_cost_text(*outcome.device) : std::string());
}

std::string view_text(const RunOutcome& outcome, const std::string& name) {
  if (name == "none") return {};
  const auto& list = metrics();
  const auto metric = std::find_if(list.begin(), list.end(), [&](const Metric& m) { return m.name == name; });
  if (metric->device_time) return outcome.device ? device_view_text(*outcome.device, name) : std::string();
  std::vector<double> values;
  for (std::size_t i = 0; i < outcome.result.cores.size(); ++i) {
    values.push_back(metric->value(outcome.result.cores[i], outcome.result.core_hosts[i]));
  }
  return fmt::format(
      "\n{}", grid_view(outcome.grid, values,
                        fmt::format("{}: {}", metric->host ? "Host cost" : "Device counts", metric->title), metric->unit));
}

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}
std::string grouped(double value) { return grouped(static_cast<std::uint64_t>(std::llround(value))); }

std::string bytes_text(double bytes) {
  if (bytes < 10 * 1024) return fmt::format("{:.0f} B", bytes);
  if (bytes < 10 * 1024 * 1024) return fmt::format("{:.1f} KiB", bytes / 1024);
  return fmt::format("{:.1f} MiB", bytes / (1024 * 1024));
}

Spread spread_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  const double total = std::accumulate(values.begin(), values.end(), 0.0);
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  return {total, *min, total / static_cast<double>(values.size()), *max};
}

const char* text_of(Fidelity fidelity) {
  constexpr std::array<const char*, 5> names{"?", "lofi", "hifi2", "hifi3", "hifi4"};
  return names.at(static_cast<std::size_t>(fidelity));
}

std::string text_of(GridSize grid) { return fmt::format("{}x{}", grid.x, grid.y); }

}  // namespace tilegrid::cli
