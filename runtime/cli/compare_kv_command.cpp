// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/error.h"
#include "runtime/cli/arguments.h"
#include "runtime/report/print_report.h"
#include "runtime/report/progress.h"
#include "runtime/workloads/compare_kv.h"

namespace tilegrid::cli {
namespace {

struct Flags {
  std::string json;
  bool no_progress = false;
};

/// Flags of attention that a comparison sets itself, or has no use for.
constexpr std::array<std::string_view, 9> unfit{"--kv",  "--balance", "--kernel",          "--steps",         "--out",
                                                "--log", "--split",   "--compare-kernels", "--no-device-time"};

void refuse_unfit(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    const std::string name = argument.substr(0, argument.find('='));
    if (std::find(unfit.begin(), unfit.end(), name) != unfit.end()) {
      throw UsageError(fmt::format("{}: does not go with compare-kv", name));
    }
  }
}

/// Whether a flag has several values: --seq 1024,2048.
bool has_lists(const std::vector<std::string>& arguments) {
  constexpr std::array<std::string_view, 5> others{"--q", "--k", "--v", "--arch", "--check"};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    if (std::find(others.begin(), others.end(), name) != others.end()) {
      if (equals == std::string::npos) ++i;
      continue;
    }
    if (arguments[i].find(',') != std::string::npos) return true;
  }
  return false;
}

std::vector<KvComparison> comparisons_of(const Flags& flags, std::vector<std::string> arguments) {
  refuse_unfit(arguments);
  std::vector<KvComparison> comparisons;
  if (!has_lists(arguments)) {
    KvComparison& one = comparisons.emplace_back();
    one.options = parse_attention(arguments);
  } else {
    std::erase(arguments, "--dry-run");  // which they are
    CLI::App flags_of_attention;
    for (SweepPoint& point : sweep_points(*add_attention_command(flags_of_attention).app, arguments)) {
      KvComparison& one = comparisons.emplace_back();
      one.options = parse_attention(point.arguments);
      one.flags = std::move(point);
    }
  }
  for (KvComparison& one : comparisons) {
    one.options.json = flags.json;
    if (one.options.compare_kernels || !one.options.architecture)
      throw UsageError("compare-kv: device time is what it compares");
  }
  return comparisons;
}

void print(const std::vector<KvComparison>& comparisons, const Flags& flags) {
  print_report(
      flags.json, [&] { return comparisons.size() == 1 ? comparison_text(comparisons.front()) : winners_text(comparisons); },
      [&] { return comparison_json(comparisons); });
}

int exit_code(const std::vector<KvComparison>& comparisons) {
  const auto ran = [](const KvComparison& one) { return one.best() != nullptr; };
  if (std::none_of(comparisons.begin(), comparisons.end(), ran)) return static_cast<int>(ExitCode::kernel);
  const auto passed = [](const KvComparison& one) { return one.passed(); };
  return static_cast<int>(std::all_of(comparisons.begin(), comparisons.end(), passed) ? ExitCode::ok : ExitCode::mismatch);
}

int run_command(Session& session, const Flags& flags, const std::vector<std::string>& arguments) {
  std::vector<KvComparison> comparisons = comparisons_of(flags, arguments);
  const GridSize first_grid = comparisons.front().options.config.grid;
  int code = session.run({.grid = first_grid}, [&](Device&) {
    if (!flags.json.empty() && flags.json != "-") check_output_path("--json", flags.json);
    return 0;
  });
  if (code != 0) return code;
  {
    Progress progress("compare-kv", comparisons.size(), !flags.no_progress && session.is_host(), "shapes");
    std::uint64_t done = 0;
    // A session has one grid: neighbours that share it run in one.
    for (std::size_t begin = 0; begin < comparisons.size();) {
      const GridSize grid = comparisons[begin].options.config.grid;
      std::size_t end = begin;
      while (end < comparisons.size() && comparisons[end].options.config.grid == grid) ++end;
      SessionOptions run{.grid = grid, .checks = comparisons[begin].options.checks};  // --check takes no list of values
      run.shake = comparisons[begin].options.shake;
      code = session.run(run, [&](Device& device) {
        for (std::size_t i = begin; i < end; ++i) {
          run_comparison(session, device, comparisons[i]);
          progress.update(++done);
        }
        return 0;
      });
      if (code != 0) return code;
      begin = end;
    }
  }
  // The other ranks have no figures: what the host finds must be their exit code, too.
  return session.run({.grid = first_grid}, [&](Device&) {
    if (comparisons.size() == 1 && !comparisons.front().refusal.empty()) throw UsageError(comparisons.front().refusal);
    print(comparisons, flags);
    return exit_code(comparisons);
  });
}

}  // namespace

Command add_compare_kv_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand(
      "compare-kv",
      "Compare the ways in which K and V come to the cores: --kv dram, chain, multicast-row and multicast-grid, with\n"
      "zigzag and contiguous balance when causal. Takes the flags of `tilegrid attention`; all rows have the same chunks,\n"
      "by default those of the delivery that is estimated to be quickest.\n"
      "Runs in full, for the host's cost and to see that all outputs are the same bits; --dry-run for large shapes.\n"
      "Lists of values, comma between, make dry runs of all combinations and a table of the winners.");
  app->allow_extras();
  auto flags = std::make_shared<Flags>();
  app->add_option("--json", flags->json, "Write the rows there; - for standard output alone [none]")->type_name("FILE");
  app->add_flag("--no-progress", flags->no_progress, "No progress line on a terminal [off]")->disable_flag_override();
  app->footer(
      "Example: tilegrid compare-kv --heads 8 --kv-heads 1 --seq 2560 --dim 128 --json kv.json && scripts/plot kv.json\n"
      "         tilegrid compare-kv --dim 128 --heads 8,16 --seq 1024,2048,4096,8192\n" +
      parent.get_footer());
  return {app,
          [app, flags](Session& session) {
            refuse_empty_values(*app);
            return run_command(session, *flags, app->remaining());
          },
          true};
}

}  // namespace tilegrid::cli
