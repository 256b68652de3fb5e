// SPDX-License-Identifier: Apache-2.0
// What the planned kernel is made of: its graphs, the circular buffers of its plans, and their way to the core.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "core/error.h"
#include "core/l1.h"
#include "kernels/attention/planned.h"
#include "tests/support/wormhole.h"

namespace tilegrid::attention {
namespace {

Config make(Shape shape, int q_chunk, int k_chunk, GridSize grid = {2, 2}) {
  Config config;
  config.kernel = Kernel::planned;
  config.shape = shape;
  config.q_chunk = q_chunk;
  config.k_chunk = k_chunk;
  config.grid = grid;
  return config;
}
const Shape causal_shape{1, 2, 1, 512, 512, 64, true};

const BoundPlan& step_of(const PlannedKernel& kernel, PlannedStep step) {
  return kernel.steps.at(static_cast<std::size_t>(step)).value();
}
std::set<PlannedStep> steps_of(const Config& config) {
  std::set<PlannedStep> steps;
  const PlannedKernel kernel = plan_kernel(config);
  for (std::size_t i = 0; i < kernel.steps.size(); ++i) {
    if (kernel.steps.at(i)) steps.insert(static_cast<PlannedStep>(i));
  }
  return steps;
}
std::string function_of(const planner::Graph& graph, const std::string& value) {
  const planner::Op& op = graph.op(graph.op_of(graph.find(value)));
  return op.function == nullptr ? "" : std::string(op.function->name);
}

TEST(PlannedAttention, PlansTheStepsThatOccur) {
  using enum PlannedStep;
  EXPECT_EQ(steps_of(make({1, 1, 1, 128, 64, 64, false}, 64, 64)), (std::set{first, normalise}));
  EXPECT_EQ(steps_of(make({1, 1, 1, 128, 256, 64, false}, 64, 64)), (std::set{first, later, normalise}));
  EXPECT_EQ(steps_of(make({1, 1, 1, 128, 250, 64, false}, 64, 64)), (std::set{first, later, later_masked, normalise}));
  EXPECT_EQ(steps_of(make({1, 1, 1, 128, 50, 64, false}, 64, 64)), (std::set{first_masked, normalise}));
  EXPECT_EQ(steps_of(make(causal_shape, 64, 64)), (std::set{first, first_masked, later, later_masked, normalise}));
}

TEST(PlannedAttention, RescalesByTheAccurateExponential) {
  Config config = make(causal_shape, 64, 64);
  for (const bool accurate : {false, true}) {
    config.exp_accurate = accurate;
    const planner::Graph graph = step_graph(config, PlannedStep::later);
    EXPECT_EQ(function_of(graph, "P"), accurate ? "exp" : "exp_fast");
    EXPECT_EQ(function_of(graph, "a"), "exp");
    EXPECT_FLOAT_EQ(graph.op(graph.op_of(graph.find("a"))).parameter, 0.125F);
  }
}

TEST(PlannedAttention, MasksAndEarlierOutputsCostNoSlotOfTheirOwn) {
  Config config = make(causal_shape, 64, 64);
  for (const bool wide : {false, true}) {
    config.compute.dst_fp32 = wide;
    const PlannedKernel kernel = plan_kernel(config);
    const planner::Graph& graph = step_of(kernel, PlannedStep::later_masked).plan.graph;
    const auto accumulates = [&](const char* value) { return graph.op(graph.op_of(graph.find(value))).accumulate; };
    for (const char* value : {"S", "m"}) EXPECT_TRUE(accumulates(value)) << value;
    // In a 16-bit slot the output would stop growing.
    EXPECT_EQ(accumulates("O"), wide);
    for (const auto& step : kernel.steps) EXPECT_LE(step->plan.peak, step->plan.machine.capacity());
  }
}

TEST(PlannedAttention, CarriesValuesBetweenTwoBuffers) {
  const PlannedKernel kernel = plan_kernel(make(causal_shape, 64, 64));
  const BoundPlan& step = step_of(kernel, PlannedStep::later);
  std::map<std::string, std::array<std::uint32_t, 2>> in;
  std::map<std::string, std::array<std::uint32_t, 2>> out;
  for (std::size_t i = 0; i < step.plan.buffers.size(); ++i) {
    const planner::PlanBuffer& buffer = step.plan.buffers[i];
    const std::array<std::uint32_t, 2> cbs{step.bindings[0][i].cb, step.bindings[1][i].cb};
    const bool pop = step.bindings[0][i].pop;
    if (buffer.role == planner::BufferRole::scaler) {
      EXPECT_FALSE(pop);
      continue;
    }
    const std::string& name = step.plan.graph.value(buffer.value).name;
    EXPECT_EQ(pop, name != "Q") << name;
    if (buffer.role == planner::BufferRole::input) in[name] = cbs;
    if (buffer.role == planner::BufferRole::output) out[name] = cbs;
    EXPECT_EQ(buffer.transposed, name == "K") << name;
  }
  EXPECT_EQ(in["m0"], (std::array<std::uint32_t, 2>{cb_max_a, cb_max_b}));
  EXPECT_EQ(out["m"], (std::array<std::uint32_t, 2>{cb_max_b, cb_max_a}));
  EXPECT_EQ(in["l0"], (std::array<std::uint32_t, 2>{cb_sum_a, cb_sum_b}));
  EXPECT_EQ(out["l"], (std::array<std::uint32_t, 2>{cb_sum_b, cb_sum_a}));
  EXPECT_EQ(in["O0"], (std::array<std::uint32_t, 2>{cb_accumulator_a, cb_accumulator_b}));
  EXPECT_EQ(out["O"], (std::array<std::uint32_t, 2>{cb_accumulator_b, cb_accumulator_a}));
}

TEST(PlannedAttention, BuffersHoldWhatIsBoundToThem) {
  for (const bool wide : {false, true}) {
    Config config = make(causal_shape, 96, 160);
    config.compute.dst_fp32 = wide;
    const PlannedKernel kernel = plan_kernel(config);
    std::map<std::uint32_t, CircularBufferConfig> by_id;
    for (const CircularBufferConfig& cb : kernel.circular_buffers) {
      EXPECT_TRUE(by_id.emplace(static_cast<std::uint32_t>(cb.id), cb).second) << cb.id << " twice";
    }
    EXPECT_LE(by_id.size(), 32U);
    for (const auto& step : kernel.steps) {
      for (std::size_t i = 0; i < step->plan.buffers.size(); ++i) {
        for (const auto& bindings : step->bindings) {
          const CircularBufferConfig& cb = by_id.at(bindings[i].cb);
          EXPECT_GE(static_cast<int>(cb.pages), step->plan.buffers[i].tiles) << cb.role;
          EXPECT_EQ(cb.format, step->plan.buffers[i].format) << cb.role;
        }
      }
    }
    EXPECT_EQ(by_id.at(cb_max_a).format, wide ? DataFormat::fp32 : DataFormat::bf16);
  }
}

TEST(PlannedAttention, ArgumentsSurviveTheirTransport) {
  const Config config = make(causal_shape, 96, 160);
  const auto bytes_of = [](const PlannedArguments& arguments) {
    std::ostringstream stream;
    cereal::BinaryOutputArchive archive(stream);
    archive(arguments);
    return stream.str();
  };
  const PlannedArguments sent{KernelArgs::from(config, {1, 2, 3, 4}).words(), plan_kernel(config).steps};
  const std::string bytes = bytes_of(sent);
  PlannedArguments got;
  std::istringstream stream(bytes);
  cereal::BinaryInputArchive archive(stream);
  archive(got);
  EXPECT_EQ(got.args, sent.args);
  EXPECT_EQ(bytes_of(got), bytes);
}

TEST(PlannedAttention, ProgramsOfOddChunksHaveRoomForTheirPlans) {
  for (const bool full_sync : {false, true}) {
    for (const auto& [q, k, dim] :
         {std::array{352, 352, 64}, {320, 160, 128}, {224, 224, 224}, {416, 224, 64}, {32, 256, 256}}) {
      Config config = make({1, 1, 1, 2048, 2048, dim, true}, q, k, {1, 1});
      config.compute.full_sync = full_sync;
      const Program program = make_program(config, {});
      EXPECT_LE(l1_bytes_needed(program), l1_bytes);
    }
  }
}

TEST(PlannedAttention, ChunksAreChosenByTheBuffersOfThePlans) {
  Config config = make({1, 1, 1, 2048, 2048, 256, false}, 0, 0, {1, 1});
  const Config planned = with_chunks(config);
  Program program;
  program.circular_buffers = circular_buffers(planned);
  EXPECT_LE(l1_bytes_needed(program), l1_bytes);
  config.kernel = Kernel::hand_written;
  config.q_chunk = planned.q_chunk;
  config.k_chunk = planned.k_chunk;
  program.circular_buffers = circular_buffers(config);
  EXPECT_LT(l1_bytes_needed(program), l1_bytes);

  config = make({1, 1, 1, 2048, 2048, 256, false}, 512, 512, {1, 1});
  EXPECT_THROW((void)with_chunks(config), UsageError);
}

TEST(PlannedAttention, OneSlotIsEnough) {
  Config config = make(causal_shape, 64, 64);
  config.compute.dst_capacity = 1;
  const PlannedKernel kernel = plan_kernel(config);
  for (const auto& step : kernel.steps) EXPECT_EQ(step->plan.peak, 1) << step->plan.graph.name;
}

}  // namespace
}  // namespace tilegrid::attention
