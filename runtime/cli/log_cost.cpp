// SPDX-License-Identifier: Apache-2.0
// The laws of kernels/planner/plan/cost.cpp, applied to events instead of instructions.
#include "runtime/cli/log_cost.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "core/vector_unit.h"
#include "kernels/planner/graph/functions.h"
#include "kernels/planner/plan/cost.h"
#include "kernels/planner/slot_cases/subblock_tables.h"

namespace tilegrid::cli {
namespace {

const planner::Function* function_of(VectorOp op) {
  const auto& all = planner::functions();
  const auto found = std::find_if(all.begin(), all.end(), [=](const planner::Function& f) { return f.vector == op; });
  return found == all.end() ? nullptr : &*found;
}

const char* name_of(EltwiseOp op) {
  switch (op) {
    case EltwiseOp::add:
      return "add";
    case EltwiseOp::sub:
      return "sub";
    case EltwiseOp::mul:
      break;
  }
  return "mul";
}

/// One core's compute kernel.
class CoreCost {
 public:
  CoreCost(const std::vector<CircularBufferConfig>& buffers, const planner::Machine& machine, LogCost& sum)
      : machine_(machine), costs_(machine.costs), sum_(sum) {
    for (const CircularBufferConfig& buffer : buffers)
      page_bytes_.at(static_cast<std::size_t>(buffer.id)) = buffer.page_bytes;
  }

  void add(const Event& event) {
    switch (event.kind) {
      case EventKind::cb_pop:
      case EventKind::cb_push:
        sum_.cycles += costs_.cb_operation;
        return;
      case EventKind::dst_acquire:
        section_ = {};
        slots_.clear();
        setup_.reset();
        return;
      case EventKind::dst_release:
        return end_section();
      case EventKind::pack:
        return pack(event);
      default:
        return math(event);
    }
  }

 private:
  [[nodiscard]] double unpack_cycles(std::uint8_t cb, double tiles) const {
    return tiles * page_bytes_.at(cb) / costs_.unpack_bytes_per_cycle;
  }

  void math(const Event& event) {
    planner::UnitCycles cycles;
    const double phases = static_cast<double>(machine_.fidelity);
    const double tiles = event.count;
    switch (event.kind) {
      case EventKind::matmul:
        matmul(event, cycles);
        break;
      case EventKind::eltwise:
        cycles.unpack = unpack_cycles(event.a, tiles) + unpack_cycles(event.b, tiles);
        cycles.math = tiles * fpu_tile(static_cast<EltwiseOp>(event.op));
        sum_.kinds.insert(name_of(static_cast<EltwiseOp>(event.op)));
        break;
      case EventKind::dest_reuse:
        cycles.unpack = unpack_cycles(event.a, tiles);
        cycles.math = tiles * (costs_.copy_tile + fpu_tile(static_cast<EltwiseOp>(event.op)));
        sum_.kinds.insert(name_of(static_cast<EltwiseOp>(event.op)));
        break;
      case EventKind::reduce:
        cycles.unpack = unpack_cycles(event.a, tiles);
        cycles.math = tiles * reduce_tile(static_cast<Pool>(event.op), static_cast<ReduceDim>(event.c), phases);
        sum_.kinds.insert(static_cast<Pool>(event.op) == Pool::max ? "reduce max" : "reduce sum");
        sum_.reductions.insert({event.a, event.op});
        break;
      case EventKind::copy:
        cycles.unpack = unpack_cycles(event.a, tiles);
        cycles.math = tiles * costs_.copy_tile;
        break;
      case EventKind::transpose:
        cycles.unpack = unpack_cycles(event.a, tiles);
        cycles.math = tiles * costs_.transpose_tile;
        sum_.kinds.insert("transpose");
        break;
      case EventKind::vector:
        vector(event, cycles);
        break;
      default:
        return;
    }
    const std::array<int, 3> setup{static_cast<int>(event.kind), event.kind == EventKind::matmul ? 0 : event.op, event.c};
    if (setup_ != setup) cycles.math += costs_.init;
    setup_ = setup;
    section_ += cycles;
  }

  [[nodiscard]] double fpu_tile(EltwiseOp op) const {
    return op == EltwiseOp::mul ? costs_.mul_tile_phase * static_cast<double>(machine_.fidelity) : costs_.add_tile;
  }
  [[nodiscard]] double reduce_tile(Pool pool, ReduceDim dim, double phases) const {
    if (dim == ReduceDim::scalar) return costs_.reduce_scalar;
    if (pool == Pool::max) return dim == ReduceDim::row ? costs_.reduce_row_max : costs_.reduce_col;
    return phases * (dim == ReduceDim::row ? costs_.reduce_row_sum_phase : costs_.reduce_col);
  }
  void matmul(const Event& event, planner::UnitCycles& cycles) {
    const int rt = static_cast<int>(event.x & 0xFFFFU);
    const int ct = static_cast<int>(event.x >> 16U);
    const double moved = static_cast<double>(event.count) * planner::unpack_tiles_per_k({rt, ct});
    cycles.unpack = (unpack_cycles(event.a, moved) + unpack_cycles(event.b, moved)) / 2;
    cycles.math =
        static_cast<double>(event.count) * rt * ct * costs_.matmul_tile_phase * static_cast<double>(machine_.fidelity);
    sum_.kinds.insert("matmul");
    sum_.matmuls.insert({event.a, event.b});
  }
  void vector(const Event& event, planner::UnitCycles& cycles) {
    const auto op = static_cast<VectorOp>(event.op);
    const planner::Function* function = function_of(op);
    double part = 1;  // of the tile's 32 vectors (kernels/planner/plan/cost.cpp)
    if (static_cast<VectorMode>(event.c) == VectorMode::first_column) part = 0.25;
    if (static_cast<VectorMode>(event.c) == VectorMode::r) part = 0.5;
    const double tile = function != nullptr ? function->sfpu_cycles : costs_.copy_dst;
    cycles.math = static_cast<double>(event.count) * tile * part;
    if (function != nullptr) sum_.kinds.insert(std::string(function->name));
  }

  void pack(const Event& event) {
    const bool adds = event.op != 0;
    section_.pack +=
        static_cast<double>(event.count) * page_bytes_.at(event.a) / costs_.pack_bytes_per_cycle * (adds ? 2 : 1);
    if (adds != adds_) section_.pack += costs_.init;
    adds_ = adds;
    if (adds) sum_.summed_by_packer.insert(event.a);
    sum_.packed_tiles += event.count;
    slots_.insert(event.y);
  }

  void end_section() {
    const double busy = std::max(section_.unpack, section_.math);
    const double overlapped = machine_.full_sync ? busy + section_.pack : std::max(busy, section_.pack);
    sum_.cycles += overlapped + costs_.section;
    sum_.unpack += section_.unpack;
    sum_.math += section_.math;
    sum_.pack += section_.pack;
    ++sum_.sections;
    sum_.most_tiles_in_section = std::max<std::uint64_t>(sum_.most_tiles_in_section, slots_.size());
  }

  const planner::Machine& machine_;
  const planner::Costs& costs_;
  LogCost& sum_;
  std::array<double, 32> page_bytes_{};
  planner::UnitCycles section_;
  std::set<std::uint32_t> slots_;
  std::optional<std::array<int, 3>> setup_;
  bool adds_ = false;
};

}  // namespace

LogCost log_cost(const std::vector<EventLog>& logs, const std::vector<CircularBufferConfig>& buffers,
                 const planner::Machine& machine) {
  LogCost sum;
  std::map<int, std::uint32_t> largest_push;
  for (const EventLog& log : logs) {
    CoreCost core(buffers, machine, sum);
    for (const Event& event : log.sequence(Risc::trisc)) core.add(event);
    for (int risc = 0; risc < risc_count; ++risc) {
      for (const Event& event : log.sequence(static_cast<Risc>(risc))) {
        if (event.kind == EventKind::cb_push) largest_push[event.a] = std::max(largest_push[event.a], event.count);
      }
    }
  }
  for (const CircularBufferConfig& buffer : buffers) {
    const auto push = largest_push.find(buffer.id);
    if (push != largest_push.end() && buffer.pages >= 2 * push->second) sum.double_buffered.insert(buffer.id);
  }
  return sum;
}

}  // namespace tilegrid::cli
