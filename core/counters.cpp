// SPDX-License-Identifier: Apache-2.0
#include "core/counters.h"

namespace tilegrid {

const char* name_of(TileOp op) {
  constexpr EnumArray<TileOp, const char*> names = {
      "matmul",   "add",         "sub",      "mul",        "reduce_max", "reduce_sum",  "copy", "transpose",
      "exp",      "recip",       "sqrt",     "rsqrt",      "abs",        "neg",         "relu", "sigmoid",
      "tanh",     "gelu",        "log",      "square",     "add_scalar", "mul_scalar",  "max",  "min",
      "pack",     "pack_l1_acc", "unpack",   "silu",       "sign",       "gtz",         "gez",  "ltz",
      "lez",      "eqz",         "nez",      "max_scalar", "min_scalar", "rsub_scalar", "exp2", "expm1",
      "sfpu_add", "sfpu_sub",    "sfpu_mul", "div",        "where",      "copy_dst",    "fill", "unary_bcast"};
  return names[op];
}

const char* name_of(BlockReason reason) {
  constexpr EnumArray<BlockReason, const char*> names = {"cb_empty",       "cb_full",   "read_barrier", "write_barrier",
                                                         "atomic_barrier", "semaphore", "dst"};
  return names[reason];
}

const char* name_of(TransferKind kind) {
  constexpr EnumArray<TransferKind, const char*> names = {"dram_read", "dram_write", "l1_read",
                                                          "l1_write",  "multicast",  "semaphore"};
  return names[kind];
}

}  // namespace tilegrid
