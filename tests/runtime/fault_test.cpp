// SPDX-License-Identifier: Apache-2.0
// What a kernel may not do, one case each: the run ends with exit code 2 and a message in the documented form.
#include <gtest/gtest.h>

#include <cstring>
#include <ostream>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/api/compute.h"
#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "tests/support/session_support.h"
#include "tests/support/wormhole.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so

constexpr GridSize grid{4, 2};
constexpr LogicalCore culprit{2, 1};  // NoC 0 node 3-2

struct FaultCase {
  int line_before;
  std::string name;
  Risc risc;
  KernelFunction kernel;  ///< its last call is the wrong one
  std::string error_class;
  std::string details;  ///< the call, ids and numbers that the message gives; how it says so is free
  int line_after;
};

std::ostream& operator<<(std::ostream& out, const FaultCase& c) { return out << c.name; }

std::uint32_t l1(std::uint32_t offset) { return get_semaphore(0) - l1_semaphore_base + offset; }
std::uint64_t on_core(std::uint32_t x, std::uint32_t y, std::uint32_t offset) {
  return get_noc_addr(x + noc::virtual_base, y + noc::virtual_base, offset);
}
std::uint64_t on_all_cores(std::uint32_t offset) {
  constexpr std::uint32_t first = noc::virtual_base;
  return get_noc_multicast_addr(first, first, first + grid.x - 1, first + grid.y - 1, offset);
}
void fill(std::uint32_t cb, std::uint32_t pages) {
  cb_reserve_back(cb, pages);
  std::memset(l1_pointer(get_write_ptr(cb)), 0, std::size_t{pages} * get_tile_size(cb));
  cb_push_back(cb, pages);
  cb_wait_front(cb, pages);
}
/// A section that pack holds, with slot 0 written.
void section() {
  fill(0, 1);
  tile_regs_acquire();
  copy_tile(0, 0, 0);
  tile_regs_commit();
  tile_regs_wait();
}

constexpr std::uint32_t user = l1_user_base + 64 * 1024;  // L1 that belongs to no buffer of these programs

std::vector<FaultCase> dst_cases() {
  return {
      {__LINE__, "acquire_twice", Risc::trisc, [] { tile_regs_acquire(), tile_regs_acquire(); }, "dst-order",
       "fix: ", __LINE__},
      {__LINE__, "commit_first", Risc::trisc, [] { tile_regs_commit(); }, "dst-order", "tile_regs_acquire", __LINE__},
      {__LINE__, "wait_first", Risc::trisc, [] { tile_regs_wait(); }, "dst-order", "", __LINE__},
      {__LINE__, "release_first", Risc::trisc, [] { tile_regs_release(); }, "dst-order", "tile_regs_wait", __LINE__},
      {__LINE__, "third_section", Risc::trisc,
       [] {
         tile_regs_acquire(), tile_regs_commit(), tile_regs_acquire(), tile_regs_commit();
         tile_regs_acquire();
       },
       "dst-order", "", __LINE__},
      {__LINE__, "math_outside", Risc::trisc, [] { fill(0, 1), copy_tile(0, 0, 0); }, "dst-order", "copy_tile", __LINE__},
      {__LINE__, "pack_too_early", Risc::trisc,
       [] {
         cb_reserve_back(16, 1), tile_regs_acquire(), tile_regs_commit();
         pack_tile(0, 16);
       },
       "dst-order", "tile_regs_wait", __LINE__},
      {__LINE__, "slot_too_high", Risc::trisc, [] { fill(0, 1), tile_regs_acquire(), copy_tile(0, 0, 8); }, "DST capacity",
       "copy_tile.* 8; Insufficient DST capacity for all operands: .*asked 9 tiles, available 8.*fix: ", __LINE__},
      {__LINE__, "block_too_large", Risc::trisc,
       [] {
         fill(0, 4), fill(1, 3), tile_regs_acquire();
         matmul_block(0, 1, 0, 0, 0, false, 3, 3, 1);
       },
       "DST capacity", "matmul_block.*\\b0..8\\b.*asked 9 tiles, available 8", __LINE__},
      {__LINE__, "packed_slot_too_high", Risc::trisc, [] { section(), cb_reserve_back(16, 1), pack_tile(8, 16); },
       "DST capacity", "asked 9 tiles, available 8", __LINE__},
      {__LINE__, "vector_on_nothing", Risc::trisc, [] { tile_regs_acquire(), recip_tile(3); }, "uninitialised-dst",
       "\\b3\\b", __LINE__},
      {__LINE__, "reuse_of_nothing", Risc::trisc,
       [] {
         fill(0, 1), tile_regs_acquire();
         binary_dest_reuse_tiles(EltwiseOp::add, true, 0, 0, 1);
       },
       "uninitialised-dst", "binary_dest_reuse_tiles.*\\b1\\b", __LINE__},
      {__LINE__, "block_beyond_counting", Risc::trisc,
       [] {
         fill(0, 1), fill(1, 1), tile_regs_acquire();
         matmul_block(0, 1, 0, 0, 0, false, 65536, 65536, 1);
       },
       "DST capacity", "available 8", __LINE__},
      {__LINE__, "slot_below_zero", Risc::trisc, [] { fill(0, 1), tile_regs_acquire(), copy_tile(0, 0, 0U - 1); },
       "DST capacity", "available 8", __LINE__},
      {__LINE__, "tile_below_zero", Risc::trisc, [] { fill(0, 1), tile_regs_acquire(), copy_tile(0, 0U - 1, 0); },
       "CB window", "copy_tile.*\\b4294967295\\b", __LINE__},
      {__LINE__, "empty_matmul", Risc::trisc,
       [] {
         fill(0, 1), fill(1, 1), tile_regs_acquire();
         matmul_block(0, 1, 0, 0, 0, false, 0, 1, 1);
       },
       "matmul shape", "\\b1\\b", __LINE__},
  };
}

std::vector<FaultCase> cb_cases() {
  return {
      {__LINE__, "push_without_reserve", Risc::ncrisc, [] { cb_push_back(0, 1); }, "cb-window",
       "cb_push_back.*\\b1\\b.*\\b0\\b.*'cb0'.*asked 1 pages, available 0.*fix: ", __LINE__},
      {__LINE__, "push_more_than_reserved", Risc::brisc, [] { cb_reserve_back(0, 2), cb_push_back(0, 3); }, "cb-window",
       "asked 3 pages, available 2", __LINE__},
      {__LINE__, "pop_without_push", Risc::trisc, [] { cb_pop_front(0, 1); }, "cb-count", "asked 1 pages, available 0",
       __LINE__},
      {__LINE__, "push_past_the_end", Risc::ncrisc,
       [] {
         fill(1, 7), cb_pop_front(1, 7), cb_reserve_back(1, 7);
         cb_push_back(1, 7);
       },
       "CB wrap", "\\b7\\b.*\\b7\\b.*\\b1\\b.*asked 7 pages, available 5", __LINE__},
      {__LINE__, "pop_past_the_end", Risc::ncrisc,
       [] {
         fill(1, 7), cb_pop_front(1, 7), fill(1, 5), fill(1, 2);
         cb_pop_front(1, 6);
       },
       "CB wrap", "asked 6 pages, available 5", __LINE__},
      {__LINE__, "read_without_wait", Risc::trisc,
       [] {
         cb_reserve_back(0, 4), cb_push_back(0, 4), cb_wait_front(0, 2), tile_regs_acquire();
         copy_tile(0, 2, 0);
       },
       "cb-window", "copy_tile.*\\b2\\b.*\\b0\\b.*asked 3 tiles, available 2", __LINE__},
      {__LINE__, "read_past_the_end", Risc::trisc,
       [] {
         fill(1, 12), cb_pop_front(1, 11), tile_regs_acquire();
         copy_tile(1, 1, 0);
       },
       "CB window", "", __LINE__},
      {__LINE__, "pack_without_reserve", Risc::trisc, [] { section(), pack_tile(0, 16); }, "cb-window",
       "pack_tile.*\\b0\\b.*\\b16\\b.*asked 1 tiles, available 0", __LINE__},
      {__LINE__, "pack_beyond_reserve", Risc::trisc, [] { section(), cb_reserve_back(16, 2), pack_tile_at(0, 16, 2); },
       "cb-window", "asked 3 tiles, available 2", __LINE__},
      {__LINE__, "reserve_more_than_there_is", Risc::brisc, [] { cb_reserve_back(0, 5); }, "CB capacity",
       "cb_reserve_back.*\\b0\\b.*asked 5 pages, available 4", __LINE__},
      {__LINE__, "wait_for_more_than_there_is", Risc::brisc, [] { cb_wait_front(0, 5); }, "CB capacity",
       "cb_wait_front.*\\b0\\b.*asked 5 pages, available 4", __LINE__},
      {__LINE__, "id_too_high", Risc::brisc, [] { cb_wait_front(32, 1); }, "CB id", "\\b32\\b", __LINE__},
      {__LINE__, "id_not_configured", Risc::brisc, [] { cb_wait_front(9, 1); }, "CB id", "\\b9\\b", __LINE__},
      {__LINE__, "page_is_no_tile", Risc::trisc, [] { fill(2, 1), tile_regs_acquire(), copy_tile(2, 0, 0); }, "CB page size",
       "copy_tile.*\\b2\\b.*\\b1024\\b.*asked 1024 bytes, available 2048", __LINE__},
      {__LINE__, "accumulate_in_bfp8", Risc::trisc,
       [] { pack_reconfig_l1_acc(true), section(), cb_reserve_back(17, 1), pack_tile(0, 17); }, "Packer L1 accumulation",
       "pack_tile.*bfp8_b", __LINE__},
  };
}

std::vector<FaultCase> range_cases() {
  return {
      {__LINE__, "source_below_l1", Risc::brisc, [] { noc_async_write(l1(1024), on_core(0, 0, user), 64); }, "L1 range",
       "noc_async_write.*\\b1024\\b.*\\b1088\\b.*\\b1499136\\b", __LINE__},
      {__LINE__, "destination_past_the_end", Risc::ncrisc,
       [] { noc_async_read(on_core(0, 0, user), l1(l1_bytes - 32), 64); }, "L1 range",
       "noc_async_read.*\\b1499104\\b.*\\b1499168\\b", __LINE__},
      {__LINE__, "remote_past_the_end", Risc::ncrisc, [] { noc_async_read(on_core(1, 0, l1_bytes - 32), l1(user), 64); },
       "L1 range", "\\b1499104\\b.*\\b1499168\\b.*\\(1,0\\)", __LINE__},
      {__LINE__, "remote_firmware", Risc::brisc, [] { noc_async_write(l1(user), on_core(3, 1, 4096), 64); }, "L1 range",
       "\\b4096\\b.*\\b4160\\b.*\\(3,1\\)", __LINE__},
      {__LINE__, "multicast_past_the_end", Risc::brisc,
       [] { noc_async_write_multicast(l1(user), on_all_cores(l1_bytes - 32), 64, 7); }, "L1 range",
       "\\b1499104\\b.*\\b1499168\\b", __LINE__},
      {__LINE__, "multicast_to_firmware", Risc::brisc,
       [] { noc_async_write_multicast(l1(user), on_all_cores(4096), 64, 7); }, "L1 range", "\\b4096\\b.*\\b4160\\b",
       __LINE__},
      {__LINE__, "semaphore_wait_elsewhere", Risc::brisc, [] { noc_semaphore_wait(semaphore_pointer(l1(l1_bytes)), 1); },
       "L1 range", "noc_semaphore_wait.*\\b1499136\\b.*\\b1499140\\b", __LINE__},
      {__LINE__, "dram_past_the_buffers", Risc::ncrisc,
       [] {
         noc_async_read_page(12 * 1000 + 5, InterleavedAddrGen{0, 2048}, l1(user));
       },
       "DRAM range", "\\b2048000\\b.*\\b2050048\\b.*\\b5\\b.*\\b2048\\b.*fix: ", __LINE__},
  };
}

std::vector<FaultCase> noc_cases() {
  return {
      {__LINE__, "no_such_core", Risc::brisc, [] { noc_async_write(l1(user), on_core(4, 0, user), 64); }, "NoC target",
       "\\(4,0\\)", __LINE__},
      {__LINE__, "no_such_node", Risc::brisc, [] { noc_async_write(l1(user), get_noc_addr(0, 3, 64), 64); }, "NoC target",
       "\\b0-3\\b", __LINE__},
      {__LINE__, "multicast_beyond_the_grid", Risc::brisc,
       [] { noc_async_write_multicast(l1(user), get_noc_multicast_addr(18, 18, 22, 19, user), 64, 9); }, "NoC target",
       "\\(0,0\\).*\\(4,1\\)", __LINE__},
      {__LINE__, "atomic_on_dram", Risc::brisc, [] { noc_semaphore_inc(get_noc_addr(0, 11, 0), 1); }, "NoC target",
       "noc_semaphore_inc", __LINE__},
      {__LINE__, "dram_read_needs_32", Risc::ncrisc,
       [] {
         noc_async_read_page(0, InterleavedAddrGen{0, 32}, l1(user + 16));
       },
       "alignment", "\\b32\\b.*\\b16\\b.*\\b0\\b", __LINE__},
      {__LINE__, "l1_write_needs_16", Risc::brisc, [] { noc_async_write(l1(user + 4), on_core(0, 0, user), 64); },
       "alignment", "\\b16\\b.*\\b4\\b.*\\b0\\b", __LINE__},
      {__LINE__, "multicast_needs_16", Risc::brisc,
       [] { noc_async_write_multicast(l1(user + 4), on_all_cores(user), 64, 7); }, "alignment", "\\b16\\b.*\\b4\\b.*\\b0\\b",
       __LINE__},
      {__LINE__, "odd_semaphore", Risc::brisc, [] { noc_semaphore_inc(on_core(0, 0, user + 2), 1); }, "alignment", "\\b4\\b",
       __LINE__},
      {__LINE__, "read_packet_too_large", Risc::ncrisc,
       [] { noc_async_read_one_packet(on_core(0, 0, user), l1(user), 8193); }, "NoC packet size",
       "asked 8193 bytes, available 8192.*fix: ", __LINE__},
      {__LINE__, "write_packet_too_large", Risc::brisc,
       [] { noc_async_write_one_packet(l1(user), on_core(0, 0, user), 16384); }, "NoC packet size",
       "asked 16384 bytes, available 8192", __LINE__},
      {__LINE__, "sender_counted", Risc::brisc, [] { noc_async_write_multicast(l1(user), on_all_cores(user), 64, 8); },
       "multicast-count", "asked 8 destinations, available 7", __LINE__},
      {__LINE__, "sender_not_counted", Risc::brisc,
       [] { noc_async_write_multicast_loopback_src(l1(user), on_all_cores(user), 64, 7); }, "multicast-count",
       "asked 7 destinations, available 8", __LINE__},
      {__LINE__, "semaphore_multicast_count", Risc::brisc,
       [] { noc_semaphore_set_multicast(l1(user), on_all_cores(l1_semaphore_base), 6); }, "multicast-count",
       "asked 6 destinations, available 7", __LINE__},
      {__LINE__, "semaphore_id", Risc::brisc, [] { static_cast<void>(get_semaphore(16)); }, "semaphore id", "\\b16\\b",
       __LINE__},
  };
}

std::vector<FaultCase> transfer_form_cases() {
  return {
      {__LINE__, "inline_to_dram", Risc::brisc, [] { noc_inline_dw_write(get_noc_addr(0, 11, 0), 1); }, "NoC target",
       "noc_inline_dw_write.*fix: ", __LINE__},
      {__LINE__, "inline_to_odd", Risc::brisc, [] { noc_inline_dw_write(on_core(0, 0, user + 2), 1); }, "alignment",
       "\\b4\\b", __LINE__},
      {__LINE__, "inline_half_a_word", Risc::brisc, [] { noc_inline_dw_write(on_core(0, 0, user), 1, 0x3); },
       "inline byte enable", "0x3", __LINE__},
      {__LINE__, "no_such_id", Risc::ncrisc, [] { noc_async_read_set_trid(16); }, "NoC transaction id",
       "\\b16\\b.*\\b16\\b.*\\b0\\b.*\\b15\\b", __LINE__},
      {__LINE__, "no_such_id_of_a_write", Risc::ncrisc,
       [] { noc_async_write_one_packet_with_trid(l1(user), on_core(0, 0, user), 64, 257); }, "NoC transaction id",
       "noc_async_write_one_packet_with_trid.*\\b257\\b", __LINE__},
      {__LINE__, "no_such_id_of_a_barrier", Risc::ncrisc, [] { noc_async_read_barrier_with_trid(77); }, "NoC transaction id",
       "noc_async_read_barrier_with_trid.*\\b77\\b", __LINE__},
      {__LINE__, "too_many_of_an_id", Risc::ncrisc,
       [] {
         noc_async_read_set_trid(3);
         for (int i = 0; i < 256; ++i) noc_async_read(on_core(0, 0, user), l1(user), 32);
       },
       "NoC transaction id", "\\b3\\b.*\\b0\\b.*asked 256 packets, available 255.*fix: ", __LINE__},
      {__LINE__, "too_many_for_the_barrier_of_an_id", Risc::ncrisc,
       [] {
         for (int i = 0; i < 300; ++i) noc_async_write(l1(user), on_core(0, 0, user + 64), 32);
         noc_async_write_barrier_with_trid(0);
       },
       "NoC transaction id", "\\b0\\b.*\\b0\\b.*asked 300 packets, available 255", __LINE__},
  };
}

std::vector<FaultCase> transfer_state_cases() {
  return {
      {__LINE__, "state_of_nothing", Risc::ncrisc, [] { noc_async_read_one_packet_with_state(user, l1(user)); }, "NoC state",
       "noc_async_read_one_packet_with_state", __LINE__},
      {__LINE__, "state_overwritten", Risc::ncrisc,
       [] {
         noc_async_read_one_packet_set_state(on_core(0, 0, user), 64);
         noc_async_read(on_core(1, 0, user), l1(user), 64);
         noc_async_read_one_packet_with_state(user, l1(user));
       },
       "NoC state", "fix: ", __LINE__},
      {__LINE__, "write_state_overwritten", Risc::ncrisc,
       [] {
         noc_async_write_one_packet_set_state(on_core(0, 0, user), 64);
         noc_async_write_multicast(l1(user), on_all_cores(user), 64, 7);
         noc_async_write_one_packet_with_state(l1(user), user);
       },
       "NoC state", "noc_async_write_one_packet_with_state", __LINE__},
      {__LINE__, "state_of_the_other_noc", Risc::ncrisc,
       [] {
         noc_async_read_one_packet_set_state(on_core(0, 0, user), 64, 1);
         noc_async_read_one_packet_with_state(user, l1(user), 0);
       },
       "NoC state", "", __LINE__},
      {__LINE__, "state_without_a_size", Risc::ncrisc,
       [] {
         noc_async_read_set_state(on_core(0, 0, user));
         noc_async_read_one_packet_with_state(user, l1(user));
       },
       "NoC state", "_set_state", __LINE__},
      {__LINE__, "state_too_large", Risc::ncrisc, [] { noc_async_write_one_packet_set_state(on_core(0, 0, user), 8193); },
       "NoC packet size", "asked 8193 bytes, available 8192", __LINE__},
      {__LINE__, "multicast_packet_too_large", Risc::ncrisc,
       [] { noc_async_write_multicast_one_packet(l1(user), on_all_cores(user), 8193, 7); }, "NoC packet size",
       "asked 8193 bytes, available 8192", __LINE__},
      {__LINE__, "state_past_the_end", Risc::ncrisc,
       [] {
         noc_async_read_one_packet_set_state(on_core(1, 0, user), 64);
         noc_async_read_one_packet_with_state(l1_bytes - 32, l1(user));
       },
       "L1 range", "\\b1499104\\b.*\\b1499168\\b.*\\(1,0\\)", __LINE__},
  };
}

std::vector<FaultCase> other_cases() {
  return {
      {__LINE__, "runtime_argument", Risc::trisc, [] { static_cast<void>(get_arg_val<std::uint32_t>(0)); },
       "kernel argument", "\\b0\\b.*asked 1 arguments, available 0", __LINE__},
      {__LINE__, "common_argument", Risc::trisc, [] { static_cast<void>(get_common_arg_val<std::uint32_t>(1)); },
       "kernel argument", "\\b1\\b.*asked 2 arguments, available 1", __LINE__},
      {__LINE__, "compile_time_argument", Risc::trisc, [] { static_cast<void>(get_compile_time_arg_val(7)); },
       "kernel argument", "\\b7\\b.*asked 8 arguments, available 1", __LINE__},
  };
}

/// A rectangle with its corners where this NoC does not begin or end.
std::uint64_t between(std::uint32_t x_start, std::uint32_t y_start, std::uint32_t x_end, std::uint32_t y_end,
                      std::uint32_t offset = user) {
  constexpr std::uint32_t first = noc::virtual_base;
  return get_noc_multicast_addr(first + x_start, first + y_start, first + x_end, first + y_end, offset);
}

std::vector<FaultCase> rectangle_cases() {
  return {
      {__LINE__, "columns_backwards_on_noc_0", Risc::brisc,
       [] { noc_async_write_multicast(l1(user), between(3, 0, 1, 1), 64, 5, false, 0); }, "NoC target",
       "noc_async_write_multicast on NoC 0 from corner \\(3,0\\) to corner \\(1,1\\).*\\(0,0\\)-\\(1,1\\), "
       "\\(3,0\\)-\\(7,1\\) of its 8x10.*available 14;.*starts at \\(1,0\\) and ends at \\(3,1\\)",
       __LINE__},
      {__LINE__, "rows_backwards_on_noc_0", Risc::brisc,
       [] { noc_async_write_multicast_loopback_src(l1(user), between(1, 1, 3, 0), 64, 6, false, 0); }, "NoC target",
       "loopback_src on NoC 0 from corner \\(1,1\\) to corner \\(3,0\\).*hit \\(1,0\\)-\\(3,9\\) .*available 30;", __LINE__},
      {__LINE__, "both_backwards_on_noc_0", Risc::brisc,
       [] { noc_async_write_multicast_one_packet(l1(user), between(3, 1, 0, 0), 64, 7, false, 0); }, "NoC target",
       "one_packet on NoC 0 from corner \\(3,1\\) to corner \\(0,0\\)", __LINE__},
      {__LINE__, "columns_forwards_on_noc_1", Risc::brisc,
       [] { noc_semaphore_set_multicast(l1(user), between(0, 0, 3, 0, l1_semaphore_base), 4, false, 1); }, "NoC target",
       "noc_semaphore_set_multicast on NoC 1 from corner \\(0,0\\) to corner \\(3,0\\).*hit \\(0,0\\), \\(3,0\\)-\\(7,0\\) "
       ".*"
       "starts at \\(3,0\\) and ends at \\(0,0\\)",
       __LINE__},
      {__LINE__, "rows_forwards_on_noc_1", Risc::brisc,
       [] { noc_semaphore_set_multicast_loopback_src(l1(user), between(2, 0, 2, 1, l1_semaphore_base), 2, false, 1); },
       "NoC target",
       "loopback_src on NoC 1 from corner \\(2,0\\) to corner \\(2,1\\).*hit \\(2,0\\)-\\(2,9\\) .*available 10;", __LINE__},
      {__LINE__, "rows_of_all_forwards_on_noc_1", Risc::brisc,
       [] { noc_async_write_multicast(l1(user), between(3, 0, 0, 1), 64, 7, true, 1); }, "NoC target",
       "on NoC 1 from corner \\(3,0\\) to corner \\(0,1\\).*starts at \\(3,1\\) and ends at \\(0,0\\)", __LINE__},
  };
}

std::vector<FaultCase> all_cases() {
  std::vector<FaultCase> all;
  for (const auto& part : {dst_cases(), cb_cases(), range_cases(), noc_cases(), rectangle_cases(), transfer_form_cases(),
                           transfer_state_cases(), other_cases()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

const bool registered = [] {
  for (const FaultCase& c : all_cases()) register_kernel("fault/" + c.name, c.kernel);
  return true;
}();

test::Outcome run_kernel(const std::string& kernel, Risc risc, CoreRange cores) {
  return test::run_session(grid, [&](Device& device) {
    test::TestProgram program(device);
    program.cb(0, 4)
        .cb(1, 12)
        .cb(2, 2, 1024)
        .cb(3, 1, 576, DataFormat::bfp4_b)
        .cb(16, 4)
        .cb(17, 1, 1088, DataFormat::bfp8_b);
    program.semaphores({0, 0}).kernel(kernel, risc, cores, {5});
    program.launch();
  });
}

class Faults : public testing::TestWithParam<FaultCase> {};

TEST_P(Faults, EndTheRunAndSayWhoWhereAndWhat) {
  ASSERT_TRUE(registered);
  const FaultCase& c = GetParam();
  const test::Outcome outcome = run_kernel("fault/" + c.name, c.risc, test::only(culprit));
  EXPECT_EQ(outcome.code, 2);
  if (!test::session().is_host()) return;
  const std::regex form("([^·]+) · core \\(2,1\\) \\[3-2\\] · (BRISC|NCRISC|TRISC) · fault/" + c.name +
                        " tests/runtime/fault_test\\.cpp:([0-9]+): (.+; .+)");
  std::smatch parts;
  ASSERT_TRUE(std::regex_match(outcome.error, parts, form)) << outcome.error;
  EXPECT_EQ(parts[1], c.error_class);
  EXPECT_EQ(parts[2], name_of(c.risc));
  // The helpers above are not where the wrong call is.
  EXPECT_GE(std::stoi(parts[3]), c.line_before);
  EXPECT_LE(std::stoi(parts[3]), c.line_after);
  EXPECT_TRUE(std::regex_search(parts[4].str(), std::regex(c.details))) << outcome.error;
}

INSTANTIATE_TEST_SUITE_P(Kernels, Faults, testing::ValuesIn(all_cases()),
                         [](const auto& instance) { return instance.param.name; });

const auto throws = register_kernel("fault/throws", [] {
  cb_reserve_back(0, 1);
  throw std::runtime_error("out of ideas");
});

TEST(Faults, ExceptionsOfKernelsAreOne) {
  const test::Outcome outcome = run_kernel(throws, Risc::brisc, test::only(culprit));
  EXPECT_EQ(outcome.code, 2);
  if (!test::session().is_host()) return;
  EXPECT_EQ(outcome.error.find("kernel exception · core (2,1) [3-2] · BRISC · fault/throws tests/runtime/fault_test.cpp:"),
            0U);
  EXPECT_NE(outcome.error.find(": out of ideas"), std::string::npos) << outcome.error;
}

TEST(Faults, OfAllCoresAtOnceAreReportedOnce) {
  const test::Outcome outcome = run_kernel("fault/pop_without_push", Risc::trisc, CoreRange::all(grid));
  EXPECT_EQ(outcome.code, 2);
  if (!test::session().is_host()) return;
  EXPECT_EQ(outcome.error.find("cb-count · core ("), 0U) << outcome.error;
  EXPECT_EQ(outcome.error.find("cb-count", 1), std::string::npos) << outcome.error;
}

const auto waits_for_ever = register_kernel("fault/waits_for_ever", [] { cb_wait_front(0, 1); });

TEST(Faults, EndKernelsThatWaitOnOtherCores) {
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    test::TestProgram program(device);
    program.cb(0, 4).kernel(waits_for_ever, Risc::ncrisc, CoreRange::all(grid));
    program.kernel("fault/pop_without_push", Risc::trisc, test::only(culprit));
    program.launch();
  });
  EXPECT_EQ(outcome.code, 2) << outcome.error;
}

const auto sends_to_all = register_kernel("fault/sends_to_all", [] {
  for (int i = 0; i < 20; ++i) {
    noc_async_write_multicast(l1(user), on_all_cores(user), 4096, 7);
    noc_semaphore_inc(on_core(static_cast<std::uint32_t>(i) % 4, 0, l1_semaphore_base), 1);
    noc_async_read(on_core(static_cast<std::uint32_t>(i) % 4, 1, user), l1(user + 8192), 4096);
    noc_async_full_barrier();
  }
  if (my_x() == noc::virtual_base + 2 && get_compile_time_arg_val(0) != 0) cb_pop_front(0, 1);
});

TEST(Faults, LeaveTheSessionUsableWithMessagesUnderWay) {
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    for (int round = 0; round < 10; ++round) {
      for (const std::uint32_t faulty : {1U, 0U}) {
        test::TestProgram program(device);
        program.cb(0, 4).semaphores({0}).kernel(sends_to_all, Risc::brisc, CoreRange::all(grid), {faulty});
        if (faulty != 0) {
          EXPECT_THROW(program.launch(), KernelError);
        } else {
          EXPECT_EQ(program.launch().cores.size(), 8U);
        }
      }
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

}  // namespace
}  // namespace tilegrid
