// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/run_report_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/error.h"
#include "core/l1.h"
#include "noc/grid.h"
#include "runtime/cli/check_arguments.h"
#include "runtime/report/device_report_json.h"
#include "runtime/report/metrics.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Totals of what fibers waited for, by RISC and reason.
Json blocked_json(const std::vector<CoreHostCost>& cores) {
  Json result = Json::object();
  for (std::size_t risc = 0; risc < risc_count; ++risc) {
    Json reasons = Json::object();
    for (std::size_t reason = 0; reason < block_reason_count; ++reason) {
      double seconds = 0;
      std::uint64_t count = 0;
      for (const CoreHostCost& core : cores) {
        seconds += core.blocked_seconds[risc][reason];
        count += core.blocked_count[risc][reason];
      }
      if (count > 0) reasons[name_of(static_cast<BlockReason>(reason))] = {{"seconds", seconds}, {"count", count}};
    }
    result[name_of(static_cast<Risc>(risc))] = reasons;
  }
  return result;
}

Json noc_json(const CoreCounters& core) {
  Json list = Json::array();
  for (std::size_t noc = 0; noc < noc_count; ++noc) {
    for (std::size_t kind = 0; kind < transfer_kind_count; ++kind) {
      const TransferCounters& transfer = core.transfers[noc][kind];
      if (transfer.transactions == 0) continue;
      list.push_back({{"noc", noc},
                      {"kind", name_of(static_cast<TransferKind>(kind))},
                      {"transactions", transfer.transactions},
                      {"bytes", transfer.bytes},
                      {"hops", transfer.hops},
                      {"byte_hops", transfer.byte_hops}});
    }
  }
  return list;
}

Json cbs_json(const RunOutcome& outcome, const CoreCounters& core) {
  Json list = Json::array();
  for (const CircularBufferConfig& config : outcome.circular_buffers) {
    const CbCounters& cb = core.cbs.at(static_cast<std::size_t>(config.id));
    list.push_back({{"id", config.id},
                    {"role", config.role},
                    {"format", name_of(config.format)},
                    {"pages", cb.capacity_pages},
                    {"page_bytes", cb.page_bytes},
                    {"high_water_pages", cb.high_water_pages},
                    {"pushed_pages", cb.pushed_pages}});
  }
  return list;
}

Json tiles_json(const CoreCounters& core) {
  Json tiles = Json::object();
  for (std::size_t op = 0; op < tile_op_count; ++op) tiles[name_of(static_cast<TileOp>(op))] = core.tiles[op];
  return tiles;
}

Json spread_json(const Spread& spread) {
  return {{"total", static_cast<std::uint64_t>(spread.total)},
          {"min", static_cast<std::uint64_t>(spread.min)},
          {"mean", spread.mean},
          {"max", static_cast<std::uint64_t>(spread.max)}};
}

/// One core that did what all did together, for the tables that are the same for a core and for the grid.
CoreCounters sum_of(const std::vector<CoreCounters>& cores) {
  CoreCounters sum;
  for (const CoreCounters& core : cores) {
    for (std::size_t noc = 0; noc < noc_count; ++noc) {
      for (std::size_t kind = 0; kind < transfer_kind_count; ++kind) {
        TransferCounters& to = sum.transfers[noc][kind];
        const TransferCounters& from = core.transfers[noc][kind];
        to.transactions += from.transactions;
        to.bytes += from.bytes;
        to.hops += from.hops;
        to.byte_hops += from.byte_hops;
      }
    }
    for (std::size_t cb = 0; cb < sum.cbs.size(); ++cb) {
      sum.cbs.at(cb).capacity_pages = core.cbs.at(cb).capacity_pages;
      sum.cbs.at(cb).page_bytes = core.cbs.at(cb).page_bytes;
      sum.cbs.at(cb).high_water_pages = std::max(sum.cbs.at(cb).high_water_pages, core.cbs.at(cb).high_water_pages);
      sum.cbs.at(cb).pushed_pages += core.cbs.at(cb).pushed_pages;
    }
    sum.dst_peak_slots = std::max(sum.dst_peak_slots, core.dst_peak_slots);
    sum.dst_capacity = std::max(sum.dst_capacity, core.dst_capacity);
    sum.l1_used_bytes = std::max(sum.l1_used_bytes, core.l1_used_bytes);
    sum.ambiguous_waits += core.ambiguous_waits;
  }
  return sum;
}

}  // namespace

Json host_json(const RunOutcome& outcome) {
  Json ranks = Json::array();
  RankHostCost sum;
  RankHostCost most;
  for (const RankHostCost& rank : outcome.result.ranks) {
    ranks.push_back({{"rank", ranks.size()},
                     {"kernel_seconds", rank.kernel_seconds},
                     {"serving_seconds", rank.serving_seconds},
                     {"waiting_seconds", rank.waiting_seconds},
                     {"wall_seconds", rank.wall_seconds},
                     {"mpi_messages", rank.messages},
                     {"mpi_bytes", rank.bytes},
                     {"longest_gap_us", rank.longest_gap_us},
                     {"resident_bytes", rank.resident_bytes}});
    sum.kernel_seconds += rank.kernel_seconds;
    sum.serving_seconds += rank.serving_seconds;
    sum.waiting_seconds += rank.waiting_seconds;
    sum.messages += rank.messages;
    sum.bytes += rank.bytes;
    most.kernel_seconds = std::max(most.kernel_seconds, rank.kernel_seconds);
    most.serving_seconds = std::max(most.serving_seconds, rank.serving_seconds);
    most.waiting_seconds = std::max(most.waiting_seconds, rank.waiting_seconds);
    most.longest_gap_us = std::max(most.longest_gap_us, rank.longest_gap_us);
    most.resident_bytes = std::max(most.resident_bytes, rank.resident_bytes);
  }
  return {{"launch_seconds", outcome.result.wall_seconds},
          {"total_seconds", outcome.total_seconds},
          {"verify_seconds", outcome.verify_seconds ? Json(*outcome.verify_seconds) : Json()},
          {"kernel_seconds", {{"sum", sum.kernel_seconds}, {"max", most.kernel_seconds}}},
          {"serving_seconds", {{"sum", sum.serving_seconds}, {"max", most.serving_seconds}}},
          {"waiting_seconds", {{"sum", sum.waiting_seconds}, {"max", most.waiting_seconds}}},
          {"mpi_messages", sum.messages},
          {"mpi_bytes", sum.bytes},
          {"longest_gap_us", most.longest_gap_us},
          {"resident_bytes", most.resident_bytes},
          {"blocked", blocked_json(outcome.result.core_hosts)},
          {"ranks", ranks}};
}

Json cores_json(const RunOutcome& outcome, const std::function<Json(std::size_t core)>& work) {
  Json list = Json::array();
  for (std::size_t i = 0; i < outcome.result.cores.size(); ++i) {
    const CoreCounters& core = outcome.result.cores[i];
    const CoreHostCost& host = outcome.result.core_hosts[i];
    const LogicalCore at = outcome.grid.core(static_cast<int>(i));
    const PhysicalCore physical = outcome.result.chip.places().physical_of(at);
    Json kernel_seconds = Json::object();
    for (std::size_t risc = 0; risc < risc_count; ++risc) {
      kernel_seconds[name_of(static_cast<Risc>(risc))] = host.kernel_seconds[risc];
    }
    list.push_back(
        {{"x", at.x},
         {"y", at.y},
         {"physical", {{"x", physical.x}, {"y", physical.y}}},
         {"work", work(i)},
         {"tiles", tiles_json(core)},
         {"dst", {{"sections", core.dst_sections}, {"peak_slots", core.dst_peak_slots}, {"capacity", core.dst_capacity}}},
         {"cbs", cbs_json(outcome, core)},
         {"l1_used_bytes", core.l1_used_bytes},
         {"noc", noc_json(core)},
         {"ambiguous_waits", core.ambiguous_waits},
         {"host", {{"kernel_seconds", kernel_seconds}, {"blocked", blocked_json({host})}}}});
  }
  return list;
}

Json totals_json(const RunOutcome& outcome) {
  const RunResult& result = outcome.result;
  const CoreCounters sum = sum_of(result.cores);
  Json tiles = Json::object();
  for (std::size_t op = 0; op < tile_op_count; ++op) {
    tiles[name_of(static_cast<TileOp>(op))] =
        spread_json(spread_over_cores(result, [op](const CoreCounters& core) { return core.tiles[op]; }));
  }
  return {{"tiles", tiles},
          {"expected_matmul_tiles", outcome.expected_matmul_tiles},
          {"dst",
           {{"sections", spread_json(spread_over_cores(result, [](const CoreCounters& core) { return core.dst_sections; }))},
            {"peak_slots", sum.dst_peak_slots},
            {"capacity", sum.dst_capacity}}},
          {"cbs", cbs_json(outcome, sum)},
          {"l1_used_bytes", sum.l1_used_bytes},
          {"l1_bytes", result.chip.memory().l1_bytes},
          {"noc", noc_json(sum)},
          {"dram",
           {{"read_bytes", transfers_of(sum, TransferKind::dram_read).bytes},
            {"written_bytes", transfers_of(sum, TransferKind::dram_write).bytes}}},
          {"ambiguous_waits", sum.ambiguous_waits}};
}

void add_run_json(Json& report, const RunOutcome& outcome, const std::function<Json(std::size_t core)>& work) {
  report["host"] = host_json(outcome);
  report["cores"] = cores_json(outcome, work);
  report["totals"] = totals_json(outcome);
  report["device"] = outcome.device ? device_json(*outcome.device) : Json();
  report["checks"] = findings_json(outcome.result.findings, outcome.grid);
}

void write_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".part";
  const auto refuse = [&] {
    const std::string why = std::strerror(errno);
    std::remove(temporary.c_str());
    throw UsageError(fmt::format("{}: can't be written: {}", path, why));
  };
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  if (!file) refuse();
  file << text;
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) refuse();
}

}  // namespace tilegrid::cli
