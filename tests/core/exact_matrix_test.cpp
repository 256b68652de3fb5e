// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/fidelity_name.h"
#include "core/matrix_unit.h"
#include "tests/core/exact_model.h"
#include "tests/core/reference_matrix.h"
#include "tests/core/reference_rounded.h"
#include "tests/support/golden_npy.h"
#include "tests/support/matrix_tiles.h"

namespace tilegrid {
namespace {

using reference::Matrix;
using reference::phases_of;
using test::DstTiles;
using test::fidelities;
using test::matrix_formats;
using test::on_each_target;
using test::RandomTiles;
using test::to_faces;
using test::Values;

std::uint16_t bf16(float value) { return scalar::pack_bf16(value); }
TileOperand operand(const std::vector<std::uint16_t>& tile) {
  return {reinterpret_cast<const std::byte*>(tile.data()), DataFormat::bf16};
}
TileOperand operand(const std::vector<std::byte>& tile, DataFormat format) { return {tile.data(), format}; }

/// A tile with one value everywhere.
std::vector<std::uint16_t> filled(float value) { return std::vector<std::uint16_t>(tile_elements, bf16(value)); }

struct Vector {
  std::string distribution;
  Fidelity fidelity = Fidelity::lofi;
  bool dst_fp32 = false;
  [[nodiscard]] std::vector<std::uint16_t> input(int number) const {
    return test::load_npy<std::uint16_t>(stem() + "matmul_" + distribution + "_in" + std::to_string(number) + ".npy");
  }
  /// "matmul" and "mul" have a fidelity, "add" none.
  [[nodiscard]] std::vector<std::uint32_t> output(const std::string& operation) const {
    const std::string word = operation == "add" ? "" : std::string("_") + tilegrid::name_of(fidelity);
    return test::load_npy<std::uint32_t>(stem() + operation + "_" + distribution + word + (dst_fp32 ? "_fp32" : "_bf16") +
                                         ".npy");
  }
  [[nodiscard]] static std::string stem() { return std::string(TILEGRID_TEST_DATA) + "/matrix_unit/"; }
};

/// Every golden vector of the vendor's model, on every instruction set.
template <class Body>
void on_each_vector(const Body& body) {
  on_each_target([&](const std::string& target) {
    for (const char* distribution : {"normal", "uniform", "outlier", "wide"}) {
      for (const Fidelity fidelity : fidelities) {
        for (const bool dst_fp32 : {false, true}) {
          SCOPED_TRACE(target + " " + distribution + " " + tilegrid::name_of(fidelity) + (dst_fp32 ? " fp32" : " bf16"));
          body(Vector{distribution, fidelity, dst_fp32});
        }
      }
    }
  });
}

TEST(ExactGolden, Matmul) {
  on_each_vector([](const Vector& v) {
    const auto in0 = v.input(0);
    const auto in1 = v.input(1);
    const auto golden = v.output("matmul");
    const MatrixUnit unit(v.fidelity, v.dst_fp32, Numerics::exact, true);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < golden.size() / tile_elements; ++i) {
      DstTiles dst(1);
      for (std::size_t k = 0; k < 4; ++k) {
        const auto left = to_faces(&in0[(i * 4 + k) * tile_elements]);
        const auto right = to_faces(&in1[(i * 4 + k) * tile_elements]);
        unit.matmul_block({.in0 = operand(left), .in1 = operand(right), .dst = dst.data(), .cleared = k == 0 ? 1U : 0U});
      }
      for (std::size_t e = 0; e < tile_elements; ++e) {
        wrong += std::bit_cast<std::uint32_t>(dst.at(0, e / 32, e % 32)) != golden[i * tile_elements + e] ? 1 : 0;
      }
    }
    EXPECT_EQ(wrong, 0);
  });
}

TEST(ExactGolden, Eltwise) {
  on_each_vector([](const Vector& v) {
    const auto in0 = v.input(0);
    const auto in1 = v.input(1);
    for (const EltwiseOp op : {EltwiseOp::add, EltwiseOp::mul}) {
      const auto golden = v.output(op == EltwiseOp::add ? "add" : "mul");
      std::size_t wrong = 0;
      for (std::size_t first = 0; first < golden.size(); first += tile_elements) {
        const std::vector<std::uint16_t> a(&in0[first], &in0[first] + tile_elements);
        const std::vector<std::uint16_t> b(&in1[first], &in1[first] + tile_elements);
        DstTiles dst(1);
        MatrixUnit(v.fidelity, v.dst_fp32, Numerics::exact)
            .eltwise(op, Broadcast::none, operand(a), operand(b), dst.data(), false);
        for (std::size_t e = 0; e < tile_elements; ++e) {
          wrong += std::bit_cast<std::uint32_t>(dst.data()[e]) != golden[first + e] ? 1 : 0;
        }
      }
      EXPECT_EQ(wrong, 0) << (op == EltwiseOp::add ? "add" : "mul");
    }
  });
}

/// On special numbers, too: what has exponent 255 is a number like others to the matrix unit.
TEST(ExactMatrix, MatmulFollowsTheScalarModel) {
  on_each_target([](const std::string& target) {
    RandomTiles random(3);
    for (const Fidelity fidelity : fidelities) {
      for (const DataFormat format : matrix_formats) {
        for (const Values values : {Values::ordinary, Values::special}) {
          for (const bool dst_fp32 : {false, true}) {
            const auto in0 = random.tiles(format, 1, values);
            const auto in1 = random.tiles(format, 1, values);
            const bool transpose = dst_fp32;
            DstTiles dst(1);
            random.fill(dst, Values::ordinary, dst_fp32);
            Matrix before{};
            for (std::size_t e = 0; e < tile_elements; ++e) before[e / 32][e % 32] = dst.at(0, e / 32, e % 32);
            MatrixUnit(fidelity, dst_fp32, Numerics::exact)
                .matmul_block({.in0 = operand(in0, format),
                               .in1 = operand(in1, format),
                               .transpose_in1 = transpose,
                               .dst = dst.data()});
            const Matrix expected =
                exact_model::matmul(operand(in0, format), operand(in1, format), transpose, before, fidelity, dst_fp32);
            std::size_t wrong = 0;
            for (std::size_t e = 0; e < tile_elements; ++e) {
              wrong += reference::bits_of(dst.at(0, e / 32, e % 32)) != reference::bits_of(expected[e / 32][e % 32]) ? 1 : 0;
            }
            EXPECT_EQ(wrong, 0) << target << ", " << name_of(format) << ", " << phases_of(fidelity) << " phases, fp32 DST "
                                << dst_fp32 << ", special " << (values == Values::special);
          }
        }
      }
    }
  });
}

TEST(ExactMatrix, BlocksAreProductsOfTheirTiles) {
  RandomTiles random(5);
  const auto in0 = random.tiles(DataFormat::bf16, 3, Values::ordinary);
  const auto in1 = random.tiles(DataFormat::bf16, 2, Values::ordinary);
  const MatrixUnit unit(Fidelity::hifi2, false, Numerics::exact);
  DstTiles block(6);
  random.fill(block, Values::ordinary, false);
  DstTiles single = block;
  unit.matmul_block({.in0 = operand(in0, DataFormat::bf16),
                     .in0_stride = 2048,
                     .in1 = operand(in1, DataFormat::bf16),
                     .in1_stride = 2048,
                     .rt = 3,
                     .ct = 2,
                     .dst = block.data(),
                     .cleared = 0b100001});
  for (std::size_t i = 0; i < 6; ++i) {
    unit.matmul_block({.in0 = {in0.data() + i / 2 * 2048, DataFormat::bf16},
                       .in1 = {in1.data() + i % 2 * 2048, DataFormat::bf16},
                       .dst = single.data() + i * tile_elements,
                       .cleared = i == 0 || i == 5 ? 1U : 0U});
  }
  EXPECT_TRUE(std::equal(block.data(), block.data() + block.size(), single.data()));
}

TEST(ExactMatrix, EltwiseFollowsTheScalarModel) {
  on_each_target([](const std::string& target) {
    RandomTiles random(7);
    for (const Fidelity fidelity : fidelities) {
      for (const EltwiseOp op : {EltwiseOp::add, EltwiseOp::sub, EltwiseOp::mul}) {
        for (const Broadcast broadcast : {Broadcast::none, Broadcast::rows, Broadcast::cols, Broadcast::scalar}) {
          for (const bool dst_fp32 : {false, true}) {
            const bool accumulate = broadcast == Broadcast::none || dst_fp32;
            const auto a = random.tiles(DataFormat::bf16, 1, Values::special);
            const auto b = random.tiles(DataFormat::fp32, 1, Values::special);
            const Matrix left = reference::source(operand(a, DataFormat::bf16), dst_fp32);
            const Matrix right = reference::source(operand(b, DataFormat::fp32), dst_fp32);
            DstTiles dst(1);
            random.fill(dst, Values::ordinary, dst_fp32);
            DstTiles before = dst;
            MatrixUnit(fidelity, dst_fp32, Numerics::exact)
                .eltwise(op, broadcast, operand(a, DataFormat::bf16), operand(b, DataFormat::fp32), dst.data(), accumulate);
            std::size_t wrong = 0;
            for (std::size_t r = 0; r < 32; ++r) {
              for (std::size_t c = 0; c < 32; ++c) {
                const bool first_row = broadcast == Broadcast::rows || broadcast == Broadcast::scalar;
                const bool first_column = broadcast == Broadcast::cols || broadcast == Broadcast::scalar;
                const float expected =
                    exact_model::eltwise(op, left[r][c], right[first_row ? 0 : r][first_column ? 0 : c],
                                         accumulate ? before.at(0, r, c) : 0.0F, fidelity, {.dst_fp32 = dst_fp32});
                wrong += reference::bits_of(dst.at(0, r, c)) != reference::bits_of(expected) ? 1 : 0;
              }
            }
            EXPECT_EQ(wrong, 0) << target << ", operation " << static_cast<int>(op) << ", broadcast "
                                << static_cast<int>(broadcast) << ", " << phases_of(fidelity) << " phases, fp32 DST "
                                << dst_fp32;
          }
        }
      }
    }
  });
}

TEST(ExactMatrix, SumsFollowTheScalarModel) {
  on_each_target([](const std::string& target) {
    RandomTiles random(9);
    for (const Fidelity fidelity : fidelities) {
      for (const bool dst_fp32 : {false, true}) {
        const auto in = random.tiles(DataFormat::bf16, 1, Values::ordinary);
        const auto scaler = filled(0.6875F);
        const Matrix values = reference::source(operand(in, DataFormat::bf16), dst_fp32);
        const std::array<float, 16> factors = [] {
          std::array<float, 16> f{};
          f.fill(0.6875F);
          return f;
        }();
        const auto pooled = [&](float sum, const std::array<float, 32>& line, std::size_t from) {
          for (int phase = 0; phase < phases_of(fidelity); ++phase) {
            sum = exact_model::dot(sum, std::span(line).subspan(from, 16), factors, phase, {.dst_fp32 = dst_fp32});
          }
          return sum;
        };
        const auto column = [&](std::size_t c) {
          std::array<float, 32> line{};
          for (std::size_t r = 0; r < 32; ++r) line[r] = values[r][c];
          return line;
        };
        for (const ReduceDim dim : {ReduceDim::row, ReduceDim::col, ReduceDim::scalar}) {
          DstTiles dst(1);
          random.fill(dst, Values::ordinary, dst_fp32);
          DstTiles before = dst;
          MatrixUnit(fidelity, dst_fp32, Numerics::exact)
              .reduce(Pool::sum, dim, operand(in, DataFormat::bf16), operand(scaler), dst.data(), true);
          const auto where = target + ", dimension " + std::to_string(static_cast<int>(dim)) + ", phases " +
                             std::to_string(phases_of(fidelity));
          if (dim == ReduceDim::scalar) {
            std::array<float, 32> columns{};
            for (std::size_t c = 0; c < 16; ++c) {
              float sum = pooled(pooled(0, column(c), 0), column(c + 16), 0);
              sum = pooled(pooled(sum, column(c), 16), column(c + 16), 16);
              columns[c] = scalar::truncate_bf16(sum);
            }
            EXPECT_EQ(dst.at(0, 0, 0), pooled(before.at(0, 0, 0), columns, 0)) << where;
            EXPECT_EQ(dst.at(0, 0, 1), 0) << where;
            continue;
          }
          for (std::size_t i = 0; i < 32; ++i) {
            const bool rows = dim == ReduceDim::row;
            const auto line = rows ? values[i] : column(i);
            const float sum = pooled(pooled(rows ? before.at(0, i, 0) : before.at(0, 0, i), line, 0), line, 16);
            EXPECT_EQ(rows ? dst.at(0, i, 0) : dst.at(0, 0, i), rows ? scalar::truncate_bf16(sum) : sum)
                << where << ", line " << i;
          }
          EXPECT_EQ(dst.at(0, 1, 1), 0) << where;
        }
      }
    }
  });
}

/// 0, the numbers that have a place in `a` and `b`, products of ones.
struct Placed {
  std::size_t row, column;
  float value;
};
std::vector<std::uint16_t> placed(std::initializer_list<Placed> values) {
  std::vector<std::uint16_t> tile(tile_elements, 0);
  for (const Placed& p : values)
    tile[static_cast<std::size_t>(tile_index(static_cast<int>(p.row), static_cast<int>(p.column)))] = bf16(p.value);
  return tile;
}

float product(float a, float b, Fidelity fidelity, Numerics numerics) {
  const auto left = filled(a);
  const auto right = filled(b);
  DstTiles dst(1);
  MatrixUnit(fidelity, false, numerics)
      .eltwise(EltwiseOp::mul, Broadcast::none, operand(left), operand(right), dst.data(), false);
  return dst.at(0, 5, 5);
}

TEST(SteppedNumerics, ProductsAreRoundedAfterEachPhase) {
  for (const Numerics numerics : {Numerics::exact, Numerics::rounded}) {
    EXPECT_EQ(product(1.3125F, 7.96875F, Fidelity::hifi2, numerics), 10.4375F);
    EXPECT_EQ(product(1.3125F, 7.96875F, Fidelity::hifi4, numerics), 10.5F);
    EXPECT_EQ(product(-3.640625F, 0.298828125F, Fidelity::hifi4, numerics), -1.09375F);
  }
  EXPECT_EQ(product(1.3125F, 7.96875F, Fidelity::hifi4, Numerics::fast), 10.4375F);
}

/// A row of ones times a column of ones, 6,144 long: 16 are no longer half a unit at 8,192.
TEST(SteppedNumerics, LongSumsIn16BitDstStopGrowing) {
  const auto ones = filled(1);
  for (const Numerics numerics : {Numerics::exact, Numerics::rounded}) {
    const MatrixUnit unit(Fidelity::hifi2, false, numerics);
    DstTiles dst(1);
    for (int k = 0; k < 192; ++k)
      unit.matmul_block({.in0 = operand(ones), .in1 = operand(ones), .dst = dst.data(), .cleared = k == 0 ? 1U : 0U});
    EXPECT_EQ(dst.at(0, 0, 0), 8192.0F);
  }
}

TEST(SteppedNumerics, RowSumsPassASourceRegister) {
  const auto in = placed({{0, 0, 1.265625F}, {0, 1, 1.7890625F}, {0, 2, 0.271484375F}, {0, 3, 1.671875F}});
  const auto scaler = filled(1);
  for (const Numerics numerics : {Numerics::exact, Numerics::rounded}) {
    DstTiles dst(1);
    MatrixUnit(Fidelity::hifi4, true, numerics)
        .reduce(Pool::sum, ReduceDim::row, operand(in), operand(scaler), dst.data(), false);
    EXPECT_EQ(dst.at(0, 0, 0), 4.96875F);
  }
}

/// -1 - 2^-23 and 1 in DST: the sum is one negative unit.
TEST(ExactMatrix, KnownFaultStrikesOneNegativeUnit) {
  const auto in0 = placed({{0, 0, -1}, {0, 8, -0x1p-23F}});
  const auto in1 = placed({{0, 0, 1}, {8, 0, 1}});
  for (const bool known : {false, true}) {
    const MatrixUnit unit(Fidelity::hifi4, true, Numerics::exact, known);
    DstTiles dst(1);
    dst.at(0, 0, 0) = 1;
    unit.matmul_block({.in0 = operand(in0), .in1 = operand(in1), .dst = dst.data()});
    EXPECT_EQ(dst.at(0, 0, 0), known ? -16.0F : -0x1p-23F);
    EXPECT_EQ(unit.faults_struck(), 1U) << "counted whether it strikes or not";
  }
}

TEST(RoundedMatrix, InfinitiesStay) {
  const auto infinite = placed({{0, 0, INFINITY}, {1, 0, -INFINITY}});
  const auto ones = filled(1);
  for (const Fidelity fidelity : fidelities) {
    DstTiles dst(1);
    const MatrixUnit unit(fidelity, false, Numerics::rounded);
    unit.matmul_block({.in0 = operand(infinite), .in1 = operand(ones), .dst = dst.data(), .cleared = 1});
    EXPECT_EQ(dst.at(0, 0, 7), INFINITY);
    EXPECT_EQ(dst.at(0, 1, 7), -INFINITY);
    EXPECT_EQ(dst.at(0, 2, 7), 0);
    unit.eltwise(EltwiseOp::mul, Broadcast::none, operand(infinite), operand(ones), dst.data(), false);
    EXPECT_EQ(dst.at(0, 0, 0), INFINITY);
    EXPECT_EQ(dst.at(0, 1, 0), -INFINITY);
  }
}

double relative_l2(const DstTiles& actual, const DstTiles& expected) {
  auto& a = const_cast<DstTiles&>(actual);
  auto& b = const_cast<DstTiles&>(expected);
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(double{a.data()[i]} - double{b.data()[i]}, 2);
    norm += std::pow(double{b.data()[i]}, 2);
  }
  return std::sqrt(difference / norm);
}

/// Dots of 1,024. Of exact numerics `rounded` leaves out the alignment in groups of eight: with 32-bit DST 3.2e-4 for normal
/// numbers (tensix.md 2.1), a quarter more for the scatter of one tile. With 16-bit DST the smallest difference decides
/// where the next sum is rounded to, so that two results are as far apart as two walks of roundings of 2.4e-2 each.
TEST(NumericsCompared, StayWithinTheirBounds) {
  for (const Fidelity fidelity : fidelities) {
    for (const bool dst_fp32 : {false, true}) {
      std::vector<DstTiles> results;
      for (const Numerics numerics : {Numerics::exact, Numerics::rounded, Numerics::fast}) {
        RandomTiles random(17);
        const MatrixUnit unit(fidelity, dst_fp32, numerics);
        DstTiles dst(1);
        for (int k = 0; k < 32; ++k) {
          const auto in0 = random.tiles(DataFormat::bf16, 1, Values::ordinary);
          const auto in1 = random.tiles(DataFormat::bf16, 1, Values::ordinary);
          unit.matmul_block({.in0 = operand(in0, DataFormat::bf16),
                             .in1 = operand(in1, DataFormat::bf16),
                             .dst = dst.data(),
                             .cleared = k == 0 ? 1U : 0U});
        }
        results.push_back(dst);
      }
      const double walks = 2.4e-2 * std::sqrt(2.0);
      const double band = dst_fp32 ? 1.25 * 3.2e-4 : walks;
      EXPECT_LT(relative_l2(results[1], results[0]), band) << phases_of(fidelity) << " phases, fp32 DST " << dst_fp32;
      EXPECT_LT(relative_l2(results[2], results[1]), dst_fp32 ? 1e-6 : walks)
          << phases_of(fidelity) << " phases, fp32 DST " << dst_fp32;
    }
  }
}

}  // namespace
}  // namespace tilegrid
