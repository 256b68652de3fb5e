// SPDX-License-Identifier: Apache-2.0
// Exact numerics against the scalar model over numbers that workloads hardly have: any pattern, ends of the range, ties,
// sums that cancel; for bf16, TF32 and fp16 sources.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/fidelity_name.h"
#include "core/matrix_unit.h"
#include "tests/core/exact_model.h"
#include "tests/core/reference_matrix.h"
#include "tests/core/reference_rounded.h"
#include "tests/support/matrix_tiles.h"

namespace tilegrid {
namespace {

using reference::bits_of;
using reference::Matrix;
using reference::phases_of;
using test::DstTiles;
using test::fidelities;

enum class Odd { any, smallest, largest, ties, cancelling, sparse };
constexpr Odd odd_kinds[] = {Odd::any, Odd::smallest, Odd::largest, Odd::ties, Odd::cancelling, Odd::sparse};

/// Patterns of a format with `exponent_bits` and `mantissa_bits`.
class OddNumbers {
 public:
  explicit OddNumbers(unsigned seed) : engine_(seed) {}

  std::uint32_t pattern(Odd kind, unsigned exponent_bits, unsigned mantissa_bits) {
    const std::uint32_t exponents = 1U << exponent_bits;
    const std::uint32_t fractions = 1U << mantissa_bits;
    const std::uint32_t middle = exponents / 2 - 1;
    std::uint32_t exponent = below(exponents);
    std::uint32_t fraction = below(fractions);
    if (kind == Odd::smallest) exponent = below(3) + (below(4) == 0 ? middle : 0);
    if (kind == Odd::largest) exponent = exponents - 1 - below(3) - (below(4) == 0 ? middle : 0);
    if (kind == Odd::ties) {  // one bit set besides the hidden one, within 24 places
      exponent = middle - 12 + below(24);
      fraction = below(3) == 0 ? 0 : fractions >> (1 + below(mantissa_bits));
    }
    if (kind == Odd::cancelling) {  // few values, of both signs
      exponent = middle + below(2);
      fraction = below(2) * (fractions - 1);
    }
    if (kind == Odd::sparse && below(4) != 0) exponent = fraction = 0;
    exponent = std::min(exponent, exponents - 1);
    return (below(2) << (exponent_bits + mantissa_bits)) | exponent << mantissa_bits | fraction;
  }

  std::vector<std::byte> tile(Odd kind, DataFormat format) {
    std::vector<std::byte> out(tile_bytes(format));
    const std::size_t width = format == DataFormat::tf32 ? 4 : 2;
    for (std::size_t i = 0; i < out.size(); i += width) {
      const std::uint32_t bits = format == DataFormat::fp16   ? pattern(kind, 5, 10)
                                 : format == DataFormat::tf32 ? pattern(kind, 8, 10) << 13U
                                                              : pattern(kind, 8, 7);
      std::memcpy(&out[i], &bits, width);
    }
    return out;
  }

  /// What DST can hold.
  void fill(DstTiles& dst, Odd kind, exact_model::Mode mode) {
    for (std::size_t i = 0; i < dst.size(); ++i) {
      if (mode.half_dst()) {
        const auto bits = static_cast<std::uint16_t>(pattern(kind, 5, 10));
        dst.data()[i] = scalar::unpack_fp16((bits & 0x7C00U) == 0 ? 0U : bits);
      } else {
        dst.data()[i] = std::bit_cast<float>(mode.dst_fp32 ? pattern(kind, 8, 23) : pattern(kind, 8, 7) << 16U);
      }
    }
  }

 private:
  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(engine_() % end); }

  std::mt19937 engine_;
};

struct Case {
  Odd kind;
  DataFormat format;
  bool dst_fp32;
  Fidelity fidelity;
  [[nodiscard]] exact_model::Mode mode() const { return {dst_fp32, format == DataFormat::fp16}; }
  /// Those that are exact: fp16 in 16-bit DST has no others.
  [[nodiscard]] std::vector<Numerics> exact_numerics() const {
    if (mode().half_dst()) return {Numerics::exact, Numerics::rounded, Numerics::fast};
    return {Numerics::exact};
  }
  [[nodiscard]] std::string name() const {
    return std::string(name_of(format)) + ", numbers " + std::to_string(static_cast<int>(kind)) + ", " + name_of(fidelity) +
           (dst_fp32 ? ", fp32 DST" : ", 16-bit DST");
  }
};

template <class Body>
void on_each_case(const Body& body) {
  unsigned seed = 1;
  for (const Odd kind : odd_kinds) {
    for (const DataFormat format : {DataFormat::bf16, DataFormat::tf32, DataFormat::fp16}) {
      for (const bool dst_fp32 : {false, true}) {
        for (const Fidelity fidelity : fidelities) {
          OddNumbers numbers(seed++);
          body(Case{kind, format, dst_fp32, fidelity}, numbers);
        }
      }
    }
  }
}

Matrix rows_of(DstTiles& dst) {
  Matrix out{};
  for (std::size_t e = 0; e < tile_elements; ++e) out[e / 32][e % 32] = dst.at(0, e / 32, e % 32);
  return out;
}

std::size_t differences(DstTiles& dst, const Matrix& expected) {
  std::size_t wrong = 0;
  for (std::size_t e = 0; e < tile_elements; ++e) {
    wrong += bits_of(dst.at(0, e / 32, e % 32)) != bits_of(expected[e / 32][e % 32]) ? 1 : 0;
  }
  return wrong;
}

TEST(ExactFuzz, Matmul) {
  on_each_case([](const Case& one, OddNumbers& numbers) {
    const auto in0 = numbers.tile(one.kind, one.format);
    const auto in1 = numbers.tile(one.kind, one.format);
    DstTiles dst(1);
    numbers.fill(dst, one.kind, one.mode());
    const Matrix before = rows_of(dst);
    const TileOperand left{in0.data(), one.format};
    const TileOperand right{in1.data(), one.format};
    const Matrix expected = exact_model::matmul(left, right, false, before, one.fidelity, one.dst_fp32);
    for (const Numerics numerics : one.exact_numerics()) {
      DstTiles own = dst;
      MatrixUnit(one.fidelity, one.dst_fp32, numerics).matmul_block({.in0 = left, .in1 = right, .dst = own.data()});
      EXPECT_EQ(differences(own, expected), 0U) << one.name() << ", " << name_of(numerics);
    }
  });
}

TEST(ExactFuzz, Eltwise) {
  on_each_case([](const Case& one, OddNumbers& numbers) {
    for (const EltwiseOp op : {EltwiseOp::add, EltwiseOp::sub, EltwiseOp::mul}) {
      for (const bool accumulate : {false, true}) {
        const auto in0 = numbers.tile(one.kind, one.format);
        const auto in1 = numbers.tile(one.kind, one.format);
        const TileOperand a{in0.data(), one.format};
        const TileOperand b{in1.data(), one.format};
        DstTiles dst(1);
        numbers.fill(dst, one.kind, one.mode());
        const Matrix before = rows_of(dst);
        MatrixUnit(one.fidelity, one.dst_fp32, Numerics::exact).eltwise(op, Broadcast::none, a, b, dst.data(), accumulate);
        const Matrix left = reference::source(a, one.dst_fp32);
        const Matrix right = reference::source(b, one.dst_fp32);
        Matrix expected{};
        for (std::size_t r = 0; r < 32; ++r) {
          for (std::size_t c = 0; c < 32; ++c) {
            expected[r][c] = exact_model::eltwise(op, left[r][c], right[r][c], accumulate ? before[r][c] : 0.0F,
                                                  one.fidelity, one.mode());
          }
        }
        EXPECT_EQ(differences(dst, expected), 0U)
            << one.name() << ", operation " << static_cast<int>(op) << ", accumulate " << accumulate;
      }
    }
  });
}

TEST(ExactFuzz, ReductionsOfColumnsAndDstReuse) {
  on_each_case([](const Case& one, OddNumbers& numbers) {
    const MatrixUnit unit(one.fidelity, one.dst_fp32, Numerics::exact);
    const auto in = numbers.tile(one.kind, one.format);
    const auto scaler = numbers.tile(one.kind, one.format);
    const TileOperand operand{in.data(), one.format};
    const Matrix values = reference::source(operand, one.dst_fp32);
    const Matrix factors = reference::source({scaler.data(), one.format}, one.dst_fp32);
    DstTiles dst(1);
    numbers.fill(dst, one.kind, one.mode());
    Matrix before = rows_of(dst);
    DstTiles reused = dst;
    unit.reduce(Pool::sum, ReduceDim::col, operand, {scaler.data(), one.format}, dst.data(), true);
    Matrix expected{};
    for (std::size_t c = 0; c < 32; ++c) {
      float sum = before[0][c];
      for (const std::size_t face : {0U, 16U}) {
        std::array<float, 16> column{};
        for (std::size_t r = 0; r < 16; ++r) column[r] = values[face + r][c];
        for (int phase = 0; phase < phases_of(one.fidelity); ++phase) {
          sum = exact_model::dot(sum, column, std::span(factors[0]).first(16), phase, one.mode());
        }
      }
      expected[0][c] = sum;
    }
    EXPECT_EQ(differences(dst, expected), 0U) << one.name() << ", reduce";

    const bool whole = one.mode().half_dst();  // DST goes to a source of its own format
    for (std::size_t r = 0; r < 32; ++r) {
      for (std::size_t c = 0; c < 32; ++c) {
        const float held = whole ? before[r][c] : reference::source(before[r][c], DataFormat::fp32, one.dst_fp32);
        expected[r][c] = exact_model::eltwise(EltwiseOp::mul, held, values[r][c], 0, one.fidelity, one.mode());
      }
    }
    unit.eltwise_dest_reuse(EltwiseOp::mul, true, operand, reused.data());
    if (one.format != DataFormat::fp16 || !one.dst_fp32) {
      EXPECT_EQ(differences(reused, expected), 0U) << one.name() << ", DST reuse";
    }
  });
}

/// 131008 is the largest number of fp16, which has no infinity; sums beyond end there, whatever the numerics.
TEST(HalfDst, EndsAtItsLargestNumber) {
  const std::vector<std::uint16_t> large(tile_elements, 0x7800);  // 32768
  const TileOperand operand{reinterpret_cast<const std::byte*>(large.data()), DataFormat::fp16};
  for (const Numerics numerics : {Numerics::exact, Numerics::rounded, Numerics::fast}) {
    DstTiles dst(1);
    const MatrixUnit unit(Fidelity::hifi2, false, numerics);
    unit.eltwise(EltwiseOp::add, Broadcast::none, operand, operand, dst.data(), false);
    EXPECT_EQ(dst.at(0, 3, 3), 65536.0F);
    unit.eltwise(EltwiseOp::add, Broadcast::none, operand, operand, dst.data(), true);
    EXPECT_EQ(dst.at(0, 3, 3), 131008.0F);
    unit.matmul_block({.in0 = operand, .in1 = operand, .dst = dst.data(), .cleared = 1});
    EXPECT_EQ(dst.at(0, 0, 0), 131008.0F);
  }
}

/// 11 places: 1 + 2^-10 stays, half of it is a tie and goes up.
TEST(HalfDst, HasElevenPlaces) {
  std::vector<std::uint16_t> ones(tile_elements, 0x3C00);
  std::vector<std::uint16_t> small(tile_elements, 0x1400);  // 2^-10
  const TileOperand one{reinterpret_cast<const std::byte*>(ones.data()), DataFormat::fp16};
  const TileOperand other{reinterpret_cast<const std::byte*>(small.data()), DataFormat::fp16};
  DstTiles dst(1);
  const MatrixUnit unit(Fidelity::hifi4, false, Numerics::rounded);
  unit.eltwise(EltwiseOp::add, Broadcast::none, one, other, dst.data(), false);
  EXPECT_EQ(dst.at(0, 0, 0), 1.0F + 0x1p-10F);
  small.assign(tile_elements, 0x0200);  // a denormal is 0
  unit.eltwise(EltwiseOp::add, Broadcast::none, other, other, dst.data(), false);
  EXPECT_EQ(dst.at(0, 0, 0), 0.0F);
}

/// HiFi4 has all bits of 8-bit integers; LoFi the upper three of SrcA's magnitudes and all but four of SrcB's.
TEST(IntegerMatrix, MultipliesBytesInPieces) {
  std::mt19937 engine(5);
  std::vector<std::int8_t> in0(tile_elements);
  std::vector<std::int8_t> in1(tile_elements);
  for (auto* tile : {&in0, &in1}) {
    for (std::int8_t& value : *tile) value = static_cast<std::int8_t>(static_cast<int>(engine() % 255) - 127);
  }
  const TileOperand left{reinterpret_cast<const std::byte*>(in0.data()), DataFormat::int8};
  const TileOperand right{reinterpret_cast<const std::byte*>(in1.data()), DataFormat::int8};
  const auto magnitude = [](int value, int kept) { return value < 0 ? -(-value & kept) : value & kept; };
  for (const bool lofi : {false, true}) {
    DstTiles dst(1);
    MatrixUnit(lofi ? Fidelity::lofi : Fidelity::hifi4, true)
        .matmul_block({.in0 = left, .in1 = right, .dst = dst.data(), .cleared = 1});
    for (int r = 0; r < 32; ++r) {
      for (int c = 0; c < 32; ++c) {
        int sum = 0;
        for (int k = 0; k < 32; ++k) {
          const int x = in0[static_cast<std::size_t>(tile_index(r, k))];
          const int y = in1[static_cast<std::size_t>(tile_index(k, c))];
          sum += lofi ? magnitude(x, 0x70) * magnitude(y, 0xE0) : x * y;
        }
        ASSERT_EQ(std::bit_cast<std::int32_t>(dst.at(0, std::size_t(r), std::size_t(c))), sum) << lofi << r << c;
      }
    }
  }
}

TEST(IntegerMatrix, SumsEndAtTheLargestInteger) {
  const std::vector<std::int8_t> most(tile_elements, 127);
  const TileOperand operand{reinterpret_cast<const std::byte*>(most.data()), DataFormat::int8};
  DstTiles dst(1);
  for (std::size_t i = 0; i < tile_elements; ++i) dst.data()[i] = std::bit_cast<float>(0x7FFFFFF0);
  MatrixUnit(Fidelity::hifi4, true).eltwise(EltwiseOp::add, Broadcast::none, operand, operand, dst.data(), true);
  EXPECT_EQ(std::bit_cast<std::int32_t>(dst.at(0, 0, 0)), 0x7FFFFFFF);
}

}  // namespace
}  // namespace tilegrid
