// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/summary.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <tuple>

namespace tilegrid::timing {
namespace {

void add(CoreTime& sum, const CoreTime& more) {
  for (std::size_t lane = 0; lane < sum.lanes.size(); ++lane) {
    LaneTime& to = sum.lanes.at(lane);
    const LaneTime& from = more.lanes.at(lane);
    to.busy += from.busy;
    to.end += from.end;
    for (std::size_t stall = 0; stall < to.stalled.size(); ++stall) to.stalled.at(stall) += from.stalled.at(stall);
  }
  for (std::size_t cb = 0; cb < sum.starved.size(); ++cb) sum.starved.at(cb) += more.starved.at(cb);
  sum.end += more.end;
}

void divide(CoreTime& core, double by) {
  for (LaneTime& lane : core.lanes) {
    lane.busy /= by;
    lane.end /= by;
    for (double& stall : lane.stalled) stall /= by;
  }
  for (double& cycles : core.starved) cycles /= by;
  core.end /= by;
}

void add(std::vector<ShareTime>& sums, const std::vector<ShareTime>& more) {
  for (const ShareTime& share : more) {
    auto found = std::find_if(sums.begin(), sums.end(), [&](const ShareTime& sum) { return sum.name == share.name; });
    if (found == sums.end()) found = sums.insert(sums.end(), {share.name, {}});
    for (std::size_t lane = 0; lane < share.busy.size(); ++lane) found->busy.at(lane) += share.busy.at(lane);
  }
}

void add_network(DeviceSummary& sum, std::span<const LaunchTime> launches) {
  std::map<std::tuple<int, int, int, int>, LinkTime> links;
  for (const LaunchTime& launch : launches) {
    for (const LinkTime& link : launch.links) {
      auto& to = links[{link.noc, link.from.y, link.from.x, link.direction}];
      to = {link.from, link.noc, link.direction, to.busy + link.busy, to.bytes + link.bytes};
    }
    sum.dram.resize(std::max(sum.dram.size(), launch.dram.size()));
    for (std::size_t bank = 0; bank < launch.dram.size(); ++bank) {
      sum.dram[bank].busy += launch.dram[bank].busy;
      sum.dram[bank].bytes_read += launch.dram[bank].bytes_read;
      sum.dram[bank].bytes_written += launch.dram[bank].bytes_written;
    }
    sum.bytes_times_hops += launch.bytes_times_hops;
  }
  for (const auto& [place, link] : links) sum.links.push_back(link);
  std::stable_sort(sum.links.begin(), sum.links.end(), [](const auto& a, const auto& b) { return a.busy > b.busy; });
}

/// What a data-movement RISC would take if circular buffers never held it up.
double transfer_cycles(const LaneTime& lane) {
  double cycles = lane.busy;
  for (const Stall stall : {Stall::barrier, Stall::dram, Stall::noc}) cycles += lane.stalled.at(stall);
  return cycles;
}

/// Cycles until kernels start.
double launch_stall(const LaunchTime& launch) {
  double cycles = 0;
  for (const CoreTime& core : launch.cores) {
    for (const LaneTime& lane : core.lanes) cycles = std::max(cycles, lane.stalled.at(Stall::launch));
  }
  return cycles;
}

void find_limits(DeviceSummary& sum, std::span<const LaunchTime> launches) {
  const auto lane = [&](Lane which) -> const LaneTime& { return sum.mean.lanes.at(which); };
  double imbalance = 0;
  double launching = 0;
  for (const LaunchTime& launch : launches) {
    const double before = launch_stall(launch);
    double last = before;
    double total = 0;
    for (const CoreTime& core : launch.cores) {
      last = std::max(last, core.end);
      total += std::max(before, core.end);  // a core without a kernel ends at the launch
    }
    if (!launch.cores.empty()) imbalance += last - total / count_of(launch.cores);
    launching += launch.cycles - last + before;
  }
  using Kind = Limit::Kind;
  sum.limits = {{{Kind::math, lane(Lane::math).busy},
                 {Kind::unpack, lane(Lane::unpack).busy},
                 {Kind::pack, lane(Lane::pack).busy},
                 {Kind::reader, transfer_cycles(lane(Lane::ncrisc))},
                 {Kind::writer, transfer_cycles(lane(Lane::brisc))},
                 {Kind::imbalance, imbalance},
                 {Kind::launch, launching}}};
  std::stable_sort(sum.limits.begin(), sum.limits.end(), [](const Limit& a, const Limit& b) { return a.cycles > b.cycles; });
}

}  // namespace

DeviceSummary summarise(std::span<const LaunchTime> launches) {
  DeviceSummary sum;
  for (const LaunchTime& launch : launches) {
    sum.cycles += launch.cycles;
    sum.cores.resize(std::max(sum.cores.size(), launch.cores.size()));
    for (std::size_t core = 0; core < launch.cores.size(); ++core) add(sum.cores[core], launch.cores[core]);
    add(sum.operations, launch.operations);
    add(sum.phases, launch.phases);
  }
  for (int core = 0; core < count_of(sum.cores); ++core) {
    add(sum.mean, sum.cores[core]);
    if (sum.cores[core].end > sum.cores[sum.slowest].end) sum.slowest = core;
  }
  if (!sum.cores.empty()) divide(sum.mean, count_of(sum.cores));
  const auto total = [](const ShareTime& share) {
    double cycles = 0;
    for (const double busy : share.busy) cycles += busy;
    return cycles;
  };
  std::stable_sort(sum.operations.begin(), sum.operations.end(),
                   [&](const ShareTime& a, const ShareTime& b) { return total(a) > total(b); });
  add_network(sum, launches);
  find_limits(sum, launches);
  return sum;
}

std::string key_of(Stall stall) {
  std::string key = name_of(stall);
  for (char& c : key) c = c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return key;
}

}  // namespace tilegrid::timing
