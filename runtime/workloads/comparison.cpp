// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/data/tensors.h"

namespace tilegrid::workloads {

Accuracy accuracy_of(const planner::Comparison& one) { return {one.correlation, one.rmse, one.relative_l2, one.worst_row}; }

report::Value comparison_figures(const std::string& name, const planner::Comparison& one, int columns) {
  const auto rows = static_cast<std::int64_t>(one.elements) / columns;
  const std::vector<std::int64_t> extents{rows, columns};
  report::Value figures{{"name", name},
                        {"correlation", one.correlation},
                        {"rmse", one.rmse},
                        {"relative_l2", one.relative_l2},
                        {"max_abs", one.max_abs},
                        {"worst_row", one.worst_row},
                        {"worst_ratio", one.worst_ratio},
                        {".place", place_text(one.worst, extents)},
                        {"rms_ratio", one.rms_ratio}};
  add_tally(figures, one, extents);
  figures["passed"] = one.verified();
  return figures;
}

std::string comparison_text(const report::Value& one) {
  const auto number = [&](const char* key) { return one[key].number(); };
  std::string text =
      fmt::format("  {:<10} correlation {:.7f}   RMSE {:.3e}   relative L2 {:.3e}   largest error {:.3e}\n",
                  one["name"].text(), number("correlation"), number("rmse"), number("relative_l2"), number("max_abs"));
  text += fmt::format("  {:<10} worst |difference| / bound {:.3f} at {} of {} elements\n", "", number("worst_ratio"),
                      one[".place"].text(), one["elements"].count());
  return text;
}

std::string place_text(std::size_t at, const std::vector<std::int64_t>& extents) {
  return fmt::format("[{}]", fmt::join(indices_of(at, extents), ", "));
}

std::string tally_text(const planner::Tally& tally, const std::vector<std::int64_t>& extents) {
  return tally.text([&](std::size_t at) { return place_text(at, extents); });
}

void add_tally(report::Value& figures, const planner::Tally& tally, const std::vector<std::int64_t>& extents) {
  figures["elements"] = tally.elements;
  figures["undecided"] = tally.undecided;
  figures["not_finite"] = tally.not_finite;
  figures["outside"] = tally.outside;
  figures["undefined"] = tally.undefined;
  figures["beyond"] = tally.beyond;
  figures[".account"] = tally_text(tally, extents);
  report::Value& first = figures["first_wrong"];
  if (tally.wrong() == 0) return;
  first = report::Array();
  for (const std::int64_t index : indices_of(tally.first_wrong, extents)) first.push(index);
}

std::string gate_text(const std::string& asks, const std::string& account, bool passed) {
  return fmt::format("  gate: {}{}{}: {}\n", asks, account.empty() ? "" : ": ", account, passed ? "PASS" : "FAIL");
}

}  // namespace tilegrid::workloads
