// SPDX-License-Identifier: Apache-2.0
#include "runtime/traces/chrome_trace.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "noc/grid.h"
#include "runtime/timing/costs.h"
#include "runtime/traces/json.h"

namespace tilegrid::traces {
namespace {

using timing::Lane;
using timing::Stall;

constexpr int tid_of_arrivals = 8;  ///< of NoC 0; NoC 1 has the next
constexpr int tid_of_zones = 16;    ///< of the first lane
constexpr int tid_of_dram = 1;
constexpr double most_spans = 250'000;
constexpr double most_transfers = 60'000;

/// Microseconds with three decimals, which are nanoseconds.
void append_time(std::string& out, std::int64_t nanoseconds) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}.{:03}"), nanoseconds / 1000, nanoseconds % 1000);
}

void append_span(std::string& out, int pid, int tid, std::int64_t begin, std::int64_t end, std::string_view name) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(",\n{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"ts\":"), pid, tid);
  append_time(out, begin);
  out += ",\"dur\":";
  append_time(out, end - begin);
  out += ",\"name\":";
  out += name;
  out += '}';
}

/// What a stall waits for.
std::string text_of(Stall stall, std::int64_t subject) {
  switch (stall) {
    case Stall::cb_empty:
      return fmt::format("\"wait: CB {} empty\"", subject);
    case Stall::cb_full:
      return fmt::format("\"wait: CB {} full\"", subject);
    case Stall::semaphore:
      return fmt::format("\"wait: semaphore at {:#x}\"", subject);
    default:
      return fmt::format("\"wait: {}\"", timing::name_of(stall));
  }
}

}  // namespace

ChromeTrace::ChromeTrace(std::string path, const RunLog& log, std::vector<bool> cores)
    : file_(std::move(path)), program_(log.program), grid_(log.grid), cores_(std::move(cores)) {
  double events = 0, transfers = 0;
  for (const LaunchLog& launch : log.launches) {
    for (std::size_t core = 0; core < launch.cores.size(); ++core) {
      if (!cores_[core]) continue;
      events += static_cast<double>(launch.cores[core].sequence(Risc::trisc).size());
      for (const Risc risc : {Risc::brisc, Risc::ncrisc}) {
        transfers += static_cast<double>(launch.cores[core].sequence(risc).size());
      }
    }
  }
  if (events > most_spans) least_cycles_ = 16 * events / most_spans;
  if (transfers > most_transfers) stride_ = static_cast<std::uint64_t>(std::ceil(transfers / most_transfers));
  for (int operation = 0; operation < timing::operations::count; ++operation) {
    operations_.push_back(json_text(timing::operations::name_of(operation)));
  }
  least_cycles_ = std::ceil(least_cycles_);
  std::string rule = "complete";
  if (least_cycles_ > 0 || stride_ > 1) {
    rule = fmt::format("thinned: what takes less than {} cycles is part of the span before it; {} transfer is drawn",
                       least_cycles_, stride_ == 1 ? "every" : fmt::format("one in {}", stride_));
  }
  rule += fmt::format("; behind {} MiB the least span doubles with each further MiB, without transfers and counters",
                      most_detail >> 20U);
  put(fmt::format("{{\"displayTimeUnit\":\"ns\",\n\"otherData\":{{\"program\":{},\"rule\":{}}},\n\"traceEvents\":[",
                  json_text(program_), json_text(rule)));
  has_text_ = false;
  describe(1, 0, "process_name", "tilegrid");
  describe(1, 0, "process_labels", rule);
  describe(1, 1, "thread_name", "launches");
}

void ChromeTrace::put(std::string_view text) {
  // The list's first entry has no comma before it.
  if (!has_text_ && text.starts_with(",")) text.remove_prefix(1);
  has_text_ = true;
  out_ += text;
  written_ += text.size();
  if (out_.size() < 1U << 16U) return;
  file_.write(out_);
  out_.clear();
}

void ChromeTrace::describe(int pid, int tid, std::string_view what, std::string_view name) {
  put(fmt::format(",\n{{\"ph\":\"M\",\"pid\":{},\"tid\":{},\"name\":\"{}\",\"args\":{{\"{}\":{}}}}}", pid, tid, what,
                  what == "process_labels" ? "labels" : "name", json_text(name)));
}

ChromeTrace::Nanoseconds ChromeTrace::at(double cycles) const { return std::llround((offset_ + cycles) * nanoseconds_); }

ChromeTrace::Nanoseconds ChromeTrace::least_span() const {
  const double least = std::max(least_cycles_, full() ? 16.0 : 0.0) * nanoseconds_;
  if (!full()) return static_cast<Nanoseconds>(least);
  return static_cast<Nanoseconds>(
      std::ldexp(least, static_cast<int>(std::min<std::uint64_t>((written_ - most_detail) / step, 40))));
}

void ChromeTrace::name_processes() {
  named_ = true;
  for (int core = 0; core < grid_.cores(); ++core) {
    if (!chosen(core)) continue;
    const LogicalCore at = grid_.core(core);
    const PhysicalCore node = chip_->places().physical_of(at);
    const int pid = pid_of_core(core);
    describe(pid, 0, "process_name", fmt::format("core {},{} (NoC {}-{})", at.x, at.y, node.x, node.y));
    for (const Lane lane : each<Lane>) describe(pid, 1 + to_underlying(lane), "thread_name", timing::name_of(lane));
    for (int noc = 0; noc < noc_count; ++noc) {
      describe(pid, tid_of_arrivals + noc, "thread_name", fmt::format("arrivals NoC {}", noc));
    }
  }
  for (int bank = 0; bank < banks_; ++bank) {
    const PhysicalCore node = chip_->places().dram_endpoint(bank);
    describe(pid_of_bank(bank), 0, "process_name", fmt::format("DRAM bank {} (NoC {}-{})", bank, node.x, node.y));
    describe(pid_of_bank(bank), tid_of_dram, "thread_name", "written");
  }
  for (int noc = 0; noc < noc_count; ++noc) {
    describe(pid_of_noc(noc), 0, "process_name", fmt::format("NoC {}: links, % of the time busy", noc));
  }
}

void ChromeTrace::started(const timing::Start& launch) {
  log_ = &launch.log;
  chip_ = &launch.chip;
  offset_ = launch.cycles;
  nanoseconds_ = 1e9 / launch.chip["clock_hz"];
  banks_ = launch.chip.places().banks();
  if (!named_) name_processes();
  phases_.assign(1, "\"\"");
  for (const std::string& phase : launch.log.phases) phases_.push_back(json_text(phase));
  states_.assign(cores_.size(), {});
  halves_.assign(cores_.size(), {});
  buffers_.clear();
  links_.clear();
  interval_ = 1024;
  samples_ = 0;
  last_sample_ = 0;
  next_sample_ = interval_;
}

void ChromeTrace::busy(const timing::BusySpan& span) {
  if (!chosen(span.core)) return;
  add(span.core, span.lane, {.operation = static_cast<std::int16_t>(span.operation)}, span.phase, span.begin, span.end);
}

void ChromeTrace::stalled(const timing::StallSpan& span) {
  if (!chosen(span.core)) return;
  const LaneState& state = states_[span.core].lanes[span.lane];
  add(span.core, span.lane, {.stall = to_underlying(span.reason), .subject = span.subject}, state.phase, span.begin,
      span.end);
}

void ChromeTrace::add(int core, Lane lane, const Name& name, std::uint8_t phase, double begin, double end) {
  LaneState& state = states_[core].lanes[lane];
  const Nanoseconds from = at(begin), to = at(end), least = least_span();
  if (state.name && phase == state.phase && from <= state.end) {
    if (name == *state.name) {
      state.end = to;
      return;
    }
    if (to - from < least && state.absorbed + to - from <= 4 * least) {
      state.absorbed += to - from;
      state.end = to;
      return;
    }
  }
  if (to == from) return;
  flush(core, lane);
  state.name = name;
  state.phase = phase;
  state.begin = from;
  state.end = to;
  state.absorbed = 0;
}

void ChromeTrace::flush(int core, Lane lane) {
  LaneState& state = states_[core].lanes[lane];
  if (!state.name) return;
  const Name name = *state.name;
  state.name.reset();
  const bool is_stall = name.stall >= 0;
  if (!is_stall && state.phase != state.open_phase) {
    close_phase(core, lane);
    state.open_phase = state.phase;
    state.phase_begin = state.begin;
  }
  std::string& out = is_stall ? state.behind : state.inside;
  if (!is_stall) {
    out += state.behind;
    state.behind.clear();
    state.phase_end = state.end;
  }
  const std::string stall = is_stall ? text_of(static_cast<Stall>(name.stall), name.subject) : std::string();
  append_span(out, pid_of_core(core), 1 + to_underlying(lane), state.begin, state.end,
              is_stall ? stall : operations_[name.operation]);
  if (state.open_phase != 0 && state.inside.size() < 1U << 18U) return;
  const std::uint8_t phase = state.open_phase;
  close_phase(core, lane);
  state.open_phase = phase;
  state.phase_begin = state.end;
}

void ChromeTrace::close_phase(int core, Lane lane) {
  LaneState& state = states_[core].lanes[lane];
  if (state.open_phase != 0 && !state.inside.empty()) {
    text_.clear();
    append_span(text_, pid_of_core(core), 1 + to_underlying(lane), state.phase_begin, state.phase_end,
                phases_[state.open_phase]);
    put(text_);
  }
  put(state.inside);
  put(state.behind);
  state.inside.clear();
  state.behind.clear();
  state.open_phase = 0;
}

void ChromeTrace::pages(const timing::PageChange& change) {
  if (!chosen(change.core)) return;
  BufferState& buffer = buffers_[{change.core, change.cb}];
  (change.pages > 0 ? buffer.pushes : buffer.pops).push_back(change);
  level(change.core, change.cb, false);
}

/// Writes what is certain of a buffer's level: up to the time that both of its sides have come to, or all.
void ChromeTrace::level(int core, int cb, bool all) {
  BufferState& buffer = buffers_[{core, cb}];
  const std::string name = fmt::format("CB {}", cb);
  while (all ? !buffer.pushes.empty() || !buffer.pops.empty() : !buffer.pushes.empty() && !buffer.pops.empty()) {
    const bool push =
        buffer.pops.empty() || (!buffer.pushes.empty() && buffer.pushes.front().time <= buffer.pops.front().time);
    std::deque<timing::PageChange>& side = push ? buffer.pushes : buffer.pops;
    const timing::PageChange change = side.front();
    side.pop_front();
    buffer.level += change.pages;
    count(buffer.counter, pid_of_core(core), name, at(change.time), buffer.level);
  }
  if (all && buffer.counter.waits) {
    write_count(pid_of_core(core), name, buffer.counter.waits->first, buffer.counter.waits->second);
  }
}

void ChromeTrace::count(Counter& counter, int pid, std::string_view name, Nanoseconds time, std::int64_t value) {
  if (full()) return;
  const Nanoseconds least = least_span();
  if (counter.waits && counter.waits->first - counter.written >= least) {
    write_count(pid, name, counter.waits->first, counter.waits->second);
    counter.written = counter.waits->first;
  }
  counter.waits = {time, value};
}

void ChromeTrace::write_count(int pid, std::string_view name, Nanoseconds time, std::int64_t value) {
  text_.clear();
  fmt::format_to(std::back_inserter(text_), FMT_COMPILE(",\n{{\"ph\":\"C\",\"pid\":{},\"ts\":"), pid);
  append_time(text_, time);
  fmt::format_to(std::back_inserter(text_), FMT_COMPILE(",\"name\":\"{}\",\"args\":{{\"value\":{}}}}}"), name, value);
  put(text_);
}

void ChromeTrace::section(const timing::DstSection& section) {
  if (!chosen(section.core)) return;
  const std::string name = fmt::format("DST half {}: 1 math, 2 pack", section.half);
  Counter& counter = halves_[section.core][section.half];
  const int pid = pid_of_core(section.core);
  count(counter, pid, name, at(section.acquired), 1);
  count(counter, pid, name, at(section.committed), 2);
  count(counter, pid, name, at(section.released), 0);
}

void ChromeTrace::moved(const timing::Movement& packet) {
  if (!chosen(packet.core) || full() || transfers_++ % stride_ != 0) return;
  if (packet.receivers.empty()) return land(packet, pid_of_bank(packet.bank), tid_of_dram);
  for (const int core : packet.receivers) {
    if (chosen(core)) land(packet, pid_of_core(core), tid_of_arrivals + to_underlying(packet.noc));
  }
}

/// The arrow to where the packet lands, and there a slice of one nanosecond: as many may land at a time, none is longer.
void ChromeTrace::land(const timing::Movement& packet, int pid, int tid) {
  constexpr EnumArray<timing::Transfer, const char*> names{"read", "write", "semaphore"};
  const bool multicast = packet.event.kind() == EventKind::noc_multicast;
  const Nanoseconds issued = at(packet.issued) - 1, arrived = at(packet.arrived);
  const std::uint64_t flow = ++flows_;
  text_.clear();
  auto out = std::back_inserter(text_);
  fmt::format_to(out,
                 FMT_COMPILE(",\n{{\"ph\":\"s\",\"pid\":{},\"tid\":{},\"id\":{},\"name\":\"NoC\",\"cat\":\"noc\",\"ts\":"),
                 pid_of_core(packet.core), 1 + to_underlying(packet.lane), flow);
  append_time(text_, issued);
  fmt::format_to(out, FMT_COMPILE("}},\n{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"dur\":0.001,\"name\":\"{}\",\"ts\":"), pid,
                 tid, multicast ? "multicast" : names[packet.transfer]);
  append_time(text_, arrived);
  fmt::format_to(
      out, FMT_COMPILE(",\"args\":{{\"bytes\":{},\"from\":\"{}-{}\",\"to\":\"{}-{}\",\"noc\":{},\"links\":{},\"issued\":"),
      packet.bytes, packet.source.x, packet.source.y, packet.target.x, packet.target.y, to_underlying(packet.noc),
      noc::hops(chip_->places(), packet.noc, packet.source, packet.target));
  append_time(text_, issued + 1);
  text_ += ",\"departed\":";
  append_time(text_, at(packet.departed));
  fmt::format_to(
      out,
      FMT_COMPILE(
          "}}}},\n{{\"ph\":\"f\",\"bp\":\"e\",\"pid\":{},\"tid\":{},\"id\":{},\"name\":\"NoC\",\"cat\":\"noc\",\"ts\":"),
      pid, tid, flow);
  append_time(text_, arrived);
  text_ += '}';
  put(text_);
}

void ChromeTrace::scope(const timing::ScopePoint& point) {
  if (!chosen(point.core) || full()) return;
  using enum ScopeMark;
  const bool begins = point.scope.mark == begin || point.scope.mark == sum_begin;
  const bool is_value = point.scope.mark == value;
  const int pid = pid_of_core(point.core);
  const int tid = tid_of_zones + to_underlying(point.lane);
  text_.clear();
  fmt::format_to(std::back_inserter(text_), FMT_COMPILE(",\n{{\"ph\":\"{}\",\"pid\":{},\"tid\":{},\"name\":{},\"ts\":"),
                 is_value ? 'i'
                 : begins ? 'B'
                          : 'E',
                 pid, tid, json_text(log_->scope_name(point.scope.name)));
  append_time(text_, at(point.time));
  if (is_value) fmt::format_to(std::back_inserter(text_), ",\"s\":\"t\",\"args\":{{\"value\":{}}}", point.scope.value());
  text_ += '}';
  if (zoned_.insert({point.core, to_underlying(point.lane)}).second) {
    describe(pid, tid, "thread_name", fmt::format("{} zones", timing::name_of(point.lane)));
  }
  put(text_);
}

void ChromeTrace::sampled(double time, std::span<const timing::LinkTime> links) {
  constexpr std::array directions{"east", "south", "north", "west"};
  const double cycles = time - last_sample_;
  for (const timing::LinkTime& link : links) {
    const int place = (link.from.y * chip_->places().die().x + link.from.x) * 4 + link.direction;
    auto& [busy, percent] = links_[{link.noc, place}];
    const std::int64_t now = std::llround(100 * std::min(1.0, (link.busy - busy) / cycles));
    busy = link.busy;
    if (now == percent || full()) continue;
    percent = now;
    write_count(pid_of_noc(link.noc), fmt::format("{}-{} {}", link.from.x, link.from.y, directions[link.direction]),
                at(last_sample_), now);
  }
  last_sample_ = time;
  if (++samples_ % 256 == 0) interval_ *= 2;
  next_sample_ = time + interval_;
}

void ChromeTrace::ended(const timing::LaunchTime& launch) {
  sampled(std::max(last_sample_ + 1, launch.cycles), launch.links);
  for (int core = 0; core < grid_.cores(); ++core) {
    for (const Lane lane : each<Lane>) {
      flush(core, lane);
      close_phase(core, lane);
    }
    for (int half = 0; half < 2; ++half) {
      const auto& waits = halves_[core][half].waits;
      if (!waits) continue;
      write_count(pid_of_core(core), fmt::format("DST half {}: 1 math, 2 pack", half), waits->first, waits->second);
    }
  }
  for (auto& [place, buffer] : buffers_) level(place.first, place.second, true);
  text_.clear();
  append_span(text_, 1, 1, at(0), at(launch.cycles), json_text(log_->name));
  put(text_);
}

void ChromeTrace::finish() {
  put("\n]}\n");
  file_.write(out_);
  out_.clear();
  file_.finish();
}

}  // namespace tilegrid::traces
