// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/comparison_text.h"

#include <fmt/format.h>

namespace tilegrid::cli {

std::string comparison_text(const std::string& name, const planner::Comparison& one, std::size_t columns) {
  std::string text = fmt::format("  {:<10} correlation {:.7f}   RMSE {:.3e}   relative L2 {:.3e}   largest error {:.3e}\n",
                                 name, one.correlation, one.rmse, one.relative_l2, one.max_abs);
  text += fmt::format("  {:<10} worst |difference| / bound {:.3f} at [{}, {}] of {} elements\n", "", one.worst_ratio,
                      one.worst / columns, one.worst % columns, one.elements);
  if (one.undecided > 0) text += fmt::format("  {:<10} {} elements have no bound (poles, overflow)\n", "", one.undecided);
  if (one.not_finite > 0) text += fmt::format("  {:<10} {} elements are NaN or infinite\n", "", one.not_finite);
  return text;
}

nlohmann::ordered_json comparison_json(const std::string& name, const planner::Comparison& one) {
  return {{"name", name},
          {"correlation", one.correlation},
          {"rmse", one.rmse},
          {"relative_l2", one.relative_l2},
          {"max_abs", one.max_abs},
          {"worst_ratio", one.worst_ratio},
          {"rms_ratio", one.rms_ratio},
          {"elements", one.elements},
          {"undecided", one.undecided},
          {"not_finite", one.not_finite},
          {"passed", one.passed()}};
}

}  // namespace tilegrid::cli
