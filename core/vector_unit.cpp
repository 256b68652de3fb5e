// SPDX-License-Identifier: Apache-2.0
#include "core/vector_unit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

#include "core/simd/sfpu_kernels.h"
#include "core/simd/vector_kernels.h"
#include "core/types.h"

namespace tilegrid {
namespace {

constexpr std::size_t face_elements = face_side * face_side;
constexpr std::size_t half_row = 8;  // columns of a column vector that the SFPU touches in first_column
constexpr std::size_t vector_elements = 2 * face_side * half_row;
using ColumnVector = std::array<float, vector_elements>;

/// Calls visit(offset in the tile) for the 32 half rows of first_column, from row 0 down.
template <class Visit>
void for_each_half_row(const Visit& visit) {
  for (std::size_t face : {std::size_t{0}, std::size_t{2}}) {
    for (std::size_t row = 0; row < face_side; ++row) visit(face * face_elements + row * face_side);
  }
}

void gather(const float* tile, ColumnVector& out) {
  float* to = out.data();
  for_each_half_row([&](std::size_t at) { to = std::copy_n(tile + at, half_row, to); });
}
void scatter(const ColumnVector& values, float* tile) {
  const float* from = values.data();
  for_each_half_row([&](std::size_t at) {
    std::copy_n(from, half_row, tile + at);
    from += half_row;
  });
}

/// Calls run(offset, count) for the contiguous parts of a tile in a mode other than first_column.
template <class Run>
void for_each_part(VectorMode mode, const Run& run) {
  if (mode == VectorMode::c) {
    run(std::size_t{0}, face_elements);
    run(2 * face_elements, face_elements);
    return;
  }
  run(std::size_t{0}, mode == VectorMode::rc ? 4 * face_elements : 2 * face_elements);
}

/// Calls run(out, inputs, count) for the parts of the tiles that a mode covers. Outputs may be inputs.
template <std::size_t inputs, class Run>
void combine(VectorMode mode, float* out, const std::array<const float*, inputs>& in, const Run& run) {
  using Pointers = std::array<const float*, inputs>;
  if (mode == VectorMode::first_column) {
    alignas(64) ColumnVector values;                      // NOLINT(cppcoreguidelines-pro-type-member-init)
    alignas(64) std::array<ColumnVector, inputs> others;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    Pointers gathered{};
    for (std::size_t i = 0; i < inputs; ++i) {
      gather(in[i], others[i]);
      gathered[i] = others[i].data();
    }
    run(values.data(), gathered, values.size());
    scatter(values, out);
    return;
  }
  for_each_part(mode, [&](std::size_t offset, std::size_t count) {
    Pointers part = in;
    for (const float*& pointer : part) pointer += offset;
    run(out + offset, part, count);
  });
}

/// Calls run(values, count) for all values of a tile that a mode covers.
template <class Run>
void in_place(float* tile, VectorMode mode, const Run& run) {
  if (mode == VectorMode::first_column) {
    alignas(64) ColumnVector values;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    gather(tile, values);
    run(values.data(), values.size());
    return scatter(values, tile);
  }
  for_each_part(mode, [&](std::size_t offset, std::size_t count) { run(tile + offset, count); });
}

/// What the vendor's kernels have steps of their own for.
std::optional<simd::SfpuFunction> in_steps(VectorOp op, VectorMode mode) {
  switch (op) {
    case VectorOp::exp_fast:
      return simd::SfpuFunction::exp_clamped;
    case VectorOp::exp_accurate:
      return mode == VectorMode::first_column ? simd::SfpuFunction::exp_column : simd::SfpuFunction::exp_accurate;
    case VectorOp::recip:
      return simd::SfpuFunction::recip;
    case VectorOp::sqrt:
      return simd::SfpuFunction::sqrt;
    case VectorOp::rsqrt:
      return simd::SfpuFunction::rsqrt;
    default:
      return std::nullopt;
  }
}

/// What a store to fp16 DST makes of values.
void store_half(float* values, std::size_t count) {
  constexpr float largest = 131008.0F;
  constexpr float smallest = 0x1p-14F;
  for (std::size_t i = 0; i < count; ++i) {
    const float magnitude = std::fabs(values[i]);
    const float kept = magnitude < smallest ? 0.0F : magnitude < largest ? magnitude : largest;  // NaN, too
    values[i] = std::copysign(kept, values[i]);
  }
}

[[noreturn]] void wrong_call(VectorOp op, const char* why) {
  throw std::invalid_argument(std::string("vector unit: ") + name_of(op) + " " + why);
}

}  // namespace

int operands_of(VectorOp op) {
  switch (op) {
    case VectorOp::fill:
      return 0;
    case VectorOp::max_tile:
    case VectorOp::min_tile:
    case VectorOp::add_tile:
    case VectorOp::sub_tile:
    case VectorOp::mul_tile:
    case VectorOp::div_tile:
      return 2;
    case VectorOp::where:
      return 3;
    default:
      return 1;
  }
}

void VectorUnit::unary(VectorOp op, float* tile, VectorMode mode, float parameter) const {
  if (operands_of(op) > 1 || op == VectorOp::copy_dst) wrong_call(op, "takes several tiles");
  const bool exponential = op == VectorOp::exp_fast || op == VectorOp::exp_accurate;
  if (exponential && !(parameter > 0.0F)) wrong_call(op, "needs a scale above 0");
  const auto steps = numerics_ == Numerics::exact ? in_steps(op, mode) : std::nullopt;
  in_place(tile, mode, [&](float* values, std::size_t count) {
    if (steps) {
      simd::sfpu(*steps, dst_fp32_, parameter, values, count);
    } else {
      simd::vector_unary(op, dst_fp32_, parameter, values, count);
    }
    if (half_dst_) store_half(values, count);
  });
}

void VectorUnit::exp_unclamped(float* tile, VectorMode mode, float scale) const {
  if (numerics_ != Numerics::exact) return unary(VectorOp::exp_fast, tile, mode, scale);
  if (!(scale > 0.0F)) wrong_call(VectorOp::exp_fast, "needs a scale above 0");
  in_place(tile, mode, [&](float* values, std::size_t count) {
    simd::sfpu(simd::SfpuFunction::exp_unclamped, dst_fp32_, scale, values, count);
    if (half_dst_) store_half(values, count);
  });
}

void VectorUnit::binary(VectorOp op, float* out, const float* a, const float* b, VectorMode mode) const {
  if (operands_of(op) != 2) wrong_call(op, "does not take two tiles");
  combine<2>(mode, out, {a, b}, [&](float* to, const std::array<const float*, 2>& in, std::size_t count) {
    simd::vector_binary(op, dst_fp32_, to, in[0], in[1], count);
    if (half_dst_) store_half(to, count);
  });
}

void VectorUnit::where(float* out, const float* cond, const float* x, const float* y, VectorMode mode) {
  combine<3>(mode, out, {cond, x, y}, [](float* to, const std::array<const float*, 3>& in, std::size_t count) {
    simd::vector_where(to, in[0], in[1], in[2], count);
  });
}

void VectorUnit::copy(float* out, const float* in) { simd::vector_copy(out, in, tile_elements); }

const char* name_of(VectorOp op) {
  static constexpr std::array<const char*, vector_op_count> names = {
      "exp_fast", "exp_accurate", "recip",      "sqrt",        "rsqrt",  "abs",        "neg",        "relu",
      "sigmoid",  "tanh",         "gelu",       "log",         "square", "add_scalar", "mul_scalar", "max_tile",
      "min_tile", "silu",         "sign",       "gtz",         "gez",    "ltz",        "lez",        "eqz",
      "nez",      "max_scalar",   "min_scalar", "rsub_scalar", "exp2",   "expm1",      "add_tile",   "sub_tile",
      "mul_tile", "div_tile",     "where",      "copy_dst",    "fill"};
  const std::size_t index = to_underlying(op);
  return index < names.size() ? names[index] : "unknown vector operation";
}

}  // namespace tilegrid
