// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/device_report_json.h"

#include <cctype>

#include "noc/grid.h"
#include "runtime/report/run_report.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

double share_of(double cycles, const DeviceSummary& summary) { return summary.cycles > 0 ? cycles / summary.cycles : 0; }

/// "CB empty" as a key: cb_empty
std::string key_of(timing::Stall stall) {
  std::string key = name_of(stall);
  for (char& c : key) c = c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return key;
}

Json lane_json(const timing::LaneTime& lane) {
  Json stalled = Json::object();
  for (std::size_t stall = 0; stall < timing::stall_count; ++stall) {
    if (lane.stalled.at(stall) > 0) stalled[key_of(static_cast<timing::Stall>(stall))] = lane.stalled.at(stall);
  }
  return {{"busy", lane.busy}, {"end", lane.end}, {"stalled", stalled}};
}

Json lanes_json(const timing::CoreTime& core) {
  Json lanes = Json::object();
  for (std::size_t lane = 0; lane < timing::lane_count; ++lane) {
    lanes[name_of(static_cast<timing::Lane>(lane))] = lane_json(core.lanes.at(lane));
  }
  return lanes;
}

/// Busy cycles of a core on average and their share of the run's.
Json shares_json(const std::vector<timing::ShareTime>& shares, const DeviceSummary& summary) {
  Json list = Json::array();
  for (const timing::ShareTime& share : shares) {
    Json lanes = Json::object();
    for (std::size_t lane = 0; lane < timing::lane_count; ++lane) {
      const double busy = share.busy.at(lane);
      if (busy <= 0) continue;
      const double mean = busy / static_cast<double>(summary.cores.size());
      lanes[name_of(static_cast<timing::Lane>(lane))] = {
          {"busy_sum", busy}, {"busy_mean", mean}, {"share", share_of(mean, summary)}};
    }
    list.push_back({{"name", share.name}, {"lanes", lanes}});
  }
  return list;
}

Json noc_json(const DeviceSummary& summary) {
  constexpr std::array<const char*, 4> directions{"east", "south", "north", "west"};
  Json list = Json::array();
  for (int noc = 0; noc < noc_count; ++noc) {
    Json links = Json::array();
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
    const double mean = links.empty() ? 0 : busy / static_cast<double>(links.size());
    list.push_back({{"noc", noc}, {"mean_utilisation", share_of(mean, summary)}, {"links", links}});
  }
  return {{"byte_hops", summary.bytes_times_hops}, {"nocs", list}};
}

Json dram_json(const DeviceReport& report) {
  const DeviceSummary& summary = report.summary;
  Json banks = Json::array();
  std::vector<double> busy;
  double bytes = 0;
  for (const timing::DramTime& bank : summary.dram) {
    banks.push_back({{"busy", bank.busy},
                     {"utilisation", share_of(bank.busy, summary)},
                     {"read_bytes", bank.bytes_read},
                     {"written_bytes", bank.bytes_written}});
    busy.push_back(bank.busy);
    bytes += static_cast<double>(bank.bytes_read) + static_cast<double>(bank.bytes_written);
  }
  const Spread spread = spread_of(busy);
  return {{"utilisation",
           {{"min", share_of(spread.min, summary)},
            {"mean", share_of(spread.mean, summary)},
            {"max", share_of(spread.max, summary)}}},
          {"bytes_per_second", report.time.seconds > 0 ? bytes / report.time.seconds : 0},
          {"banks", banks}};
}

Json launches_json(const DeviceReport& report) {
  Json list = Json::array();
  for (const timing::LaunchTime& launch : report.time.launches) {
    const DeviceSummary one = summarise(std::span(&launch, 1));
    list.push_back({{"name", launch.name},
                    {"cycles", launch.cycles},
                    {"seconds", launch.cycles / report.architecture.parameters["clock_hz"]},
                    {"bound", bound_json(one, report.program)},
                    {"lanes", lanes_json(one.mean)},
                    {"phases", shares_json(one.phases, one)},
                    {"operations", shares_json(one.operations, one)},
                    {"matmul_tiles", launch.matmul_tiles},
                    {"events", launch.events}});
  }
  return list;
}

Json cores_json(const DeviceReport& report) {
  Json list = Json::array();
  for (std::size_t i = 0; i < report.summary.cores.size(); ++i) {
    const LogicalCore at = report.grid.core(static_cast<int>(i));
    const timing::CoreTime& core = report.summary.cores[i];
    list.push_back({{"x", at.x}, {"y", at.y}, {"end", core.end}, {"lanes", lanes_json(core)}});
  }
  return list;
}

}  // namespace

Json bound_json(const DeviceSummary& summary, const std::string& program) {
  Json limits = Json::object();
  for (const Limit& limit : summary.limits) limits[name_of(limit.kind, program)] = limit.cycles;
  return {{"by", name_of(summary.limits[0].kind, program)},
          {"share", share_of(summary.limits[0].cycles, summary)},
          {"margin", summary.margin()},
          {"limits", limits}};
}

Json device_json(const DeviceReport& report) {
  const timing::DeviceTime& time = report.time;
  const DeviceSummary& summary = report.summary;
  const LogicalCore slowest = report.grid.core(static_cast<int>(summary.slowest));
  return {{"cycles", time.cycles},
          {"seconds", time.seconds},
          {"flops", time.flops},
          {"tflops", time.tflops},
          {"peak_share", time.peak_share},
          {"bound", bound_json(summary, report.program)},
          {"lanes", lanes_json(summary.mean)},
          {"slowest_core", {slowest.x, slowest.y}},
          {"phases", shares_json(summary.phases, summary)},
          {"operations", shares_json(summary.operations, summary)},
          {"noc", noc_json(summary)},
          {"dram", dram_json(report)},
          {"launches", launches_json(report)},
          {"cores", cores_json(report)},
          {"arch", architecture_json(report.architecture)},
          {"events", time.events},
          {"replay_seconds", report.replay_seconds}};
}

}  // namespace tilegrid::cli
