// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "noc/core_ranges.h"

namespace tilegrid {
namespace {

std::string cores_text(const std::vector<int>& cores, GridSize grid, const Chip& chip) {
  if (cores.size() == 1) {
    const LogicalCore at = grid.core(cores.front());
    const PhysicalCore physical = chip.places().physical_of(at);
    return fmt::format("core ({},{}) [{}-{}]", at.x, at.y, physical.x, physical.y);
  }
  const std::string text = describe_cores(cores, grid);
  return text.starts_with('(') ? "cores " + text : text;
}

}  // namespace

std::vector<MergedFinding> merge_findings(const std::vector<checks::Finding>& findings) {
  using Key = std::tuple<std::string, std::string, std::uint32_t, std::string, std::string, std::string>;
  std::map<Key, MergedFinding> merged;
  for (const checks::Finding& finding : findings) {
    const auto [at, is_new] = merged.try_emplace(
        Key{finding.error_class, finding.file, finding.line, finding.risc, finding.kernel, finding.message});
    MergedFinding& one = at->second;
    if (is_new) {
      one.finding = finding;
    } else {
      one.finding.count += finding.count;
    }
    if (finding.core >= 0) one.cores.push_back(finding.core);
  }
  std::vector<MergedFinding> list;
  for (auto& [key, one] : merged) {
    std::sort(one.cores.begin(), one.cores.end());
    one.cores.erase(std::unique(one.cores.begin(), one.cores.end()), one.cores.end());
    if (!one.cores.empty()) one.finding.core = one.cores.front();
    list.push_back(std::move(one));
  }
  return list;
}

std::string line_of(const MergedFinding& merged, GridSize grid, const Chip& chip) {
  const checks::Finding& finding = merged.finding;
  std::string text = finding.error_class;
  if (!merged.cores.empty()) text += " · " + cores_text(merged.cores, grid, chip);
  if (finding.line != 0) {
    text += fmt::format(" · {} · {} {}:{}", finding.risc, finding.kernel, finding.file, finding.line);
  }
  text += ": " + finding.message;
  if (finding.count > merged.cores.size()) text += fmt::format("; {} times", finding.count);
  return text;
}

std::vector<std::string> warning_lines(const std::vector<checks::Finding>& warnings, GridSize grid, const Chip& chip) {
  std::vector<std::string> lines;
  for (const MergedFinding& one : merge_findings(warnings)) lines.push_back("warning: " + line_of(one, grid, chip));
  return lines;
}

std::string error_line(const std::vector<checks::Finding>& errors, GridSize grid, const Chip& chip) {
  const std::vector<MergedFinding> merged = merge_findings(errors);
  std::string text = line_of(merged.front(), grid, chip);
  if (merged.size() > 1) text += fmt::format("; and {} more of this kind", merged.size() - 1);
  return text;
}

}  // namespace tilegrid
