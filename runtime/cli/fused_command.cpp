// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/check_arguments.h"
#include "runtime/cli/common_flags.h"
#include "runtime/cli/graph_arguments.h"
#include "runtime/cli/shake_arguments.h"
#include "runtime/report/metrics.h"
#include "runtime/workloads/fused_run.h"

namespace tilegrid::cli {
namespace {

constexpr int most_side = 1 << 20;  ///< elements of a tensor's side

/// Flags as text; an empty one was not given.
struct Texts {
  GraphTexts graph;
  std::string strategy = "best", grid, tensor;
  std::vector<std::string> inputs, outputs;
  std::string seed = "0", scale = "1", verify;
  OutputTexts output{{}, {}, "dst-sections"};
  bool force = false;
  ArchTexts arch;
  std::string shake;
  CheckTexts check;
};

void add_run_flags(CLI::App& app, Texts& texts) {
  const char* group = "Run";
  app.add_option("--strategy", texts.strategy, "Whose plan to run: naive, liveness, subblock, pipelined, grid, best [best]")
      ->type_name("NAME")
      ->group(group);
  app.add_flag("--force", texts.force, "Run a refused plan, too: it ends with the emulated core's own error [off]")
      ->disable_flag_override()
      ->group(group);
  app.add_option("--grid", texts.grid, "Cores: columns x rows [all of the chip]")->type_name("XxY")->group(group);
  app.add_option("--tensor", texts.tensor,
                 "Elements of the first output, whole blocks [what the --in files say, else\none block a core]")
      ->type_name("ROWSxCOLS")
      ->group(group);
}

void add_data_flags(CLI::App& app, Texts& texts) {
  const char* group = "Data";
  app.add_option("--in", texts.inputs,
                 "An input from a .npy, float32 or float16, C order, [rows, cols], or [n] for\na vector; may be repeated. "
                 "The others are random, N(0,1)")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--out", texts.outputs, "Write an output there: .npy, float32, [rows, cols]; may be repeated [none]")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--seed", texts.seed, "Of the random inputs [0]")->type_name("N")->group(group);
  app.add_option("--scale", texts.scale, "What random inputs are multiplied by [1]")->type_name("X")->group(group);
}

void add_report_flags(CLI::App& app, Texts& texts) {
  const char* group = "Report";
  app.add_option(
         "--verify", texts.verify,
         fmt::format("Compare with double precision and its error bounds: full or off [full up to\n{:.0e} multiply-adds, "
                     "else off]",
                     fused_verification_limit))
      ->type_name("HOW")
      ->group(group);
  add_output_flags(app, texts.output);
}

std::map<std::string, std::string> parse_files(const char* flag, const std::vector<std::string>& texts) {
  std::map<std::string, std::string> files;
  for (const std::string& text : texts) {
    const std::size_t at = text.find('=');
    if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
      throw UsageError(fmt::format("{} {}: NAME=FILE is expected", flag, text));
    }
    if (!files.emplace(text.substr(0, at), text.substr(at + 1)).second) {
      throw UsageError(fmt::format("{} {}: '{}' is given twice", flag, text, text.substr(0, at)));
    }
  }
  return files;
}

FusedOptions::Extent parse_tensor(const std::string& text) {
  const auto refuse = [&] {
    throw UsageError(
        fmt::format("--tensor {}: rows and columns from 1 to {} elements are expected, as in 640x512", text, most_side));
  };
  const std::size_t at = text.find('x');
  if (at == std::string::npos) refuse();
  FusedOptions::Extent extent;
  try {
    extent = {parse_int("", text.substr(0, at)), parse_int("", text.substr(at + 1))};
  } catch (const UsageError&) {
    refuse();
  }
  if (extent.rows < 1 || extent.cols < 1 || extent.rows > most_side || extent.cols > most_side) refuse();
  return extent;
}

FusedOptions options_from(const CLI::App& app, const Texts& texts) {
  refuse_empty_values(app);
  FusedOptions options;
  options.graph = graph_request(app, texts.graph);
  options.strategy = static_cast<planner::Strategy>(parse_word("--strategy", texts.strategy, strategy_names()));
  options.graph.plan.machine.chip = chip_from(texts.arch);
  options.grid = grid_from(texts.grid, options.graph.plan.machine.chip);
  if (!texts.tensor.empty()) options.tensor = parse_tensor(texts.tensor);
  options.inputs = parse_files("--in", texts.inputs);
  options.outputs = parse_files("--out", texts.outputs);
  options.seed = parse_unsigned("--seed", texts.seed);
  options.scale = parse_number("--scale", texts.scale);
  if (!texts.verify.empty()) {
    options.verify =
        parse_word("--verify", texts.verify, {"off", "full"}) == 0 ? FusedOptions::Verify::off : FusedOptions::Verify::full;
  }
  options.force = texts.force;
  options.json = texts.output.json;
  options.log = texts.output.log;
  if (options.log == "-") throw UsageError("--log -: the log goes to a file only");
  options.architecture = architecture_from(app, texts.arch);
  options.view = parse_view(texts.output.view, options.architecture.has_value());
  options.progress = !texts.output.no_progress;
  options.shake = shake_from(texts.shake);
  options.checks = checks_from(texts.check);
  return options;
}

}  // namespace

Command add_fused_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("fused", "Run a planned block of tile operations over whole tensors, and verify it");
  app->allow_extras();
  auto texts = std::make_shared<Texts>();
  add_graph_flags(*app, texts->graph);
  add_machine_flags(*app, texts->graph);
  add_run_flags(*app, *texts);
  add_shake_flag(*app, texts->shake);
  add_data_flags(*app, *texts);
  add_arch_flags(*app, texts->arch, true);
  add_check_flags(*app, texts->check);
  add_report_flags(*app, *texts);
  app->footer(preset_list() +
              "\nExamples: tilegrid fused --preset six-op\n"
              "          tilegrid fused --preset six-op --strategy naive --sync full --force\n" +
              parent.get_footer());
  return {app, [app, texts](Session& session) {
            if (texts->check.ask_for_help()) return print_checks(session);
            const FusedOptions options = options_from(*app, *texts);
            SessionOptions run{.grid = options.grid, .checks = options.checks};
            run.shake = options.shake;
            run.chip = options.graph.plan.machine.chip;
            run.deadlock_json = options.json;
            return session.run(run, [&](Device& device) { return run_fused(session, device, options); });
          }};
}

}  // namespace tilegrid::cli
