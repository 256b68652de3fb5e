// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "runtime/report/checks_report.h"
#include "runtime/report/metrics.h"
#include "runtime/report/number_report.h"

namespace tilegrid::report {
namespace {

/// Figures of `values`, smallest and largest and mean.
Value spread_of(const std::vector<std::uint64_t>& values) {
  if (values.empty()) return {{"total", 0}, {"min", 0}, {"mean", 0.0}, {"max", 0}};
  const std::uint64_t total = std::accumulate(values.begin(), values.end(), std::uint64_t{0});
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  return {{"total", total}, {"min", *min}, {"mean", static_cast<double>(total) / count_of(values)}, {"max", *max}};
}
template <class Figure>
Value spread_over_cores(const RunResult& result, const Figure& figure) {
  std::vector<std::uint64_t> values;
  for (const CoreCounters& core : result.cores) values.push_back(figure(core));
  return spread_of(values);
}

/// What fibers waited for, by RISC and reason.
Value blocked_figures(std::span<const CoreHostCost> cores) {
  Object riscs;
  for (const Risc risc : each<Risc>) {
    Object reasons;
    for (const BlockReason reason : each<BlockReason>) {
      double seconds = 0;
      std::uint64_t count = 0;
      for (const CoreHostCost& core : cores) {
        seconds += core.blocked_seconds[risc][reason];
        count += core.blocked_count[risc][reason];
      }
      if (count > 0) reasons.push_back({name_of(reason), {{"seconds", seconds}, {"count", count}}});
    }
    riscs.push_back({name_of(risc), reasons});
  }
  return riscs;
}

/// One entry for each NoC and kind of transfer that was used.
Value noc_figures(std::span<const CoreCounters> cores) {
  Array list;
  for (int noc = 0; noc < noc_count; ++noc) {
    for (const TransferKind kind : each<TransferKind>) {
      TransferCounters sum;
      std::uint64_t least = ~std::uint64_t{0}, most = 0;
      for (const CoreCounters& core : cores) {
        const TransferCounters& one = core.transfers[noc][kind];
        sum.transactions += one.transactions;
        sum.bytes += one.bytes;
        sum.hops += one.hops;
        sum.byte_hops += one.byte_hops;
        least = std::min(least, one.bytes);
        most = std::max(most, one.bytes);
      }
      if (sum.transactions == 0) continue;
      list.push_back({{"noc", noc},
                      {"kind", name_of(kind)},
                      {"transactions", sum.transactions},
                      {"bytes", sum.bytes},
                      {"hops", sum.hops},
                      {"byte_hops", sum.byte_hops},
                      {".least", least},
                      {".most", most}});
    }
  }
  return list;
}

Value buffer_figures(const RunOutcome& outcome, std::span<const CoreCounters> cores) {
  Array list;
  for (const CircularBufferConfig& config : outcome.circular_buffers) {
    CbCounters sum;
    for (const CoreCounters& core : cores) {
      const CbCounters& cb = core.cbs.at(config.id);
      sum = {cb.capacity_pages, cb.page_bytes, std::max(sum.high_water_pages, cb.high_water_pages),
             sum.pushed_pages + cb.pushed_pages};
    }
    list.push_back({{"id", config.id},
                    {"role", config.role},
                    {"format", name_of(config.format)},
                    {"pages", sum.capacity_pages},
                    {"page_bytes", sum.page_bytes},
                    {"high_water_pages", sum.high_water_pages},
                    {"pushed_pages", sum.pushed_pages},
                    // Programs that run one after the other may give a buffer other sizes.
                    {".pages", config.pages},
                    {".page_bytes", config.page_bytes}});
  }
  return list;
}

Value host_figures(const RunOutcome& outcome) {
  Array ranks;
  RankHostCost sum, most;
  for (const RankHostCost& rank : outcome.result.ranks) {
    ranks.push_back({{"rank", ranks.size()},
                     {"kernel_seconds", rank.kernel_seconds},
                     {"serving_seconds", rank.serving_seconds},
                     {"waiting_seconds", rank.waiting_seconds},
                     {"wall_seconds", rank.wall_seconds},
                     {"mpi_messages", rank.messages},
                     {"mpi_bytes", rank.bytes},
                     {"shared_bytes", rank.shared_bytes},
                     {"longest_gap_us", rank.longest_gap_us},
                     {"resident_bytes", rank.resident_bytes}});
    for (double RankHostCost::*seconds :
         {&RankHostCost::kernel_seconds, &RankHostCost::serving_seconds, &RankHostCost::waiting_seconds}) {
      sum.*seconds += rank.*seconds;
      most.*seconds = std::max(most.*seconds, rank.*seconds);
    }
    sum.messages += rank.messages;
    sum.bytes += rank.bytes;
    sum.shared_bytes += rank.shared_bytes;
    most.longest_gap_us = std::max(most.longest_gap_us, rank.longest_gap_us);
    most.resident_bytes = std::max(most.resident_bytes, rank.resident_bytes);
  }
  return {{"launch_seconds", outcome.result.wall_seconds},
          {"total_seconds", outcome.total_seconds},
          {"verify_seconds", outcome.verify_seconds},
          {"kernel_seconds", {{"sum", sum.kernel_seconds}, {"max", most.kernel_seconds}}},
          {"serving_seconds", {{"sum", sum.serving_seconds}, {"max", most.serving_seconds}}},
          {"waiting_seconds", {{"sum", sum.waiting_seconds}, {"max", most.waiting_seconds}}},
          {"mpi_messages", sum.messages},
          {"mpi_bytes", sum.bytes},
          {"shared_bytes", sum.shared_bytes},
          {"longest_gap_us", most.longest_gap_us},
          {"resident_bytes", most.resident_bytes},
          {"blocked", blocked_figures(outcome.result.core_hosts)},
          {"ranks", ranks}};
}

Value core_figures(const RunOutcome& outcome, const std::function<Value(int core)>& work) {
  Array list;
  for (int i = 0; i < count_of(outcome.result.cores); ++i) {
    const CoreCounters& core = outcome.result.cores[i];
    const CoreHostCost& host = outcome.result.core_hosts[i];
    const LogicalCore at = outcome.grid.core(i);
    const PhysicalCore physical = outcome.result.chip.places().physical_of(at);
    Object kernel_seconds, tiles;
    for (const Risc risc : each<Risc>) {
      kernel_seconds.push_back({name_of(risc), host.kernel_seconds[risc]});
    }
    for (const TileOp op : each<TileOp>) {
      tiles.push_back({name_of(op), core.tiles[op]});
    }
    list.push_back(
        {{"x", at.x},
         {"y", at.y},
         {"physical", {{"x", physical.x}, {"y", physical.y}}},
         {"work", work(i)},
         {"tiles", tiles},
         {"dst", {{"sections", core.dst_sections}, {"peak_slots", core.dst_peak_slots}, {"capacity", core.dst_capacity}}},
         {"cbs", buffer_figures(outcome, {&core, 1})},
         {"l1_used_bytes", core.l1_used_bytes},
         {"noc", noc_figures({&core, 1})},
         {"ambiguous_waits", core.ambiguous_waits},
         {"numbers", numbers_of(outcome, i)},
         {"host", {{"kernel_seconds", kernel_seconds}, {"blocked", blocked_figures({&host, 1})}}}});
  }
  return list;
}

Value total_figures(const RunOutcome& outcome) {
  const RunResult& result = outcome.result;
  Object tiles;
  for (const TileOp op : each<TileOp>) {
    tiles.push_back({name_of(op), spread_over_cores(result, [op](const auto& core) { return core.tiles[op]; })});
  }
  const auto most = [&](auto field) {
    return spread_over_cores(result, [=](const CoreCounters& core) { return std::uint64_t{core.*field}; })["max"];
  };
  return {
      {"tiles", tiles},
      {"expected_matmul_tiles", outcome.expected_matmul_tiles},
      {"dst",
       {{"sections", spread_over_cores(result, [](const CoreCounters& core) { return core.dst_sections; })},
        {"peak_slots", most(&CoreCounters::dst_peak_slots)},
        {"capacity", most(&CoreCounters::dst_capacity)}}},
      {"cbs", buffer_figures(outcome, result.cores)},
      {"l1_used_bytes", most_l1_bytes(outcome)},
      {"l1_bytes", result.chip.memory().l1_bytes},
      {"noc", noc_figures(result.cores)},
      {"dram",
       {{"read_bytes", bytes_of(outcome, TransferKind::dram_read)},
        {"written_bytes", bytes_of(outcome, TransferKind::dram_write)}}},
      {"ambiguous_waits", spread_over_cores(result, [](const CoreCounters& core) { return core.ambiguous_waits; })["total"]},
      {"numbers", numbers_of(outcome)}};
}

const Metric* metric_of(const std::string& name) {
  const auto& list = metrics();
  const auto found = std::find_if(list.begin(), list.end(), [&](const Metric& metric) { return metric.name == name; });
  return found != list.end() ? &*found : nullptr;
}

}  // namespace

Value conversions_of(const Conversions& conversions) {
  Array list;
  list.reserve(conversions.size());
  for (const Conversion& one : conversions) list.push_back({{"input", one.input}, {"what", one.what}});
  return list;
}

std::string conversions_text(const Conversions& conversions) {
  std::string text;
  for (const Conversion& one : conversions) text += fmt::format("  {:<11}{}: {}\n", "converted", one.input, one.what);
  return text;
}

Value run_figures(const RunOutcome& outcome, const std::string& view, const std::function<Value(int core)>& work) {
  Value view_text;
  if (const Metric* metric = metric_of(view)) {
    view_text = metric->device_time && outcome.device ? device_view_text(*outcome.device, view) : std::string();
    if (metric->value) view_text = count_view_text(*metric, outcome.grid, outcome.result.cores, outcome.result.core_hosts);
  }
  return {{"host", host_figures(outcome)},
          {"cores", core_figures(outcome, work)},
          {"totals", total_figures(outcome)},
          {"device", outcome.device ? device_figures(*outcome.device) : Value()},
          {"checks", findings_of(outcome.result.findings, outcome.grid)},
          {".view", view_text}};
}

std::string device_view_text(const DeviceReport& report, const std::string& name) {
  const Metric* metric = metric_of(name);
  if (metric == nullptr || !metric->device_time) return {};
  return time_view_text(*metric, report.grid, report.summary.cores, report.summary.cycles);
}

std::uint64_t most_l1_bytes(const RunOutcome& outcome) {
  std::uint64_t most = 0;
  for (const CoreCounters& core : outcome.result.cores) most = std::max<std::uint64_t>(most, core.l1_used_bytes);
  return most;
}

std::uint64_t bytes_of(const RunOutcome& outcome, TransferKind kind) {
  std::uint64_t bytes = 0;
  for (const CoreCounters& core : outcome.result.cores) bytes += transfers_of(core, kind).bytes;
  return bytes;
}

}  // namespace tilegrid::report
