// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/planned.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>

#include "core/error.h"
#include "core/ids.h"
#include "core/tile.h"
#include "kernels/api/circular_buffer.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/paging.h"
#include "kernels/planner/plan/planner.h"

namespace tilegrid::attention {
namespace {

using planner::BufferRole;
using planner::Graph;
using planner::ValueId;

constexpr std::size_t words_of_a_kind = 341;  // tensix.md 1.1

struct Sizes {
  int q = 0, k = 0, dim = 0, v_dim = 0;  ///< tiles
};
Sizes sizes_of(const Config& config) {
  return {config.q_chunk / tile_side, config.k_chunk / tile_side, config.shape.dim_t(), config.shape.v_dim_t()};
}

planner::Shape block(int rows, int cols) { return {{rows, false}, {cols, false}}; }
planner::Shape column(int rows) { return {{rows, false}, {1, true}}; }

/// m, l, O of the step; with `later` merged with m0, l0, O0 of the steps before. Row sums are 32 columns wide until the end.
Graph k_step_graph(const Config& config, bool later, bool masked) {
  const Sizes size = sizes_of(config);
  const auto scale = static_cast<float>(config.shape.score_scale());
  Graph graph;
  const ValueId q = graph.input("Q", block(size.q, size.dim));
  const ValueId k = graph.input("K", block(size.k, size.dim));
  const ValueId v = graph.input("V", block(size.k, size.v_dim));
  const ValueId mask = masked ? graph.input("mask", block(size.q, size.k)) : planner::no_value;
  const ValueId m0 = later ? graph.input("m0", column(size.q)) : planner::no_value;
  const ValueId l0 = later ? graph.input("l0", block(size.q, 1)) : planner::no_value;
  const ValueId o0 = later ? graph.input("O0", block(size.q, size.v_dim)) : planner::no_value;

  ValueId s = graph.matmul(q, k, true, planner::no_value, masked ? "QK" : "S");
  if (masked) s = graph.apply("add", {s, mask}, 0, "S");
  ValueId m = graph.reduce(Pool::max, ReduceDim::row, s, planner::no_value, later ? "rowmax" : "m");
  if (later) m = graph.apply("maximum", {m0, m}, 0, "m");
  const ValueId difference = graph.apply("sub", {s, m}, 0, "S-m");
  const ValueId p = graph.apply(config.exp_accurate ? "exp" : "exp_fast", {difference}, scale, "P");
  ValueId l = graph.tile_sum(ReduceDim::row, p, later ? "ls" : "l");
  ValueId o = graph.matmul(p, v, false, planner::no_value, later ? "PV" : "O");
  if (later) {
    const ValueId change = graph.apply("sub", {m0, m}, 0, "m0-m");
    const ValueId a = graph.apply("exp", {change}, scale, "a");
    l = graph.apply("add", {graph.apply("mul", {l0, a}, 0, "l0*a"), l}, 0, "l");
    o = graph.apply("add", {graph.apply("mul", {o0, a}, 0, "O0*a"), o}, 0, "O");
    for (const ValueId sum : {l, o}) graph.set_running(sum);
  }
  for (const ValueId output : {m, l, o}) graph.output(output);
  graph.finish();
  return graph;
}

Graph normalise_graph(const Config& config) {
  const Sizes size = sizes_of(config);
  Graph graph;
  const ValueId l = graph.input("l", block(size.q, 1));
  const ValueId o = graph.input("O", block(size.q, size.v_dim));
  const ValueId sum = graph.reduce(Pool::sum, ReduceDim::row, l, planner::no_value, "sum");
  const ValueId r = graph.apply("recip", {sum}, 0, "r");
  graph.output(graph.apply("mul", {o, r}, 0, "out"));
  graph.finish();
  return graph;
}

/// The core as the planner sees it, without a limit of L1: chunks are chosen such that all buffers fit together, and if the
/// planner cut K once more the reader would not agree with it.
planner::Machine machine_of(const Config& config) {
  planner::Machine machine;
  machine.chip = config.chip;
  machine.dst_fp32 = config.compute.dst_fp32;
  machine.full_sync = config.compute.full_sync;
  if (config.compute.dst_capacity > 0) machine.capacity_override = config.compute.dst_capacity;
  machine.fidelity = config.compute.fidelity;
  machine.precision = planner::Precision::allow_tf32;
  // What the graphs call inputs and outputs are mostly values that go from step to step; those are never block floats.
  machine.format = config.format == DataFormat::fp32 ? DataFormat::fp32 : DataFormat::bf16;
  machine.l1_bytes = std::numeric_limits<std::uint64_t>::max();
  return machine;
}

/// Which steps the Q chunks have. Masked chunks are the last ones of those that a Q chunk visits.
std::array<bool, planned_step_count> steps_that_occur(const Config& config) {
  std::array<bool, planned_step_count> occur{};
  occur.at(to_underlying(PlannedStep::normalise)) = true;
  const KernelArgs args = KernelArgs::from(config, {});
  for (std::uint32_t q = args.blind_chunks(); q < args.q_chunks; ++q) {
    const std::uint32_t last = args.visited_chunks(q) - 1;
    for (const std::uint32_t j : {0U, std::min(1U, last), last}) {
      occur.at(to_underlying(k_step(j != 0, args.masked(q, j)))) = true;
    }
  }
  return occur;
}

/// CBs that reader and writer know, and what is carried from step to step; the same in both kernels.
std::vector<CircularBufferConfig> fixed_buffers(const Config& config) {
  const Sizes size = sizes_of(config);
  const DataFormat inner = machine_of(config).intermediate_format();
  std::vector<CircularBufferConfig> buffers;
  const auto add = [&](CbIndex id, int pages, DataFormat format, const char* role) {
    buffers.push_back(CircularBufferConfig::of_tiles(id, pages, format, role));
  };
  add(cb_q, size.q * size.dim * (most_items(config) > 1 ? 2 : 1), config.format.q, "Q");
  add(cb_k, size.k * size.dim * 2, config.format.k, "K");
  add(cb_v, size.k * size.v_dim * 2, config.format.v, "V");
  if (needs_mask(config)) add(cb_mask, size.q * size.k * 2, DataFormat::bfp4_b, "mask");
  add(cb_scaler, 1, DataFormat::bf16, "scaler");
  if (blind_chunks_of(config) > 0) add(cb_zeros, 1, config.format.out, "zeros");
  add(cb_ones_column, 1, DataFormat::bf16, "ones column");
  if (config.kv_page > 0) buffers.push_back(page_table_buffer(config));
  add(cb_out, size.q * size.v_dim, config.format.out, "output");
  add(cb_accumulator_a, size.q * size.v_dim, inner, "output accumulator A");
  add(cb_accumulator_b, size.q * size.v_dim, inner, "output accumulator B");
  add(cb_max_a, size.q, inner, "max A");
  add(cb_max_b, size.q, inner, "max B");
  add(cb_sum_a, size.q, inner, "sum A");
  add(cb_sum_b, size.q, inner, "sum B");
  return buffers;
}

/// Chooses the CB of each buffer of a plan.
class Binder {
 public:
  explicit Binder(const Config& config) : config_(config), buffers_(fixed_buffers(config)) {}

  BoundPlan bind(planner::Plan plan, PlannedStep step) {
    BoundPlan bound;
    for (std::size_t i = 0; i < plan.buffers.size(); ++i) {
      planner::PlanBuffer& buffer = plan.buffers[i];
      check(plan, buffer);
      const std::array<std::uint32_t, 2> cbs = cbs_of(plan, buffer, step);
      for (std::size_t turn = 0; turn < cbs.size(); ++turn) {
        // Q stays for all K steps, the scaler for the whole run.
        const bool pop = cbs.at(turn) != cb_q && buffer.role != BufferRole::scaler;
        bound.bindings.at(turn).push_back({cbs.at(turn), pop});
      }
      buffer.format = config_of(cbs[0]).format;
      buffer.copies = static_cast<int>(config_of(cbs[0]).pages) / buffer.tiles;
    }
    bound.plan = std::move(plan);
    return bound;
  }
  [[nodiscard]] std::vector<CircularBufferConfig> buffers() const { return buffers_; }

 private:
  /// The reader has placed the tiles already.
  static void check(const planner::Plan& plan, const planner::PlanBuffer& buffer) {
    const bool is_k = buffer.role == BufferRole::input && plan.graph.value(buffer.value).name == "K";
    if (buffer.streamed || buffer.transposed != is_k) {
      throw std::logic_error(fmt::format("attention: the plan of '{}' wants '{}' in another order than the reader's",
                                         plan.graph.name, plan.graph.value(buffer.value).name));
    }
  }

  [[nodiscard]] const CircularBufferConfig& config_of(int cb) const {
    return *std::find_if(buffers_.begin(), buffers_.end(), [=](const auto& buffer) { return buffer.id == cb; });
  }

  /// By turn.
  std::array<std::uint32_t, 2> cbs_of(const planner::Plan& plan, const planner::PlanBuffer& buffer, PlannedStep step) {
    if (buffer.role == BufferRole::scaler) return {cb_scaler, cb_scaler};
    const std::string& name = plan.graph.value(buffer.value).name;
    if (buffer.role == BufferRole::intermediate) {
      const std::uint32_t cb = shared_cb(name, buffer.tiles);
      return {cb, cb};
    }
    static const std::map<std::string, std::uint32_t> fixed{
        {"Q", cb_q}, {"K", cb_k}, {"V", cb_v}, {"mask", cb_mask}, {"out", cb_out}};
    if (const auto found = fixed.find(name); found != fixed.end()) return {found->second, found->second};
    static const std::map<char, std::array<std::uint32_t, 2>> carried{
        {'m', {cb_max_a, cb_max_b}}, {'l', {cb_sum_a, cb_sum_b}}, {'O', {cb_accumulator_a, cb_accumulator_b}}};
    const std::array<std::uint32_t, 2> pair = carried.at(name.front());
    const bool read = buffer.role == BufferRole::input || step == PlannedStep::normalise;
    return read ? pair : std::array<std::uint32_t, 2>{pair[1], pair[0]};
  }

  /// One CB for all values of a name, as large as the largest of them.
  int shared_cb(const std::string& name, std::uint32_t pages) {
    const auto [found, added] = shared_.try_emplace(name, 0);
    if (added) {
      found->second = free_cb(name);
      const DataFormat inner = machine_of(config_).intermediate_format();
      buffers_.push_back(CircularBufferConfig::of_tiles(found->second, pages, inner, name));
    }
    for (CircularBufferConfig& buffer : buffers_) {
      if (buffer.id == found->second) buffer.pages = std::max(buffer.pages, pages);
    }
    return found->second;
  }
  int free_cb(const std::string& name) const {
    for (int id = 0; id < 32; ++id) {
      const bool reserved = id == cb_mask;  // only there when a mask is needed
      const bool taken = std::any_of(buffers_.begin(), buffers_.end(), [=](const auto& b) { return b.id == id; });
      if (!reserved && !taken) return id;
    }
    throw UsageError(fmt::format("attention: no circular buffer is left for '{}', a core has 32", name));
  }

  const Config& config_;
  std::vector<CircularBufferConfig> buffers_;
  std::map<std::string, int> shared_;
};

}  // namespace

const char* name_of(PlannedStep step) {
  constexpr const char* names[planned_step_count] = {"first K step", "first K step, masked", "K step", "K step, masked",
                                                     "normalise"};
  return names[to_underlying(step)];
}

Graph step_graph(const Config& config, PlannedStep step) {
  Graph graph;
  if (step == PlannedStep::normalise) {
    graph = normalise_graph(config);
  } else {
    const bool later = step == PlannedStep::later || step == PlannedStep::later_masked;
    const bool masked = step == PlannedStep::first_masked || step == PlannedStep::later_masked;
    graph = k_step_graph(config, later, masked);
  }
  graph.name = name_of(step);
  return graph;
}

PlannedKernel plan_kernel(const Config& config) {
  const planner::PlanRequest request{.machine = machine_of(config), .passes = false};
  const std::array<bool, planned_step_count> occur = steps_that_occur(config);
  Binder binder(config);
  PlannedKernel kernel;
  for (std::size_t i = 0; i < occur.size(); ++i) {
    if (!occur.at(i)) continue;
    const auto step = static_cast<PlannedStep>(i);
    planner::Plan plan = planner::plan(step_graph(config, step), planner::Strategy::best, request);
    if (!plan.legal()) {
      throw UsageError(fmt::format("attention, {}: {}", name_of(step), plan.refusal->reason));
    }
    kernel.steps.at(i) = binder.bind(std::move(plan), step);
  }
  kernel.circular_buffers = binder.buffers();
  return kernel;
}

double planned_cycles(const Config& config, const PlannedKernel& kernel) {
  const KernelArgs args = KernelArgs::from(config, {});
  const auto cost = [&](PlannedStep step) { return kernel.steps.at(to_underlying(step)).value().plan.cost.compute; };
  double cycles = 0;
  for (const auto& items : split_work(config)) {
    for (const WorkItem& item : items) {
      const std::uint32_t chunk = item.chunk;
      for (std::uint32_t j = 0; j < args.visited_chunks(chunk); ++j) cycles += cost(k_step(j != 0, args.masked(chunk, j)));
      cycles += cost(PlannedStep::normalise);
    }
  }
  return cycles;
}

std::vector<CircularBufferConfig> expected_planned_buffers(const Config& config) {
  std::vector<CircularBufferConfig> buffers = fixed_buffers(config);
  const Sizes size = sizes_of(config);
  const DataFormat inner = machine_of(config).intermediate_format();
  int id = 8;
  const auto add = [&](int pages, const char* role) {
    buffers.push_back(CircularBufferConfig::of_tiles(id++, pages, inner, role));
  };
  add(size.q * size.k, "S");
  add(size.q * size.k, "P");
  // A running output that can't begin the matmul's slots is added to its result.
  const bool several_steps = config.shape.seq_kv > config.k_chunk;
  if (several_steps && !machine_of(config).folds().running_sums) add(size.q * size.dim, "PV");
  for (const char* role : {"m", "ls", "a", "r"}) add(size.q, role);
  return buffers;
}

}  // namespace tilegrid::attention
