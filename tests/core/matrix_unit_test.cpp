// SPDX-License-Identifier: Apache-2.0
#include "core/matrix_unit.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"
#include "tests/core/reference_matrix.h"
#include "tests/core/reference_rounded.h"
#include "tests/support/golden_npy.h"
#include "tests/support/matrix_tiles.h"

namespace tilegrid {
namespace {

using reference::Matrix;
using test::DstTiles;
using test::fidelities;
using test::matrix_formats;
using test::on_each_target;
using test::RandomTiles;
using test::to_faces;
using test::Values;

constexpr Broadcast broadcasts[] = {Broadcast::none, Broadcast::rows, Broadcast::cols, Broadcast::scalar};
constexpr EltwiseOp operations[] = {EltwiseOp::add, EltwiseOp::sub, EltwiseOp::mul};
/// Those in float; exact_matrix_test.cpp has the third.
constexpr Numerics float_numerics[] = {Numerics::rounded, Numerics::fast};

Matrix matrix_of(DstTiles& tiles, std::size_t index) {
  Matrix out{};
  for (std::size_t r = 0; r < 32; ++r) {
    for (std::size_t c = 0; c < 32; ++c) out[r][c] = tiles.at(index, r, c);
  }
  return out;
}

/// All elements have the same bits; says the first that has not.
testing::AssertionResult same_bits(const Matrix& actual, const Matrix& expected) {
  for (std::size_t r = 0; r < 32; ++r) {
    for (std::size_t c = 0; c < 32; ++c) {
      if (reference::bits_of(actual[r][c]) == reference::bits_of(expected[r][c])) continue;
      return testing::AssertionFailure() << "row " << r << " column " << c << ": " << actual[r][c] << " (" << std::hex
                                         << reference::bits_of(actual[r][c]) << "), expected " << expected[r][c] << " ("
                                         << reference::bits_of(expected[r][c]) << ")";
    }
  }
  return testing::AssertionSuccess();
}

std::string label(const std::string& target, Fidelity fidelity, bool dst_fp32, Numerics numerics) {
  return target + ", fidelity " + std::to_string(static_cast<int>(fidelity)) + (dst_fp32 ? ", fp32" : ", 16-bit") +
         (numerics == Numerics::fast ? ", fast" : ", rounded");
}

struct MatmulCase {
  Fidelity fidelity = Fidelity::hifi4;
  bool dst_fp32 = true;
  DataFormat in0 = DataFormat::bf16;
  DataFormat in1 = DataFormat::bf16;
  bool transpose = false;
  Values values = Values::ordinary;
  int rt = 1;
  int ct = 1;
  std::uint32_t cleared = 0;
  Numerics numerics = default_numerics;
};

/// One call against the reference, on the current target.
void check_matmul(const MatmulCase& c, const std::string& where) {
  RandomTiles random(11);
  const auto in0 = random.tiles(c.in0, c.rt, c.values);
  const auto in1 = random.tiles(c.in1, c.ct, c.values);
  const std::size_t tiles = static_cast<std::size_t>(c.rt) * static_cast<std::size_t>(c.ct);
  DstTiles dst(tiles);
  random.fill(dst, Values::ordinary, c.dst_fp32);
  DstTiles before = dst;
  const std::size_t in0_tile = tile_bytes(c.in0);
  const std::size_t in1_tile = tile_bytes(c.in1);
  MatrixUnit(c.fidelity, c.dst_fp32, c.numerics)
      .matmul_block({.in0 = {in0.data(), c.in0},
                     .in0_stride = in0_tile,
                     .in1 = {in1.data(), c.in1},
                     .in1_stride = in1_tile,
                     .transpose_in1 = c.transpose,
                     .rt = c.rt,
                     .ct = c.ct,
                     .dst = dst.data(),
                     .cleared = c.cleared});
  for (std::size_t i = 0; i < tiles; ++i) {
    const std::size_t row = i / static_cast<std::size_t>(c.ct);
    const std::size_t column = i % static_cast<std::size_t>(c.ct);
    const Matrix start = ((c.cleared >> i) & 1U) != 0 ? Matrix{} : matrix_of(before, i);
    const TileOperand left{in0.data() + row * in0_tile, c.in0};
    const TileOperand right{in1.data() + column * in1_tile, c.in1};
    const Matrix expected = c.numerics == Numerics::fast
                                ? reference::matmul(left, right, c.transpose, start, c.fidelity, c.dst_fp32)
                                : reference::matmul_rounded(left, right, c.transpose, start, {c.fidelity, c.dst_fp32});
    ASSERT_TRUE(same_bits(matrix_of(dst, i), expected)) << label(where, c.fidelity, c.dst_fp32, c.numerics) << ", "
                                                        << name_of(c.in0) << " x " << name_of(c.in1) << ", tile " << i;
  }
}

TEST(MatmulBlock, EveryFormatFidelityAndMode) {
  const auto check_all = [](Fidelity fidelity, bool dst_fp32, Numerics numerics, const std::string& target) {
    for (const DataFormat format : matrix_formats) {
      if (format == DataFormat::fp16 && !dst_fp32) continue;  // exact in all numerics: exact_fuzz_test.cpp
      for (const bool transpose : {false, true}) {
        for (const Values values : {Values::ordinary, Values::special}) {
          check_matmul({fidelity, dst_fp32, format, format, transpose, values, 1, 1, 0, numerics}, target);
        }
      }
    }
    constexpr Values ordinary = Values::ordinary;
    check_matmul({fidelity, dst_fp32, DataFormat::bf16, DataFormat::bfp4_b, true, ordinary, 1, 1, 0, numerics}, target);
    check_matmul({fidelity, dst_fp32, DataFormat::fp32, DataFormat::bf16, false, ordinary, 1, 1, 1, numerics}, target);
  };
  on_each_target([&](const std::string& target) {
    for (const Fidelity fidelity : fidelities) {
      for (const bool dst_fp32 : {true, false}) {
        for (const Numerics numerics : float_numerics) check_all(fidelity, dst_fp32, numerics, target);
      }
    }
  });
}

TEST(MatmulBlock, EveryShape) {
  on_each_target([](const std::string& target) {
    for (int rt = 1; rt <= 8; ++rt) {
      for (int ct = 1; ct <= 8 && rt * ct <= 16; ++ct) {
        const Fidelity fidelity = (rt + ct) % 2 == 0 ? Fidelity::hifi3 : Fidelity::hifi2;
        const Numerics numerics = float_numerics[(rt + 2 * ct) / 2 % 2];
        check_matmul({.fidelity = fidelity, .rt = rt, .ct = ct, .cleared = 0xA5A5U, .numerics = numerics}, target);
      }
    }
    for (const Numerics numerics : float_numerics) {
      check_matmul({.fidelity = Fidelity::hifi3, .rt = 1, .ct = 16, .numerics = numerics}, target);
      check_matmul({.fidelity = Fidelity::hifi3, .rt = 16, .ct = 1, .numerics = numerics}, target);
    }
  });
}

TEST(MatmulBlock, LeavesSmallResultsAsZero) {
  on_each_target([](const std::string& target) {
    // Two products of 2^-64 and -2^-64 to each element: -2^-127, which is denormal.
    std::vector<std::uint16_t> in0(tile_elements);
    const std::vector<std::uint16_t> in1(tile_elements, 0x9F80);
    for (std::size_t i = 0; i < tile_elements; i += 16) in0[i] = 0x1F80;
    DstTiles dst(1);
    MatrixUnit(Fidelity::hifi4, true)
        .matmul_block({.in0 = {reinterpret_cast<const std::byte*>(in0.data()), DataFormat::bf16},
                       .in1 = {reinterpret_cast<const std::byte*>(in1.data()), DataFormat::bf16},
                       .dst = dst.data(),
                       .cleared = 1});
    ASSERT_TRUE(same_bits(matrix_of(dst, 0), Matrix{})) << target;
  });
}

TEST(MatmulBlock, RefusesShapesBeyondDst) {
  DstTiles dst(1);
  const MatrixUnit unit(Fidelity::hifi2, true);
  EXPECT_THROW(unit.matmul_block({.in0 = {}, .in1 = {}, .rt = 3, .ct = 6, .dst = dst.data()}), Fault);
  EXPECT_THROW(unit.matmul_block({.in0 = {}, .in1 = {}, .rt = 0, .ct = 1, .dst = dst.data()}), Fault);
}

void check_eltwise(reference::Unit unit, Numerics numerics, DataFormat a_format, DataFormat b_format, Values values,
                   const std::string& target) {
  const auto& [fidelity, dst_fp32] = unit;
  RandomTiles random(13);
  const auto a = random.tiles(a_format, 1, values);
  const auto b = random.tiles(b_format, 1, values);
  const Matrix left = reference::source({a.data(), a_format}, dst_fp32);
  const Matrix right = reference::source({b.data(), b_format}, dst_fp32);
  for (const EltwiseOp op : operations) {
    // Rounded additions are those of fast numerics: of them one pair of formats will do.
    if (numerics == Numerics::rounded && op != EltwiseOp::mul && a_format != b_format) continue;
    for (const Broadcast broadcast : broadcasts) {
      for (const bool accumulate : {false, true}) {
        DstTiles dst(1);
        random.fill(dst, Values::ordinary, dst_fp32);
        const Matrix before = matrix_of(dst, 0);
        MatrixUnit(fidelity, dst_fp32, numerics)
            .eltwise(op, broadcast, {a.data(), a_format}, {b.data(), b_format}, dst.data(), accumulate);
        const Matrix expected = numerics == Numerics::fast
                                    ? reference::eltwise(op, broadcast, left, right, before, accumulate, fidelity, dst_fp32)
                                    : reference::eltwise_rounded(op, broadcast, left, right, before, accumulate, unit);
        ASSERT_TRUE(same_bits(matrix_of(dst, 0), expected))
            << label(target, fidelity, dst_fp32, numerics) << ", " << name_of(a_format) << ", " << name_of(b_format)
            << ", op " << static_cast<int>(op) << ", broadcast " << static_cast<int>(broadcast)
            << (accumulate ? ", accumulate" : "");
      }
    }
  }
}

TEST(Eltwise, EveryOperationBroadcastFormatAndMode) {
  on_each_target([](const std::string& target) {
    for (const Fidelity fidelity : fidelities) {
      for (const bool dst_fp32 : {true, false}) {
        for (const DataFormat a : matrix_formats) {
          for (const DataFormat b : matrix_formats) {
            if (a == DataFormat::fp16 && b == a && !dst_fp32) continue;  // exact in all numerics: exact_fuzz_test.cpp
            for (const Values values : {Values::ordinary, Values::special}) {
              for (const Numerics numerics : float_numerics) {
                check_eltwise({fidelity, dst_fp32}, numerics, a, b, values, target);
              }
            }
          }
        }
      }
    }
  });
}

TEST(Eltwise, DestReuse) {
  on_each_target([](const std::string& target) {
    RandomTiles random(17);
    for (const bool dst_fp32 : {true, false}) {
      for (const DataFormat format : {DataFormat::bf16, DataFormat::fp32}) {
        for (const EltwiseOp op : operations) {
          for (const bool dst_is_a : {true, false}) {
            const auto other = random.tiles(format, 1, Values::special);
            DstTiles dst(1);
            random.fill(dst, Values::special, true);
            Matrix from_dst = matrix_of(dst, 0);
            for (auto& row : from_dst) {
              for (float& value : row) value = reference::source(value, DataFormat::fp32, dst_fp32);
            }
            const Matrix from_l1 = reference::source({other.data(), format}, dst_fp32);
            const Matrix& a = dst_is_a ? from_dst : from_l1;
            const Matrix& b = dst_is_a ? from_l1 : from_dst;
            const reference::Unit unit{Fidelity::hifi2, dst_fp32};
            for (const Numerics numerics : float_numerics) {
              const Matrix expected =
                  numerics == Numerics::fast
                      ? reference::eltwise(op, Broadcast::none, a, b, from_dst, false, unit.fidelity, dst_fp32)
                      : reference::eltwise_rounded(op, Broadcast::none, a, b, from_dst, false, unit);
              DstTiles own = dst;
              MatrixUnit(unit.fidelity, dst_fp32, numerics)
                  .eltwise_dest_reuse(op, dst_is_a, {other.data(), format}, own.data());
              ASSERT_TRUE(same_bits(matrix_of(own, 0), expected))
                  << label(target, unit.fidelity, dst_fp32, numerics) << ", op " << static_cast<int>(op);
            }
          }
        }
      }
    }
  });
}

void check_reduce(reference::Unit unit, Numerics numerics, DataFormat format, Values values, const std::string& target) {
  const auto& [fidelity, dst_fp32] = unit;
  RandomTiles random(19);
  const auto in = random.tiles(format, 1, values);
  const auto scaler = random.tiles(DataFormat::bf16, 1, Values::ordinary);
  const Matrix source = reference::source({in.data(), format}, dst_fp32);
  const Matrix scale = reference::source({scaler.data(), DataFormat::bf16}, dst_fp32);
  for (const Pool pool : {Pool::max, Pool::sum}) {
    for (const ReduceDim dim : {ReduceDim::row, ReduceDim::col, ReduceDim::scalar}) {
      for (const bool accumulate : {false, true}) {
        DstTiles dst(1);
        random.fill(dst, Values::ordinary, dst_fp32);
        const Matrix before = matrix_of(dst, 0);
        MatrixUnit(fidelity, dst_fp32, numerics)
            .reduce(pool, dim, {in.data(), format}, {scaler.data(), DataFormat::bf16}, dst.data(), accumulate);
        const Matrix expected = pool == Pool::max || numerics == Numerics::fast
                                    ? reference::reduce(pool, dim, source, scale, before, accumulate, fidelity, dst_fp32)
                                    : reference::sum_rounded(dim, source, format, scale, before, accumulate, unit);
        ASSERT_TRUE(same_bits(matrix_of(dst, 0), expected))
            << label(target, fidelity, dst_fp32, numerics) << ", " << name_of(format)
            << (pool == Pool::max ? ", max" : ", sum") << ", dim " << static_cast<int>(dim)
            << (accumulate ? ", accumulate" : "");
      }
    }
  }
}

TEST(Reduce, EveryPoolDimensionFormatAndMode) {
  on_each_target([](const std::string& target) {
    for (const Fidelity fidelity : fidelities) {
      for (const bool dst_fp32 : {true, false}) {
        for (const DataFormat format : matrix_formats) {
          for (const Values values : {Values::ordinary, Values::special}) {
            for (const Numerics numerics : float_numerics) {
              check_reduce({fidelity, dst_fp32}, numerics, format, values, target);
            }
          }
        }
      }
    }
  });
}

TEST(Reduce, MaxOfNegativeNumbersAndNothingElse) {
  const std::vector<std::uint16_t> in(tile_elements, 0xC000);  // -2
  const std::vector<std::uint16_t> ones(tile_elements, 0x3F80);
  const auto operand = [](const std::vector<std::uint16_t>& tile) {
    return TileOperand{reinterpret_cast<const std::byte*>(tile.data()), DataFormat::bf16};
  };
  DstTiles dst(1);
  MatrixUnit(Fidelity::lofi, true).reduce(Pool::max, ReduceDim::row, operand(in), operand(ones), dst.data(), false);
  EXPECT_EQ(dst.at(0, 31, 0), -2.0F);
  EXPECT_EQ(dst.at(0, 31, 1), 0.0F);
}

// tensix.md 2.2: of -2.43 a maximum takes the 2, of 1.97 nothing, of 0.3 a quarter, of 0 everything away.
TEST(Reduce, MaxTakesTheExponentOfItsScaler) {
  const std::vector<float> in(tile_elements, 1.625F);
  for (const auto& [scaler, factor] : {std::pair{-2.43F, 2.0F}, {1.97F, 1.0F}, {-1.0F, 1.0F}, {0.3F, 0.25F}, {0.0F, 0.0F}}) {
    const std::vector<float> scale(tile_elements, scaler);
    const auto operand = [](const std::vector<float>& tile) {
      return TileOperand{reinterpret_cast<const std::byte*>(tile.data()), DataFormat::fp32};
    };
    for (const ReduceDim dim : {ReduceDim::row, ReduceDim::col, ReduceDim::scalar}) {
      DstTiles dst(1);
      MatrixUnit(Fidelity::hifi4, false).reduce(Pool::max, dim, operand(in), operand(scale), dst.data(), false);
      const float once = 1.625F * factor;
      EXPECT_EQ(dst.at(0, 0, 0), dim == ReduceDim::scalar ? once * factor : once) << scaler;
    }
  }
}

TEST(Copy, ExactOrCut) {
  on_each_target([](const std::string& target) {
    RandomTiles random(23);
    for (const DataFormat format : matrix_formats) {
      const auto in = random.tiles(format, 1, Values::special);
      const bool word = format == DataFormat::fp32 || format == DataFormat::tf32;
      for (const bool dst_fp32 : {true, false}) {
        for (const bool unpack_to_dst : {true, false}) {
          Matrix expected = reference::decode({in.data(), format});
          for (auto& row : expected) {
            for (float& value : row) {
              if (word && !dst_fp32) value = scalar::truncate_bf16(value);
              if (word && dst_fp32 && !unpack_to_dst) value = scalar::truncate_tf32(value);
            }
          }
          DstTiles dst(1);
          const MatrixUnit unit(Fidelity::hifi4, dst_fp32);
          unit.copy({in.data(), format}, dst.data(), unpack_to_dst);
          ASSERT_TRUE(same_bits(matrix_of(dst, 0), expected)) << target << ", " << name_of(format);
          if (unpack_to_dst) continue;
          unit.transpose({in.data(), format}, dst.data());
          ASSERT_TRUE(same_bits(matrix_of(dst, 0), reference::transposed(expected))) << target << ", " << name_of(format);
        }
      }
    }
  });
}

struct GoldenBand {
  const char* distribution;
  const char* fidelity_name;
  Fidelity fidelity;
  bool dst_fp32;
  double band;
};

double relative_l2(const std::vector<std::uint32_t>& golden, std::size_t first, const Matrix& actual) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < tile_elements; ++i) {
    const auto expected = static_cast<double>(std::bit_cast<float>(golden[first + i]));
    difference += std::pow(static_cast<double>(actual[i / 32][i % 32]) - expected, 2);
    norm += expected * expected;
  }
  return std::sqrt(difference / norm);
}

/// The vendor's bit-exact model over K = 128. Both cut the operands alike at each fidelity, so with 32-bit DST what is left
/// between the two is the model's alignment in groups of 8. The HiFi4 and HiFi3 figures of tensix.md 2.1 show it alone
/// (3.2e-4 for normal numbers, 1.7e-4 for uniform ones): they are the bands of every fidelity, with a quarter on top for
/// normal numbers because a single tile scatters around the mean of 60,000 dots. With 16-bit DST the roundings dominate; the
/// figure for K = 1024, 2.4e-2, grows with their number's square root and is divided by sqrt(8) for K = 128.
constexpr double normal_band = 1.25 * 3.2e-4;
constexpr double uniform_band = 1.7e-4;
constexpr double dst16_band = 8.5e-3;

class GoldenMatmul : public testing::TestWithParam<GoldenBand> {};

TEST_P(GoldenMatmul, StaysWithinTheBand) {
  const GoldenBand& p = GetParam();
  const std::string stem = std::string(TILEGRID_TEST_DATA) + "/matrix_unit/matmul_" + p.distribution;
  const auto in0 = test::load_npy<std::uint16_t>(stem + "_in0.npy");
  const auto in1 = test::load_npy<std::uint16_t>(stem + "_in1.npy");
  const auto golden =
      test::load_npy<std::uint32_t>(stem + "_" + p.fidelity_name + (p.dst_fp32 ? "_fp32" : "_bf16") + ".npy");
  constexpr std::size_t cases = 3;
  constexpr std::size_t k_tiles = 4;
  ASSERT_EQ(in0.size(), cases * k_tiles * tile_elements);
  ASSERT_EQ(golden.size(), cases * tile_elements);
  for (std::size_t i = 0; i < cases; ++i) {
    DstTiles dst(1);
    for (std::size_t k = 0; k < k_tiles; ++k) {
      const auto left = to_faces(&in0[(i * k_tiles + k) * tile_elements]);
      const auto right = to_faces(&in1[(i * k_tiles + k) * tile_elements]);
      MatrixUnit(p.fidelity, p.dst_fp32)
          .matmul_block({.in0 = {reinterpret_cast<const std::byte*>(left.data()), DataFormat::bf16},
                         .in1 = {reinterpret_cast<const std::byte*>(right.data()), DataFormat::bf16},
                         .dst = dst.data(),
                         .cleared = k == 0 ? 1U : 0U});
    }
    const double error = relative_l2(golden, i * tile_elements, matrix_of(dst, 0));
    RecordProperty("relative_l2_" + std::to_string(i), std::to_string(error));
    EXPECT_LT(error, p.band);
  }
}

INSTANTIATE_TEST_SUITE_P(Vendor, GoldenMatmul,
                         testing::Values(GoldenBand{"normal", "lofi", Fidelity::lofi, true, normal_band},
                                         GoldenBand{"normal", "hifi2", Fidelity::hifi2, true, normal_band},
                                         GoldenBand{"normal", "hifi3", Fidelity::hifi3, true, normal_band},
                                         GoldenBand{"normal", "hifi4", Fidelity::hifi4, true, normal_band},
                                         GoldenBand{"normal", "lofi", Fidelity::lofi, false, dst16_band},
                                         GoldenBand{"normal", "hifi2", Fidelity::hifi2, false, dst16_band},
                                         GoldenBand{"normal", "hifi3", Fidelity::hifi3, false, dst16_band},
                                         GoldenBand{"normal", "hifi4", Fidelity::hifi4, false, dst16_band},
                                         GoldenBand{"uniform", "lofi", Fidelity::lofi, true, uniform_band},
                                         GoldenBand{"uniform", "hifi2", Fidelity::hifi2, true, uniform_band},
                                         GoldenBand{"uniform", "hifi3", Fidelity::hifi3, true, uniform_band},
                                         GoldenBand{"uniform", "hifi4", Fidelity::hifi4, true, uniform_band},
                                         GoldenBand{"uniform", "lofi", Fidelity::lofi, false, dst16_band},
                                         GoldenBand{"uniform", "hifi4", Fidelity::hifi4, false, dst16_band}),
                         [](const auto& info) {
                           return std::string(info.param.distribution) + "_" + info.param.fidelity_name +
                                  (info.param.dst_fp32 ? "_fp32" : "_bf16");
                         });

}  // namespace
}  // namespace tilegrid
