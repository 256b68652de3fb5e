// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/device_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "core/stopwatch.h"
#include "runtime/progress.h"
#include "runtime/report/table.h"
#include "runtime/timing/replay.h"

namespace tilegrid::report {
namespace {

using timing::DeviceSummary;
using timing::Lane;
using timing::lane_count;
using timing::Stall;

double share_of(double cycles, const DeviceSummary& summary) { return summary.cycles > 0 ? cycles / summary.cycles : 0; }

Value lanes_of(const timing::CoreTime& core) {
  Object lanes;
  for (const Lane lane : each<Lane>) {
    const timing::LaneTime& time = core.lanes[lane];
    Object stalled;
    for (const Stall stall : each<Stall>) {
      if (time.stalled[stall] > 0) stalled.push_back({timing::key_of(stall), time.stalled[stall]});
    }
    lanes.push_back({name_of(lane), {{"busy", time.busy}, {"end", time.end}, {"stalled", stalled}}});
  }
  return lanes;
}

/// Busy cycles of a core on average and their share of the run's.
Value shares_of(const std::vector<timing::ShareTime>& shares, const DeviceSummary& summary) {
  Array list;
  for (const timing::ShareTime& share : shares) {
    Object lanes;
    for (const Lane lane : each<Lane>) {
      const double busy = share.busy[lane];
      if (busy <= 0) continue;
      const double mean = busy / count_of(summary.cores);
      lanes.push_back({name_of(lane), {{"busy_sum", busy}, {"busy_mean", mean}, {"share", share_of(mean, summary)}}});
    }
    list.push_back({{"name", share.name}, {"lanes", lanes}});
  }
  return list;
}

Value noc_figures(const DeviceSummary& summary) {
  constexpr std::array<const char*, 4> directions{"east", "south", "north", "west"};
  Array nocs;
  for (int noc = 0; noc < noc_count; ++noc) {
    Array links;
    double busy = 0;
    for (const timing::LinkTime& link : summary.links) {
      if (link.noc != noc) continue;
      busy += link.busy;
      links.push_back({{"x", link.from.x},
                       {"y", link.from.y},
                       {"direction", directions.at(link.direction)},
                       {"busy", link.busy},
                       {"utilisation", share_of(link.busy, summary)},
                       {"bytes", link.bytes}});
    }
    const double mean = links.empty() ? 0 : busy / count_of(links);
    nocs.push_back({{"noc", noc}, {"mean_utilisation", share_of(mean, summary)}, {"links", links}});
  }
  return {{"byte_hops", summary.bytes_times_hops}, {"nocs", nocs}};
}

Value dram_figures(const DeviceReport& report) {
  const DeviceSummary& summary = report.summary;
  Array banks;
  double least = 0, total = 0, most = 0, bytes = 0;
  for (const timing::DramTime& bank : summary.dram) {
    least = banks.empty() ? bank.busy : std::min(least, bank.busy);
    most = std::max(most, bank.busy);
    total += bank.busy;
    bytes += static_cast<double>(bank.bytes_read) + static_cast<double>(bank.bytes_written);
    banks.push_back({{"busy", bank.busy},
                     {"utilisation", share_of(bank.busy, summary)},
                     {"read_bytes", bank.bytes_read},
                     {"written_bytes", bank.bytes_written}});
  }
  const double mean = banks.empty() ? 0 : total / count_of(banks);
  return {{"utilisation",
           {{"min", share_of(least, summary)}, {"mean", share_of(mean, summary)}, {"max", share_of(most, summary)}}},
          {"bytes_per_second", report.time.seconds > 0 ? bytes / report.time.seconds : 0},
          {"banks", banks}};
}

Value bound_figures(const DeviceSummary& summary, const std::string& program) {
  Object limits;
  for (const timing::Limit& limit : summary.limits) limits.push_back({name_of(limit.kind, program), limit.cycles});
  return {{"by", limits.front().name},
          {"share", share_of(summary.limits[0].cycles, summary)},
          {"margin", summary.margin()},
          {"limits", limits}};
}

Value launch_figures(const DeviceReport& report) {
  Array list;
  for (const timing::LaunchTime& launch : report.time.launches) {
    const DeviceSummary one = summarise(std::span(&launch, 1));
    list.push_back({{"name", launch.name},
                    {"cycles", launch.cycles},
                    {"seconds", launch.cycles / report.architecture.parameters["clock_hz"]},
                    {"bound", bound_figures(one, report.program)},
                    {"lanes", lanes_of(one.mean)},
                    {"phases", shares_of(one.phases, one)},
                    {"operations", shares_of(one.operations, one)},
                    {"matmul_tiles", launch.matmul_tiles},
                    {"events", launch.events}});
  }
  return list;
}

Value architecture_figures(const DeviceReport& report) {
  const ChosenArchitecture& architecture = report.architecture;
  const std::string& name = architecture.parameters.name();
  Object changed;
  for (const auto& change : architecture.changes) {
    changed.push_back({change.name, {{"from", change.before}, {"to", change.after}}});
  }
  return {{"name", name},
          {"changed", changed},
          {".clock_hz", architecture.parameters["clock_hz"]},
          {".ran_on", report.chip.empty() || report.chip == name ? "" : fmt::format(", of a run on {}", report.chip)}};
}

Value zone_figures(const std::vector<timing::ZoneTime>& zones) {
  Array list;
  list.reserve(zones.size());
  for (const timing::ZoneTime& zone : zones) {
    list.push_back({{"name", zone.name},
                    {"file", zone.file},
                    {"line", zone.line},
                    {"risc", name_of(zone.lane)},
                    {"times", zone.times},
                    {"cycles",
                     {{"sum", zone.cycles},
                      {"mean", zone.cycles / static_cast<double>(zone.times)},
                      {"least", zone.least},
                      {"most", zone.most}}}});
  }
  return list;
}

/// "bound by X 90% of the time" and the others, as far as `most` goes.
std::string limits_text(const Value& bound, double cycles, std::size_t most) {
  std::string text;
  const Object& limits = bound["limits"].members();
  for (std::size_t i = 1; i < limits.size() && i <= most; ++i) {
    text += fmt::format("{} {} {}", i == 1 ? "" : ",", limits[i].name, percent(limits[i].value.number(), cycles));
  }
  return text;
}

/// What bounds a launch or run, as a part of its cycles.
std::string first_limit(const Value& bound, double cycles) {
  return percent(bound["limits"].members().front().value.number(), cycles);
}

std::string time_line(const Value& device) {
  return fmt::format("Device time: {}, {} cycles; {:.3g} TFLOP/s, {} of the peak at the fidelity used\n",
                     duration_text(device["seconds"].number()), grouped(device["cycles"].number()),
                     device["tflops"].number(), percent(device["peak_share"].number()));
}

/// The chip, and what --set changed of it.
std::string chip_line(const Value& arch) {
  std::string text =
      fmt::format("  {} at {:.6g} MHz{}", arch["name"].text(), arch[".clock_hz"].number() / 1e6, arch[".ran_on"].text());
  const char* before = "; changed:";
  for (const Member& change : arch["changed"].members()) {
    text += fmt::format("{} {} {:.6g} -> {:.6g}", before, change.name, change.value["from"].number(),
                        change.value["to"].number());
    before = ",";
  }
  return text + '\n';
}

/// What bounds the run, and as many others as `most` says.
std::string bound_line(const Value& device, std::size_t most) {
  const double cycles = device["cycles"].number();
  const Value& bound = device["bound"];
  return fmt::format("  bound by {}: {} of the time, a margin of {}; then{}\n", bound["by"].text(),
                     first_limit(bound, cycles), percent(bound["margin"].number()), limits_text(bound, cycles, most));
}

std::string total_text(const Value& device) {
  const double cycles = device["cycles"].number();
  const Value& arch = device["arch"];
  std::string text = '\n' + time_line(device) + chip_line(arch) + bound_line(device, lane_count + 2);
  if (device["launches"].list().size() < 2) return text;
  for (const Value& launch : device["launches"].list()) {
    const double own = launch["cycles"].number();
    text +=
        fmt::format("  launch {:<20}{:>14} cycles {:>12} {:>6}; bound by {} {}, then{}\n", launch["name"].text(),
                    grouped(own), duration_text(own / arch[".clock_hz"].number()), percent(own, cycles),
                    launch["bound"]["by"].text(), first_limit(launch["bound"], own), limits_text(launch["bound"], own, 1));
  }
  return text;
}

/// What a lane did with the time, in percent: of the mean core and of the slowest.
std::string lanes_text(const Value& device) {
  const double cycles = device["cycles"].number();
  const Value& mean = device["lanes"];
  const Value* slowest = nullptr;
  std::string place;
  for (const Value& core : device["cores"].list()) {
    const Array& at = device["slowest_core"].list();
    if (core["x"].number() != at[0].number() || core["y"].number() != at[1].number()) continue;
    slowest = &core["lanes"];
    place = fmt::format("   slowest core ({},{})", at[0].count(), at[1].count());
  }
  if (slowest == nullptr) return {};
  std::vector<Table::Column> columns{{"  % mean/slowest", -17}, {"busy", 11}};
  std::vector<std::string> stalls;
  for (const Stall stall : each<Stall>) {
    bool seen = false;
    for (const Member& lane : mean.members()) seen = seen || lane.value["stalled"][timing::key_of(stall)].number() > 0;
    if (!seen) continue;
    stalls.push_back(timing::key_of(stall));
    columns.push_back({name_of(stall), 11});
  }
  columns.push_back({"ended", 11});
  const Table table(columns);
  std::string text = table.head(place);
  constexpr EnumArray<Lane, const char*> roles{" (writer)", " (reader)", "", "", ""};
  for (const Lane own : each<Lane>) {
    const Value& a = mean[name_of(own)];
    const Value& b = (*slowest)[name_of(own)];
    const auto cell = [&](double x, double y) { return fmt::format("{:.1f}/{:.1f}", 100 * x / cycles, 100 * y / cycles); };
    std::vector<std::string> cells{fmt::format("  {}{}", name_of(own), roles[own]),
                                   cell(a["busy"].number(), b["busy"].number())};
    for (const std::string& stall : stalls)
      cells.push_back(cell(a["stalled"][stall].number(), b["stalled"][stall].number()));
    cells.push_back(cell(cycles - a["end"].number(), cycles - b["end"].number()));
    text += table.row(cells);
  }
  return text;
}

std::string shares_text(const Value& device) {
  constexpr std::size_t most_operations = 6;
  const double cycles = device["cycles"].number();
  const double cores = count_of(device["cores"].list());
  if (cores == 0) return {};
  std::vector<Table::Column> columns{{"  busy cycles a core", -24}};
  for (const Lane lane : each<Lane>) columns.push_back({name_of(lane), 18});
  const Table table(columns);
  std::string text = table.head("   (share of the time)");
  const auto line = [&](const std::string& name, const EnumArray<Lane, double>& busy) {
    std::vector<std::string> cells{"  " + name};
    for (const double sum : busy) {
      const double mean = sum / cores;
      cells.push_back(sum > 0 ? fmt::format("{} {:>5}", grouped(mean), percent(mean, cycles)) : "-");
    }
    text += table.row(cells);
  };
  const auto sums = [](const Value& share, EnumArray<Lane, double> busy = {}) {
    for (const Lane lane : each<Lane>) busy[lane] += share["lanes"][name_of(lane)]["busy_sum"].number();
    return busy;
  };
  const Array& phases = device["phases"].list();
  const bool has_phases = phases.size() > 1 || (!phases.empty() && !phases.front()["name"].text().empty());
  for (const Value& phase : phases) {
    const std::string& name = phase["name"].text();
    if (has_phases) line(name.empty() ? "phase -" : "phase " + name, sums(phase));
  }
  const Array& operations = device["operations"].list();
  EnumArray<Lane, double> others{};
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (i < most_operations) {
      line(operations[i]["name"].text(), sums(operations[i]));
    } else {
      others = sums(operations[i], others);
    }
  }
  if (operations.size() > most_operations) line(fmt::format("{} other kinds", operations.size() - most_operations), others);
  return text;
}

std::string network_text(const Value& device) {
  constexpr std::size_t most_links = 3;
  const double cycles = device["cycles"].number();
  std::string text;
  for (const Value& noc : device["noc"]["nocs"].list()) {
    const Array& links = noc["links"].list();
    if (links.empty()) continue;
    std::string busiest;
    double busy = 0;
    for (std::size_t i = 0; i < links.size(); ++i) {
      busy += links[i]["busy"].number();
      if (i < most_links) {
        busiest += fmt::format("{}{} {}-{} {}", i == 0 ? "" : ", ", percent(links[i]["busy"].number(), cycles),
                               links[i]["x"].count(), links[i]["y"].count(), links[i]["direction"].text());
      }
    }
    text += fmt::format("  NoC {} links busy: most {}; mean of {} used {}\n", noc["noc"].count(), busiest, links.size(),
                        percent(busy / count_of(links), cycles));
  }
  const Value& dram = device["dram"];
  const Value& use = dram["utilisation"];
  return text + fmt::format("  DRAM banks busy: least {}, mean {}, most {}; {:.1f} GB/s; NoC bytes times hops {}\n",
                            percent(use["min"].number()), percent(use["mean"].number()), percent(use["max"].number()),
                            dram["bytes_per_second"].number() / 1e9, bytes_text(device["noc"]["byte_hops"].number()));
}

std::string zones_text(const Value& zones) {
  if (zones.list().empty()) return {};
  const Table table(
      {{"Device time: named zones", -28}, {"RISC", 8}, {"times", 10}, {"cycles, mean", 15}, {"least", 12}, {"most", 12}});
  std::string text = fmt::format("\n{}", table.head("   (sums over cores)"));
  for (const Value& zone : zones.list()) {
    const Value& cycles = zone["cycles"];
    text +=
        table.row({"  " + zone["name"].text(), zone["risc"].text(), grouped(zone["times"].count()),
                   grouped(cycles["mean"].number()), grouped(cycles["least"].number()), grouped(cycles["most"].number())});
  }
  return text;
}

}  // namespace

ChosenArchitecture choose_architecture(const std::string& name_or_path, const std::vector<std::string>& sets) {
  ChosenArchitecture chosen;
  chosen.parameters = Chip::load(name_or_path);
  const Chip before = chosen.parameters;
  for (const std::string& assignment : sets) chosen.parameters.set(assignment);
  for (const auto& [name, parameter] : chosen.parameters.parameters()) {
    const double old = before[name];
    if (parameter.value < old || parameter.value > old) chosen.changes.push_back({name, old, parameter.value});
  }
  return chosen;
}

std::string chip_name_of(const RunLog& log) { return log.launches.empty() ? std::string() : log.launches.front().chip; }

bool is_of_built_in_chip(const RunLog& log) {
  const std::vector<std::string> known = Chip::built_in();
  return std::find(known.begin(), known.end(), chip_name_of(log)) != known.end();
}

DeviceReport replay_run(const RunLog& log, const ChosenArchitecture& architecture, bool progress, timing::Observer* observer,
                        timing::ZoneTimes* sums) {
  const std::uint64_t events = event_count(log);
  Progress line("device time", events, progress, "events");
  const auto tell = [&](double part) { line.update(static_cast<std::uint64_t>(part * static_cast<double>(events))); };
  const Stopwatch watch;
  timing::ZoneTimes own;
  timing::ZoneTimes& zones = sums != nullptr ? *sums : own;
  timing::Observers both;
  if (observer != nullptr) both.add(*observer);
  const auto has_names = [](const LaunchLog& launch) { return !launch.scopes.empty(); };
  if (std::any_of(log.launches.begin(), log.launches.end(), has_names)) both.add(zones);
  DeviceReport report{log.program,
                      chip_name_of(log),
                      log.grid,
                      architecture,
                      timing::replay(log, architecture.parameters, both.empty() ? nullptr : &both, tell),
                      {},
                      0};
  report.summary = summarise(report.time.launches);
  report.zones = zones.sums();
  report.replay_seconds = watch.seconds();
  return report;
}

Value short_device_figures(const DeviceReport& report) {
  return {{"cycles", report.time.cycles},
          {"seconds", report.time.seconds},
          {"tflops", report.time.tflops},
          {"peak_share", report.time.peak_share},
          {"bound", bound_figures(report.summary, report.program)},
          {"arch", architecture_figures(report)},
          {"replay_seconds", report.replay_seconds}};
}

Value device_figures(const DeviceReport& report) {
  const timing::DeviceTime& time = report.time;
  const DeviceSummary& summary = report.summary;
  const LogicalCore slowest = report.grid.core(summary.slowest);
  Array cores;
  for (int i = 0; i < count_of(summary.cores); ++i) {
    const LogicalCore at = report.grid.core(i);
    cores.push_back({{"x", at.x}, {"y", at.y}, {"end", summary.cores[i].end}, {"lanes", lanes_of(summary.cores[i])}});
  }
  return {{"cycles", time.cycles},
          {"seconds", time.seconds},
          {"flops", time.flops},
          {"tflops", time.tflops},
          {"peak_share", time.peak_share},
          {"bound", bound_figures(summary, report.program)},
          {"lanes", lanes_of(summary.mean)},
          {"slowest_core", Array{slowest.x, slowest.y}},
          {"phases", shares_of(summary.phases, summary)},
          {"operations", shares_of(summary.operations, summary)},
          {"zones", zone_figures(report.zones)},
          {"noc", noc_figures(summary)},
          {"dram", dram_figures(report)},
          {"launches", launch_figures(report)},
          {"cores", cores},
          {"arch", architecture_figures(report)},
          {"events", time.events},
          {"replay_seconds", report.replay_seconds}};
}

std::string device_time_text(const Value& device) {
  return total_text(device) + lanes_text(device) + shares_text(device) + network_text(device) + zones_text(device["zones"]);
}

std::string short_device_time_text(const Value& device) {
  const Value& arch = device["arch"];
  const bool own = !arch["changed"].members().empty() || !arch[".ran_on"].text().empty();
  return time_line(device) + (own ? chip_line(arch) : "") + bound_line(device, 2) + zones_text(device["zones"]);
}

std::string replay_cost_text(const Value& device) {
  return fmt::format("\nHost cost: replay of {} events {:.3f} s\n", grouped(device["events"].count()),
                     device["replay_seconds"].number());
}

std::string name_of(timing::Limit::Kind kind, const std::string& program) {
  constexpr std::array<const char*, timing::limit_count> names{"MATH",   "UNPACK",    "PACK",  "reader",
                                                               "writer", "imbalance", "launch"};
  if (kind == timing::Limit::Kind::reader && program.starts_with("attention")) return "K/V stream";
  return names.at(to_underlying(kind));
}

}  // namespace tilegrid::report
