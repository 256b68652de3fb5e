// SPDX-License-Identifier: Apache-2.0
// The laws of kernels/planner/plan/cost.cpp, applied to events instead of instructions.
#include "kernels/planner/plan/log_cost.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "core/vector_unit.h"
#include "kernels/planner/graph/functions.h"
#include "kernels/planner/plan/cost.h"

namespace tilegrid::planner {
namespace {

/// As expressions call it; nothing for what only the planner's own steps do.
std::string_view name_of_function(VectorOp op) {
  const auto& all = functions();
  const auto found = std::find_if(all.begin(), all.end(), [=](const Function& f) { return f.vector == op; });
  return found == all.end() ? std::string_view() : found->name;
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
      : machine_(machine), cycles_(machine.chip.cycles()), sum_(sum) {
    for (const CircularBufferConfig& buffer : buffers) {
      page_bytes_.at(buffer.id) = buffer.page_bytes;
      block_float_.at(buffer.id) = is_block_float(buffer.format);
    }
  }

  void add(const Event& event) {
    using namespace events;
    visit(event, Cases{[&](const CbPop&) { sum_.cycles += cycles_.cb_wait + cycles_.cb_pop; },
                       [&](const CbPush&) { sum_.cycles += cycles_.cb_reserve + cycles_.cb_push; },
                       [&](const DstAcquire&) {
                         section_ = {};
                         slots_.clear();
                         setup_.reset();
                       },
                       [&](const DstRelease&) { end_section(); }, [&](const Pack& e) { pack(e); },
                       [&](const Matmul& e) {
                         math(matmul(e), {to_underlying(e.kind), 0, e.transpose});
                       },
                       [&](const Eltwise& e) { math(eltwise(e), setup(e.kind, e.op, e.broadcast)); },
                       [&](const DestReuse& e) { math(dest_reuse(e), setup(e.kind, e.op, e.dst_is_a)); },
                       [&](const Reduce& e) { math(reduce(e), setup(e.kind, e.pool, e.dim)); },
                       [&](const Copy& e) { math(move(e, 0, cycles_.copy), setup(e.kind, 0, e.broadcast)); },
                       [&](const Transpose& e) {
                         sum_.kinds.insert("transpose");
                         math(move(e, cycles_.unpack_transpose, cycles_.transpose), setup(e.kind, 0, e.broadcast));
                       },
                       [&](const Vector& e) { math(vector(e), setup(e.kind, e.op, e.mode)); }, [](const auto&) {}});
  }

 private:
  using Setup = std::array<int, 3>;  ///< kind, operation, form
  template <class Op, class Form>
  [[nodiscard]] static Setup setup(EventKind kind, Op op, Form form) {
    return {static_cast<int>(kind), static_cast<int>(op), static_cast<int>(form)};
  }

  [[nodiscard]] double unpack_cycles(std::uint32_t cb, double tiles) const {
    return tiles * cycles_.unpack(page_bytes_.at(cb));
  }

  void math(UnitCycles cycles, const Setup& setup) {
    if (setup_ != setup) {
      const bool on_sfpu = setup[0] == to_underlying(EventKind::vector);
      cycles.math += on_sfpu ? cycles_.vector_switch : cycles_.operation_switch;
    }
    setup_ = setup;
    section_ += cycles;
  }

  UnitCycles eltwise(const events::Eltwise& event) {
    UnitCycles cycles;
    cycles.unpack = event.tiles * cycles_.unpack_two(page_bytes_.at(event.cb_a), page_bytes_.at(event.cb_b));
    cycles.math = event.tiles * cycles_.eltwise(event.op, phases());
    sum_.kinds.insert(name_of(event.op));
    return cycles;
  }
  UnitCycles dest_reuse(const events::DestReuse& event) {
    UnitCycles cycles;
    cycles.unpack = unpack_cycles(event.cb, event.tiles);
    cycles.math = event.tiles * cycles_.dest_reuse(event.op, phases());
    sum_.kinds.insert(name_of(event.op));
    return cycles;
  }
  UnitCycles reduce(const events::Reduce& event) {
    UnitCycles cycles;
    cycles.unpack = unpack_cycles(event.cb, event.tiles);
    cycles.math = event.tiles * cycles_.reduce(event.pool, event.dim, phases());
    sum_.kinds.insert(event.pool == Pool::max ? "reduce max" : "reduce sum");
    sum_.reductions.insert({event.cb, to_underlying(event.pool)});
    return cycles;
  }
  template <EventKind K>
  [[nodiscard]] UnitCycles move(const events::MoveEvent<K>& event, double turn, double tile) const {
    UnitCycles cycles;
    cycles.unpack = unpack_cycles(event.cb, event.tiles) + event.tiles * turn;
    cycles.math = event.tiles * tile;
    return cycles;
  }

  [[nodiscard]] std::uint32_t phases() const { return to_underlying(machine_.fidelity); }
  [[nodiscard]] CoreCycles::Operand operand(std::uint32_t cb) const {
    return {cycles_.unpack(page_bytes_.at(cb)), cycles_.joint(page_bytes_.at(cb))};
  }
  UnitCycles matmul(const events::Matmul& event) {
    const OperandSteps steps = cycles_.matmul_block_steps(event.rows, event.columns, event.steps, operand(event.in0),
                                                          operand(event.in1), event.transpose, phases());
    UnitCycles cycles;
    cycles.unpack = steps.steps * steps.unpack;
    cycles.math = steps.steps * steps.math;
    sum_.kinds.insert("matmul");
    sum_.matmuls.insert({event.in0, event.in1});
    return cycles;
  }
  UnitCycles vector(const events::Vector& event) {
    UnitCycles cycles;
    cycles.math = event.tiles * cycles_.vector(event.op, event.mode);
    const std::string_view name = name_of_function(event.op);
    if (!name.empty()) sum_.kinds.insert(std::string(name));
    return cycles;
  }

  void pack(const events::Pack& event) {
    section_.pack += event.tiles * cycles_.pack(page_bytes_.at(event.cb), block_float_.at(event.cb), event.accumulate);
    if (event.accumulate != adds_) section_.pack += cycles_.configure_flag;
    adds_ = event.accumulate;
    if (event.accumulate) sum_.summed_by_packer.insert(event.cb);
    sum_.packed_tiles += event.tiles;
    slots_.insert(event.dst);
  }

  void end_section() {
    const double busy = std::max(section_.unpack, section_.math + cycles_.dst_acquire + cycles_.dst_commit);
    const double packed = section_.pack + cycles_.dst_wait + cycles_.dst_release;
    sum_.cycles += machine_.full_sync ? busy + packed : std::max(busy, packed);
    sum_.unpack += section_.unpack;
    sum_.math += section_.math;
    sum_.pack += section_.pack;
    ++sum_.sections;
    sum_.most_tiles_in_section = std::max<std::uint64_t>(sum_.most_tiles_in_section, slots_.size());
  }

  const Machine& machine_;
  const CoreCycles& cycles_;
  LogCost& sum_;
  std::array<double, 32> page_bytes_{};
  std::array<bool, 32> block_float_{};
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
    for (const Risc risc : each<Risc>) {
      for (const Event& event : log.sequence(risc)) {
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
