// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/number_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/number_events.h"
#include "runtime/report/table.h"

namespace tilegrid::report {
namespace {

Value place_of(const NumberPlace& place) {
  return {
      {"cb", place.cb < 0 ? Value() : Value(place.cb)}, {"tile", place.tile}, {"row", place.row}, {"column", place.column}};
}

/// Of an operation and event, what all cores have together.
struct Sum {
  const NumberRecord* first;
  std::size_t core;
  std::uint64_t elements = 0, cores = 0;
};

}  // namespace

Value numbers_of(const RunOutcome& outcome, std::size_t core) {
  if (!outcome.diagnostics) return {};
  Array list;
  for (const NumberRecord& one : outcome.result.cores.at(core).numbers) {
    list.push_back({{"operation", one.operation},
                    {"event", name_of(one.event)},
                    {"elements", one.count},
                    {"first", place_of(one.first)}});
  }
  return list;
}

Value numbers_of(const RunOutcome& outcome) {
  if (!outcome.diagnostics) return {};
  std::vector<Sum> sums;
  for (std::size_t core = 0; core < outcome.result.cores.size(); ++core) {
    for (const NumberRecord& one : outcome.result.cores[core].numbers) {
      auto found = std::find_if(sums.begin(), sums.end(), [&](const Sum& sum) {
        return sum.first->event == one.event && sum.first->operation == one.operation;
      });
      if (found == sums.end()) found = sums.insert(sums.end(), {&one, core});
      found->elements += one.count;
      ++found->cores;
    }
  }
  Array list;
  for (const Sum& sum : sums) {
    const LogicalCore at = outcome.grid.core(static_cast<int>(sum.core));
    Value place = place_of(sum.first->first);
    place["core"] = Array{at.x, at.y};
    list.push_back({{"operation", sum.first->operation},
                    {"event", name_of(sum.first->event)},
                    {"elements", sum.elements},
                    {"cores", sum.cores},
                    {"first", place}});
  }
  return list;
}

std::string numbers_text(const Value& numbers) {
  if (numbers.is_null()) return {};
  if (numbers.list().empty()) {
    return "\nDevice counts: numbers: no infinities, NaNs, denormals, saturated values, stopped sums or negative exps\n";
  }
  const Table table({{"Device counts: numbers", -40}, {"elements", 14}, {"cores", 8}, {"   first", 0}});
  std::string text = fmt::format("\n{}", table.head());
  for (const Value& one : numbers.list()) {
    const Value& first = one["first"];
    const std::string where = first["cb"].is_null()
                                  ? fmt::format("DST slot {}", first["tile"].count())
                                  : fmt::format("CB {} tile {}", first["cb"].count(), first["tile"].count());
    text += table.row({fmt::format("  {}: {}", one["operation"].text(), one["event"].text()),
                       grouped(one["elements"].count()), std::to_string(one["cores"].count()),
                       fmt::format("   core ({},{}), {}, [{}, {}]", first["core"].list()[0].count(),
                                   first["core"].list()[1].count(), where, first["row"].count(), first["column"].count())});
  }
  return text;
}

}  // namespace tilegrid::report
