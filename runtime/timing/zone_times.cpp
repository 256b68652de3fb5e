// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/zones.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/report/table.h"

namespace tilegrid::report {

void ZoneTimes::started(const timing::Start& launch) {
  log_ = &launch.log;
  open_.assign(static_cast<std::size_t>(launch.grid.cores()), {});
}

void ZoneTimes::scope(const timing::ScopePoint& point) {
  const ScopeMark mark = point.scope.mark;
  if (mark == ScopeMark::value) return;
  std::vector<Open>& open = open_[static_cast<std::size_t>(point.core)][point.lane];
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
  Sum& sum =
      sums_[{log_->scope_name(point.scope.name), has_place ? known->file : "", has_place ? known->line : 0}][point.lane];
  sum.least = sum.times == 0 ? cycles : std::min(sum.least, cycles);
  sum.most = std::max(sum.most, cycles);
  sum.cycles += cycles;
  ++sum.times;
}

Value ZoneTimes::figures() const {
  Array list;
  for (const auto& [place, lanes] : sums_) {
    const auto& [name, file, line] = place;
    for (const timing::Lane lane : each<timing::Lane>) {
      const Sum& sum = lanes[lane];
      if (sum.times == 0) continue;
      list.push_back({{"name", name},
                      {"file", file},
                      {"line", line},
                      {"risc", timing::name_of(lane)},
                      {"times", sum.times},
                      {"cycles",
                       {{"sum", sum.cycles},
                        {"mean", sum.cycles / static_cast<double>(sum.times)},
                        {"least", sum.least},
                        {"most", sum.most}}}});
    }
  }
  return list;
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

}  // namespace tilegrid::report
