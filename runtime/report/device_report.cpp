// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/device_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "noc/grid.h"
#include "runtime/report/grid_view.h"
#include "runtime/report/metrics.h"
#include "runtime/report/run_report.h"
#include "runtime/timing/replay.h"

namespace tilegrid::cli {
namespace {

using timing::CoreTime;
using timing::LaneTime;
using timing::ShareTime;

constexpr std::size_t most_operations = 6;
constexpr std::size_t most_links = 3;

std::string percent(double part, double whole) { return fmt::format("{:.1f}%", whole > 0 ? 100 * part / whole : 0); }

std::string launch_line(const DeviceReport& report, const timing::LaunchTime& launch) {
  const DeviceSummary one = summarise(std::span(&launch, 1));
  const double clock = report.architecture.parameters["clock_hz"];
  return fmt::format("  launch {:<20}{:>14} cycles {:>12} {:>6}; bound by {} {}, then {} {}\n", launch.name,
                     grouped(launch.cycles), duration_text(launch.cycles / clock),
                     percent(launch.cycles, report.time.cycles), name_of(one.limits[0].kind, report.program),
                     percent(one.limits[0].cycles, one.cycles), name_of(one.limits[1].kind, report.program),
                     percent(one.limits[1].cycles, one.cycles));
}

std::string total_text(const DeviceReport& report) {
  const timing::DeviceTime& time = report.time;
  const DeviceSummary& summary = report.summary;
  const auto& limits = summary.limits;
  std::string text =
      fmt::format("\nDevice time: {}, {} cycles; {:.3g} TFLOP/s, {} of the peak at the fidelity used\n",
                  duration_text(time.seconds), grouped(time.cycles), time.tflops, percent(time.peak_share, 1));
  text += fmt::format("  {} at {:.6g} MHz", report.architecture.parameters.name(),
                      report.architecture.parameters["clock_hz"] / 1e6);
  // Routes and banks are in the log, and those are Wormhole's.
  if (report.architecture.parameters.name() == "blackhole") text += ", on Wormhole's grid, routes and DRAM banks";
  for (const auto& change : report.architecture.changes) {
    text += fmt::format("{} {} {:.6g} -> {:.6g}", &change == report.architecture.changes.data() ? "; changed:" : ",",
                        change.name, change.before, change.after);
  }
  text += fmt::format("\n  bound by {}: {} of the time, a margin of {}; then", name_of(limits[0].kind, report.program),
                      percent(limits[0].cycles, summary.cycles), percent(summary.margin(), 1));
  for (std::size_t i = 1; i < limits.size(); ++i) {
    text += fmt::format("{} {} {}", i == 1 ? "" : ",", name_of(limits.at(i).kind, report.program),
                        percent(limits.at(i).cycles, summary.cycles));
  }
  text += '\n';
  if (time.launches.size() < 2) return text;
  for (const timing::LaunchTime& launch : time.launches) text += launch_line(report, launch);
  return text;
}

/// What a lane did with the time, in percent: of the mean core and of the slowest.
std::string lanes_text(const DeviceReport& report) {
  const DeviceSummary& summary = report.summary;
  if (summary.cores.empty()) return {};
  const CoreTime& slowest = summary.cores[summary.slowest];
  std::vector<std::size_t> stalls;
  for (std::size_t stall = 0; stall < timing::stall_count; ++stall) {
    const bool seen = std::any_of(summary.mean.lanes.begin(), summary.mean.lanes.end(),
                                  [=](const LaneTime& lane) { return lane.stalled.at(stall) > 0; });
    if (seen) stalls.push_back(stall);
  }
  std::string text = fmt::format("  {:<15}{:>11}", "% mean/slowest", "busy");
  for (const std::size_t stall : stalls) text += fmt::format("{:>11}", name_of(static_cast<timing::Stall>(stall)));
  const LogicalCore at = report.grid.core(static_cast<int>(summary.slowest));
  text += fmt::format("{:>11}   slowest core ({},{})\n", "ended", at.x, at.y);
  const auto cell = [&](double mean, double slow) {
    return fmt::format("{:>11}", fmt::format("{:.1f}/{:.1f}", 100 * mean / summary.cycles, 100 * slow / summary.cycles));
  };
  for (std::size_t lane = 0; lane < timing::lane_count; ++lane) {
    const LaneTime& a = summary.mean.lanes.at(lane);
    const LaneTime& b = slowest.lanes.at(lane);
    constexpr std::array<const char*, timing::lane_count> roles{" (writer)", " (reader)", "", "", ""};
    text += fmt::format("  {:<15}", std::string(name_of(static_cast<timing::Lane>(lane))) + roles.at(lane));
    text += cell(a.busy, b.busy);
    for (const std::size_t stall : stalls) text += cell(a.stalled.at(stall), b.stalled.at(stall));
    text += cell(summary.cycles - a.end, summary.cycles - b.end) + "\n";
  }
  return text;
}

std::string share_line(const DeviceSummary& summary, const std::string& name, const ShareTime& share) {
  std::string text = fmt::format("  {:<22}", name);
  for (const double busy : share.busy) {
    const double mean = busy / static_cast<double>(summary.cores.size());
    text += fmt::format("{:>18}", busy > 0 ? fmt::format("{} {:>5}", grouped(mean), percent(mean, summary.cycles)) : "-");
  }
  return text + "\n";
}

std::string shares_text(const DeviceSummary& summary) {
  if (summary.cores.empty()) return {};
  std::string text = fmt::format("  {:<22}", "busy cycles a core");
  for (int lane = 0; lane < timing::lane_count; ++lane) {
    text += fmt::format("{:>18}", name_of(static_cast<timing::Lane>(lane)));
  }
  text += "   (share of the time)\n";
  const bool has_phases = summary.phases.size() > 1 || (!summary.phases.empty() && !summary.phases.front().name.empty());
  for (const ShareTime& phase : summary.phases) {
    if (!has_phases) break;
    text += share_line(summary, phase.name.empty() ? "phase -" : "phase " + phase.name, phase);
  }
  const std::size_t shown = std::min(summary.operations.size(), most_operations);
  for (std::size_t i = 0; i < shown; ++i) text += share_line(summary, summary.operations[i].name, summary.operations[i]);
  ShareTime others;
  for (std::size_t i = shown; i < summary.operations.size(); ++i) {
    for (std::size_t lane = 0; lane < others.busy.size(); ++lane) {
      others.busy.at(lane) += summary.operations[i].busy.at(lane);
    }
  }
  if (shown < summary.operations.size()) {
    text += share_line(summary, fmt::format("{} other kinds", summary.operations.size() - shown), others);
  }
  return text;
}

std::string network_text(const DeviceReport& report) {
  const DeviceSummary& summary = report.summary;
  constexpr std::array<const char*, 4> directions{"east", "south", "north", "west"};
  std::string text;
  for (int noc = 0; noc < noc_count; ++noc) {
    std::vector<std::string> busiest;
    std::vector<double> busy;
    for (const timing::LinkTime& link : summary.links) {
      if (link.noc != noc) continue;
      busy.push_back(link.busy);
      if (busiest.size() == most_links) continue;
      busiest.push_back(fmt::format("{} {}-{} {}", percent(link.busy, summary.cycles), link.from.x, link.from.y,
                                    directions.at(link.direction)));
    }
    if (busy.empty()) continue;
    text += fmt::format("  NoC {} links busy: most {}; mean of {} used {}\n", noc, fmt::join(busiest, ", "), busy.size(),
                        percent(spread_of(busy).mean, summary.cycles));
  }
  std::vector<double> banks;
  double read = 0;
  double written = 0;
  for (const timing::DramTime& bank : summary.dram) {
    banks.push_back(bank.busy);
    read += static_cast<double>(bank.bytes_read);
    written += static_cast<double>(bank.bytes_written);
  }
  const Spread spread = spread_of(banks);
  text += fmt::format(
      "  DRAM banks busy: least {}, mean {}, most {}; {:.1f} GB/s; NoC bytes times hops {}\n",
      percent(spread.min, summary.cycles), percent(spread.mean, summary.cycles), percent(spread.max, summary.cycles),
      report.time.seconds > 0 ? (read + written) / report.time.seconds / 1e9 : 0, bytes_text(summary.bytes_times_hops));
  return text;
}

}  // namespace

DeviceReport replay_run(const RunLog& log, const ChosenArchitecture& architecture) {
  const auto start = std::chrono::steady_clock::now();
  DeviceReport report{log.program, log.grid, architecture, timing::replay(log, architecture.parameters), {}, 0};
  report.summary = summarise(report.time.launches);
  report.replay_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

std::string device_time_text(const DeviceReport& report) {
  return total_text(report) + lanes_text(report) + shares_text(report.summary) + network_text(report);
}

std::string replay_cost_text(const DeviceReport& report) {
  return fmt::format("\nHost cost: replay of {} events {:.3f} s\n", grouped(report.time.events), report.replay_seconds);
}

std::string device_view_text(const DeviceReport& report, const std::string& name) {
  const auto& list = metrics();
  const auto metric = std::find_if(list.begin(), list.end(), [&](const Metric& m) { return m.name == name; });
  if (metric == list.end() || !metric->device_time) return {};
  std::vector<double> values;
  for (const CoreTime& core : report.summary.cores) values.push_back(metric->device_time(core, report.summary.cycles));
  return fmt::format("\n{}", grid_view(report.grid, values, "Device time: " + metric->title, metric->unit));
}

std::string name_of(Limit::Kind kind, const std::string& program) {
  constexpr std::array<const char*, limit_count> names{"MATH", "UNPACK", "PACK", "reader", "writer", "imbalance", "launch"};
  if (kind == Limit::Kind::reader && program.starts_with("attention")) return "K/V stream";
  return names.at(static_cast<std::size_t>(kind));
}

std::string duration_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.2f} us", seconds * 1e6);
  return fmt::format("{:.4g} ms", seconds * 1e3);
}

}  // namespace tilegrid::cli
