// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/zone_times.h"

#include <algorithm>

namespace tilegrid::timing {

void ZoneTimes::started(const Start& launch) {
  log_ = &launch.log;
  open_.assign(launch.grid.cores(), {});
}

void ZoneTimes::scope(const ScopePoint& point) {
  const ScopeMark mark = point.scope.mark;
  if (mark == ScopeMark::value) return;
  std::vector<Open>& open = open_[point.core][point.lane];
  if (mark == ScopeMark::begin || mark == ScopeMark::sum_begin) {
    open.push_back({point.scope.name, point.time});
    return;
  }
  const auto begun = std::find_if(open.rbegin(), open.rend(), [&](const Open& one) { return one.name == point.scope.name; });
  if (begun == open.rend()) return;
  const double cycles = point.time - begun->begin;
  open.erase(std::prev(begun.base()), open.end());
  const auto known = std::find_if(log_->scopes.begin(), log_->scopes.end(),
                                  [&](const ScopeName& one) { return one.id == point.scope.name; });
  const bool has_place = known != log_->scopes.end();
  ZoneTime& sum =
      sums_[{log_->scope_name(point.scope.name), has_place ? known->file : "", has_place ? known->line : 0}][point.lane];
  sum.least = sum.times == 0 ? cycles : std::min(sum.least, cycles);
  sum.most = std::max(sum.most, cycles);
  sum.cycles += cycles;
  ++sum.times;
}

std::vector<ZoneTime> ZoneTimes::sums() const {
  std::vector<ZoneTime> all;
  for (const auto& [place, lanes] : sums_) {
    for (const Lane lane : each<Lane>) {
      if (lanes[lane].times == 0) continue;
      ZoneTime& one = all.emplace_back(lanes[lane]);
      std::tie(one.name, one.file, one.line) = place;
      one.lane = lane;
    }
  }
  return all;
}

}  // namespace tilegrid::timing
