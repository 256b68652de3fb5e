// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/print/print_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tilegrid::planner {
namespace {

constexpr std::size_t table_columns = 11;
using Row = std::array<std::string, table_columns>;
constexpr std::size_t widest_reason = 88;

/// 1234567 as "1,234,567".
std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  for (std::size_t i = digits.size(); i > 3;) {
    i -= 3;
    if (digits[i - 1] != '-') digits.insert(i, ",");
  }
  return digits;
}
std::string grouped(std::uint64_t number) { return grouped(static_cast<double>(number)); }

std::string error_bound(double bound) { return bound > 0 ? fmt::format("{:.1e}", bound) : "0"; }

std::string title(const Plan& plan) {
  std::string text = name_of(plan.strategy);
  if (plan.cores > 1) text += fmt::format(" (x{} cores)", plan.cores);
  return text;
}

Row numbers_of(const Plan& plan) {
  const bool full = plan.machine.full_sync && !plan.machine.capacity_override;
  return {title(plan),
          "yes",
          fmt::format("{}/{}{}", plan.peak, plan.machine.capacity(), full ? " full" : ""),
          fmt::format("{}", plan.sections()),
          fmt::format("{}", plan.tiles_per_section()),
          grouped(plan.cost.unpacked_tiles),
          grouped(plan.cost.packed_tiles),
          grouped(plan.cb_bytes()),
          grouped(plan.cost.total / plan.cost.blocks),
          error_bound(plan.error.bound),
          plan.cost.bound()};
}

std::string short_reason(const Refusal& refusal) {
  std::string text =
      refusal.account.empty() ? refusal.reason : fmt::format("{} > {}", account_text(refusal.account), refusal.capacity);
  if (text.size() > widest_reason) text = text.substr(0, widest_reason - 3) + "...";
  return text;
}

std::string plural(int count, std::string_view thing) { return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s"); }

std::string refusal_text(const Plan& plan, const Refusal& refusal) {
  std::string text = fmt::format("does not fit: {}\n", refusal.reason);
  if (!refusal.account.empty()) {
    int sum = 0;
    for (const SlotUse& use : refusal.account) sum += use.slots;
    text += fmt::format("  slots: {} {} {} ({})\n", account_text(refusal.account), sum > refusal.capacity ? ">" : "of",
                        refusal.capacity, dst_mode(plan.machine));
  } else if (refusal.needed > 0) {
    text += fmt::format("  slots: {} wanted, {} there ({})\n", refusal.needed, refusal.capacity, dst_mode(plan.machine));
  }
  if (!refusal.at.empty()) text += fmt::format("  at: {}\n", refusal.at);
  if (!refusal.fits.empty()) text += fmt::format("  would fit: {}\n", refusal.fits);
  return text;
}

/// "4 stages", or "4 passes"
std::string parts_text(const Plan& plan) {
  return plan.passes.empty() ? plural(count_of(plan.stages), "stage") : fmt::format("{} passes", plan.passes.size());
}

std::string fit_text(const Plan& plan) {
  std::string text = fmt::format("fits: {} of {} slots ({}), {} of up to {} in {}", plan.peak, plan.machine.capacity(),
                                 dst_mode(plan.machine), plural(plan.sections(), "section"),
                                 plural(plan.tiles_per_section(), "tile"), parts_text(plan));
  if (plan.cores > 1) text += fmt::format(", on each of {} cores", plan.cores);
  text += "\n";
  if (!plan.account.empty()) text += fmt::format("  fullest section: {}\n", account_text(plan.account));
  return text;
}

std::string error_text(const FormError& error) {
  if (error.bound <= 0) return "  error: no more than the listed form's\n";
  std::string text = fmt::format("  error: up to {} beyond the listed form's", error_bound(error.bound));
  constexpr std::size_t most_costs = 3;
  for (std::size_t i = 0; i < std::min(most_costs, error.costs.size()); ++i) {
    const FormCost& cost = error.costs[i];
    text += fmt::format("{}{} {} ({})", i == 0 ? ": " : "; ", cost.operation, error_bound(cost.bound), cost.why);
  }
  if (error.costs.size() > most_costs) text += fmt::format("; {} more", error.costs.size() - most_costs);
  return text + "\n";
}

}  // namespace

std::string dst_mode(const Machine& machine) {
  const char* width = machine.dst_fp32 ? "32-bit DST" : "16-bit DST";
  if (machine.capacity_override) return fmt::format("{}, capacity given", width);
  return fmt::format("{}, {}", width, machine.full_sync ? "full-sync" : "half-sync");
}

std::string account_text(const std::vector<SlotUse>& account) {
  std::string text;
  int sum = 0;
  for (const SlotUse& use : account) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " + ", use.what, use.slots);
    sum += use.slots;
  }
  return text + fmt::format(" = {}", sum);
}

std::string strategy_table(const std::vector<Plan>& plans) {
  const Row head = {"strategy", "fits",     "slots",        "sections", "tiles/sec", "unpacked",
                    "packed",   "CB bytes", "cycles/block", "error",    "bound"};
  std::array<std::size_t, table_columns> width{};
  std::vector<Row> rows = {head};
  for (const Plan& plan : plans) {
    Row row = numbers_of(plan);
    if (plan.refusal) {
      row.fill("");
      row[0] = title(plan);
      row[1] = "no";
      row[2] = plan.refusal->needed > 0 ? fmt::format("{}/{}", plan.refusal->needed, plan.refusal->capacity) : "-";
    }
    rows.push_back(row);
  }
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < table_columns; ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const Refusal* refusal = r > 0 && plans[r - 1].refusal ? &*plans[r - 1].refusal : nullptr;
    std::string line;
    for (std::size_t i = 0; i < (refusal != nullptr ? 3 : table_columns); ++i) {
      const bool left = i < 2 || i + 1 == table_columns;
      line += left ? fmt::format("{:<{}}", rows[r][i], width[i]) : fmt::format("{:>{}}", rows[r][i], width[i]);
      line += "  ";
    }
    if (refusal != nullptr) line += short_reason(*refusal);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string verdict(const Plan& plan) {
  std::string text = plan.refusal ? refusal_text(plan, *plan.refusal) : fit_text(plan) + error_text(plan.error);
  for (const std::string& note : plan.notes) text += fmt::format("  note: {}\n", note);
  return text;
}

}  // namespace tilegrid::planner
