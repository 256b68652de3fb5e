// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/reference/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/fidelity_name.h"
#include "core/format.h"
#include "core/matrix_unit.h"
#include "core/packer.h"
#include "core/tile.h"
#include "core/types.h"
#include "core/vector_unit.h"
#include "gtest/gtest.h"
#include "kernels/planner/reference/judgement.h"

namespace tilegrid::planner {
namespace {

constexpr Extent unit{.tiles = 1, .unit = true};
constexpr double infinity = std::numeric_limits<double>::infinity();

Shape tiles(int rows, int cols) { return {{.tiles = rows}, {.tiles = cols}}; }
Shape column(int rows) { return {{.tiles = rows}, unit}; }
std::size_t at(int index) { return static_cast<std::size_t>(index); }

Tensor made(int rows, int cols, const std::function<double(int, int)>& value) {
  Tensor tensor{.rows = rows, .cols = cols, .values = {}};
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) tensor.values.push_back(static_cast<float>(value(r, c)));
  }
  return tensor;
}
Tensor filled(double value, int rows = 32, int cols = 32) {
  return made(rows, cols, [value](int, int) { return value; });
}
Tensor random_tensor(int rows, int cols, unsigned seed, double low = -2, double high = 2) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  return made(rows, cols, [&](int, int) { return uniform(generator); });
}

ErrorModel wide_model() { return {.dst_fp32 = true, .fidelity = Fidelity::hifi4, .format = DataFormat::fp32}; }

Graph one_function(const std::string& function, int operands, float parameter = 0) {
  Graph graph;
  std::vector<ValueId> in;
  in.reserve(static_cast<std::size_t>(operands));
  for (int i = 0; i < operands; ++i) in.push_back(graph.input(std::string(1, static_cast<char>('a' + i)), tiles(1, 1)));
  graph.output(graph.apply(function, in, parameter, "y"));
  graph.finish();
  return graph;
}

double evaluate_one(const std::string& function, const std::vector<double>& operands, float parameter = 0) {
  std::vector<Tensor> inputs;
  inputs.reserve(operands.size());
  for (const double value : operands) inputs.push_back(filled(value));
  const Graph graph = one_function(function, static_cast<int>(operands.size()), parameter);
  return evaluate(graph, inputs, wide_model()).at(0).values.at(5);
}

TEST(FusedReference, FunctionsByHand) {
  EXPECT_DOUBLE_EQ(evaluate_one("exp", {1.5}), std::exp(1.5));
  EXPECT_DOUBLE_EQ(evaluate_one("exp", {1.5}, 0.5F), std::exp(0.75));
  EXPECT_DOUBLE_EQ(evaluate_one("exp2", {3}), 8);
  EXPECT_DOUBLE_EQ(evaluate_one("expm1", {0.5}), std::exp(0.5) - 1);
  EXPECT_DOUBLE_EQ(evaluate_one("recip", {4}), 0.25);
  EXPECT_DOUBLE_EQ(evaluate_one("sqrt", {2.25}), 1.5);
  EXPECT_DOUBLE_EQ(evaluate_one("rsqrt", {16}), 0.25);
  EXPECT_DOUBLE_EQ(evaluate_one("log", {8}), 3 * std::log(2.0));
  EXPECT_DOUBLE_EQ(evaluate_one("sigmoid", {-1}), 1 / (1 + std::exp(1.0)));
  EXPECT_DOUBLE_EQ(evaluate_one("silu", {2}), 2 / (1 + std::exp(-2.0)));
  EXPECT_NEAR(evaluate_one("gelu", {1}), 0.8413447460685429, 1e-15);
  EXPECT_EQ(evaluate_one("relu", {-3}), 0);
  EXPECT_EQ(evaluate_one("neg", {-3}), 3);
  EXPECT_EQ(evaluate_one("sign", {-3}), -1);
  EXPECT_EQ(evaluate_one("gtz", {0}), 0);
  EXPECT_EQ(evaluate_one("gez", {0}), 1);
  EXPECT_EQ(evaluate_one("nez", {2}), 1);
  EXPECT_EQ(evaluate_one("square", {-3}), 9);
  EXPECT_EQ(evaluate_one("rsub_scalar", {3}, 5), 2);
  EXPECT_EQ(evaluate_one("max_scalar", {3}, 5), 5);
  EXPECT_EQ(evaluate_one("sub", {3, 5}), -2);
  EXPECT_EQ(evaluate_one("mul", {3, 5}), 15);
  EXPECT_EQ(evaluate_one("div", {3, 4}), 0.75);
  EXPECT_EQ(evaluate_one("maximum", {3, 5}), 5);
  EXPECT_EQ(evaluate_one("where", {0, 5, 7}), 7);
  EXPECT_EQ(evaluate_one("where", {-1, 5, 7}), 5);
}

TEST(FusedReference, EveryFunctionOfTheVectorUnitCanBeEvaluated) {
  for (const Function& function : functions()) {
    const std::string name(function.name);
    const Graph graph = one_function(name, function.operands, 1.25F);
    const std::vector<Tensor> inputs(at(function.operands), filled(0.75));
    if (!function.vector) {
      EXPECT_THROW(static_cast<void>(evaluate(graph, inputs, wide_model())), UsageError) << name;
      continue;
    }
    const Evaluated result = evaluate(graph, inputs, wide_model()).at(0);
    EXPECT_TRUE(std::isfinite(result.values[0])) << name;
    EXPECT_LT(result.bounds[0], name == "exp_fast" ? 0.2 : 1e-5) << name;
  }
}

TEST(FusedReference, MatmulWithTransposeAndAccumulator) {
  // a[i][k] = i + k, b[j][k] = j - k: over k < 64, sum (i + k)(j - k) = 64 i j + (j - i) 2016 - 85344.
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 2));
  const ValueId b = graph.input("b", tiles(1, 2));
  const ValueId start = graph.input("start", tiles(1, 1));
  graph.output(graph.matmul(a, b, true, start, "s"));
  graph.finish();
  const std::vector<Tensor> inputs = {made(32, 64, [](int i, int k) { return i + k; }),
                                      made(32, 64, [](int j, int k) { return j - k; }), filled(1000)};
  const Evaluated s = evaluate(graph, inputs, wide_model()).at(0);
  for (const auto& [i, j] : std::vector<std::pair<int, int>>{{0, 0}, {3, 7}, {31, 5}}) {
    EXPECT_EQ(s.values[at(i * 32 + j)], 64.0 * i * j + (j - i) * 2016.0 - 85344.0 + 1000.0);
  }
}

TEST(FusedReference, ReductionsSumsOfTilesAndTransposes) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(2, 3));
  graph.output(graph.reduce(Pool::sum, ReduceDim::row, a, no_value, "rows"));
  graph.output(graph.reduce(Pool::max, ReduceDim::col, a, no_value, "columns"));
  graph.output(graph.reduce(Pool::sum, ReduceDim::scalar, a, no_value, "all"));
  graph.output(graph.tile_sum(ReduceDim::row, a, "partial"));
  graph.output(graph.tile_sum(ReduceDim::col, a, "partial_columns"));
  graph.output(graph.transpose(a, "turned"));
  graph.output(graph.apply("sub", {a, graph.find("rows")}, 0, "spread"));
  graph.finish();
  const std::vector<Tensor> inputs = {made(64, 96, [](int r, int c) { return 100 * r + c; })};
  const std::vector<Evaluated> out = evaluate(graph, inputs, wide_model());
  const auto row_sum = [](int r) { return 96.0 * (100.0 * r + 95 / 2.0); };
  EXPECT_EQ(out[0].values[at(40)], row_sum(40));
  EXPECT_EQ(out[0].cols, 1);
  EXPECT_EQ(out[1].values[at(7)], 6307);
  EXPECT_EQ(out[2].values[0], 96.0 * 100 * 64 * 63 / 2 + 64.0 * 96 * 95 / 2);
  EXPECT_EQ(out[3].values[at(2 * 32 + 5)], 3 * 200 + 5 + 37 + 69);
  EXPECT_EQ(out[4].values[at(2 * 96 + 5)], 200 + 3400 + 10);
  EXPECT_EQ(out[5].values[at(5 * 64 + 40)], 4005);
  EXPECT_EQ(out[6].values[at(40 * 96 + 3)], 4003 - row_sum(40));
}

TEST(FusedReference, InputsAreRoundedFirst) {
  const Graph graph = one_function("neg", 1);
  const std::vector<Tensor> inputs = {filled(1 + 0x1p-9)};
  const Evaluated narrow = evaluate(graph, inputs, {.format = DataFormat::bf16}).at(0);
  EXPECT_EQ(narrow.values[0], -1);
  EXPECT_EQ(narrow.bounds[0], 0);
  // fp32 data in 16-bit DST: the cut to bf16 is the device's doing.
  const Evaluated cut = evaluate(graph, inputs, {.format = DataFormat::fp32}).at(0);
  EXPECT_EQ(cut.values[0], -1 - 0x1p-9);
  EXPECT_GE(cut.bounds[0], 0x1p-9);
}

TEST(FusedReference, BoundsNearPolesAndSwitches) {
  // x = a - b has a bound above 0; it is as large as x where a and b are almost equal.
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 1));
  const ValueId b = graph.input("b", tiles(1, 1));
  const ValueId x = graph.apply("sub", {graph.apply("exp", {a}), graph.apply("exp", {b})});
  graph.output(graph.apply("recip", {x}, 0, "pole"));
  graph.output(graph.apply("log", {x}, 0, "logarithm"));
  graph.output(graph.apply("gtz", {x}, 0, "step"));
  graph.output(graph.apply("where", {x, a, graph.apply("mul_scalar", {a}, 3)}, 0, "choice"));
  graph.output(graph.apply("tanh", {graph.apply("recip", {x})}, 0, "limited"));
  graph.finish();
  const std::vector<Evaluated> near = evaluate(graph, {filled(1), filled(1)}, {});
  EXPECT_EQ(near[0].bounds[0], infinity);
  EXPECT_EQ(near[1].bounds[0], infinity);
  EXPECT_EQ(near[2].values[0], 0);
  EXPECT_EQ(near[2].bounds[0], 1);
  EXPECT_EQ(near[3].values[0], 3);
  EXPECT_GE(near[3].bounds[0], 2);
  EXPECT_LT(near[3].bounds[0], 2.1);
  const std::vector<Evaluated> far = evaluate(graph, {filled(1), filled(-1)}, {});
  EXPECT_LT(far[0].bounds[0], 0.02);
  EXPECT_EQ(far[2].bounds[0], 0);
  EXPECT_LT(far[3].bounds[0], 0.1);
  // Beyond the range of fp32 nothing is known.
  EXPECT_EQ(evaluate(one_function("exp", 1), {filled(89)}, {}).at(0).bounds[0], infinity);
}

TEST(FusedReference, BadInputsAreNamed) {
  Graph graph;
  const ValueId a = graph.input("left", tiles(1, 1));
  const ValueId b = graph.input("right", tiles(1, 1));
  graph.output(graph.matmul(a, b, false, no_value, "product"));
  graph.finish();
  const auto message = [&](const std::vector<Tensor>& inputs) -> std::string {
    try {
      static_cast<void>(evaluate(graph, inputs, {}));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({filled(1)}), "1 inputs given, the graph has 2");
  EXPECT_EQ(message({filled(1), filled(1, 33, 32)}), "input 'right': 1056 values as 33x32 do not fit shape 1x1");
  EXPECT_EQ(message({filled(1, 32, 64), filled(1)}), "operation 'product': 'left' has 64 columns, 'right' has 32 along K");
}

TEST(FusedReference, CompareJudgesByTheBounds) {
  const Evaluated expected{.rows = 1, .cols = 4, .values = {1, 2, 3, 4}, .bounds = {0.1, 0, 0.2, infinity}};
  const auto with = [&](std::vector<float> values) {
    return compare(expected, {.rows = 1, .cols = 4, .values = std::move(values)});
  };
  const Comparison good = with({1.0625F, 2, 2.875F, 100});
  EXPECT_TRUE(good.passed());
  EXPECT_DOUBLE_EQ(good.worst_ratio, 0.625);
  EXPECT_EQ(good.worst, 0U);
  EXPECT_NEAR(good.rms_ratio, std::sqrt(2 * 0.625 * 0.625 / 3), 1e-12);
  EXPECT_EQ(good.undecided, 1U);
  EXPECT_EQ(good.max_abs, 96);
  const Comparison wrong = with({1, 2.0001F, 3, 4});
  EXPECT_FALSE(wrong.passed());
  EXPECT_EQ(wrong.worst, 1U);
  const Comparison broken = with({1, 2, std::numeric_limits<float>::quiet_NaN(), 4});
  EXPECT_FALSE(broken.passed());
  EXPECT_EQ(broken.not_finite, 1U);
  const Evaluated two_rows{.rows = 2, .cols = 2, .values = {3, 4, 6, 8}, .bounds = {9, 9, 9, 9}};
  EXPECT_DOUBLE_EQ(compare(two_rows, {.rows = 2, .cols = 2, .values = {3, 4, 6, 13}}).worst_row, 0.5);
  EXPECT_DOUBLE_EQ(compare(two_rows, {.rows = 2, .cols = 2, .values = {8, 4, 6, 8}}).worst_row, 1);
  const Comparison same = with({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(same.correlation, 1);
  EXPECT_EQ(same.relative_l2, 0);
  EXPECT_THROW(static_cast<void>(compare(expected, filled(1))), UsageError);
}

// The emulated units on whole tensors, to hold the bounds to.

struct alignas(64) Slot : std::array<float, tile_elements> {};

class Device {
 public:
  explicit Device(const ErrorModel& model)
      : model_(model), matrix_(model.fidelity, model.dst_fp32, model.numerics), vector_(model.dst_fp32) {}

  struct Stored {
    int rows = 0, cols = 0;
    DataFormat format{};
    std::vector<std::byte> bytes;
    [[nodiscard]] TileOperand tile(int r, int c) const {
      return {.data = bytes.data() + at(r * (cols / 32) + c) * tile_bytes(format), .format = format};
    }
  };
  [[nodiscard]] Stored store(const Tensor& tensor) const {
    Stored stored{.rows = tensor.rows, .cols = tensor.cols, .format = model_.format, .bytes = {}};
    stored.bytes.resize(at(tiles_of(tensor.rows) * tiles_of(tensor.cols)) * tile_bytes(stored.format));
    tilize(tensor.values, tensor.rows, tensor.cols, stored.format, stored.bytes);
    return stored;
  }
  /// One tile of DST as the packer leaves it.
  [[nodiscard]] Tensor read(const Slot& slot) const {
    std::vector<std::byte> packed(tile_bytes(model_.format));
    pack_tile(slot.data(), model_.dst_fp32, {.format = model_.format}, packed.data());
    Tensor tensor{32, 32, std::vector<float>(tile_elements)};
    untilize(packed, 32, 32, model_.format, tensor.values);
    return tensor;
  }
  [[nodiscard]] Slot load(TileOperand tile) const {
    Slot slot;
    matrix_.copy(tile, slot.data(), !model_.allow_tf32);
    return slot;
  }
  [[nodiscard]] const MatrixUnit& matrix() const { return matrix_; }
  [[nodiscard]] const VectorUnit& vector() const { return vector_; }

 private:
  ErrorModel model_;
  MatrixUnit matrix_;
  VectorUnit vector_;
};

std::vector<ErrorModel> all_models() {
  std::vector<ErrorModel> models;
  for (const Fidelity fidelity : {Fidelity::lofi, Fidelity::hifi2, Fidelity::hifi3, Fidelity::hifi4}) {
    for (const bool dst_fp32 : {false, true}) {
      for (const DataFormat format : {DataFormat::bf16, DataFormat::fp32, DataFormat::bfp8_b}) {
        for (const bool tf32 : {false, true}) {
          for (const Numerics numerics : {Numerics::fast, Numerics::rounded, Numerics::exact}) {
            if (numerics != Numerics::fast && tf32) continue;  // what a format loses on its way does not depend on numerics
            models.push_back(
                {.dst_fp32 = dst_fp32, .fidelity = fidelity, .numerics = numerics, .format = format, .allow_tf32 = tf32});
          }
        }
      }
    }
  }
  return models;
}

std::string text_of(const ErrorModel& model) {
  return std::string(model.dst_fp32 ? "fp32" : "16-bit") + " DST, " + name_of(model.format) + ", phases " +
         std::to_string(static_cast<int>(model.fidelity)) + (model.allow_tf32 ? ", tf32" : "") + ", " +
         tilegrid::name_of(model.numerics);
}

/// Every element is within its bound, and half of them use more than `share` of it (nothing: the bound must be 0 then).
void expect_within(const Evaluated& expected, const Tensor& got, const std::string& what, double share = 1e-3) {
  const Comparison comparison = compare(expected, got);
  const auto worst = comparison.worst;
  EXPECT_TRUE(comparison.passed()) << what << ": " << got.values[worst] << " for " << expected.values[worst] << " +- "
                                   << expected.bounds[worst] << " at " << worst << ", not finite " << comparison.not_finite;
  EXPECT_EQ(comparison.undecided, 0U) << what;
  std::vector<double> ratios;
  bool exact = true;
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    const double bound = expected.bounds[i];
    exact = exact && bound <= 1e-37;
    ratios.push_back(std::fabs(static_cast<double>(got.values[i]) - expected.values[i]) / std::max(bound, 1e-300));
  }
  if (exact) return;
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::nth_element(ratios.begin(), middle, ratios.end());
  EXPECT_GT(*middle, share) << what << ": bounds are too wide, best use " << *std::max_element(ratios.begin(), ratios.end());
}

TEST(FusedReferenceBounds, VectorUnit) {
  for (const Function& function : functions()) {
    if (!function.vector || function.operands != 1) continue;
    const std::string name(function.name);
    const bool positive = name == "sqrt" || name == "rsqrt" || name == "log" || name == "recip";
    const bool exponential = name == "exp" || name == "exp_fast";
    const float parameter = exponential ? 0.75F : function.has_parameter ? 0.8F : 0.0F;
    const Graph graph = one_function(name, 1, parameter);
    for (const ErrorModel& model : all_models()) {
      if (model.numerics != Numerics::fast) continue;
      const Device device(model);
      // A small number beside large ones is 0 as a block float, and the poles are there.
      const double least = is_block_float(model.format) ? 0.5 : 0.01;
      const Tensor input = random_tensor(32, 32, 7, positive ? least : -6, 6);
      const Device::Stored stored = device.store(input);
      Slot slot = device.load(stored.tile(0, 0));
      device.vector().unary(*function.vector, slot.data(), VectorMode::rc, parameter);
      const Evaluated expected = evaluate(graph, {input}, model).at(0);
      // A clamp's result is exact or the parameter, a comparison's is exact unless the input's cut matters.
      const bool switches = name == "max_scalar" || name == "min_scalar" || name == "relu" ||
                            Chip().cycles().vector(*function.vector, VectorMode::rc) < 230;
      expect_within(expected, device.read(slot), name + ", " + text_of(model), switches ? -1 : 1e-3);
    }
  }
}

TEST(FusedReferenceBounds, ApproximateExponential) {
  for (ErrorModel model : all_models()) {
    model.fast_exp = true;
    const Device device(model);
    const Tensor input = random_tensor(32, 32, 3, -80, 80);
    const Device::Stored stored = device.store(input);
    Slot slot = device.load(stored.tile(0, 0));
    device.vector().unary(VectorOp::exp_fast, slot.data(), VectorMode::rc, 1);
    // Most of 16 neighbours are far smaller than the largest, which sets the bounds of block floats.
    expect_within(evaluate(one_function("exp", 1, 1), {input}, model).at(0), device.read(slot), text_of(model),
                  is_block_float(model.format) ? -1 : 1e-3);
  }
}

TEST(FusedReferenceBounds, BinaryOperationsInAllForms) {
  const std::vector<std::pair<std::string, EltwiseOp>> ops = {
      {"add", EltwiseOp::add}, {"sub", EltwiseOp::sub}, {"mul", EltwiseOp::mul}};
  const Tensor a = random_tensor(32, 32, 1);
  const Tensor b = random_tensor(32, 32, 2);
  for (const ErrorModel& model : all_models()) {
    const Device device(model);
    const Device::Stored stored_a = device.store(a);
    const Device::Stored stored_b = device.store(b);
    const bool cuts = model.dst_fp32 && model.format == DataFormat::fp32;
    for (const auto& [name, op] : ops) {
      const Evaluated expected = evaluate(one_function(name, 2), {a, b}, model).at(0);
      Slot sfpu = device.load(stored_a.tile(0, 0));
      const Slot other = device.load(stored_b.tile(0, 0));
      const VectorOp vector = *find_function(name)->vector;
      device.vector().binary(vector, sfpu.data(), sfpu.data(), other.data(), VectorMode::rc);
      expect_within(expected, device.read(sfpu), name + " on the SFPU, " + text_of(model), -1);
      if (cuts && !model.allow_tf32) continue;
      Slot fpu{};
      device.matrix().eltwise(op, Broadcast::none, stored_a.tile(0, 0), stored_b.tile(0, 0), fpu.data(), false);
      expect_within(expected, device.read(fpu), name + " on the FPU, " + text_of(model));
      Slot reuse = device.load(stored_b.tile(0, 0));
      device.matrix().eltwise_dest_reuse(op, false, stored_a.tile(0, 0), reuse.data());
      expect_within(expected, device.read(reuse), name + " dest-reuse, " + text_of(model));
    }
    // A block float near 0 may be 0.
    const Tensor divisor = is_block_float(model.format) ? random_tensor(32, 32, 2, 0.5) : b;
    const Device::Stored stored_divisor = device.store(divisor);
    for (const char* name : {"div", "maximum", "minimum"}) {
      Slot left = device.load(stored_a.tile(0, 0));
      const Slot right = device.load(stored_divisor.tile(0, 0));
      device.vector().binary(*find_function(name)->vector, left.data(), left.data(), right.data(), VectorMode::rc);
      const Evaluated expected = evaluate(one_function(name, 2), {a, divisor}, model).at(0);
      expect_within(expected, device.read(left), std::string(name) + ", " + text_of(model), -1);
    }
  }
}

TEST(FusedReferenceBounds, Matmul) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 6));
  const ValueId b = graph.input("b", tiles(6, 1));
  const ValueId start = graph.input("start", tiles(1, 1));
  graph.output(graph.matmul(a, b, false, start, "s"));
  graph.finish();
  for (const double low : {-2.0, 0.0}) {  // sums that stay small, sums in one direction
    const std::vector<Tensor> inputs = {random_tensor(32, 192, 1, low), random_tensor(192, 32, 2, low),
                                        random_tensor(32, 32, 3)};
    for (ErrorModel model : all_models()) {
      const Device device(model);
      const Device::Stored left = device.store(inputs[0]);
      const Device::Stored right = device.store(inputs[1]);
      Slot slot = device.load(device.store(inputs[2]).tile(0, 0));
      for (int k = 0; k < 6; ++k) {
        device.matrix().matmul_block({.in0 = left.tile(0, k), .in1 = right.tile(k, 0), .dst = slot.data(), .cleared = 0});
      }
      for (const bool packer : {false, true}) {
        model.packer_sums = packer;
        expect_within(evaluate(graph, inputs, model).at(0), device.read(slot), "matmul, " + text_of(model));
      }
    }
  }
}

TEST(FusedReferenceBounds, SumsOverKCarriedByThePacker) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 8));
  const ValueId b = graph.input("b", tiles(8, 1));
  graph.output(graph.matmul(a, b, false, no_value, "s"));
  graph.finish();
  const std::vector<Tensor> inputs = {random_tensor(32, 256, 1), random_tensor(256, 32, 2)};
  for (const ErrorModel& model : all_models()) {
    if (model.dst_fp32 != (model.format == DataFormat::fp32)) continue;  // the CB is as wide as DST
    const Device device(model);
    const Device::Stored left = device.store(inputs[0]);
    const Device::Stored right = device.store(inputs[1]);
    Tensor sum = filled(0);
    for (int k = 0; k < 8; k += 2) {
      Slot slot{};
      for (int i = k; i < k + 2; ++i) {
        device.matrix().matmul_block(
            {.in0 = left.tile(0, i), .in1 = right.tile(i, 0), .dst = slot.data(), .cleared = i == k ? 1U : 0U});
      }
      const Tensor part = device.read(slot);
      for (std::size_t e = 0; e < sum.values.size(); ++e) {
        const float added = sum.values[e] + part.values[e];
        sum.values[e] = model.dst_fp32 ? added : scalar::unpack_bf16(scalar::pack_bf16(added));
      }
    }
    expect_within(evaluate(graph, inputs, model).at(0), sum, text_of(model));
  }
}

TEST(FusedReferenceBounds, Reductions) {
  const Tensor input = random_tensor(32, 96, 4, -1, 3);
  for (const ErrorModel& model : all_models()) {
    const Device device(model);
    const Device::Stored stored = device.store(input);
    const Device::Stored ones = device.store(filled(1));
    for (const Pool pool : {Pool::sum, Pool::max}) {
      for (const ReduceDim dim : {ReduceDim::row, ReduceDim::scalar}) {
        Graph graph;
        graph.output(graph.reduce(pool, dim, graph.input("a", tiles(1, 3)), no_value, "r"));
        graph.finish();
        Slot slot{};
        for (int c = 0; c < 3; ++c) {
          device.matrix().reduce(pool, dim, stored.tile(0, c), ones.tile(0, 0), slot.data(), c > 0);
        }
        const Evaluated expected = evaluate(graph, {input}, model).at(0);
        const Tensor packed = device.read(slot);
        const Tensor got = made(expected.rows, 1, [&](int r, int) { return packed.values[at(32 * r)]; });
        const bool sum_of_rows = pool == Pool::sum && dim == ReduceDim::row;
        expect_within(expected, got, (pool == Pool::sum ? "sum, " : "max, ") + text_of(model), sum_of_rows ? 1e-3 : -1);
      }
    }
  }
}

TEST(FusedReferenceBounds, SumsOfTilesAndTransposes) {
  const Tensor input = random_tensor(32, 160, 4);
  Graph sums;
  sums.output(sums.tile_sum(ReduceDim::row, sums.input("a", tiles(1, 5)), "p"));
  sums.finish();
  Graph turn;
  turn.output(turn.transpose(turn.input("a", tiles(1, 1)), "t"));
  turn.finish();
  for (const ErrorModel& model : all_models()) {
    const Device device(model);
    const Device::Stored stored = device.store(input);
    Slot slot = device.load(stored.tile(0, 0));
    for (int c = 1; c < 5; ++c) {
      const Slot next = device.load(stored.tile(0, c));
      if (model.dst_fp32 && !model.allow_tf32) {
        device.vector().binary(VectorOp::add_tile, slot.data(), slot.data(), next.data(), VectorMode::rc);
      } else {
        device.matrix().eltwise_dest_reuse(EltwiseOp::add, true, stored.tile(0, c), slot.data());
      }
    }
    expect_within(evaluate(sums, {input}, model).at(0), device.read(slot), "tile_sum, " + text_of(model));
    const Tensor square = random_tensor(32, 32, 5);
    Slot turned{};
    device.matrix().transpose(device.store(square).tile(0, 0), turned.data());
    // Block floats that meet others of the same exponent are exact.
    expect_within(evaluate(turn, {square}, model).at(0), device.read(turned), "transpose, " + text_of(model),
                  is_block_float(model.format) ? -1 : 1e-3);
  }
}

/// (exp((a - m) * c) + b) / s, m one number a row: broadcast, then everything in DST.
TEST(FusedReferenceBounds, ChainOfOperations) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 1));
  const ValueId m = graph.input("m", column(1));
  const ValueId b = graph.input("b", tiles(1, 1));
  const ValueId e = graph.apply("exp", {graph.apply("sub", {a, m})}, 0.5F);
  graph.output(graph.apply("mul", {graph.apply("sigmoid", {graph.apply("add", {e, b})}), b}, 0, "y"));
  graph.finish();
  const std::vector<Tensor> inputs = {random_tensor(32, 32, 1), random_tensor(32, 1, 2), random_tensor(32, 32, 3)};
  for (const ErrorModel& model : all_models()) {
    if (model.dst_fp32 && model.format == DataFormat::fp32 && !model.allow_tf32) continue;  // the forms below cut
    const Device device(model);
    const Device::Stored stored_b = device.store(inputs[2]);
    Slot slot{};
    device.matrix().eltwise(EltwiseOp::sub, Broadcast::cols, device.store(inputs[0]).tile(0, 0),
                            device.store(inputs[1]).tile(0, 0), slot.data(), false);
    device.vector().unary(VectorOp::exp_accurate, slot.data(), VectorMode::rc, 0.5F);
    const Slot loaded = device.load(stored_b.tile(0, 0));
    device.vector().binary(VectorOp::add_tile, slot.data(), slot.data(), loaded.data(), VectorMode::rc);
    device.vector().unary(VectorOp::sigmoid, slot.data(), VectorMode::rc, 0);
    device.vector().binary(VectorOp::mul_tile, slot.data(), slot.data(), loaded.data(), VectorMode::rc);
    expect_within(evaluate(graph, inputs, model).at(0), device.read(slot), text_of(model));
  }
}

TEST(FusedReference, TensorsOfManyBlocks) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 1));
  const ValueId m = graph.input("m", column(1));
  graph.output(graph.apply("mul", {a, m}, 0, "y"));
  graph.finish();
  const std::vector<Tensor> inputs = {made(96, 64, [](int r, int c) { return r + c; }),
                                      made(96, 1, [](int r, int) { return r; })};
  const Evaluated y = evaluate(graph, inputs, wide_model()).at(0);
  EXPECT_EQ(y.rows, 96);
  EXPECT_EQ(y.cols, 64);
  EXPECT_EQ(y.values[at(70 * 64 + 40)], 70 * 110);
}

}  // namespace
}  // namespace tilegrid::planner
