// SPDX-License-Identifier: Apache-2.0
#include "core/chip/core_cycles.h"

#include <algorithm>

namespace tilegrid {

CoreCycles::CoreCycles(const std::function<double(const std::string&)>& p)
    : cb_wait(p("cb_wait_cycles")),
      cb_reserve(p("cb_reserve_cycles")),
      cb_push(p("cb_push_cycles")),
      cb_pop(p("cb_pop_cycles")),
      cb_visible(p("cb_visible_cycles")),
      semaphore_poll(p("semaphore_poll_cycles")),
      semaphore_set(p("semaphore_set_cycles")),
      dst_acquire(p("dst_acquire_cycles")),
      dst_commit(p("dst_commit_cycles")),
      dst_wait(p("dst_wait_cycles")),
      dst_release(p("dst_release_cycles")),
      operation_switch(p("operation_switch_cycles")),
      vector_switch(p("vector_switch_cycles")),
      configure_startup(p("configure_startup_cycles")),
      configure_matmul(p("configure_matmul_cycles")),
      configure_format(p("configure_format_cycles")),
      configure_pack(p("configure_pack_cycles")),
      configure_flag(p("configure_flag_cycles")),
      launch(p("launch_cycles")),
      launch_tail(p("launch_tail_cycles")),
      matmul_phase(p("matmul_phase_cycles")),
      matmul_block(p("matmul_block_cycles")),
      store_byte(p("risc_store_cycles") / 4),
      copy(p("copy_tile_cycles")),
      transpose(p("transpose_tile_cycles")),
      unpack_tile(p("unpack_tile_cycles")),
      unpack_transpose(p("unpack_transpose_cycles")),
      unpack_bytes_(p("unpack_bytes_per_cycle")),
      joint_bytes_(p("unpack_joint_bytes_per_cycle")),
      pack_bytes_(p("pack_bytes_per_cycle")),
      accumulate_factor_(p("pack_accumulate_factor")),
      pack_tile_(p("pack_tile_cycles")),
      pack_block_float_(p("pack_block_float_cycles")) {
  fill_fpu(p);
  fill_vector(p);
}

void CoreCycles::fill_fpu(const std::function<double(const std::string&)>& p) {
  for (std::size_t phases = 1; phases < fidelities; ++phases) {
    const auto times = static_cast<double>(phases);
    matmul_tile_[phases] = matmul_phase * times * (1 + p("matmul_phase_overhead")) + p("matmul_tile_cycles");
    eltwise_[0][phases] = eltwise_[1][phases] = p("add_tile_cycles");
    eltwise_[2][phases] = p("mul_phase_cycles") * times;
    auto& max = reduce_[Pool::max];
    auto& sum = reduce_[Pool::sum];
    max[ReduceDim::row][phases] = p("reduce_row_max_cycles");
    max[ReduceDim::col][phases] = p("reduce_column_max_cycles");
    max[ReduceDim::scalar][phases] = p("reduce_scalar_max_cycles");
    sum[ReduceDim::row][phases] = p("reduce_row_sum_cycles") * times;
    sum[ReduceDim::col][phases] = p("reduce_column_sum_cycles") * times;
    sum[ReduceDim::scalar][phases] = p("reduce_scalar_sum_cycles") * times;
    for (const EltwiseOp op : each<EltwiseOp>) dest_reuse_[op][phases] = eltwise_[op][phases] + p("dest_reuse_cycles");
  }
}

void CoreCycles::fill_vector(const std::function<double(const std::string&)>& p) {
  // Lanes hold 32 elements; a mode covers a share of the tile's 32 vectors in 4 or 2 faces (tensix.md 3.2).
  constexpr EnumArray<VectorMode, double> share{1, 0.5, 0.5, 0.25};
  constexpr EnumArray<VectorMode, double> faces{4, 2, 2, 2};
  for (const VectorMode mode : each<VectorMode>) check_[mode] = p("vector_exp_check_cycles") * share[mode];
  for (const VectorOp op : each<VectorOp>) {
    const double full = p(std::string("vector_") + name_of(op) + "_cycles");
    for (const VectorMode mode : each<VectorMode>) {
      const bool column_exp = op == VectorOp::exp_accurate && mode == VectorMode::first_column;
      const double tile = column_exp ? p("vector_exp_column_cycles") : full;
      vector_[op][mode] = tile * share[mode] + p("vector_face_cycles") * faces[mode] + p("vector_start_cycles");
    }
  }
}

double CoreCycles::unpack_two(double bytes_a, double bytes_b) const {
  return std::max({unpack(bytes_a), unpack(bytes_b), unpack_tile + joint(bytes_a) + joint(bytes_b)});
}

double CoreCycles::pack(double bytes, bool block_float, bool accumulate) const {
  const double packed = bytes / pack_bytes_;
  // Exponents and datums of a block float go to different places (tensix.md 3.2).
  const double start = pack_tile_ + (block_float ? pack_block_float_ : 0);
  return start + packed * (accumulate ? accumulate_factor_ : 1);
}

OperandSteps CoreCycles::matmul_block_steps(std::uint32_t rows, std::uint32_t columns, double k, Operand in0, Operand in1,
                                            bool transposed, std::uint32_t phases) const {
  // Held and streamed tiles come through different unpackers but share the port.
  const bool holds_in0 = columns >= rows;
  const double held = std::min(rows, columns);
  const auto passes = (std::min(rows, columns) + 1) / 2;
  const double streamed = static_cast<double>(std::max(rows, columns)) * passes;
  if (streamed == 0) return {};
  const Operand& of_held = holds_in0 ? in0 : in1;
  const Operand& of_streamed = holds_in0 ? in1 : in0;
  const double turn = transposed ? unpack_transpose : 0;
  const double held_cycles = held * (of_held.unpack + (holds_in0 ? 0 : turn));
  const double streamed_cycles = streamed * (of_streamed.unpack + (holds_in0 ? turn : 0));
  const double port = held * of_held.joint + streamed * of_streamed.joint;
  const double math = static_cast<double>(rows) * columns * matmul_tile(phases) + matmul_block;
  return {k * streamed, std::max({held_cycles, streamed_cycles, port}) / streamed, math / streamed};
}

}  // namespace tilegrid
