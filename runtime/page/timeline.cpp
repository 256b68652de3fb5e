// SPDX-License-Identifier: Apache-2.0
#include "runtime/page/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/timing/costs.h"
#include "runtime/timing/summary.h"

namespace tilegrid::page {
namespace {

using report::Array;
using report::Object;
using report::Value;

/// What is kept during the replay, over all rows of all cores, and of one row at most.
constexpr std::size_t spans_kept = 2'000'000, row_kept = 8'000, row_kept_at_least = 200;
/// Numbers of a page's timeline, some 1.7 characters each: for the cores that stay fine, and for all others together.
constexpr std::size_t fine_numbers = 100'000, coarse_numbers = 480'000, coarse_at_least = 500;
/// Cores that a page shows at most.
constexpr std::size_t cores_shown = 512;
/// Parts of the run for which links have a load.
constexpr std::size_t windows = 60;

constexpr std::array<const char*, 4> directions{"east", "south", "north", "west"};

/// Numbers that a row may take: lanes three a span, sections four, levels two.
struct Shares {
  std::size_t spans = 0, sections = 0, levels = 0;
  Shares(std::size_t numbers, std::size_t buffers)
      : spans(numbers * 60 / 100 / (3 * timing::lane_count)),
        sections(numbers * 12 / 100 / (4 * 2)),
        levels(numbers * 28 / 100 / (2 * std::max<std::size_t>(buffers, 1))) {}
};

std::string spans_text(const std::vector<TimelineSpan>& spans) {
  NumberText text;
  double at = 0;
  for (const TimelineSpan& span : spans) {
    const double begin = std::max(at, std::round(span.begin));
    const double end = std::max(begin, std::round(span.end));
    if (end <= begin) continue;
    text.add(begin - at);
    text.add(end - begin);
    text.add(2.0 * span.kind + (span.mixed ? 1 : 0));
    at = end;
  }
  return text.text();
}

std::string sections_text(const std::vector<TimelineSection>& sections) {
  NumberText text;
  double at = 0;
  for (const TimelineSection& one : sections) {
    const double begin = std::max(at, std::round(one.begin));
    const double end = std::max(begin, std::round(one.end));
    const double math = std::min(std::round(one.math), end - begin);
    const double waiting = std::min(std::round(one.waiting), end - begin - math);
    text.add(begin - at);
    text.add(math);
    text.add(waiting);
    text.add(end - begin - math - waiting);
    at = end;
  }
  return text.text();
}

/// How full a buffer is: what has come less what has gone, in the order of time.
std::string levels_text(const std::vector<PageSum>& pushed, const std::vector<PageSum>& popped) {
  NumberText text;
  double at = 0;
  std::int64_t in = 0, out = 0, level = 0;
  for (std::size_t i = 0, j = 0; i < pushed.size() || j < popped.size();) {
    const bool push = j == popped.size() || (i < pushed.size() && pushed[i].time <= popped[j].time);
    const PageSum& next = push ? pushed[i++] : popped[j++];
    (push ? in : out) = next.pages;
    const std::int64_t now = std::max<std::int64_t>(0, in - out);
    if (now == level && at > 0) continue;
    const double time = std::max(at, std::round(next.time));
    text.add(time - at);
    text.add(static_cast<double>(level = now));
    at = time;
  }
  return text.text();
}

}  // namespace

bool join(TimelineSpan& first, const TimelineSpan& second, double resolution) {
  const bool same = first.kind == second.kind && !first.mixed && !second.mixed;
  const bool near = second.begin - first.end <= resolution;
  const bool small = first.end - first.begin < resolution && second.end - second.begin < resolution;
  if (!near || !(small || (same && second.begin <= first.end))) return false;
  if (!same) first.mixed = true;
  if (first.kind == second.kind) {
    first.longest += second.longest;
  } else if (second.longest > first.longest) {
    first.kind = second.kind;
    first.longest = second.longest;
  }
  first.end = std::max(first.end, second.end);
  return true;
}

bool join(TimelineSection& first, const TimelineSection& second, double resolution) {
  if (second.end - first.begin >= resolution) return false;
  first.waiting += second.waiting + (second.begin - first.end);
  first.math += second.math;
  first.end = second.end;
  return true;
}

bool join(PageSum& first, const PageSum& second, double resolution) {
  if (second.time - first.time >= resolution) return false;
  first.pages = second.pages;
  return true;
}

void NumberText::add(double value) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  auto rest = static_cast<std::uint64_t>(std::max(0.0, value));
  do {
    const std::uint64_t low = rest % 32;
    rest /= 32;
    text_ += digits[low + (rest > 0 ? 32 : 0)];
  } while (rest > 0);
}

void Timeline::started(const timing::Start& launch) {
  begin_ = cycles_ = launch.cycles;
  cores_.resize(std::max(cores_.size(), static_cast<std::size_t>(launch.grid.cores())));
  most_spans_ = std::clamp(spans_kept / (cores_.size() * timing::lane_count), row_kept_at_least, row_kept);
  log_ = &launch.log;
  phases_ = launch.log.phases;
  busy_kinds_.clear();
  for (std::size_t i = 0; i < stall_kinds_.size(); ++i) {
    stall_kinds_.at(i) = kind_of(timing::key_of(static_cast<timing::Stall>(i)), "", Sort::stall);
  }
}

std::uint32_t Timeline::kind_of(const std::string& name, const std::string& phase, Sort sort) {
  const auto [at, added] = kind_index_.try_emplace({name, phase, sort}, count_of<std::uint32_t>(kinds_));
  if (added) {
    kinds_.emplace_back(name, phase);
    kind_sorts_.push_back(sort);
  }
  return at->second;
}

void Timeline::add_span(int core, timing::Lane lane, double begin, double end, std::uint32_t kind) {
  if (end <= begin) return;
  Core& own = cores_[core];
  own.lanes.at(to_underlying(lane)).add({begin_ + begin, begin_ + end, end - begin, kind}, most_spans_);
  own.end = std::max(own.end, begin_ + end);
}

void Timeline::busy(const timing::BusySpan& span) {
  const std::size_t at = (static_cast<std::size_t>(span.operation) << 8U) + span.phase;
  if (at >= busy_kinds_.size()) busy_kinds_.resize(at + 1);
  if (busy_kinds_[at] == 0) {
    const std::string phase = span.phase > 0 && span.phase <= phases_.size() ? phases_[span.phase - 1U] : std::string();
    busy_kinds_[at] = kind_of(timing::operations::name_of(span.operation), phase, Sort::operation) + 1;
  }
  if (span.lane == timing::Lane::math) cores_[span.core].math += span.end - span.begin;
  add_span(span.core, span.lane, span.begin, span.end, busy_kinds_[at] - 1);
}

void Timeline::stalled(const timing::StallSpan& span) {
  add_span(span.core, span.lane, span.begin, span.end, stall_kinds_.at(to_underlying(span.reason)));
}

void Timeline::pages(const timing::PageChange& change) {
  Buffer& buffer = cores_[change.core].buffers[change.cb];
  if (change.pages > 0) {
    buffer.pushed_pages += change.pages;
    buffer.pushed.add({begin_ + change.time, buffer.pushed_pages}, most_spans_ / 4);
  } else {
    buffer.popped_pages -= change.pages;
    buffer.popped.add({begin_ + change.time, buffer.popped_pages}, most_spans_ / 4);
  }
}

void Timeline::section(const timing::DstSection& section) {
  Thinned<TimelineSection>& half = cores_[section.core].halves.at(section.half % 2);
  half.add({begin_ + section.acquired, begin_ + section.released, section.committed - section.acquired,
            section.packing - section.committed},
           most_spans_ / 2);
}

/// What the innermost zone has had until now becomes a span.
void Timeline::pass(Zones& zones, double time) {
  if (!zones.open.empty() && time > zones.since) {
    zones.spans.add({zones.since, time, time - zones.since, zones.open.back()}, most_spans_);
  }
  zones.since = time;
}

void Timeline::scope(const timing::ScopePoint& point) {
  if (point.scope.mark == ScopeMark::value) return;
  Zones& zones = cores_[point.core].zones[point.lane];
  pass(zones, begin_ + point.time);
  if (point.scope.mark == ScopeMark::begin || point.scope.mark == ScopeMark::sum_begin) {
    zones.open.push_back(kind_of(log_->scope_name(point.scope.name), "", Sort::zone));
  } else if (!zones.open.empty()) {
    zones.open.pop_back();
  }
}

void Timeline::add_moment(double time, std::span<const timing::LinkTime> links) {
  Moment moment{time, before_};
  for (const timing::LinkTime& link : links) {
    const LinkKey key{link.noc, link.from.x, link.from.y, link.direction};
    const std::size_t at = links_.try_emplace(key, links_.size()).first->second;
    if (at >= moment.busy.size()) moment.busy.resize(at + 1);
    moment.busy[at] += static_cast<float>(link.busy);
  }
  moments_.push_back(std::move(moment));
}

void Timeline::sampled(double time, std::span<const timing::LinkTime> links) {
  add_moment(begin_ + time, links);
  if (moments_.size() >= 4 * windows) {
    for (std::size_t i = 0; 2 * i + 1 < moments_.size(); ++i) moments_[i] = std::move(moments_[2 * i + 1]);
    moments_.resize(moments_.size() / 2);
    every_ *= 2;
  }
  next_ = begin_ + time + every_;
}

void Timeline::ended(const timing::LaunchTime& launch) {
  cycles_ = begin_ + launch.cycles;
  add_moment(cycles_, launch.links);
  before_ = moments_.back().busy;
  for (Core& core : cores_) {
    for (auto& [lane, zones] : core.zones) {
      pass(zones, cycles_);
      zones.open.clear();
    }
  }
}

/// The last to end, the first to end of those that compute, the one that computes most, and the first.
std::vector<std::size_t> Timeline::fine_cores() const {
  std::size_t slowest = 0, busiest = 0, quickest = 0;
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    if (cores_[i].end > cores_[slowest].end) slowest = i;
    if (cores_[i].math > cores_[busiest].math) busiest = i;
  }
  quickest = busiest;
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    if (2 * cores_[i].math > cores_[busiest].math && cores_[i].end < cores_[quickest].end) quickest = i;
  }
  return {slowest, quickest, busiest, 0};
}

Value Timeline::core_figures(std::size_t index, bool fine) {
  Core& core = cores_[index];
  const std::size_t all = std::min(cores_.size(), cores_shown);
  const Shares share(fine ? fine_numbers : std::clamp(coarse_numbers / all, coarse_at_least, fine_numbers),
                     core.buffers.size());
  Array lanes, halves, buffers, zones;
  double resolution = 0;
  for (auto& lane : core.lanes) {
    lane.coarsen(share.spans);
    resolution = std::max(resolution, lane.resolution());
    lanes.push_back(spans_text(lane.items()));
  }
  for (auto& half : core.halves) {
    half.coarsen(share.sections);
    if (!half.items().empty()) halves.push_back(sections_text(half.items()));
  }
  for (auto& [id, buffer] : core.buffers) {
    buffer.pushed.coarsen(share.levels / 2);
    buffer.popped.coarsen(share.levels / 2);
    buffers.push_back(Array{id, levels_text(buffer.pushed.items(), buffer.popped.items())});
  }
  for (auto& [lane, own] : core.zones) {
    own.spans.coarsen(share.spans);
    zones.push_back(Array{to_underlying(lane), spans_text(own.spans.items())});
  }
  return {{"core", index}, {"resolution", resolution}, {"lanes", lanes},
          {"dst", halves}, {"cbs", buffers},           {"zones", zones}};
}

Value Timeline::link_figures() const {
  const double window = cycles_ / static_cast<double>(windows);
  Object loads;
  for (const auto& [key, at] : links_) {
    Array list;
    double before = 0;
    std::size_t moment = 0;
    for (std::size_t i = 0; i < windows; ++i) {
      const double until = window * static_cast<double>(i + 1);
      while (moment + 1 < moments_.size() && moments_[moment].time < until) ++moment;
      // Between two moments a link is taken to be busy evenly.
      const auto busy = [link = at](const Moment& one) { return link < one.busy.size() ? double{one.busy[link]} : 0.0; };
      const Moment& next = moments_[moment];
      const double from = moment > 0 ? moments_[moment - 1].time : 0, less = moment > 0 ? busy(moments_[moment - 1]) : 0;
      const double part = next.time > from ? std::clamp((until - from) / (next.time - from), 0.0, 1.0) : 1;
      const double now = less + part * (busy(next) - less);
      list.push_back(static_cast<int>(std::lround(std::clamp(100 * (now - before) / window, 0.0, 100.0))));
      before = now;
    }
    loads.push_back({fmt::format("{}:{}-{}:{}", key[0], key[1], key[2], directions.at(key[3])), list});
  }
  return {{"windows", windows}, {"cycles", window}, {"loads", loads}};
}

Value Timeline::figures() {
  if (moments_.empty() || cycles_ <= 0) return {};
  const std::vector<std::size_t> fine = fine_cores();
  const std::size_t step = (cores_.size() + cores_shown - 1) / cores_shown;
  Array cores, kinds, phases;
  int zones = 0;
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    const bool is_fine = std::find(fine.begin(), fine.end(), i) != fine.end();
    if (is_fine || i % step == 0) cores.push_back(core_figures(i, is_fine));
  }
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const std::string& name = kinds_[i].first;
    const std::string& phase = kinds_[i].second;
    const bool stall = kind_sorts_[i] == Sort::stall;
    kinds.push_back(stall ? Value{{"stall", name}} : Value{{"operation", name}, {"phase", phase}});
    if (kind_sorts_[i] == Sort::zone) kinds.back()["zone"] = zones++;
    const bool seen = std::any_of(phases.begin(), phases.end(), [&](const Value& one) { return one.text() == phase; });
    if (kind_sorts_[i] == Sort::operation && !seen) phases.push_back(phase);
  }
  const char* note =
      "Busy spans are coloured by phase, waits are low and coloured by their reason. Equal neighbours are one span; where a "
      "core "
      "has more spans than fit a small page, those below a resolution are merged with their neighbours and show what takes "
      "most "
      "of them. The cores that end last and first, that compute most, and (0,0) are finer than the others.";
  return {{"note", note},   {"cycles", cycles_}, {"phases", phases},
          {"kinds", kinds}, {"cores", cores},    {"links", link_figures()}};
}

}  // namespace tilegrid::page
