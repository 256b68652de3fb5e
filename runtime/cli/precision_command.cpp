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
#include "runtime/cli/comparison.h"
#include "runtime/report/checks_report.h"
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

/// The flag of the elements that each sum of the output runs over; none for a graph, which has its own.
const char* length_flag(const std::string& workload) {
  if (workload == "attention") return "--kv-seq";
  return workload == "matmul" ? "--k" : nullptr;
}

/// What is asked for, until it has run.
struct Asked {
  std::unique_ptr<workloads::Workload> workload;
  std::unique_ptr<Attention> ones;  ///< the same with a V of ones, where that says something
};

/// P's rows as the kernel sums them up and divides by them: each sum would be 1. Returns the largest distance from it.
std::optional<double> row_sum_error(const Session& session, Device& device, const Attention& run, Attention& ones) {
  ones.v_of_ones = true;
  ones.verify.mode = VerifyMode::off;
  ones.options.architecture.reset();
  if (ones.inputs[0].empty()) ones.config.shape.v_dim = tile_side;  // all columns are alike
  ones.config.q_chunk = run.config.q_chunk;
  ones.config.k_chunk = run.config.k_chunk;
  ones.config.kv = run.config.delivery;
  device.free_buffers();
  static_cast<void>(workloads::execute(session, device, ones));
  return ones.row_sum_error;
}

/// Figures: accuracy, device.
void run_point(const Session& session, Device& device, Asked asked, ComparedRun& row) {
  workloads::Workload& workload = *asked.workload;
  run_row(session, device, workload, row, true, [&](const report::RunOutcome& outcome) -> Value {
    if (!workload.accuracy)
      throw UsageError(fmt::format("{0}: the output has to be verified, it is by {0} full", verify_flag));
    const Accuracy& accuracy = *workload.accuracy;
    Value figures{{"rmse", accuracy.rmse},
                  {"relative_l2", accuracy.relative_l2},
                  {"correlation", accuracy.correlation},
                  {"worst_row", accuracy.worst_row},
                  {"passed", workload.passed.value_or(false)}};
    const auto* attention = dynamic_cast<const Attention*>(&workload);
    if (attention != nullptr) figures["row_sum_error"] = row_sum_error(session, device, *attention, *asked.ones);
    return {{"accuracy", figures}, {"device", short_device_figures(*outcome.device)}};
  });
}

double error_of(const ComparedRun& row) { return row["accuracy/relative_l2"].number(); }

/// Those that ran by device time at the first length, the front marked; the others stay away.
std::vector<const ComparedRun*> settings_of(ComparedRuns& runs, std::size_t lengths) {
  std::vector<ComparedRun*> rows;
  for (std::size_t i = 0; i < runs.size(); i += lengths) {
    if (runs[i].ran()) rows.push_back(&runs[i]);
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const ComparedRun* a, const ComparedRun* b) {
    return std::pair(a->seconds(), error_of(*a)) < std::pair(b->seconds(), error_of(*b));
  });
  double nearest = std::numeric_limits<double>::infinity();
  for (ComparedRun* row : rows) {
    row->front = error_of(*row) < nearest;
    nearest = std::min(nearest, error_of(*row));
  }
  return {rows.begin(), rows.end()};
}

std::string mark_of(const ComparedRun& row) { return row.front ? "*" : ""; }

std::vector<Figure> error_figures(bool sums) {
  std::vector<Figure> figures{
      {"device/seconds", "device time", 13, Kind::seconds, "Device time", Better::least},
      {"accuracy/relative_l2", "relative L2", 13, Kind::number, "Relative L2", Better::least, "{:.3e}"},
      {"accuracy/rmse", "RMSE", 11, Kind::number, "RMSE", Better::least, "{:.3e}"},
      {"accuracy/correlation", "correlation", 13, Kind::number, "Correlation", Better::most, "{:.7f}"},
      {"accuracy/worst_row", "worst row", 11, Kind::number, "Relative L2 of the worst row", Better::least, "{:.2e}"},
      {"device/tflops", "", 0, Kind::number, "TFLOP/s", Better::most}};
  if (sums) {
    figures.push_back(
        {"accuracy/row_sum_error", "sums of P", 11, Kind::number, "Sums of P: distance from 1", Better::least, "{:.2e}"});
  }
  return figures;
}

std::string error_table(const std::vector<const ComparedRun*>& rows) {
  const bool sums = !(*rows.front())["accuracy/row_sum_error"].is_null();
  std::string text = flag_table(2, error_figures(sums), rows, [](const ComparedRun& row, std::size_t) {
    return std::pair(mark_of(row), std::string(row["accuracy/passed"].truth() ? "" : "   beyond its gate"));
  });
  text += "* none is both quicker and nearer; worst row: relative L2 of the row where it is largest";
  if (sums) text += "; sums of P:\nlargest distance from 1 of a row's sum, by a V of ones";
  return text + "\n";
}

/// The study of one workload. Its runs are those of a configuration at each of the lengths, then of the next; the first is
/// the configuration's row.
struct Precision : ComparisonOutput {
  workloads::Maker make;
  std::vector<int> lengths;

  Precision() : ComparisonOutput("Write the tables there; - for standard output alone [none]") {
    flags.add("--lengths", "LIST",
              "Also at each of these lengths of the sums, --kv-seq of attention, --k of matmul; the\nfirst is that of the "
              "table [none]",
              [this](const Given& given) {
                lengths.clear();
                for (const std::string& one : split(given.text)) {
                  lengths.push_back(parse_int(given.flag, one, 1, std::numeric_limits<int>::max()));
                }
              });
  }

  [[nodiscard]] const char* length() const { return lengths.empty() ? nullptr : length_flag(make()->name()); }

  /// What the command line says, and the usual values where it says nothing.
  [[nodiscard]] std::vector<std::string> with_axes(const std::vector<std::string>& given) const {
    const auto is_given = [&](const std::string& flag) {
      return std::any_of(given.begin(), given.end(),
                         [&](const std::string& one) { return one == flag || one.starts_with(flag + "="); });
    };
    const std::unique_ptr<workloads::Workload> workload = make();
    refuse_arguments(given, workload->flags().unfit_for(Comparison::precision), "precision");
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

  /// Of a configuration, by length.
  [[nodiscard]] std::span<const ComparedRun> by_length(const ComparedRun& row) const { return {&row, lengths.size()}; }

  [[nodiscard]] std::string length_table(const std::vector<const ComparedRun*>& rows) const {
    std::vector<report::Table::Column> columns{{"", 2}};
    const auto flag_heads = flag_columns(rows.front()->flags.varied, 2);
    columns.insert(columns.end(), flag_heads.begin(), flag_heads.end());
    for (const int one : lengths) columns.push_back({fmt::format("{} {}", length() + 2, one), 16});
    const report::Table table(columns);
    std::string text = fmt::format("\nRelative L2 by the length of sums ({})\n{}", length(), table.head());
    for (const ComparedRun* row : rows) {
      std::vector<std::string> cells{mark_of(*row)};
      for (const SweepPoint::Flag& flag : row->flags.varied) cells.push_back(flag.value);
      for (const ComparedRun& run : by_length(*row)) {
        cells.push_back(run.ran() ? fmt::format("{:.3e}", error_of(run)) : "does not run");
      }
      text += table.row(cells);
    }
    return text;
  }

  [[nodiscard]] std::string text(const ComparedRuns& runs, const std::vector<const ComparedRun*>& rows) const {
    std::vector<std::string> fixed;
    for (const std::string& one : runs.front().flags.fixed) fixed.push_back(" " + one);
    const std::size_t count = runs.size() / std::max<std::size_t>(lengths.size(), 1);
    std::string all = fmt::format("Precision of {}{}: {} configurations, {} ran, against double precision\n", make()->name(),
                                  fmt::join(fixed, ""), count, rows.size());
    if (!rows.empty()) all += error_table(rows);
    if (!rows.empty() && lengths.size() > 1) all += length_table(rows);
    for (const ComparedRun& run : runs) {
      if (!run.ran()) all += fmt::format("does not run: {}: {}\n", run.name, run.refusal);
    }
    return all + report::faults_text(faults_of(runs)) + report::conversions_text(runs.front().conversions);
  }

  [[nodiscard]] Value figures(const ComparedRuns& runs, const std::vector<const ComparedRun*>& rows) const {
    report::Array ran, refused;
    for (const ComparedRun* row : rows) {
      report::Array each;
      for (std::size_t i = 0; i < lengths.size(); ++i) {
        const ComparedRun& run = by_length(*row)[i];
        each.push_back({{"length", lengths[i]},
                        {"reason", report::text_or_null(run.refusal)},
                        {"accuracy", run["accuracy"]},
                        {"device", run["device"]}});
      }
      ran.push_back({{"flags", row->flags.varied_figures()},
                     {"front", row->front},
                     {"accuracy", (*row)["accuracy"]},
                     {"device", (*row)["device"]},
                     {"lengths", each}});
    }
    for (const ComparedRun& run : runs) {
      if (!run.ran()) refused.push_back({{"flags", run.what}, {"reason", run.refusal}});
    }
    const std::vector<std::string>& fixed = runs.front().flags.fixed;
    return {{"command", make()->name()},
            {"fixed", report::Array(fixed.begin(), fixed.end())},
            {"length_flag", length() == nullptr ? Value() : Value(length())},
            {"configurations", ran},
            {"refused", refused},
            {"warnings", report::faults_of(faults_of(runs))},
            {"converted", report::conversions_of(runs.front().conversions)}};
  }

  [[nodiscard]] ComparisonPage shown(const ComparedRuns& runs, const std::vector<const ComparedRun*>& rows) const {
    ComparisonPage page{"Precision of " + make()->name(), {}, {}, rows};
    page.facts.emplace_back("flags", fmt::format("{}", fmt::join(runs.front().flags.fixed, " ")));
    page.facts.emplace_back("against", "double precision");
    const bool sums = !rows.empty() && !(*rows.front())["accuracy/row_sum_error"].is_null();
    page.figures = error_figures(sums);
    page.winner.clear();  // what is quickest is not best
    page.scatter = {{"x", "device/seconds"}, {"y", "accuracy/relative_l2"}};
    report::Array lines;
    for (const ComparedRun* row : rows) {
      report::Array values;
      for (const ComparedRun& run : by_length(*row)) values.push_back(run["accuracy/relative_l2"]);
      lines.push_back(values);
    }
    if (lengths.size() > 1) {
      page.lines = {{"title", "Relative L2 by the length of the sums"},
                    {"axis", length()},
                    {"at", report::Array(lengths.begin(), lengths.end())},
                    {"values", lines}};
    }
    for (const ComparedRun& run : runs) {
      if (!run.ran()) page.rows.push_back(&run);
    }
    return page;
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    const std::unique_ptr<workloads::Workload> studied = make();
    ManyRuns runs{"precision", "configurations", progress, {}, &flags, {}, {}, {}};
    std::vector<Asked> asked;
    ComparedRuns rows;
    // All of them before the first runs, so that a typing error shows at once.
    for (SweepPoint& point : sweep_points(studied->name(), studied->flags(), with_axes(arguments), false)) {
      Asked& one = asked.emplace_back();
      one.workload = settled(make, point.arguments);
      if (dynamic_cast<Attention*>(one.workload.get()) != nullptr) {
        one.ones.reset(dynamic_cast<Attention*>(settled(make, point.arguments).release()));
      }
      runs.add(*one.workload);
      ComparedRun& row = rows.emplace_back();
      row.name = point.varied_text();
      row.what = point.varied_figures();
      row.flags = std::move(point);
      if (length() != nullptr) std::erase_if(row.flags.varied, [&](const auto& flag) { return flag.name == length(); });
    }
    studied->register_kernels();
    runs.run = [&](Device& device, std::size_t i) { run_point(session, device, std::move(asked[i]), rows[i]); };
    runs.report = [&]() -> int {
      const std::vector<const ComparedRun*> settings = settings_of(rows, std::max<std::size_t>(lengths.size(), 1));
      publish(text(rows, settings), figures(rows, settings), shown(rows, settings));
      if (!settings.empty()) return 0;
      const ComparedRun& first = rows.front();
      throw Error(ExitCode::kernel,
                  fmt::format("none of {} configurations runs; {}: {}", rows.size(), first.name, first.refusal));
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
