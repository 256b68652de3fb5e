// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/fused.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/fidelity_name.h"
#include "core/stopwatch.h"
#include "core/tile.h"
#include "kernels/attention/verify/samples.h"
#include "kernels/planner/print/print_plan.h"
#include "kernels/planner/run/plan_to_run.h"
#include "runtime/data/tensors.h"
#include "runtime/progress.h"
#include "runtime/report/table.h"
#include "runtime/workloads/comparison.h"

namespace tilegrid::workloads {
namespace {

using planner::Graph;
using planner::Plan;
using planner::Tensor;
using planner::TensorExtent;
using planner::ValueId;
using report::Member;
using report::Value;

constexpr int most_side = 1 << 20;  ///< elements of a tensor's side

std::string input_flag(const std::string& name) { return fmt::format("--in {}=", name); }

void check_names(const Graph& graph, const char* flag, const NamedFiles& files, const std::vector<ValueId>& values,
                 const char* what) {
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const ValueId id : values) names.push_back(graph.value(id).name);
  for (const auto& [name, path] : files) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw UsageError(
        fmt::format("{} {}={}: the graph has no such {}; it has {}", flag, name, path, what, fmt::join(names, ", ")));
  }
}

/// A user's tensors by name.
std::map<std::string, NpyArray> load_files(Workload& workload, const NamedFiles& files, DataFormat format) {
  std::map<std::string, NpyArray> arrays;
  for (const auto& [name, path] : files) {
    const DimensionRule rule{1, 2, "two dimensions are expected, or one for a vector", true};
    const NpyArray& array = arrays.emplace(name, workload.load(input_flag(name), path, rule)).first->second;
    // The exponent that 16 neighbours share would be infinity's.
    const auto masked = std::find_if(array.values.begin(), array.values.end(), [](float x) { return std::isinf(x); });
    const bool has_infinity = !is_block_float(format) && format != DataFormat::fp16;
    if (has_infinity || masked == array.values.end()) continue;
    throw UsageError(fmt::format(
        "{}{}: -inf at {}, which block floats and fp16 do not have; use --format bf16 or fp32, or in its place a number "
        "such as -1e9",
        input_flag(name), path, place_text(static_cast<std::size_t>(masked - array.values.begin()), array.shape)));
  }
  return arrays;
}

std::string source_of(const NamedFiles& files, const std::string& name) {
  const auto file = files.find(name);
  return file == files.end() ? std::string() : file->second;
}

}  // namespace

About Fused::about() const {
  return {.name = "fused",
          .summary = "Run a planned block of tile operations over whole tensors, and verify it",
          .examples = preset_list() +
                      "\nExamples: tilegrid fused --preset six-op\n"
                      "          tilegrid fused --preset six-op --strategy naive --sync full --force\n",
          .sweep_examples =
              "Example: tilegrid sweep fused --preset six-op --block 2x2,4x4 --strategy subblock,pipelined,best\n"};
}

void Fused::declare(Flags& flags) {
  request.declare(flags);
  flags.in("Run").add("--strategy", "Whose plan to run: naive, liveness, subblock, pipelined, grid, best [$]", strategy,
                      strategy_names());
  flags.add_switch("--force", "Run a refused plan, too: it ends with the emulated core's own error", force).no_fact();
  flags.add("--tensor", "ROWSxCOLS",
            "Elements of the first output, whole blocks [what the --in files say, else\none block a core]",
            [&](const Given& given) {
              tensor = parse_pair(given.text);
              if (tensor && tensor->first <= most_side && tensor->second <= most_side) return;
              given.refuse(fmt::format("rows and columns from 1 to {} elements are expected, as in 640x512", most_side));
            });
  flags.in("Data");
  flags
      .add("--in", "NAME=FILE",
           "An input from a .npy of floats, C order, [rows, cols], or [n] for\na vector; may be repeated. "
           "The others are random, N(0,1)",
           inputs)
      .reads()
      .of_data()
      .no_fact();
  flags.add("--out", "NAME=FILE", "Write an output there: .npy, float32, [rows, cols]; may be repeated [none]", outputs)
      .writes()
      .of_data()
      .no_fact()
      .of_one_run();
  flags.add("--seed", "N", "Of the random inputs [$]", seed).of_data();
  flags.add("--scale", "X", "What random inputs are multiplied by [$]", scale).of_data();
  static const EnumNames<VerifyMode> off_or_full{{"off", VerifyMode::off}, {"full", VerifyMode::full}};
  flags.in("Report");
  flags
      .add(std::string(verify_flag),
           fmt::format("Compare with double precision and its error bounds: full or off [full up to\n{:.0e} "
                       "multiply-adds, else off]",
                       fused_verification_limit),
           verify, off_or_full)
      .of_data()
      .no_fact();
}

void Fused::check() {
  if (options.dry_run) verify = VerifyMode::off;
  request.check(flags());
}

void Fused::prepare(Device& device) {
  request.plan.machine.chip = options.chip;
  graph = request.load();
  check_names(graph, "`in`", inputs, graph.inputs(), "input");
  check_names(graph, "`out`", outputs, graph.outputs(), "output");
  job.plan = planner::plan_to_run(graph, strategy, request.plan, force, "--force runs it all the same");
  job.grid = options.grid;
  arrays_ = load_files(*this, inputs, job.plan.machine.format);
  std::map<std::string, planner::GivenInput> given;
  for (const auto& [name, array] : arrays_) {
    given.emplace(name, given_input(graph, name, array.shape, input_flag(name) + inputs.at(name)));
  }
  std::array<planner::WantedExtent, 2> wanted{told_by(given, graph, 0), told_by(given, graph, 1)};
  if (tensor) {
    const std::string flag = fmt::format("`tensor` {}x{}", tensor->first, tensor->second);
    wanted = {{{tensor->first, flag}, {tensor->second, flag}}};
  }
  planner::choose_blocks(graph, wanted, job);
  const Graph& planned = job.plan.graph;
  for (const ValueId id : planned.inputs()) input_extents.push_back(planner::tensor_extent(job, id));
  for (const ValueId id : planned.outputs()) output_extents.push_back(planner::tensor_extent(job, id));
  check_given(given, job);
  multiply_adds = planner::multiply_adds(job);
  const planner::Machine& machine = job.plan.machine;
  const auto create = [&](const TensorExtent& extent, DataFormat format) {
    return Matrices::create(device, 1, extent.rows, extent.cols, format);
  };
  for (const TensorExtent& extent : input_extents) input_buffers_.push_back(create(extent, machine.format));
  for (const TensorExtent& extent : output_extents) output_buffers_.push_back(create(extent, machine.out_format()));
}

std::vector<Program> Fused::programs(Device&) {
  planner::FusedTensors addresses;
  for (const Matrices& buffer : input_buffers_) addresses.inputs.push_back(buffer.address());
  for (const Matrices& buffer : output_buffers_) addresses.outputs.push_back(buffer.address());
  return {planner::make_program(job, addresses)};
}

void Fused::upload(Device& device) {
  for (const ValueId id : job.plan.graph.inputs()) {
    const Matrices& buffer = input_buffers_[id];
    Tensor& tensor = tensors_.emplace_back(Tensor{buffer.rows, buffer.columns, {}});
    if (const auto file = arrays_.find(job.plan.graph.value(id).name); file != arrays_.end()) {
      tensor.values = std::move(file->second.values);
    } else {
      tensor.values = attention::random_samples(seed, id, buffer.elements(), attention::Distribution::normal);
      for (float& value : tensor.values) value = scale == 1 ? value : static_cast<float>(scale * value);
    }
    buffer.upload(device, tensor.values);
  }
}

void Fused::finish(Device& device, report::RunOutcome& outcome) {
  const Plan& plan = job.plan;
  std::vector<Tensor> results;
  for (const Matrices& buffer : output_buffers_) results.push_back({buffer.rows, buffer.columns, buffer.download(device)});
  if (verify == VerifyMode::full || (verify == VerifyMode::choose && multiply_adds <= fused_verification_limit)) {
    const Stopwatch watch;
    Progress line(name(), static_cast<std::uint64_t>(multiply_adds), options.progress, "multiply-adds verified");
    const auto expected = planner::evaluate(plan.graph, tensors_, planner::error_model(plan.machine),
                                            [&](std::uint64_t done) { line.update(done); });
    passed = true;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const planner::Comparison& one = verification.emplace_back(planner::compare(expected[i], results[i]));
      if (!accuracy || accuracy->relative_l2 < one.relative_l2) accuracy = accuracy_of(one);
      if (one.verified()) continue;
      if (*passed)
        mismatch = fmt::format("output {}: {}", plan.graph.value(plan.graph.outputs()[i]).name,
                               tally_text(one, {results[i].rows, results[i].cols}));
      passed = false;
    }
    outcome.verify_seconds = watch.seconds();
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string path = source_of(outputs, plan.graph.value(plan.graph.outputs()[i]).name);
    save_tensor(path, {results[i].rows, results[i].cols}, results[i].values);
  }
  verify_seconds_ = outcome.verify_seconds.value_or(0);
}

std::string Fused::line() const {
  const planner::Machine& machine = job.plan.machine;
  const ComputeConfig compute{machine.fidelity, machine.dst_fp32, machine.full_sync};
  return fmt::format("fused {} strategy {} block {} blocks {}x{} {} grid {}", planner::graph_operations(graph),
                     name_of(strategy), text_of(job.plan.block), job.block_rows, job.block_cols,
                     numbers_line(planner::format_text(machine), compute), report::text_of(options.grid));
}

Value Fused::tensor_figures() const {
  const Graph& planned = job.plan.graph;
  const auto list = [&](const std::vector<ValueId>& ids, const std::vector<TensorExtent>& extents, const NamedFiles& files) {
    report::Array all;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::string& name = planned.value(ids[i]).name;
      all.push_back({{"name", name},
                     {"rows", extents[i].rows},
                     {"cols", extents[i].cols},
                     {"file", report::text_or_null(source_of(files, name))}});
    }
    return all;
  };
  return {{"inputs", list(planned.inputs(), input_extents, inputs)},
          {"outputs", list(planned.outputs(), output_extents, outputs)}};
}

/// "A 64x64 (a.npy), B 64x64 -> C 64x64; random normal, seed 0"
std::string Fused::tensors_text(const Value& tensors) const {
  std::string text;
  for (const Member& side : tensors.members()) {
    const char* before = side.name == "inputs" ? "" : " -> ";
    for (const Value& one : side.value.list()) {
      text += fmt::format("{}{} {}x{}", before, one["name"].text(), one["rows"].count(), one["cols"].count());
      if (side.name == "inputs" && !one["file"].is_null()) text += fmt::format(" ({})", one["file"].text());
      before = ", ";
    }
  }
  if (options.dry_run) return text + "; no data";
  if (inputs.size() < input_extents.size()) {
    text += fmt::format("; random normal, seed {}", seed);
    if (scale != 1) text += fmt::format(", scale {}", scale);
  }
  return text;
}

void Fused::describe_config(report::Document& document) const {
  planner::Machine machine = job.plan.machine;
  machine.any_sync = false;  // it has been chosen
  Value& facts = document.figures["config"];
  facts["forced"] = !job.plan.legal();
  facts["block"] = text_of(job.plan.block);
  facts["block_rows"] = job.block_rows;
  facts["block_cols"] = job.block_cols;
  facts["tensors"] = tensor_figures();
  facts["fidelity"] = name_of(machine.fidelity);
  facts["dst"] = dst_names().of(machine.dst_fp32);
  facts["sync"] = sync_names().of(machine.full_sync);
  facts["dst_capacity"] = machine.capacity();
  document.add("graph", planner::graph_signature(graph));
  document.add("", planner::graph_operations(graph), true);
  document.add("tensors", tensors_text(facts["tensors"]));
  document.add("machine", planner::machine_text(machine), true);
  document.add("blocks", fmt::format("{} tiles, {} x {} of them; {} to {} a core", facts["block"].text(),
                                     facts["block_rows"].count(), facts["block_cols"].count(),
                                     work_of(job.grid.cores() - 1)["blocks"].count(), work_of(0)["blocks"].count()));
}

Value Fused::verification_figures() const {
  Value figures{{"passed", *passed}, {"outputs", report::Array()}, {".seconds", verify_seconds_}};
  for (std::size_t i = 0; i < verification.size(); ++i) {
    const std::string& name = job.plan.graph.value(job.plan.graph.outputs()[i]).name;
    figures["outputs"].push(comparison_figures(name, verification[i], output_extents[i].cols));
  }
  return figures;
}

/// Of a verification: text, and the line of the first screen. Where elements are no numbers, or can't be judged, that one
/// has all of it, too.
static void describe_verification(const Value& verify, report::Document& document) {
  const report::Array& outputs = verify["outputs"].list();
  std::string& text = document.verification;
  text = fmt::format("\nVerification against double precision: {:.2f} s\n", verify[".seconds"].number());
  std::string accounts;
  bool open = false, plain = verify["passed"].truth();
  double farthest = 0;
  for (const Value& one : outputs) {
    text += comparison_text(one);
    accounts += accounts.empty() ? "" : "; ";
    accounts += (outputs.size() > 1 ? one["name"].text() + ": " : "") + one[".account"].text();
    const std::uint64_t unjudged = one["undecided"].count() + one["undefined"].count() + one["beyond"].count();
    open = open || unjudged >= one["elements"].count();
    plain = plain && unjudged == 0;
    farthest = std::max(farthest, one["relative_l2"].number());
  }
  if (open) accounts += "; try a smaller --scale";
  text += gate_text("every element within its bound", accounts, verify["passed"].truth());
  if (plain) document.verdict = fmt::format("each element within its bound, relative L2 {:.3g}", farthest);
}

void Fused::describe(report::Document& document) const {
  describe_config(document);
  const Plan& plan = job.plan;
  document.plan = fmt::format("\nPlan {}: {}  modelled: {:.0f} cycles from block to block, bound by {}\n",
                              name_of(plan.strategy), planner::verdict(plan), plan.cost.interval, plan.cost.bound());
  document.figures["plan"] = report::from_json(planner::plan_json_text(plan));
  Value& verify_figures = document.figures["verify"];
  if (passed) {
    verify_figures = verification_figures();
    describe_verification(verify_figures, document);
  } else if (verify != VerifyMode::off) {
    document.verification =
        fmt::format("\nVerification: not verified, {:.1e} multiply-adds are more than {:.0e} (--verify full does it)\n",
                    multiply_adds, fused_verification_limit);
  }
}

Value Fused::work_of(int core) const { return {{"blocks", planner::blocks_of_core(job, core)}}; }

std::vector<Choice> Fused::choices() const {
  return {{"block", "block", text_of(job.plan.block)},
          {"blocks", "blocks", fmt::format("{}x{}", job.block_rows, job.block_cols)}};
}

}  // namespace tilegrid::workloads
