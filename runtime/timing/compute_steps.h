// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/events/event_log.h"
#include "runtime/timing/costs.h"
#include "runtime/timing/stretch.h"

namespace tilegrid::timing {

/// An event of a compute kernel, with what is known of its cost before it happens.
struct ComputeStep {
  enum class Kind : std::uint8_t { operands, vector, pack, other };
  const Event* event = nullptr;
  OperandSteps operands;        ///< of its kind; of a vector operation and of pack `math` is all of it
  double tiles = 0;             ///< tile products
  double tile_phases = 0;       ///< times the phases of the fidelity
  std::uint32_t setup = 0;      ///< a number for what the unit must be initialised for
  std::uint16_t operation = 0;  ///< namespace operations
  Kind kind = Kind::other;
  static constexpr std::uint32_t none = 0xFFFF'FFFF;
  std::uint32_t stretch = none;  ///< number of the stretch that begins here
};

inline constexpr std::uint32_t no_setup = 0;
[[nodiscard]] std::uint32_t setup_of(const events::Matmul& event);

/// A block of a log as steps, with what is remembered of its stretches.
struct ComputeBlock {
  std::vector<ComputeStep> steps;
  std::vector<Stretch> stretches;
};

/// The blocks of a launch's compute kernels as steps. Cores repeat each other's blocks, and their own: each is worked out
/// once.
class ComputeSteps {
 public:
  using Block = std::shared_ptr<ComputeBlock>;
  explicit ComputeSteps(const Costs& costs) : costs_(costs) {}
  /// The events have to stay where they are.
  [[nodiscard]] Block of(std::span<const Event> block);

 private:
  /// Steps that are kept; a log without repetitions would otherwise be there twice.
  static constexpr std::size_t most_steps = std::size_t{1} << 20U;

  static void find_stretches(ComputeBlock& block);

  const Costs& costs_;
  std::unordered_map<const Event*, Block> blocks_;
  std::size_t kept_ = 0;
};

/// A place in the sequence of a compute kernel.
class ComputeCursor {
 public:
  ComputeCursor(ComputeSteps& steps, const EventSequence& sequence) : steps_(&steps), sequence_(&sequence) { enter(); }
  [[nodiscard]] bool done() const { return at_ == end_; }
  [[nodiscard]] const ComputeStep& step() const { return *at_; }
  void next() {
    if (++at_ != end_) return;
    ++number_;
    enter();
  }
  /// Keeps a step's stretch where it is while the cursor goes on.
  [[nodiscard]] const ComputeSteps::Block& block() const { return block_; }
  /// To the end of a stretch that begins at this step.
  void pass(const Stretch& stretch) {
    at_ += stretch.steps() - 1;
    next();
  }

 private:
  void enter();

  ComputeSteps* steps_;
  const EventSequence* sequence_;
  std::size_t number_ = 0;  ///< of the block
  ComputeSteps::Block block_;
  const ComputeStep* at_ = nullptr;
  const ComputeStep* end_ = nullptr;
};

}  // namespace tilegrid::timing
