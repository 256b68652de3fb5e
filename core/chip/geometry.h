// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/types.h"

namespace tilegrid {

/// Limits of ours. DRAM is addressed by NoC 0 coordinates and workers by virtual ones from (18,18) on (noc/address.h), so a
/// die has to end before them; a packet on its way keeps two bits for each of up to 32 hops (runtime/timing/fabric.h).
inline constexpr int max_die_side = 18;
inline constexpr int max_die_columns_and_rows = 32;
inline constexpr int max_dram_banks = 64;

/// Where things lie on a chip: NoC 0 coordinates of workers and DRAM endpoints on a torus of `die` nodes.
struct Geometry {
  GridSize die;                        ///< nodes of the torus
  std::vector<int> all_columns;        ///< of workers, ascending
  std::vector<int> all_rows;           ///< of workers, ascending
  std::vector<int> harvested_columns;  ///< of all_columns those that are harvested
  std::vector<int> harvested_rows;
  std::vector<PhysicalCore> dram;  ///< endpoint that workers use, by bank
  /// Grids that are wider or taller than what is left continue the pattern from its beginning, so that larger study grids
  /// still have routes; their cores share coordinates. Else they are refused.
  bool larger_grids = false;
  friend bool operator==(const Geometry&, const Geometry&) = default;
};

/// The same as tables: what each transfer asks. Made once for a chip.
class Places {
 public:
  Places() = default;
  /// Throws UsageError, `where` first: what does not fit together.
  Places(const Geometry& geometry, const std::string& where);

  [[nodiscard]] GridSize die() const { return die_; }
  [[nodiscard]] int nodes() const { return die_.cores(); }
  /// Workers that are left: the largest grid whose cores all have coordinates of their own.
  [[nodiscard]] GridSize workers() const { return {count_of(columns_), count_of(rows_)}; }
  [[nodiscard]] int banks() const { return count_of(dram_); }

  /// NoC 0 coordinates of a worker. Throws std::out_of_range for negative ones.
  [[nodiscard]] PhysicalCore physical_of(LogicalCore core) const {
    const unsigned x = core.x;
    const unsigned y = core.y;
    if (x < columns_.size() && y < rows_.size()) return {columns_[x], rows_[y]};
    return beyond(core);
  }
  /// NoC 0 coordinates of the endpoint that workers use for a bank. Throws std::out_of_range.
  [[nodiscard]] PhysicalCore dram_endpoint(int bank) const {
    const unsigned index = bank;
    if (index >= dram_.size()) no_bank(bank);
    return dram_[index];
  }
  /// Bank whose endpoint is at a node, -1 for none: asked for every page that is read or written.
  [[nodiscard]] int bank_at(int x, int y) const {
    const bool on_die = x >= 0 && y >= 0 && x < die_.x && y < die_.y;
    return on_die ? bank_of_node_[die_.index({x, y})] : -1;
  }

  /// Throws std::out_of_range for a node that the torus does not have.
  void require_node(PhysicalCore node) const {
    const bool on_die = node.x >= 0 && node.y >= 0 && node.x < die_.x && node.y < die_.y;
    if (!on_die) no_node(node);
  }

 private:
  [[nodiscard]] PhysicalCore beyond(LogicalCore core) const;
  [[noreturn]] void no_bank(int bank) const;
  [[noreturn]] void no_node(PhysicalCore node) const;

  GridSize die_;
  std::vector<int> columns_, rows_;
  std::vector<PhysicalCore> dram_;
  std::vector<std::int8_t> bank_of_node_;
};

}  // namespace tilegrid
