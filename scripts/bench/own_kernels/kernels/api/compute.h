// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "core/format.h"

// In place of the emulator's kernel API where our own kernels are compiled as kernels from files: the same names, over the
// vendor's. What tells the emulator of phases and loops is left out.
namespace tilegrid {

enum class VectorMode : std::uint8_t { rc, c, r, first_column };

inline std::byte* l1_pointer(std::uint32_t address) { return reinterpret_cast<std::byte*>(std::uintptr_t{address}); }

namespace api {

struct Here : tilegrid_device::Line {
  static constexpr Here current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {{file, line}};
  }
};

using ::cb_pop_front;
using ::cb_push_back;
using ::cb_reserve_back;
using ::cb_wait_front;
using ::get_arg_val;
using ::get_noc_addr;
using ::get_read_ptr;
using ::get_semaphore;
using ::get_tile_size;
using ::get_write_ptr;
using ::noc_async_atomic_barrier;
using ::noc_async_read_barrier;
using ::noc_async_write;
using ::noc_async_write_barrier;
using ::noc_async_writes_flushed;
using ::noc_semaphore_inc;
using ::noc_semaphore_set;
using ::noc_semaphore_set_remote;
using ::noc_semaphore_wait;

inline DataFormat get_dataformat(std::uint32_t cb, Here /*at*/ = Here::current()) {
  return static_cast<DataFormat>(tilegrid_device::format_of[cb & 31U]);
}

template <class Phase>
void zone(Phase /*phase*/) {}
inline void mark_loop() {}
template <class Body>
void repeat(std::initializer_list<std::uint32_t> /*key*/, const Body& body) {
  body();
}
inline bool is_dry(Here /*at*/ = Here::current()) { return false; }
inline volatile std::uint32_t* semaphore_pointer(std::uint32_t l1_address) {
  return reinterpret_cast<volatile std::uint32_t*>(l1_address);  // NOLINT(performance-no-int-to-ptr)
}
inline void note_generated(std::uint32_t /*cb*/, std::uint32_t /*bytes*/, Here /*at*/ = Here::current()) {}
inline const std::uint8_t default_noc = noc_index;

#if defined(COMPILE_FOR_TRISC)
using ::add_tiles;
using ::compute_kernel_hw_startup;
using ::copy_tile;
using ::matmul_block;
using ::matmul_tiles;
using ::mm_block_init_short;
using ::mul_tiles_bcast_cols;
using ::pack_reconfig_data_format;
using ::pack_reconfig_l1_acc;
using ::reconfig_data_format;
using ::sub_tiles;
using ::sub_tiles_bcast_cols;
using ::tile_regs_acquire;
using ::tile_regs_commit;
using ::tile_regs_release;
using ::tile_regs_wait;

inline void pack_tile_at(std::uint32_t dst, std::uint32_t cb, std::uint32_t index, Here at = Here::current()) {
  ::pack_tile<true>(dst, cb, index, at);
}
inline void reduce_block_max_row(std::uint32_t cb, std::uint32_t scaler, std::uint32_t index, std::uint32_t columns,
                                 std::uint32_t dst, Here at = Here::current()) {
  for (std::uint32_t column = 0; column < columns; ++column) {
    ::reduce_tile<PoolType::MAX, ReduceDim::REDUCE_ROW>(cb, scaler, index + column, 0, dst, at);
  }
}
inline void exp_tile(std::uint32_t dst, bool fast, VectorMode mode, float scale, Here at = Here::current()) {
  tilegrid_device::tg().vector(fast ? 0 : 1, dst, static_cast<int>(mode), scale, at);
}
inline void exp_tile_unclamped(std::uint32_t dst, VectorMode mode, float scale, Here at = Here::current()) {
  tilegrid_device::tg().vector_unclamped_exp(dst, static_cast<int>(mode), scale, at);
}
inline void recip_tile(std::uint32_t dst, VectorMode mode, Here at = Here::current()) {
  tilegrid_device::tg().vector(2, dst, static_cast<int>(mode), 1.0F, at);
}
inline void binary_max_tile(std::uint32_t a, std::uint32_t b, std::uint32_t out, VectorMode mode,
                            Here at = Here::current()) {
  tilegrid_device::tg().vector_binary(tilegrid_device::op_max_tile, a, b, out, static_cast<int>(mode), at);
}
#endif

/// One in DRAM.
struct InterleavedAddrGen {
  std::uint32_t bank_base_address;
  std::uint32_t page_size;
  [[nodiscard]] std::uint64_t place_of(std::uint32_t page) const {
    return ::InterleavedAddrGen<true>{bank_base_address, page_size}.get_noc_addr(page);
  }
};
inline void noc_async_read_page(std::uint32_t page, const InterleavedAddrGen& tensor, std::uint32_t l1,
                                std::uint8_t noc = default_noc, Here at = Here::current()) {
  ::noc_async_read(tensor.place_of(page), l1, tensor.page_size, noc, 0, at);
}
inline void noc_async_write_page(std::uint32_t page, const InterleavedAddrGen& tensor, std::uint32_t l1,
                                 std::uint8_t noc = default_noc, Here at = Here::current()) {
  ::noc_async_write(l1, tensor.place_of(page), tensor.page_size, noc, 0, at);
}

}  // namespace api
}  // namespace tilegrid
