// SPDX-License-Identifier: Apache-2.0
#include "core/counters.h"

namespace tilegrid {

const char* name_of(TileOp op) {
  constexpr std::array<const char*, tile_op_count> names = {
      "matmul",   "add",         "sub",      "mul",        "reduce_max", "reduce_sum",  "copy", "transpose",
      "exp",      "recip",       "sqrt",     "rsqrt",      "abs",        "neg",         "relu", "sigmoid",
      "tanh",     "gelu",        "log",      "square",     "add_scalar", "mul_scalar",  "max",  "min",
      "pack",     "pack_l1_acc", "unpack",   "silu",       "sign",       "gtz",         "gez",  "ltz",
      "lez",      "eqz",         "nez",      "max_scalar", "min_scalar", "rsub_scalar", "exp2", "expm1",
      "sfpu_add", "sfpu_sub",    "sfpu_mul", "div",        "where",      "copy_dst",    "fill", "unary_bcast"};
  return names[static_cast<std::size_t>(op)];
}

const char* name_of(BlockReason reason) {
  constexpr std::array<const char*, block_reason_count> names = {
      "cb_empty", "cb_full", "read_barrier", "write_barrier", "atomic_barrier", "semaphore", "dst"};
  return names[static_cast<std::size_t>(reason)];
}

const char* name_of(TransferKind kind) {
  constexpr std::array<const char*, transfer_kind_count> names = {"dram_read", "dram_write", "l1_read",
                                                                  "l1_write",  "multicast",  "semaphore"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace tilegrid
