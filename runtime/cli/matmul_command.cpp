// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "core/error.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/check_arguments.h"
#include "runtime/cli/common_flags.h"
#include "runtime/cli/matmul_command.h"
#include "runtime/cli/shake_arguments.h"
#include "runtime/report/metrics.h"
#include "runtime/workloads/matmul_run.h"

namespace tilegrid::cli {
namespace {

/// Flags as text; an empty one was not given.
struct Texts {
  std::string grid;
  std::string batch, m, k, n;
  std::string block, per_core, out_block, subblock;
  std::string format = "bf16";
  ComputeTexts compute;
  std::string delivery = "multicast", sums = "packer";
  std::string seed = "0";
  std::string a, b, out, verify;
  OutputTexts output{{}, {}, "matmul-tiles"};
  bool dry_run = false;
  ArchTexts arch;
  CheckTexts check;
  std::string shake;
};

void add_shape_flags(CLI::App& app, Texts& texts) {
  const char* group = "Shape";
  app.add_option("--m", texts.m, "Rows of A and of the output [1024]")->type_name("ELEMENTS")->group(group);
  app.add_option("--k", texts.k, "Columns of A, rows of B [1024]")->type_name("ELEMENTS")->group(group);
  app.add_option("--n", texts.n, "Columns of B and of the output [1024]")->type_name("ELEMENTS")->group(group);
  app.add_option("--batch", texts.batch, "Products, each of an A and a B of its own [1]")->type_name("N")->group(group);
}

void add_device_flags(CLI::App& app, Texts& texts) {
  const char* group = "Device";
  app.add_option("--grid", texts.grid, "Cores: columns x rows [all of the chip]")->type_name("XxY")->group(group);
  app.add_option("--delivery", texts.delivery,
                 "multicast: the first core of a row reads blocks of A and multicasts them along\nit, the first of a column "
                 "those of B; dram: every core reads its own [multicast]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--per-core", texts.per_core, "Tiles of the output that a core computes, rows x columns [an equal share]")
      ->type_name("RxC")
      ->group(group);
  app.add_option("--out-block", texts.out_block, "Of them, those that it computes at a time [all, or what fits]")
      ->type_name("RxC")
      ->group(group);
  app.add_option("--block", texts.block,
                 "Tiles of K at a time, in0_block_w [the largest divisor of K with which 2 k M +\n2 k N + M N <= 400 and L1 "
                 "suffices]")
      ->type_name("TILES")
      ->group(group);
  app.add_option("--subblock", texts.subblock,
                 "Tiles of a DST section, divisors of --out-block [the first that fits of 4x2,\n2x4, 8x1, 1x8, 7x1, ...]")
      ->type_name("RxC")
      ->group(group);
  app.add_option("--sums", texts.sums,
                 "Sums over blocks of K: packer, which adds them up in L1; reload: into DST for\nevery block [packer]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--format", texts.format, "Of A, B and output in DRAM: bf16, fp32, bfp8 [bf16]")
      ->type_name("FORMAT")
      ->group(group);
  add_compute_flags(app, texts.compute);
  add_shake_flag(app, texts.shake);
}

void add_data_flags(CLI::App& app, Texts& texts) {
  const char* group = "Data";
  app.add_option("--seed", texts.seed, "Of what is random, N(0,1) [0]")->type_name("N")->group(group);
  app.add_option("--a", texts.a, ".npy, float32 or float16, C order, [m, k] or [batch, m, k] [random]")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--b", texts.b, ".npy, [batch, k, n], or [k, n] for all batches [random]")->type_name("FILE")->group(group);
  app.add_option("--out", texts.out, "Write the output there: .npy, float32 [none]")->type_name("FILE")->group(group);
}

void add_report_flags(CLI::App& app, Texts& texts) {
  const char* group = "Report";
  app.add_option("--verify", texts.verify,
                 fmt::format("Compare with double precision and its error bounds: full, sample:N (N rows in\nall, evenly "
                             "spread) or off [full up to {:.0e} multiply-adds, else\nsample:256]",
                             matmul_verification_limit))
      ->type_name("HOW")
      ->group(group);
  app.add_flag("--dry-run", texts.dry_run, "Run the kernels' control flow alone: no data, no numbers [off]")
      ->disable_flag_override()
      ->group(group);
  add_output_flags(app, texts.output);
}

std::optional<int> given(const char* flag, const std::string& text) {
  if (text.empty()) return std::nullopt;
  return parse_int(flag, text);
}

/// "4x2", rows x columns; both 0 when nothing was given.
matmul::Extent extent_from(const char* flag, const std::string& text) {
  if (text.empty()) return {};
  const auto [rows, columns] = parse_tiles(flag, text);
  return {rows, columns};
}

void check_flags(const CLI::App& app, const MatmulOptions& options) {
  if (options.dry_run) {
    for (const char* flag : {"--verify", "--out", "--a", "--b", "--seed"}) {
      if (app.count(flag) > 0) throw UsageError(fmt::format("{}: a dry run has no numbers, --dry-run goes without", flag));
    }
  }
  if (options.out == "-") throw UsageError("--out -: the output goes to a file only");
  if (options.log == "-") throw UsageError("--log -: the log goes to a file only");
  const bool files = !options.inputs[0].empty() && !options.inputs[1].empty();
  if (files && app.count("--seed") > 0) {
    throw UsageError("--seed is for random data: it does not go with both --a and --b");
  }
}

MatmulOptions options_from(const CLI::App& app, const Texts& texts) {
  refuse_empty_values(app);
  MatmulOptions options;
  matmul::Config& config = options.config;
  config.chip = chip_from(texts.arch);
  config.grid = grid_from(texts.grid, config.chip);
  options.shape = {given("--batch", texts.batch), given("--m", texts.m), given("--k", texts.k), given("--n", texts.n)};
  config.delivery = static_cast<matmul::Delivery>(parse_word("--delivery", texts.delivery, {"multicast", "dram"}));
  config.carrier = static_cast<matmul::Carrier>(parse_word("--sums", texts.sums, {"packer", "reload"}));
  config.per_core = extent_from("--per-core", texts.per_core);
  config.out_block = extent_from("--out-block", texts.out_block);
  config.k_block = given("--block", texts.block).value_or(0);
  const matmul::Extent sub = extent_from("--subblock", texts.subblock);
  config.sub = {sub.rows, sub.columns};
  config.format = parse_tensor_format("--format", texts.format);
  config.compute = parse_compute(texts.compute);
  options.seed = parse_unsigned("--seed", texts.seed);
  options.inputs = {texts.a, texts.b};
  options.out = texts.out;
  options.json = texts.output.json;
  options.log = texts.output.log;
  options.verify = parse_verify(texts.verify);
  options.dry_run = texts.dry_run;
  if (options.dry_run) options.verify = {VerifyMode::off};
  options.architecture = architecture_from(app, texts.arch);
  options.view = parse_view(texts.output.view, options.architecture.has_value());
  options.progress = !texts.output.no_progress;
  options.checks = checks_from(texts.check);
  options.shake = shake_from(texts.shake);
  check_flags(app, options);
  return options;
}

void add_flags(CLI::App& app, Texts& texts) {
  add_shape_flags(app, texts);
  add_device_flags(app, texts);
  add_data_flags(app, texts);
  add_arch_flags(app, texts.arch, true);
  add_check_flags(app, texts.check);
  add_report_flags(app, texts);
}

}  // namespace

MatmulOptions parse_matmul(const std::vector<std::string>& arguments) {
  CLI::App app;
  Texts texts;
  add_flags(app, texts);
  parse_all(app, arguments);
  return options_from(app, texts);
}

Command add_matmul_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("matmul", "Multiply two matrices on the grid, verify, report what every core did");
  app->allow_extras();
  auto texts = std::make_shared<Texts>();
  add_flags(*app, *texts);
  app->footer(
      "Examples: tilegrid matmul --grid 8x8 --m 2048 --k 2048 --n 2048 --dry-run\n"
      "          tilegrid matmul --a a.npy --b b.npy --out out.npy --fidelity hifi4 --dst fp32\n" +
      parent.get_footer());
  return {app, [app, texts](Session& session) {
            if (texts->check.ask_for_help()) return print_checks(session);
            const MatmulOptions options = options_from(*app, *texts);
            SessionOptions run{.grid = options.config.grid, .checks = options.checks};
            run.shake = options.shake;
            run.chip = options.config.chip;
            run.deadlock_json = options.json;
            return session.run(run, [&](Device& device) { return run_matmul(session, device, options); });
          }};
}

}  // namespace tilegrid::cli
