// SPDX-License-Identifier: Apache-2.0
#include "runtime/traces/profiler_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace tilegrid::traces {
namespace {

constexpr std::array<const char*, timing::lane_count> processors{"BRISC", "NCRISC", "TRISC_0", "TRISC_1", "TRISC_2"};

/// A field of a CSV line.
std::string field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ',' || c == '\n' || c == '"'; }, ' ');
  return text;
}

/// As the vendor's profiler numbers a place in the source: FNV-1a of 32 bits over name, file and line, its halves folded.
std::uint32_t timer_id(std::string_view place) {
  std::uint32_t hash = 2166136261U;
  for (const char letter : place) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
  return (hash ^ hash >> 16U) & 0xFFFFU;
}

}  // namespace

ProfilerCsv::ProfilerCsv(std::string path, const RunLog& log) : file_(std::move(path)), grid_(log.grid) {}

void ProfilerCsv::started(const timing::Start& launch) {
  log_ = &launch.log;
  places_ = launch.chip.places();
  offset_ = launch.cycles;
  number_ = launch.number + 1;
  scopes_.assign(grid_.cores(), {});
  if (has_head_) return;
  has_head_ = true;
  file_.write(
      fmt::format("ARCH: {}, CHIP_FREQ[MHz]: {:.0f}, Max Compute Cores: {}\n"
                  "PCIe slot,core_x,core_y,RISC processor type,timer_id,time[cycles since reset],data,run host ID,trace id,"
                  "trace id counter,zone name,type,source line,source file,meta data\n",
                  launch.chip.name(), launch.chip["clock_hz"] / 1e6, launch.chip.workers().cores()));
}

void ProfilerCsv::scope(const timing::ScopePoint& point) { scopes_[point.core][point.lane].push_back(point); }

void ProfilerCsv::row(int core, int lane, double time, std::uint64_t data, const std::string& zone, const char* type,
                      const std::string& file, unsigned line) {
  const PhysicalCore node = places_.physical_of(grid_.core(core));
  const std::uint32_t timer = timer_id(fmt::format("{},{},{},KERNEL_PROFILER", zone, file, line));
  file_.write(fmt::format("0,{},{},{},{},{},{},{},,,{},{},{},{},\n", node.x, node.y, processors[lane], timer,
                          std::llround(offset_ + time), data, number_, field(zone), type, line, field(file)));
}

void ProfilerCsv::ended(const timing::LaunchTime& launch) {
  for (int core = 0; core < grid_.cores(); ++core) {
    const timing::CoreTime& times = launch.cores[core];
    for (int lane = 0; lane < timing::lane_count; ++lane) {
      const double end = times.lanes[lane].end;
      if (end <= 0) continue;  // no kernel
      const std::string name = lane < 2 ? processors[lane] : "TRISC";
      double begin = times.lanes[lane].stalled[timing::Stall::launch];
      begin = std::min(begin, end);
      row(core, lane, 0, 0, name + "-FW", "ZONE_START", "", 0);
      row(core, lane, begin, 0, name + "-KERNEL", "ZONE_START", "", 0);
      for (const timing::ScopePoint& point : scopes_[core][lane]) {
        const auto known = std::find_if(log_->scopes.begin(), log_->scopes.end(),
                                        [&](const ScopeName& one) { return one.id == point.scope.name; });
        const bool has_place = known != log_->scopes.end();
        const bool begins = point.scope.mark == ScopeMark::begin || point.scope.mark == ScopeMark::sum_begin;
        const char* type = point.scope.mark == ScopeMark::value ? "TS_DATA" : begins ? "ZONE_START" : "ZONE_END";
        row(core, lane, point.time, point.scope.value(), log_->scope_name(point.scope.name), type,
            has_place ? known->file : std::string(), has_place ? known->line : 0);
      }
      row(core, lane, end, 0, name + "-KERNEL", "ZONE_END", "", 0);
      row(core, lane, end, 0, name + "-FW", "ZONE_END", "", 0);
    }
  }
}

void ProfilerCsv::finish() { file_.finish(); }

}  // namespace tilegrid::traces
