// SPDX-License-Identifier: Apache-2.0
#include "core/vector_unit.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>

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

[[noreturn]] void wrong_call(VectorOp op, const char* why) {
  throw std::invalid_argument(std::string("vector unit: ") + name_of(op) + " " + why);
}

}  // namespace

void VectorUnit::unary(VectorOp op, float* tile, VectorMode mode, float parameter) const {
  if (op == VectorOp::max_tile || op == VectorOp::min_tile) wrong_call(op, "takes two tiles");
  const bool exponential = op == VectorOp::exp_fast || op == VectorOp::exp_accurate;
  if (exponential && !(parameter > 0.0F)) wrong_call(op, "needs a scale above 0");
  if (mode == VectorMode::first_column) {
    alignas(64) ColumnVector values;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    gather(tile, values);
    simd::vector_unary(op, dst_fp32_, parameter, values.data(), values.size());
    scatter(values, tile);
    return;
  }
  for_each_part(mode, [&](std::size_t offset, std::size_t count) {
    simd::vector_unary(op, dst_fp32_, parameter, tile + offset, count);
  });
}

void VectorUnit::binary(VectorOp op, float* tile, const float* other, VectorMode mode) const {
  if (op != VectorOp::max_tile && op != VectorOp::min_tile) wrong_call(op, "takes one tile");
  const auto run = op == VectorOp::max_tile ? simd::vector_max : simd::vector_min;
  if (mode == VectorMode::first_column) {
    alignas(64) ColumnVector values;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    alignas(64) ColumnVector others;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    gather(tile, values);
    gather(other, others);
    run(values.data(), others.data(), values.size());
    scatter(values, tile);
    return;
  }
  for_each_part(mode, [&](std::size_t offset, std::size_t count) { run(tile + offset, other + offset, count); });
}

const char* name_of(VectorOp op) {
  static constexpr std::array<const char*, vector_op_count> names = {
      "exp_fast", "exp_accurate", "recip", "sqrt",   "rsqrt",      "abs",        "neg",      "relu",    "sigmoid",
      "tanh",     "gelu",         "log",   "square", "add_scalar", "mul_scalar", "max_tile", "min_tile"};
  const auto index = static_cast<std::size_t>(op);
  return index < names.size() ? names[index] : "unknown vector operation";
}

}  // namespace tilegrid
