// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>

#include "core/error.h"
#include "core/tile.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/many_runs.h"
#include "runtime/flags/sweep_points.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"
#include "runtime/workloads/all.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

using report::Value;
using workloads::Accuracy;
using workloads::Attention;

/// Values of a study whose command line does not say others.
struct Axis {
  const char* flag;
  const char* values;
};
constexpr std::array<Axis, 4> usual_axes{
    {{"--format", "bf16,bfp8"}, {"--fidelity", "hifi2,hifi4"}, {"--dst", "bf16,fp32"}, {"--exp", "fast,accurate"}}};
/// Flags that the study sets itself or has no use for.
constexpr std::array<std::string_view, 7> set_by_itself{"--dry-run", "--out",       "--log",           "--view",
                                                        "--split",   "--show-plan", "--no-device-time"};

/// The flag of the elements that each sum of the output runs over; none for a graph, which has its own.
const char* length_flag(const std::string& workload) {
  if (workload == "attention") return "--kv-seq";
  return workload == "matmul" ? "--k" : nullptr;
}

/// One run: what is asked for, then what came of it.
struct NumericsRun {
  SweepPoint flags;
  std::unique_ptr<workloads::Workload> workload;  ///< until it has run
  std::unique_ptr<Attention> ones;                ///< the same with a V of ones, where that says something
  std::string refusal;                            ///< why there are no figures
  Accuracy accuracy;
  bool passed = false;  ///< the gate of a run by itself
  std::optional<double> row_sum_error;
  Value device;  ///< null: did not run
  KnownFaults known_faults;
  report::Conversions conversions;
};

/// One configuration, at each of the lengths.
struct Setting {
  const NumericsRun* first;
  std::span<const NumericsRun> runs;
  bool front = false;  ///< none is both quicker and nearer
};

/// P's rows as the kernel sums them up and divides by them: each sum would be 1.
void measure_row_sums(const Session& session, Device& device, const Attention& run, NumericsRun& point) {
  Attention& ones = *point.ones;
  ones.v_of_ones = true;
  ones.verify.mode = VerifyMode::off;
  ones.options.architecture.reset();
  if (ones.inputs[0].empty()) ones.config.shape.v_dim = tile_side;  // all columns are alike
  ones.config.q_chunk = run.config.q_chunk;
  ones.config.k_chunk = run.config.k_chunk;
  ones.config.kv = run.config.delivery;
  device.free_buffers();
  static_cast<void>(workloads::execute(session, device, ones));
  point.row_sum_error = ones.row_sum_error;
}

void run_point(const Session& session, Device& device, NumericsRun& point) {
  device.free_buffers();
  const std::unique_ptr<workloads::Workload> workload = std::move(point.workload);
  try {
    const report::RunOutcome outcome = workloads::execute(session, device, *workload);
    if (!workload->accuracy) throw UsageError("--verify: the output has to be verified, it is by --verify full");
    point.accuracy = *workload->accuracy;
    point.passed = workload->passed.value_or(false);
    point.known_faults = outcome.known_faults;
    point.conversions = outcome.conversions;
    const auto* attention = dynamic_cast<const Attention*>(workload.get());
    if (attention != nullptr) measure_row_sums(session, device, *attention, point);
    point.device = short_device_figures(*outcome.device);
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage && error.code() != ExitCode::kernel) throw;
    point.refusal = error.message();
  }
  point.ones.reset();
}

/// Flags of a configuration that vary, without the length.
std::vector<SweepPoint::Flag> varied_of(const SweepPoint& flags, const char* length) {
  std::vector<SweepPoint::Flag> varied;
  for (const SweepPoint::Flag& flag : flags.varied) {
    if (length == nullptr || flag.name != length) varied.push_back(flag);
  }
  return varied;
}

/// Those that ran by device time at the first length, the front marked; the others stay away.
std::vector<Setting> settings_of(const std::vector<NumericsRun>& runs, std::size_t lengths) {
  std::vector<Setting> rows;
  for (std::size_t i = 0; i < runs.size(); i += lengths) {
    if (runs[i].device.is_null()) continue;
    rows.push_back({&runs[i], std::span(runs).subspan(i, lengths), false});
  }
  const auto seconds = [](const Setting& row) { return row.first->device["seconds"].number(); };
  std::stable_sort(rows.begin(), rows.end(), [&](const Setting& a, const Setting& b) {
    if (seconds(a) != seconds(b)) return seconds(a) < seconds(b);
    return a.first->accuracy.relative_l2 < b.first->accuracy.relative_l2;
  });
  double nearest = std::numeric_limits<double>::infinity();
  for (Setting& row : rows) {
    row.front = row.first->accuracy.relative_l2 < nearest;
    nearest = std::min(nearest, row.first->accuracy.relative_l2);
  }
  return rows;
}

report::Table table_of(const std::vector<SweepPoint::Flag>& varied, const std::vector<report::Table::Column>& others) {
  std::vector<report::Table::Column> columns{{"", 2}};
  for (const SweepPoint::Flag& flag : varied) {
    columns.push_back({flag.name, static_cast<int>(std::max<std::size_t>(flag.name.size(), 8)) + 2});
  }
  columns.insert(columns.end(), others.begin(), others.end());
  return report::Table(columns);
}

std::vector<std::string> head_cells(const Setting& row, const char* length) {
  std::vector<std::string> cells{row.front ? "*" : ""};
  for (const SweepPoint::Flag& flag : varied_of(row.first->flags, length)) cells.push_back(flag.value);
  return cells;
}

std::string error_table(const std::vector<Setting>& rows, const char* length) {
  const bool sums = rows.front().first->row_sum_error.has_value();
  std::vector<report::Table::Column> figures{
      {"device time", 13}, {"relative L2", 13}, {"RMSE", 11}, {"correlation", 13}, {"worst row", 11}};
  if (sums) figures.push_back({"sums of P", 11});
  const report::Table table = table_of(varied_of(rows.front().first->flags, length), figures);
  std::string text = table.head();
  for (const Setting& row : rows) {
    const NumericsRun& run = *row.first;
    std::vector<std::string> cells = head_cells(row, length);
    for (const std::string& cell :
         {report::duration_text(run.device["seconds"].number()), fmt::format("{:.3e}", run.accuracy.relative_l2),
          fmt::format("{:.3e}", run.accuracy.rmse), fmt::format("{:.7f}", run.accuracy.correlation),
          fmt::format("{:.2e}", run.accuracy.worst_row)}) {
      cells.push_back(cell);
    }
    if (run.row_sum_error) cells.push_back(fmt::format("{:.2e}", *run.row_sum_error));
    text += table.row(cells, run.passed ? "" : "   beyond its gate");
  }
  text += "* none is both quicker and nearer; worst row: relative L2 of the row where it is largest";
  if (sums) text += "; sums of P:\nlargest distance from 1 of a row's sum, by a V of ones";
  return text + "\n";
}

std::string length_table(const std::vector<Setting>& rows, const char* flag, const std::vector<int>& lengths) {
  std::vector<report::Table::Column> figures;
  figures.reserve(lengths.size());
  for (const int length : lengths) figures.push_back({fmt::format("{} {}", flag + 2, length), 16});
  const report::Table table = table_of(varied_of(rows.front().first->flags, flag), figures);
  std::string text = fmt::format("\nRelative L2 by the length of sums ({})\n{}", flag, table.head());
  for (const Setting& row : rows) {
    std::vector<std::string> cells = head_cells(row, flag);
    for (const NumericsRun& run : row.runs) {
      cells.push_back(run.device.is_null() ? "does not run" : fmt::format("{:.3e}", run.accuracy.relative_l2));
    }
    text += table.row(cells);
  }
  return text;
}

Value accuracy_of(const NumericsRun& run) {
  if (run.device.is_null()) return {};
  Value figures{{"rmse", run.accuracy.rmse},
                {"relative_l2", run.accuracy.relative_l2},
                {"correlation", run.accuracy.correlation},
                {"worst_row", run.accuracy.worst_row},
                {"passed", run.passed}};
  if (run.row_sum_error) figures["row_sum_error"] = *run.row_sum_error;
  return figures;
}

Value flags_of(const SweepPoint& point, const char* length) {
  report::Object figures;
  for (const SweepPoint::Flag& flag : varied_of(point, length)) figures.push_back({flag.name, flag.value});
  return figures;
}

/// The study of one workload.
struct Precision {
  Flags flags;
  workloads::Maker make;
  std::string json;
  std::vector<int> lengths;
  bool progress = true;

  Precision() {
    flags.add("--lengths", "LIST",
              "Also at each of these lengths of the sums, --kv-seq of attention, --k of matmul; the\nfirst is that of the "
              "table [none]",
              [this](const std::string& text) {
                lengths.clear();
                for (const std::string& one : split(text)) {
                  lengths.push_back(parse_int("--lengths", one, 1, std::numeric_limits<int>::max()));
                }
              });
    flags.add("--json", "FILE", "Write the tables there; - for standard output alone [none]", json).writes();
    flags.add_switch("--no-progress", "No progress line on a terminal", progress, false);
  }

  [[nodiscard]] const char* length() const { return lengths.empty() ? nullptr : length_flag(make()->name()); }

  /// What the command line says, and the usual values where it says nothing.
  [[nodiscard]] std::vector<std::string> with_axes(const std::vector<std::string>& given) const {
    refuse_arguments(given, set_by_itself, "precision");
    const auto is_given = [&](const std::string& flag) {
      return std::any_of(given.begin(), given.end(),
                         [&](const std::string& one) { return one == flag || one.starts_with(flag + "="); });
    };
    const std::unique_ptr<workloads::Workload> workload = make();
    std::vector<std::string> arguments;
    for (const Axis& axis : usual_axes) {
      if (workload->flags().find(axis.flag) != nullptr && !is_given(axis.flag)) {
        arguments.push_back(fmt::format("{}={}", axis.flag, axis.values));
      }
    }
    arguments.insert(arguments.end(), given.begin(), given.end());
    if (lengths.empty()) return arguments;
    const char* flag = length_flag(workload->name());
    if (flag == nullptr) throw UsageError("--lengths: a graph has its own, it goes with attention and matmul");
    if (is_given(flag)) throw UsageError(fmt::format("{}: --lengths says it already", flag));
    arguments.push_back(fmt::format("{}={}", flag, fmt::join(lengths, ",")));
    return arguments;
  }

  [[nodiscard]] std::unique_ptr<workloads::Workload> workload_of(const std::vector<std::string>& arguments) const {
    std::unique_ptr<workloads::Workload> workload = make();
    parse_flags(workload->flags(), arguments);
    workload->options.progress = false;
    workload->settle();
    return workload;
  }

  /// All of them before the first runs, so that a typing error shows at once.
  [[nodiscard]] std::vector<NumericsRun> points_of(const std::vector<std::string>& arguments) const {
    std::vector<NumericsRun> points;
    const std::unique_ptr<workloads::Workload> studied = make();
    for (SweepPoint& one : sweep_points(studied->name(), studied->flags(), with_axes(arguments), false)) {
      NumericsRun& point = points.emplace_back();
      point.workload = workload_of(one.arguments);
      if (dynamic_cast<Attention*>(point.workload.get()) != nullptr) {
        point.ones.reset(dynamic_cast<Attention*>(workload_of(one.arguments).release()));
      }
      point.flags = std::move(one);
    }
    return points;
  }

  [[nodiscard]] std::string text(const std::vector<NumericsRun>& points, const std::vector<Setting>& rows) const {
    std::vector<std::string> fixed;
    for (const std::string& one : points.front().flags.fixed) fixed.push_back(" " + one);
    const std::size_t count = points.size() / std::max<std::size_t>(lengths.size(), 1);
    std::string all = fmt::format("Precision of {}{}: {} configurations, {} ran, against double precision\n", make()->name(),
                                  fmt::join(fixed, ""), count, rows.size());
    if (!rows.empty()) all += error_table(rows, length());
    if (!rows.empty() && lengths.size() > 1) all += length_table(rows, length(), lengths);
    for (const NumericsRun& point : points) {
      if (point.device.is_null()) all += fmt::format("does not run: {}: {}\n", point.flags.varied_text(), point.refusal);
    }
    return all + report::faults_text(faults_of(points)) + report::conversions_text(points.front().conversions);
  }

  [[nodiscard]] Value figures(const std::vector<NumericsRun>& points, const std::vector<Setting>& rows) const {
    const char* flag = length();
    report::Array ran, refused;
    for (const Setting& row : rows) {
      report::Array by_length;
      for (std::size_t i = 0; i < lengths.size(); ++i) {
        const NumericsRun& run = row.runs[i];
        by_length.push_back({{"length", lengths[i]},
                             {"reason", report::text_or_null(run.refusal)},
                             {"accuracy", accuracy_of(run)},
                             {"device", run.device}});
      }
      ran.push_back({{"flags", flags_of(row.first->flags, flag)},
                     {"front", row.front},
                     {"accuracy", accuracy_of(*row.first)},
                     {"device", row.first->device},
                     {"lengths", by_length}});
    }
    for (const NumericsRun& point : points) {
      if (point.device.is_null()) refused.push_back({{"flags", point.flags.varied_figures()}, {"reason", point.refusal}});
    }
    const std::vector<std::string>& fixed = points.front().flags.fixed;
    return {{"command", make()->name()},
            {"fixed", report::Array(fixed.begin(), fixed.end())},
            {"length_flag", flag == nullptr ? Value() : Value(flag)},
            {"configurations", ran},
            {"refused", refused},
            {"warnings", report::faults_of(faults_of(points))},
            {"converted", report::conversions_of(points.front().conversions)}};
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    std::vector<NumericsRun> points = points_of(arguments);
    make()->register_kernels();
    ManyRuns runs{"precision", "configurations", progress, {}, &flags, {}, {}, {}};
    for (const NumericsRun& point : points) {
      runs.sessions.push_back(point.workload->options.session());
      runs.asked.push_back(&point.workload->flags());
    }
    runs.run = [&](Device& device, std::size_t i) { run_point(session, device, points[i]); };
    runs.report = [&]() -> int {
      const std::vector<Setting> rows = settings_of(points, std::max<std::size_t>(lengths.size(), 1));
      report::print_report(
          json, [&] { return text(points, rows); }, [&] { return figures(points, rows); });
      if (!rows.empty()) return 0;
      throw Error(ExitCode::kernel, fmt::format("none of {} configurations runs; {}: {}", points.size(),
                                                points.front().flags.varied_text(), points.front().refusal));
    };
    return run_all(session, runs);
  }
};

}  // namespace

Command precision_command() {
  Command precision{"precision", "What formats, passes, DST modes and exponentials lose, beside what they cost"};
  return of_each_workload(std::move(precision), "precision: of what is missing", [](const workloads::Maker& make) {
    const std::string name = make()->about().name;
    Command child = command<Precision>(
        name,
        fmt::format(
            "Any flag of `tilegrid {}` with a list of values, comma between: all combinations run, and are shown by\n"
            "device time with their distance from double precision. Without lists: --format bf16,bfp8 --fidelity\n"
            "hifi2,hifi4 --dst bf16,fp32 and, where there is one, --exp fast,accurate",
            name),
        fmt::format("Example: tilegrid precision {}\n",
                    name == "attention" ? "attention --seq 32 --heads 1 --lengths 1024,4096,16384 --dst bf16,fp32"
                    : name == "matmul"  ? "matmul --m 128 --n 128 --lengths 512,2048,8192 --numerics exact,rounded,fast"
                                        : "fused --preset softmax --numerics exact,rounded,fast"));
    static_cast<Precision*>(child.owner.get())->make = make;
    return child;
  });
}

}  // namespace tilegrid::cli
