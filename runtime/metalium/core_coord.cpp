// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <tt-metalium/core_coord.hpp>

std::string tt_xy_pair::str() const { return fmt::format("(x={},y={})", x, y); }

std::ostream& operator<<(std::ostream& stream, const tt_xy_pair& core) { return stream << core.str(); }

namespace tt::tt_metal {

CoreRange::CoreRange(const CoreCoord& first, const CoreCoord& last)
    : start_coord(first), end_coord(last), start(first), end{last, first.x} {
  if (last.x < first.x || last.y < first.y) {
    throw std::runtime_error(fmt::format("CoreRange: {} is not at or beyond {} in both directions", last, first));
  }
}

std::optional<CoreRange> CoreRange::intersection(const CoreRange& other) const {
  const CoreCoord first{std::max(start_coord.x, other.start_coord.x), std::max(start_coord.y, other.start_coord.y)};
  const CoreCoord last{std::min(end_coord.x, other.end_coord.x), std::min(end_coord.y, other.end_coord.y)};
  if (last.x < first.x || last.y < first.y) return std::nullopt;
  return CoreRange(first, last);
}

bool CoreRange::adjacent(const CoreRange& other) const { return !intersects(other) && merge(other).has_value(); }

bool CoreRange::contains(const CoreRangeSet& other) const {
  return std::all_of(other.ranges().begin(), other.ranges().end(),
                     [this](const CoreRange& range) { return contains(range); });
}

std::optional<CoreRange> CoreRange::merge(const CoreRange& other) const {
  if (contains(other)) return *this;
  if (other.contains(*this)) return other;
  const CoreCoord first{std::min(start_coord.x, other.start_coord.x), std::min(start_coord.y, other.start_coord.y)};
  const CoreCoord last{std::max(end_coord.x, other.end_coord.x), std::max(end_coord.y, other.end_coord.y)};
  const CoreRange box(first, last);
  const std::optional<CoreRange> both = intersection(other);
  if (box.size() != size() + other.size() - (both ? both->size() : 0)) return std::nullopt;
  return box;
}

std::string CoreRange::str() const { return fmt::format("[{} - {}]", start_coord, end_coord); }

CoreRangeSet::CoreRangeSet(std::span<const CoreRange> ranges) : ranges_(ranges.begin(), ranges.end()) {
  require_no_overlap();
}
CoreRangeSet::CoreRangeSet(const std::set<CoreRange>& ranges) : ranges_(ranges.begin(), ranges.end()) {
  require_no_overlap();
}
CoreRangeSet::CoreRangeSet(std::span<const CoreCoord> cores) {
  std::vector<CoreRange> ranges;
  ranges.reserve(cores.size());
  for (const CoreCoord& core : cores) ranges.emplace_back(core);
  *this = CoreRangeSet(std::move(ranges)).merge_ranges();
}

void CoreRangeSet::require_no_overlap() const {
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    for (std::size_t j = i + 1; j < ranges_.size(); ++j) {
      if (!ranges_[i].intersects(ranges_[j])) continue;
      throw std::runtime_error(fmt::format("CoreRangeSet: {} and {} overlap", ranges_[i], ranges_[j]));
    }
  }
}

/// Rows of cores first, then rectangles of equal rows, in the order of the set that is made.
CoreRangeSet CoreRangeSet::merge(const CoreRangeSet& other) const {
  std::set<std::pair<std::size_t, std::size_t>> cores;  // row, column
  for (const CoreRangeSet* set : {this, &other}) {
    for (const CoreRange& range : set->ranges_) {
      for (const CoreCoord& core : range) cores.emplace(core.y, core.x);
    }
  }
  std::vector<CoreRange> rows;
  for (const auto& [y, x] : cores) {
    if (!rows.empty() && rows.back().end_coord.y == y && rows.back().end_coord.x + 1 == x) {
      rows.back() = CoreRange(rows.back().start_coord, {x, y});
    } else {
      rows.emplace_back(CoreCoord(x, y));
    }
  }
  CoreRangeSet merged;
  for (const CoreRange& row : rows) {
    const auto above = std::find_if(merged.ranges_.begin(), merged.ranges_.end(), [&](const CoreRange& range) {
      return range.end_coord.y + 1 == row.start_coord.y && range.start_coord.x == row.start_coord.x &&
             range.end_coord.x == row.end_coord.x;
    });
    if (above == merged.ranges_.end()) {
      merged.ranges_.push_back(row);
    } else {
      *above = CoreRange(above->start_coord, row.end_coord);
    }
  }
  return merged;
}

CoreRangeSet CoreRangeSet::intersection(const CoreRangeSet& other) const {
  CoreRangeSet common;
  for (const CoreRange& a : ranges_) {
    for (const CoreRange& b : other.ranges_) {
      if (const std::optional<CoreRange> both = a.intersection(b)) common.ranges_.push_back(*both);
    }
  }
  return common;
}

bool CoreRangeSet::contains(const CoreCoord& core) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const CoreRange& range) { return range.contains(core); });
}
bool CoreRangeSet::contains(const CoreRange& range) const {
  return std::all_of(range.begin(), range.end(), [this](const CoreCoord& core) { return contains(core); });
}
bool CoreRangeSet::contains(const CoreRangeSet& other) const {
  return std::all_of(other.ranges_.begin(), other.ranges_.end(), [this](const CoreRange& range) { return contains(range); });
}

std::string CoreRangeSet::str() const {
  std::vector<std::string> texts;
  texts.reserve(ranges_.size());
  for (const CoreRange& range : ranges_) texts.push_back(range.str());
  return fmt::format("{{{}}}", fmt::join(texts, ", "));
}

std::uint32_t CoreRangeSet::num_cores() const {
  std::size_t cores = 0;
  for (const CoreRange& range : ranges_) cores += range.size();
  return static_cast<std::uint32_t>(cores);
}

CoreRange CoreRangeSet::bounding_box() const {
  if (ranges_.empty()) throw std::runtime_error("CoreRangeSet: an empty set has no bounding box");
  CoreCoord first = ranges_.front().start_coord;
  CoreCoord last = ranges_.front().end_coord;
  for (const CoreRange& range : ranges_) {
    first = {std::min(first.x, range.start_coord.x), std::min(first.y, range.start_coord.y)};
    last = {std::max(last.x, range.end_coord.x), std::max(last.y, range.end_coord.y)};
  }
  return {first, last};
}

CoreRangeSet CoreRangeSet::subtract(const CoreRangeSet& other) const {
  std::vector<CoreCoord> left;
  for (const CoreRange& range : ranges_) {
    for (const CoreCoord& core : range) {
      if (!other.contains(core)) left.push_back(core);
    }
  }
  return CoreRangeSet(std::span<const CoreCoord>(left));
}

std::vector<CoreCoord> grid_to_cores(CoreCoord start, CoreCoord end, bool row_wise) {
  std::vector<CoreCoord> cores;
  cores.reserve((end.x - start.x + 1) * (end.y - start.y + 1));
  if (row_wise) {
    for (std::size_t y = start.y; y <= end.y; ++y) {
      for (std::size_t x = start.x; x <= end.x; ++x) cores.emplace_back(x, y);
    }
  } else {
    for (std::size_t x = start.x; x <= end.x; ++x) {
      for (std::size_t y = start.y; y <= end.y; ++y) cores.emplace_back(x, y);
    }
  }
  return cores;
}

std::vector<CoreCoord> grid_to_cores(std::uint32_t num_cores, std::uint32_t grid_size_x, std::uint32_t grid_size_y,
                                     bool row_wise) {
  if (num_cores > grid_size_x * grid_size_y) {
    throw std::runtime_error(fmt::format("grid_to_cores: {} cores of a {}x{} grid", num_cores, grid_size_x, grid_size_y));
  }
  std::vector<CoreCoord> cores = grid_to_cores({0, 0}, {grid_size_x - 1, grid_size_y - 1}, row_wise);
  cores.resize(num_cores);
  return cores;
}

std::vector<CoreCoord> corerange_to_cores(const CoreRangeSet& set, std::optional<std::uint32_t> max_cores, bool row_wise) {
  std::vector<CoreCoord> cores;
  for (const CoreRange& range : set.ranges()) {
    const std::vector<CoreCoord> more = grid_to_cores(range.start_coord, range.end_coord, row_wise);
    cores.insert(cores.end(), more.begin(), more.end());
  }
  if (max_cores && *max_cores < cores.size()) cores.resize(*max_cores);
  return cores;
}

CoreRangeSet select_from_corerangeset(const CoreRangeSet& cores, std::uint32_t first, std::uint32_t last, bool row_wise) {
  const std::vector<CoreCoord> all = corerange_to_cores(cores, std::nullopt, row_wise);
  if (first > last || last >= all.size()) {
    throw std::runtime_error(fmt::format("select_from_corerangeset: cores {} to {} of {}", first, last, all.size()));
  }
  std::vector<CoreRange> ranges;
  ranges.reserve(last - first + 1);
  for (std::uint32_t i = first; i <= last; ++i) ranges.emplace_back(all[i], all[i]);
  return CoreRangeSet(ranges);
}

std::optional<CoreRange> select_contiguous_range_from_corerangeset(const CoreRangeSet& cores, std::uint32_t x,
                                                                   std::uint32_t y) {
  for (const CoreRange& range : cores.ranges()) {
    const CoreCoord& start = range.start_coord;
    if (range.end_coord.x - start.x + 1 < x || range.end_coord.y - start.y + 1 < y) continue;
    return CoreRange(start, {start.x + x - 1, start.y + y - 1});
  }
  return std::nullopt;
}

std::vector<CoreCoord> grid_to_cores_with_noop(const CoreRangeSet& used, const CoreRangeSet& all, bool row_wise) {
  std::vector<CoreCoord> cores = corerange_to_cores(used, std::nullopt, row_wise);
  const std::vector<CoreCoord> others = corerange_to_cores(all.subtract(used), std::nullopt, row_wise);
  cores.insert(cores.end(), others.begin(), others.end());
  return cores;
}

std::vector<CoreCoord> grid_to_cores_with_noop(std::uint32_t used_x, std::uint32_t used_y, std::uint32_t grid_x,
                                               std::uint32_t grid_y, bool row_wise) {
  return grid_to_cores_with_noop(CoreRangeSet(CoreRange({0, 0}, {used_x - 1, used_y - 1})),
                                 CoreRangeSet(CoreRange({0, 0}, {grid_x - 1, grid_y - 1})), row_wise);
}

std::ostream& operator<<(std::ostream& stream, const CoreRange& range) { return stream << range.str(); }
std::ostream& operator<<(std::ostream& stream, const CoreRangeSet& ranges) { return stream << ranges.str(); }

}  // namespace tt::tt_metal
