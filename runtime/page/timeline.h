// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/report/value.h"
#include "runtime/timing/observer.h"

namespace tilegrid::page {

/// What a row of the timeline does from `begin` to `end`, in cycles of the run.
struct TimelineSpan {
  double begin = 0, end = 0;
  double longest = 0;      ///< of what was merged into it, that which `kind` says
  std::uint32_t kind = 0;  ///< index in the list of kinds
  bool mixed = false;      ///< shorter ones of other kinds are in it
};

/// A section of DST, or several that were merged: cycles of math, of waiting for pack, and of pack, from `begin` on.
struct TimelineSection {
  double begin = 0, end = 0, math = 0, waiting = 0;
};

/// Items in the order of their time, that become coarser when there are too many: what is shorter than the resolution joins
/// what was before it.
template <class Item>
class Thinned {
 public:
  void add(const Item& item, std::size_t most) {
    append(items_, item, resolution_);
    if (items_.size() > most) coarsen(most / 2);
  }
  /// Doubles the resolution until there are no more.
  void coarsen(std::size_t most) {
    while (items_.size() > most && resolution_ < 1e15) {
      resolution_ = resolution_ > 0 ? 2 * resolution_ : 2;
      std::vector<Item> fewer;
      for (const Item& item : items_) append(fewer, item, resolution_);
      items_ = std::move(fewer);
    }
  }
  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  [[nodiscard]] double resolution() const { return resolution_; }

 private:
  static void append(std::vector<Item>& items, const Item& item, double resolution) {
    if (items.empty() || !join(items.back(), item, resolution)) items.push_back(item);
  }
  std::vector<Item> items_;
  double resolution_ = 0;  ///< cycles; 0: nothing was merged
};

/// Pages that have come to a circular buffer, or gone, until a time.
struct PageSum {
  double time = 0;
  std::int64_t pages = 0;
};
/// Whether the second is short enough, or near enough, to become part of the first; then it has.
[[nodiscard]] bool join(TimelineSpan& first, const TimelineSpan& second, double resolution);
[[nodiscard]] bool join(TimelineSection& first, const TimelineSection& second, double resolution);
[[nodiscard]] bool join(PageSum& first, const PageSum& second, double resolution);

/// Whole numbers as text, five bits a character, the lowest first; 32 says that more follow (runtime/page/spans.js reads
/// it).
class NumberText {
 public:
  void add(double value);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Keeps of a replay what the page's timeline shows, in bounded memory: spans of each core's lanes, sections of DST, levels
/// of circular buffers, and how busy links were. A few cores stay fine, the others are coarser.
class Timeline final : public timing::Observer {
 public:
  void started(const timing::Start& launch) override;
  void busy(const timing::BusySpan& span) override;
  void stalled(const timing::StallSpan& span) override;
  void pages(const timing::PageChange& change) override;
  void section(const timing::DstSection& section) override;
  void scope(const timing::ScopePoint& point) override;
  void sampled(double time, std::span<const timing::LinkTime> links) override;
  [[nodiscard]] double next_sample() const override { return next_ - begin_; }
  void ended(const timing::LaunchTime& launch) override;

  /// The `timeline` of a page; null when nothing was replayed. Coarsens what has been kept.
  [[nodiscard]] report::Value figures();

 private:
  struct Buffer {
    Thinned<PageSum> pushed, popped;
    std::int64_t pushed_pages = 0, popped_pages = 0;
  };
  /// Zones that kernels name: the innermost at a time.
  struct Zones {
    Thinned<TimelineSpan> spans;
    std::vector<std::uint32_t> open;  ///< kinds of those around, the innermost last
    double since = 0;                 ///< when the innermost was entered, or come back to
  };
  struct Core {
    std::array<Thinned<TimelineSpan>, timing::lane_count> lanes;
    std::map<timing::Lane, Zones> zones;
    std::array<Thinned<TimelineSection>, 2> halves;
    std::map<int, Buffer> buffers;
    double end = 0;   ///< of its lanes
    double math = 0;  ///< busy cycles
  };
  struct Moment {
    double time = 0;
    std::vector<float> busy;  ///< cycles so far of each link
  };
  using LinkKey = std::array<int, 4>;  ///< NoC, x, y, direction

  void add_span(int core, timing::Lane lane, double begin, double end, std::uint32_t kind);
  enum class Sort : std::uint8_t { operation, stall, zone };
  [[nodiscard]] std::uint32_t kind_of(const std::string& name, const std::string& phase, Sort sort);
  void pass(Zones& zones, double time);
  void add_moment(double time, std::span<const timing::LinkTime> links);
  [[nodiscard]] std::vector<std::size_t> fine_cores() const;
  [[nodiscard]] report::Value core_figures(std::size_t index, bool fine);
  [[nodiscard]] report::Value link_figures() const;

  std::vector<Core> cores_;
  std::vector<std::pair<std::string, std::string>> kinds_;  ///< stall, zone or operation, and its phase
  std::vector<Sort> kind_sorts_;
  std::map<std::tuple<std::string, std::string, Sort>, std::uint32_t> kind_index_;
  const LaunchLog* log_ = nullptr;         ///< of the launch that is replayed
  std::vector<std::string> phases_;        ///< of the launch that is replayed, from 1 on
  std::vector<std::uint32_t> busy_kinds_;  ///< of it, by operation and phase, plus one
  std::array<std::uint32_t, timing::stall_count> stall_kinds_{};
  double begin_ = 0, cycles_ = 0;  ///< of the launch; of the run so far
  std::size_t most_spans_ = 0;     ///< of a row, while the replay goes on
  std::map<LinkKey, std::size_t> links_;
  std::vector<float> before_;  ///< busy cycles of links in the launches before
  std::vector<Moment> moments_;
  double next_ = 0, every_ = 256;  ///< when the next moment is due, and cycles between two
};

}  // namespace tilegrid::page
