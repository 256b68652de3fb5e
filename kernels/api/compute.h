// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/matrix_unit.h"
#include "core/packer.h"
#include "core/vector_unit.h"
#include "kernels/api/circular_buffer.h"
#include "kernels/api/context.h"

/// The compute kernel's API under TT-Metalium's names (tensix.md 1.3, 2, 7). Tile indices into a CB count from its front
/// (reads) or its write pointer (packs); DST indices count slots of the section.
namespace tilegrid::api {

// ---- DST sections
void tile_regs_acquire(Here at = Here::current());
void tile_regs_commit(Here at = Here::current());
void tile_regs_wait(Here at = Here::current());
void tile_regs_release(Here at = Here::current());
/// Slots of a section.
[[nodiscard]] std::uint32_t dst_capacity(Here at = Here::current());

// ---- Configuration: program unpack, math and pack for what follows. They cost device time and are logged.
void compute_kernel_hw_startup(std::uint32_t cb_a, std::uint32_t cb_b, std::uint32_t cb_out, Here at = Here::current());
void mm_block_init(std::uint32_t in0, std::uint32_t in1, std::uint32_t out, bool transpose, std::uint32_t ct,
                   std::uint32_t rt, std::uint32_t kt, Here at = Here::current());
void mm_block_init_short(std::uint32_t in0, std::uint32_t in1, bool transpose, std::uint32_t ct, std::uint32_t rt,
                         std::uint32_t kt, Here at = Here::current());
void reconfig_data_format(std::uint32_t cb_a, std::uint32_t cb_b, Here at = Here::current());
void pack_reconfig_data_format(std::uint32_t cb, Here at = Here::current());
void pack_reconfig_l1_acc(bool accumulate, Here at = Here::current());
void pack_relu_config(ReluMode mode, float threshold = 0.0F, Here at = Here::current());
/// fp32 copies keep all bits instead of passing a source register (UnpackToDestFp32).
void unpack_to_dst_config(bool on, Here at = Here::current());

// ---- Matrix unit
/// Says that the next products are meant to add to what `tiles` slots hold, whatever wrote it, so that the check dst-dirty
/// stays silent. Costs nothing on the device.
void note_accumulation(std::uint32_t dst, std::uint32_t tiles, Here at = Here::current());
/// DST[dst] += in0[i0] x in1[i1].
void matmul_tiles(std::uint32_t in0, std::uint32_t in1, std::uint32_t i0, std::uint32_t i1, std::uint32_t dst,
                  bool transpose = false, Here at = Here::current());
/// One K step: for r < rt, c < ct: DST[dst + r*ct + c] += in0[i0 + r*kt] x in1[i1 + c].
void matmul_block(std::uint32_t in0, std::uint32_t in1, std::uint32_t i0, std::uint32_t i1, std::uint32_t dst,
                  bool transpose, std::uint32_t ct, std::uint32_t rt, std::uint32_t kt, Here at = Here::current());

/// DST[dst] = a[ia] op b[ib]; mul adds to what the slot holds (a cleared slot holds 0); add and sub overwrite.
void add_tiles(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
               Here at = Here::current());
void sub_tiles(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
               Here at = Here::current());
void mul_tiles(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
               Here at = Here::current());
/// The general form: any operation with any broadcast of b; `accumulate` adds to the slot (acc_to_dest).
void eltwise_tiles(EltwiseOp op, Broadcast broadcast, std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib,
                   std::uint32_t dst, bool accumulate = false, Here at = Here::current());
/// b is broadcast: its row 0 to all rows, its column 0 to all columns, or its element [0,0] to all.
inline void add_tiles_bcast_rows(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                 Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::add, Broadcast::rows, a, b, ia, ib, dst, false, at);
}
inline void add_tiles_bcast_cols(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                 Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::add, Broadcast::cols, a, b, ia, ib, dst, false, at);
}
inline void add_tiles_bcast_scalar(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                   Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::add, Broadcast::scalar, a, b, ia, ib, dst, false, at);
}
inline void sub_tiles_bcast_rows(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                 Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::sub, Broadcast::rows, a, b, ia, ib, dst, false, at);
}
inline void sub_tiles_bcast_cols(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                 Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::sub, Broadcast::cols, a, b, ia, ib, dst, false, at);
}
inline void sub_tiles_bcast_scalar(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                   Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::sub, Broadcast::scalar, a, b, ia, ib, dst, false, at);
}
inline void mul_tiles_bcast_rows(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                 Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::mul, Broadcast::rows, a, b, ia, ib, dst, false, at);
}
inline void mul_tiles_bcast_cols(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                 Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::mul, Broadcast::cols, a, b, ia, ib, dst, false, at);
}
inline void mul_tiles_bcast_scalar(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst,
                                   Here at = Here::current()) {
  eltwise_tiles(EltwiseOp::mul, Broadcast::scalar, a, b, ia, ib, dst, false, at);
}
/// DST[dst] = DST[dst] op cb[index], or cb[index] op DST[dst] when not `dst_is_a`; DST's value is cut to TF32 / BF16.
void binary_dest_reuse_tiles(EltwiseOp op, bool dst_is_a, std::uint32_t cb, std::uint32_t index, std::uint32_t dst,
                             Here at = Here::current());
/// Pools tile `index` times the scaler tile into DST[dst]; what a written slot holds takes part.
void reduce_tile(Pool pool, ReduceDim dim, std::uint32_t cb, std::uint32_t scaler, std::uint32_t index,
                 std::uint32_t scaler_index, std::uint32_t dst, Here at = Here::current());
/// Row maximum over `columns` tiles from `index` on: reduce_tile for each, as one block operation of the shipped kernel.
void reduce_block_max_row(std::uint32_t cb, std::uint32_t scaler, std::uint32_t index, std::uint32_t columns,
                          std::uint32_t dst, Here at = Here::current());
void copy_tile(std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Here at = Here::current());
/// copy_tile with row 0, column 0 or element [0,0] of the tile in all rows, columns or elements.
void unary_bcast(Broadcast broadcast, std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Here at = Here::current());
void transpose_wh_tile(std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Here at = Here::current());

// ---- Vector unit, on DST
/// An operation of one tile, in place.
void vector_tile(VectorOp op, std::uint32_t dst, VectorMode mode = VectorMode::rc, float parameter = 1.0F,
                 Here at = Here::current());
/// An operation of two tiles: DST[out] = DST[a] op DST[b] where `mode` says; `out` may be a or b. The rest of a slot that
/// nothing wrote becomes zero, as cleared DST reads; else it stays.
void vector_binary_tile(VectorOp op, std::uint32_t a, std::uint32_t b, std::uint32_t out, VectorMode mode = VectorMode::rc,
                        Here at = Here::current());
/// DST[out] = DST[cond] != 0 ? DST[x] : DST[y]; `out` may be any of them.
void where_tile(std::uint32_t cond, std::uint32_t x, std::uint32_t y, std::uint32_t out, VectorMode mode = VectorMode::rc,
                Here at = Here::current());
/// DST[dst] = DST[src].
void copy_dest_values(std::uint32_t src, std::uint32_t dst, Here at = Here::current());
/// DST[dst] = value everywhere; the slot need not be written before.
void fill_tile(std::uint32_t dst, float value, Here at = Here::current());
/// A function of the values of a face of up to three tiles; what is not an operand is null. `out` may be any of them.
using TileFunction = std::function<void(float* out, const float* a, const float* b, const float* c, int count)>;
/// An operation that the vector unit has no number for: DST[out] = function(DST[inputs]), in the faces that `mode` names,
/// logged and charged as `charged_as`. Values are rounded to DST's format, unless they are patterns of integers.
void apply_tile(VectorOp charged_as, const char* who, std::span<const std::uint32_t> inputs, std::uint32_t out,
                VectorMode mode, bool integer, const TileFunction& function, Here at = Here::current());
/// exp(scale * x).
inline void exp_tile(std::uint32_t dst, bool fast, VectorMode mode = VectorMode::rc, float scale = 1.0F,
                     Here at = Here::current()) {
  vector_tile(fast ? VectorOp::exp_fast : VectorOp::exp_accurate, dst, mode, scale, at);
}
/// exp_tile's fast form with a test of every input's range in front: the same values, as the fast form saturates, but it
/// takes longer (tensix.md 3.2: with and without clamp).
void exp_tile_checked(std::uint32_t dst, VectorMode mode = VectorMode::rc, float scale = 1.0F, Here at = Here::current());
/// exp_tile's fast form without the clamp of its inputs, for kernels whose packer cuts what is negative: in exact numerics
/// negative and wrong for scale * x below -88, and exp(0.72) above 0.72 (tensix.md 2.3); else as exp_tile.
void exp_tile_unclamped(std::uint32_t dst, VectorMode mode = VectorMode::rc, float scale = 1.0F, Here at = Here::current());
inline void recip_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::recip, dst, mode, 1.0F, at);
}
inline void sqrt_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::sqrt, dst, mode, 1.0F, at);
}
inline void rsqrt_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::rsqrt, dst, mode, 1.0F, at);
}
inline void abs_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::abs, dst, mode, 1.0F, at);
}
inline void negative_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::neg, dst, mode, 1.0F, at);
}
inline void relu_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::relu, dst, mode, 1.0F, at);
}
inline void sigmoid_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::sigmoid, dst, mode, 1.0F, at);
}
inline void tanh_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::tanh, dst, mode, 1.0F, at);
}
inline void gelu_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::gelu, dst, mode, 1.0F, at);
}
inline void log_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::log, dst, mode, 1.0F, at);
}
inline void square_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::square, dst, mode, 1.0F, at);
}
inline void add_unary_tile(std::uint32_t dst, float parameter, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::add_scalar, dst, mode, parameter, at);
}
inline void mul_unary_tile(std::uint32_t dst, float parameter, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::mul_scalar, dst, mode, parameter, at);
}
inline void silu_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::silu, dst, mode, 1.0F, at);
}
inline void sign_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::sign, dst, mode, 1.0F, at);
}
inline void gtz_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::gtz, dst, mode, 1.0F, at);
}
inline void gez_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::gez, dst, mode, 1.0F, at);
}
inline void ltz_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::ltz, dst, mode, 1.0F, at);
}
inline void lez_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::lez, dst, mode, 1.0F, at);
}
inline void eqz_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::eqz, dst, mode, 1.0F, at);
}
inline void nez_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::nez, dst, mode, 1.0F, at);
}
inline void exp2_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::exp2, dst, mode, 1.0F, at);
}
inline void expm1_tile(std::uint32_t dst, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::expm1, dst, mode, 1.0F, at);
}
inline void rsub_unary_tile(std::uint32_t dst, float parameter, VectorMode mode = VectorMode::rc,
                            Here at = Here::current()) {
  vector_tile(VectorOp::rsub_scalar, dst, mode, parameter, at);
}
inline void unary_max_tile(std::uint32_t dst, float parameter, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::max_scalar, dst, mode, parameter, at);
}
inline void unary_min_tile(std::uint32_t dst, float parameter, VectorMode mode = VectorMode::rc, Here at = Here::current()) {
  vector_tile(VectorOp::min_scalar, dst, mode, parameter, at);
}
inline void add_binary_tile(std::uint32_t idst0, std::uint32_t idst1, std::uint32_t odst, VectorMode mode = VectorMode::rc,
                            Here at = Here::current()) {
  vector_binary_tile(VectorOp::add_tile, idst0, idst1, odst, mode, at);
}
inline void sub_binary_tile(std::uint32_t idst0, std::uint32_t idst1, std::uint32_t odst, VectorMode mode = VectorMode::rc,
                            Here at = Here::current()) {
  vector_binary_tile(VectorOp::sub_tile, idst0, idst1, odst, mode, at);
}
inline void mul_binary_tile(std::uint32_t idst0, std::uint32_t idst1, std::uint32_t odst, VectorMode mode = VectorMode::rc,
                            Here at = Here::current()) {
  vector_binary_tile(VectorOp::mul_tile, idst0, idst1, odst, mode, at);
}
inline void div_binary_tile(std::uint32_t idst0, std::uint32_t idst1, std::uint32_t odst, VectorMode mode = VectorMode::rc,
                            Here at = Here::current()) {
  vector_binary_tile(VectorOp::div_tile, idst0, idst1, odst, mode, at);
}
inline void binary_max_tile(std::uint32_t idst0, std::uint32_t idst1, std::uint32_t odst, VectorMode mode = VectorMode::rc,
                            Here at = Here::current()) {
  vector_binary_tile(VectorOp::max_tile, idst0, idst1, odst, mode, at);
}
inline void binary_min_tile(std::uint32_t idst0, std::uint32_t idst1, std::uint32_t odst, VectorMode mode = VectorMode::rc,
                            Here at = Here::current()) {
  vector_binary_tile(VectorOp::min_tile, idst0, idst1, odst, mode, at);
}

// ---- Packer
/// To the next tile of the reserved window.
void pack_tile(std::uint32_t dst, std::uint32_t cb, Here at = Here::current());
/// To tile `index` of the reserved window (pack_tile<true>).
void pack_tile_at(std::uint32_t dst, std::uint32_t cb, std::uint32_t index, Here at = Here::current());
void pack_tile_block(std::uint32_t dst, std::uint32_t cb, std::uint32_t tiles, Here at = Here::current());

}  // namespace tilegrid::api
