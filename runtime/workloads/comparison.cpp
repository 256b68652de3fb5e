// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/comparison.h"

#include <fmt/format.h>

namespace tilegrid::workloads {

report::Value comparison_figures(const std::string& name, const planner::Comparison& one, int columns) {
  const auto wide = static_cast<std::size_t>(columns);
  return {{"name", name},
          {"correlation", one.correlation},
          {"rmse", one.rmse},
          {"relative_l2", one.relative_l2},
          {"max_abs", one.max_abs},
          {"worst_ratio", one.worst_ratio},
          {".place", fmt::format("[{}, {}]", one.worst / wide, one.worst % wide)},
          {"rms_ratio", one.rms_ratio},
          {"elements", one.elements},
          {"undecided", one.undecided},
          {"not_finite", one.not_finite},
          {"passed", one.passed()}};
}

std::string comparison_text(const report::Value& one) {
  const auto number = [&](const char* key) { return one[key].number(); };
  std::string text =
      fmt::format("  {:<10} correlation {:.7f}   RMSE {:.3e}   relative L2 {:.3e}   largest error {:.3e}\n",
                  one["name"].text(), number("correlation"), number("rmse"), number("relative_l2"), number("max_abs"));
  text += fmt::format("  {:<10} worst |difference| / bound {:.3f} at {} of {} elements\n", "", number("worst_ratio"),
                      one[".place"].text(), one["elements"].count());
  const auto some = [&](const char* key, const char* what) {
    if (number(key) > 0) text += fmt::format("  {:<10} {} elements {}\n", "", one[key].count(), what);
  };
  some("undecided", "have no bound (poles, overflow)");
  some("not_finite", "are NaN or infinite");
  return text;
}

}  // namespace tilegrid::workloads
