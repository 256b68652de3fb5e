// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/circular_buffer.h"

// Places, transfers and semaphores: the data movers' part of the API, generations A and B.

namespace tilegrid_device {

/// my_x[noc] and my_y[noc]: virtual coordinates are the same on both NoCs.
struct OwnCoordinate {
  int what;
  uint8_t operator[](int) const { return static_cast<uint8_t>(tg().place(what)); }
};

using Semaphore32 = volatile uint32_t*;

}  // namespace tilegrid_device

inline constexpr tilegrid_device::OwnCoordinate my_x{0}, my_y{1};
inline uint8_t get_absolute_logical_x() { return static_cast<uint8_t>(tilegrid_device::tg().place(2)); }
inline uint8_t get_absolute_logical_y() { return static_cast<uint8_t>(tilegrid_device::tg().place(3)); }
/// Coordinates in NoC addresses of the logical column or row x: those of the chip's workers follow one another.
struct tilegrid_virtual_of {
  int virtual_place;
  TILEGRID_UNCOUNTED uint8_t operator[](uint32_t logical) const {
    const auto& own = tilegrid_device::tg();
    return static_cast<uint8_t>(own.place(virtual_place) - own.place(virtual_place + 2) + logical);
  }
};
inline constexpr tilegrid_virtual_of worker_logical_col_to_virtual_col{0}, worker_logical_row_to_virtual_row{1};
inline uint8_t get_relative_logical_x() { return get_absolute_logical_x(); }
inline uint8_t get_relative_logical_y() { return get_absolute_logical_y(); }

#define NOC_X(x) (x)
#define NOC_Y(y) (y)
#define NOC_X_PHYS_COORD(x) (x)
#define NOC_Y_PHYS_COORD(y) (y)
#define DYNAMIC_NOC_X(noc, x) (x)
#define DYNAMIC_NOC_Y(noc, y) (y)
#define NOC_XY_ADDR(x, y, addr) ::tilegrid_device::tg().noc_address((x), (y), (addr))
#define NOC_MAX_BURST_SIZE 8192
#define NOC_UNICAST_WRITE_VC 1
#define NOC_MULTICAST_WRITE_VC 4
#define DM_DEDICATED_NOC 0
#define DM_DYNAMIC_NOC 1
#define NOC_MODE DM_DEDICATED_NOC
inline constexpr uint8_t noc_mode = DM_DEDICATED_NOC;

inline uint64_t get_noc_addr(uint32_t x, uint32_t y, uint32_t address, uint8_t = noc_index) {
  return tilegrid_device::tg().noc_address(x, y, address);
}
inline uint64_t get_noc_addr(uint32_t address, uint8_t = noc_index) {
  return tilegrid_device::tg().noc_address(tilegrid_device::tg().place(0), tilegrid_device::tg().place(1), address);
}
inline uint64_t get_noc_multicast_addr(uint32_t x_start, uint32_t y_start, uint32_t x_end, uint32_t y_end, uint32_t address,
                                       uint8_t = noc_index) {
  return tilegrid_device::tg().multicast_address(x_start, y_start, x_end, y_end, address);
}
template <bool DRAM>
inline uint64_t get_noc_addr_from_bank_id(uint32_t bank, uint32_t address, uint8_t = noc_index, TG_AT) {
  return tilegrid_device::tg().bank_address(DRAM, bank, address, at);
}
/// The banks' places as the firmware has them in tables: what get_noc_addr_from_bank_id makes an address of.
#define NOC_ADDR_COORD_SHIFT 36
namespace tilegrid_device {
struct BankOffsets {
  bool dram;
  uint32_t operator[](uint32_t bank) const {
    return static_cast<uint32_t>(tg().bank_address(dram, bank, 0, Line::here()) &
                                 ((uint64_t{1} << NOC_ADDR_COORD_SHIFT) - 1));
  }
};
struct BankPlaces {
  bool dram;
  uint32_t operator[](uint32_t bank) const {
    return static_cast<uint32_t>(tg().bank_address(dram, bank, 0, Line::here()) >> NOC_ADDR_COORD_SHIFT);
  }
};
/// Of each NoC the same.
struct BankPlacesOfNocs {
  bool dram;
  BankPlaces operator[](uint32_t) const { return {dram}; }
};
}  // namespace tilegrid_device
inline constexpr tilegrid_device::BankOffsets bank_to_dram_offset{true}, bank_to_l1_offset{false};
inline constexpr tilegrid_device::BankPlacesOfNocs dram_bank_to_noc_xy{true}, l1_bank_to_noc_xy{false};
inline uint64_t get_noc_addr_helper(uint32_t noc_xy, uint32_t address) {
  return tilegrid_device::tg().noc_address(noc_xy & 0x3FU, noc_xy >> 6U & 0x3FU, address);
}

template <class T>
concept tilegrid_bool = __is_same(T, bool);

// ---- Transfers
template <uint32_t max_page_size = 0, bool tracing = true>
inline void noc_async_read(uint64_t source, uint32_t l1, uint32_t bytes, uint8_t noc = noc_index, uint32_t = 0, TG_AT) {
  tilegrid_device::tg().read(source, l1, bytes, false, noc, at);
}
template <bool tracing = true>
inline void noc_async_read_one_packet(uint64_t source, uint32_t l1, uint32_t bytes, uint8_t noc = noc_index, uint32_t = 0,
                                      TG_AT) {
  tilegrid_device::tg().read(source, l1, bytes, true, noc, at);
}
template <uint32_t max_page_size = 0, bool tracing = true, bool posted = false>
inline void noc_async_write(uint32_t l1, uint64_t destination, uint32_t bytes, uint8_t noc = noc_index, uint32_t = 0,
                            TG_AT) {
  tilegrid_device::tg().write(l1, destination, bytes, false, noc, at);
}
template <bool tracing = true, bool posted = false>
inline void noc_async_write_one_packet(uint32_t l1, uint64_t destination, uint32_t bytes, uint8_t noc = noc_index,
                                       uint32_t = 0, TG_AT) {
  tilegrid_device::tg().write(l1, destination, bytes, true, noc, at);
}

template <uint32_t max_page_size = 0>
inline void noc_async_write_multicast(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t destinations,
                                      bool linked = false, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().multicast(l1, destination, bytes, destinations, false, linked, false, noc, at);
}
/// The older form, with `multicast_path_reserve`, which must be no number: that would be the NoC.
template <uint32_t max_page_size = 0, tilegrid_bool Reserve>
inline void noc_async_write_multicast(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t destinations, bool linked,
                                      Reserve, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().multicast(l1, destination, bytes, destinations, false, linked, false, noc, at);
}
inline void noc_async_write_multicast_one_packet(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t destinations,
                                                 bool linked = false, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().multicast(l1, destination, bytes, destinations, false, linked, true, noc, at);
}
inline void noc_async_write_multicast_loopback_src(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t destinations,
                                                   bool linked = false, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().multicast(l1, destination, bytes, destinations, true, linked, false, noc, at);
}
template <tilegrid_bool Reserve>
inline void noc_async_write_multicast_loopback_src(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t destinations,
                                                   bool linked, Reserve, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().multicast(l1, destination, bytes, destinations, true, linked, false, noc, at);
}
TILEGRID_NOT_THERE(noc_async_write_multicast_exclude_region, "multicasts go to whole rectangles")
TILEGRID_NOT_THERE(noc_async_write_set_trid, "writes get their id by noc_async_write_one_packet_with_trid")

inline void noc_async_read_set_state(uint64_t source, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_set_state(source, 0, noc, at);
}
inline void noc_async_read_with_state(uint32_t source, uint32_t l1, uint32_t bytes, uint8_t noc = noc_index, TG_AT) {
  if (bytes != 0) tilegrid_device::tg().read_with_state(source, l1, bytes, noc, at);
}
inline void noc_async_read_inc_num_issued(uint32_t, uint8_t = noc_index) {}
template <bool use_vc = false>
inline void noc_async_read_one_packet_set_state(uint64_t source, uint32_t bytes, uint32_t = 0, uint8_t noc = noc_index,
                                                TG_AT) {
  tilegrid_device::tg().read_set_state(source, bytes, noc, at);
}
template <bool inc_num_issued = true, bool use_vc = false>
inline void noc_async_read_one_packet_with_state(uint32_t source, uint32_t l1, uint32_t = 0, uint8_t noc = noc_index,
                                                 TG_AT) {
  tilegrid_device::tg().read_with_state(source, l1, 0, noc, at);
}
template <bool posted = false>
inline void noc_async_write_one_packet_set_state(uint64_t destination, uint32_t bytes, uint8_t noc = noc_index, uint8_t = 0,
                                                 TG_AT) {
  tilegrid_device::tg().write_set_state(destination, bytes, noc, at);
}
template <bool posted = false>
inline void noc_async_write_one_packet_with_state(uint32_t l1, uint32_t destination, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().write_with_state(l1, destination, noc, at);
}

// ---- Transaction ids
inline void noc_async_read_set_trid(uint32_t trid = 0, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_set_trid(trid, noc, at);
}
inline void noc_async_read_tile_dram_sharded_set_trid(uint32_t trid = 0, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_set_trid(trid, noc, at);
}
/// Names of the years before, of reads of a bank in DRAM.
template <uint32_t bank_base_address, uint32_t page_size, bool use_vc>
inline uint32_t noc_async_read_tile_dram_sharded_set_state(uint32_t bank, uint32_t = 0, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_set_state(tilegrid_device::tg().bank_address(true, bank, bank_base_address, at), page_size, noc,
                                       at);
  return bank_base_address;
}
template <uint32_t page_size, bool use_vc>
inline uint32_t noc_async_read_tile_dram_sharded_set_state(uint32_t bank_base_address, uint32_t bank = 0, uint32_t = 0,
                                                           uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_set_state(tilegrid_device::tg().bank_address(true, bank, bank_base_address, at), page_size, noc,
                                       at);
  return bank_base_address;
}
template <bool use_vc>
inline uint32_t noc_async_read_tile_dram_sharded_set_state(uint32_t bank_base_address, uint32_t page_size, uint32_t bank = 0,
                                                           uint32_t = 0, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_set_state(tilegrid_device::tg().bank_address(true, bank, bank_base_address, at), page_size, noc,
                                       at);
  return bank_base_address;
}
inline void noc_async_read_tile_dram_sharded_with_state(uint32_t base, uint32_t source, uint32_t l1, uint32_t = 0,
                                                        uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_with_state(base + source, l1, 0, noc, at);
}
inline void noc_async_read_tile_dram_sharded_with_state_with_trid(uint32_t base, uint32_t source, uint32_t l1,
                                                                  uint32_t trid = 0, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_with_state_trid(base, source, l1, trid, noc, at);
}
template <bool skip_ptr_update = false, bool skip_cmdbuf_chk = false>
inline void noc_async_read_one_packet_with_state_with_trid(uint32_t base, uint32_t source, uint32_t l1, uint32_t trid = 0,
                                                           uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().read_with_state_trid(base, source, l1, trid, noc, at);
}
template <bool update_counter = true, bool posted = false>
inline void noc_async_write_one_packet_with_trid(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t trid,
                                                 uint8_t = 0, uint8_t noc = noc_index, uint8_t = 0, TG_AT) {
  tilegrid_device::tg().write_with_trid(l1, destination, bytes, trid, noc, at);
}
template <bool posted = false>
inline void noc_async_write_one_packet_with_trid_set_state(uint64_t destination, uint8_t = 0, uint8_t noc = noc_index,
                                                           uint8_t = 0, TG_AT) {
  tilegrid_device::tg().write_trid_set_state(destination, noc, at);
}
template <bool update_counter = true, bool posted = false>
inline void noc_async_write_one_packet_with_trid_with_state(uint32_t l1, uint32_t destination, uint32_t bytes, uint32_t trid,
                                                            uint8_t = 0, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().write_trid_with_state(l1, destination, bytes, trid, noc, at);
}
inline void noc_async_read_barrier_with_trid(uint32_t trid, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().barrier(0, static_cast<int>(trid), noc, at);
}
inline void noc_async_write_barrier_with_trid(uint32_t trid, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().barrier(1, static_cast<int>(trid), noc, at);
}
inline void noc_async_write_flushed_with_trid(uint32_t trid, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().barrier(2, static_cast<int>(trid), noc, at);
}
/// Whether those of an id have come: who asks waits for them, so the answer is yes.
inline bool ncrisc_noc_read_with_transaction_id_flushed(uint32_t noc, uint32_t trid, TG_AT) {
  tilegrid_device::tg().barrier(0, static_cast<int>(trid), static_cast<uint8_t>(noc), at);
  return true;
}
inline bool ncrisc_noc_nonposted_write_with_transaction_id_flushed(uint32_t noc, uint32_t trid, TG_AT) {
  tilegrid_device::tg().barrier(1, static_cast<int>(trid), static_cast<uint8_t>(noc), at);
  return true;
}
inline bool ncrisc_noc_nonposted_write_with_transaction_id_sent(uint32_t noc, uint32_t trid, TG_AT) {
  tilegrid_device::tg().barrier(2, static_cast<int>(trid), static_cast<uint8_t>(noc), at);
  return true;
}
// The command buffers below the API, as far as they set a transaction id.
inline constexpr uint32_t read_cmd_buf = 1, write_cmd_buf = 0, write_reg_cmd_buf = 2, write_at_cmd_buf = 3;
#define NCRISC_RD_CMD_BUF read_cmd_buf
#define BRISC_RD_CMD_BUF read_cmd_buf
inline void ncrisc_noc_set_transaction_id(uint32_t noc, uint32_t buffer, uint32_t trid, TG_AT) {
  if (buffer == read_cmd_buf) return tilegrid_device::tg().read_set_trid(trid, static_cast<uint8_t>(noc), at);
  tilegrid_device::tg().refuse("ncrisc_noc_set_transaction_id of a write's command buffer",
                               "writes get their id by noc_async_write_one_packet_with_trid", at);
}
/// All ids, one a bit.
inline constexpr uint32_t NOC_CLEAR_OUTSTANDING_REQ_MASK = 0xFFFFFFFF, NOC_MAX_TRANSACTION_ID = 0xF;
inline void reset_noc_trid_barrier_counter(uint32_t = 0, uint32_t = noc_index) {}

// ---- Barriers
inline void noc_async_read_barrier(uint8_t noc = noc_index, TG_AT) { tilegrid_device::tg().barrier(0, -1, noc, at); }
inline void noc_async_write_barrier(uint8_t noc = noc_index, TG_AT) { tilegrid_device::tg().barrier(1, -1, noc, at); }
template <bool posted = false>
inline void noc_async_writes_flushed(uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().barrier(2, -1, noc, at);
}
inline void noc_async_posted_writes_flushed(uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().barrier(2, -1, noc, at);
}
inline void noc_async_atomic_barrier(uint8_t noc = noc_index, TG_AT) { tilegrid_device::tg().barrier(3, -1, noc, at); }
inline void noc_async_full_barrier(uint8_t noc = noc_index, TG_AT) { tilegrid_device::tg().barrier(4, -1, noc, at); }

// ---- Semaphores
enum class ProgrammableCoreType : uint8_t { TENSIX = 0, ACTIVE_ETH = 1, IDLE_ETH = 2, COUNT = 3 };
template <ProgrammableCoreType type = ProgrammableCoreType::TENSIX>
inline uint32_t get_semaphore(uint32_t id, TG_AT) {
  return tilegrid_device::tg().semaphore(id, at);
}
inline void noc_semaphore_set(tilegrid_device::Semaphore32 semaphore, uint32_t value, TG_AT) {
  tilegrid_device::tg().semaphore_set(semaphore, value, at);
}
inline void noc_semaphore_wait(tilegrid_device::Semaphore32 semaphore, uint32_t value, TG_AT) {
  tilegrid_device::tg().semaphore_wait(semaphore, value, false, at);
}
inline void noc_semaphore_wait_min(tilegrid_device::Semaphore32 semaphore, uint32_t value, TG_AT) {
  tilegrid_device::tg().semaphore_wait(semaphore, value, true, at);
}
template <bool posted = false>
inline void noc_semaphore_inc(uint64_t semaphore, uint32_t delta, uint8_t noc = noc_index, uint8_t = 0, TG_AT) {
  tilegrid_device::tg().semaphore_inc(semaphore, delta, noc, at);
}
template <bool posted = false>
inline void noc_semaphore_inc_multicast(uint64_t semaphores, uint32_t delta, uint32_t destinations, uint8_t noc = noc_index,
                                        TG_AT) {
  tilegrid_device::tg().semaphore_inc_multicast(semaphores, delta, destinations, noc, at);
}
inline void noc_semaphore_set_remote(uint32_t l1, uint64_t semaphore, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().semaphore_set_remote(l1, semaphore, noc, at);
}
inline void noc_semaphore_set_multicast(uint32_t l1, uint64_t semaphore, uint32_t destinations, bool linked = false,
                                        uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().semaphore_multicast(l1, semaphore, destinations, false, linked, noc, at);
}
template <tilegrid_bool Reserve>
inline void noc_semaphore_set_multicast(uint32_t l1, uint64_t semaphore, uint32_t destinations, bool linked, Reserve,
                                        uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().semaphore_multicast(l1, semaphore, destinations, false, linked, noc, at);
}
inline void noc_semaphore_set_multicast_loopback_src(uint32_t l1, uint64_t semaphore, uint32_t destinations,
                                                     bool linked = false, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().semaphore_multicast(l1, semaphore, destinations, true, linked, noc, at);
}
template <tilegrid_bool Reserve>
inline void noc_semaphore_set_multicast_loopback_src(uint32_t l1, uint64_t semaphore, uint32_t destinations, bool linked,
                                                     Reserve, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().semaphore_multicast(l1, semaphore, destinations, true, linked, noc, at);
}
template <uint32_t where = 0, bool flush = true, bool posted = false>
inline void noc_inline_dw_write(uint64_t destination, uint32_t value, uint8_t byte_enable = 0xF, uint8_t noc = noc_index,
                                uint8_t = 0, uint32_t = 0, TG_AT) {
  tilegrid_device::tg().write_word(destination, value, byte_enable, noc, at);
}

/// A stateful form: the place and, if asked for, the value are set once.
enum class InlineWriteDst : uint8_t { DEFAULT = 0, L1 = 1, REG = 2 };
namespace tilegrid_device {
struct WordState {
  uint64_t destination;
  uint32_t value;
  uint8_t byte_enable;
};
inline WordState word_state[2];  // of each NoC
}  // namespace tilegrid_device
template <bool posted = false, bool set_val = false>
inline void noc_inline_dw_write_set_state(uint64_t destination, uint32_t value = 0, uint8_t byte_enable = 0xF, uint8_t = 0,
                                          uint8_t noc = noc_index, uint8_t = 0) {
  tilegrid_device::WordState& state = tilegrid_device::word_state[noc & 1U];
  state = {destination, set_val ? value : state.value, byte_enable};
}
template <bool update_addr_lo = false, bool update_counter = true, bool posted = false, bool update_addr_hi = false,
          bool update_val = false, InlineWriteDst where = InlineWriteDst::DEFAULT>
inline void noc_inline_dw_write_with_state(uint32_t value, uint32_t address = 0, uint8_t = 0, uint8_t noc = noc_index,
                                           TG_AT) {
  static_assert(!update_addr_hi, "noc_inline_dw_write_with_state of another core is not there: set the state anew");
  tilegrid_device::WordState& state = tilegrid_device::word_state[noc & 1U];
  if (update_addr_lo) state.destination = (state.destination & ~uint64_t{0xFFFFFFFFU}) | address;
  if (update_val) state.value = value;
  tilegrid_device::tg().write_word(state.destination, state.value, state.byte_enable, noc, at);
}

// ---- The RISC itself
/// Memory as others have left it. In a loop that waits, others get their turn here.
inline void invalidate_l1_cache() { tilegrid_device::tg().slow(nullptr); }
/// L1 has no cache here: what a store changed is seen at once.
template <bool enable = true>
inline void set_l1_data_cache() {}
inline void riscv_wait(uint32_t cycles, TG_AT) { tilegrid_device::tg().idle(cycles, at); }
/// Templates, because kernels of years without them have functions of these names of their own, which go before.
template <int = 0>
inline uint32_t get_timestamp_32b() {
  return static_cast<uint32_t>(tilegrid_device::tg().clock());
}
template <int = 0>
inline uint64_t get_timestamp() {
  return tilegrid_device::tg().clock();
}
/// A register of the RISC by its address: there is the clock, in two halves.
#define RISCV_DEBUG_REG_WALL_CLOCK_L 0xFFB121F0u
#define RISCV_DEBUG_REG_WALL_CLOCK_H 0xFFB121F8u
inline uint32_t reg_read(uint32_t address, TG_AT) {
  const uint64_t clock = tilegrid_device::tg().clock();
  if (address == RISCV_DEBUG_REG_WALL_CLOCK_L) return static_cast<uint32_t>(clock);
  if (address != RISCV_DEBUG_REG_WALL_CLOCK_H) {
    tilegrid_device::tg().refuse("reg_read of this register", "the wall clock has one that is emulated", at);
  }
  return static_cast<uint32_t>(clock >> 32);
}
#define NUM_L1_BANKS ::tilegrid_device::tg().place(7)
template <bool DRAM, bool tiles = true>
TILEGRID_UNCOUNTED inline uint32_t get_bank_count() {
  return tilegrid_device::tg().place(DRAM ? 6 : 7);
}

/// What old compilers of the vendor lacked, and kernels call by name; a kernel's own goes before a template.
template <int = 0>
inline uint32_t min(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}
inline uint32_t mulsi3(uint32_t a, uint32_t b) { return a * b; }

struct c_tensix_core {
  static uint64_t read_wall_clock() { return get_timestamp(); }
};
namespace ckernel {
inline void wait(uint32_t cycles, TG_AT) { riscv_wait(cycles, at); }
}  // namespace ckernel

namespace ckernel {
enum ThreadId { UnpackThreadId = 0, MathThreadId = 1, PackThreadId = 2, BriscThreadId = 3 };
/// A word to another processor of this core, and the next one from it, for which the reader waits. UNPACK, MATH and PACK
/// are one program: what is sent to one of them comes to whichever reads first.
inline void mailbox_write(uint8_t thread, uint32_t value, TG_AT) { tilegrid_device::tg().mailbox_write(thread, value, at); }
inline uint32_t mailbox_read(uint8_t thread, TG_AT) { return tilegrid_device::tg().mailbox_read(thread, at); }
}  // namespace ckernel

// Multiples that ends of transfers must have in common.
#define L1_ALIGNMENT 16
#define NOC_L1_READ_ALIGNMENT_BYTES 16
#define NOC_L1_WRITE_ALIGNMENT_BYTES 16
#define NOC_DRAM_WRITE_ALIGNMENT_BYTES 16
#if defined(ARCH_BLACKHOLE)
#define NOC_DRAM_READ_ALIGNMENT_BYTES 64
#define DRAM_ALIGNMENT 64
#else
#define NOC_DRAM_READ_ALIGNMENT_BYTES 32
#define DRAM_ALIGNMENT 32
#endif
