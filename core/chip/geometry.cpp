// SPDX-License-Identifier: Apache-2.0
#include "core/chip/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "core/error.h"

namespace tilegrid {
namespace {

void check_die(const Geometry& geometry, const std::string& where) {
  const GridSize die = geometry.die;
  if (die.x < 1 || die.y < 1 || die.x > max_die_side || die.y > max_die_side || die.x + die.y > max_die_columns_and_rows) {
    throw UsageError(fmt::format("{}: die is {}x{}, its sides must be 1 to {} and together at most {}", where, die.x, die.y,
                                 max_die_side, max_die_columns_and_rows));
  }
}

/// The columns, or rows, of workers that are left.
std::vector<int> left_of(const std::vector<int>& all, const std::vector<int>& harvested, int side, const char* what,
                         const std::string& where) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] < 0 || all[i] >= side) {
      throw UsageError(fmt::format("{}: worker_{}: {} is not on the die, which has {} {}", where, what, all[i], side, what));
    }
    if (i > 0 && all[i] <= all[i - 1]) {
      throw UsageError(fmt::format("{}: worker_{}: {} after {}, they must ascend", where, what, all[i], all[i - 1]));
    }
  }
  for (std::size_t i = 0; i < harvested.size(); ++i) {
    if (std::find(all.begin(), all.end(), harvested[i]) == all.end()) {
      throw UsageError(fmt::format("{}: harvested_{}: {} is not among worker_{}", where, what, harvested[i], what));
    }
    if (std::find(harvested.begin(), harvested.begin() + i, harvested[i]) != harvested.begin() + i) {
      throw UsageError(fmt::format("{}: harvested_{}: {} is there twice", where, what, harvested[i]));
    }
  }
  std::vector<int> left;
  std::copy_if(all.begin(), all.end(), std::back_inserter(left),
               [&](int one) { return std::find(harvested.begin(), harvested.end(), one) == harvested.end(); });
  if (left.empty()) throw UsageError(fmt::format("{}: no {} of workers are left", where, what));
  return left;
}

}  // namespace

Places::Places(const Geometry& geometry, const std::string& where) : die_(geometry.die), dram_(geometry.dram) {
  check_die(geometry, where);
  columns_ = left_of(geometry.all_columns, geometry.harvested_columns, die_.x, "columns", where);
  rows_ = left_of(geometry.all_rows, geometry.harvested_rows, die_.y, "rows", where);
  if (dram_.empty() || std::ssize(dram_) > max_dram_banks) {
    throw UsageError(fmt::format("{}: {} dram_endpoints, 1 to {} are possible", where, dram_.size(), max_dram_banks));
  }
  bank_of_node_.assign(nodes(), -1);
  const auto has = [](const std::vector<int>& all, int one) { return std::find(all.begin(), all.end(), one) != all.end(); };
  for (int bank = 0; bank < banks(); ++bank) {
    const PhysicalCore at = dram_[bank];
    if (at.x < 0 || at.y < 0 || at.x >= die_.x || at.y >= die_.y) {
      throw UsageError(
          fmt::format("{}: dram_endpoints: ({},{}) is not on the {}x{} die", where, at.x, at.y, die_.x, die_.y));
    }
    if (has(geometry.all_columns, at.x) && has(geometry.all_rows, at.y)) {
      throw UsageError(fmt::format("{}: dram_endpoints: ({},{}) is a worker", where, at.x, at.y));
    }
    std::int8_t& owner = bank_of_node_[die_.index({at.x, at.y})];
    if (owner >= 0) throw UsageError(fmt::format("{}: dram_endpoints: ({},{}) is there twice", where, at.x, at.y));
    owner = static_cast<std::int8_t>(bank);
  }
}

PhysicalCore Places::beyond(LogicalCore core) const {
  if (core.x < 0 || core.y < 0) {
    throw std::out_of_range(fmt::format("core ({},{}) is not in any grid", core.x, core.y));
  }
  return {columns_[core.x % columns_.size()], rows_[core.y % rows_.size()]};
}

void Places::no_bank(int bank) const {
  throw std::out_of_range(fmt::format("DRAM bank {} does not exist, there are {}", bank, banks()));
}

void Places::no_node(PhysicalCore node) const {
  throw std::out_of_range(fmt::format("NoC node ({},{}) is outside of the {}x{} torus", node.x, node.y, die_.x, die_.y));
}

}  // namespace tilegrid
