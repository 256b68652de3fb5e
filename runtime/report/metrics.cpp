// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "runtime/report/grid_view.h"
#include "runtime/timing/summary.h"

namespace tilegrid::report {
namespace {

std::string dashed(std::string text) {
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

double number(std::uint64_t value) { return static_cast<double>(value); }

/// Adds up one field over the kinds and NoCs of a core.
double total(const CoreCounters& core, std::uint64_t TransferCounters::*field) {
  std::uint64_t sum = 0;
  for (const auto& noc : core.transfers) {
    for (const TransferCounters& transfer : noc) sum += transfer.*field;
  }
  return number(sum);
}

void add_device_metrics(std::vector<Metric>& list) {
  for (const TileOp op : each<TileOp>) {
    list.push_back({dashed(name_of(op)) + "-tiles", fmt::format("{} tiles", name_of(op)), "", false,
                    [op](const CoreCounters& core, const CoreHostCost&) { return number(core.tiles[op]); }});
  }
  const auto add = [&](const char* name, const char* title, const char* unit, auto value) {
    list.push_back(
        {name, title, unit, false, [value](const CoreCounters& core, const CoreHostCost&) { return value(core); }});
  };
  using Core = const CoreCounters&;
  add("dst-sections", "DST sections", "", [](Core core) { return number(core.dst_sections); });
  add("dst-peak", "DST peak slots", "", [](Core core) { return number(core.dst_peak_slots); });
  add("l1-used", "L1 used", "B", [](Core core) { return number(core.l1_used_bytes); });
  add("cb-high-water", "L1 in circular buffers at their high-water marks", "B", [](Core core) {
    return std::accumulate(core.cbs.begin(), core.cbs.end(), 0.0, [](double sum, const CbCounters& cb) {
      return sum + number(cb.high_water_pages) * number(cb.page_bytes);
    });
  });
  add("noc-transactions", "NoC transactions", "", [](Core core) { return total(core, &TransferCounters::transactions); });
  add("noc-bytes", "NoC bytes", "B", [](Core core) { return total(core, &TransferCounters::bytes); });
  add("noc-hops", "NoC hops", "", [](Core core) { return total(core, &TransferCounters::hops); });
  add("noc-byte-hops", "NoC bytes times hops", "B", [](Core core) { return total(core, &TransferCounters::byte_hops); });
  add("dram-bytes", "DRAM bytes read and written", "B", [](Core core) {
    return number(transfers_of(core, TransferKind::dram_read).bytes + transfers_of(core, TransferKind::dram_write).bytes);
  });
  for (const TransferKind kind : each<TransferKind>) {
    list.push_back(
        {dashed(name_of(kind)) + "-bytes", fmt::format("{} bytes", name_of(kind)), "B", false,
         [kind](const CoreCounters& core, const CoreHostCost&) { return number(transfers_of(core, kind).bytes); }});
  }
  add("ambiguous-waits", "ambiguous waits", "", [](Core core) { return number(core.ambiguous_waits); });
}

void add_host_metrics(std::vector<Metric>& list) {
  list.push_back({"kernel-seconds", "time in kernels", "s", true, [](const CoreCounters&, const CoreHostCost& host) {
                    return std::accumulate(host.kernel_seconds.begin(), host.kernel_seconds.end(), 0.0);
                  }});
  for (const BlockReason reason : each<BlockReason>) {
    list.push_back({"blocked-" + dashed(name_of(reason)),
                    fmt::format("time blocked on {}, its fibers added up", name_of(reason)), "s", true,
                    [reason](const CoreCounters&, const CoreHostCost& host) {
                      double sum = 0;
                      for (const auto& risc : host.blocked_seconds) sum += risc[reason];
                      return sum;
                    }});
  }
}

/// Shares are in percent of the run's cycles.
void add_replay_metrics(std::vector<Metric>& list) {
  const auto add = [&](std::string name, std::string title, const char* unit, auto value) {
    list.push_back({std::move(name), std::move(title), unit, false, nullptr, value});
  };
  add("device-cycles", "end of the core", "cycles", [](const timing::CoreTime& core, double) { return core.end; });
  constexpr EnumArray<timing::Lane, const char*> lanes{"writer", "reader", "unpack", "math", "pack"};
  for (const timing::Lane i : each<timing::Lane>) {
    const char* lane = lanes[i];
    add(fmt::format("{}-busy", lane), fmt::format("{} busy", lane), "%",
        [i](const timing::CoreTime& core, double cycles) { return 100 * core.lanes[i].busy / cycles; });
    add(fmt::format("{}-stalled", lane), fmt::format("{} stalled, the launch included", lane), "%",
        [i](const timing::CoreTime& core, double cycles) {
          const auto& stalled = core.lanes[i].stalled;
          return 100 * std::accumulate(stalled.begin(), stalled.end(), 0.0) / cycles;
        });
  }
  for (const timing::Stall stall : each<timing::Stall>) {
    add("stalled-" + dashed(timing::key_of(stall)), fmt::format("stalled on {}, mean of the five lanes", name_of(stall)),
        "%", [stall](const timing::CoreTime& core, double cycles) {
          double sum = 0;
          for (const timing::LaneTime& lane : core.lanes) sum += lane.stalled[stall];
          return 100 * sum / (timing::lane_count * cycles);
        });
  }
}

}  // namespace

TransferCounters transfers_of(const CoreCounters& core, TransferKind kind) {
  TransferCounters sum;
  for (const auto& noc : core.transfers) {
    const TransferCounters& one = noc[kind];
    sum.transactions += one.transactions;
    sum.bytes += one.bytes;
    sum.hops += one.hops;
    sum.byte_hops += one.byte_hops;
  }
  return sum;
}

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> list = [] {
    std::vector<Metric> all;
    add_device_metrics(all);
    add_replay_metrics(all);
    add_host_metrics(all);
    return all;
  }();
  return list;
}

std::vector<std::string> metric_names(bool all) {
  std::vector<std::string> names;
  for (const Metric& metric : metrics()) {
    if (all || metric.device_time) names.push_back(metric.name);
  }
  return names;
}

std::string count_view_text(const Metric& metric, GridSize grid, const std::vector<CoreCounters>& cores,
                            const std::vector<CoreHostCost>& hosts) {
  std::vector<double> values;
  values.reserve(cores.size());
  for (std::size_t i = 0; i < cores.size(); ++i) values.push_back(metric.value(cores[i], hosts[i]));
  const std::string title = fmt::format("{}: {}", metric.host ? "Host cost" : "Device counts", metric.title);
  return fmt::format("\n{}", grid_view(grid, values, title, metric.unit));
}

std::string time_view_text(const Metric& metric, GridSize grid, const std::vector<timing::CoreTime>& cores, double cycles) {
  std::vector<double> values;
  values.reserve(cores.size());
  for (const timing::CoreTime& core : cores) values.push_back(metric.device_time(core, cycles));
  return fmt::format("\n{}", grid_view(grid, values, fmt::format("Device time: {}", metric.title), metric.unit));
}

}  // namespace tilegrid::report
