// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/events/event_log.h"
#include "core/say.h"
#include "runtime/cli/commands.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"

namespace tilegrid::cli {
namespace {

using report::Value;

const EnumNames<int> risc_names{{"brisc", 0}, {"ncrisc", 1}, {"trisc", 2}};

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

using KindCounts = std::array<std::array<std::uint64_t, event_kind_count>, risc_count>;

std::string summary_text(const KindCounts& counts) {
  const report::Table table({{"kind", -18}, {"BRISC", 14}, {"NCRISC", 14}, {"TRISC", 14}, {"all", 14}});
  std::string text = table.head();
  const auto line = [&](const char* name, const std::array<std::uint64_t, risc_count>& row) {
    text += table.row({name, std::to_string(row[0]), std::to_string(row[1]), std::to_string(row[2]),
                       std::to_string(row[0] + row[1] + row[2])});
  };
  std::array<std::uint64_t, risc_count> totals{};
  for (std::size_t kind = 0; kind < event_kind_count; ++kind) {
    const std::array<std::uint64_t, risc_count> row{counts[0][kind], counts[1][kind], counts[2][kind]};
    for (std::size_t risc = 0; risc < risc_count; ++risc) totals.at(risc) += row.at(risc);
    if (row[0] + row[1] + row[2] > 0) line(name_of(static_cast<EventKind>(kind)), row);
  }
  line("total", totals);
  return text;
}

Value summary_figures(const KindCounts& counts) {
  report::Object riscs;
  for (std::size_t risc = 0; risc < risc_count; ++risc) {
    report::Object kinds;
    for (std::size_t kind = 0; kind < event_kind_count; ++kind) {
      const std::uint64_t count = counts.at(risc).at(kind);
      if (count > 0) kinds.push_back({name_of(static_cast<EventKind>(kind)), count});
    }
    riscs.push_back({name_of(static_cast<Risc>(risc)), kinds});
  }
  return riscs;
}

struct Log {
  Flags flags;
  std::string file;
  std::optional<LogicalCore> core;
  int risc = -1;  ///< all
  std::uint64_t limit = no_limit;
  bool summary = false, check = false, json = false;

  Log() {
    flags.add("FILE", "", "The log", file).required = true;
    flags.add("--core", "X,Y", "Only this core: column, row [all]",
              [this](const std::string& text) { core = parse_core("--core", text); });
    flags.add("--risc", "Only this processor: brisc, ncrisc, trisc [all]", risc, risc_names);
    flags.add("--limit", "N", "At most so many events [all]", limit);
    flags.add_switch("--summary", "Events by kind instead of the events", summary);
    flags.add_switch("--check", "Check what must hold in a complete log (of all cores); exit code 2 if it does not", check);
    flags.add_switch("--json", "Print JSON", json);
  }

  /// Calls visit(launch, core index, risc, event, its number in the sequence) for the events that are asked for.
  template <class Visit>
  void for_each_event(const RunLog& log, const Visit& visit) const {
    std::uint64_t left = limit;
    for (std::size_t launch = 0; launch < log.launches.size(); ++launch) {
      const std::vector<EventLog>& cores = log.launches[launch].cores;
      for (std::size_t index = 0; index < cores.size(); ++index) {
        if (core && static_cast<std::size_t>(log.grid.index(*core)) != index) continue;
        for (int one = 0; one < risc_count; ++one) {
          if (risc >= 0 && risc != one) continue;
          std::size_t number = 0;
          for (const Event& event : cores[index].sequence(static_cast<Risc>(one))) {
            if (left == 0 || report::output_is_gone()) return;
            --left;
            visit(launch, log.grid.core(static_cast<int>(index)), static_cast<Risc>(one), event, number++);
          }
        }
      }
    }
  }

  /// Calls visit(risc, sequence) for the sequences that are asked for.
  template <class Visit>
  void for_each_sequence(const RunLog& log, const Visit& visit) const {
    for (const LaunchLog& launch : log.launches) {
      for (std::size_t index = 0; index < launch.cores.size(); ++index) {
        if (core && static_cast<std::size_t>(log.grid.index(*core)) != index) continue;
        for (int one = 0; one < risc_count; ++one) {
          if (risc < 0 || risc == one) visit(static_cast<Risc>(one), launch.cores[index].sequence(static_cast<Risc>(one)));
        }
      }
    }
  }

  /// A short file can claim any number of events, as loops repeat. Throws UsageError for one that takes hours.
  void refuse_endless(const RunLog& log) const {
    if (check) {
      if (const std::string time = time_for_events(file, event_count(log), "check"); !time.empty()) say_error(time);
      return;
    }
    if (summary && limit == no_limit) return;  // read block by block
    std::uint64_t events = 0;
    for_each_sequence(log, [&](Risc, const EventSequence& sequence) { events += sequence.size(); });
    if (std::min(limit, events) <= most_events_read) return;
    throw UsageError(
        fmt::format("{}: claims {} events, too many to print; --limit N, --core X,Y or --summary", file, events));
  }

  [[nodiscard]] KindCounts count_kinds(const RunLog& log) const {
    KindCounts counts{};
    if (limit != no_limit) {
      for_each_event(log, [&](std::size_t, LogicalCore, Risc one, const Event& event, std::size_t) {
        ++counts[static_cast<std::size_t>(one)][static_cast<std::size_t>(event.kind())];
      });
      return counts;
    }
    // Each block once, times how often it comes.
    for_each_sequence(log, [&](Risc one, const EventSequence& sequence) {
      std::unordered_map<const Event*, std::pair<std::span<const Event>, std::uint64_t>> blocks;
      for (std::size_t i = 0; i < sequence.block_count(); ++i) {
        auto& [events, times] = blocks[sequence.block(i).data()];
        events = sequence.block(i);
        ++times;
      }
      for (const auto& [at, block] : blocks) {
        for (const Event& event : block.first) {
          counts[static_cast<std::size_t>(one)][static_cast<std::size_t>(event.kind())] += block.second;
        }
      }
    });
    return counts;
  }

  /// Printed as they come: there may be many.
  void print_events(const RunLog& log) const {
    std::string block;
    std::size_t titled = 0;
    const auto title = [&](std::size_t up_to) {
      for (; log.launches.size() > 1 && titled < up_to; ++titled) block += fmt::format("{}:\n", log.launches[titled].name);
    };
    for_each_event(log, [&](std::size_t launch, LogicalCore at, Risc one, const Event& event, std::size_t number) {
      title(launch + 1);
      block += fmt::format("({},{}) {:<6} {:>8}  {}\n", at.x, at.y, name_of(one), number,
                           to_text(event, log.launches[launch].phases));
      if (block.size() < 32768) return;
      report::put(block);
      block.clear();
    });
    title(log.launches.size());
    report::put(block);
  }

  /// As report::print_json() would print `figures` with a list of the events, but one by one.
  void print_json_events(const RunLog& log, const Value& figures) const {
    std::string block = report::to_json(report::versioned(figures));
    block.resize(block.rfind("\n}"));
    block += ",\n  \"events\": [";
    const std::size_t head = block.size();
    bool first = true;
    for_each_event(log, [&](std::size_t launch, LogicalCore at, Risc one, const Event& event, std::size_t number) {
      const Value fields{
          {"launch", launch}, {"core", report::Array{at.x, at.y}}, {"risc", name_of(one)},
          {"number", number}, {"kind", name_of(event.kind())},     {"text", to_text(event, log.launches[launch].phases)}};
      block += first ? "\n    " : ",\n    ";
      first = false;
      for (const char c : report::to_json(fields)) {
        block += c;
        if (c == '\n') block += "    ";
      }
      block.resize(block.rfind('\n'));
      if (block.size() < 32768) return;
      report::put(block);
      block.clear();
    });
    block += first && block.size() == head ? "]\n}\n" : "\n  ]\n}\n";
    report::put(block);
    report::flush_output();
  }

  int run(Session& session, const std::vector<std::string>&) const {
    return session.run_alone([&] { return show(); });
  }

  [[nodiscard]] int verdict(const std::vector<std::string>& findings) const {
    if (findings.empty()) return static_cast<int>(ExitCode::ok);
    throw Error(ExitCode::kernel,
                fmt::format("{}: does not hold what must hold in a complete log: {} finding{}, the first: {}", file,
                            findings.size(), findings.size() == 1 ? "" : "s", findings.front()));
  }

  /// On rank 0, which alone reads the log.
  [[nodiscard]] int show() const {
    const RunLog log = load_log(file);
    const std::string grid = report::text_of(log.grid);
    if (core && !log.grid.contains(*core)) {
      throw UsageError(fmt::format("--core {},{}: the log's grid is {}", core->x, core->y, grid));
    }
    refuse_endless(log);
    const std::vector<std::string> findings = check ? check_log(log) : std::vector<std::string>{};
    const bool events = !summary && !check;
    if (json) {
      Value figures{{"file", file}, {"program", log.program}, {"grid", grid}};
      if (events) return print_json_events(log, figures), 0;
      if (summary) figures["summary"] = summary_figures(count_kinds(log));
      if (check) figures["findings"] = report::Array(findings.begin(), findings.end());
      report::print_json("-", report::versioned(figures));
      return verdict(findings);
    }
    report::put(fmt::format("{}: {}; grid {}\n", file, log.program, grid));
    if (events) print_events(log);
    if (summary) report::put(summary_text(count_kinds(log)));
    for (const std::string& finding : findings) report::put(finding + "\n");
    if (check) report::put(findings.empty() ? "check: ok\n" : fmt::format("check: {} findings\n", findings.size()));
    report::flush_output();
    return verdict(findings);
  }
};

}  // namespace

Command log_command() { return command<Log>("log", "Print, summarise or check an event log that `attention --log` saved"); }

}  // namespace tilegrid::cli
