// SPDX-License-Identifier: Apache-2.0
// Planned graphs on several grids: right within the reference's bounds, and the same bits and logs on any number of ranks. A
// run with TILEGRID_HASHES_OUT=FILE writes its hashes there; with TILEGRID_HASHES_IN=FILE they are compared with the file's.
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/tile.h"
#include "kernels/attention/verify/samples.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/reference/judgement.h"
#include "kernels/planner/reference/reference.h"
#include "kernels/planner/run/fused_program.h"
#include "tests/support/result_hashes.h"
#include "tests/support/session_support.h"

namespace tilegrid::planner {
namespace {

using test::computed;
using test::Hash;
using test::Result;

struct Case {
  std::string preset;
  Strategy strategy = Strategy::best;
  Shape block{{2}, {2}};
  int inner = 0;
  int block_rows = 1;
  int block_cols = 1;
  float scale = 1;     ///< of the random inputs: so that most results have a bound
  bool exact = false;  ///< fp32 data, fp32 DST, HiFi4
  bool full_sync = false;
  int k_block = 0;
  bool block_floats = false;  ///< bfp8_b data
  bool half = false;          ///< fp16 data and DST
};

std::vector<Case> cases() {
  return {
      {.preset = "six-op", .block_rows = 3, .block_cols = 2, .scale = 0.3F},
      {.preset = "six-op", .strategy = Strategy::liveness, .block_rows = 2, .block_cols = 2, .scale = 0.3F},
      {.preset = "six-op", .strategy = Strategy::grid, .block_rows = 4, .block_cols = 4, .scale = 0.3F},
      {.preset = "six-op", .block = {{3}, {5}}, .inner = 4, .block_rows = 2, .scale = 0.2F, .k_block = 2},
      {.preset = "softmax", .block = {{2}, {4}}, .block_rows = 5},
      {.preset = "softmax", .strategy = Strategy::subblock, .block = {{1}, {3}}, .block_rows = 4, .exact = true},
      {.preset = "layer-norm", .strategy = Strategy::pipelined, .block_rows = 4},
      {.preset = "gelu", .block = {{3}, {3}}, .block_rows = 3, .block_cols = 3, .full_sync = true},
      {.preset = "attention-step", .block_rows = 3, .scale = 0.5F},
      {.preset = "rescale-accumulate", .block_rows = 2, .block_cols = 3, .exact = true},
      {.preset = "softmax", .block = {{2}, {4}}, .block_rows = 5, .block_floats = true},
      {.preset = "six-op",
       .block = {{3}, {5}},
       .inner = 4,
       .block_rows = 2,
       .scale = 0.2F,
       .k_block = 2,
       .block_floats = true},
      {.preset = "six-op",
       .strategy = Strategy::grid,
       .block_rows = 4,
       .block_cols = 4,
       .scale = 0.3F,
       .block_floats = true},
      {.preset = "softmax", .block = {{2}, {4}}, .block_rows = 3, .half = true},
      {.preset = "six-op", .block_rows = 3, .block_cols = 2, .scale = 0.3F, .half = true},
  };
}

struct GridCase {
  Case config;
  std::size_t number = 0;
  GridSize grid;
};

std::string name_of(const GridCase& c) {
  std::string name = c.config.preset + "_" + planner::name_of(c.config.strategy) + "_" + std::to_string(c.number) + "_" +
                     std::to_string(c.grid.x) + "x" + std::to_string(c.grid.y);
  for (char& letter : name) {
    if (letter == '-') letter = '_';
  }
  return name;
}
std::ostream& operator<<(std::ostream& out, const GridCase& c) { return out << name_of(c); }

/// Grids that have a core for every rank.
std::vector<GridCase> grid_cases() {
  const int ranks = test::session().info().size;
  std::vector<GridCase> out;
  const std::vector<Case> all = cases();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const GridSize grid : {GridSize{1, 1}, GridSize{3, 1}, GridSize{2, 4}, GridSize{8, 10}}) {
      if (grid.cores() >= ranks && (grid.cores() < 80 || i % 4 == 0)) out.push_back({all[i], i, grid});
    }
  }
  return out;
}

FusedJob job_of(const GridCase& c) {
  PlanRequest request;
  request.k_block = c.config.k_block;
  request.machine.full_sync = c.config.full_sync;
  if (c.config.block_floats) request.machine.format = DataFormat::bfp8_b;
  if (c.config.half) request.machine.format = DataFormat::fp16;
  if (c.config.exact) {
    request.machine.dst_fp32 = true;
    request.machine.format = DataFormat::fp32;
    request.machine.fidelity = Fidelity::hifi4;
  }
  Plan made = plan(preset_graph(c.config.preset, c.config.block, c.config.inner), c.config.strategy, request);
  EXPECT_TRUE(made.legal());
  return {.plan = std::move(made), .block_rows = c.config.block_rows, .block_cols = c.config.block_cols, .grid = c.grid};
}

Buffer buffer_for(Device& device, const FusedJob& job, ValueId value) {
  const std::uint32_t page = tile_bytes(job.plan.machine.format);
  return device.create_buffer(static_cast<std::uint64_t>(tensor_extent(job, value).tiles()) * page, page);
}

/// Random inputs, in DRAM.
std::vector<Tensor> upload(Device& device, const GridCase& c, const FusedJob& job, FusedTensors& tensors) {
  std::vector<Tensor> inputs;
  for (ValueId id = 0; id < job.plan.graph.input_count(); ++id) {
    const TensorExtent extent = tensor_extent(job, id);
    const auto count = static_cast<std::size_t>(extent.rows) * static_cast<std::size_t>(extent.cols);
    Tensor input{extent.rows, extent.cols, attention::random_samples(7, id, count, attention::Distribution::normal)};
    for (float& value : input.values) value *= c.config.scale;
    const Buffer buffer = buffer_for(device, job, id);
    std::vector<std::byte> tiles(buffer.bytes());
    tilize(input.values, extent.rows, extent.cols, job.plan.machine.format, tiles);
    device.write(buffer, tiles);
    tensors.inputs.push_back(buffer.address);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

/// What the device computed, against the reference; adds the numbers to the hash.
void check_output(Device& device, const FusedJob& job, ValueId value, const Buffer& buffer, const Evaluated& expected,
                  Hash& hash) {
  const TensorExtent extent = tensor_extent(job, value);
  std::vector<std::byte> tiles(buffer.bytes());
  device.read(buffer, std::span(tiles));
  Tensor output{extent.rows, extent.cols, {}};
  output.values.resize(static_cast<std::size_t>(extent.rows) * static_cast<std::size_t>(extent.cols));
  untilize(tiles, extent.rows, extent.cols, job.plan.machine.format, output.values);
  const Comparison compared = compare(expected, output);
  EXPECT_TRUE(compared.passed()) << job.plan.graph.value(value).name << ": worst ratio " << compared.worst_ratio << ", "
                                 << compared.not_finite << " not finite";
  EXPECT_LT(compared.undecided * 10, compared.elements);
  EXPECT_GT(compared.correlation, 0.99);
  hash.add(std::as_bytes(std::span(output.values)));
}

Result run_on(Device& device, const GridCase& c) {
  const FusedJob job = job_of(c);
  const std::vector<ValueId>& outputs = job.plan.graph.outputs();
  FusedTensors tensors;
  const std::vector<Tensor> inputs = upload(device, c, job, tensors);
  std::vector<Buffer> buffers;
  for (const ValueId id : outputs) {
    buffers.push_back(buffer_for(device, job, id));
    tensors.outputs.push_back(buffers.back().address);
  }
  const RunResult run = device.launch(make_program(job, tensors));
  const std::vector<Evaluated> expected = evaluate(job.plan.graph, inputs, error_model(job.plan.machine));
  Hash values;
  for (std::size_t i = 0; i < outputs.size(); ++i) check_output(device, job, outputs[i], buffers[i], expected[i], values);

  const RunLog log{job.grid, c.config.preset, {run.log}};
  EXPECT_EQ(check_log(log), std::vector<std::string>{});
  Hash logs;
  test::add_events(run.log, logs);
  for (const CoreCounters& core : run.cores) {
    EXPECT_EQ(core.ambiguous_waits, 0U);
    EXPECT_LE(core.dst_peak_slots, core.dst_capacity);
    EXPECT_EQ(core.dst_peak_slots, core.dst_sections > 0 ? static_cast<std::uint64_t>(job.plan.peak) : 0U);
  }
  return {values.value(), logs.value()};
}

class FusedEndToEnd : public testing::TestWithParam<GridCase> {
 protected:
  static void SetUpTestSuite() { register_kernels(); }
  static void TearDownTestSuite() { test::save_computed(); }
};

TEST_P(FusedEndToEnd, IsRightAndTheSameOnAnyNumberOfRanks) {
  Result result;
  const test::Outcome outcome =
      test::run_session(GetParam().grid, [&](Device& device) { result = run_on(device, GetParam()); });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  test::keep_and_compare(name_of(GetParam()), result);
}

INSTANTIATE_TEST_SUITE_P(Grids, FusedEndToEnd, testing::ValuesIn(grid_cases()),
                         [](const auto& instance) { return name_of(instance.param); });

TEST(FusedGrids, DoNotChangeTheOutput) {
  std::map<std::size_t, std::uint64_t> first_of_case;
  for (const GridCase& c : grid_cases()) {
    const auto found = computed().find(name_of(c));
    if (found == computed().end()) continue;
    EXPECT_EQ(first_of_case.emplace(c.number, found->second.output).first->second, found->second.output) << c;
  }
}

}  // namespace
}  // namespace tilegrid::planner
