// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/circular_buffer.h"

// The compute kernel's API but for the vector unit. One program stands for UNPACK, MATH and PACK, so what is for one of them
// is simply done. Initialisations of an operation do nothing unless they set formats: the change of operation is charged
// when it comes.

#define TRISC_UNPACK 1
#define TRISC_MATH 1
#define TRISC_PACK 1
#define UCK_CHLKC_UNPACK 1
#define UCK_CHLKC_MATH 1
#define UCK_CHLKC_PACK 1
#define UNPACK(...) __VA_ARGS__
#define MATH(...) __VA_ARGS__
#define PACK(...) __VA_ARGS__

enum PoolType { SUM = 0, AVG = 1, MAX = 2, MIN = 3 };
enum ReduceDim { REDUCE_ROW = 0, REDUCE_COL = 1, REDUCE_SCALAR = 2 };
enum EltwiseBinaryType { ELWADD = 0, ELWSUB = 1, ELWMUL = 2, ELWDIV = 3, ELWLESS = 4 };
enum class EltwiseBinaryReuseDestType { NONE = 0, DEST_TO_SRCA = 1, DEST_TO_SRCB = 2 };
enum BroadcastType { NONE = 0, COL = 1, ROW = 2, SCALAR = 3 };
enum class DataCopyType { A2D, B2D };
enum class SrcOrder { AB, BA, Regular = AB, Reverse = BA };
enum class DstTileLayout { Default, Interleaved };
enum class DstTileShape { Tile32x32, Tile32x16, Tile16x16 };
enum class DstSync { SyncHalf, SyncFull };
enum ReluType { NO_RELU, ZERO_RELU, MIN_THRESHOLD_RELU, MAX_THRESHOLD_RELU };
enum class InputClamping : bool { None = false, ClampToNegative = true };

// Its numbers are used as integers; they are no names of the global namespace, as one is called `C`.
namespace ckernel {
enum VectorMode { None = 0, R = 1, C = 2, RC = 4, RC_custom = 6, Invalid = 0xFF };
}
using ckernel::VectorMode;

namespace tilegrid_device {

/// 0 none, 1 rows, 2 columns, 3 scalar of the emulator, from the vendor's numbers.
constexpr int broadcast_of(int type) { return type == 1 ? 2 : type == 2 ? 1 : type; }
constexpr int pool_of(int type) { return type == MAX ? 0 : 1; }
constexpr int vector_mode_of(int mode) { return mode == 2 ? 1 : mode == 1 ? 2 : 0; }

#define TG ::tilegrid_device::tg()

inline void refuse_pool(PoolType type, Line at) {
  if (type == MIN) TG.refuse("a reduction to the minimum", "the matrix unit pools by sum, average or maximum", at);
}

}  // namespace tilegrid_device

namespace ckernel {
using ::BroadcastType;
using ::DataCopyType;
using ::DstSync;
using ::DstTileLayout;
using ::DstTileShape;
using ::EltwiseBinaryReuseDestType;
using ::EltwiseBinaryType;
using ::InputClamping;
using ::PoolType;
using ::ReduceDim;
using ::ReluType;
using ::SrcOrder;
using tt::constants::FACE_HEIGHT;
using tt::constants::FACE_WIDTH;
using tt::constants::TILE_HEIGHT;
using tt::constants::TILE_WIDTH;

// ---- DST sections
inline void tile_regs_acquire(TG_AT) { TG.dst(0, at); }
inline void tile_regs_commit(TG_AT) { TG.dst(1, at); }
inline void tile_regs_wait(TG_AT) { TG.dst(2, at); }
inline void tile_regs_release(TG_AT) { TG.dst(3, at); }
/// The older pair: both processors take the section at once, and give it back at once.
inline void acquire_dst(TG_AT) {
  TG.dst(0, at);
  TG.dst(2, at);
}
inline void acquire_dst(tt::DstMode, TG_AT) { acquire_dst(at); }
inline void release_dst(TG_AT) {
  TG.dst(1, at);
  TG.dst(3, at);
}
inline void release_dst(tt::DstMode, TG_AT) { release_dst(at); }

// ---- Start
template <SrcOrder order = SrcOrder::AB>
inline void compute_kernel_hw_startup(uint32_t a, uint32_t b, uint32_t out, TG_AT) {
  if (order == SrcOrder::AB) return TG.startup(a, b, out, at);
  TG.startup(b, a, out, at);
}
inline void compute_kernel_hw_startup(uint32_t in, uint32_t out, TG_AT) { TG.startup(in, in, out, at); }
template <SrcOrder order = SrcOrder::AB>
inline void compute_kernel_hw_startup(uint32_t in, uint32_t out, TG_AT) {
  TG.startup(in, in, out, at);
}
inline void binary_op_init_common(uint32_t a, uint32_t b, uint32_t out = 16, TG_AT) { TG.startup(a, b, out, at); }
inline void unary_op_init_common(uint32_t in, uint32_t out = 16, TG_AT) { TG.startup(in, in, out, at); }
inline void init_sfpu(uint32_t in, uint32_t out, TG_AT) { TG.startup(in, in, out, at); }
inline void init_sfpu(uint32_t in, TG_AT) { TG.reconfigure(1, in, in, at); }

// ---- Formats. The forms with the old buffers change only what differs.
template <bool to_from_int8 = false, bool dim_stride = false, int = 0>
inline void reconfig_data_format(uint32_t a, uint32_t b, TG_AT) {
  TG.reconfigure(0, a, b, at);
}
template <bool to_from_int8 = false, bool dim_stride = false, int = 0>
inline void reconfig_data_format(uint32_t, uint32_t a, uint32_t, uint32_t b, TG_AT) {
  TG.reconfigure(0, a, b, at);
}
template <bool to_from_int8 = false, bool dim_stride = false, int = 0>
inline void reconfig_data_format_srca(uint32_t a, TG_AT) {
  TG.reconfigure(1, a, a, at);
}
template <bool to_from_int8 = false, bool dim_stride = false, int = 0>
inline void reconfig_data_format_srca(uint32_t, uint32_t a, TG_AT) {
  TG.reconfigure(1, a, a, at);
}
template <bool to_from_int8 = false, bool dim_stride = false, int = 0>
inline void reconfig_data_format_srcb(uint32_t b, TG_AT) {
  TG.reconfigure(2, b, b, at);
}
template <bool to_from_int8 = false, bool dim_stride = false, int = 0>
inline void reconfig_data_format_srcb(uint32_t, uint32_t b, TG_AT) {
  TG.reconfigure(2, b, b, at);
}
#define unpack_reconfig_data_format reconfig_data_format
#define unpack_reconfig_data_format_srca reconfig_data_format_srca
#define unpack_reconfig_data_format_srcb reconfig_data_format_srcb
template <bool is_tile_dim_reconfig_en = false>
inline void pack_reconfig_data_format(uint32_t out, TG_AT) {
  TG.reconfigure(3, out, out, at);
}
template <bool is_tile_dim_reconfig_en = false>
inline void pack_reconfig_data_format(uint32_t, uint32_t out, TG_AT) {
  TG.reconfigure(3, out, out, at);
}
inline void pack_reconfig_l1_acc(uint32_t on, TG_AT) { TG.pack_accumulate(on != 0, at); }
inline void llk_pack_reconfig_l1_acc(uint32_t on, TG_AT) { TG.pack_accumulate(on != 0, at); }
/// ReLU of the packer: mode in the low bits (0 none, 1 zero, 2 below the threshold, 3 above it), the threshold as BF16
/// above.
inline void pack_relu_config(uint32_t config, TG_AT) {
  const uint32_t bits = config & 0xFFFF0000U;
  float threshold;
  __builtin_memcpy(&threshold, &bits, sizeof threshold);
  TG.pack_relu(config & 3U, threshold, at);
}
inline void llk_pack_relu_config(uint32_t config, TG_AT) { pack_relu_config(config, at); }

// ---- Matmul
inline void mm_init(uint32_t in0, uint32_t in1, uint32_t out, uint32_t transpose = 0, TG_AT) {
  TG.startup(in1, in0, out, at);
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void mm_init(TG_AT) { mm_init(0, 1, 16, 0, at); }
inline void mm_init_short(uint32_t in0, uint32_t in1, uint32_t transpose = 0, TG_AT) {
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void mm_init_short(TG_AT) { TG.matmul_init(0, 1, false, at); }
inline void mm_init_short_with_dt(uint32_t in0, uint32_t in1, uint32_t, uint32_t transpose = 0, TG_AT) {
  TG.reconfigure(1, in1, in1, at);
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void mm_init_short_with_both_dt(uint32_t in0, uint32_t in1, uint32_t, uint32_t, uint32_t transpose = 0, TG_AT) {
  TG.reconfigure(0, in1, in0, at);
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void mm_block_init(uint32_t in0, uint32_t in1, uint32_t out, uint32_t transpose = 0, uint32_t = 1, uint32_t = 1,
                          uint32_t = 1, TG_AT) {
  mm_init(in0, in1, out, transpose, at);
}
inline void mm_block_init_short(uint32_t in0, uint32_t in1, uint32_t transpose = 0, uint32_t = 1, uint32_t = 1, uint32_t = 1,
                                TG_AT) {
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void mm_block_init_short_with_dt(uint32_t in0, uint32_t in1, uint32_t, uint32_t transpose = 0, uint32_t = 1,
                                        uint32_t = 1, uint32_t = 1, TG_AT) {
  TG.reconfigure(1, in1, in1, at);
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void mm_block_init_short_with_both_dt(uint32_t in0, uint32_t in1, uint32_t, uint32_t, uint32_t transpose = 0,
                                             uint32_t = 1, uint32_t = 1, uint32_t = 1, TG_AT) {
  TG.reconfigure(0, in1, in0, at);
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void matmul_init(uint32_t in0, uint32_t in1, uint32_t transpose = 0, TG_AT) {
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void matmul_block_init(uint32_t in0, uint32_t in1, uint32_t transpose = 0, uint32_t = 1, uint32_t = 1, uint32_t = 1,
                              TG_AT) {
  TG.matmul_init(in0, in1, transpose != 0, at);
}
inline void matmul_tiles(uint32_t in0, uint32_t in1, uint32_t i0, uint32_t i1, uint32_t dst, TG_AT) {
  TG.matmul(in0, in1, i0, i1, dst, false, 1, 1, 1, at);
}
inline void matmul_tiles(uint32_t in0, uint32_t in1, uint32_t i0, uint32_t i1, uint32_t dst, uint32_t transpose, TG_AT) {
  TG.matmul(in0, in1, i0, i1, dst, transpose != 0, 1, 1, 1, at);
}
inline void matmul_block(uint32_t in0, uint32_t in1, uint32_t i0, uint32_t i1, uint32_t dst, uint32_t transpose, uint32_t ct,
                         uint32_t rt, uint32_t kt, TG_AT) {
  TG.matmul(in0, in1, i0, i1, dst, transpose != 0, ct, rt, kt, at);
}

// Forms of newer attention, which differ in how the processors are programmed only.
inline void mm_no_mop_init_short(uint32_t in0, uint32_t in1, bool transpose = false, uint32_t = 1, uint32_t = 1,
                                 uint32_t = 1, TG_AT) {
  TG.matmul_init(in0, in1, transpose, at);
}
inline void mm_no_mop_reinit_short(uint32_t in0, uint32_t in1, bool transpose = false, uint32_t = 1, uint32_t = 1,
                                   uint32_t = 1, TG_AT) {
  TG.matmul_init(in0, in1, transpose, at);
}
inline void mm_no_mop_reinit_after_sub(uint32_t in0, uint32_t in1, bool transpose = false, uint32_t = 1, uint32_t = 1,
                                       uint32_t = 1, TG_AT) {
  TG.matmul_init(in0, in1, transpose, at);
}
inline void matmul_block_no_mop(uint32_t in0, uint32_t in1, uint32_t i0, uint32_t i1, uint32_t dst, bool transpose,
                                uint32_t ct, uint32_t rt, uint32_t kt, TG_AT) {
  TG.matmul(in0, in1, i0, i1, dst, transpose, ct, rt, kt, at);
}

// ---- Element-wise
#define TILEGRID_BINARY(name, op)                                                                                \
  template <bool acc_to_dest = false, int = 0>                                                                   \
  inline void name##_tiles(uint32_t a, uint32_t b, uint32_t ia, uint32_t ib, uint32_t dst, TG_AT) {              \
    TG.eltwise(op, 0, a, b, ia, ib, dst, false, at);                                                             \
  }                                                                                                              \
  inline void name##_tiles_init(uint32_t = 0, uint32_t = 0, bool acc_to_dest = false, TG_AT) {                   \
    if (acc_to_dest) TG.refuse(#name "_tiles_init that accumulates", "binary_tiles_init<...> does", at);         \
  }                                                                                                              \
  inline void name##_init(uint32_t = 0, uint32_t = 0, bool = false) {}                                           \
  template <BroadcastType type = BroadcastType::NONE>                                                            \
  inline void name##_tiles_bcast(uint32_t a, uint32_t b, uint32_t ia, uint32_t ib, uint32_t dst, TG_AT) {        \
    TG.eltwise(op, ::tilegrid_device::broadcast_of(type), a, b, ia, ib, dst, false, at);                         \
  }                                                                                                              \
  inline void name##_tiles_bcast_rows(uint32_t a, uint32_t b, uint32_t ia, uint32_t ib, uint32_t dst, TG_AT) {   \
    TG.eltwise(op, 1, a, b, ia, ib, dst, false, at);                                                             \
  }                                                                                                              \
  inline void name##_tiles_bcast_cols(uint32_t a, uint32_t b, uint32_t ia, uint32_t ib, uint32_t dst, TG_AT) {   \
    TG.eltwise(op, 2, a, b, ia, ib, dst, false, at);                                                             \
  }                                                                                                              \
  inline void name##_tiles_bcast_scalar(uint32_t a, uint32_t b, uint32_t ia, uint32_t ib, uint32_t dst, TG_AT) { \
    TG.eltwise(op, 3, a, b, ia, ib, dst, false, at);                                                             \
  }                                                                                                              \
  inline void name##_bcast_rows_init_short(uint32_t = 0, uint32_t = 1, uint32_t = 0) {}                          \
  inline void name##_bcast_cols_init_short(uint32_t = 0, uint32_t = 1, uint32_t = 0) {}                          \
  inline void name##_tiles_bcast_scalar_init_short(uint32_t = 0, uint32_t = 1, uint32_t = 0) {}                  \
  inline void name##_bcast_scalar_init_short(uint32_t = 0, uint32_t = 1, uint32_t = 0) {}                        \
  inline void name##_bcast_rows_init(uint32_t = 0, uint32_t = 1, uint32_t = 0) {}                                \
  inline void name##_bcast_cols_init(uint32_t = 0, uint32_t = 1, uint32_t = 0) {}                                \
  inline void name##_bcast_scalar_init(uint32_t = 0, uint32_t = 1, uint32_t = 0) {}
TILEGRID_BINARY(add, 0)
TILEGRID_BINARY(sub, 1)
TILEGRID_BINARY(mul, 2)
#undef TILEGRID_BINARY
inline void sub_bcast_cols_init_short_custom(uint32_t, uint32_t, uint32_t) {}
/// A row of tiles less the same column.
inline void sub_tiles_bcast_cols_custom(uint32_t a, uint32_t b, uint32_t ia, uint32_t ib, uint32_t dst, uint32_t tiles,
                                        TG_AT) {
  for (uint32_t i = 0; i < tiles; ++i) TG.eltwise(ELWSUB, 2, a, b, ia + i, ib, dst + i, false, at);
}
inline void add_tiles_init_nof() {}
inline void sub_tiles_init_nof() {}
template <bool full_init = true, EltwiseBinaryType type = ELWADD, int = 0>
inline void binary_tiles_init(uint32_t = 0, uint32_t = 0, bool = false) {}
template <EltwiseBinaryType op, BroadcastType type>
inline void init_bcast(uint32_t a, uint32_t b, uint32_t out = 16, TG_AT) {
  TG.startup(a, b, out, at);
}
template <EltwiseBinaryType op, BroadcastType type>
inline void any_tiles_bcast(uint32_t a, uint32_t b, uint32_t ia, uint32_t ib, uint32_t dst, TG_AT) {
  TG.eltwise(op, ::tilegrid_device::broadcast_of(type), a, b, ia, ib, dst, false, at);
}
template <bool full_init = false>
inline void binary_op_specific_init(int) {}
template <bool full_init = false, EltwiseBinaryType op = ELWADD>
inline void binary_op_specific_init() {}

template <EltwiseBinaryType op = ELWADD, EltwiseBinaryReuseDestType reuse = EltwiseBinaryReuseDestType::NONE>
inline void binary_dest_reuse_tiles_init(uint32_t = 0) {}
template <EltwiseBinaryType op = ELWADD, EltwiseBinaryReuseDestType reuse = EltwiseBinaryReuseDestType::NONE>
inline void binary_dest_reuse_tiles(uint32_t cb, uint32_t index, uint32_t dst, TG_AT) {
  static_assert(reuse != EltwiseBinaryReuseDestType::NONE, "binary_dest_reuse_tiles reuses DST as SrcA or as SrcB");
  TG.dest_reuse(op, reuse == EltwiseBinaryReuseDestType::DEST_TO_SRCA, cb, index, dst, at);
}

// ---- Reduce
#if !defined(REDUCE_OP)
#define TILEGRID_REDUCE_OP PoolType::SUM
#else
#define TILEGRID_REDUCE_OP REDUCE_OP
#endif
#if !defined(REDUCE_DIM)
#define TILEGRID_REDUCE_DIM ReduceDim::REDUCE_ROW
#else
#define TILEGRID_REDUCE_DIM REDUCE_DIM
#endif
template <PoolType type = TILEGRID_REDUCE_OP, ReduceDim dim = TILEGRID_REDUCE_DIM, bool = false, bool = false>
inline void reduce_init(uint32_t cb, uint32_t scaler, uint32_t out = 16, uint32_t = 0, TG_AT) {
  ::tilegrid_device::refuse_pool(type, at);
  TG.startup(cb, scaler, out, at);
}
/// Forms of the years before, with `at_start`, and with operation and dimension as arguments.
template <bool at_start, PoolType type = TILEGRID_REDUCE_OP, ReduceDim dim = TILEGRID_REDUCE_DIM>
inline void reduce_init(uint32_t cb, uint32_t scaler, uint32_t out = 16, TG_AT) {
  reduce_init<type, dim>(cb, scaler, out, 0, at);
}
template <bool at_start>
inline void reduce_init(PoolType type, ReduceDim, uint32_t cb, uint32_t scaler, uint32_t out = 16, TG_AT) {
  ::tilegrid_device::refuse_pool(type, at);
  TG.startup(cb, scaler, out, at);
}
template <bool at_start>
inline void reduce_init_delta(PoolType, ReduceDim, uint32_t = 0, uint32_t = 0, uint32_t = 0) {}
template <bool at_start = true, PoolType type = TILEGRID_REDUCE_OP, ReduceDim dim = TILEGRID_REDUCE_DIM>
inline void reduce_init_delta(uint32_t = 0, uint32_t = 0, uint32_t = 0) {}
template <PoolType type = TILEGRID_REDUCE_OP, ReduceDim dim = TILEGRID_REDUCE_DIM>
inline void reduce_init_short(uint32_t = 0, uint32_t = 0, uint32_t = 0) {}
template <ReduceDim dim = TILEGRID_REDUCE_DIM>
inline void reduce_revert_delta(uint32_t = 0) {}
template <bool = false>
inline void reduce_uninit(uint32_t = 0) {}
template <PoolType type = TILEGRID_REDUCE_OP, ReduceDim dim = TILEGRID_REDUCE_DIM, bool = false, bool = false>
inline void reduce_tile(uint32_t cb, uint32_t scaler, uint32_t index, uint32_t scaler_index, uint32_t dst, TG_AT) {
  ::tilegrid_device::refuse_pool(type, at);
  TG.reduce(::tilegrid_device::pool_of(type), dim, cb, scaler, index, scaler_index, dst, at);
}
inline void reduce_tile(PoolType type, ReduceDim dim, uint32_t cb, uint32_t scaler, uint32_t index, uint32_t scaler_index,
                        uint32_t dst, TG_AT) {
  ::tilegrid_device::refuse_pool(type, at);
  TG.reduce(::tilegrid_device::pool_of(type), dim, cb, scaler, index, scaler_index, dst, at);
}
TILEGRID_NOT_THERE(reduce_tile_math, "the operands of a reduction are unpacked with it (reduce_tile)")
template <uint32_t columns, bool = false>
inline void reduce_block_max_row_init() {}
template <uint32_t columns, bool = false>
inline void reduce_block_max_row_reinit_short() {}
template <uint32_t columns, bool = false>
inline void reduce_block_max_row_reinit_minimal() {}
template <uint32_t columns = 1>
inline void reduce_block_max_row_uninit(uint32_t = 0) {}
inline void reduce_block_max_row_init_runtime(uint32_t, bool = false) {}
inline void reduce_block_max_row_reinit_short_runtime(uint32_t, bool = false) {}
inline void reduce_block_max_row_reinit_minimal_runtime(uint32_t, bool = false) {}
inline void reduce_block_max_row_uninit_runtime(uint32_t, bool = false) {}
template <uint32_t columns, bool = false>
inline void reduce_block_max_row(uint32_t cb, uint32_t scaler, uint32_t index, uint32_t dst, TG_AT) {
  for (uint32_t i = 0; i < columns; ++i) TG.reduce(0, 0, cb, scaler, index + i, 0, dst, at);
}
TILEGRID_NOT_THERE(reduce_block_max_row_runtime,
                   "its initialisation says how many tiles; reduce_block_max_row<tiles> does it")

// ---- Copy, broadcast, transpose
inline void copy_tile_init(uint32_t = 0) {}
inline void copy_tile_to_dst_init_short(uint32_t = 0, uint32_t transpose = 0, uint32_t = 0, TG_AT) {
  if (transpose != 0) TG.refuse("copy_tile_to_dst_init_short with a transposition", "use transpose_wh_tile", at);
}
inline void copy_tile_to_dst_init_short_with_dt(uint32_t, uint32_t in, uint32_t transpose = 0, TG_AT) {
  TG.reconfigure(1, in, in, at);
  copy_tile_to_dst_init_short(in, transpose, 0, at);
}
inline void copy_tile(uint32_t cb, uint32_t index, uint32_t dst, TG_AT) { TG.copy(0, cb, index, dst, at); }
inline void copy_tile_custom(uint32_t cb, uint32_t index, uint32_t dst, TG_AT) { TG.copy(0, cb, index, dst, at); }
inline void copy_block_matmul_partials(uint32_t cb, uint32_t index, uint32_t dst, uint32_t tiles, TG_AT) {
  for (uint32_t i = 0; i < tiles; ++i) TG.copy(0, cb, index + i, dst + i, at);
}
template <BroadcastType type>
inline void unary_bcast_init(uint32_t in, uint32_t out, TG_AT) {
  TG.startup(in, in, out, at);
}
template <BroadcastType type>
inline void unary_bcast(uint32_t cb, uint32_t index, uint32_t dst, TG_AT) {
  TG.copy(::tilegrid_device::broadcast_of(type), cb, index, dst, at);
}
inline void unary_bcast_uninit(uint32_t = 0) {}
template <BroadcastType before, BroadcastType after>
inline void reconfigure_unary_bcast(uint32_t, uint32_t in, uint32_t, uint32_t out, TG_AT) {
  TG.startup(in, in, out, at);
}
inline void transpose_wh_init(uint32_t in, uint32_t out = 16, TG_AT) { TG.startup(in, in, out, at); }
inline void transpose_wh_init_short(uint32_t = 0) {}
inline void transpose_init(uint32_t = 0, uint32_t = 0) {}
inline void transpose_uninit(uint32_t = 0) {}
inline void transpose_wh_uninit(uint32_t = 0, uint32_t = 0) {}
inline void transpose_wh_tile(uint32_t cb, uint32_t index, uint32_t dst, TG_AT) { TG.transpose(cb, index, dst, at); }
inline void transpose_tile(uint32_t cb, uint32_t index, uint32_t dst, TG_AT) { TG.transpose(cb, index, dst, at); }

// ---- Packer
template <bool out_of_order_output = false>
inline void pack_tile(uint32_t dst, uint32_t cb, uint32_t index = 0, TG_AT) {
  TG.pack(dst, cb, out_of_order_output ? static_cast<int64_t>(index) : -1, at);
}
inline void pack_tile_block(uint32_t dst, uint32_t cb, uint32_t tiles, TG_AT) {
  for (uint32_t i = 0; i < tiles; ++i) TG.pack(dst + i, cb, -1, at);
}
inline void pack_block_init_custom(uint32_t, uint32_t) {}
inline void matmul_pack_tile(uint32_t dst, uint32_t cb, uint32_t tiles, TG_AT) { pack_tile_block(dst, cb, tiles, at); }

// ---- Tilize and untilize
inline void tilize_init(uint32_t in, uint32_t, uint32_t out, TG_AT) { TG.startup(in, in, out, at); }
inline void tilize_init(uint32_t in, uint32_t, TG_AT) { TG.reconfigure(1, in, in, at); }
inline void tilize_init_short(uint32_t, uint32_t, uint32_t = 16) {}
inline void tilize_init_no_pack(uint32_t, uint32_t) {}
inline void tilize_init_short_with_dt(uint32_t, uint32_t in, uint32_t, uint32_t = 16, TG_AT) {
  TG.reconfigure(1, in, in, at);
}
inline void tilize_uninit(uint32_t = 0, uint32_t = 0) {}
inline void tilize_uninit_with_dt(uint32_t, uint32_t in, uint32_t = 16, TG_AT) { TG.reconfigure(1, in, in, at); }
inline void tilize_block(uint32_t in, uint32_t tiles, uint32_t out, uint32_t in_index = 0, uint32_t out_index = 0, TG_AT) {
  TG.tilize(in, tiles, out, in_index, out_index, at);
}
inline void fast_tilize_init(uint32_t in, uint32_t, uint32_t out, TG_AT) { TG.startup(in, in, out, at); }
inline void fast_tilize_init_with_dt(uint32_t in, uint32_t, uint32_t out, TG_AT) { TG.startup(in, in, out, at); }
inline void fast_tilize_uninit(uint32_t, uint32_t) {}
inline void fast_tilize_block(uint32_t in, uint32_t tiles, uint32_t out, uint32_t in_index = 0, uint32_t out_index = 0,
                              TG_AT) {
  TG.tilize(in, tiles, out, in_index, out_index, at);
}
TILEGRID_NOT_THERE(unpack_tilizeA_B_block, "tilize one operand with tilize_block")
TILEGRID_NOT_THERE(tilizeA_B_reduce_init, "tilize one operand with tilize_block")
TILEGRID_NOT_THERE(unpack_tilizeA_B_uninit, "tilize one operand with tilize_block")
inline void untilize_init(uint32_t in, uint32_t out, TG_AT) { TG.startup(in, in, out, at); }
inline void untilize_init(uint32_t) {}
inline void untilize_init_short(uint32_t) {}
inline void untilize_uninit(uint32_t = 0) {}
template <int rows = 1>
inline void untilize_block(uint32_t in, uint32_t tiles, uint32_t out, TG_AT) {
  TG.untilize(in, tiles, out, at);
}
template <uint32_t block_ct = 8, uint32_t full_ct = block_ct, int = 0, int = 0, int = 0>
inline void pack_untilize_init(uint32_t in, uint32_t out, TG_AT) {
  TG.startup(in, in, out, at);
}
template <uint32_t block_ct = 8, uint32_t full_ct = block_ct>
inline void pack_untilize_init_short(uint32_t, uint32_t) {}
template <uint32_t block_ct = 8, uint32_t full_ct = block_ct, bool = false, uint32_t = 32, bool = false>
inline void pack_untilize_dest_init(uint32_t out, uint32_t = 16, uint32_t = 4, TG_AT) {
  TG.reconfigure(3, out, out, at);
}
template <uint32_t block_ct = 8, uint32_t full_ct = block_ct>
inline void pack_untilize_dest_init_short(uint32_t, uint32_t = 16, uint32_t = 4) {}
template <uint32_t block_ct = 8, uint32_t full_ct = block_ct, bool diagonal = false, bool narrow_row = false,
          uint32_t row_datums = 32>
inline void pack_untilize_dst_init_short(uint32_t, uint32_t = 16, uint32_t = 4) {
  static_assert(!diagonal && !narrow_row, "pack_untilize_dst of diagonals and of narrow rows is not there");
}
inline void pack_untilize_uninit(uint32_t = 16) {}
/// Tiles of a block row from DST 0 on, as rows of full_ct tiles.
template <uint32_t block_ct = 8, uint32_t full_ct = block_ct, bool diagonal = false, bool narrow_row = false,
          uint32_t row_datums = 32, uint32_t = 0>
inline void pack_untilize_dest(uint32_t out, uint32_t block_rt = 1, uint32_t block_c_index = 0, uint32_t = 16, uint32_t = 4,
                               uint32_t first = 0, TG_AT) {
  static_assert(!diagonal && !narrow_row, "pack_untilize_dest of diagonals and of narrow rows is not there");
  for (uint32_t row = 0; row < block_rt; ++row) {
    TG.pack_rows(first + row * block_ct, out, block_ct, full_ct, block_c_index * block_ct, row, at);
  }
}
template <uint32_t block_ct = 8, uint32_t full_ct = block_ct>
inline void pack_untilize_block(uint32_t in, uint32_t block_rt, uint32_t out, uint32_t block_c_index = 0, TG_AT) {
  for (uint32_t row = 0; row < block_rt; ++row) {
    TG.dst(0, at);
    for (uint32_t c = 0; c < block_ct; ++c) TG.copy(0, in, row * block_ct + c, c, at);
    TG.dst(1, at);
    TG.dst(2, at);
    TG.pack_rows(0, out, block_ct, full_ct, block_c_index * block_ct, row, at);
    TG.dst(3, at);
  }
}

// ---- Between the three processors: they are one here
inline void tensix_sync() {}

namespace math {}
namespace packer {}
namespace unpacker {}
namespace sfpu {
/// The vector unit's configuration holds nothing that is emulated.
inline void _init_sfpu_config_reg() {}
}  // namespace sfpu
}  // namespace ckernel
using namespace ckernel;

#define copy_tile_matmul_partials copy_tile
TILEGRID_NOT_THERE(get_tile, "tiles are handed to a RISC by cb_get_tile")
/// The address of a tile, for the RISCs' own loads: 16 bytes in front of it, as the processors' mailboxes have it.
template <class Pointer>
inline void cb_get_tile(uint32_t cb, uint32_t index, Pointer* tile, TG_AT) {
  const uint32_t address = TG.cb_fact(cb, 0, at) + index * TG.cb_fact(cb, 2, at) - 16;
  *tile = reinterpret_cast<Pointer>(static_cast<uintptr_t>(address));
}
inline void cb_release_tile(uint32_t) {}
/// A tile's address, and a word of it: on silicon UNPACK tells the others.
inline uint32_t get_tile_address(uint32_t cb, uint32_t index, TG_AT) {
  return TG.cb_fact(cb, 0, at) + index * TG.cb_fact(cb, 2, at);
}
inline uint32_t read_tile_value(uint32_t cb, uint32_t index, uint32_t word, TG_AT) {
  return reinterpret_cast<volatile uint32_t*>(static_cast<uintptr_t>(get_tile_address(cb, index, at)))[word];
}
