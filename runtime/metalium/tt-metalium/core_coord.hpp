// SPDX-License-Identifier: Apache-2.0
// Cores by their place in the grid, rectangles and sets of them, as programs for TT-Metalium name them.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// x is the column, y the row. Ordered by x first.
struct tt_xy_pair {
  std::size_t x = 0;
  std::size_t y = 0;
  constexpr tt_xy_pair() = default;
  constexpr tt_xy_pair(std::size_t column, std::size_t row) : x(column), y(row) {}
  [[nodiscard]] std::string str() const;
  friend constexpr bool operator==(const tt_xy_pair&, const tt_xy_pair&) = default;
  friend constexpr auto operator<=>(const tt_xy_pair&, const tt_xy_pair&) = default;
};

namespace tt {
using xy_pair = ::tt_xy_pair;
}

namespace tt::tt_metal {

using CoreCoord = ::tt_xy_pair;
class CoreRangeSet;

/// A rectangle of cores, both corners included. Iterates row by row.
class CoreRange {
 public:
  class CoreIterator {
   public:
    using value_type = CoreCoord;
    using difference_type = std::ptrdiff_t;
    using pointer = CoreCoord*;
    using reference = CoreCoord&;
    using iterator_category = std::input_iterator_tag;
    CoreIterator(const CoreCoord& current, const CoreCoord& first, const CoreCoord& last)
        : current_(current), first_(first.x), last_(last.x) {}
    CoreCoord& operator*() { return current_; }
    CoreIterator& operator++() {
      if (++current_.x <= last_) return *this;
      current_ = {first_, current_.y + 1};
      return *this;
    }
    bool operator==(const CoreIterator& other) const { return current_ == other.current_; }

   private:
    CoreCoord current_;
    std::size_t first_, last_;  ///< columns
  };

  CoreCoord start_coord;
  CoreCoord end_coord;
  /// In the first years `end` was the last core; called, it is the end of an iteration, as today.
  struct End : CoreCoord {
    std::size_t first_column = 0;
    CoreIterator operator()() const { return {{first_column, y + 1}, {first_column, 0}, *this}; }
  };
  CoreCoord start;
  End end;

  CoreRange(const CoreCoord& point) : CoreRange(point, point) {}
  /// Throws std::runtime_error when a corner is on the wrong side of the other.
  CoreRange(const CoreCoord& first, const CoreCoord& last);

  [[nodiscard]] bool intersects(const CoreRange& other) const { return intersection(other).has_value(); }
  [[nodiscard]] std::optional<CoreRange> intersection(const CoreRange& other) const;
  [[nodiscard]] bool adjacent(const CoreRange& other) const;
  [[nodiscard]] bool contains(const CoreCoord& core) const {
    return core.x >= start_coord.x && core.x <= end_coord.x && core.y >= start_coord.y && core.y <= end_coord.y;
  }
  [[nodiscard]] bool contains(const CoreRange& other) const {
    return contains(other.start_coord) && contains(other.end_coord);
  }
  [[nodiscard]] bool contains(const CoreRangeSet& other) const;
  /// One rectangle of both, when they make one.
  [[nodiscard]] std::optional<CoreRange> merge(const CoreRange& other) const;
  [[nodiscard]] std::string str() const;
  [[nodiscard]] std::size_t size() const { return grid_size().x * grid_size().y; }
  [[nodiscard]] CoreCoord grid_size() const { return {end_coord.x - start_coord.x + 1, end_coord.y - start_coord.y + 1}; }

  [[nodiscard]] CoreIterator begin() const { return {start_coord, start_coord, end_coord}; }

  friend bool operator==(const CoreRange& a, const CoreRange& b) {
    return a.start_coord == b.start_coord && a.end_coord == b.end_coord;
  }
  friend auto operator<=>(const CoreRange& a, const CoreRange& b) {
    const auto by_start = a.start_coord <=> b.start_coord;
    return by_start != 0 ? by_start : a.end_coord <=> b.end_coord;
  }
};

/// Rectangles in a list; programs of the years before take them for a set.
class CoreRangeList : public std::vector<CoreRange> {
 public:
  using std::vector<CoreRange>::vector;
  CoreRangeList(std::vector<CoreRange> list) : std::vector<CoreRange>(std::move(list)) {}
  operator std::set<CoreRange>() const { return {begin(), end()}; }
};

/// Rectangles that do not overlap, in the order they were given in.
class CoreRangeSet {
 public:
  CoreRangeSet() = default;
  /// Throws std::runtime_error when two overlap.
  explicit CoreRangeSet(std::span<const CoreRange> ranges);
  CoreRangeSet(const std::set<CoreRange>& ranges);
  CoreRangeSet(const CoreRange& range) : ranges_{range} {}
  /// For lists in braces, which could be read as several of the others.
  CoreRangeSet(std::initializer_list<CoreRange> ranges) : CoreRangeSet(std::set<CoreRange>(ranges)) {}
  /// A vector as such: a list in braces is a set.
  template <class Ranges>
  requires std::is_same_v<std::remove_cvref_t<Ranges>, std::vector<CoreRange>> CoreRangeSet(Ranges&& ranges)
      : ranges_(std::vector<CoreRange>(std::forward<Ranges>(ranges))) {
    require_no_overlap();
  }
  explicit CoreRangeSet(std::span<const CoreCoord> cores);

  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }
  [[nodiscard]] CoreRangeSet merge(const CoreRangeSet& other) const;
  template <class Ranges>
  [[nodiscard]] CoreRangeSet merge(const Ranges& other) const {
    return merge(CoreRangeSet(std::vector<CoreRange>(other.begin(), other.end())));
  }
  [[nodiscard]] bool intersects(const CoreRangeSet& other) const { return !intersection(other).empty(); }
  [[nodiscard]] CoreRangeSet intersection(const CoreRangeSet& other) const;
  [[nodiscard]] bool contains(const CoreCoord& core) const;
  [[nodiscard]] bool contains(const CoreRange& range) const;
  [[nodiscard]] bool contains(const CoreRangeSet& other) const;
  [[nodiscard]] bool core_coord_in_core_ranges(const CoreCoord& core) const { return contains(core); }
  [[nodiscard]] const CoreRangeList& ranges() const { return ranges_; }
  [[nodiscard]] std::string str() const;
  [[nodiscard]] std::uint32_t num_cores() const;
  /// Throws std::runtime_error for an empty set.
  [[nodiscard]] CoreRange bounding_box() const;
  [[nodiscard]] CoreRangeSet merge_ranges() const { return merge(CoreRangeSet()); }
  [[nodiscard]] CoreRangeSet subtract(const CoreRangeSet& other) const;

  friend bool operator==(const CoreRangeSet&, const CoreRangeSet&) = default;

 private:
  void require_no_overlap() const;
  CoreRangeList ranges_;
};

/// The first cores of a grid, column by column, or row by row with `row_wise`.
[[nodiscard]] std::vector<CoreCoord> grid_to_cores(std::uint32_t num_cores, std::uint32_t grid_size_x,
                                                   std::uint32_t grid_size_y, bool row_wise = false);
[[nodiscard]] std::vector<CoreCoord> grid_to_cores(CoreCoord start, CoreCoord end, bool row_wise = false);
/// Cores of a set, rectangle by rectangle.
[[nodiscard]] std::vector<CoreCoord> corerange_to_cores(const CoreRangeSet& cores,
                                                        std::optional<std::uint32_t> max_cores = std::nullopt,
                                                        bool row_wise = false);

/// The cores of a set from the first to the last of these numbers, each as a range. Throws std::runtime_error beyond the
/// set.
[[nodiscard]] CoreRangeSet select_from_corerangeset(const CoreRangeSet& cores, std::uint32_t first, std::uint32_t last,
                                                    bool row_wise = false);
/// x columns by y rows of the first range that has as many.
[[nodiscard]] std::optional<CoreRange> select_contiguous_range_from_corerangeset(const CoreRangeSet& cores, std::uint32_t x,
                                                                                 std::uint32_t y);
/// The used cores, then all others.
[[nodiscard]] std::vector<CoreCoord> grid_to_cores_with_noop(const CoreRangeSet& used, const CoreRangeSet& all,
                                                             bool row_wise = false);
[[nodiscard]] std::vector<CoreCoord> grid_to_cores_with_noop(std::uint32_t used_x, std::uint32_t used_y,
                                                             std::uint32_t grid_x, std::uint32_t grid_y,
                                                             bool row_wise = false);
std::ostream& operator<<(std::ostream& stream, const CoreRange& range);
std::ostream& operator<<(std::ostream& stream, const CoreRangeSet& ranges);

}  // namespace tt::tt_metal

std::ostream& operator<<(std::ostream& stream, const tt_xy_pair& core);

using tt::tt_metal::CoreCoord;
using tt::tt_metal::CoreRange;
using tt::tt_metal::corerange_to_cores;
using tt::tt_metal::CoreRangeSet;
using tt::tt_metal::grid_to_cores;
using tt::tt_metal::grid_to_cores_with_noop;
using tt::tt_metal::select_contiguous_range_from_corerangeset;
using tt::tt_metal::select_from_corerangeset;

template <>
struct std::hash<tt_xy_pair> {
  std::size_t operator()(const tt_xy_pair& core) const noexcept { return core.x * 4096 + core.y; }
};
template <>
struct std::hash<tt::tt_metal::CoreRange> {
  std::size_t operator()(const tt::tt_metal::CoreRange& range) const noexcept {
    const std::hash<tt_xy_pair> hash;
    return hash(range.start_coord) * 1000003 + hash(range.end_coord);
  }
};

/// {} of what has str().
template <class T>
struct TilegridStrFormatter : fmt::formatter<std::string> {
  template <class Context>
  auto format(const T& value, Context& context) const {
    return fmt::formatter<std::string>::format(value.str(), context);
  }
};
template <>
struct fmt::formatter<tt_xy_pair> : TilegridStrFormatter<tt_xy_pair> {};
template <>
struct fmt::formatter<tt::tt_metal::CoreRange> : TilegridStrFormatter<tt::tt_metal::CoreRange> {};
template <>
struct fmt::formatter<tt::tt_metal::CoreRangeSet> : TilegridStrFormatter<tt::tt_metal::CoreRangeSet> {};
