// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/attention_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/check_arguments.h"
#include "runtime/cli/common_flags.h"
#include "runtime/cli/compare_kernels.h"
#include "runtime/cli/shake_arguments.h"
#include "runtime/report/metrics.h"
#include "runtime/workloads/attention_run.h"

namespace tilegrid::cli {
namespace {

constexpr int default_heads = 8;
constexpr int default_seq = 640;
constexpr int default_dim = 64;

/// Flags as text; an empty one was not given.
struct Texts {
  std::string grid;
  std::string batch, heads, kv_heads, seq, kv_seq, dim;
  bool causal = false;
  std::string q_chunk, k_chunk, read_batch;
  std::string format = "bf16", balance = "zigzag", exp = "fast";
  ComputeTexts compute;
  std::string kv = "dram", kv_cores;
  std::string kernel = "hand-written", steps;
  std::string seed = "0", distribution = "normal";
  std::string q, k, v, out, json, log;
  std::string verify;
  std::string view = "matmul-tiles";
  bool split = false;
  bool show_plan = false;
  bool compare_kernels = false;
  bool dry_run = false;
  bool no_progress = false;
  ArchTexts arch;
  std::string shake;
  CheckTexts check;
};

void add_shape_flags(CLI::App& app, Texts& texts) {
  const char* group = "Shape";
  app.add_option("--batch", texts.batch, "Batches [1]")->type_name("N")->group(group);
  app.add_option("--heads", texts.heads, fmt::format("Query heads [{}]", default_heads))->type_name("N")->group(group);
  app.add_option("--kv-heads", texts.kv_heads, "Key and value heads, a divisor of the query heads [--heads]")
      ->type_name("N")
      ->group(group);
  app.add_option("--seq", texts.seq, fmt::format("Queries, in rows of Q [{}]", default_seq))
      ->type_name("ROWS")
      ->group(group);
  app.add_option("--kv-seq", texts.kv_seq, "Keys, in rows of K and V [--seq]")->type_name("ROWS")->group(group);
  app.add_option("--dim", texts.dim, fmt::format("Elements of a head: 32 to 256 in steps of 32 [{}]", default_dim))
      ->type_name("ELEMENTS")
      ->group(group);
  app.add_flag("--causal", texts.causal, "A query sees the keys up to its own row [off]")
      ->disable_flag_override()
      ->group(group);
}

/// All steps, on lines of their own.
std::string step_list() {
  std::string text;
  std::size_t line = 0;
  for (int i = 0; i < attention::step_count; ++i) {
    const std::string name = name_of(static_cast<attention::Step>(i));
    if (line + name.size() > 70) {
      text += '\n';
      line = 0;
    }
    text += name + (i + 1 < attention::step_count ? "," : "");
    line += name.size() + 1;
  }
  return text;
}

void add_device_flags(CLI::App& app, Texts& texts) {
  const char* group = "Device";
  app.add_option("--grid", texts.grid, "Cores: columns x rows [all of the chip]")->type_name("XxY")->group(group);
  app.add_option("--q-chunk", texts.q_chunk, "Rows of a Q chunk: 32 to 512 in steps of 32 [0: by an estimate; see sweep]")
      ->type_name("ROWS")
      ->group(group);
  app.add_option("--k-chunk", texts.k_chunk, "Rows of a K and V chunk, as --q-chunk [0: by an estimate]")
      ->type_name("ROWS")
      ->group(group);
  app.add_option("--read-batch", texts.read_batch,
                 "Tiles that the reader requests between two barriers [0: a whole chunk;\nthe shipped kernel takes 3 on 80 "
                 "cores, 6 of bfp8]")
      ->type_name("TILES")
      ->group(group);
  app.add_option("--format", texts.format,
                 "Of Q, K, V and output in DRAM, and of unfused scores there: bf16, fp32, or\nbfp8, whose blocks of 16 "
                 "share an exponent; what stays in L1 is bf16 then [bf16]")
      ->type_name("FORMAT")
      ->group(group);
  add_compute_flags(app, texts.compute);
  app.add_option("--balance", texts.balance, "Deal of Q chunks to cores when causal: zigzag, contiguous [zigzag]")
      ->type_name("NAME")
      ->group(group);
  app.add_option(
         "--kv", texts.kv,
         "How K and V come to the cores: dram, each reads them; chain, one of a team reads\nand they go from core to "
         "core; multicast-row, multicast-grid, to a row's or a\nrectangle's cores at once; auto, the one with the "
         "least device time [dram]")
      ->type_name("HOW")
      ->group(group);
  app.add_option("--kv-cores", texts.kv_cores, "Cores that share a reading of K and V, 2 and more [0: by an estimate]")
      ->type_name("CORES")
      ->group(group);
  app.add_option("--kernel", texts.kernel,
                 "hand-written; planned by the DST planner; multipass: one pass for each\noperation, as in 2024; unfused: "
                 "matmul, softmax and matmul with all scores in\nDRAM, chunks are their blocks [hand-written]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--steps", texts.steps,
                 fmt::format("Of the multipass kernel, what is done as later kernels do it: the first N of\n{},\nor some of "
                             "them, or all, as hand-written [0]",
                             step_list()))
      ->type_name("N|LIST")
      ->group(group);
  app.add_option("--exp", texts.exp, "Exponential of the vector unit: fast, accurate [fast]")
      ->type_name("NAME")
      ->group(group);
}

void add_data_flags(CLI::App& app, Texts& texts) {
  const char* group = "Data";
  app.add_option("--seed", texts.seed, "Of the random Q, K, V [0]")->type_name("N")->group(group);
  app.add_option("--distribution", texts.distribution, "normal: N(0,1); outlier: plus 10 N(0,1) in 0.1% [normal]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--q", texts.q, ".npy, float32 or float16, C order, [batch, heads, seq, dim]; needs --k and --v")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--k", texts.k, ".npy, [batch, kv heads, kv seq, dim]")->type_name("FILE")->group(group);
  app.add_option("--v", texts.v, ".npy, [batch, kv heads, kv seq, dim]")->type_name("FILE")->group(group);
  app.add_option("--out", texts.out, "Write the output there: .npy, float32, like Q [none]")
      ->type_name("FILE")
      ->group(group);
}

void add_report_flags(CLI::App& app, Texts& texts) {
  const char* group = "Report";
  app.add_option(
         "--verify", texts.verify,
         fmt::format(
             "Compare with double precision: full, sample:N (N rows in all, evenly\nspread) or off [full up to {:.0e} "
             "multiply-adds of the reference,\nelse sample:256]",
             full_verification_limit))
      ->type_name("HOW")
      ->group(group);
  app.add_flag("--dry-run", texts.dry_run,
               "Run the kernels' control flow alone, for counts, logs and device time of\nshapes that are too large to "
               "compute: no data, no numbers [off]")
      ->disable_flag_override()
      ->group(group);
  app.add_option("--json", texts.json, "Write everything that is printed there; - for standard output alone [none]")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--log", texts.log, "Save the event log there, see `tilegrid log` [none]")->type_name("FILE")->group(group);
  app.add_option("--view", texts.view, "Grid view of a figure by core, or none; the figures are below [matmul-tiles]")
      ->type_name("METRIC")
      ->group(group);
  app.add_flag("--split", texts.split, "Print which core does which Q chunks [off]")->disable_flag_override()->group(group);
  app.add_flag("--show-plan", texts.show_plan, "Print the plans of the planned kernel's stages [off]")
      ->disable_flag_override()
      ->group(group);
  app.add_flag("--compare-kernels", texts.compare_kernels,
               "Print one table of this and other kernels instead: the six-operation kernel by\nevery strategy of the "
               "planner, attention planned and by hand [off]")
      ->disable_flag_override()
      ->group(group);
  app.add_flag("--no-progress", texts.no_progress, "No progress line on a terminal [off]")
      ->disable_flag_override()
      ->group(group);
}

std::optional<int> given(const char* flag, const std::string& text) {
  if (text.empty()) return std::nullopt;
  return parse_int(flag, text);
}

void check_files(const AttentionOptions& options) {
  const int given_inputs = static_cast<int>(!options.inputs[0].empty()) + static_cast<int>(!options.inputs[1].empty()) +
                           static_cast<int>(!options.inputs[2].empty());
  if (given_inputs != 0 && given_inputs != 3) throw UsageError("--q, --k and --v belong together: give all three or none");
  if (options.out == "-") throw UsageError("--out -: the output goes to a file only");
  if (options.log == "-") throw UsageError("--log -: the log goes to a file only");
}

AttentionOptions options_from(const CLI::App& app, const Texts& texts) {
  refuse_empty_values(app);
  AttentionOptions options;
  attention::Config& config = options.config;
  config.chip = chip_from(texts.arch);
  config.grid = grid_from(texts.grid, config.chip);
  options.shape = {given("--batch", texts.batch),
                   given("--heads", texts.heads),
                   given("--kv-heads", texts.kv_heads),
                   given("--seq", texts.seq),
                   given("--kv-seq", texts.kv_seq),
                   given("--dim", texts.dim),
                   texts.causal};
  config.q_chunk = given("--q-chunk", texts.q_chunk).value_or(0);
  config.k_chunk = given("--k-chunk", texts.k_chunk).value_or(0);
  config.read_batch = given("--read-batch", texts.read_batch).value_or(0);
  config.format = parse_tensor_format("--format", texts.format);
  config.compute = parse_compute(texts.compute);
  config.balance = static_cast<attention::Balance>(parse_word("--balance", texts.balance, {"zigzag", "contiguous"}));
  config.kv = static_cast<attention::KvDelivery>(
      parse_word("--kv", texts.kv, {"dram", "chain", "multicast-row", "multicast-grid", "auto"}));
  config.kv_cores = given("--kv-cores", texts.kv_cores).value_or(0);
  config.exp_accurate = parse_word("--exp", texts.exp, {"fast", "accurate"}) == 1;
  config.kernel = static_cast<attention::Kernel>(
      parse_word("--kernel", texts.kernel, {"hand-written", "planned", "multipass", "unfused"}));
  if (!texts.steps.empty()) {
    if (config.kernel != attention::Kernel::multipass) throw UsageError("--steps: goes with --kernel multipass");
    config.steps = attention::parse_steps(texts.steps);
  }
  options.seed = parse_unsigned("--seed", texts.seed);
  options.distribution =
      static_cast<attention::Distribution>(parse_word("--distribution", texts.distribution, {"normal", "outlier"}));
  options.inputs = {texts.q, texts.k, texts.v};
  options.out = texts.out;
  options.json = texts.json;
  options.log = texts.log;
  options.verify = parse_verify(texts.verify);
  options.split = texts.split;
  options.show_plan = texts.show_plan;
  options.compare_kernels = texts.compare_kernels;
  options.dry_run = texts.dry_run;
  if (options.dry_run) {
    for (const char* flag : {"--verify", "--out", "--q", "--k", "--v", "--compare-kernels"}) {
      if (app.count(flag) > 0) throw UsageError(fmt::format("{}: a dry run has no numbers, --dry-run goes without", flag));
    }
    options.verify = {VerifyMode::off};
  }
  if (options.compare_kernels) {
    for (const char* flag : {"--kernel", "--steps", "--show-plan", "--split", "--view", "--log", "--out", "--arch", "--set",
                             "--no-device-time"}) {
      if (app.count(flag) > 0) throw UsageError(fmt::format("{}: does not go with --compare-kernels", flag));
    }
  }
  if (options.show_plan && config.kernel != attention::Kernel::planned) {
    throw UsageError(
        fmt::format("--show-plan: the {} kernel has no plan, it goes with --kernel planned", name_of(config.kernel)));
  }
  options.architecture = architecture_from(app, texts.arch);
  if (options.compare_kernels) options.architecture.reset();
  options.view = parse_view(texts.view, options.architecture.has_value());
  options.progress = !texts.no_progress;
  options.shake = shake_from(texts.shake);
  options.checks = checks_from(texts.check);
  check_files(options);
  if (options.has_files() && (app.count("--seed") > 0 || app.count("--distribution") > 0)) {
    throw UsageError("--seed and --distribution are for random data: they do not go with --q, --k and --v");
  }
  return options;
}

std::string footer(const CLI::App& parent) {
  std::string text = "Figures for --view (device counts unless marked host, or time: of the replay):\n";
  std::string line = " ";
  for (const Metric& metric : metrics()) {
    const std::string word = " " + metric.name + (metric.host ? " (host)" : metric.device_time ? " (time)" : "");
    if (line.size() + word.size() > 110) {
      text += line + "\n";
      line = " ";
    }
    line += word;
  }
  return text + line + "\n\nExample: tilegrid attention --heads 8 --kv-heads 1 --seq 2560 --dim 128 --causal\n" +
         parent.get_footer();
}

}  // namespace

attention::Shape resolve_shape(const AttentionOptions::GivenShape& given) {
  attention::Shape shape;
  shape.batch = given.batch.value_or(1);
  shape.heads = given.heads.value_or(default_heads);
  shape.kv_heads = given.kv_heads.value_or(shape.heads);
  shape.seq_q = given.seq.value_or(default_seq);
  shape.seq_kv = given.kv_seq.value_or(shape.seq_q);
  shape.dim = given.dim.value_or(default_dim);
  shape.causal = given.causal;
  return shape;
}

namespace {

void add_flags(CLI::App& app, Texts& texts) {
  add_shape_flags(app, texts);
  add_device_flags(app, texts);
  add_shake_flag(app, texts.shake);
  add_data_flags(app, texts);
  add_arch_flags(app, texts.arch, true);
  add_check_flags(app, texts.check);
  add_report_flags(app, texts);
}

}  // namespace

AttentionOptions parse_attention(const std::vector<std::string>& arguments) {
  CLI::App app;
  Texts texts;
  add_flags(app, texts);
  parse_all(app, arguments);
  return options_from(app, texts);
}

Command add_attention_command(CLI::App& parent) {
  CLI::App* app =
      parent.add_subcommand("attention", "Run flash attention on the grid, verify it, report what every core did");
  app->allow_extras();
  auto texts = std::make_shared<Texts>();
  add_flags(*app, *texts);
  app->footer(footer(parent));
  return {app, [app, texts](Session& session) {
            if (texts->check.ask_for_help()) return print_checks(session);
            const AttentionOptions options = options_from(*app, *texts);
            SessionOptions run{.grid = options.config.grid, .checks = options.checks};
            run.shake = options.shake;
            run.chip = options.config.chip;
            run.deadlock_json = options.json;
            return session.run(run, [&](Device& device) {
              return options.compare_kernels ? compare_kernels(session, device, options)
                                             : run_attention(session, device, options);
            });
          }};
}

}  // namespace tilegrid::cli
