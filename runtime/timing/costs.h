// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event_log.h"
#include "core/vector_unit.h"

namespace tilegrid::timing {

/// Cycles of events, as tables of one launch: the chip's cycles with the launch's CB formats. No look-up by name and no map
/// while a log is replayed.
class Costs {
 public:
  Costs(const Chip& chip, const LaunchLog& launch);

  /// matmul, eltwise, dest_reuse, reduce, copy, transpose.
  [[nodiscard]] OperandSteps operand_steps(const Event& event) const;
  [[nodiscard]] double vector(const Event& event) const {
    const auto mode = static_cast<VectorMode>(event.c & 3U);
    const double tile = core_.vector(static_cast<VectorOp>(event.op % vector_op_count), mode);
    return event.count * (event.y == 1 ? tile + core_.vector_check(mode) : tile);
  }
  [[nodiscard]] double pack(const Event& event) const { return event.count * pack_[event.op & 1U][event.a]; }
  /// RISC cycles to fill memory with ordinary stores.
  [[nodiscard]] double generate(const Event& event) const { return event.count * core_.store_byte; }

  /// Configuration of the lanes: unpack, math, pack.
  struct Configuration {
    double unpack = 0, math = 0, pack = 0;
  };
  [[nodiscard]] const Configuration& configure(const Event& event) const {
    return configure_[event.op < configure_.size() ? event.op : configure_.size() - 1];
  }

  double cb_wait, cb_reserve, cb_push, cb_pop, cb_visible;
  double semaphore_poll, semaphore_set;
  double dst_acquire, dst_commit, dst_wait, dst_release;
  double operation_switch, vector_switch;
  double launch, launch_tail;
  double matmul_phase;  ///< ideal cycles of a tile product and fidelity phase
  int dst_sections;     ///< that math and pack hold at once: 2, or 1 in full-sync mode

 private:
  static constexpr std::size_t buffers = 256;
  [[nodiscard]] CoreCycles::Operand operand(std::uint8_t cb) const { return {unpack_[cb], joint_[cb]}; }
  void fill_configure();

  CoreCycles core_;
  std::array<double, buffers> unpack_{};  ///< cycles of a tile when its unpacker is alone, set-up included
  std::array<double, buffers> joint_{};   ///< what it takes of the port that both unpackers share
  std::array<std::array<double, buffers>, 2> pack_{};
  std::array<Configuration, 8> configure_{};
};

/// Numbers for what the report lists one by one: "matmul", "eltwise sub", "vector exp_fast", "pack", ...
namespace operations {
inline constexpr int vector_base = event_kind_count;
inline constexpr int eltwise_base = vector_base + vector_op_count;
inline constexpr int dest_reuse_base = eltwise_base + 3;
inline constexpr int reduce_base = dest_reuse_base + 3;
inline constexpr int pack_accumulate = reduce_base + 2;
inline constexpr int count = pack_accumulate + 1;
[[nodiscard]] int number_of(const Event& event);
[[nodiscard]] std::string name_of(int operation);
}  // namespace operations

}  // namespace tilegrid::timing
