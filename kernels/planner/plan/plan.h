// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/planner/graph/graph.h"
#include "kernels/planner/plan/machine.h"

namespace tilegrid::planner {

enum class Strategy : std::uint8_t { naive, liveness, subblock, pipelined, grid, best };
inline constexpr int strategy_count = 6;
[[nodiscard]] const char* name_of(Strategy strategy);

/// What one instruction of a section does. Slots are DST slots of the section. (row, col) is the result's tile, relative to
/// the section's first; a CB operand's tile is the same one, or row (column) 0 where the value has one tile only.
enum class Action : std::uint8_t {
  load,         ///< slot[0] = CB tile (copy_tile), or its broadcast (unary_bcast)
  copy,         ///< slot[0] = slot[1] (copy_dest_values)
  fill,         ///< slot[0] = parameter everywhere: what makes a written slot fit for an operation that adds into it
  unary,        ///< slot[0] = f(slot[0], parameter)
  sfpu_binary,  ///< slot[0] = f(slot[1], slot[2]); slot[0] may be one of them
  ternary,      ///< slot[0] = f(slot[1], slot[2], slot[3])
  fpu_binary,   ///< slot[0] = CB tile f CB tile; mul adds to what the slot holds
  dest_reuse,   ///< slot[0] = slot[0] f CB tile, or CB tile f slot[0]
  matmul,       ///< slot[0..rt*ct) += a x b, rt x ct tiles from the tile on, over all of K (over one K block when streamed)
  reduce,       ///< slot[0] = pool over the tile row or column, or all tiles, of the CB value, and what the slot holds
  tile_sum,  ///< slot[0] = sum of the tiles of the tile row (column) of the CB value: a copy, then dest-reuse adds, or, with
             ///< slot[1] given, loads into slot[1] and SFPU adds
  transpose,  ///< slot[0] = transposed CB tile
  pack,       ///< slot[0] to the tile of CB value `value[0]`
};
[[nodiscard]] const char* name_of(Action action);

struct Instruction {
  Action action{};
  int op = -1;                              ///< graph operation that it belongs to; -1: a pack of several
  ValueId value[2] = {no_value, no_value};  ///< values read from CBs (a, b), or packed
  ValueId result = no_value;                ///< value that slot[0] holds afterwards
  int row = 0, col = 0;                     ///< tile within the sub-block
  int slot[4] = {-1, -1, -1, -1};
  Broadcast broadcast = Broadcast::none;  ///< of a load, or of operand b of fpu_binary
  bool dst_is_a = true;                   ///< dest_reuse
  /// pack: add to L1 (packer L1 accumulation). The first tile into its place overwrites: for a tile_sum the one at column
  /// (row) 0 of the stage, for a streamed matmul the first K block.
  bool accumulate = false;
  bool to_output = false;  ///< pack: to the output buffer of the value, not to the intermediate one
  int rt = 1, ct = 1;      ///< matmul
  float parameter = 0;
};

/// A rectangle of the stage's tiles, cut into h x w sub-blocks, each of which is one DST section with this body. The body's
/// packs come last. Sub-blocks run row by row.
struct Run {
  int row = 0, col = 0, rows = 0, cols = 0;  ///< tiles; rows and cols are multiples of h and w
  int h = 1, w = 1;
  std::vector<Instruction> body;
  int peak = 0;  ///< highest slot used, plus one
  [[nodiscard]] int sections() const { return (rows / h) * (cols / w); }
};

/// Who carries a sum over blocks of K from one block to the next (dst.md 2.2).
enum class Carrier : std::uint8_t {
  dst,    ///< the sums stay in their slots: one section spans all of K
  l1,     ///< the packer adds to the CB
  reload  ///< partial sums are packed, and copied back to DST before the next K block
};
[[nodiscard]] const char* name_of(Carrier carrier);

/// Operations that share sections: everything that a stage reads from CBs is there before it begins.
struct Stage {
  std::vector<int> ops;
  Shape shape;                 ///< of the stage's results
  bool by_kind = false;        ///< all tiles of a sub-block do a step before the next step; else tile by tile
  std::vector<Run> runs;       ///< the main one, then what is peeled off
  std::vector<ValueId> packs;  ///< values that it leaves in CBs
  /// A matmul whose inputs arrive in blocks of K: the runs' bodies are for one K block. 0: all of K at once.
  int k_block = 0;  ///< tiles
  int k_blocks = 1;
  Carrier carrier = Carrier::dst;
};

enum class BufferRole : std::uint8_t { input, intermediate, output, scaler };

/// A value that lives in a circular buffer, row by row, at tile (r, c) of its shape. One that is an output and is read by a
/// later stage has two buffers, as a CB has one consumer.
struct PlanBuffer {
  BufferRole role{};
  ValueId value = no_value;  ///< no_value: the scaler of reductions, one tile of ones
  int tiles = 0;             ///< of one block (of one K block of a streamed operand)
  int copies = 1;            ///< 2: double-buffered
  DataFormat format = DataFormat::bf16;
  bool transposed = false;  ///< tile (r, c) is at c * rows + r: operand 1 of a matmul with transpose_b
  bool streamed = false;    ///< arrives in blocks of K
  [[nodiscard]] std::uint64_t bytes() const;
};

/// Modelled cycles of one core, and where they go.
struct PlanCost {
  double unpack = 0, math = 0, pack = 0;               ///< busy cycles of a block
  double compute = 0;                                  ///< cycles of a block on the compute side, overlap and drain included
  double read = 0, write = 0;                          ///< cycles of a block's transfers from and to DRAM
  double prologue = 0;                                 ///< before the first block computes
  double interval = 0;                                 ///< from block to block (initiation interval)
  double epilogue = 0;                                 ///< after the last block
  int blocks = 1;                                      ///< that a core works through
  double total = 0;                                    ///< of that many blocks, times the cores that share a block
  std::uint64_t unpacked_tiles = 0, packed_tiles = 0;  ///< of a block
  [[nodiscard]] const char* bound() const;             ///< "unpack", "math", "pack", "read" or "write"
};

/// One entry of a slot account: who wants slots at the point where they run out.
struct SlotUse {
  std::string what;  ///< "acc of s", "m"
  int slots = 0;
};

/// Why a strategy has no plan.
struct Refusal {
  std::string reason;            ///< one line
  std::vector<SlotUse> account;  ///< adds up to `needed`
  std::string at;                ///< operation at which they are all wanted
  int needed = 0;
  int capacity = 0;
  std::string fits;  ///< what would do: "1x2 sub-blocks", "capacity 5"
};

/// What the form that a plan gives an operation adds to its error.
struct FormCost {
  std::string operation;
  std::string why;   ///< "mul on the FPU at hifi2"
  double bound = 0;  ///< relative to the size of the operation's terms
};
/// What a plan's forms cost against the operations as they are listed (form_error.h).
struct FormError {
  double bound = 0;             ///< of the outputs' relative errors, beyond those of the listed form
  std::vector<FormCost> costs;  ///< that are not 0, the largest first
};

struct Pass;

struct Plan {
  Strategy strategy{};
  Graph graph;      ///< what is planned: simplified for all strategies but naive
  Machine machine;  ///< with the sync mode chosen
  int cores = 1;    ///< that share a block (grid: one tile each)
  Shape block;      ///< of the outputs, as cut for one core
  std::vector<Stage> stages;
  std::vector<PlanBuffer> buffers;
  /// Not empty: the block goes through L1 in segments of an axis, several times. There are no stages then but those of the
  /// passes, and a buffer holds a segment.
  std::vector<Pass> passes;
  PlanCost cost;
  FormError error;
  int peak = 0;                    ///< slots of the fullest section
  std::optional<Refusal> refusal;  ///< set: the plan is not legal; stages are what was asked for, for `--force`
  std::vector<SlotUse> account;    ///< of the fullest section
  std::vector<std::string> notes;  ///< what a reader should know: illegal wishes of the strategy, cut precision, ...
  [[nodiscard]] bool legal() const { return !refusal; }
  [[nodiscard]] int sections() const;           ///< of a block
  [[nodiscard]] int tiles_per_section() const;  ///< of the fullest section
  [[nodiscard]] std::uint64_t cb_bytes() const;
  /// Where stages read the value (or, `output`, pack it for the writer); null when it never leaves DST.
  [[nodiscard]] const PlanBuffer* buffer_of(ValueId value, bool output = false) const;
};

/// A buffer of a pass: which one of the whole plan it is, and whether it is popped with each segment or kept for the rest of
/// the block.
struct BufferUse {
  int buffer = -1;
  bool pop = true;
};

/// A sweep over the segments of an axis, which reads and makes a segment of each value along the axis and goes on with the
/// running values of reductions over it; or, of one segment, what lies between two sweeps. A value of the pass's graphs has
/// the whole graph's value in `of`.
struct Pass {
  Plan first;  ///< of the first segment: reductions begin
  Plan later;  ///< of each other one: they go on
  std::vector<ValueId> first_of, later_of;
  std::vector<BufferUse> first_uses, later_uses;  ///< by buffer
  int segments = 1;
  int segment = 0;  ///< tiles of the axis
};

}  // namespace tilegrid::planner
