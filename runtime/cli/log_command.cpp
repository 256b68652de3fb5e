// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/events/log_selection.h"
#include "core/ids.h"
#include "core/say.h"
#include "runtime/cli/commands.h"
#include "runtime/flags/trace_flags.h"
#include "runtime/report/device_report.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"

namespace tilegrid::cli {
namespace {

using report::Value;

const EnumNames<Risc> risc_names{{"brisc", Risc::brisc}, {"ncrisc", Risc::ncrisc}, {"trisc", Risc::trisc}};

std::string summary_text(const KindCounts& counts) {
  const report::Table table({{"kind", -18}, {"BRISC", 14}, {"NCRISC", 14}, {"TRISC", 14}, {"all", 14}});
  const auto line = [&](const char* name, const EnumArray<Risc, std::uint64_t>& row, std::uint64_t all) {
    std::vector<std::string> cells{name};
    for (const std::uint64_t count : row) cells.push_back(std::to_string(count));
    cells.push_back(std::to_string(all));
    return table.row(cells);
  };
  std::string text = table.head();
  EnumArray<Risc, std::uint64_t> totals{};
  std::uint64_t all = 0;
  for (const EventKind kind : each<EventKind>) {
    EnumArray<Risc, std::uint64_t> row{};
    std::uint64_t sum = 0;
    for (const Risc risc : each<Risc>) {
      row[risc] = counts[risc][kind];
      totals[risc] += row[risc];
      sum += row[risc];
    }
    if (sum > 0) text += line(name_of(kind), row, sum);
    all += sum;
  }
  return text + line("total", totals, all);
}

Value summary_figures(const KindCounts& counts) {
  report::Object riscs;
  for (const Risc risc : each<Risc>) {
    report::Object kinds;
    for (const EventKind kind : each<EventKind>) {
      if (counts[risc][kind] > 0) kinds.push_back({name_of(kind), counts[risc][kind]});
    }
    riscs.push_back({name_of(risc), kinds});
  }
  return riscs;
}

struct Log {
  Flags flags;
  std::string file;
  LogSelection selection;
  bool summary = false, check = false, json = false;
  traces::Options traces;

  Log() {
    flags.add("FILE", "", "The log", file).required = true;
    flags.add("--core", "X,Y", "Only this core: column, row [all]",
              [this](const Given& given) { selection.core = parse_core(given.flag, given.text); });
    flags.add("--risc", "NAME", "Only this processor: brisc, ncrisc, trisc [all]",
              [this](const Given& given) { selection.risc = parse_word(given.flag, given.text, risc_names); });
    flags.add("--limit", "N", "At most so many events [all]", selection.limit);
    flags.add_switch("--summary", "Events by kind instead of the events", summary);
    flags.add_switch("--check", "Check what must hold in a complete log (of all cores); exit code 2 if it does not", check);
    flags.add_switch("--json", "Print JSON", json);
    add_trace_flags(flags, traces);
  }

  /// A short file can claim any number of events, as loops repeat. Throws UsageError for one that takes hours.
  void refuse_endless(const RunLog& log) const {
    if (check || traces.any()) {
      const char* what = check ? "check" : "replay";
      if (const std::string time = time_for_events(file, event_count(log), what); !time.empty()) say_error(time);
      return;
    }
    if (summary && selection.limit == LogSelection::no_limit) return;  // read block by block
    const std::uint64_t events = selection.unlimited_size(log);
    if (std::min(selection.limit, events) <= most_events_read) return;
    throw UsageError(
        fmt::format("{}: claims {} events, too many to print; --limit N, --core X,Y or --summary", file, events));
  }

  /// Whether anybody reads on.
  static bool put_when_long(std::string& block) {
    if (block.size() < 32768) return true;
    put(block);
    block.clear();
    return !output_is_gone();
  }

  /// Printed as they come: there may be many.
  void print_events(const RunLog& log) const {
    std::string block;
    std::size_t titled = 0;
    const auto title = [&](std::size_t up_to) {
      for (; log.launches.size() > 1 && titled < up_to; ++titled) block += fmt::format("{}:\n", log.launches[titled].name);
    };
    selection.for_each_event(log, [&](std::size_t launch, LogicalCore at, Risc one, const Event& event, std::size_t number) {
      title(launch + 1);
      block +=
          fmt::format("({},{}) {:<6} {:>8}  {}\n", at.x, at.y, name_of(one), number, to_text(event, log.launches[launch]));
      return put_when_long(block);
    });
    title(log.launches.size());
    put(block);
  }

  /// As report::print_json() would print `figures` with a list of the events, but one by one.
  void print_json_events(const RunLog& log, const Value& figures) const {
    std::string block = report::to_json(report::versioned(figures));
    block.resize(block.rfind("\n}"));
    block += ",\n  \"events\": [";
    const std::size_t head = block.size();
    bool first = true;
    selection.for_each_event(log, [&](std::size_t launch, LogicalCore at, Risc one, const Event& event, std::size_t number) {
      const Value fields{
          {"launch", launch}, {"core", report::Array{at.x, at.y}}, {"risc", name_of(one)},
          {"number", number}, {"kind", name_of(event.kind())},     {"text", to_text(event, log.launches[launch])}};
      block += first ? "\n    " : ",\n    ";
      first = false;
      for (const char c : report::to_json(fields)) {
        block += c;
        if (c == '\n') block += "    ";
      }
      block.resize(block.rfind('\n'));
      return put_when_long(block);
    });
    block += first && block.size() == head ? "]\n}\n" : "\n  ]\n}\n";
    put(block);
    flush_output();
  }

  int run(Session& session, const std::vector<std::string>&) const {
    return session.run_alone([&] { return show(); });
  }

  [[nodiscard]] int verdict(const std::vector<std::string>& findings) const {
    if (findings.empty()) return 0;
    throw Error(ExitCode::kernel,
                fmt::format("{}: does not hold what must hold in a complete log: {} finding{}, the first: {}", file,
                            findings.size(), findings.size() == 1 ? "" : "s", findings.front()));
  }

  /// Files that are made of a replay on the chip that the log is of.
  void write_traces(const RunLog& log) const {
    traces::Traces writing(traces, log);
    if (writing.observer() == nullptr) return;
    const std::string chip = report::chip_name_of(log);
    if (!report::is_of_built_in_chip(log)) {
      throw UsageError(
          fmt::format("{}: of a chip of somebody's own, {}: `tilegrid retime --arch FILE` takes it", file, chip));
    }
    static_cast<void>(report::replay_run(log, report::choose_architecture(chip, {}), true, writing.observer()));
    if (const std::string failure = writing.finish(); !failure.empty()) throw UsageError(failure);
  }

  /// On rank 0, which alone reads the log.
  [[nodiscard]] int show() const {
    flags.check_paths();
    const RunLog log = load_log(file);
    const std::string grid = report::text_of(log.grid);
    if (const auto& core = selection.core; core && !log.grid.contains(*core)) {
      throw UsageError(fmt::format("--core {},{}: the log's grid is {}", core->x, core->y, grid));
    }
    refuse_endless(log);
    const std::vector<std::string> findings = check ? check_log(log) : std::vector<std::string>{};
    const bool events = !summary && !check && !traces.any();
    write_traces(log);
    if (json) {
      Value figures{{"file", file}, {"program", log.program}, {"grid", grid}};
      if (events) return print_json_events(log, figures), 0;
      if (summary) figures["summary"] = summary_figures(selection.count_kinds(log));
      if (check) figures["findings"] = report::Array(findings.begin(), findings.end());
      report::print_json("-", report::versioned(figures));
      return verdict(findings);
    }
    put(fmt::format("{}: {}; grid {}\n", file, log.program, grid));
    if (events) print_events(log);
    if (summary) put(summary_text(selection.count_kinds(log)));
    for (const std::string& finding : findings) put(finding + "\n");
    if (check) put(findings.empty() ? "check: ok\n" : fmt::format("check: {} findings\n", findings.size()));
    flush_output();
    return verdict(findings);
  }
};

}  // namespace

Command log_command() { return command<Log>("log", "Print, summarise or check an event log that `attention --log` saved"); }

}  // namespace tilegrid::cli
