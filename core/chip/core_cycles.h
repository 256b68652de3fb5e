// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "core/matrix_unit.h"
#include "core/vector_unit.h"

namespace tilegrid {

/// What an operation asks of the unpackers and the FPU: `steps` times one filling of a Src bank and its consumption, in
/// cycles.
struct OperandSteps {
  double steps = 0;
  double unpack = 0;  ///< of a step
  double math = 0;    ///< of a step
};

/// Cycles of what one core does, and bytes a cycle of what it reads and writes, as plain numbers: the one place that makes
/// them of a chip's parameters. Device time, the DST planner and the choice of chunks all take them from here.
class CoreCycles {
 public:
  CoreCycles() = default;
  /// `parameter`: value of a name that every chip has.
  explicit CoreCycles(const std::function<double(const std::string&)>& parameter);

  double cb_wait = 0, cb_reserve = 0, cb_push = 0, cb_pop = 0, cb_visible = 0;
  double semaphore_poll = 0, semaphore_set = 0;
  double dst_acquire = 0, dst_commit = 0, dst_wait = 0, dst_release = 0;
  double operation_switch = 0, vector_switch = 0;
  double configure_startup = 0, configure_matmul = 0, configure_format = 0, configure_pack = 0, configure_flag = 0;
  double launch = 0, launch_tail = 0;
  double matmul_phase = 0;  ///< ideal cycles of a tile product and fidelity phase
  double matmul_block = 0;  ///< beside the products, of a k step of a block
  double store_byte = 0;    ///< of a RISC that fills memory
  double copy = 0, transpose = 0;
  double unpack_tile = 0;       ///< set-up of a tile's unpack
  double unpack_transpose = 0;  ///< more when it transposes

  /// FPU cycles of a tile; `phases`: of the fidelity, 1 to 4.
  [[nodiscard]] double matmul_tile(std::uint32_t phases) const { return matmul_tile_[at(phases)]; }
  [[nodiscard]] double eltwise(EltwiseOp op, std::uint32_t phases) const { return eltwise_[op][at(phases)]; }
  [[nodiscard]] double dest_reuse(EltwiseOp op, std::uint32_t phases) const { return dest_reuse_[op][at(phases)]; }
  [[nodiscard]] double reduce(Pool pool, ReduceDim dim, std::uint32_t phases) const {
    return reduce_[pool][dim][at(phases)];
  }
  /// SFPU cycles of a tile.
  [[nodiscard]] double vector(VectorOp op, VectorMode mode) const { return vector_[op][mode]; }
  /// What testing the range of exp's inputs adds.
  [[nodiscard]] double vector_check(VectorMode mode) const { return check_[mode]; }

  /// Of a tile when its unpacker is alone, set-up included.
  [[nodiscard]] double unpack(double bytes) const { return unpack_tile + bytes / unpack_bytes_; }
  /// What a tile takes of the port that both unpackers share.
  [[nodiscard]] double joint(double bytes) const { return bytes / joint_bytes_; }
  /// Of two tiles through both unpackers, as an operation of two operands takes them.
  [[nodiscard]] double unpack_two(double bytes_a, double bytes_b) const;
  [[nodiscard]] double pack(double bytes, bool block_float, bool accumulate) const;

  /// Sides of a matmul block.
  struct Operand {
    double unpack = 0;  ///< of a tile, as unpack()
    double joint = 0;   ///< as joint()
  };
  /// A block of rows x columns tile products, `k` steps of it. The shorter side is held two tiles at a time, in0 when it is
  /// not longer; the other side streams once for each pair (tensix.md 3.2).
  [[nodiscard]] OperandSteps matmul_block_steps(std::uint32_t rows, std::uint32_t columns, double k, Operand in0,
                                                Operand in1, bool transposed, std::uint32_t phases) const;

 private:
  static constexpr std::size_t fidelities = 5;
  [[nodiscard]] static std::size_t at(std::uint32_t phases) { return phases < 4 ? phases : 4; }
  void fill_fpu(const std::function<double(const std::string&)>& parameter);
  void fill_vector(const std::function<double(const std::string&)>& parameter);

  double unpack_bytes_ = 1, joint_bytes_ = 1, pack_bytes_ = 1, accumulate_factor_ = 1;
  double pack_tile_ = 0, pack_block_float_ = 0;
  std::array<double, fidelities> matmul_tile_{};
  EnumArray<VectorOp, EnumArray<VectorMode, double>> vector_{};
  EnumArray<VectorMode, double> check_{};
  EnumArray<EltwiseOp, std::array<double, fidelities>> eltwise_{};
  EnumArray<EltwiseOp, std::array<double, fidelities>> dest_reuse_{};
  EnumArray<Pool, EnumArray<ReduceDim, std::array<double, fidelities>>> reduce_{};
};

}  // namespace tilegrid
