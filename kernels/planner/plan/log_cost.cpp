// SPDX-License-Identifier: Apache-2.0
// The laws of kernels/planner/plan/cost.cpp, applied to events instead of instructions.
#include "kernels/planner/plan/log_cost.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "core/vector_unit.h"
#include "kernels/planner/graph/functions.h"
#include "kernels/planner/plan/cost.h"
#include "kernels/planner/slot_cases/subblock_tables.h"

namespace tilegrid::planner {
namespace {

const Function* function_of(VectorOp op) {
  const auto& all = functions();
  const auto found = std::find_if(all.begin(), all.end(), [=](const Function& f) { return f.vector == op; });
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
  CoreCost(const std::vector<CircularBufferConfig>& buffers, const Machine& machine, LogCost& sum)
      : machine_(machine), costs_(machine.costs), sum_(sum) {
    for (const CircularBufferConfig& buffer : buffers)
      page_bytes_.at(static_cast<std::size_t>(buffer.id)) = buffer.page_bytes;
  }

  void add(const Event& event) {
    using namespace events;
    visit(event, Cases{[&](const CbPop&) { sum_.cycles += costs_.cb_operation; },
                       [&](const CbPush&) { sum_.cycles += costs_.cb_operation; },
                       [&](const DstAcquire&) {
                         section_ = {};
                         slots_.clear();
                         setup_.reset();
                       },
                       [&](const DstRelease&) { end_section(); }, [&](const Pack& e) { pack(e); },
                       [&](const Matmul& e) {
                         math(matmul(e), {static_cast<int>(e.kind), 0, e.transpose});
                       },
                       [&](const Eltwise& e) { math(eltwise(e), setup(e.kind, e.op, e.broadcast)); },
                       [&](const DestReuse& e) { math(dest_reuse(e), setup(e.kind, e.op, e.dst_is_a)); },
                       [&](const Reduce& e) { math(reduce(e), setup(e.kind, e.pool, e.dim)); },
                       [&](const Copy& e) { math(move(e, costs_.copy_tile), setup(e.kind, 0, e.broadcast)); },
                       [&](const Transpose& e) {
                         sum_.kinds.insert("transpose");
                         math(move(e, costs_.transpose_tile), setup(e.kind, 0, e.broadcast));
                       },
                       [&](const Vector& e) { math(vector(e), setup(e.kind, e.op, e.mode)); }, [](const auto&) {}});
  }

 private:
  using Setup = std::array<int, 3>;  ///< kind, operation, form
  template <class Op, class Form>
  [[nodiscard]] static Setup setup(EventKind kind, Op op, Form form) {
    return {static_cast<int>(kind), static_cast<int>(op), static_cast<int>(form)};
  }

  [[nodiscard]] double unpack_cycles(std::uint8_t cb, double tiles) const {
    return tiles * page_bytes_.at(cb) / costs_.unpack_bytes_per_cycle;
  }

  void math(UnitCycles cycles, const Setup& setup) {
    if (setup_ != setup) cycles.math += costs_.init;
    setup_ = setup;
    section_ += cycles;
  }

  UnitCycles eltwise(const events::Eltwise& event) {
    UnitCycles cycles;
    cycles.unpack = unpack_cycles(event.cb_a, event.tiles) + unpack_cycles(event.cb_b, event.tiles);
    cycles.math = event.tiles * fpu_tile(event.op);
    sum_.kinds.insert(name_of(event.op));
    return cycles;
  }
  UnitCycles dest_reuse(const events::DestReuse& event) {
    UnitCycles cycles;
    cycles.unpack = unpack_cycles(event.cb, event.tiles);
    cycles.math = event.tiles * (costs_.copy_tile + fpu_tile(event.op));
    sum_.kinds.insert(name_of(event.op));
    return cycles;
  }
  UnitCycles reduce(const events::Reduce& event) {
    UnitCycles cycles;
    cycles.unpack = unpack_cycles(event.cb, event.tiles);
    cycles.math = event.tiles * reduce_tile(event.pool, event.dim, static_cast<double>(machine_.fidelity));
    sum_.kinds.insert(event.pool == Pool::max ? "reduce max" : "reduce sum");
    sum_.reductions.insert({event.cb, static_cast<int>(event.pool)});
    return cycles;
  }
  template <EventKind K>
  [[nodiscard]] UnitCycles move(const events::MoveEvent<K>& event, double tile) const {
    UnitCycles cycles;
    cycles.unpack = unpack_cycles(event.cb, event.tiles);
    cycles.math = event.tiles * tile;
    return cycles;
  }

  [[nodiscard]] double fpu_tile(EltwiseOp op) const {
    return op == EltwiseOp::mul ? costs_.mul_tile_phase * static_cast<double>(machine_.fidelity) : costs_.add_tile;
  }
  [[nodiscard]] double reduce_tile(Pool pool, ReduceDim dim, double phases) const {
    if (dim == ReduceDim::scalar) return costs_.reduce_scalar;
    if (pool == Pool::max) return dim == ReduceDim::row ? costs_.reduce_row_max : costs_.reduce_col;
    return phases * (dim == ReduceDim::row ? costs_.reduce_row_sum_phase : costs_.reduce_col);
  }
  UnitCycles matmul(const events::Matmul& event) {
    UnitCycles cycles;
    const double moved = static_cast<double>(event.steps) * unpack_tiles_per_k({event.rows, event.columns});
    cycles.unpack = (unpack_cycles(event.in0, moved) + unpack_cycles(event.in1, moved)) / 2;
    cycles.math = static_cast<double>(event.steps) * event.rows * event.columns * costs_.matmul_tile_phase *
                  static_cast<double>(machine_.fidelity);
    sum_.kinds.insert("matmul");
    sum_.matmuls.insert({event.in0, event.in1});
    return cycles;
  }
  UnitCycles vector(const events::Vector& event) {
    UnitCycles cycles;
    const Function* function = function_of(event.op);
    double part = 1;  // of the tile's 32 vectors (kernels/planner/plan/cost.cpp)
    if (event.mode == VectorMode::first_column) part = 0.25;
    if (event.mode == VectorMode::r) part = 0.5;
    const double tile = function != nullptr ? function->sfpu_cycles : costs_.copy_dst;
    cycles.math = event.tiles * tile * part;
    if (function != nullptr) sum_.kinds.insert(std::string(function->name));
    return cycles;
  }

  void pack(const events::Pack& event) {
    section_.pack += event.tiles * page_bytes_.at(event.cb) / costs_.pack_bytes_per_cycle * (event.accumulate ? 2 : 1);
    if (event.accumulate != adds_) section_.pack += costs_.init;
    adds_ = event.accumulate;
    if (event.accumulate) sum_.summed_by_packer.insert(event.cb);
    sum_.packed_tiles += event.tiles;
    slots_.insert(event.dst);
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

  const Machine& machine_;
  const Costs& costs_;
  LogCost& sum_;
  std::array<double, 32> page_bytes_{};
  UnitCycles section_;
  std::set<std::uint32_t> slots_;
  std::optional<Setup> setup_;
  bool adds_ = false;
};

}  // namespace

LogCost log_cost(const std::vector<EventLog>& logs, const std::vector<CircularBufferConfig>& buffers,
                 const Machine& machine) {
  LogCost sum;
  std::map<int, std::uint32_t> largest_push;
  for (const EventLog& log : logs) {
    CoreCost core(buffers, machine, sum);
    for (const Event& event : log.sequence(Risc::trisc)) core.add(event);
    for (int risc = 0; risc < risc_count; ++risc) {
      for (const Event& event : log.sequence(static_cast<Risc>(risc))) {
        if (event.kind() != EventKind::cb_push) continue;
        const auto push = events::get<events::CbPush>(event);
        largest_push[push.cb] = std::max(largest_push[push.cb], push.pages);
      }
    }
  }
  for (const CircularBufferConfig& buffer : buffers) {
    const auto push = largest_push.find(buffer.id);
    if (push != largest_push.end() && buffer.pages >= 2 * push->second) sum.double_buffered.insert(buffer.id);
  }
  return sum;
}

}  // namespace tilegrid::planner
