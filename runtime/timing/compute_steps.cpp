// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/compute_steps.h"

#include <algorithm>
#include <bitset>

#include "runtime/timing/exact.h"

namespace tilegrid::timing {
namespace {

/// A number for what a unit must be initialised for before this operation; never no_setup.
template <class Op, class Form>
std::uint32_t setup(EventKind kind, Op op, Form form) {
  return (static_cast<std::uint32_t>(kind) + 1) << 16U | static_cast<std::uint32_t>(op) << 8U |
         static_cast<std::uint32_t>(form);
}
std::uint32_t number(const events::Matmul& e) { return setup(e.kind, 0, 0); }
std::uint32_t number(const events::Eltwise& e) { return setup(e.kind, e.op, e.broadcast); }
std::uint32_t number(const events::DestReuse& e) { return setup(e.kind, e.op, e.dst_is_a); }
std::uint32_t number(const events::Reduce& e) { return setup(e.kind, e.pool, e.dim); }
template <EventKind K>
std::uint32_t number(const events::MoveEvent<K>& e) {
  return setup(K, 0, e.broadcast);
}

/// Takes an event apart.
class Making {
 public:
  Making(const Costs& costs, const Event& event) : costs_(costs) { step_.event = &event; }
  [[nodiscard]] const ComputeStep& step() const { return step_; }

  void operator()(const events::Matmul& call) {
    operands(call);
    step_.tiles = 1.0 * call.steps * call.rows * call.columns;
    step_.tile_phases = step_.tiles * to_underlying(call.fidelity);
  }
  void operator()(const events::Eltwise& call) { operands(call); }
  void operator()(const events::DestReuse& call) { operands(call); }
  void operator()(const events::Reduce& call) { operands(call); }
  void operator()(const events::Copy& call) { operands(call); }
  void operator()(const events::Transpose& call) { operands(call); }
  void operator()(const events::Vector& call) {
    step_.kind = ComputeStep::Kind::vector;
    step_.setup = static_cast<std::uint32_t>(call.op) + 1;
    step_.operands.math = costs_.vector(call);
    name(call);
  }
  void operator()(const events::Pack& call) {
    step_.kind = ComputeStep::Kind::pack;
    step_.operands.math = costs_.pack(call);
    name(call);
  }
  template <class Other>
  void operator()(const Other&) {}

 private:
  template <class Operation>
  void operands(const Operation& call) {
    step_.kind = ComputeStep::Kind::operands;
    step_.setup = number(call);
    const OperandSteps steps = costs_.operand_steps(call);
    step_.operands = {steps.steps, exact(steps.unpack), exact(steps.math)};
    name(call);
  }
  template <class Operation>
  void name(const Operation& call) {
    step_.operation = static_cast<std::uint16_t>(operations::number_of(call));
  }

  const Costs& costs_;
  ComputeStep step_;
};

/// Steps at which no stretch goes on.
class Cuts {
 public:
  explicit Cuts(const std::vector<ComputeStep>& steps) {
    for (const ComputeStep& step : steps) {
      if (step.event->kind() == EventKind::cb_push) pushed_.set(events::get<events::CbPush>(*step.event).cb);
      if (step.event->kind() == EventKind::cb_pop) popped_.set(events::get<events::CbPop>(*step.event).cb);
    }
  }
  [[nodiscard]] bool at(const ComputeStep& step) const {
    switch (step.event->kind()) {
      case EventKind::cb_wait:
        return !pushed_[events::get<events::CbWait>(*step.event).cb];
      case EventKind::cb_reserve:
        return !popped_[events::get<events::CbReserve>(*step.event).cb];
      case EventKind::kernel_start:
      case EventKind::kernel_end:
        return true;
      default:
        return false;
    }
  }

 private:
  std::bitset<256> pushed_, popped_;  ///< in this block, by buffer
};

Stretch stretch_of(std::span<const ComputeStep> steps) {
  Stretch stretch(count_of<std::uint32_t>(steps));
  std::int64_t commits = 0, acquires = 0;
  const auto once = [](std::vector<std::uint32_t>& list, std::uint32_t cb) {
    if (std::find(list.begin(), list.end(), cb) == list.end()) list.push_back(cb);
  };
  for (const ComputeStep& step : steps) {
    switch (step.event->kind()) {
      case EventKind::cb_wait:
        once(stretch.awaited, events::get<events::CbWait>(*step.event).cb);
        break;
      case EventKind::cb_reserve:
        once(stretch.filled, events::get<events::CbReserve>(*step.event).cb);
        break;
      case EventKind::dst_acquire:
        ++acquires;
        break;
      case EventKind::dst_commit:
        ++commits;
        break;
      case EventKind::dst_wait:
        stretch.commits_needed = std::max(stretch.commits_needed, -(--commits));
        break;
      case EventKind::dst_release:
        stretch.acquires_needed = std::max(stretch.acquires_needed, -(--acquires));
        break;
      default:
        break;
    }
  }
  return stretch;
}

}  // namespace

std::uint32_t setup_of(const events::Matmul& event) { return number(event); }

ComputeSteps::Block ComputeSteps::of(std::span<const Event> block) {
  const auto known = blocks_.find(block.data());
  if (known != blocks_.end()) return known->second;
  auto made = std::make_shared<ComputeBlock>();
  made->steps.reserve(block.size());
  for (const Event& event : block) {
    Making making(costs_, event);
    events::visit(event, making);
    made->steps.push_back(making.step());
  }
  find_stretches(*made);
  if (kept_ + block.size() > most_steps) {
    blocks_.clear();  // who is at one of them holds it
    kept_ = 0;
  }
  kept_ += block.size();
  blocks_.emplace(block.data(), made);
  return made;
}

/// A stretch ends where the kernel may wait for another RISC: for pages that this block does not push, or for room that it
/// does not make. What others bring in comes at times that hardly ever repeat.
void ComputeSteps::find_stretches(ComputeBlock& block) {
  constexpr std::size_t shortest = 16;  // a look-up takes as long as some ten steps
  const Cuts cuts(block.steps);
  for (std::size_t first = 0; first < block.steps.size();) {
    std::size_t last = first;
    while (last < block.steps.size() && !cuts.at(block.steps[last])) ++last;
    if (last - first >= shortest) {
      block.steps[first].stretch = count_of<std::uint32_t>(block.stretches);
      block.stretches.push_back(stretch_of({block.steps.data() + first, last - first}));
    }
    first = last + 1;
  }
}

void ComputeCursor::enter() {
  block_ = number_ < sequence_->block_count() ? steps_->of(sequence_->block(number_)) : nullptr;
  at_ = block_ ? block_->steps.data() : nullptr;
  end_ = block_ ? at_ + block_->steps.size() : nullptr;
}

}  // namespace tilegrid::timing
