// SPDX-License-Identifier: Apache-2.0
// What a plan's forms cost against the operations as they are listed, and that nothing is paid where precision is kept.
#include "kernels/planner/plan/form_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/fidelity_name.h"
#include "kernels/planner/graph/expression.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/plan/planner.h"
#include "tests/kernels/planner/random_graphs.h"

namespace tilegrid::planner {
namespace {

Shape tiles(int rows, int cols) { return {{rows, false}, {cols, false}}; }

struct Mode {
  Precision precision = Precision::keep;
  bool fp32 = false;
  Fidelity fidelity = Fidelity::hifi2;
  DataFormat format = DataFormat::bf16;
};

PlanRequest request_of(const Mode& mode) {
  PlanRequest request;
  request.machine.precision = mode.precision;
  request.machine.dst_fp32 = mode.fp32;
  request.machine.fidelity = mode.fidelity;
  request.machine.format = mode.format;
  return request;
}
Plan best(const std::string& text, const Mode& mode, Shape block = tiles(1, 1), int inner = 16) {
  return plan(parse_expression(text, {.block = block, .inner = inner}), Strategy::best, request_of(mode));
}

bool accumulates(const Plan& plan) {
  const auto& ops = plan.graph.ops();
  return std::any_of(ops.begin(), ops.end(), [](const Op& op) { return op.accumulate; });
}
bool uses(const Plan& plan, Action action) {
  for (const Stage& stage : plan.stages) {
    for (const Run& run : stage.runs) {
      for (const Instruction& instruction : run.body) {
        if (instruction.action == action) return true;
      }
    }
  }
  return false;
}
bool multiplies_on_the_fpu(const Plan& plan) { return uses(plan, Action::fpu_binary) || uses(plan, Action::dest_reuse); }

TEST(FormError, SumsBeginInA16BitSlotOnlyWhenAllowed) {
  for (const char* text : {"O = x + a @ b", "O = a @ b + c @ d"}) {
    const Plan kept = best(text, {});
    EXPECT_FALSE(accumulates(kept)) << text;
    EXPECT_EQ(kept.error.bound, 0) << text;
    EXPECT_TRUE(kept.error.costs.empty()) << text;
    const Plan allowed = best(text, {.precision = Precision::allow_tf32});
    EXPECT_TRUE(accumulates(allowed)) << text;
    // 16 tiles of K: 15 roundings of x more than the one of the listed sum.
    EXPECT_NEAR(allowed.error.bound, 15.0 / 256, 1e-3) << text;
    ASSERT_FALSE(allowed.error.costs.empty()) << text;
    EXPECT_EQ(allowed.error.costs.front().operation, "O");
    EXPECT_EQ(allowed.error.costs.front().why, "begins in a 16-bit slot, rounded 16 times");
  }
}

TEST(FormError, SoDoReductions) {
  for (const auto& [text, block] :
       {std::pair{"l = l0[:, None] + rowsum(s)", tiles(1, 16)}, std::pair{"l = l0[None, :] + colsum(s)", tiles(16, 1)}}) {
    EXPECT_FALSE(accumulates(best(text, {}, block))) << text;
    const Plan allowed = best(text, {.precision = Precision::allow_tf32}, block);
    EXPECT_TRUE(accumulates(allowed)) << text;
    EXPECT_NEAR(allowed.error.bound, 15.0 / 256, 1e-3) << text;
  }
  // A maximum rounds nothing.
  const Plan maximum = best("m = maximum(m0[:, None], rowmax(s))", {}, tiles(1, 16));
  EXPECT_TRUE(accumulates(maximum));
  EXPECT_EQ(maximum.error.bound, 0);
}

TEST(FormError, A32BitSlotHoldsSumsAsBefore) {
  for (const char* text : {"O = x + a @ b", "O = a @ b + c @ d"}) {
    const Plan kept = best(text, {.fp32 = true});
    EXPECT_TRUE(accumulates(kept)) << text;
    EXPECT_GT(kept.error.bound, 0) << text;
    EXPECT_LT(kept.error.bound, 1e-4) << text;
  }
}

TEST(FormError, AMaximumIsNotCutToTf32) {
  const char* text = "m = maximum(m0[:, None], rowmax(s))";
  EXPECT_FALSE(accumulates(best(text, {.fp32 = true, .format = DataFormat::fp32})));
  EXPECT_TRUE(accumulates(best(text, {.fp32 = true})));  // m0 is bf16
  const Plan cut = best(text, {.precision = Precision::allow_tf32, .fp32 = true, .format = DataFormat::fp32});
  EXPECT_TRUE(accumulates(cut));
  EXPECT_GE(cut.error.bound, 0x1p-10);
  // Two reductions' maxima have no more places than the unit sees.
  const char* two = "m = maximum(rowmax(t), rowmax(s))";
  const Plan both = best(two, {.fp32 = true, .format = DataFormat::fp32});
  EXPECT_TRUE(accumulates(both));
  EXPECT_EQ(both.error.bound, 0);
}

TEST(FormError, ProductsStayOnTheSfpuBelowTheFidelityTheyNeed) {
  for (const bool fp32 : {false, true}) {
    for (const Fidelity fidelity : {Fidelity::lofi, Fidelity::hifi2, Fidelity::hifi3, Fidelity::hifi4}) {
      for (const char* text : {"out = a * b", "out = a * c[:, None]", "out = c[:, None] * a"}) {
        const Plan kept = best(text, {.fp32 = fp32, .fidelity = fidelity});
        EXPECT_EQ(kept.error.bound, 0) << text;
        // bf16 has one bit more than SrcB shows in the first two passes, and HiFi3's last one multiplies 5 places by it.
        EXPECT_EQ(multiplies_on_the_fpu(kept), fidelity == Fidelity::hifi4) << text << " " << tilegrid::name_of(fidelity);
        const Plan allowed = best(text, {.precision = Precision::allow_tf32, .fp32 = fp32, .fidelity = fidelity});
        EXPECT_TRUE(multiplies_on_the_fpu(allowed)) << text;
        EXPECT_EQ(allowed.error.bound > 0, fidelity != Fidelity::hifi4) << text << " " << tilegrid::name_of(fidelity);
      }
    }
  }
  EXPECT_NEAR(best("out = a * b", {.precision = Precision::allow_tf32}).error.bound, 0x1p-6, 1e-9);
  // Block floats have 7 places.
  EXPECT_TRUE(multiplies_on_the_fpu(best("out = a * b", {.format = DataFormat::bfp8_b})));
  // A sum does not depend on the fidelity.
  EXPECT_TRUE(uses(best("out = a + b", {.fidelity = Fidelity::lofi}), Action::fpu_binary));
}

TEST(FormError, ErrorsAreHandedOn) {
  const Mode allowed{.precision = Precision::allow_tf32};
  const double one = best("y = a * b", allowed).error.bound;
  EXPECT_NEAR(best("y = a * b * c", allowed).error.bound, 2 * one, 1e-9);
  EXPECT_NEAR(best("y = (a * b) * (c * d)", allowed).error.bound, 2 * one, 1e-9);  // the last one has both in DST
  EXPECT_NEAR(best("y = a * b + c * d", allowed).error.bound, one, 1e-9);
  EXPECT_NEAR(best("y = a * b; z = c + d; y, z", allowed).error.bound, one, 1e-9);
}

TEST(FormError, WhatIsAllowedToCutTf32CostsIt) {
  const Mode wide{.fp32 = true, .fidelity = Fidelity::hifi4, .format = DataFormat::fp32};
  Mode cut = wide;
  cut.precision = Precision::allow_tf32;
  for (const char* text : {"y = a + b", "y = exp(a) - b", "y = a * b", "l = partial_rowsum(x)"}) {
    EXPECT_EQ(best(text, wide, tiles(1, 4)).error.bound, 0) << text;
    EXPECT_GE(best(text, cut, tiles(1, 4)).error.bound, 0x1p-10) << text;
  }
}

TEST(FormError, PresetsPayNothingWherePrecisionIsKept) {
  for (const Preset& preset : presets()) {
    for (const DataFormat format : {DataFormat::bf16, DataFormat::fp32}) {
      PlanRequest request = request_of({.fp32 = format == DataFormat::fp32, .format = format});
      const Graph graph = preset_graph(preset.name, tiles(2, 2), 2);
      for (const Strategy strategy : {Strategy::liveness, Strategy::subblock, Strategy::best}) {
        const Plan made = plan(graph, strategy, request);
        EXPECT_LT(made.error.bound, format == DataFormat::fp32 ? 1e-5 : 1e-30) << preset.name << " " << name_of(strategy);
      }
    }
  }
}

TEST(FormError, NorDoRandomGraphs) {
  const std::vector<Mode> modes{{.fidelity = Fidelity::hifi2},
                                {.fidelity = Fidelity::hifi4},
                                {.fp32 = true, .fidelity = Fidelity::hifi2},
                                {.fp32 = true, .fidelity = Fidelity::hifi3, .format = DataFormat::fp32}};
  int lose = 0;
  for (std::uint32_t number = 0; number < 120; ++number) {
    const Graph graph = test::RandomGraph(number).make();
    Mode mode = modes[number % modes.size()];
    for (const Plan& made : plan_all(graph, request_of(mode))) {
      EXPECT_LE(made.error.bound, mode.fp32 ? 1e-4 : 0) << "graph " << number << ", " << name_of(made.strategy);
    }
    mode.precision = Precision::allow_tf32;
    if (plan(graph, Strategy::best, request_of(mode)).error.bound > 1e-4) ++lose;
  }
  EXPECT_GT(lose, 10);
}

}  // namespace
}  // namespace tilegrid::planner
