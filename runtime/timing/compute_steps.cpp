// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/compute_steps.h"

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
    step_.operands = costs_.operand_steps(call);
    name(call);
  }
  template <class Operation>
  void name(const Operation& call) {
    step_.operation = static_cast<std::uint16_t>(operations::number_of(call));
  }

  const Costs& costs_;
  ComputeStep step_;
};

}  // namespace

std::uint32_t setup_of(const events::Matmul& event) { return number(event); }

ComputeSteps::Block ComputeSteps::of(std::span<const Event> block) {
  const auto known = blocks_.find(block.data());
  if (known != blocks_.end()) return known->second;
  auto steps = std::make_shared<std::vector<ComputeStep>>();
  steps->reserve(block.size());
  for (const Event& event : block) {
    Making making(costs_, event);
    events::visit(event, making);
    steps->push_back(making.step());
  }
  if (kept_ + block.size() > most_steps) {
    blocks_.clear();  // who is at one of them holds it
    kept_ = 0;
  }
  kept_ += block.size();
  blocks_.emplace(block.data(), steps);
  return steps;
}

void ComputeCursor::enter() {
  block_ = number_ < sequence_->block_count() ? steps_->of(sequence_->block(number_)) : nullptr;
  at_ = block_ ? block_->data() : nullptr;
  end_ = block_ ? at_ + block_->size() : nullptr;
}

}  // namespace tilegrid::timing
