// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/fused_run.h"
#include "runtime/cli/check_arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/planner/print/print_plan.h"
#include "runtime/cli/arguments.h"
#include "runtime/data/attention_data.h"
#include "runtime/data/npy.h"
#include "runtime/report/fused_report.h"
#include "runtime/report/print_report.h"
#include "runtime/report/progress.h"
#include "runtime/report/run_report_json.h"

namespace tilegrid::cli {
namespace {

using planner::Graph;
using planner::Plan;
using planner::Tensor;
using planner::TensorExtent;
using planner::ValueId;

std::string input_flag(const std::string& name) { return fmt::format("--in {}=", name); }

/// Before anything is computed, so that a typing error does not cost a run.
void check_paths(const FusedOptions& options) {
  std::vector<NamedPath> outputs;
  for (const auto& [name, path] : options.outputs) outputs.push_back({fmt::format("--out {}:", name), path});
  if (!options.json.empty() && !options.quiet()) outputs.push_back({"--json", options.json});
  if (!options.log.empty()) outputs.push_back({"--log", options.log});
  std::vector<NamedPath> inputs;
  if (!options.graph.file.empty()) inputs.push_back({"--graph", options.graph.file});
  for (const auto& [name, path] : options.inputs) inputs.push_back({fmt::format("--in {}", name), path});
  check_output_files(outputs, inputs);
}

std::vector<std::string> names_of(const Graph& graph, const std::vector<ValueId>& values) {
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const ValueId id : values) names.push_back(graph.value(id).name);
  return names;
}
std::vector<std::string> input_names(const Graph& graph) {
  std::vector<ValueId> ids(static_cast<std::size_t>(graph.input_count()));
  std::iota(ids.begin(), ids.end(), ValueId{0});
  return names_of(graph, ids);
}

void check_names(const char* flag, const std::map<std::string, std::string>& files, const std::vector<std::string>& names,
                 const char* what) {
  for (const auto& [name, path] : files) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw UsageError(
        fmt::format("{} {}={}: the graph has no such {}; it has {}", flag, name, path, what, fmt::join(names, ", ")));
  }
}

/// The plan, or the error that says why there is none.
Plan plan_or_refuse(const Graph& graph, const FusedOptions& options) {
  const planner::Machine& machine = options.graph.plan.machine;
  if (const auto given = machine.capacity_override) {
    planner::Machine mode = machine;
    mode.capacity_override.reset();
    if (*given > mode.capacity()) {
      throw UsageError(fmt::format(
          "a DST capacity of {} is asked for, a section of {} has {} slots: `tilegrid plan` takes more, a core does not",
          *given, planner::dst_mode(mode), mode.capacity()));
    }
  }
  Plan plan = planner::plan(graph, options.strategy, options.graph.plan);
  if (plan.legal()) return plan;
  const planner::Refusal& refusal = *plan.refusal;
  const bool runs =
      std::any_of(plan.stages.begin(), plan.stages.end(), [](const planner::Stage& stage) { return !stage.runs.empty(); });
  if (options.force && runs) return plan;
  std::string text = fmt::format("strategy {}: {} ({})", name_of(options.strategy), refusal.reason, dst_mode(plan.machine));
  if (!refusal.account.empty()) text += fmt::format(": {}", planner::account_text(refusal.account));
  if (!refusal.at.empty()) text += fmt::format(", at {}", refusal.at);
  if (!refusal.fits.empty()) text += fmt::format("; would fit: {}", refusal.fits);
  text += options.force ? "; nothing of it can be run" : "; --force runs it all the same";
  throw KernelError(text);
}

/// A user's tensors by name.
std::map<std::string, NpyArray> load_files(const FusedOptions& options) {
  std::map<std::string, NpyArray> arrays;
  for (const auto& [name, path] : options.inputs) {
    NpyArray array = load_npy(path);
    const std::string shape = fmt::format("[{}]", fmt::join(array.shape, ", "));
    if (array.shape.empty() || array.shape.size() > 2) {
      throw UsageError(
          fmt::format("{}{}: shape {}, two dimensions are expected, or one for a vector", input_flag(name), path, shape));
    }
    for (const std::int64_t extent : array.shape) {
      if (extent < 1 || extent > std::numeric_limits<int>::max()) {
        throw UsageError(fmt::format("{}{}: shape {}, no extent may be {}", input_flag(name), path, shape, extent));
      }
    }
    const auto bad = std::count_if(array.values.begin(), array.values.end(), [](float v) { return !std::isfinite(v); });
    if (bad > 0) throw UsageError(fmt::format("{}{}: {} values are NaN or infinite", input_flag(name), path, bad));
    arrays.emplace(name, std::move(array));
  }
  return arrays;
}

/// Rows and columns of the arrays; a dimension alone is that of the vector that the graph has there.
std::map<std::string, FileExtent> extents_of(const Graph& graph, const FusedOptions& options,
                                             const std::map<std::string, NpyArray>& arrays) {
  std::map<std::string, FileExtent> extents;
  for (const auto& [name, array] : arrays) {
    const planner::Shape shape = graph.value(graph.find(name)).shape;
    const std::string& path = options.inputs.at(name);
    FileExtent extent{path, static_cast<int>(array.shape[0]), 1};
    if (array.shape.size() == 2) {
      extent.cols = static_cast<int>(array.shape[1]);
    } else if (!shape.cols.unit) {
      if (!shape.rows.unit) {
        throw UsageError(
            fmt::format("{}{}: shape [{}], but '{}' is no vector", input_flag(name), path, array.shape[0], name));
      }
      std::swap(extent.rows, extent.cols);
    }
    extents.emplace(name, extent);
  }
  return extents;
}

void check_extents(const FusedOutcome& outcome, const std::map<std::string, FileExtent>& files) {
  const Graph& graph = outcome.job.plan.graph;
  for (const auto& [name, file] : files) {
    const ValueId id = graph.find(name);
    if (id == planner::no_value || !graph.is_input(id)) continue;
    const TensorExtent& wanted = outcome.inputs[static_cast<std::size_t>(id)];
    if (wanted.rows == file.rows && wanted.cols == file.cols) continue;
    throw UsageError(fmt::format("{}{}: {}x{} elements, but '{}' has {}x{} here", input_flag(name), file.path, file.rows,
                                 file.cols, name, wanted.rows, wanted.cols));
  }
}

std::size_t elements_of(const TensorExtent& extent) {
  return static_cast<std::size_t>(extent.rows) * static_cast<std::size_t>(extent.cols);
}

std::vector<Tensor> make_inputs(const FusedOutcome& outcome, std::map<std::string, NpyArray>& arrays) {
  const Graph& graph = outcome.job.plan.graph;
  std::vector<Tensor> tensors;
  for (ValueId id = 0; id < graph.input_count(); ++id) {
    const TensorExtent& extent = outcome.inputs[static_cast<std::size_t>(id)];
    Tensor tensor{extent.rows, extent.cols, {}};
    if (const auto file = arrays.find(graph.value(id).name); file != arrays.end()) {
      tensor.values = std::move(file->second.values);
    } else {
      tensor.values =
          attention::random_samples(outcome.options.seed, id, elements_of(extent), attention::Distribution::normal);
      if (outcome.options.scale != 1) {
        for (float& value : tensor.values) value = static_cast<float>(outcome.options.scale * static_cast<double>(value));
      }
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

struct Buffers {
  std::vector<Buffer> inputs, outputs;
};

/// All of them before anything is written: when DRAM is too small for one, nothing has been done yet.
Buffers create_buffers(Device& device, const FusedOutcome& outcome) {
  const std::uint32_t page = tile_bytes(outcome.job.plan.machine.format);
  const auto create = [&](const std::vector<TensorExtent>& extents) {
    std::vector<Buffer> buffers;
    for (const TensorExtent& extent : extents) {
      const std::uint64_t tiles =
          static_cast<std::uint64_t>(extent.tile_rows) * static_cast<std::uint64_t>(extent.tile_cols);
      buffers.push_back(device.create_buffer(tiles * page, page));
    }
    return buffers;
  };
  Buffers buffers;
  buffers.inputs = create(outcome.inputs);
  buffers.outputs = create(outcome.outputs);
  return buffers;
}

Program program_for(const FusedOutcome& outcome, const Buffers& buffers) {
  planner::FusedTensors tensors;
  for (const Buffer& buffer : buffers.inputs) tensors.inputs.push_back(buffer.address);
  for (const Buffer& buffer : buffers.outputs) tensors.outputs.push_back(buffer.address);
  return planner::make_program(outcome.job, tensors);
}

void upload(Device& device, const FusedOutcome& outcome, const Buffers& buffers, const std::vector<Tensor>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::vector<std::byte> tiles(buffers.inputs[i].bytes());
    tilize(inputs[i].values, inputs[i].rows, inputs[i].cols, outcome.job.plan.machine.format, tiles);
    device.write(buffers.inputs[i], tiles);
  }
}

std::vector<Tensor> download(Device& device, const FusedOutcome& outcome, const Buffers& buffers) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < buffers.outputs.size(); ++i) {
    const TensorExtent& extent = outcome.outputs[i];
    std::vector<std::byte> tiles(buffers.outputs[i].bytes());
    device.read(buffers.outputs[i], std::span(tiles));
    Tensor tensor{extent.rows, extent.cols, std::vector<float>(elements_of(extent))};
    untilize(tiles, extent.rows, extent.cols, outcome.job.plan.machine.format, tensor.values);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

void launch(Device& device, FusedOutcome& outcome, const Program& program) {
  Progress progress("fused", outcome.expected_matmul_tiles, outcome.options.progress);
  LaunchOptions options;
  options.record_log = !outcome.options.log.empty() || outcome.options.architecture.has_value();
  options.on_progress = [&](std::uint64_t done) { progress.update(done); };
  outcome.result = device.launch(program, options);
}

/// A plan may have cut the block along a dimension that the first output does not have: then nobody would do the rest.
void check_cuts(const FusedOutcome& outcome) {
  const Graph& graph = outcome.job.plan.graph;
  planner::FusedJob whole;
  whole.plan.graph = outcome.graph;
  const planner::Shape asked = whole.plan.graph.value(whole.plan.graph.outputs().front()).shape;
  const planner::Shape cut = graph.value(graph.outputs().front()).shape;
  whole.block_rows = outcome.job.block_rows * cut.rows.tiles / asked.rows.tiles;
  whole.block_cols = outcome.job.block_cols * cut.cols.tiles / asked.cols.tiles;
  for (std::size_t i = 0; i < outcome.outputs.size(); ++i) {
    const TensorExtent extent = planner::tensor_extent(whole, outcome.graph.outputs()[i]);
    const TensorExtent& covered = outcome.outputs[i];
    if (extent.rows == covered.rows && extent.cols == covered.cols) continue;
    throw UsageError(fmt::format(
        "strategy {}: cuts output '{}' where the first output, '{}', is not cut: {}x{} of its {}x{} elements would be "
        "computed; list '{}' first",
        name_of(outcome.options.strategy), graph.value(graph.outputs()[i]).name, graph.value(graph.outputs().front()).name,
        covered.rows, covered.cols, extent.rows, extent.cols, graph.value(graph.outputs()[i]).name));
  }
}

/// Products that the blocks' matmuls make, in tiles; multiply-adds of an evaluation over whole tensors.
void count_work(FusedOutcome& outcome) {
  const planner::FusedJob& job = outcome.job;
  const Graph& graph = job.plan.graph;
  for (int op = 0; op < static_cast<int>(graph.ops().size()); ++op) {
    const planner::Op& one = graph.op(op);
    const auto elements = static_cast<double>(elements_of(planner::tensor_extent(job, graph.result_of(op))));
    const TensorExtent first = planner::tensor_extent(job, one.in[0]);
    if (one.kind != planner::OpKind::matmul) {
      outcome.multiply_adds += std::max(elements, static_cast<double>(elements_of(first)));
      continue;
    }
    const planner::Shape shape = graph.value(graph.result_of(op)).shape;
    outcome.multiply_adds += elements * first.cols;
    outcome.expected_matmul_tiles += static_cast<std::uint64_t>(job.block_rows) *
                                     static_cast<std::uint64_t>(job.block_cols) * static_cast<std::uint64_t>(shape.tiles()) *
                                     static_cast<std::uint64_t>(graph.value(one.in[0]).shape.cols.tiles);
  }
}

void verify(FusedOutcome& outcome, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) {
  const bool small = outcome.multiply_adds <= fused_verification_limit;
  const bool full = outcome.options.verify == FusedOptions::Verify::full;
  if (outcome.options.verify == FusedOptions::Verify::off || (!small && !full)) return;
  const auto start = std::chrono::steady_clock::now();
  const Plan& plan = outcome.job.plan;
  const auto expected = planner::evaluate(plan.graph, inputs, planner::error_model(plan.machine));
  FusedVerification result;
  for (std::size_t i = 0; i < outputs.size(); ++i) result.outputs.push_back(planner::compare(expected[i], outputs[i]));
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  outcome.verify_seconds = result.seconds;
  outcome.verification = std::move(result);
}

void save_files(FusedOutcome& outcome, const std::vector<Tensor>& outputs) {
  const Graph& graph = outcome.job.plan.graph;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto file = outcome.options.outputs.find(graph.value(graph.outputs()[i]).name);
    if (file == outcome.options.outputs.end()) continue;
    const std::array<std::int64_t, 2> shape{outputs[i].rows, outputs[i].cols};
    save_npy(file->second, shape, outputs[i].values);
  }
}

void use_log(FusedOutcome& outcome) {
  const FusedOptions& options = outcome.options;
  if (options.log.empty() && !options.architecture) return;
  const RunLog log{outcome.grid, one_line_summary(outcome), {std::move(outcome.result.log)}};
  outcome.result.log = {};
  if (!options.log.empty()) save_log(log, options.log);
  if (options.architecture) outcome.device = replay_run(log, *options.architecture);
}

}  // namespace

bool FusedVerification::passed() const {
  return std::all_of(outputs.begin(), outputs.end(),
                     [](const planner::Comparison& one) { return one.passed() && one.undecided < one.elements; });
}

namespace {

int run_checked(const Session& session, Device& device, const FusedOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  check_paths(options);
  FusedOutcome outcome;
  outcome.options = options;
  outcome.grid = options.grid;
  outcome.ranks = device.ranks();
  outcome.shake = options.shake;
  outcome.transport = session.uses_mpi() ? "MPI messages" : "in process";
  outcome.graph = load_graph(outcome.options.graph);
  check_names("--in", options.inputs, input_names(outcome.graph), "input");
  check_names("--out", options.outputs, names_of(outcome.graph, outcome.graph.outputs()), "output");
  planner::FusedJob& job = outcome.job;
  job.plan = plan_or_refuse(outcome.graph, outcome.options);
  job.grid = options.grid;
  std::map<std::string, NpyArray> arrays = load_files(options);
  const std::map<std::string, FileExtent> files = extents_of(outcome.graph, options, arrays);
  choose_blocks(outcome.graph, options.tensor, files, job);
  const Graph& graph = job.plan.graph;
  for (ValueId id = 0; id < graph.input_count(); ++id) outcome.inputs.push_back(planner::tensor_extent(job, id));
  for (const ValueId id : graph.outputs()) outcome.outputs.push_back(planner::tensor_extent(job, id));
  check_cuts(outcome);
  check_extents(outcome, files);
  count_work(outcome);

  const Buffers buffers = create_buffers(device, outcome);
  const Program program = program_for(outcome, buffers);
  outcome.circular_buffers = program.circular_buffers;
  const std::vector<Tensor> inputs = make_inputs(outcome, arrays);
  upload(device, outcome, buffers, inputs);
  launch(device, outcome, program);
  const std::vector<Tensor> outputs = download(device, outcome, buffers);
  verify(outcome, inputs, outputs);
  save_files(outcome, outputs);
  use_log(outcome);
  outcome.total_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  print_report(
      options.json, [&] { return text_report(outcome); }, [&] { return json_report(outcome); });
  const bool passed = !outcome.verification || outcome.verification->passed();
  return static_cast<int>(passed ? ExitCode::ok : ExitCode::mismatch);
}

}  // namespace

int run_fused(const Session& session, Device& device, const FusedOptions& options) {
  return with_json_twin(options.json, options.grid, [&] { return run_checked(session, device, options); });
}

}  // namespace tilegrid::cli
