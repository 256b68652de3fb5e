// SPDX-License-Identifier: Apache-2.0
// How many cores share a number of units, and which.
#pragma once

#include <tt-metalium/core_coord.hpp>

#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

namespace tt::tt_metal {

/// The first cores of the grid from a core on, column by column, or row by row with `row_wise`, as few rectangles. Throws
/// std::runtime_error when there are not that many.
[[nodiscard]] CoreRangeSet num_cores_to_corerangeset(CoreCoord start_core, std::uint32_t target_num_cores,
                                                     CoreCoord grid_size, bool row_wise = false);
[[nodiscard]] CoreRangeSet num_cores_to_corerangeset(std::uint32_t target_num_cores, CoreCoord grid_size,
                                                     bool row_wise = false);
[[nodiscard]] CoreRangeSet num_cores_to_corerangeset_in_subcoregrids(CoreCoord start_core, std::uint32_t target_num_cores,
                                                                     const CoreRangeSet& sub_core_grids,
                                                                     bool row_wise = false);
[[nodiscard]] inline std::set<CoreRange> num_cores_to_corerange_set(std::uint32_t target_num_cores, CoreCoord grid_size,
                                                                    bool row_wise = false) {
  const CoreRangeSet cores = num_cores_to_corerangeset(target_num_cores, grid_size, row_wise);
  return {cores.ranges().begin(), cores.ranges().end()};
}
/// Number of cores, all of them, those with more units, those with fewer, and how many units each of these has.
[[nodiscard]] std::tuple<std::uint32_t, CoreRangeSet, CoreRangeSet, CoreRangeSet, std::uint32_t, std::uint32_t>
split_work_to_cores(CoreCoord grid_size, std::uint32_t units_to_divide, bool row_wise = false);
[[nodiscard]] std::tuple<std::uint32_t, CoreRangeSet, CoreRangeSet, CoreRangeSet, std::uint32_t, std::uint32_t>
split_work_to_cores(const CoreRangeSet& core_grid, std::uint32_t units_to_divide, bool row_wise = false);
/// Largest divisor of `value` from `first` downwards that is no 5 and no 7.
[[nodiscard]] int find_max_divisor(std::uint32_t value, std::uint32_t first);
[[nodiscard]] int find_max_block_size(std::uint32_t value, std::uint32_t max_block_size = 8);
/// How many reads of equal size, each of at most `max_read_size` bytes, bring all rows: the fewest.
[[nodiscard]] std::uint32_t merge_num_sticks_to_read(std::uint32_t num_sticks, std::uint32_t stick_bytes,
                                                     std::uint32_t max_read_size);
/// Most cores that get the same number of tiles, and that number.
[[nodiscard]] std::tuple<std::uint32_t, std::uint32_t> get_max_cores_divisible_by_tiles_per_core_tiles(
    const std::uint32_t& num_tiles, const std::uint32_t& num_cores_max, bool request_even = false);

}  // namespace tt::tt_metal

namespace tt {
using tt_metal::find_max_block_size;
using tt_metal::find_max_divisor;
using tt_metal::get_max_cores_divisible_by_tiles_per_core_tiles;
using tt_metal::merge_num_sticks_to_read;
using tt_metal::num_cores_to_corerange_set;
using tt_metal::num_cores_to_corerangeset;
using tt_metal::split_work_to_cores;
}  // namespace tt
