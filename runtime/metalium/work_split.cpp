// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tt-metalium/work_split.hpp>

namespace tt::tt_metal {
namespace {

CoreRangeSet first_of(const std::vector<CoreCoord>& cores, std::uint32_t count, const char* who) {
  if (count > cores.size()) {
    throw std::runtime_error(fmt::format("{}: {} cores of {}", who, count, cores.size()));
  }
  return CoreRangeSet(std::span<const CoreCoord>(cores).first(count));
}

/// All cores of the grid in the order of work.
std::vector<CoreCoord> cores_from(CoreCoord start, CoreCoord grid, bool row_wise) {
  const std::vector<CoreCoord> all = grid_to_cores({0, 0}, {grid.x - 1, grid.y - 1}, row_wise);
  return {std::find(all.begin(), all.end(), start), all.end()};
}

std::tuple<std::uint32_t, CoreRangeSet, CoreRangeSet, CoreRangeSet, std::uint32_t, std::uint32_t> split_over(
    const std::vector<CoreCoord>& cores, std::uint32_t units) {
  const auto available = static_cast<std::uint32_t>(cores.size());
  if (units == 0 || available == 0) return {0, CoreRangeSet(), CoreRangeSet(), CoreRangeSet(), 0, 0};
  const std::uint32_t used = std::min(units, available);
  const std::uint32_t fewer = units / used;
  const std::uint32_t with_more = units % used;
  const std::span<const CoreCoord> all(cores);
  const CoreRangeSet every(all.first(used));
  if (with_more == 0) return {used, every, every, CoreRangeSet(), fewer, 0};
  return {used,      every, CoreRangeSet(all.first(with_more)), CoreRangeSet(all.first(used).subspan(with_more)),
          fewer + 1, fewer};
}

}  // namespace

CoreRangeSet num_cores_to_corerangeset(CoreCoord start, std::uint32_t count, CoreCoord grid, bool row_wise) {
  return first_of(cores_from(start, grid, row_wise), count, "num_cores_to_corerangeset");
}

CoreRangeSet num_cores_to_corerangeset(std::uint32_t count, CoreCoord grid, bool row_wise) {
  return num_cores_to_corerangeset({0, 0}, count, grid, row_wise);
}

CoreRangeSet num_cores_to_corerangeset_in_subcoregrids(CoreCoord start, std::uint32_t count, const CoreRangeSet& grids,
                                                       bool row_wise) {
  const std::vector<CoreCoord> all = corerange_to_cores(grids, std::nullopt, row_wise);
  return first_of({std::find(all.begin(), all.end(), start), all.end()}, count, "num_cores_to_corerangeset_in_subcoregrids");
}

std::tuple<std::uint32_t, CoreRangeSet, CoreRangeSet, CoreRangeSet, std::uint32_t, std::uint32_t> split_work_to_cores(
    CoreCoord grid, std::uint32_t units, bool row_wise) {
  return split_over(cores_from({0, 0}, grid, row_wise), units);
}

std::tuple<std::uint32_t, CoreRangeSet, CoreRangeSet, CoreRangeSet, std::uint32_t, std::uint32_t> split_work_to_cores(
    const CoreRangeSet& grid, std::uint32_t units, bool row_wise) {
  return split_over(corerange_to_cores(grid, std::nullopt, row_wise), units);
}

int find_max_divisor(std::uint32_t value, std::uint32_t first) {
  for (std::uint32_t divisor = first; divisor > 1; --divisor) {
    if (divisor != 5 && divisor != 7 && value % divisor == 0) return static_cast<int>(divisor);
  }
  return 1;
}

int find_max_block_size(std::uint32_t value, std::uint32_t max_block_size) {
  for (std::uint32_t size = max_block_size; size > 1; --size) {
    if (value % size == 0) return static_cast<int>(size);
  }
  return 1;
}

std::uint32_t merge_num_sticks_to_read(std::uint32_t num_sticks, std::uint32_t stick_bytes, std::uint32_t max_read_size) {
  for (std::uint32_t together = stick_bytes == 0 ? 0 : max_read_size / stick_bytes; together > 1; --together) {
    if (num_sticks % together == 0) return num_sticks / together;
  }
  return num_sticks;
}

std::tuple<std::uint32_t, std::uint32_t> get_max_cores_divisible_by_tiles_per_core_tiles(const std::uint32_t& num_tiles,
                                                                                         const std::uint32_t& num_cores_max,
                                                                                         bool request_even) {
  for (std::uint32_t cores = std::min(num_tiles, num_cores_max); cores > 1; --cores) {
    if (num_tiles % cores == 0 && (!request_even || num_tiles / cores % 2 == 0)) return {cores, num_tiles / cores};
  }
  return {1, num_tiles};
}

}  // namespace tt::tt_metal
