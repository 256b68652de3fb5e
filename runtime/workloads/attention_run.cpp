// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/attention_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/planned.h"
#include "kernels/attention/unfused/unfused.h"
#include "kernels/planner/print/print_plan.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/check_arguments.h"
#include "runtime/data/npy.h"
#include "runtime/report/print_report.h"
#include "runtime/report/progress.h"
#include "runtime/report/report.h"
#include "runtime/report/report_json.h"
#include "runtime/report/run_report_json.h"
#include "runtime/workloads/attention_launch.h"
#include "runtime/workloads/delivery_choice.h"
#include "runtime/workloads/tensor_io.h"

namespace tilegrid::cli {
namespace {

using attention::Config;
using attention::Shape;

constexpr std::array<const char*, 3> input_flags{"--q", "--k", "--v"};

/// Before anything is computed, so that a typing error does not cost a run.
void check_paths(const AttentionOptions& options) {
  std::vector<NamedPath> outputs;
  if (!options.out.empty()) outputs.push_back({"--out", options.out});
  if (!options.json.empty() && !options.quiet()) outputs.push_back({"--json", options.json});
  if (!options.log.empty()) outputs.push_back({"--log", options.log});
  std::vector<NamedPath> inputs;
  for (std::size_t i = 0; options.has_files() && i < options.inputs.size(); ++i) {
    inputs.push_back({input_flags.at(i), options.inputs.at(i)});
  }
  check_output_files(outputs, inputs);
}

InputData load_files(const AttentionOptions& options, Shape& shape) {
  const DimensionRule four{4, 4, "four dimensions [batch, heads, seq, dim] are expected"};
  std::array<NpyArray, 3> arrays;
  for (std::size_t i = 0; i < arrays.size(); ++i) arrays.at(i) = load_input(input_flags.at(i), options.inputs.at(i), four);
  const auto& [q, k, v] = arrays;
  if (v.shape != k.shape) {
    throw UsageError(
        fmt::format("--v {}: shape {}, but K has {}", options.inputs[2], shape_text(v.shape), shape_text(k.shape)));
  }
  if (k.shape[0] != q.shape[0] || k.shape[3] != q.shape[3]) {
    throw UsageError(fmt::format("--k {}: shape {} has another batch or dim than Q with {}", options.inputs[1],
                                 shape_text(k.shape), shape_text(q.shape)));
  }
  check_flag("--batch", options.shape.batch, options.inputs[0], q.shape[0]);
  check_flag("--heads", options.shape.heads, options.inputs[0], q.shape[1]);
  check_flag("--seq", options.shape.seq, options.inputs[0], q.shape[2]);
  check_flag("--dim", options.shape.dim, options.inputs[0], q.shape[3]);
  check_flag("--kv-heads", options.shape.kv_heads, options.inputs[1], k.shape[1]);
  check_flag("--kv-seq", options.shape.kv_seq, options.inputs[1], k.shape[2]);
  shape = {static_cast<int>(q.shape[0]), static_cast<int>(q.shape[1]), static_cast<int>(k.shape[1]),
           static_cast<int>(q.shape[2]), static_cast<int>(k.shape[2]), static_cast<int>(q.shape[3]),
           options.shape.causal};
  return InputData({std::move(arrays[0].values), std::move(arrays[1].values), std::move(arrays[2].values)});
}

InputData prepare_inputs(const AttentionOptions& options, Shape& shape) {
  if (options.has_files()) return load_files(options, shape);
  shape = resolve_shape(options.shape);
  return {options.seed, options.distribution};
}

std::size_t elements(int a, int b, int c, int d) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c) *
         static_cast<std::size_t>(d);
}

struct Buffers {
  Buffer q, k, v, out;
};

/// All four: when DRAM is too small for one of them, nothing has been done yet.
Buffers create_buffers(Device& device, const Config& config) {
  const Shape& shape = config.shape;
  const std::uint32_t page = tile_bytes(config.format);
  const int q_heads = shape.batch * shape.heads;
  const int kv_heads = shape.batch * shape.kv_heads;
  const std::size_t q_bytes = matrix_bytes(q_heads, shape.seq_q, shape.dim, config.format);
  const std::size_t kv_bytes = matrix_bytes(kv_heads, shape.seq_kv, shape.dim, config.format);
  return {device.create_buffer(q_bytes, page), device.create_buffer(kv_bytes, page), device.create_buffer(kv_bytes, page),
          device.create_buffer(q_bytes, page)};
}

void upload_inputs(Device& device, const Config& config, InputData& inputs, const Buffers& buffers) {
  const Shape& shape = config.shape;
  const int q_heads = shape.batch * shape.heads;
  const int kv_heads = shape.batch * shape.kv_heads;
  upload_matrices(device, buffers.q, inputs.tensor(0, elements(q_heads, 1, shape.seq_q, shape.dim)), q_heads, shape.seq_q,
                  shape.dim, config.format);
  inputs.release(0);
  for (const int which : {1, 2}) {
    upload_matrices(device, which == 1 ? buffers.k : buffers.v,
                    inputs.tensor(which, elements(kv_heads, 1, shape.seq_kv, shape.dim)), kv_heads, shape.seq_kv, shape.dim,
                    config.format);
    inputs.release(which);
  }
  malloc_trim(0);  // the messages of the upload
}

void save_output(const std::string& path, const OutputTiles& output) {
  const Shape& shape = output.shape;
  std::vector<float> values;
  std::vector<float> head;
  values.reserve(elements(shape.batch, shape.heads, shape.seq_q, shape.dim));
  for (int i = 0; i < shape.batch * shape.heads; ++i) {
    output.head(i, head);
    values.insert(values.end(), head.begin(), head.end());
  }
  const std::array<std::int64_t, 4> extents{shape.batch, shape.heads, shape.seq_q, shape.dim};
  save_npy(path, extents, values);
}

attention::TensorAddresses tensor_addresses(const Buffers& buffers) {
  return {buffers.q.address, buffers.k.address, buffers.v.address, buffers.out.address};
}

void launch(Device& device, AttentionOutcome& outcome, const Buffers& buffers, bool keep_logs) {
  const std::vector<Program> programs =
      make_programs(device, outcome.config, tensor_addresses(buffers), outcome.options.dry_run);
  for (const Program& program : programs) {
    outcome.circular_buffers.insert(outcome.circular_buffers.end(), program.circular_buffers.begin(),
                                    program.circular_buffers.end());
  }
  Progress progress("attention", outcome.expected_matmul_tiles, outcome.options.progress);
  LaunchOptions launch_options;
  launch_options.dry = outcome.options.dry_run;
  launch_options.record_log = keep_logs || !outcome.options.log.empty() || outcome.options.architecture.has_value();
  launch_options.on_progress = [&](std::uint64_t done) { progress.update(done); };
  Launches launches = launch_in_order(device, programs, launch_options);
  outcome.result = std::move(launches.result);
  outcome.earlier_logs = std::move(launches.earlier_logs);
}

/// Two products of a multiplication and an addition for each query, key and element; half of them when causal, as is the
/// custom (attention.md 2.1).
double useful_flops(const attention::Shape& shape) {
  const double scores = static_cast<double>(shape.batch) * shape.heads * shape.seq_q * shape.seq_kv;
  return 4 * scores * shape.dim / (shape.causal ? 2 : 1);
}

/// Saves and replays the event logs, as far as the options say, and drops them unless they are to be kept.
void use_logs(AttentionOutcome& outcome, bool keep_logs) {
  const AttentionOptions& options = outcome.options;
  if (options.log.empty() && !options.architecture) return;
  RunLog log{outcome.config.grid, one_line_summary(outcome), std::move(outcome.earlier_logs)};
  log.launches.push_back(std::move(outcome.result.log));
  log.useful_flops = useful_flops(outcome.config.shape);
  if (!options.log.empty()) save_log(log, options.log);
  if (options.architecture) outcome.device = replay_run(log, *options.architecture);
  outcome.result.log = keep_logs ? std::move(log.launches.back()) : LaunchLog{};
  log.launches.pop_back();
  outcome.earlier_logs = keep_logs ? std::move(log.launches) : std::vector<LaunchLog>{};
}

/// FNV-1a of 64 bits.
std::uint64_t hash_of(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const std::byte b : bytes) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001B3U;
  return hash;
}

/// Gets the output, verifies it and saves it, as far as the options say.
void use_output(Device& device, AttentionOutcome& outcome, InputData& inputs, const Buffers& buffers) {
  OutputTiles output{outcome.config.shape, outcome.config.format, std::vector<std::byte>(buffers.out.bytes())};
  device.read(buffers.out, output.bytes);
  malloc_trim(0);
  if (outcome.options.hash_output) outcome.output_hash = hash_of(output.bytes);
  if (outcome.options.verify.mode != VerifyMode::off) {
    outcome.verification = verify(device, outcome.config, outcome.options.verify, inputs, output);
    outcome.verify_seconds = outcome.verification->seconds;
    for (std::size_t rank = 0; rank < outcome.result.ranks.size(); ++rank) {
      auto& resident = outcome.result.ranks[rank].resident_bytes;
      resident = std::max(resident, outcome.verification->resident_bytes[rank]);
    }
  }
  inputs.discard();
  if (!outcome.options.out.empty()) save_output(outcome.options.out, output);
}

/// Verdict and loop nest of every step; the multi-pass kernel's steps.
std::string plans_text(const AttentionOutcome& outcome) {
  if (outcome.config.kernel == attention::Kernel::multipass) {
    return fmt::format("\nSteps of the multi-pass kernel: {}\n", text_of(outcome.config.steps));
  }
  if (!outcome.options.show_plan) return {};
  std::string text;
  const attention::PlannedKernel kernel = attention::plan_kernel(outcome.config);
  for (std::size_t i = 0; i < kernel.steps.size(); ++i) {
    if (!kernel.steps.at(i)) continue;
    const planner::Plan& plan = kernel.steps.at(i)->plan;
    text += fmt::format("\nPlan of a Q chunk's {}: {}\n{}", name_of(static_cast<attention::PlannedStep>(i)),
                        planner::verdict(plan), planner::loop_nest(plan));
  }
  return text;
}

nlohmann::ordered_json plans_json(const Config& config) {
  nlohmann::ordered_json plans = nlohmann::ordered_json::object();
  const attention::PlannedKernel kernel = attention::plan_kernel(config);
  for (std::size_t i = 0; i < kernel.steps.size(); ++i) {
    if (!kernel.steps.at(i)) continue;
    plans[name_of(static_cast<attention::PlannedStep>(i))] = planner::plan_json(kernel.steps.at(i)->plan);
  }
  return plans;
}

void print_reports(const AttentionOutcome& outcome) {
  print_report(
      outcome.options.json, [&] { return text_report(outcome) + plans_text(outcome); },
      [&] {
        nlohmann::ordered_json report = json_report(outcome);
        if (outcome.config.kernel == attention::Kernel::planned) report["plans"] = plans_json(outcome.config);
        if (outcome.config.kernel == attention::Kernel::multipass) report["steps"] = text_of(outcome.config.steps);
        return report;
      });
}

/// Products with a column of ones, which add up row sums: at the end or in every K step. The planned and the unfused kernel
/// have none.
std::uint64_t sum_tiles_of(const Config& config, int chunk) {
  using attention::Kernel;
  using attention::Step;
  const auto sq = static_cast<std::uint64_t>(config.q_chunk / tile_side);
  const auto sk = static_cast<std::uint64_t>(config.k_chunk / tile_side);
  const bool multipass = config.kernel == Kernel::multipass;
  if (config.kernel == Kernel::hand_written || (multipass && config.steps.has(Step::packer_sum))) return sq;
  if (!multipass || !config.steps.has(Step::matmul_sum)) return 0;
  return static_cast<std::uint64_t>(attention::k_chunks_of(config, chunk)) * sq * sk;
}

}  // namespace

std::uint64_t matmul_tiles_of(const Config& config, const std::vector<std::vector<attention::WorkItem>>& split) {
  const auto sq = static_cast<std::uint64_t>(config.q_chunk / tile_side);
  const auto sk = static_cast<std::uint64_t>(config.k_chunk / tile_side);
  const auto dim = static_cast<std::uint64_t>(config.shape.dim / tile_side);
  std::uint64_t tiles = 0;
  for (const auto& items : split) {
    for (const attention::WorkItem& item : items) {
      tiles += static_cast<std::uint64_t>(attention::k_chunks_of(config, item.chunk)) * 2 * sq * sk * dim;
      tiles += sum_tiles_of(config, item.chunk);
    }
  }
  return tiles;
}

AttentionOutcome attention_outcome(const Session& session, Device& device, const AttentionOptions& options, bool keep_logs) {
  // The allocator gives large blocks back to the system when they are freed; by default it stops doing so after the first,
  // and the memory of tensors that are gone would count on.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  const auto start = std::chrono::steady_clock::now();
  check_paths(options);
  AttentionOutcome outcome;
  outcome.options = options;
  Config config = options.config;
  InputData inputs = prepare_inputs(options, config.shape);
  outcome.q_chunk_chosen = config.q_chunk == 0;
  outcome.k_chunk_chosen = config.k_chunk == 0;
  if (config.kernel == attention::Kernel::unfused) {
    attention::validate(config);
    unfused::check_dram(config);
  }
  outcome.config = options.chunks_for_all ? attention::with_chunks_for_all(config) : attention::with_chunks(config);
  outcome.grid = outcome.config.grid;
  const Buffers buffers = create_buffers(device, outcome.config);
  if (config.kv == attention::KvDelivery::automatic) {
    outcome.candidates = delivery_candidates(device, config, tensor_addresses(buffers), options);
    outcome.config = best_of(outcome.candidates);
  }
  outcome.split = attention::split_work(outcome.config);
  outcome.expected_matmul_tiles = matmul_tiles_of(outcome.config, outcome.split);
  outcome.options.verify = resolve(options.verify, outcome.config.shape);
  outcome.ranks = device.ranks();
  outcome.shake = options.shake;
  outcome.transport = session.uses_mpi() ? "MPI messages" : "in process";

  if (!options.dry_run) upload_inputs(device, outcome.config, inputs, buffers);
  launch(device, outcome, buffers, keep_logs);
  use_logs(outcome, keep_logs);
  if (!options.dry_run) use_output(device, outcome, inputs, buffers);
  outcome.total_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

int run_attention(const Session& session, Device& device, const AttentionOptions& options) {
  return with_json_twin(options.json, options.config.grid, [&] {
    const AttentionOutcome outcome = attention_outcome(session, device, options);
    print_reports(outcome);
    const bool passed = !outcome.verification || outcome.verification->passed;
    return static_cast<int>(passed ? ExitCode::ok : ExitCode::mismatch);
  });
}

}  // namespace tilegrid::cli
