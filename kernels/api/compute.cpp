// SPDX-License-Identifier: Apache-2.0
#include "kernels/api/compute.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <initializer_list>
#include <limits>
#include <span>

#include "core/error.h"

namespace tilegrid::api {
namespace {

/// Rough host time of an operation, only to decide how often a rank looks for messages.
constexpr std::uint32_t matmul_tile_ns = 500;
constexpr std::uint32_t tile_pass_ns = 100;

void log(KernelContext& kernel, const Event& event) { kernel.core->log.append(kernel.risc, event); }

/// `first` and `second` are CBs, or the setting. The replay charges it.
Core& configure(Configuration what, std::uint32_t first, std::uint32_t second, const Here& at) {
  KernelContext& kernel = context(at);
  log(kernel, events::Configure{.what = what, .first = first, .second = second});
  return *kernel.core;
}

/// Tells the checks which formats the unpackers and the packer are set to, and the vector unit what 16-bit DST is, which
/// goes by SrcB's.
void set_formats(Core& core, std::uint32_t cb_a, std::uint32_t cb_b) {
  const bool known = cb_b < core.cbs.size() && core.cbs[cb_b].configured();
  core.vector.set_half_dst(known && !core.dst.fp32() && core.cbs[cb_b].format() == DataFormat::fp16);
  if (core.checker) core.checker->set_unpack(core.cb(cb_a).format(), core.cb(cb_b).format());
}
void set_pack_format(Core& core, std::uint32_t cb) {
  if (core.checker) core.checker->set_pack(core.cb(cb).format());
}

/// The unpacker reads whole tiles: a page must be one. Hardware knows no such rule, and kernels from files may have pages of
/// any size: a tile begins at a page.
void check_page(const CircularBuffer& buffer, const char* who) {
  if (buffer.page_bytes() == tile_bytes(buffer.format()) || running_kernel().foreign != nullptr) return;
  throw Fault("CB page size", fmt::format("{} on CB {} with pages of {} bytes", who, buffer.id(), buffer.page_bytes()),
              fmt::format("compute works on pages that are one {} tile", name_of(buffer.format())))
      .numbers(buffer.page_bytes(), tile_bytes(buffer.format()), "bytes");
}

using checks::Source;

/// A tile that the unpacker takes to a source register.
TileOperand operand(Core& core, Source source, std::uint32_t cb, std::uint32_t index, const char* who) {
  const CircularBuffer& buffer = core.cb(cb);
  check_page(buffer, who);
  const std::uint32_t address = buffer.tile_for_read(index, who);
  if (core.checker) {
    core.checker->unpack(source, buffer, who);
    core.checker->use_tile(buffer, index, address, who);
  }
  const TileOperand tile{l1_pointer(address), buffer.format()};
  if (core.numbers && !core.dry) core.numbers->reads(who, tile, cb, index);
  return tile;
}

/// Further tiles of an operand: `count` of them, `stride` apart.
void check_use(Core& core, std::uint32_t cb, std::uint32_t first, std::uint32_t count, std::uint32_t stride,
               const char* who) {
  if ((!core.checker && !core.numbers) || core.dry) return;
  const CircularBuffer& buffer = core.cb(cb);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t index = first + i * stride;
    const std::uint32_t address = buffer.tile_for_read(index, who);
    if (core.checker) core.checker->use_tile(buffer, index, address, who);
    if (core.numbers) core.numbers->reads(who, {l1_pointer(address), buffer.format()}, cb, index);
  }
}

/// Runs an operation of the matrix unit on slots of DST, run(unit, slots, cleared), unless the run is dry.
template <class Run>
void calculate(Core& core, const char* who, float* slots, std::uint32_t first, int count, std::uint32_t cleared,
               const Run& run) {
  if (core.dry) return;
  if (!core.numbers) return run(core.matrix, slots, cleared);
  core.numbers->accumulates(who, slots, first, count, cleared, [&](float* to, std::uint32_t without) {
    MatrixUnit probe = core.matrix;  // which counts for itself
    run(to == slots ? core.matrix : probe, to, without);
  });
}

/// Runs an operation of the vector unit that reads and writes slots of DST, unless the run is dry.
struct SlotRead {
  const float* values;
  std::uint32_t slot;
};
template <class Run>
void calculate(Core& core, const char* who, float* result, std::uint32_t slot, std::initializer_list<SlotRead> in,
               const Run& run) {
  if (core.dry) return;
  if (!core.numbers) return run();
  std::array<const float*, 3> operands{};
  std::size_t count = 0;
  for (const SlotRead& one : in) {
    core.numbers->reads(who, one.values, one.slot);
    operands.at(count++) = one.values;
  }
  core.numbers->computes(who, result, slot, std::span(operands).first(count), run);
}

/// For check dst-dirty: an operation that adds to a slot should find zeros there, or its own sums.
void check_clean(Core& core, std::uint32_t slots, std::uint32_t dst, const char* who) {
  if (slots == 0) return;
  core.reporter.found(checks::Class::dst_dirty, [&] {
    const std::uint32_t slot = dst + std::countr_zero(slots);
    return fault_of(checks::Class::dst_dirty,
                    fmt::format("{} adds to DST tile {}, in which another operation left its result", who, slot),
                    "products add to what the slot holds; a section begins with zeros")
        .hint("use another slot or a section of its own, or copy_tile what is to be added to");
  });
}

TileOp counted(EltwiseOp op) {
  constexpr EnumArray<EltwiseOp, TileOp> ops{TileOp::add, TileOp::sub, TileOp::mul};
  return ops[op];
}

TileOp counted(VectorOp op) {
  constexpr EnumArray<VectorOp, TileOp> ops{
      TileOp::exp,      TileOp::exp,        TileOp::recip,      TileOp::sqrt,        TileOp::rsqrt, TileOp::abs,
      TileOp::neg,      TileOp::relu,       TileOp::sigmoid,    TileOp::tanh,        TileOp::gelu,  TileOp::log,
      TileOp::square,   TileOp::add_scalar, TileOp::mul_scalar, TileOp::max,         TileOp::min,   TileOp::silu,
      TileOp::sign,     TileOp::gtz,        TileOp::gez,        TileOp::ltz,         TileOp::lez,   TileOp::eqz,
      TileOp::nez,      TileOp::max_scalar, TileOp::min_scalar, TileOp::rsub_scalar, TileOp::exp2,  TileOp::expm1,
      TileOp::sfpu_add, TileOp::sfpu_sub,   TileOp::sfpu_mul,   TileOp::div,         TileOp::where, TileOp::copy_dst,
      TileOp::fill};
  return ops[op];
}

const char* call_name(EltwiseOp op) {
  constexpr EnumArray<EltwiseOp, const char*> names{"add_tiles", "sub_tiles", "mul_tiles"};
  return names[op];
}

}  // namespace

void tile_regs_acquire(Here at) {
  KernelContext& kernel = context(at);
  kernel.core->dst.acquire();
  ++kernel.core->counters.dst_sections;
  log(kernel, events::DstAcquire{});
}
void tile_regs_commit(Here at) {
  KernelContext& kernel = context(at);
  kernel.core->dst.commit();
  log(kernel, events::DstCommit{});
}
void tile_regs_wait(Here at) {
  KernelContext& kernel = context(at);
  kernel.core->dst.wait();
  log(kernel, events::DstWait{});
}
void tile_regs_release(Here at) {
  KernelContext& kernel = context(at);
  kernel.core->dst.release();
  log(kernel, events::DstRelease{});
}
std::uint32_t dst_capacity(Here at) { return context(at).core->dst.capacity(); }

void compute_kernel_hw_startup(std::uint32_t cb_a, std::uint32_t cb_b, std::uint32_t cb_out, Here at) {
  Core& core = configure(Configuration::startup, cb_a, cb_b, at);
  set_formats(core, cb_a, cb_b);
  set_pack_format(core, cb_out);
}
void mm_block_init(std::uint32_t in0, std::uint32_t in1, std::uint32_t out, bool, std::uint32_t, std::uint32_t,
                   std::uint32_t, Here at) {
  Core& core = configure(Configuration::matmul, in0, in1, at);
  set_formats(core, in1, in0);
  set_pack_format(core, out);
}
void mm_block_init_short(std::uint32_t in0, std::uint32_t in1, bool, std::uint32_t, std::uint32_t, std::uint32_t, Here at) {
  configure(Configuration::matmul, in0, in1, at);
}
void reconfig_data_format(std::uint32_t cb_a, std::uint32_t cb_b, Here at) {
  set_formats(configure(Configuration::format, cb_a, cb_b, at), cb_a, cb_b);
}
void pack_reconfig_data_format(std::uint32_t cb, Here at) {
  set_pack_format(configure(Configuration::pack_format, cb, 0, at), cb);
}
void pack_reconfig_l1_acc(bool accumulate, Here at) {
  configure(Configuration::l1_accumulate, accumulate ? 1 : 0, 0, at).pack.l1_accumulate = accumulate;
}
void pack_relu_config(ReluMode mode, float threshold, Here at) {
  PackConfig& pack = configure(Configuration::relu, to_underlying(mode), 0, at).pack;
  pack.relu = mode;
  pack.relu_threshold = threshold;
}
void unpack_to_dst_config(bool on, Here at) {
  configure(Configuration::unpack_to_dst, on ? 1 : 0, 0, at).unpack_to_dst = on;
}

void note_accumulation(std::uint32_t dst, std::uint32_t tiles, Here at) {
  context(at).core->dst.mark_accumulator(dst, tiles);
}

void matmul_block(std::uint32_t in0, std::uint32_t in1, std::uint32_t i0, std::uint32_t i1, std::uint32_t dst,
                  bool transpose, std::uint32_t ct, std::uint32_t rt, std::uint32_t kt, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const CircularBuffer& a = core.cb(in0);
  const CircularBuffer& b = core.cb(in1);
  // Limited, since a product that wraps around would look small.
  const auto slots = static_cast<int>(std::min(std::uint64_t{rt} * ct, std::uint64_t{1} << 30U));
  if (rt == 0 || ct == 0 || kt == 0) {
    throw Fault("matmul shape", fmt::format("matmul_block of {}x{} tiles, K of {}", rt, ct, kt), "all sizes are at least 1");
  }
  MatmulBlock block;
  block.dst = core.dst.math_slots(dst, slots, "matmul_block");
  block.in0 = operand(core, Source::b, in0, i0, "matmul_block");
  block.in1 = operand(core, Source::a, in1, i1, "matmul_block");
  const auto last = [](std::uint64_t index) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(index, std::numeric_limits<std::uint32_t>::max() - 1));
  };
  a.check_read(last(i0 + std::uint64_t{rt - 1} * kt), 1, "matmul_block");
  b.check_read(last(std::uint64_t{i1} + ct - 1), 1, "matmul_block");
  check_use(core, in0, i0 + kt, rt - 1, kt, "matmul_block");
  check_use(core, in1, i1 + 1, ct - 1, 1, "matmul_block");
  check_clean(core, core.dst.dirty(dst, slots), dst, "matmul_block");
  block.in0_stride = kt * a.page_bytes();
  block.in1_stride = b.page_bytes();
  block.transpose_in1 = transpose;
  block.rt = rt;
  block.ct = ct;
  block.cleared = core.dst.cleared(dst, slots);
  calculate(core, "matmul_block", block.dst, dst, slots, block.cleared,
            [&](MatrixUnit& unit, float* to, std::uint32_t cleared) {
              MatmulBlock one = block;
              one.dst = to;
              one.cleared = cleared;
              unit.matmul_block(one);
            });
  if (!core.dry) core.dst.count_sums(dst, slots);
  core.dst.mark_written(dst, slots, true);
  core.count(TileOp::matmul, rt * ct);
  // The shorter side is held, two tiles at a time, while the longer one streams past (tensix.md 3.2).
  const std::uint32_t shorter = std::min(rt, ct);
  core.count(TileOp::unpack, shorter + std::max(rt, ct) * ((shorter + 1) / 2));
  log(kernel, events::Matmul{.fidelity = core.matrix.fidelity(),
                             .in0 = in0,
                             .in1 = in1,
                             .transpose = transpose,
                             .steps = 1,
                             .rows = rt,
                             .columns = ct,
                             .dst = dst});
  core.scheduler.tick(rt * ct * matmul_tile_ns);
}

void matmul_tiles(std::uint32_t in0, std::uint32_t in1, std::uint32_t i0, std::uint32_t i1, std::uint32_t dst,
                  bool transpose, Here at) {
  matmul_block(in0, in1, i0, i1, dst, transpose, 1, 1, 1, at);
}

void eltwise_tiles(EltwiseOp op, Broadcast broadcast, std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib,
                   std::uint32_t dst, bool accumulate, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const char* who = call_name(op);
  const int slot = dst;
  float* tile = core.dst.math_slots(slot, 1, who);
  const bool holds_value = core.dst.cleared(slot, 1) == 0;
  const TileOperand left = operand(core, Source::a, a, ia, who);
  const TileOperand right = operand(core, Source::b, b, ib, who);
  if (op == EltwiseOp::mul && holds_value && !accumulate) check_clean(core, 1, dst, who);
  // Hardware's element-wise multiply always adds to DST (tensix.md 2.1).
  const bool adds = holds_value && (accumulate || op == EltwiseOp::mul);
  calculate(core, who, tile, dst, 1, adds ? 0 : 1, [&](MatrixUnit& unit, float* to, std::uint32_t cleared) {
    unit.eltwise(op, broadcast, left, right, to, cleared == 0);
  });
  core.dst.mark_written(slot, 1);
  core.count(counted(op));
  core.count(TileOp::unpack, 2);
  log(kernel, events::Eltwise{.op = op,
                              .cb_a = a,
                              .cb_b = b,
                              .broadcast = broadcast,
                              .tiles = 1,
                              .fidelity = core.matrix.fidelity(),
                              .dst = dst});
  core.scheduler.tick(tile_pass_ns);
}

void add_tiles(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst, Here at) {
  eltwise_tiles(EltwiseOp::add, Broadcast::none, a, b, ia, ib, dst, false, at);
}
void sub_tiles(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst, Here at) {
  eltwise_tiles(EltwiseOp::sub, Broadcast::none, a, b, ia, ib, dst, false, at);
}
void mul_tiles(std::uint32_t a, std::uint32_t b, std::uint32_t ia, std::uint32_t ib, std::uint32_t dst, Here at) {
  eltwise_tiles(EltwiseOp::mul, Broadcast::none, a, b, ia, ib, dst, false, at);
}
void binary_dest_reuse_tiles(EltwiseOp op, bool dst_is_a, std::uint32_t cb, std::uint32_t index, std::uint32_t dst,
                             Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  float* tile = core.dst.written_slot(dst, "binary_dest_reuse_tiles");
  const TileOperand in = operand(core, dst_is_a ? Source::b : Source::a, cb, index, "binary_dest_reuse_tiles");
  calculate(core, "binary_dest_reuse_tiles", tile, dst, {{tile, dst}},
            [&] { core.matrix.eltwise_dest_reuse(op, dst_is_a, in, tile); });
  core.dst.mark_written(dst, 1);
  core.count(counted(op));
  ++core.counters.dest_reuses;
  core.count(TileOp::unpack);
  log(kernel, events::DestReuse{
                  .op = op, .cb = cb, .dst_is_a = dst_is_a, .tiles = 1, .fidelity = core.matrix.fidelity(), .dst = dst});
  core.scheduler.tick(tile_pass_ns);
}

void reduce_tile(Pool pool, ReduceDim dim, std::uint32_t cb, std::uint32_t scaler, std::uint32_t index,
                 std::uint32_t scaler_index, std::uint32_t dst, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const int slot = dst;
  float* tile = core.dst.math_slots(slot, 1, "reduce_tile");
  const bool holds_value = core.dst.cleared(slot, 1) == 0;
  const TileOperand in = operand(core, Source::a, cb, index, "reduce_tile");
  const TileOperand scale = operand(core, Source::b, scaler, scaler_index, "reduce_tile");
  // A maximum does not grow.
  const bool adds = holds_value && pool == Pool::sum;
  calculate(core, "reduce_tile", tile, dst, 1, adds ? 0 : 1, [&](MatrixUnit& unit, float* to, std::uint32_t cleared) {
    unit.reduce(pool, dim, in, scale, to, to == tile ? holds_value : cleared == 0);
  });
  if (!core.dry && pool == Pool::sum) core.dst.count_sums(slot, 1);
  core.dst.mark_written(slot, 1);
  core.count(pool == Pool::max ? TileOp::reduce_max : TileOp::reduce_sum);
  core.count(TileOp::unpack);
  log(kernel,
      events::Reduce{
          .pool = pool, .dim = dim, .cb = cb, .scaler = scaler, .tiles = 1, .fidelity = core.matrix.fidelity(), .dst = dst});
  core.scheduler.tick(tile_pass_ns);
}

void reduce_block_max_row(std::uint32_t cb, std::uint32_t scaler, std::uint32_t index, std::uint32_t columns,
                          std::uint32_t dst, Here at) {
  for (std::uint32_t column = 0; column < columns; ++column) {
    reduce_tile(Pool::max, ReduceDim::row, cb, scaler, index + column, 0, dst, at);
  }
}

namespace {

/// A tile of a CB to DST. `Moved` and `broadcast` are for the log.
template <class Moved, class Operation>
void move_tile(TileOp op, const char* who, Broadcast broadcast, std::uint32_t cb, std::uint32_t index, std::uint32_t dst,
               const Here& at, Operation operation) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  float* tile = core.dst.math_slots(dst, 1, who);
  // A broadcast is done on the way to SrcB, everything else goes through SrcA.
  const TileOperand in = operand(core, broadcast == Broadcast::none ? Source::a : Source::b, cb, index, who);
  calculate(core, who, tile, dst, {}, [&] { operation(core, in, tile); });
  core.dst.mark_written(dst, 1, true);
  core.count(op);
  core.count(TileOp::unpack);
  log(kernel, Moved{.cb = cb, .broadcast = broadcast, .tiles = 1, .dst = dst});
  core.scheduler.tick(tile_pass_ns);
}

}  // namespace

void copy_tile(std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Here at) {
  move_tile<events::Copy>(TileOp::copy, "copy_tile", Broadcast::none, cb, index, dst, at,
                          [](Core& core, TileOperand in, float* tile) { core.matrix.copy(in, tile, core.unpack_to_dst); });
}
void unary_bcast(Broadcast broadcast, std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Here at) {
  move_tile<events::Copy>(
      TileOp::unary_bcast, "unary_bcast", broadcast, cb, index, dst, at,
      [=](Core& core, TileOperand in, float* tile) { core.matrix.copy(in, tile, core.unpack_to_dst, broadcast); });
}
void transpose_wh_tile(std::uint32_t cb, std::uint32_t index, std::uint32_t dst, Here at) {
  move_tile<events::Transpose>(TileOp::transpose, "transpose_wh_tile", Broadcast::none, cb, index, dst, at,
                               [](Core& core, TileOperand in, float* tile) { core.matrix.transpose(in, tile); });
}

namespace {

/// The slot that a vector operation writes. If nothing has written it in this section it is cleared first, since the
/// operation may cover only a part of it.
float* vector_output(Core& core, std::uint32_t slot, VectorMode mode, const char* who) {
  Dst& dst = core.dst;
  const int index = slot;
  float* tile = dst.math_slots(index, 1, who);
  if (mode != VectorMode::rc && dst.cleared(index, 1) != 0 && !core.dry) std::fill_n(tile, tile_elements, 0.0F);
  dst.mark_written(index, 1);
  return tile;
}

const float* vector_input(Dst& dst, std::uint32_t slot, const char* who) { return dst.written_slot(slot, who); }

/// Counts and logs a vector operation of one tile.
void finish_vector(KernelContext& kernel, events::Vector event) {
  event.tiles = 1;
  kernel.core->dst.mark_written(event.dst, 1);
  kernel.core->count(counted(event.op));
  log(kernel, event);
  kernel.core->scheduler.tick(tile_pass_ns);
}

}  // namespace

void vector_tile(VectorOp op, std::uint32_t dst, VectorMode mode, float parameter, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  float* tile = core.dst.written_slot(dst, name_of(op));
  calculate(core, name_of(op), tile, dst, {{tile, dst}}, [&] { core.vector.unary(op, tile, mode, parameter); });
  finish_vector(kernel, {.op = op, .mode = mode, .dst = dst});
}

void exp_tile_checked(std::uint32_t dst, VectorMode mode, float scale, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  constexpr VectorOp op = VectorOp::exp_fast;
  float* tile = core.dst.written_slot(dst, name_of(op));
  calculate(core, name_of(op), tile, dst, {{tile, dst}}, [&] { core.vector.unary(op, tile, mode, scale); });
  finish_vector(kernel, {.op = op, .mode = mode, .dst = dst, .checked = true});
}

void exp_tile_unclamped(std::uint32_t dst, VectorMode mode, float scale, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  float* tile = core.dst.written_slot(dst, name_of(VectorOp::exp_fast));
  calculate(core, name_of(VectorOp::exp_fast), tile, dst, {{tile, dst}},
            [&] { core.vector.exp_unclamped(tile, mode, scale); });
  if (core.numbers && !core.dry) core.numbers->exponentials("exp_fast unclamped", tile, dst);
  finish_vector(kernel, {.op = VectorOp::exp_fast, .mode = mode, .dst = dst});
}

void vector_binary_tile(VectorOp op, std::uint32_t a, std::uint32_t b, std::uint32_t out, VectorMode mode, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const char* who = name_of(op);
  const float* first = vector_input(core.dst, a, who);
  const float* second = vector_input(core.dst, b, who);
  float* result = vector_output(core, out, mode, who);
  calculate(core, who, result, out, {{first, a}, {second, b}}, [&] { core.vector.binary(op, result, first, second, mode); });
  finish_vector(kernel, {.op = op, .mode = mode, .dst = out, .first = a, .second = b});
}

void where_tile(std::uint32_t cond, std::uint32_t x, std::uint32_t y, std::uint32_t out, VectorMode mode, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const float* condition = vector_input(core.dst, cond, "where_tile");
  const float* if_set = vector_input(core.dst, x, "where_tile");
  const float* if_zero = vector_input(core.dst, y, "where_tile");
  float* result = vector_output(core, out, mode, "where_tile");
  calculate(core, "where_tile", result, out, {{condition, cond}, {if_set, x}, {if_zero, y}},
            [&] { VectorUnit::where(result, condition, if_set, if_zero, mode); });
  finish_vector(kernel, {.op = VectorOp::where, .mode = mode, .dst = out, .first = cond, .second = x, .third = y});
}

void copy_dest_values(std::uint32_t src, std::uint32_t dst, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const float* from = vector_input(core.dst, src, "copy_dest_values");
  float* result = vector_output(core, dst, VectorMode::rc, "copy_dest_values");
  calculate(core, "copy_dest_values", result, dst, {{from, src}}, [&] { VectorUnit::copy(result, from); });
  finish_vector(kernel, {.op = VectorOp::copy_dst, .dst = dst, .second = src});
}

void fill_tile(std::uint32_t dst, float value, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  float* result = vector_output(core, dst, VectorMode::rc, "fill_tile");
  calculate(core, "fill_tile", result, dst, {}, [&] { core.vector.unary(VectorOp::fill, result, VectorMode::rc, value); });
  finish_vector(kernel, {.op = VectorOp::fill, .dst = dst});
}

void apply_tile(VectorOp charged_as, const char* who, std::span<const std::uint32_t> inputs, std::uint32_t out,
                VectorMode mode, bool integer, const TileFunction& function, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  std::array<const float*, 3> operands{};
  for (std::size_t i = 0; i < inputs.size(); ++i) operands.at(i) = vector_input(core.dst, inputs[i], who);
  float* result = vector_output(core, out, mode, who);
  constexpr std::ptrdiff_t face = face_side * face_side;
  constexpr EnumArray<VectorMode, unsigned> faces_of{0xF, 0x5, 0x3, 0x5};  // bit f: face f, by mode
  const auto run = [&] {
    for (int f = 0; f < 4; ++f) {
      if ((faces_of.at(mode) >> f & 1U) == 0) continue;
      std::array<const float*, 3> parts = operands;
      for (const float*& part : parts) {
        if (part != nullptr) part += f * face;
      }
      float* to = result + f * face;
      function(to, parts[0], parts[1], parts[2], face);
      if (!integer && !core.dst.fp32()) std::transform(to, to + face, to, scalar::round_dst16);
    }
  };
  if (core.numbers && !integer && !core.dry) {
    for (std::size_t i = 0; i < inputs.size(); ++i) core.numbers->reads(who, operands.at(i), inputs[i]);
    core.numbers->computes(who, result, out, std::span<const float* const>(operands).first(inputs.size()), run);
  } else if (!core.dry) {
    run();
  }
  const auto operand_at = [&](std::size_t i) { return i < inputs.size() ? inputs[i] : 0; };
  finish_vector(
      kernel,
      {.op = charged_as, .mode = mode, .dst = out, .first = operand_at(0), .second = operand_at(1), .third = operand_at(2)});
}

void pack_tile_at(std::uint32_t dst, std::uint32_t cb, std::uint32_t index, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const CircularBuffer& buffer = core.cb(cb);
  check_page(buffer, "pack_tile");
  const float* tile = core.dst.pack_slot(dst, "pack_tile");
  PackConfig config = core.pack;
  config.format = buffer.format();
  const std::uint32_t address = buffer.tile_for_write(index, "pack_tile");
  if (core.checker) core.checker->pack(buffer, address, config.l1_accumulate);
  const auto pack = [&] { tilegrid::pack_tile(tile, core.dst.fp32(), config, l1_pointer(address)); };
  if (!core.dry && core.numbers) core.numbers->packs(tile, config, l1_pointer(address), cb, index, pack);
  if (!core.dry && !core.numbers) pack();
  core.count(config.l1_accumulate ? TileOp::pack_l1_acc : TileOp::pack);
  log(kernel, events::Pack{.accumulate = config.l1_accumulate, .cb = cb, .relu = config.relu, .tiles = 1, .dst = dst});
  core.scheduler.tick(tile_pass_ns);
}

void pack_tile(std::uint32_t dst, std::uint32_t cb, Here at) {
  pack_tile_at(dst, cb, context(at).core->cb(cb).next_pack_index(), at);
}

void pack_tile_block(std::uint32_t dst, std::uint32_t cb, std::uint32_t tiles, Here at) {
  for (std::uint32_t i = 0; i < tiles; ++i) pack_tile(dst + i, cb, at);
}

}  // namespace tilegrid::api
