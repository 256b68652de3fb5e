// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/costs.h"

#include <algorithm>
#include <array>

#include "core/matrix_unit.h"

namespace tilegrid::timing {
namespace {

std::uint32_t fidelity(std::uint32_t phases) { return std::min(phases, 4U); }

}  // namespace

Costs::Costs(const Architecture& a, const LaunchLog& log)
    : cb_wait(a["cb_wait_cycles"]),
      cb_reserve(a["cb_reserve_cycles"]),
      cb_push(a["cb_push_cycles"]),
      cb_pop(a["cb_pop_cycles"]),
      cb_visible(a["cb_visible_cycles"]),
      semaphore_poll(a["semaphore_poll_cycles"]),
      semaphore_set(a["semaphore_set_cycles"]),
      dst_acquire(a["dst_acquire_cycles"]),
      dst_commit(a["dst_commit_cycles"]),
      dst_wait(a["dst_wait_cycles"]),
      dst_release(a["dst_release_cycles"]),
      operation_switch(a["operation_switch_cycles"]),
      vector_switch(a["vector_switch_cycles"]),
      launch(a["launch_cycles"]),
      launch_tail(a["launch_tail_cycles"]),
      matmul_phase(a["matmul_phase_cycles"]),
      dst_sections(log.full_sync ? 1 : 2),
      store_byte_(a["risc_store_cycles"] / 4),
      unpack_tile_(a["unpack_tile_cycles"]),
      unpack_transpose_(a["unpack_transpose_cycles"]),
      matmul_block_(a["matmul_block_cycles"]),
      copy_(a["copy_tile_cycles"]),
      transpose_(a["transpose_tile_cycles"]) {
  for (const LogBuffer& buffer : log.buffers) {
    const auto id = static_cast<std::size_t>(buffer.id);
    if (id >= buffers) continue;
    const double bytes = buffer.page_bytes;
    unpack_[id] = unpack_tile_ + bytes / a["unpack_bytes_per_cycle"];
    joint_[id] = bytes / a["unpack_joint_bytes_per_cycle"];
    const double packed = bytes / a["pack_bytes_per_cycle"];
    // Exponents and datums of a block float go to different places (tensix.md 3.2).
    const double start = a["pack_tile_cycles"] + (is_block_float(buffer.format) ? a["pack_block_float_cycles"] : 0);
    pack_[0][id] = start + packed;
    pack_[1][id] = start + packed * a["pack_accumulate_factor"];
  }
  fill_fpu(a);
  fill_vector(a);
  fill_configure(a);
}

void Costs::fill_fpu(const Architecture& a) {
  for (std::size_t phases = 1; phases < fidelities; ++phases) {
    const auto p = static_cast<double>(phases);
    matmul_tile_[phases] = matmul_phase * p * (1 + a["matmul_phase_overhead"]) + a["matmul_tile_cycles"];
    eltwise_[0][phases] = eltwise_[1][phases] = a["add_tile_cycles"];
    eltwise_[2][phases] = a["mul_phase_cycles"] * p;
    auto& max = reduce_[static_cast<std::size_t>(Pool::max)];
    auto& sum = reduce_[static_cast<std::size_t>(Pool::sum)];
    constexpr auto row = static_cast<std::size_t>(ReduceDim::row);
    constexpr auto column = static_cast<std::size_t>(ReduceDim::col);
    constexpr auto scalar = static_cast<std::size_t>(ReduceDim::scalar);
    max[row][phases] = a["reduce_row_max_cycles"];
    max[column][phases] = a["reduce_column_max_cycles"];
    max[scalar][phases] = a["reduce_scalar_max_cycles"];
    sum[row][phases] = a["reduce_row_sum_cycles"] * p;
    sum[column][phases] = a["reduce_column_sum_cycles"] * p;
    sum[scalar][phases] = a["reduce_scalar_sum_cycles"] * p;
    for (std::size_t op = 0; op < 3; ++op) dest_reuse_[op][phases] = eltwise_[op][phases] + a["dest_reuse_cycles"];
  }
}

void Costs::fill_vector(const Architecture& a) {
  // Lanes hold 32 elements; a mode covers a share of the tile's 32 vectors in 4 or 2 faces (tensix.md 3.2).
  constexpr std::array<double, 4> share{1, 0.5, 0.5, 0.25};
  constexpr std::array<double, 4> faces{4, 2, 2, 2};
  for (std::size_t mode = 0; mode < share.size(); ++mode) check_[mode] = a["vector_exp_check_cycles"] * share[mode];
  for (int op = 0; op < vector_op_count; ++op) {
    const auto vector_op = static_cast<VectorOp>(op);
    const double full = a[std::string("vector_") + tilegrid::name_of(vector_op) + "_cycles"];
    for (std::size_t mode = 0; mode < share.size(); ++mode) {
      const bool column_exp =
          vector_op == VectorOp::exp_accurate && static_cast<VectorMode>(mode) == VectorMode::first_column;
      const double tile = column_exp ? a["vector_exp_column_cycles"] : full;
      vector_[static_cast<std::size_t>(op)][mode] =
          tile * share[mode] + a["vector_face_cycles"] * faces[mode] + a["vector_start_cycles"];
    }
  }
}

void Costs::fill_configure(const Architecture& a) {
  // In the order of kernels/api/compute.cpp: startup, matmul, format, pack_format, l1_accumulate, relu, unpack_to_dst.
  const double startup = a["configure_startup_cycles"];
  const double matmul = a["configure_matmul_cycles"];
  const double format = a["configure_format_cycles"];
  const double flag = a["configure_flag_cycles"];
  configure_ = {{{startup, startup, startup},
                 {matmul, matmul, 0},
                 {format, flag, 0},
                 {0, 0, a["configure_pack_cycles"]},
                 {0, 0, flag},
                 {0, 0, flag},
                 {flag, flag, 0},
                 {flag, flag, flag}}};
}

OperandSteps Costs::matmul(const Event& event) const {
  const std::uint32_t rows = event.x & 0xFFFFU;
  const std::uint32_t columns = event.x >> 16U;
  // The shorter side is held two tiles at a time, in0 when it is not longer; the other side streams once for each pair
  // (tensix.md 3.2). Held and streamed tiles come through different unpackers but share the port.
  const bool holds_in0 = columns >= rows;
  const double held = std::min(rows, columns);
  const double streamed = static_cast<double>(std::max(rows, columns)) * ((std::min(rows, columns) + 1) / 2);
  const std::uint8_t held_cb = holds_in0 ? event.a : event.b;
  const std::uint8_t streamed_cb = holds_in0 ? event.b : event.a;
  const double transposed = event.c == 0 ? 0 : unpack_transpose_;
  const double of_held = held * (unpack_[held_cb] + (holds_in0 ? 0 : transposed));
  const double of_streamed = streamed * (unpack_[streamed_cb] + (holds_in0 ? transposed : 0));
  const double port = held * joint_[held_cb] + streamed * joint_[streamed_cb];
  const double math = static_cast<double>(rows) * columns * matmul_tile_[fidelity(event.op)] + matmul_block_;
  if (streamed == 0) return {};
  return {event.count * streamed, std::max({of_held, of_streamed, port}) / streamed, math / streamed};
}

OperandSteps Costs::operand_steps(const Event& event) const {
  const double tiles = event.count;
  switch (event.kind) {
    case EventKind::matmul:
      return matmul(event);
    case EventKind::eltwise: {
      const double together = unpack_tile_ + joint_[event.a] + joint_[event.b];
      return {tiles, std::max({unpack_[event.a], unpack_[event.b], together}), eltwise_[event.op & 3U][fidelity(event.x)]};
    }
    case EventKind::dest_reuse:
      return {tiles, unpack_[event.a], dest_reuse_[event.op & 3U][fidelity(event.x)]};
    case EventKind::reduce:
      return {tiles, unpack_[event.a], reduce_[event.op & 1U][event.c & 3U][fidelity(event.x)]};
    case EventKind::transpose:
      return {tiles, unpack_[event.a] + unpack_transpose_, transpose_};
    default:
      return {tiles, unpack_[event.a], copy_};
  }
}

namespace operations {

int number_of(const Event& event) {
  switch (event.kind) {
    case EventKind::vector:
      return vector_base + event.op % vector_op_count;
    case EventKind::eltwise:
      return eltwise_base + event.op % 3;
    case EventKind::dest_reuse:
      return dest_reuse_base + event.op % 3;
    case EventKind::reduce:
      return reduce_base + (event.op & 1);
    case EventKind::pack:
      return event.op == 0 ? static_cast<int>(event.kind) : pack_accumulate;
    default:
      return static_cast<int>(event.kind);
  }
}

std::string name_of(int operation) {
  constexpr std::array<const char*, 3> eltwise{"add", "sub", "mul"};
  if (operation >= pack_accumulate) return "pack accumulate";
  if (operation >= reduce_base) return operation == reduce_base ? "reduce max" : "reduce sum";
  if (operation >= dest_reuse_base) {
    return std::string("dest_reuse ") + eltwise[static_cast<std::size_t>(operation - dest_reuse_base)];
  }
  if (operation >= eltwise_base)
    return std::string("eltwise ") + eltwise[static_cast<std::size_t>(operation - eltwise_base)];
  if (operation >= vector_base) {
    return std::string("vector ") + tilegrid::name_of(static_cast<VectorOp>(operation - vector_base));
  }
  return tilegrid::name_of(static_cast<EventKind>(operation));
}

}  // namespace operations
}  // namespace tilegrid::timing
