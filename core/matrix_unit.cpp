// SPDX-License-Identifier: Apache-2.0
#include "core/matrix_unit.h"

#include "core/fidelity_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "core/simd/matrix_kernels.h"
#include "core/simd/matrix_sources.h"
#include "core/simd/pair_kernels.h"
#include "core/tile.h"
#include "core/unpacker.h"

namespace tilegrid {
namespace {

/// Unpacked tiles of one call. Per thread and not on the stack: kernels run on small fiber stacks, and no call yields.
/// rt * ct <= 16 gives rt + ct <= 17 tiles, each in up to three forms.
constexpr std::size_t block_tiles = 17;
struct Scratch {
  alignas(64) std::array<std::array<float, tile_elements>, 3 * block_tiles> tiles;
};
Scratch& scratch() {
  thread_local Scratch of_thread;
  return of_thread;
}

/// The forms in which the passes of a product read the tiles of one operand: the upper bits of the significands, those where
/// they are finite, else 0, for all passes but the first, and the rest of the bits.
class PassTiles {
 public:
  explicit PassTiles(std::array<float, tile_elements>* first) : first_(first) {}
  [[nodiscard]] float* high(std::size_t tile) const { return first_[tile].data(); }
  [[nodiscard]] float* low(std::size_t tile) const { return first_[block_tiles + tile].data(); }
  [[nodiscard]] float* finite(std::size_t tile) const { return first_[2 * block_tiles + tile].data(); }

 private:
  std::array<float, tile_elements>* first_;
};

/// An operand as the kernels read it: bf16 straight from L1, the rest through `buffer`.
struct Prepared {
  const void* data = nullptr;
  simd::Source source = simd::Source::bf16;
};

Prepared prepare(TileOperand in, bool dst_fp32, float* buffer) {
  if (in.format == DataFormat::bf16) return {.data = in.data, .source = simd::Source::bf16};
  unpack_source(in, dst_fp32, 0xFFFFFFFFU, false, buffer);
  return {.data = buffer, .source = simd::Source::floats};
}

/// Element `index` (face order) of a prepared operand.
float element(const Prepared& operand, int index) {
  const std::size_t at = index;
  if (operand.source == simd::Source::floats) return static_cast<const float*>(operand.data)[at];
  std::uint16_t bits = 0;
  std::memcpy(&bits, static_cast<const std::byte*>(operand.data) + 2 * at, sizeof(bits));
  const std::uint32_t word = (bits & 0x7F80U) == 0 ? 0U : std::uint32_t{bits} << 16U;
  return std::bit_cast<float>(word);
}

/// Sixteen elements from `index` on, one row of a face.
void face_row(const Prepared& operand, int index, float* out) {
  for (int i = 0; i < face_side; ++i) out[i] = element(operand, index + i);
}

/// Operand b of a broadcast form: 32 values in `line`, or b itself.
Prepared broadcast_operand(const Prepared& b, Broadcast broadcast, float* line) {
  if (broadcast == Broadcast::none) return b;
  if (broadcast == Broadcast::rows) {
    face_row(b, tile_index(0, 0), line);
    face_row(b, tile_index(0, face_side), line + face_side);
    return {.data = line, .source = simd::Source::rows};
  }
  for (int i = 0; i < tile_side; ++i) line[i] = element(b, broadcast == Broadcast::cols ? tile_index(i, 0) : 0);
  return {.data = line, .source = simd::Source::columns};
}

/// Sign-magnitude order (NaN beyond infinity), as in the vector kernels.
std::int32_t order_key(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  return bits ^ ((bits >> 31) & 0x7FFFFFFF);
}

float larger(float a, float b) { return order_key(a) < order_key(b) ? b : a; }

/// 32 column values to one: c with c + 16, then halves (j with j + 8, 4, 2, 1). They are multiplied by the scaler of the
/// column once more on the way, as the hardware's scalar reduction does (tensix.md 2.2).
float pool_line(const float* line, const float* scaler, bool maximum) {
  std::array<float, face_side> partial{};
  for (std::size_t i = 0; i < face_side; ++i) {
    const float right = line[i + face_side];
    partial[i] = maximum ? larger(line[i] * scaler[i], right * scaler[i + face_side])
                         : std::fma(right, scaler[i + face_side], std::fma(line[i], scaler[i], 0.0F));
  }
  for (std::size_t half = face_side / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      partial[i] = maximum ? larger(partial[i], partial[i + half]) : partial[i] + partial[i + half];
    }
  }
  return partial[0];
}

/// What a maximum takes of a scaler: its exponent alone, neither sign nor mantissa (tensix.md 2.2). Zero has the lowest
/// exponent and flushes all.
float power_of(float scaler) {
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(scaler) & 0x7F800000U;
  return std::bit_cast<float>(exponent);
}

/// Whether the first row of each face of a scaler is ones: of kernels that mean a plain maximum.
bool is_plain(const Prepared& scaler) {
  if (scaler.source != simd::Source::bf16) return false;
  std::array<std::uint16_t, face_side> ones{};
  ones.fill(0x3F80);
  const auto* face = static_cast<const std::byte*>(scaler.data);
  for (int i = 0; i < 4; ++i, face += face_side * sizeof ones) {
    if (std::memcmp(face, ones.data(), sizeof ones) != 0) return false;
  }
  return true;
}

/// The operand times the powers of two of the scaler's columns, by face; denormals become 0, as in every source register.
void scale_tile(const Prepared& in, const float* powers, float* out) {
  for (int i = 0; i < tile_elements; ++i) {
    const int column = i / (face_side * face_side) * face_side + i % face_side;
    const float value = element(in, i);
    const float scaled = value * powers[column];
    out[i] = value == 0 || std::fpclassify(scaled) == FP_SUBNORMAL ? 0.0F : scaled;
  }
}

/// Joins `count` results with what DST held at their places, clears the tile and writes them there.
template <class IndexOf>
void place(float* line, int count, const simd::LineSpec& how, bool accumulate, const IndexOf& index_of, float* dst) {
  alignas(64) std::array<float, tile_side> previous;
  previous.fill(how.maximum ? -std::numeric_limits<float>::infinity() : 0.0F);
  if (accumulate) {
    for (int i = 0; i < count; ++i) previous[i] = dst[index_of(i)];
  }
  simd::finish_line(how, previous.data(), line);
  std::memset(dst, 0, tile_elements * sizeof(float));
  for (int i = 0; i < count; ++i) dst[index_of(i)] = line[i];
}

}  // namespace

void spread(Broadcast broadcast, float* tile) {
  if (broadcast == Broadcast::none) return;
  if (broadcast == Broadcast::scalar) {
    std::fill_n(tile, tile_elements, tile[0]);
    return;
  }
  alignas(64) std::array<float, tile_side> line;
  for (int i = 0; i < tile_side; ++i) {
    line[i] = tile[broadcast == Broadcast::cols ? tile_index(i, 0) : tile_index(0, i)];
  }
  for (int row = 0; row < tile_side; ++row) {
    for (int half = 0; half < tile_side; half += face_side) {
      float* to = tile + tile_index(row, half);
      if (broadcast == Broadcast::cols) {
        std::fill_n(to, face_side, line[row]);
      } else {
        std::copy_n(line.data() + half, face_side, to);
      }
    }
  }
}

const char* name_of(Fidelity fidelity) {
  constexpr std::array<const char*, 5> names{"?", "lofi", "hifi2", "hifi3", "hifi4"};
  return names.at(to_underlying(fidelity));
}

const char* name_of(Numerics numerics) {
  constexpr std::array<const char*, enum_size<Numerics>> names{"exact", "rounded", "fast"};
  return names.at(to_underlying(numerics));
}

void MatrixUnit::matmul_block(const MatmulBlock& block) const {
  if (block.rt < 1 || block.ct < 1 || block.rt * block.ct > 16) {
    throw Fault("matmul shape", "matmul_block of a shape DST cannot hold", "1 <= rt * ct <= 16")
        .numbers(block.rt * block.ct, 16, "tiles");
  }
  if (is_integer(block.in0.format) || is_integer(block.in1.format)) return matmul_integers(block);
  if (numerics_ == Numerics::exact || half_dst(block.in0.format, block.in1.format)) return matmul_exactly(block);
  std::uint32_t products = (1U << static_cast<unsigned>(block.rt * block.ct)) - 1U;
  if (numerics_ == Numerics::rounded && simd::multiplies_pairs()) products = matmul_in_pairs(block);
  if (products != 0) matmul_in_passes(block, products);
}

void MatrixUnit::matmul_in_passes(const MatmulBlock& block, std::uint32_t products) const {
  const simd::ProductCut cut = product_cut(fidelity_, numerics_);
  const std::size_t rt = block.rt;
  const std::size_t ct = block.ct;
  PassTiles in0(scratch().tiles.data());
  PassTiles in1(scratch().tiles.data() + rt);
  std::array<simd::Extent, block_tiles> extents;
  // in0 goes to SrcB, in1 to SrcA: the cuts of b belong to in0.
  for (std::size_t r = 0; r < rt; ++r) {
    const TileOperand tile{.data = block.in0.data + r * block.in0_stride, .format = block.in0.format};
    const bool low = cut.second_pass || cut.phases > 2;
    unpack_source(tile, dst_fp32_, low ? 0xFFFFFFFFU : cut.b_keep, false, in0.high(r));
    if (cut.phases > 0) extents.at(r) = simd::extent_of(in0.high(r));
    if (low) simd::split(in0.high(r), cut.b_keep, in0.low(r));
    if (cut.phases > 1) simd::cut_finite(in0.high(r), 0xFFFFFFFFU, in0.finite(r));
  }
  for (std::size_t c = 0; c < ct; ++c) {
    const TileOperand tile{.data = block.in1.data + c * block.in1_stride, .format = block.in1.format};
    unpack_source(tile, dst_fp32_, cut.a_keep, block.transpose_in1, in1.high(c));
    if (cut.phases > 0) extents.at(rt + c) = simd::extent_of(in1.high(c));
    if (cut.phases > 1) simd::split(in1.high(c), cut.a_top, in1.low(c));
    if (cut.second_pass || cut.phases > 2) simd::cut_finite(in1.high(c), cut.a_top, in1.finite(c));
  }
  for (std::size_t c = 0; c < ct; ++c) {
    for (std::size_t r = 0; r < rt; ++r) {
      const std::size_t index = r * ct + c;
      if (((products >> index) & 1U) == 0) continue;
      simd::TileProduct product{.passes = {{{.in0 = in0.high(r), .in1 = in1.high(c)}}},
                                .round_within = cut.phases > 0,
                                .cleared = ((block.cleared >> index) & 1U) != 0,
                                .dst_fp32 = dst_fp32_,
                                .dst = block.dst + index * tile_elements};
      product.tame = product.round_within &&
                     simd::stays_tame(extents.at(r), extents.at(rt + c), product.cleared ? nullptr : product.dst);
      const auto add_pass = [&](const float* a, const float* b) {
        product.passes.at(product.count++) = {.in0 = b, .in1 = a};
      };
      if (cut.second_pass) add_pass(in1.finite(c), in0.low(r));
      if (cut.phases > 1) add_pass(in1.low(c), in0.finite(r));
      if (cut.phases > 2) add_pass(in1.finite(c), in0.low(r));
      if (cut.phases > 3) add_pass(in1.low(c), in0.low(r));
      simd::multiply_tile(product);
    }
  }
}

namespace {

bool is_byte(DataFormat format) { return format == DataFormat::int8 || format == DataFormat::uint8; }

/// What a phase multiplies of an integer of 8 bits.
std::int32_t byte_piece(float word, bool is_a, int phase) {
  const auto value = std::bit_cast<std::int32_t>(word);
  const std::int32_t magnitude = std::abs(value);
  const int kept = is_a ? phase % 2 == 0 ? 0xE0 : 0x1F : phase < 2 ? 0x3F0 : 0xF;
  return value < 0 ? -(magnitude & kept) : magnitude & kept;
}

float saturated_sum(float dst, std::int64_t addend) {
  constexpr std::int64_t most = 0x7FFFFFFF;
  const std::int64_t sum = std::bit_cast<std::int32_t>(dst) + addend;
  return std::bit_cast<float>(static_cast<std::int32_t>(std::clamp(sum, -most, most)));
}

using TileFloats = std::array<float, tile_elements>;

/// dst += in0 x in1 for integers of 8 bits: phase by phase, 16 products at a time.
void multiply_bytes(const TileFloats& in0, const TileFloats& in1, int phases, float* dst) {
  for (int row = 0; row < tile_side; ++row) {
    for (int column = 0; column < tile_side; ++column) {
      float& sum = dst[tile_index(row, column)];
      for (int phase = 0; phase < phases; ++phase) {
        for (int first = 0; first < tile_side; first += face_side) {
          std::int64_t products = 0;
          for (int k = first; k < first + face_side; ++k) {
            products += std::int64_t{byte_piece(in0.at(tile_index(row, k)), false, phase)} *
                        byte_piece(in1.at(tile_index(k, column)), true, phase);
          }
          sum = saturated_sum(sum, products);
        }
      }
    }
  }
}

/// Integers of 8 bits are multiplied in pieces and end at the largest of 32 bits. Others wrap around, in DST as in L1, and
/// fidelity has no say.
void eltwise_bytes(EltwiseOp op, const TileFloats& a, const TileFloats& b, int phases, float* dst, bool accumulate) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    float sum = accumulate ? dst[i] : 0.0F;
    const std::int64_t x = std::bit_cast<std::int32_t>(a.at(i));
    const std::int64_t y = std::bit_cast<std::int32_t>(b.at(i));
    if (op != EltwiseOp::mul) {
      sum = saturated_sum(sum, op == EltwiseOp::add ? x + y : x - y);
    } else {
      for (int phase = 0; phase < phases; ++phase) {
        sum = saturated_sum(sum, std::int64_t{byte_piece(a.at(i), true, phase)} * byte_piece(b.at(i), false, phase));
      }
    }
    dst[i] = sum;
  }
}

void eltwise_integers(EltwiseOp op, Broadcast broadcast, TileOperand a, TileOperand b, Fidelity fidelity, float* dst,
                      bool accumulate) {
  alignas(64) TileFloats left;   // NOLINT(cppcoreguidelines-pro-type-member-init)
  alignas(64) TileFloats right;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  unpack_tile(a.data, a.format, RegisterFormat::fp32, false, left.data());
  unpack_tile(b.data, b.format, RegisterFormat::fp32, false, right.data());
  spread(broadcast, right.data());
  if (is_byte(a.format) && is_byte(b.format)) {
    return eltwise_bytes(op, left, right, to_underlying(fidelity), dst, accumulate);
  }
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto x = std::bit_cast<std::uint32_t>(left.at(i));
    const auto y = std::bit_cast<std::uint32_t>(right.at(i));
    const std::uint32_t result = op == EltwiseOp::add ? x + y : op == EltwiseOp::sub ? x - y : x * y;
    dst[i] = std::bit_cast<float>(accumulate ? result + std::bit_cast<std::uint32_t>(dst[i]) : result);
  }
}

}  // namespace

void MatrixUnit::matmul_integers(const MatmulBlock& block) const {
  if (!is_byte(block.in0.format) || !is_byte(block.in1.format)) {
    throw Fault(
        "matmul format",
        fmt::format("matmul_block of {} and {}", tilegrid::name_of(block.in0.format), tilegrid::name_of(block.in1.format)),
        "the matrix unit multiplies floats, or integers of 8 bits with their like");
  }
  alignas(64) TileFloats left;   // NOLINT(cppcoreguidelines-pro-type-member-init)
  alignas(64) TileFloats right;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  for (int i = 0; i < block.rt * block.ct; ++i) {
    const std::size_t row = i / block.ct;
    const std::size_t column = i % block.ct;
    unpack_tile(block.in0.data + row * block.in0_stride, block.in0.format, RegisterFormat::fp32, false, left.data());
    unpack_tile(block.in1.data + column * block.in1_stride, block.in1.format, RegisterFormat::fp32, block.transpose_in1,
                right.data());
    float* dst = block.dst + std::ptrdiff_t{i} * tile_elements;
    if ((block.cleared >> static_cast<unsigned>(i) & 1U) != 0) std::fill_n(dst, tile_elements, 0.0F);
    multiply_bytes(left, right, to_underlying(fidelity_), dst);
  }
}

void MatrixUnit::eltwise(EltwiseOp op, Broadcast broadcast, TileOperand a, TileOperand b, float* dst,
                         bool accumulate) const {
  if (is_integer(a.format) && is_integer(b.format)) {
    return eltwise_integers(op, broadcast, a, b, fidelity_, dst, accumulate);
  }
  if (numerics_ == Numerics::exact || half_dst(a.format, b.format)) {
    return eltwise_exactly(op, broadcast, a, b, dst, accumulate);
  }
  auto& tiles = scratch().tiles;
  alignas(64) std::array<float, tile_side> line;
  const Prepared left = prepare(a, dst_fp32_, tiles[0].data());
  const Prepared right = broadcast_operand(prepare(b, dst_fp32_, tiles[1].data()), broadcast, line.data());
  simd::elementwise({.a = left.data,
                     .a_source = left.source,
                     .b = right.data,
                     .b_source = right.source,
                     .multiply = op == EltwiseOp::mul,
                     .negate_b = op == EltwiseOp::sub,
                     .cut = product_cut(fidelity_, numerics_),
                     .accumulate = accumulate,
                     .dst_fp32 = dst_fp32_,
                     .dst = dst});
}

void MatrixUnit::eltwise_dest_reuse(EltwiseOp op, bool dst_is_a, TileOperand other, float* dst) const {
  if (numerics_ == Numerics::exact || half_dst(other.format, DataFormat::fp16)) {
    return dest_reuse_exactly(op, dst_is_a, other, dst);
  }
  auto& tiles = scratch().tiles;
  const auto* dst_bytes = reinterpret_cast<const std::byte*>(dst);
  const Prepared from_dst = prepare({.data = dst_bytes, .format = DataFormat::fp32}, dst_fp32_, tiles[0].data());
  const Prepared from_l1 = prepare(other, dst_fp32_, tiles[1].data());
  const Prepared& a = dst_is_a ? from_dst : from_l1;
  const Prepared& b = dst_is_a ? from_l1 : from_dst;
  simd::elementwise({.a = a.data,
                     .a_source = a.source,
                     .b = b.data,
                     .b_source = b.source,
                     .multiply = op == EltwiseOp::mul,
                     .negate_b = op == EltwiseOp::sub,
                     .cut = product_cut(fidelity_, numerics_),
                     .accumulate = false,
                     .dst_fp32 = dst_fp32_,
                     .dst = dst});
}

void MatrixUnit::reduce(Pool pool, ReduceDim dim, TileOperand in, TileOperand scaler, float* dst, bool accumulate) const {
  const bool maximum = pool == Pool::max;
  const bool half = half_dst(in.format, scaler.format);
  if (!maximum && (half || numerics_ != Numerics::fast)) return reduce_sum_by_faces(dim, in, scaler, dst, accumulate);
  auto& tiles = scratch().tiles;
  Prepared source = prepare(in, dst_fp32_, tiles[0].data());
  // The first row of each face, and the same as 32 columns for the second half of a scalar reduction.
  alignas(64) std::array<float, 4 * face_side> scale{};
  const Prepared from = prepare(scaler, dst_fp32_, tiles[1].data());
  const bool plain = maximum && is_plain(from);
  if (plain) scale.fill(1);
  for (int face = 0; !plain && face < 4; ++face) {
    face_row(from, face * face_side * face_side, scale.data() + face * face_side);
  }
  if (maximum && !plain) {
    std::transform(scale.begin(), scale.end(), scale.begin(), power_of);
    if (std::any_of(scale.begin(), scale.end(), [](float power) { return power != 1; })) {
      scale_tile(source, scale.data(), tiles[2].data());
      source = {.data = tiles[2].data(), .source = simd::Source::floats};
    }
  }
  const simd::ReduceSpec spec{.in = source.data,
                              .source = source.source,
                              .scaler = scale.data(),
                              .maximum = maximum,
                              .cut = product_cut(fidelity_, numerics_)};
  // A maximum of fp16 fits into fp16 as it is: the 11 bits that a 32-bit DST gets of one.
  const simd::LineSpec how{.maximum = maximum, .dst_fp32 = dst_fp32_ || half};
  alignas(64) std::array<float, tile_side> line;
  if (dim == ReduceDim::row) {
    simd::reduce_rows(spec, line.data());
    place(
        line.data(), tile_side, how, accumulate, [](int i) { return tile_index(i, 0); }, dst);
    return;
  }
  simd::reduce_columns(spec, line.data());
  if (dim == ReduceDim::scalar) {
    line[0] = pool_line(line.data(), scale.data(), maximum);
    place(
        line.data(), 1, how, accumulate, [](int) { return 0; }, dst);
  } else {
    place(
        line.data(), tile_side, how, accumulate, [](int i) { return tile_index(0, i); }, dst);
  }
}

void MatrixUnit::copy(TileOperand in, float* dst, bool unpack_to_dst, Broadcast broadcast) const {
  const RegisterFormat through = dst_fp32_ ? RegisterFormat::tf32 : RegisterFormat::bf16;
  // 16-bit DST has no room for an exact fp32 tile, whatever the circular buffer is flagged for.
  const bool exact = unpack_to_dst && dst_fp32_;
  unpack_tile(in.data, in.format, exact ? RegisterFormat::fp32 : through, false, dst);
  spread(broadcast, dst);
}

void MatrixUnit::transpose(TileOperand in, float* dst) const {
  unpack_tile(in.data, in.format, dst_fp32_ ? RegisterFormat::tf32 : RegisterFormat::bf16, true, dst);
}

}  // namespace tilegrid
