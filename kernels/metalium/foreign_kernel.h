// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "kernels/api/context.h"
#include "kernels/metalium/include/tilegrid/interface.h"

namespace tilegrid {

/// What the packer's processor has still to do.
///
/// On silicon a compute kernel is three programs: UNPACK, MATH and PACK each run the same source and wait for each other at
/// buffers and DST only. Here it is one fiber. Kernels that keep the order acquire, compute, commit, wait, pack, release run
/// as they are written. But many ask for DST, or for room in a buffer, before PACK could have it: PACK alone would wait
/// there. Such a call, and all calls of PACK behind it, are kept in order here and done as soon as they can be, while UNPACK
/// and MATH go on.
class PackQueue {
 public:
  explicit PackQueue(KernelContext& kernel) : kernel_(kernel) {}

  /// Does it now or keeps it. `cb`, `pages`: needs so much room there.
  void reserve(std::uint32_t cb, std::uint32_t pages, const api::Here& at);
  /// tile_regs_wait: needs a committed section.
  void wait(const api::Here& at);
  template <class Run>
  void submit(Run run, const api::Here& at) {
    drain();
    if (!steps_.empty()) return add({.run = std::move(run), .at = at});
    // The rule: nothing is kept, and nothing is allocated.
    const api::Here before = std::exchange(kernel_.where, at);
    run();
    kernel_.where = before;
  }

  /// Output, which comes behind what is kept. Nothing else is done for it, so that the log is the same without.
  template <class Print>
  void print(const Print& print) {
    if (steps_.empty()) return print();
    steps_.push_back({.run = print});
  }

  /// Does what can be done.
  void drain() {
    if (!steps_.empty()) drain_steps();
  }
  [[nodiscard]] bool empty() const { return steps_.empty(); }
  /// The buffer for which the first step needs room; null when it waits for DST.
  [[nodiscard]] CircularBuffer* full_buffer() const;
  /// Blocks until all steps are done; faults "dst-order" when one waits for DST that nobody will commit.
  void finish();
  /// Blocks, with DST or a buffer's room as the reason, until the first step is done.
  void block_for_first();

 private:
  void drain_steps();
  enum class Kind : std::uint8_t { reserve, wait, other };
  struct Step {
    Kind kind = Kind::other;
    std::uint32_t cb = 0;
    std::uint32_t pages = 0;
    std::function<void()> run{};
    api::Here at{};
  };
  [[nodiscard]] bool can_run(const Step& step) const;
  void run(const Step& step);
  void add(Step step);

  KernelContext& kernel_;
  std::deque<Step> steps_;
};

/// Words on their way between the processors of a core. The three of the compute kernel are one fiber here, so there is one
/// box for them, with the room of three.
struct Mailboxes {
  static constexpr std::size_t room = 4;  ///< words that a processor's box holds on silicon; who finds it full waits
  std::deque<std::uint32_t> to_compute, to_brisc, within_compute;
};

/// Of a kernel from a file, beside its context: what keeps its calls in order, and what its
/// configuration calls have set for later ones.
struct ForeignKernel {
  ForeignKernel(KernelContext& of, tilegrid_device::Meter& of_object, std::shared_ptr<Mailboxes> of_core)
      : kernel(of), meter(of_object), mailboxes(std::move(of_core)), packs(of) {}
  KernelContext& kernel;
  tilegrid_device::Meter& meter;
  std::shared_ptr<Mailboxes> mailboxes;  ///< of the core
  PackQueue packs;
  float exp_scale = 1.0F;            ///< of the fast exponential
  bool transpose = false;            ///< of the matmul that was configured last
  bool signalled = false;            ///< semaphores of others, in this launch
  bool looked = false;               ///< at the meter since the last call
  bool progressed = true;            ///< since it last gave way in a loop that waits
  std::uint64_t counted = 0;         ///< blocks since the last call, before those that the meter counts
  std::uint64_t changed_at = 0;      ///< of those: where a comparison last saw other values
  std::uint64_t ticks = 0;           ///< of the clock that it may look at
  std::uint32_t cb_a = 0, cb_b = 0;  ///< that the unpackers were configured for last
  const void* spins_at = nullptr;    ///< code that looks at memory again and again; null: none
};

namespace metalium {

/// The functions that a kernel's object is given.
[[nodiscard]] const tilegrid_device::Interface& interface();
/// To be called in the kernel's fiber before and after its code.
void begin(ForeignKernel& kernel);
void finish(ForeignKernel& kernel);

}  // namespace metalium
}  // namespace tilegrid
