// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

/// What a kernel from a file and the emulator know of each other. The kernel's object gets a table of functions when it is
/// loaded and refers to nothing else of the process; so hosts programs need export no symbols. Plain C types only: this is
/// parsed for every kernel.
namespace tilegrid_device {

/// A line of the kernel, by default argument.
struct Line {
  const char* file;
  unsigned line;
  static constexpr Line here(const char* in_file = __builtin_FILE(), unsigned at_line = __builtin_LINE()) {
    return {in_file, at_line};
  }
};

/// A part of a tile that a kernel prints.
struct Slice {
  uint32_t cb, tile;
  uint8_t range[6];  ///< rows h0, h1, hs, columns w0, w1, ws
  int pointer;       ///< 0: of what was waited for, 1: of what is reserved, -1: where it is
  bool newlines, untilized;
  Line at;
  bool fixed;
  char base;
  int width, precision;
};

/// Counts the basic blocks that a kernel runs between its calls: instrumentation of the compiler adds them up. It lies in
/// the kernel's object, where counting one takes one instruction, and belongs to the kernel that runs: kernels change inside
/// of calls only, which set it anew, or in slow(), which keeps it.
struct Meter {
  int64_t left;     ///< blocks until slow() is called
  int64_t changed;  ///< `left` when a comparison last saw other values than before; 0: none has since `left` was set
  uint64_t turn;    ///< mixed into what comparisons remember: what they saw before the last call holds no more
  char* seen;       ///< what comparisons remember, up to seen_end
  char* seen_end;
};

/// Numbers of the matrix unit's operations, broadcasts, pools and vector operations are those of the core library.
struct Interface {
  void (*slow)(const void* pc);  ///< the meter's alarm: a long computation, or a loop that waits
  void (*refuse)(const char* what, const char* why, Line at);  ///< ends the run with a fault
  // Output. `thread`: of a compute kernel 0 to 2, else -1.
  bool (*print_wanted)(int thread);
  void (*print)(int thread, const char* text, size_t length);
  void (*print_slice)(int thread, const Slice& slice);
  void (*assertion_failed)(const char* condition, Line at);
  void (*waypoint)(const char* name);

  /// A zone of the kernel's begins (mark 0, or 2 for one whose times are added up), a number is noted (4): returns the
  /// name's id, with which scope_end() ends the zone.
  uint32_t (*scope)(int mark, const char* name, uint64_t value, Line at);
  void (*scope_end)(int mark, uint32_t id);

  /// Words between the processors of a core, by the vendor's number of the other one: 0 to 2 UNPACK, MATH and PACK, 3 BRISC.
  void (*mailbox_write)(uint32_t thread, uint32_t value, Line at);
  uint32_t (*mailbox_read)(uint32_t thread, Line at);

  // Circular buffers and arguments
  void (*cb_reserve_back)(uint32_t cb, uint32_t pages, Line at);
  void (*cb_push_back)(uint32_t cb, uint32_t pages, Line at);
  void (*cb_wait_front)(uint32_t cb, uint32_t pages, Line at);
  void (*cb_pop_front)(uint32_t cb, uint32_t pages, Line at);
  bool (*cb_pages_available)(uint32_t cb, uint32_t pages, Line at);
  bool (*cb_pages_reservable)(uint32_t cb, uint32_t pages, Line at);
  /// 0 read pointer, 1 write pointer, 2 bytes of a page, 3 pages, 4 first address, 5 format's code, 6 pages received, 7
  /// acked.
  uint32_t (*cb_fact)(uint32_t cb, int what, Line at);
  uint32_t (*runtime_arg)(uint32_t index, Line at);
  uint32_t (*common_arg)(uint32_t index, Line at);
  const uint32_t* (*arg_address)(bool common, uint32_t index, Line at);

  // Places. `what`: 0 own x, 1 own y (virtual), 2 logical x, 3 logical y, 4 columns, 5 rows, 6 DRAM banks, 7 L1 banks, 8 the
  // address of L1 offset 0
  uint32_t (*place)(int what);
  uint64_t (*noc_address)(uint32_t x, uint32_t y, uint32_t address);
  uint64_t (*multicast_address)(uint32_t x_start, uint32_t y_start, uint32_t x_end, uint32_t y_end, uint32_t address);
  uint64_t (*bank_address)(bool dram, uint32_t bank, uint32_t offset, Line at);

  // Transfers
  void (*read)(uint64_t source, uint32_t l1, uint32_t bytes, bool one_packet, uint8_t noc, Line at);
  void (*write)(uint32_t l1, uint64_t destination, uint32_t bytes, bool one_packet, uint8_t noc, Line at);
  void (*multicast)(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t destinations, bool loopback, bool linked,
                    bool one_packet, uint8_t noc, Line at);
  void (*read_set_state)(uint64_t source, uint32_t bytes, uint8_t noc, Line at);
  void (*read_with_state)(uint32_t source, uint32_t l1, uint32_t bytes, uint8_t noc, Line at);
  void (*read_with_state_trid)(uint32_t base, uint32_t source, uint32_t l1, uint32_t trid, uint8_t noc, Line at);
  void (*write_set_state)(uint64_t destination, uint32_t bytes, uint8_t noc, Line at);
  void (*write_with_state)(uint32_t l1, uint32_t destination, uint8_t noc, Line at);
  void (*write_with_trid)(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t trid, uint8_t noc, Line at);
  void (*write_trid_set_state)(uint64_t destination, uint8_t noc, Line at);
  void (*write_trid_with_state)(uint32_t l1, uint32_t destination, uint32_t bytes, uint32_t trid, uint8_t noc, Line at);
  void (*read_set_trid)(uint32_t trid, uint8_t noc, Line at);
  void (*write_word)(uint64_t destination, uint32_t value, uint8_t byte_enable, uint8_t noc, Line at);
  /// 0 read, 1 write, 2 writes flushed, 3 atomic, 4 full; trid -1: all
  void (*barrier)(int what, int trid, uint8_t noc, Line at);

  // Semaphores
  uint32_t (*semaphore)(uint32_t id, Line at);
  void (*semaphore_set)(volatile uint32_t* semaphore, uint32_t value, Line at);
  void (*semaphore_wait)(volatile uint32_t* semaphore, uint32_t value, bool at_least, Line at);
  void (*semaphore_inc)(uint64_t semaphore, uint32_t delta, uint8_t noc, Line at);
  void (*semaphore_inc_multicast)(uint64_t semaphores, uint32_t delta, uint32_t destinations, uint8_t noc, Line at);
  void (*semaphore_set_remote)(uint32_t l1, uint64_t semaphore, uint8_t noc, Line at);
  void (*semaphore_multicast)(uint32_t l1, uint64_t semaphore, uint32_t destinations, bool loopback, bool linked,
                              uint8_t noc, Line at);

  // DST sections: 0 acquire, 1 commit, 2 wait, 3 release
  void (*dst)(int what, Line at);

  // Configuration. startup: all three formats; else 0 both unpackers' formats, 1 srcA, 2 srcB, 3 packer
  void (*startup)(uint32_t cb_a, uint32_t cb_b, uint32_t cb_out, Line at);
  void (*reconfigure)(int what, uint32_t cb_a, uint32_t cb_b, Line at);
  void (*matmul_init)(uint32_t in0, uint32_t in1, bool transpose, Line at);
  void (*pack_accumulate)(bool on, Line at);
  void (*pack_relu)(uint32_t mode, float threshold, Line at);
  void (*unpack_to_dst)(bool on, Line at);

  // Matrix unit
  void (*matmul)(uint32_t in0, uint32_t in1, uint32_t i0, uint32_t i1, uint32_t dst, bool transpose, uint32_t ct,
                 uint32_t rt, uint32_t kt, Line at);
  void (*eltwise)(int op, int broadcast, uint32_t a, uint32_t b, uint32_t ia, uint32_t ib, uint32_t dst, bool accumulate,
                  Line at);
  void (*dest_reuse)(int op, bool dst_is_a, uint32_t cb, uint32_t index, uint32_t dst, Line at);
  void (*reduce)(int pool, int dim, uint32_t cb, uint32_t scaler, uint32_t index, uint32_t scaler_index, uint32_t dst,
                 Line at);
  void (*copy)(int broadcast, uint32_t cb, uint32_t index, uint32_t dst, Line at);
  void (*transpose)(uint32_t cb, uint32_t index, uint32_t dst, Line at);

  // Vector unit. `op`: of VectorOp; `apply`: any function of 1024 values of up to three tiles, charged as `op`.
  void (*vector)(int op, uint32_t dst, int mode, float parameter, Line at);
  void (*exp_scale)(float scale);  ///< that the fast exponential's initialisation has put into its constants
  void (*vector_checked_exp)(uint32_t dst, int mode, float scale, Line at);
  void (*vector_unclamped_exp)(uint32_t dst, int mode, float scale, Line at);
  void (*vector_binary)(int op, uint32_t a, uint32_t b, uint32_t out, int mode, Line at);
  void (*where)(uint32_t cond, uint32_t x, uint32_t y, uint32_t out, int mode, Line at);
  void (*copy_dest)(uint32_t src, uint32_t dst, Line at);
  void (*fill)(uint32_t dst, float value, bool raw, Line at);
  void (*apply)(int op, uint32_t a, uint32_t b, uint32_t out, int mode, int operands,
                void (*function)(float* out, const float* a, const float* b, int count, const uint32_t* parameters),
                const uint32_t* parameters, bool integer, Line at);
  void (*apply3)(int op, uint32_t a, uint32_t b, uint32_t c, uint32_t out,
                 void (*function)(float* out, const float* a, const float* b, const float* c, int count,
                                  const uint32_t* parameters),
                 const uint32_t* parameters, Line at);
  /// The 1024 values of a DST tile for SFPI code, which rounds what it writes: `sixteen` says whether to BF16.
  float* (*dst_values)(uint32_t dst, bool* sixteen, Line at);
  void (*vector_work)(uint32_t instructions);

  // Packer, tilize, untilize
  void (*pack)(uint32_t dst, uint32_t cb, int64_t index, Line at);  ///< index -1: the next one
  void (*pack_rows)(uint32_t dst, uint32_t cb, uint32_t tiles, uint32_t row_tiles, uint32_t first_tile, uint32_t block_row,
                    Line at);
  void (*tilize)(uint32_t in, uint32_t tiles, uint32_t out, uint32_t in_index, uint32_t out_index, Line at);
  void (*untilize)(uint32_t in, uint32_t tiles, uint32_t out, Line at);
  void (*tilize_to_dst)(uint32_t in, uint32_t row_tiles, uint32_t tile, uint32_t dst, Line at);

  uint64_t (*clock)();
  void (*idle)(uint32_t cycles, Line at);
};

}  // namespace tilegrid_device
