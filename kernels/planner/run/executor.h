// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/error.h"
#include "core/format.h"
#include "kernels/planner/plan/plan.h"
#include "kernels/planner/run/interpret.h"

namespace tilegrid::planner {

/// A buffer as an operand: its CB and the tiles of a block in it.
struct TileGrid {
  std::uint32_t cb = 0;
  DataFormat format = DataFormat::bf16;
  int rows = 1;
  int cols = 1;
  bool transposed = false;
  /// A value with one tile in a dimension serves all tiles of the result with it.
  [[nodiscard]] std::uint32_t index(int row, int col) const {
    const int r = rows == 1 ? 0 : row;
    const int c = cols == 1 ? 0 : col;
    return transposed ? c * rows + r : r * cols + c;
  }
};

struct Tile {
  int row = 0;
  int col = 0;
};

/// Tiles of K that a matmul sums over now; streamed operands hold just these.
struct KRange {
  int first = 0;
  int count = 0;
};

/// How the units are set up. Calls the API only for what changes, as a kernel's author would.
class Setup {
 public:
  enum class Kind : std::uint8_t { none, matmul, eltwise, dest_reuse, reduce, copy, transpose };

  void unpack(Kind kind, int variant, const TileGrid& a, const TileGrid& b);
  void matmul(const TileGrid& a, const TileGrid& b, bool transpose, int ct, int rt, std::uint32_t kt);
  /// fp32 copies that keep all bits.
  void exact_copies(bool on);
  void pack(const TileGrid& to, bool accumulate);
  /// Leaves the units as the next user expects them.
  void finish();

 private:
  struct Unpack {
    Kind kind = Kind::none;
    int variant = 0;
    DataFormat a = DataFormat::bf16;
    DataFormat b = DataFormat::bf16;
    int ct = 0, rt = 0;
    std::uint32_t kt = 0;
    friend bool operator==(const Unpack&, const Unpack&) = default;
  };
  Unpack unpack_;
  std::optional<DataFormat> pack_format_;
  bool exact_ = false;
  bool accumulate_ = false;
};

/// Instructions of a section, one at a time.
class Executor {
 public:
  Executor(const Plan& plan, std::span<const BufferBinding> bindings) : plan_(plan), bindings_(bindings) {}

  Setup setup;

  /// Index of the buffer that stages read the value from, or of the output's; -1 when there is none.
  [[nodiscard]] int find_buffer(ValueId value, bool output) const;
  [[nodiscard]] int find_scaler() const;
  [[nodiscard]] TileGrid grid(int buffer) const;
  [[nodiscard]] bool streamed(ValueId value) const;
  [[nodiscard]] bool streams(const Instruction& i) const;

  /// Any instruction but a pack; `origin` is the sub-block's first tile in the stage.
  void math(const Instruction& i, Tile origin, KRange k);
  /// `later`: not the first K block, so that carriers in L1 add.
  void pack(const Instruction& i, Tile origin, bool later);
  /// Partial sums of a matmul: packs them to the buffer that carries them, or copies them back to their slots.
  void partial(const Instruction& i, ValueId value, Tile origin, bool pack);

 private:
  /// Runs `body`; a fault in it gets the operation's name.
  template <class Body>
  void named(const Instruction& i, Body body) {
    try {
      body();
    } catch (Fault& fault) {
      add_name(fault, i);
      throw;
    }
  }
  void add_name(Fault& fault, const Instruction& i) const;
  [[nodiscard]] std::string what(const Instruction& i) const;
  template <class Body>
  static void for_tiles(const Instruction& i, Tile origin, Body body) {
    for (int r = 0; r < i.rt; ++r) {
      for (int c = 0; c < i.ct; ++c) {
        body(i.slot[0] + r * i.ct + c, Tile{origin.row + i.row + r, origin.col + i.col + c});
      }
    }
  }
  [[nodiscard]] bool adds(ValueId value, Tile tile, bool later) const;

  [[nodiscard]] TileGrid operand(ValueId value, const char* rule) const;
  [[nodiscard]] const Op& op_of(const Instruction& i) const;
  [[nodiscard]] VectorOp vector_op(const Instruction& i) const;
  [[nodiscard]] EltwiseOp fpu_op(const Instruction& i) const;
  /// The part of the tile that a result's shape fills.
  [[nodiscard]] VectorMode mode(const Instruction& i) const;

  void dispatch(const Instruction& i, Tile tile, KRange k);

  void begin_copy(const TileGrid& from, Broadcast broadcast = Broadcast::none);
  void begin_fpu(Setup::Kind kind, int variant, const TileGrid& a, const TileGrid& b);

  void load(const Instruction& i, Tile tile);
  void unary(const Instruction& i) const;
  void ternary(const Instruction& i) const;
  void fpu_binary(const Instruction& i, Tile tile);
  void dest_reuse(const Instruction& i, Tile tile);

  /// A streamed operand's buffer has one K block in the dimension that is summed over.
  [[nodiscard]] TileGrid matmul_operand(ValueId value, bool k_is_cols, KRange k) const;
  void matmul(const Instruction& i, Tile tile, KRange k);
  void reduce(const Instruction& i, Tile tile);
  void tile_sum(const Instruction& i, Tile tile);
  void transpose(const Instruction& i, Tile tile);

  const Plan& plan_;
  std::span<const BufferBinding> bindings_;
};

}  // namespace tilegrid::planner
