// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/matmul_command.h"
#include "runtime/cli/sweep_arguments.h"
#include "runtime/report/device_report_json.h"
#include "runtime/report/metrics.h"
#include "runtime/report/print_report.h"
#include "runtime/report/progress.h"
#include "runtime/report/run_report_json.h"
#include "runtime/workloads/attention_run.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string json;
  std::string top;
  bool no_progress = false;
};

/// What a run has chosen itself: a column of the table, and a value of the JSON.
struct Choice {
  std::string column, key, text;
  Json value;
};

/// A run of a configuration, and what it leaves behind.
using Runner = std::function<RunOutcome(const Session&, Device&, std::vector<Choice>&)>;

/// A command that can be swept.
struct Swept {
  std::string name;
  CLI::App* app = nullptr;  ///< with the command's flags
  /// The grid and the run that arguments ask for. Throws UsageError.
  std::function<std::pair<GridSize, Runner>(const std::vector<std::string>&)> parse;
};

/// One point of the sweep: what it is, then what came of it.
struct Point {
  SweepPoint flags;
  GridSize grid;
  Runner run;
  std::string refusal;  ///< why there are no figures
  std::optional<DeviceReport> device;
  std::uint64_t l1_bytes = 0;    ///< of the core with most
  std::uint64_t dram_bytes = 0;  ///< read and written
  std::vector<Choice> choices;
};

std::pair<GridSize, Runner> parse_attention_point(const std::vector<std::string>& arguments) {
  AttentionOptions options = parse_attention(arguments);
  options.progress = false;
  const GridSize grid = options.config.grid;
  return {grid, [options](const Session& session, Device& device, std::vector<Choice>& choices) -> RunOutcome {
            AttentionOutcome outcome = attention_outcome(session, device, options);
            const auto chunk = [](const char* column, const char* key, int rows) {
              return Choice{column, key, std::to_string(rows), rows};
            };
            choices = {chunk("Q", "q_chunk", outcome.config.q_chunk), chunk("K", "k_chunk", outcome.config.k_chunk)};
            return outcome;
          }};
}

std::pair<GridSize, Runner> parse_matmul_point(const std::vector<std::string>& arguments) {
  MatmulOptions options = parse_matmul(arguments);
  options.progress = false;
  const GridSize grid = options.config.grid;
  return {grid, [options](const Session& session, Device& device, std::vector<Choice>& choices) -> RunOutcome {
            MatmulOutcome outcome = matmul_outcome(session, device, options);
            const matmul::Config& config = outcome.config;
            const std::string block = fmt::format("{}x{}", config.out_block.rows, config.out_block.columns);
            choices = {{"block", "out_block", block, block}, {"K", "block", std::to_string(config.k_block), config.k_block}};
            return outcome;
          }};
}

void run_point(const Session& session, Device& device, Point& point) {
  device.free_buffers();
  try {
    RunOutcome outcome = point.run(session, device, point.choices);
    for (const CoreCounters& core : outcome.result.cores) {
      point.l1_bytes = std::max<std::uint64_t>(point.l1_bytes, core.l1_used_bytes);
      for (const TransferKind kind : {TransferKind::dram_read, TransferKind::dram_write}) {
        point.dram_bytes += transfers_of(core, kind).bytes;
      }
    }
    // What the table and JSON have no use for, of possibly thousands of configurations.
    for (timing::LaunchTime& launch : outcome.device->time.launches) {
      launch.cores.clear();
      launch.links.clear();
    }
    outcome.device->summary.cores.clear();
    outcome.device->summary.links.clear();
    point.device = std::move(outcome.device);
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage && error.code() != ExitCode::kernel) throw;
    point.refusal = error.message();
  }
}

/// The grid's points, one after the other in one session.
int run_grid(Session& session, GridSize grid, std::vector<Point>& points, std::uint64_t& done, Progress& progress) {
  return session.run({.grid = grid}, [&](Device& device) {
    for (Point& point : points) {
      if (point.grid != grid) continue;
      run_point(session, device, point);
      progress.update(++done);
    }
    return 0;
  });
}

/// Those with figures by device time, then the others in the order of the sweep.
void rank(std::vector<Point>& points) {
  std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
    if (!a.device || !b.device) return a.device.has_value() && !b.device;
    return a.device->time.seconds < b.device->time.seconds;
  });
}

std::string varied_text(const Point& point) {
  std::vector<std::string> words;
  for (const SweepPoint::Flag& flag : point.flags.varied) words.push_back(fmt::format("{} {}", flag.name, flag.value));
  return words.empty() ? "these flags" : fmt::format("{}", fmt::join(words, " "));
}

std::string row_text(const Point& point, std::size_t number) {
  const DeviceReport& report = *point.device;
  const DeviceSummary& summary = report.summary;
  std::string text = fmt::format("{:>4}", number);
  for (const SweepPoint::Flag& flag : point.flags.varied) {
    text += fmt::format("  {:>{}}", flag.value, std::max<std::size_t>(flag.name.size(), 8));
  }
  text +=
      fmt::format("{:>13}{:>9.2f}{:>8}   {:<26}{:>11}{:>11}", duration_text(report.time.seconds), report.time.tflops,
                  fmt::format("{:.1f}%", 100 * report.time.peak_share),
                  fmt::format("{}, margin {:.1f}%", name_of(summary.limits[0].kind, report.program), 100 * summary.margin()),
                  bytes_text(static_cast<double>(point.l1_bytes)), bytes_text(static_cast<double>(point.dram_bytes)));
  for (const Choice& choice : point.choices) text += fmt::format("{:>7}", choice.text);
  return text + "\n";
}

std::string table_text(const std::string& command, const std::vector<Point>& points, std::size_t top) {
  const auto ran = static_cast<std::size_t>(
      std::count_if(points.begin(), points.end(), [](const Point& point) { return point.device.has_value(); }));
  const std::vector<std::string>& fixed = points.front().flags.fixed;
  std::string text = fmt::format("Sweep of {}{}{}: {} configurations, {} ran, by device time; dry runs, no numbers\n",
                                 command, fixed.empty() ? "" : " ", fmt::join(fixed, " "), points.size(), ran);
  if (ran > 0) {
    text += fmt::format("{:>4}", "");
    for (const SweepPoint::Flag& flag : points.front().flags.varied) {
      text += fmt::format("  {:>{}}", flag.name, std::max<std::size_t>(flag.name.size(), 8));
    }
    text += fmt::format("{:>13}{:>9}{:>8}   {:<26}{:>11}{:>11}", "device time", "TFLOP/s", "peak", "bound by", "L1", "DRAM");
    for (const Choice& choice : points.front().choices) text += fmt::format("{:>7}", choice.column);
    text += "\n";
  }
  for (std::size_t i = 0; i < std::min(ran, top); ++i) text += row_text(points[i], i + 1);
  if (ran > top) text += fmt::format("     {} more\n", ran - top);
  for (std::size_t i = ran; i < points.size(); ++i) {
    const std::string flags = varied_text(points[i]) + ": ";
    const std::string& why = points[i].refusal;  // which often begins with the same flags
    text += fmt::format("{} {}{}\n", i == ran ? "does not run:" : "             ", why.starts_with(flags) ? "" : flags, why);
  }
  return text;
}

Json point_json(const Point& point) {
  Json flags = Json::object();
  for (const SweepPoint::Flag& flag : point.flags.varied) flags[flag.name] = flag.value;
  if (!point.device) return {{"flags", flags}, {"reason", point.refusal}};
  const DeviceReport& report = *point.device;
  Json json = {{"flags", flags}};
  for (const Choice& choice : point.choices) json[choice.key] = choice.value;
  json["device"] = {{"cycles", report.time.cycles},
                    {"seconds", report.time.seconds},
                    {"tflops", report.time.tflops},
                    {"peak_share", report.time.peak_share},
                    {"bound", bound_json(report.summary, report.program)},
                    {"arch", architecture_json(report.architecture)},
                    {"replay_seconds", report.replay_seconds}};
  json["l1_bytes"] = point.l1_bytes;
  json["dram_bytes"] = point.dram_bytes;
  return json;
}

Json table_json(const std::string& command, const std::vector<Point>& points, std::size_t top) {
  Json ran = Json::array();
  Json refused = Json::array();
  for (const Point& point : points) {
    if (!point.device) {
      refused.push_back(point_json(point));
    } else if (ran.size() < top) {
      ran.push_back(point_json(point));
    }
  }
  return {{"version", TILEGRID_VERSION},
          {"command", command},
          {"fixed", points.front().flags.fixed},
          {"configurations", ran},
          {"refused", refused}};
}

int run_sweep(Session& session, const Swept& swept, const Flags& flags, const std::vector<std::string>& arguments) {
  std::size_t top = std::numeric_limits<std::size_t>::max();
  if (!flags.top.empty()) top = parse_unsigned("--top", flags.top);
  if (top == 0) throw UsageError("--top 0: at least one is shown");
  std::vector<Point> points;
  std::vector<GridSize> grids;
  // All of them before the first runs, so that a typing error shows at once.
  for (SweepPoint& flag_set : sweep_points(*swept.app, arguments)) {
    Point point;
    std::tie(point.grid, point.run) = swept.parse(flag_set.arguments);
    point.flags = std::move(flag_set);
    if (std::find(grids.begin(), grids.end(), point.grid) == grids.end()) grids.push_back(point.grid);
    points.push_back(std::move(point));
  }
  const bool to_file = !flags.json.empty() && flags.json != "-";
  int code = session.run({.grid = grids.front()}, [&](Device&) {
    if (to_file) check_output_path("--json", flags.json);
    return 0;
  });
  if (code != 0) return code;
  {
    Progress progress("sweep", points.size(), !flags.no_progress && session.is_host(), "configurations");
    std::uint64_t done = 0;
    for (const GridSize grid : grids) {
      code = run_grid(session, grid, points, done, progress);
      if (code != 0) return code;
    }
  }
  // The other ranks have no figures: what the host finds must be their exit code, too.
  return session.run({.grid = grids.front()}, [&](Device&) {
    rank(points);
    print_report(
        flags.json, [&] { return table_text(swept.name, points, top); },
        [&] { return table_json(swept.name, points, top); });
    return static_cast<int>(points.front().device ? ExitCode::ok : ExitCode::kernel);
  });
}

/// What can be swept, each with its flags; `apps` keeps those.
std::array<Swept, 2> swept_commands(CLI::App& apps) {
  return {{{"attention", add_attention_command(apps).app, parse_attention_point},
           {"matmul", add_matmul_command(apps).app, parse_matmul_point}}};
}

CLI::App* add_swept(CLI::App& sweep, Flags& flags, const std::string& name, const std::string& hint,
                    const std::string& footer) {
  CLI::App* app = sweep.add_subcommand(
      name, fmt::format("Any flag of `tilegrid {}` with a list of values, comma between: all combinations run as\n"
                        "dry runs and are ranked by device time; those that do not fit are listed with the reason.\n{}",
                        name, hint));
  app->allow_extras();
  app->add_option("--json", flags.json, "Write the table there; - for standard output alone [none]")->type_name("FILE");
  app->add_option("--top", flags.top, "Show the best N only [all]")->type_name("N");
  app->add_flag("--no-progress", flags.no_progress, "No progress line on a terminal [off]")->disable_flag_override();
  app->footer(footer);
  return app;
}

}  // namespace

Command add_sweep_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("sweep", "Rank configurations of a command by device time");
  app->allow_extras();
  auto flags = std::make_shared<Flags>();
  const std::string end = "\n" + parent.get_footer();
  const std::array<CLI::App*, 2> commands{
      add_swept(*app, *flags, "attention",
                "--causal=on,off for a flag without a value, --set KEY=1,2 for a constant; of --steps, counts",
                "Example: tilegrid sweep attention --seq 2048 --dim 128 --q-chunk 64,128,256 --k-chunk 128,256\n"
                "                                  --fidelity hifi2,hifi4 --top 5" +
                    end),
      add_swept(*app, *flags, "matmul", "--set KEY=1,2 for a constant",
                "Example: tilegrid sweep matmul --grid 8x8 --m 4096 --k 4096 --n 4096 --block 2,4,8\n"
                "                               --out-block 8x8,8x16,16x16 --delivery multicast,dram" +
                    end)};
  return {app, [commands, flags](Session& session) {
            CLI::App apps;
            const std::array<Swept, 2> all = swept_commands(apps);
            for (std::size_t i = 0; i < all.size(); ++i) {
              if (!commands.at(i)->parsed()) continue;
              refuse_empty_values(*commands.at(i));
              return run_sweep(session, all.at(i), *flags, commands.at(i)->remaining());
            }
            throw UsageError("sweep: what to sweep is missing: attention or matmul");
          }};
}

}  // namespace tilegrid::cli
