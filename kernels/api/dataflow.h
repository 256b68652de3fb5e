// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/circular_buffer.h"
#include "kernels/api/context.h"
#include "noc/address.h"

/// Data movement for BRISC and NCRISC kernels under TT-Metalium's names (tensix.md 4.1, 7). Transfers use the kernel's
/// default NoC unless one is given. Sizes are bytes; x and y are virtual coordinates, as my_x() and the host give them.
/// Virtual channels and command buffers, which TT-Metalium lets a caller name, are not among the arguments.
namespace tilegrid::api {

/// The NoC that the kernel was configured with, in place of a `noc` argument.
inline constexpr std::uint8_t default_noc = 0xFF;

[[nodiscard]] std::uint32_t my_x(Here at = Here::current());
[[nodiscard]] std::uint32_t my_y(Here at = Here::current());

[[nodiscard]] std::uint64_t get_noc_addr(std::uint32_t x, std::uint32_t y, std::uint32_t address);
/// An L1 address of the own core as a NoC address.
[[nodiscard]] std::uint64_t get_noc_addr(std::uint32_t address, Here at = Here::current());
/// The corners in the order in which the NoC of the multicast goes: on NoC 0 the start is the lower column and row, on NoC 1
/// the higher ones (fault "NoC target" when the multicast is issued).
[[nodiscard]] std::uint64_t get_noc_multicast_addr(std::uint32_t x_start, std::uint32_t y_start, std::uint32_t x_end,
                                                   std::uint32_t y_end, std::uint32_t address);

/// A buffer whose page i lies in DRAM bank i mod banks at bank_base_address + i / banks * page_size. Of the
/// chip that the running kernel is on.
struct InterleavedAddrGen {
  std::uint32_t bank_base_address = 0;
  std::uint32_t page_size = 0;  ///< bytes, a multiple of 32
  [[nodiscard]] std::uint64_t get_noc_addr(std::uint32_t page) const;
};

/// Asynchronous: the data is there after noc_async_read_barrier, not before. Any size; split into packets.
void noc_async_read(std::uint64_t source, std::uint32_t l1_destination, std::uint32_t bytes, std::uint8_t noc = default_noc,
                    Here at = Here::current());
void noc_async_read_page(std::uint32_t page, const InterleavedAddrGen& buffer, std::uint32_t l1_destination,
                         std::uint8_t noc = default_noc, Here at = Here::current());
/// Asynchronous: the source may be reused after noc_async_writes_flushed, the data is there after noc_async_write_barrier.
void noc_async_write(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes, std::uint8_t noc = default_noc,
                     Here at = Here::current());
void noc_async_write_page(std::uint32_t page, const InterleavedAddrGen& buffer, std::uint32_t l1_source,
                          std::uint8_t noc = default_noc, Here at = Here::current());
/// One packet: fault "NoC packet size" above what the chip has, 8192 bytes on Wormhole.
void noc_async_read_one_packet(std::uint64_t source, std::uint32_t l1_destination, std::uint32_t bytes,
                               std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_write_one_packet(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                                std::uint8_t noc = default_noc, Here at = Here::current());
/// To all cores of the rectangle but the sender; `destinations` must be their number (check multicast-count).
void noc_async_write_multicast(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                               std::uint32_t destinations, bool linked = false, std::uint8_t noc = default_noc,
                               Here at = Here::current());
/// As noc_async_write_multicast, with the sender, which counts as a destination.
void noc_async_write_multicast_loopback_src(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                                            std::uint32_t destinations, bool linked = false, std::uint8_t noc = default_noc,
                                            Here at = Here::current());

/// As noc_async_write_multicast, one packet: fault "NoC packet size" above what the chip has, 8192 bytes on Wormhole.
void noc_async_write_multicast_one_packet(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                                          std::uint32_t destinations, bool linked = false, std::uint8_t noc = default_noc,
                                          Here at = Here::current());

/// Stateful transfers: set_state writes the registers that do not change from one transfer to the next (the peer's node and,
/// for one packet, the size), with_state the others, which takes fewer cycles (tensix.md 4.5). `*_address` of with_state is
/// the L1 address or the bank's offset at the node of the state. A plain transfer of the same direction and NoC overwrites
/// the state: fault "NoC state" for a with_state without one.
void noc_async_read_set_state(std::uint64_t source, std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_read_with_state(std::uint32_t source_address, std::uint32_t l1_destination, std::uint32_t bytes,
                               std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_read_one_packet_set_state(std::uint64_t source, std::uint32_t bytes, std::uint8_t noc = default_noc,
                                         Here at = Here::current());
void noc_async_read_one_packet_with_state(std::uint32_t source_address, std::uint32_t l1_destination,
                                          std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_write_one_packet_set_state(std::uint64_t destination, std::uint32_t bytes, std::uint8_t noc = default_noc,
                                          Here at = Here::current());
void noc_async_write_one_packet_with_state(std::uint32_t l1_source, std::uint32_t destination_address,
                                           std::uint8_t noc = default_noc, Here at = Here::current());

/// Transaction ids, 0 to 15 per NoC, with at most 255 packets outstanding each (tensix.md 4.1; fault "NoC transaction id").
/// set_trid is for all reads of the NoC that follow, but those that name an id. What has no id has 0.
void noc_async_read_set_trid(std::uint32_t trid = 0, std::uint8_t noc = default_noc, Here at = Here::current());
/// The source is at base + address of the node that noc_async_read_one_packet_set_state named, with its size.
void noc_async_read_one_packet_with_state_with_trid(std::uint32_t source_base, std::uint32_t source_address,
                                                    std::uint32_t l1_destination, std::uint32_t trid = 0,
                                                    std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_write_one_packet_with_trid(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                                          std::uint32_t trid, std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_write_one_packet_with_trid_set_state(std::uint64_t destination, std::uint8_t noc = default_noc,
                                                    Here at = Here::current());
void noc_async_write_one_packet_with_trid_with_state(std::uint32_t l1_source, std::uint32_t destination_address,
                                                     std::uint32_t bytes, std::uint32_t trid, std::uint8_t noc = default_noc,
                                                     Here at = Here::current());
/// The reads with this id are there; others need not be.
void noc_async_read_barrier_with_trid(std::uint32_t trid, std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_write_barrier_with_trid(std::uint32_t trid, std::uint8_t noc = default_noc, Here at = Here::current());
/// The sources of the writes with this id may be reused.
void noc_async_write_flushed_with_trid(std::uint32_t trid, std::uint8_t noc = default_noc, Here at = Here::current());

/// Writes one word to an L1 address; the value is in the command, no source is read. Not to DRAM (tensix.md 4.1; fault "NoC
/// target"). All bytes of the word must be enabled (fault "inline byte enable").
void noc_inline_dw_write(std::uint64_t destination, std::uint32_t value, std::uint8_t byte_enable = 0xF,
                         std::uint8_t noc = default_noc, Here at = Here::current());

void noc_async_read_barrier(std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_write_barrier(std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_writes_flushed(std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_atomic_barrier(std::uint8_t noc = default_noc, Here at = Here::current());
void noc_async_full_barrier(std::uint8_t noc = default_noc, Here at = Here::current());

/// L1 address of semaphore `id`, the same on every core.
[[nodiscard]] std::uint32_t get_semaphore(std::uint32_t id, Here at = Here::current());
[[nodiscard]] inline volatile std::uint32_t* semaphore_pointer(std::uint32_t l1_address) {
  return reinterpret_cast<volatile std::uint32_t*>(l1_pointer(l1_address));
}
void noc_semaphore_set(volatile std::uint32_t* semaphore, std::uint32_t value, Here at = Here::current());
/// Blocks until the value is exactly `value`.
void noc_semaphore_wait(volatile std::uint32_t* semaphore, std::uint32_t value, Here at = Here::current());
/// Blocks until the value is at least `value`.
void noc_semaphore_wait_min(volatile std::uint32_t* semaphore, std::uint32_t value, Here at = Here::current());
void noc_semaphore_inc(std::uint64_t semaphore, std::uint32_t delta, std::uint8_t noc = default_noc,
                       Here at = Here::current());
/// The same to all cores of a multicast address but the own one, which `destinations` counts.
void noc_semaphore_inc_multicast(std::uint64_t semaphores, std::uint32_t delta, std::uint32_t destinations,
                                 std::uint8_t noc = default_noc, Here at = Here::current());
/// Writes the 4 bytes at `l1_source` to a semaphore of another core.
void noc_semaphore_set_remote(std::uint32_t l1_source, std::uint64_t semaphore, std::uint8_t noc = default_noc,
                              Here at = Here::current());
void noc_semaphore_set_multicast(std::uint32_t l1_source, std::uint64_t semaphore, std::uint32_t destinations,
                                 bool linked = false, std::uint8_t noc = default_noc, Here at = Here::current());
void noc_semaphore_set_multicast_loopback_src(std::uint32_t l1_source, std::uint64_t semaphore, std::uint32_t destinations,
                                              bool linked = false, std::uint8_t noc = default_noc,
                                              Here at = Here::current());

/// Notes that the kernel's RISC filled `bytes` bytes of L1 by ordinary stores (a mask, a scaler): they take device time.
void note_generated(std::uint32_t cb, std::uint32_t bytes, Here at = Here::current());

}  // namespace tilegrid::api
