// SPDX-License-Identifier: Apache-2.0
// Plans on the emulated core where a form could lose what the listed operations keep: sums that begin in a 16-bit slot, and
// operations that move to a unit of less precision. Each with its twin that may lose it, and says how much.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/tile.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/planner/graph/expression.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/reference/judgement.h"
#include "kernels/planner/reference/reference.h"
#include "tests/kernels/planner/runs.h"
#include "tests/support/session_support.h"

namespace tilegrid::planner {
namespace {

constexpr GridSize grid{1, 1};

struct Outcome {
  double value = 0;  ///< the first element's
  double bound = 0;  ///< of the plan
};

/// The best plan of an expression over a block, with inputs of one value each. Passes the gate.
Outcome run(const std::string& text, Shape block, const Machine& machine, const std::map<std::string, double>& values) {
  register_kernels();
  PlanRequest request;
  request.machine = machine;
  FusedJob job = job_of(plan(parse_expression(text, {.block = block, .inner = 16}), Strategy::best, request));
  job.grid = grid;
  Outcome outcome{.bound = job.plan.error.bound};
  const test::Outcome ended = test::run_session(grid, [&](Device& device) {
    Tensors tensors(device, job);
    std::vector<Tensor> inputs;
    for (std::size_t i = 0; i < tensors.inputs.size(); ++i) {
      Matrix& input = tensors.inputs[i];
      const auto value = static_cast<float>(values.at(job.plan.graph.value(static_cast<ValueId>(i)).name));
      input.values.assign(input.values.size(), value);
      inputs.push_back({input.rows, input.cols, input.values});
    }
    const std::vector<Matrix> outputs = tensors.run();
    const std::vector<Evaluated> expected = evaluate(job.plan.graph, inputs, error_model(machine));
    const Comparison comparison = compare(expected[0], {outputs[0].rows, outputs[0].cols, outputs[0].values});
    EXPECT_TRUE(comparison.verified()) << text << ": " << outputs[0].values[comparison.worst];
    outcome.value = static_cast<double>(outputs[0].at(0, 0));
  });
  EXPECT_EQ(ended.code, 0) << ended.error;
  return outcome;
}

Machine machine(Precision precision, bool fp32 = false, DataFormat format = DataFormat::bf16) {
  Machine made;
  made.precision = precision;
  made.dst_fp32 = fp32;
  made.format = format;
  return made;
}

/// One that loses what it may, and no more than its plan says beyond the rounding of the listed form.
void expect_loss(const Outcome& outcome, double right, const std::string& what) {
  EXPECT_NE(outcome.value, right) << what;
  EXPECT_GT(outcome.bound, 0) << what;
  EXPECT_LE(std::fabs(outcome.value - right), (outcome.bound + 0x1p-8) * std::fabs(right)) << what;
}

TEST(Precision, SumsDoNotStopGrowing) {
  struct Case {
    const char* text;
    Shape block;
    std::map<std::string, double> values;
  };
  // 512 ones to 8192, whose last place in bf16 is 64: a tile's share of 32 is lost each time.
  const std::vector<Case> cases{
      {"O = x + a @ b", shape(1, 1), {{"x", 8192}, {"a", 1}, {"b", 1}}},
      {"O = a @ b + x", shape(1, 1), {{"x", 8192}, {"a", 1}, {"b", 1}}},
      {"l = l0[:, None] + rowsum(s)", shape(1, 16), {{"l0", 8192}, {"s", 1}}},
      {"l = colsum(s) + l0[None, :]", shape(16, 1), {{"l0", 8192}, {"s", 1}}},
  };
  for (const Case& c : cases) {
    const Outcome kept = run(c.text, c.block, machine(Precision::keep), c.values);
    EXPECT_EQ(kept.value, 8704) << c.text;
    EXPECT_EQ(kept.bound, 0) << c.text;
    EXPECT_EQ(run(c.text, c.block, machine(Precision::keep, true), c.values).value, 8704) << c.text;
    expect_loss(run(c.text, c.block, machine(Precision::allow_tf32), c.values), 8704, c.text);
  }
}

TEST(Precision, ProductsKeepTheirLastBit) {
  constexpr double last_bit = 1 + 0x1p-7;
  const std::map<std::string, double> values{{"a", 1}, {"b", last_bit}, {"z", 0}};
  for (const char* text : {"out = a * b", "out = exp(z) * b", "out = a * b[:, None]"}) {
    for (const bool fp32 : {false, true}) {
      const Outcome kept = run(text, shape(1, 1), machine(Precision::keep, fp32), values);
      EXPECT_EQ(kept.value, last_bit) << text;
      EXPECT_EQ(kept.bound, 0) << text;
    }
  }
  expect_loss(run("out = a * b", shape(1, 1), machine(Precision::allow_tf32), values), last_bit, "a * b");
  Machine enough = machine(Precision::keep);
  enough.fidelity = Fidelity::hifi4;
  EXPECT_EQ(run("out = a * b", shape(1, 1), enough, values).value, last_bit);
}

TEST(Precision, MaximaKeepTheirBits) {
  constexpr double fine = 1 + 0x1p-20;
  const char* text = "m = maximum(m0[:, None], rowmax(s))";
  const std::map<std::string, double> values{{"m0", fine}, {"s", 0.5}};
  const Outcome kept = run(text, shape(1, 2), machine(Precision::keep, true, DataFormat::fp32), values);
  EXPECT_EQ(kept.value, fine);
  EXPECT_EQ(kept.bound, 0);
  expect_loss(run(text, shape(1, 2), machine(Precision::allow_tf32, true, DataFormat::fp32), values), fine, text);
}

}  // namespace
}  // namespace tilegrid::planner

namespace tilegrid::attention {
namespace {

/// Queries and keys of 0 and values of 1: every weight is the same, and every result 1.
std::vector<float> mean_of_ones(const Config& config) {
  std::vector<float> out(static_cast<std::size_t>(config.shape.seq_q) * static_cast<std::size_t>(config.shape.dim));
  const test::Outcome ended = test::run_session(config.grid, [&](Device& device) {
    const auto upload = [&](int rows, float value) {
      const std::vector<float> values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(config.shape.dim), value);
      const std::uint32_t page = tile_bytes(config.format.out);
      std::vector<std::byte> packed(static_cast<std::size_t>(tiles_of(rows)) *
                                    static_cast<std::size_t>(tiles_of(config.shape.dim)) * page);
      tilize(values, rows, config.shape.dim, config.format.out, packed);
      const Buffer buffer = device.create_buffer(packed.size(), page);
      device.write(buffer, packed);
      return buffer;
    };
    const Buffer q = upload(config.shape.seq_q, 0);
    const Buffer k = upload(config.shape.seq_kv, 0);
    const Buffer v = upload(config.shape.seq_kv, 1);
    const Buffer o = device.create_buffer(q.bytes(), q.page_bytes);
    device.launch(make_program(config, {q.address, k.address, v.address, o.address}));
    std::vector<std::byte> packed(o.bytes());
    device.read(o, std::span(packed));
    untilize(packed, config.shape.seq_q, config.shape.dim, config.format.out, out);
  });
  EXPECT_EQ(ended.code, 0) << ended.error;
  return out;
}

TEST(Precision, RunningSumsOfAttentionDoNotStopGrowing) {
  register_kernels();
  for (const int keys : {16384, 32768}) {
    for (const bool wide : {false, true}) {
      if (keys > 16384 && wide) continue;
      Config config;
      config.shape = {1, 1, 1, 32, keys, 32, false};
      config.grid = {1, 1};
      config.q_chunk = 32;
      config.k_chunk = 512;
      config.compute.dst_fp32 = wide;
      config.exp_accurate = true;
      config.kernel = Kernel::hand_written;
      const std::vector<float> by_hand = mean_of_ones(config);
      config.kernel = Kernel::planned;
      const std::vector<float> planned = mean_of_ones(config);
      ASSERT_EQ(planned.size(), by_hand.size());
      for (std::size_t i = 0; i < planned.size(); ++i) {
        ASSERT_NEAR(planned[i], 1, 0x1p-6) << keys << " keys, element " << i;
        ASSERT_NEAR(planned[i], by_hand[i], 0x1p-7) << keys << " keys, element " << i;
      }
    }
  }
}

}  // namespace
}  // namespace tilegrid::attention
