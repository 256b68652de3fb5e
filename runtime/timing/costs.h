// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event_log.h"
#include "core/vector_unit.h"
#include "runtime/timing/exact.h"

namespace tilegrid::timing {

/// Cycles of events, as tables of the cores of a launch with one set-up: the chip's cycles with the CBs' formats, exact
/// (exact.h) but for the steps of operands. No look-up by name and no map while a log is replayed.
class Costs {
 public:
  Costs(const Chip& chip, const CoreSetup& setup);

  [[nodiscard]] OperandSteps operand_steps(const events::Matmul& event) const {
    return core_.matmul_block_steps(event.rows, event.columns, event.steps, operand(event.in0), operand(event.in1),
                                    event.transpose, to_underlying(event.fidelity));
  }
  [[nodiscard]] OperandSteps operand_steps(const events::Eltwise& event) const {
    const double together = core_.unpack_tile + joint_[event.cb_a] + joint_[event.cb_b];
    return {static_cast<double>(event.tiles), std::max({unpack_[event.cb_a], unpack_[event.cb_b], together}),
            core_.eltwise(event.op, to_underlying(event.fidelity))};
  }
  [[nodiscard]] OperandSteps operand_steps(const events::DestReuse& event) const {
    return {static_cast<double>(event.tiles), unpack_[event.cb], core_.dest_reuse(event.op, to_underlying(event.fidelity))};
  }
  [[nodiscard]] OperandSteps operand_steps(const events::Reduce& event) const {
    return {static_cast<double>(event.tiles), unpack_[event.cb],
            core_.reduce(event.pool, event.dim, to_underlying(event.fidelity))};
  }
  [[nodiscard]] OperandSteps operand_steps(const events::Copy& event) const {
    return {static_cast<double>(event.tiles), unpack_[event.cb], core_.copy};
  }
  [[nodiscard]] OperandSteps operand_steps(const events::Transpose& event) const {
    return {static_cast<double>(event.tiles), unpack_[event.cb] + core_.unpack_transpose, core_.transpose};
  }
  [[nodiscard]] double vector(const events::Vector& event) const {
    const double tile = core_.vector(event.op, event.mode);
    return exact(event.tiles * (event.checked ? tile + core_.vector_check(event.mode) : tile));
  }
  [[nodiscard]] double pack(const events::Pack& event) const {
    return exact(event.tiles * pack_[event.accumulate ? 1 : 0][event.cb]);
  }
  /// RISC cycles to fill memory with ordinary stores.
  [[nodiscard]] double generate(const events::Generate& event) const { return exact(event.bytes * core_.store_byte); }
  /// Work between calls. A basic block of a kernel's own code is taken as 6 cycles: four to five instructions at one a
  /// cycle, and a part of the 8 cycles that a load from L1 takes (tensix.md 4.5); right within a factor of about two. A
  /// vector instruction takes one cycle for its 32 lanes (tensix.md 2.3).
  [[nodiscard]] static double work(const events::Work& event) { return event.steps * (event.vector ? 1.0 : 6.0); }

  /// Configuration of the lanes: unpack, math, pack.
  struct LaneCycles {
    double unpack = 0, math = 0, pack = 0;
  };
  [[nodiscard]] const LaneCycles& configure(const events::Configure& event) const { return configure_[event.what]; }

  double cb_wait, cb_reserve, cb_push, cb_pop, cb_visible;
  double semaphore_poll, semaphore_set;
  double dst_acquire, dst_commit, dst_wait, dst_release;
  double operation_switch, vector_switch;
  double launch, launch_tail;
  double matmul_phase;  ///< ideal cycles of a tile product and fidelity phase
  int dst_sections;     ///< that math and pack hold at once: 2, or 1 in full-sync mode

 private:
  static constexpr std::size_t buffers = 256;
  [[nodiscard]] CoreCycles::Operand operand(std::uint32_t cb) const { return {unpack_[cb], joint_[cb]}; }
  void fill_configure();

  CoreCycles core_;
  std::array<double, buffers> unpack_{};  ///< cycles of a tile when its unpacker is alone, set-up included
  std::array<double, buffers> joint_{};   ///< what it takes of the port that both unpackers share
  std::array<std::array<double, buffers>, 2> pack_{};
  EnumArray<Configuration, LaneCycles> configure_{};
};

/// Numbers for what the report lists one by one: "matmul", "eltwise sub", "vector exp_fast", "pack", ...
namespace operations {
inline constexpr int vector_base = event_kind_count;
inline constexpr int eltwise_base = vector_base + vector_op_count;
inline constexpr int dest_reuse_base = eltwise_base + 3;
inline constexpr int reduce_base = dest_reuse_base + 3;
inline constexpr int pack_accumulate = reduce_base + 2;
inline constexpr int count = pack_accumulate + 1;
template <class Event>
[[nodiscard]] constexpr int number_of(const Event&) {
  return to_underlying(Event::kind);
}
[[nodiscard]] constexpr int number_of(const events::Vector& event) { return vector_base + to_underlying(event.op); }
[[nodiscard]] constexpr int number_of(const events::Eltwise& event) { return eltwise_base + to_underlying(event.op); }
[[nodiscard]] constexpr int number_of(const events::DestReuse& event) { return dest_reuse_base + to_underlying(event.op); }
[[nodiscard]] constexpr int number_of(const events::Reduce& event) { return reduce_base + to_underlying(event.pool); }
[[nodiscard]] constexpr int number_of(const events::Pack& event) {
  return event.accumulate ? pack_accumulate : to_underlying(EventKind::pack);
}
[[nodiscard]] std::string name_of(int operation);
}  // namespace operations

}  // namespace tilegrid::timing
