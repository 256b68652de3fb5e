// SPDX-License-Identifier: Apache-2.0
// The operations of the matrix unit that go step by step as on silicon: all of exact numerics, sums of reductions, and
// products of rounded numerics where the machine multiplies pairs.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/matrix_unit.h"
#include "core/simd/exact_kernels.h"
#include "core/simd/matrix_kernels.h"
#include "core/simd/matrix_sources.h"
#include "core/simd/pair_kernels.h"
#include "core/tile.h"

namespace tilegrid {
namespace {

using simd::ExactMode;
using simd::ExactOperand;
using simd::SourceRegister;

/// Per thread and not on the stack, as in matrix_unit.cpp. rt * ct <= 16 gives rt + ct <= 17 operands of a block.
constexpr std::size_t most_operands = 17;
struct Steps {
  std::array<ExactOperand, most_operands> operands;
  std::array<simd::PairTile, most_operands> pairs;
  alignas(64) std::array<std::array<float, tile_elements>, 2> tiles;
};
Steps& steps() {
  thread_local Steps of_thread;
  return of_thread;
}

bool is_zero(simd::Extent extent) { return extent.finite && extent.least == simd::Extent().least; }

/// Pools faces of a tile into 16 sums, as the numerics say.
class FacePool {
 public:
  /// `scaler`: 16 values.
  FacePool(const ExactMode& mode, const simd::ProductCut& cut, bool exact, const float* scaler)
      : mode_(mode), cut_(cut), exact_(exact) {
    std::copy_n(scaler, face_side, scaler_.begin());
    if (!exact_) return;
    auto& row = steps().tiles[1];
    row.fill(0);
    std::copy_n(scaler, face_side, row.begin());
    simd::split_exactly(SourceRegister::b, row.data(), steps().operands[0]);
  }
  /// The tile that the next calls of pool() read, in face order.
  void load(const float* tile) {
    tile_ = tile;
    if (exact_) simd::split_exactly(SourceRegister::a, tile, steps().operands[1]);
  }
  /// sums += scaler . columns of a face; returns how often the known fault struck.
  std::uint64_t pool(int face_row, int face_column, float* sums) const {
    if (exact_) {
      return simd::pool_exactly(mode_, steps().operands[0], steps().operands[1], face_row, face_column, sums);
    }
    const std::ptrdiff_t face = std::ptrdiff_t{2} * face_row + face_column;
    simd::pool_in_phases({.in = tile_ + face * face_side * face_side,
                          .scaler = scaler_.data(),
                          .cut = cut_,
                          .dst_fp32 = mode_.dst_fp32,
                          .sums = sums});
    return 0;
  }

 private:
  ExactMode mode_;
  simd::ProductCut cut_;
  bool exact_;
  std::array<float, face_side> scaler_{};
  const float* tile_ = nullptr;
};

/// What a source register of the operand's format keeps of sums that go through it.
void cut_as_source(DataFormat format, bool dst_fp32, float* values, int count) {
  const bool long_source = format == DataFormat::fp16 || (is_word(format) && dst_fp32);
  for (int i = 0; i < count; ++i) {
    values[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(values[i]) & keep_significand(long_source ? 11 : 8));
  }
}

}  // namespace

simd::ExactMode MatrixUnit::exact_mode(DataFormat a, DataFormat b) const {
  return {.phases = to_underlying(fidelity_),
          .dst_fp32 = dst_fp32_,
          .known_faults = known_faults_,
          .five_bit_exponents = a == DataFormat::fp16 && b == DataFormat::fp16};
}

void MatrixUnit::matmul_exactly(const MatmulBlock& block) const {
  const ExactMode mode = exact_mode(block.in0.format, block.in1.format);
  const std::size_t rt = block.rt;
  const std::size_t ct = block.ct;
  auto& operands = steps().operands;
  auto& tiles = steps().tiles;
  for (std::size_t i = 0; i < rt + ct; ++i) {
    const bool is_in0 = i < rt;
    const TileOperand tile =
        is_in0 ? TileOperand{.data = block.in0.data + i * block.in0_stride, .format = block.in0.format}
               : TileOperand{.data = block.in1.data + (i - rt) * block.in1_stride, .format = block.in1.format};
    unpack_source(tile, dst_fp32_, 0xFFFFFFFFU, !is_in0 && block.transpose_in1, tiles[0].data());
    simd::split_exactly(is_in0 ? SourceRegister::b : SourceRegister::a, tiles[0].data(), operands.at(i));
  }
  for (std::size_t r = 0; r < rt; ++r) {
    for (std::size_t c = 0; c < ct; ++c) {
      const std::size_t index = r * ct + c;
      faults_struck_ += simd::multiply_exactly(mode, operands.at(r), operands.at(rt + c),
                                               ((block.cleared >> index) & 1U) != 0, block.dst + index * tile_elements);
    }
  }
}

std::uint32_t MatrixUnit::matmul_in_pairs(const MatmulBlock& block) const {
  const simd::ProductCut cut = product_cut(fidelity_, numerics_);
  const std::size_t rt = block.rt;
  const std::size_t ct = block.ct;
  auto& pairs = steps().pairs;
  float* values = steps().tiles[0].data();
  std::array<simd::Extent, most_operands> extents;
  for (std::size_t r = 0; r < rt; ++r) {
    const TileOperand tile{.data = block.in0.data + r * block.in0_stride, .format = block.in0.format};
    if (tile.format == DataFormat::bf16) {
      extents.at(r) = simd::pair_bf16_in0({.l1 = tile.data, .top = cut.b_keep, .wanted = cut.phases > 2}, pairs.at(r));
      continue;
    }
    unpack_source(tile, dst_fp32_, 0xFFFFFFFFU, false, values);
    extents.at(r) = simd::extent_of(values);
    simd::pair_in0(values, {.top = cut.b_keep}, pairs.at(r));
  }
  for (std::size_t c = 0; c < ct; ++c) {
    const TileOperand tile{.data = block.in1.data + c * block.in1_stride, .format = block.in1.format};
    if (tile.format == DataFormat::bf16) {
      extents.at(rt + c) = simd::pair_bf16_in1(
          {.l1 = tile.data, .top = cut.a_top, .wanted = cut.phases > 1, .transpose = block.transpose_in1}, pairs.at(rt + c));
      continue;
    }
    unpack_source(tile, dst_fp32_, cut.a_keep, block.transpose_in1, values);
    extents.at(rt + c) = simd::extent_of(values);
    simd::pair_in1(values, {.keep = cut.a_keep, .top = cut.a_top}, pairs.at(rt + c));
  }
  std::uint32_t left = 0;
  for (std::size_t c = 0; c < ct; ++c) {
    for (std::size_t r = 0; r < rt; ++r) {
      const std::size_t index = r * ct + c;
      const bool cleared = ((block.cleared >> index) & 1U) != 0;
      float* dst = block.dst + index * tile_elements;
      const bool looked = cleared || simd::clearly_tame(dst);
      if (!simd::stays_tame(extents.at(r), extents.at(rt + c), looked ? nullptr : dst)) {
        left |= 1U << index;
        continue;
      }
      // A tile of zeros, as of probabilities that a mask hides, adds nothing to sums but the rounding that they have
      // already.
      const bool nothing = is_zero(extents.at(r)) || is_zero(extents.at(rt + c));
      simd::multiply_pairs({.in0 = &pairs.at(r),
                            .in1 = &pairs.at(rt + c),
                            .phases = nothing ? 0 : cut.phases,
                            .cleared = cleared,
                            .dst_fp32 = dst_fp32_,
                            .dst = dst});
    }
  }
  return left;
}

void MatrixUnit::eltwise_exactly(EltwiseOp op, Broadcast broadcast, TileOperand a, TileOperand b, float* dst,
                                 bool accumulate) const {
  auto& tiles = steps().tiles;
  unpack_source(a, dst_fp32_, 0xFFFFFFFFU, false, tiles[0].data());
  unpack_source(b, dst_fp32_, 0xFFFFFFFFU, false, tiles[1].data());
  spread(broadcast, tiles[1].data());
  faults_struck_ += simd::elementwise_exactly(exact_mode(a.format, b.format), {.a = tiles[0].data(),
                                                                               .b = tiles[1].data(),
                                                                               .multiply = op == EltwiseOp::mul,
                                                                               .negate_b = op == EltwiseOp::sub,
                                                                               .accumulate = accumulate,
                                                                               .dst = dst});
}

void MatrixUnit::dest_reuse_exactly(EltwiseOp op, bool dst_is_a, TileOperand other, float* dst) const {
  auto& tiles = steps().tiles;
  // With an fp16 operand 16-bit DST is fp16, too, and goes as it is.
  const bool half = half_dst(other.format, DataFormat::fp16);
  const TileOperand from_register{.data = reinterpret_cast<const std::byte*>(dst), .format = DataFormat::fp32};
  unpack_source(from_register, dst_fp32_ || half, 0xFFFFFFFFU, false, tiles[dst_is_a ? 0 : 1].data());
  unpack_source(other, dst_fp32_, 0xFFFFFFFFU, false, tiles[dst_is_a ? 1 : 0].data());
  faults_struck_ += simd::elementwise_exactly(exact_mode(other.format, half ? DataFormat::fp16 : DataFormat::fp32),
                                              {.a = tiles[0].data(),
                                               .b = tiles[1].data(),
                                               .multiply = op == EltwiseOp::mul,
                                               .negate_b = op == EltwiseOp::sub,
                                               .accumulate = false,
                                               .dst = dst});
}

void MatrixUnit::reduce_sum_by_faces(ReduceDim dim, TileOperand in, TileOperand scaler, float* dst, bool accumulate) const {
  auto& tile = steps().tiles[0];
  unpack_source(scaler, dst_fp32_, 0xFFFFFFFFU, false, tile.data());
  const bool exact = numerics_ == Numerics::exact || half_dst(in.format, scaler.format);
  FacePool pool(exact_mode(in.format, scaler.format), product_cut(fidelity_, numerics_), exact, tile.data());
  unpack_source(in, dst_fp32_, 0xFFFFFFFFU, dim == ReduceDim::row, tile.data());
  pool.load(tile.data());

  const auto place_of = [dim](int i) { return dim == ReduceDim::row ? tile_index(i, 0) : tile_index(0, i); };
  const int results = dim == ReduceDim::scalar ? 1 : tile_side;
  alignas(64) std::array<float, tile_side> line{};
  for (int i = 0; accumulate && i < results; ++i) line.at(i) = dst[place_of(i)];
  if (dim == ReduceDim::scalar) {
    alignas(64) std::array<float, face_side> columns{};
    for (int face = 0; face < 4; ++face) faults_struck_ += pool.pool(face / 2, face % 2, columns.data());
    cut_as_source(in.format, dst_fp32_, columns.data(), face_side);
    tile.fill(0);
    for (int i = 0; i < face_side; ++i) tile.at(tile_index(i, 0)) = columns.at(i);
    pool.load(tile.data());
    faults_struck_ += pool.pool(0, 0, line.data());
  } else {
    for (int face = 0; face < 4; ++face) faults_struck_ += pool.pool(face / 2, face % 2, line.data() + face % 2 * face_side);
    if (dim == ReduceDim::row) cut_as_source(in.format, dst_fp32_, line.data(), tile_side);
  }
  std::memset(dst, 0, tile_elements * sizeof(float));
  for (int i = 0; i < results; ++i) dst[place_of(i)] = line.at(i);
}

}  // namespace tilegrid
