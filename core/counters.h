// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cereal/types/array.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <vector>

#include "core/number_events.h"
#include "core/types.h"

namespace tilegrid {

/// Tile operations as the report counts them. add, sub and mul are the FPU's; exp to min and silu to fill are the
/// SFPU's.
enum class TileOp : std::uint8_t {
  matmul,
  add,
  sub,
  mul,
  reduce_max,
  reduce_sum,
  copy,
  transpose,
  exp,
  recip,
  sqrt,
  rsqrt,
  abs,
  neg,
  relu,
  sigmoid,
  tanh,
  gelu,
  log,
  square,
  add_scalar,
  mul_scalar,
  max,
  min,
  pack,
  pack_l1_acc,
  unpack,  ///< tiles that the unpacker moved
  silu,
  sign,
  gtz,
  gez,
  ltz,
  lez,
  eqz,
  nez,
  max_scalar,
  min_scalar,
  rsub_scalar,
  exp2,
  expm1,
  sfpu_add,
  sfpu_sub,
  sfpu_mul,
  div,
  where,
  copy_dst,
  fill,
  unary_bcast,
};
inline constexpr int tile_op_count = count_to(TileOp::unary_bcast);
template <>
inline constexpr int enum_size<TileOp> = tile_op_count;
[[nodiscard]] const char* name_of(TileOp op);

/// Why a fiber cannot run.
enum class BlockReason : std::uint8_t {
  cb_empty,
  cb_full,
  read_barrier,
  write_barrier,
  atomic_barrier,
  semaphore,
  dst,
};
inline constexpr int block_reason_count = count_to(BlockReason::dst);
template <>
inline constexpr int enum_size<BlockReason> = block_reason_count;
[[nodiscard]] const char* name_of(BlockReason reason);

enum class TransferKind : std::uint8_t { dram_read, dram_write, l1_read, l1_write, multicast, semaphore };
inline constexpr int transfer_kind_count = count_to(TransferKind::semaphore);
template <>
inline constexpr int enum_size<TransferKind> = transfer_kind_count;
[[nodiscard]] const char* name_of(TransferKind kind);

struct TransferCounters {
  std::uint64_t transactions = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hops = 0;       ///< sum over transactions
  std::uint64_t byte_hops = 0;  ///< sum of bytes times hops
  template <class Archive>
  void serialize(Archive& archive) {
    archive(transactions, bytes, hops, byte_hops);
  }
};

struct CbCounters {
  std::uint32_t capacity_pages = 0;  ///< 0: not configured
  std::uint32_t page_bytes = 0;
  std::uint32_t high_water_pages = 0;  ///< most pages held at once in this run; depends on the host's schedule
  std::uint64_t pushed_pages = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(capacity_pages, page_bytes, high_water_pages, pushed_pages);
  }
};

/// What one core did. Counts, not times; all but CB high-water marks and ambiguous waits are independent of
/// ranks and schedule.
struct CoreCounters {
  EnumArray<TileOp, std::uint64_t> tiles{};
  std::uint64_t dest_reuses = 0;     ///< element-wise operations of `tiles` that took an operand out of DST
  std::uint64_t dst_sections = 0;    ///< tile_regs_acquire calls
  std::uint32_t dst_peak_slots = 0;  ///< highest slot index used in a section, plus one
  std::uint32_t dst_capacity = 0;    ///< slots of a section
  std::array<CbCounters, 32> cbs{};
  std::uint32_t l1_used_bytes = 0;  ///< reserved area, circular buffers and L1 buffers
  EnumArray<NocId, EnumArray<TransferKind, TransferCounters>> transfers{};
  std::uint64_t ambiguous_waits = 0;    ///< waits and probes of this run whose outcome may depend on the schedule
  std::uint32_t longest_sum = 0;        ///< most tiles of products that a DST slot added up in a section; dry runs: 0
  std::uint64_t faults_struck = 0;      ///< in exact numerics, sums that the chip's known fault strikes
  std::vector<NumberRecord> numbers{};  ///< in the order of their first; of a run that looks at them

  template <class Archive>
  void serialize(Archive& archive) {
    archive(tiles, dest_reuses, dst_sections, dst_peak_slots, dst_capacity, cbs, l1_used_bytes, transfers, ambiguous_waits,
            longest_sum, faults_struck, numbers);
  }
};

/// Host seconds of one core's fibers; differs from run to run.
struct CoreHostCost {
  EnumArray<Risc, double> kernel_seconds{};  ///< CPU time, serving excluded
  EnumArray<Risc, EnumArray<BlockReason, double>> blocked_seconds{};
  EnumArray<Risc, EnumArray<BlockReason, std::uint64_t>> blocked_count{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(kernel_seconds, blocked_seconds, blocked_count);
  }
};

/// Host seconds and messages of one rank.
struct RankHostCost {
  double kernel_seconds = 0;         ///< CPU time in kernels
  double serving_seconds = 0;        ///< CPU time in delivering messages and answering others, and in looking for them
  double waiting_seconds = 0;        ///< the rest of the wall time: nothing to do, or the CPU was another rank's
  double wall_seconds = 0;           ///< of the program, between its start and its end on this rank
  std::uint64_t messages = 0;        ///< sent
  std::uint64_t bytes = 0;           ///< sent
  std::uint64_t shared_bytes = 0;    ///< copied from and to memory that ranks of a host share, instead of sent
  std::uint64_t longest_gap_us = 0;  ///< longest time between two polls
  std::uint64_t resident_bytes = 0;  ///< high-water mark of the process
  template <class Archive>
  void serialize(Archive& archive) {
    archive(kernel_seconds, serving_seconds, waiting_seconds, wall_seconds, messages, bytes, shared_bytes, longest_gap_us,
            resident_bytes);
  }
};

}  // namespace tilegrid
