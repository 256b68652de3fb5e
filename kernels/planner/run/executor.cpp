// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/run/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "kernels/api/compute.h"
#include "kernels/planner/plan/cost.h"

namespace tilegrid::planner {
namespace {

using namespace tilegrid::api;

}  // namespace

void Setup::unpack(Kind kind, int variant, const TileGrid& a, const TileGrid& b) {
  const Unpack wanted{.kind = kind, .variant = variant, .a = a.format, .b = b.format};
  if (wanted == unpack_) return;
  reconfig_data_format(a.cb, b.cb);
  unpack_ = wanted;
}

void Setup::matmul(const TileGrid& a, const TileGrid& b, bool transpose, int ct, int rt, std::uint32_t kt) {
  // in1 goes to SrcA, in0 to SrcB (tensix.md 2.1).
  const bool formats = unpack_.a != b.format || unpack_.b != a.format || unpack_.kind == Kind::none;
  const Unpack wanted{
      .kind = Kind::matmul, .variant = transpose ? 1 : 0, .a = b.format, .b = a.format, .ct = ct, .rt = rt, .kt = kt};
  if (wanted == unpack_) return;
  if (formats) reconfig_data_format(b.cb, a.cb);
  mm_block_init_short(a.cb, b.cb, transpose, ct, rt, kt);
  unpack_ = wanted;
}

void Setup::exact_copies(bool on) {
  if (exact_ == on) return;
  unpack_to_dst_config(on);
  exact_ = on;
}

void Setup::pack(const TileGrid& to, bool accumulate) {
  if (pack_format_ != to.format) pack_reconfig_data_format(to.cb);
  pack_format_ = to.format;
  if (accumulate_ == accumulate) return;
  pack_reconfig_l1_acc(accumulate);
  accumulate_ = accumulate;
}

void Setup::finish() {
  exact_copies(false);
  if (accumulate_) pack_reconfig_l1_acc(false);
  accumulate_ = false;
}

void Executor::add_name(Fault& fault, const Instruction& i) const {
  const bool of_value = i.op < 0 && i.value[0] != no_value;
  const std::string name = of_value ? plan_.graph.value(i.value[0]).name : (i.op < 0 ? "?" : plan_.graph.op(i.op).name);
  fault.action += fmt::format(" in operation '{}' ({}, tile {},{} of the sub-block)", name, what(i), i.row, i.col);
}

int Executor::find_buffer(ValueId value, bool output) const {
  for (int i = 0; i < count_of(plan_.buffers); ++i) {
    const PlanBuffer& buffer = plan_.buffers[i];
    if (buffer.role == BufferRole::scaler || buffer.value != value) continue;
    if ((buffer.role == BufferRole::output) == output) return i;
  }
  return -1;
}

int Executor::find_scaler() const {
  const auto found = std::find_if(plan_.buffers.begin(), plan_.buffers.end(),
                                  [](const PlanBuffer& buffer) { return buffer.role == BufferRole::scaler; });
  return found == plan_.buffers.end() ? -1 : static_cast<int>(found - plan_.buffers.begin());
}

TileGrid Executor::grid(int buffer) const {
  const PlanBuffer& of = plan_.buffers[buffer];
  TileGrid tiles{.cb = bindings_[buffer].cb, .format = of.format, .transposed = of.transposed};
  if (of.value == no_value) return tiles;
  const Shape shape = plan_.graph.value(of.value).shape;
  tiles.rows = shape.rows.tiles;
  tiles.cols = shape.cols.tiles;
  return tiles;
}

bool Executor::streamed(ValueId value) const {
  const int buffer = value == no_value ? -1 : find_buffer(value, false);
  return buffer >= 0 && plan_.buffers[buffer].streamed;
}

bool Executor::streams(const Instruction& i) const {
  return i.action == Action::matmul && (streamed(i.value[0]) || streamed(i.value[1]));
}

void Executor::math(const Instruction& i, Tile origin, KRange k) {
  named(i, [&] { dispatch(i, {origin.row + i.row, origin.col + i.col}, k); });
}

void Executor::pack(const Instruction& i, Tile origin, bool later) {
  named(i, [&] {
    const int buffer = find_buffer(i.value[0], i.to_output);
    if (buffer < 0) {
      throw Fault("no circular buffer", fmt::format("pack of '{}'", plan_.graph.value(i.value[0]).name),
                  "the packer writes to a CB, and the plan has none for this value");
    }
    const TileGrid to = grid(buffer);
    const Tile tile{origin.row + i.row, origin.col + i.col};
    setup.pack(to, i.accumulate && adds(i.value[0], tile, later));
    pack_tile_at(i.slot[0], to.cb, to.index(tile.row, tile.col));
  });
}

void Executor::partial(const Instruction& i, ValueId value, Tile origin, bool pack) {
  named(i, [&] {
    const TileGrid carrier = operand(value, "partial sums are reloaded from a CB");
    if (pack) {
      setup.pack(carrier, false);
    } else {
      begin_copy(carrier);
    }
    for_tiles(i, origin, [&](std::uint32_t slot, Tile tile) {
      const std::uint32_t index = carrier.index(tile.row, tile.col);
      pack ? pack_tile_at(slot, carrier.cb, index) : copy_tile(carrier.cb, index, slot);
    });
  });
}

std::string Executor::what(const Instruction& i) const {
  const Function* function = i.op >= 0 ? plan_.graph.op(i.op).function : nullptr;
  if (function == nullptr) return name_of(i.action);
  return i.action == Action::unary ? std::string(function->name)
                                   : fmt::format("{} of {}", name_of(i.action), function->name);
}

bool Executor::adds(ValueId value, Tile tile, bool later) const {
  const int op = plan_.graph.op_of(value);
  if (op < 0 || plan_.graph.op(op).kind != OpKind::tile_sum) return later;
  return (plan_.graph.op(op).dim == ReduceDim::row ? tile.col : tile.row) > 0;
}

TileGrid Executor::operand(ValueId value, const char* rule) const {
  const int buffer = value == no_value ? -1 : find_buffer(value, false);
  if (buffer >= 0) return grid(buffer);
  const std::string name = value == no_value ? "an operand" : fmt::format("'{}'", plan_.graph.value(value).name);
  throw Fault("operand not in a circular buffer", fmt::format("read of {}, which is in no CB", name), rule)
      .hint("cut the section before this operation, so that the operand is packed to a CB");
}

const Op& Executor::op_of(const Instruction& i) const {
  if (i.op < 0) throw std::logic_error("fused: an instruction that is no pack belongs to no operation");
  return plan_.graph.op(i.op);
}

VectorOp Executor::vector_op(const Instruction& i) const {
  const Function* function = op_of(i).function;
  if (function != nullptr && function->vector) return *function->vector;
  throw Fault("no such operation", fmt::format("{} on DST", function != nullptr ? function->name : name_of(i.action)),
              "the vector unit has no such operation");
}

EltwiseOp Executor::fpu_op(const Instruction& i) const {
  const Function* function = op_of(i).function;
  const std::string_view name = function != nullptr ? function->name : std::string_view();
  if (name == "add") return EltwiseOp::add;
  if (name == "sub") return EltwiseOp::sub;
  if (name == "mul") return EltwiseOp::mul;
  throw Fault("no such operation", fmt::format("{} on the FPU", name.empty() ? name_of(i.action) : name),
              "the FPU adds, subtracts and multiplies");
}

VectorMode Executor::mode(const Instruction& i) const {
  return mode_of(plan_.graph.value(plan_.graph.result_of(i.op)).shape);
}

void Executor::dispatch(const Instruction& i, Tile tile, KRange k) {
  const std::uint32_t slot = i.slot[0];
  switch (i.action) {
    case Action::load:
      return load(i, tile);
    case Action::copy:
      return copy_dest_values(i.slot[1], slot);
    case Action::fill:
      return fill_tile(slot, i.parameter);
    case Action::unary:
      return unary(i);
    case Action::sfpu_binary:
      return vector_binary_tile(vector_op(i), i.slot[1], i.slot[2], slot, mode(i));
    case Action::ternary:
      return ternary(i);
    case Action::fpu_binary:
      return fpu_binary(i, tile);
    case Action::dest_reuse:
      return dest_reuse(i, tile);
    case Action::matmul:
      return matmul(i, tile, k);
    case Action::reduce:
      return reduce(i, tile);
    case Action::tile_sum:
      return tile_sum(i, tile);
    case Action::transpose:
      return transpose(i, tile);
    case Action::pack:
      break;
  }
  throw std::logic_error("fused: a pack among the math");
}

void Executor::begin_copy(const TileGrid& from, Broadcast broadcast) {
  setup.unpack(Setup::Kind::copy, to_underlying(broadcast), from, from);
  const bool exact = plan_.machine.dst_fp32 && plan_.machine.precision == Precision::keep;
  if (from.format == DataFormat::fp32) setup.exact_copies(exact);
}

void Executor::begin_fpu(Setup::Kind kind, int variant, const TileGrid& a, const TileGrid& b) {
  setup.exact_copies(false);
  setup.unpack(kind, variant, a, b);
}

void Executor::load(const Instruction& i, Tile tile) {
  const TileGrid from = operand(i.value[0], "copy_tile and unary_bcast read a CB");
  begin_copy(from, i.broadcast);
  const std::uint32_t index = from.index(tile.row, tile.col);
  if (i.broadcast == Broadcast::none) {
    copy_tile(from.cb, index, i.slot[0]);
  } else {
    unary_bcast(i.broadcast, from.cb, index, i.slot[0]);
  }
}

void Executor::unary(const Instruction& i) const {
  const VectorOp op = vector_op(i);
  const bool scaled = op == VectorOp::exp_fast || op == VectorOp::exp_accurate;
  vector_tile(op, i.slot[0], mode(i), scaled && i.parameter == 0 ? 1.0F : i.parameter);
}

void Executor::ternary(const Instruction& i) const {
  if (vector_op(i) != VectorOp::where) {
    throw Fault("no such operation", fmt::format("{} on DST", op_of(i).function->name),
                "where is the vector unit's only operation of three tiles");
  }
  where_tile(i.slot[1], i.slot[2], i.slot[3], i.slot[0], mode(i));
}

void Executor::fpu_binary(const Instruction& i, Tile tile) {
  const EltwiseOp op = fpu_op(i);
  const TileGrid a = operand(i.value[0], "the FPU's element-wise operations read both operands from CBs");
  const TileGrid b = operand(i.value[1], "the FPU's element-wise operations read both operands from CBs");
  begin_fpu(Setup::Kind::eltwise, to_underlying(op) * 4 + to_underlying(i.broadcast), a, b);
  eltwise_tiles(op, i.broadcast, a.cb, b.cb, a.index(tile.row, tile.col), b.index(tile.row, tile.col), i.slot[0]);
}

void Executor::dest_reuse(const Instruction& i, Tile tile) {
  const EltwiseOp op = fpu_op(i);
  if (i.broadcast != Broadcast::none) {
    throw Fault("no such operation", "a broadcast operand with dest-reuse", "dest-reuse reads the CB tile as it is");
  }
  const TileGrid other = operand(i.value[0], "dest-reuse reads one operand from DST and the other from a CB");
  begin_fpu(Setup::Kind::dest_reuse, to_underlying(op) * 2 + (i.dst_is_a ? 1 : 0), other, other);
  binary_dest_reuse_tiles(op, i.dst_is_a, other.cb, other.index(tile.row, tile.col), i.slot[0]);
}

TileGrid Executor::matmul_operand(ValueId value, bool k_is_cols, KRange k) const {
  TileGrid tiles = operand(value, "a matmul reads both operands from CBs");
  if (streamed(value)) (k_is_cols ? tiles.cols : tiles.rows) = k.count;
  return tiles;
}

void Executor::matmul(const Instruction& i, Tile tile, KRange k) {
  const bool transpose = op_of(i).transpose_b;
  const TileGrid a = matmul_operand(i.value[0], true, k);
  const TileGrid b = matmul_operand(i.value[1], transpose, k);
  const int a_first = streamed(i.value[0]) ? 0 : k.first;
  const int b_first = streamed(i.value[1]) ? 0 : k.first;
  const auto b_index = [&](int step, int col) {
    return transpose ? b.index(col, b_first + step) : b.index(b_first + step, col);
  };
  // matmul_block steps through the rows of a by `stride`, and through the columns of b one by one.
  const std::uint32_t stride = a.transposed ? 1 : a.cols;
  const bool block = i.ct == 1 || b_index(0, tile.col + 1) == b_index(0, tile.col) + 1;
  setup.exact_copies(false);
  setup.matmul(a, b, transpose, block ? i.ct : 1, block ? i.rt : 1, block ? stride : 1);
  if (op_of(i).accumulate) note_accumulation(i.slot[0], i.rt * i.ct);
  for (int step = 0; step < k.count; ++step) {
    if (block) {
      matmul_block(a.cb, b.cb, a.index(tile.row, a_first + step), b_index(step, tile.col), i.slot[0], transpose, i.ct, i.rt,
                   stride);
      continue;
    }
    for_tiles(i, {tile.row - i.row, tile.col - i.col}, [&](std::uint32_t slot, Tile each) {
      matmul_tiles(a.cb, b.cb, a.index(each.row, a_first + step), b_index(step, each.col), slot, transpose);
    });
  }
}

void Executor::reduce(const Instruction& i, Tile tile) {
  const Op& op = op_of(i);
  const TileGrid from = operand(i.value[0], "a reduction reads its operand from a CB");
  const int buffer = find_scaler();
  if (buffer < 0) throw Fault("no circular buffer", "reduce without a scaler", "reduce_tile reads a tile of ones from a CB");
  const TileGrid scaler = grid(buffer);
  begin_fpu(Setup::Kind::reduce, to_underlying(op.pool) * 4 + to_underlying(op.dim), from, scaler);
  const Tile first{op.dim == ReduceDim::row ? tile.row : 0, op.dim == ReduceDim::col ? tile.col : 0};
  const Tile last{op.dim == ReduceDim::row ? tile.row : from.rows - 1, op.dim == ReduceDim::col ? tile.col : from.cols - 1};
  for (int r = first.row; r <= last.row; ++r) {
    for (int c = first.col; c <= last.col; ++c) {
      reduce_tile(op.pool, op.dim, from.cb, scaler.cb, from.index(r, c), 0, i.slot[0]);
    }
  }
}

void Executor::tile_sum(const Instruction& i, Tile tile) {
  const bool along_row = op_of(i).dim == ReduceDim::row;
  const TileGrid from = operand(i.value[0], "tiles are summed from a CB");
  const auto index = [&](int step) { return along_row ? from.index(tile.row, step) : from.index(step, tile.col); };
  const std::uint32_t slot = i.slot[0];
  begin_copy(from);
  copy_tile(from.cb, index(0), slot);
  for (int step = 1; step < (along_row ? from.cols : from.rows); ++step) {
    if (i.slot[1] >= 0) {
      copy_tile(from.cb, index(step), i.slot[1]);
      add_binary_tile(slot, i.slot[1], slot);
    } else {
      begin_fpu(Setup::Kind::dest_reuse, to_underlying(EltwiseOp::add) * 2 + 1, from, from);
      binary_dest_reuse_tiles(EltwiseOp::add, true, from.cb, index(step), slot);
    }
  }
}

void Executor::transpose(const Instruction& i, Tile tile) {
  const TileGrid from = operand(i.value[0], "a transposition reads its operand from a CB");
  begin_fpu(Setup::Kind::transpose, 0, from, from);
  transpose_wh_tile(from.cb, from.index(tile.col, tile.row), i.slot[0]);
}

}  // namespace tilegrid::planner
