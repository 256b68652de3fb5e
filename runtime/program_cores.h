// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "kernels/api/context.h"
#include "kernels/metalium/foreign_kernel.h"
#include "noc/node.h"
#include "runtime/protocol.h"

namespace tilegrid {

/// The cores of a rank in one program: how they start, and what they leave behind.
class ProgramCores {
 public:
  ProgramCores(noc::Node& node, const LaunchCommand& launch) : node_(node), launch_(launch) {}

  /// Circular buffers, semaphores, units, logs and checks as the program says, then a fiber for every kernel.
  void start();
  /// The cores' part of the result, once the program has ended: counters, findings, logs, and who is blocked after a
  /// deadlock. Logs are moved out.
  void collect(EndReason reason, RankResult& result);
  /// Tile multiplications so far.
  [[nodiscard]] std::uint64_t products() const;
  /// Where the cores stand now.
  [[nodiscard]] std::vector<BlockedReport> look() const;
  /// What kernels have printed, by core and RISC.
  [[nodiscard]] const std::vector<std::unique_ptr<Printout>>& printouts() const { return printouts_; }

 private:
  void set_up(Core& core);
  void set_up_checks(Core& core);
  void start_kernels(Core& core);
  [[nodiscard]] std::unique_ptr<KernelContext> context_of(Core& core, const KernelConfig& config);
  /// Findings that only the end of a program shows: semaphores that are not as they were, and waits that nothing can end
  /// any more, for one value of a semaphore that holds more.
  void check_semaphores(Core& core);
  void check_blocked_waits();
  /// Of kernels that are not at their end when the program is.
  void check_stopped_kernels();
  void collect_output(RankResult& result);

  noc::Node& node_;
  const LaunchCommand& launch_;
  Rehearsals rehearsals_;  ///< of dry runs
  ScopeNames scopes_;
  std::vector<std::unique_ptr<Printout>> printouts_;
  std::vector<std::unique_ptr<KernelContext>> contexts_;
  std::vector<std::unique_ptr<ForeignKernel>> foreign_;                     ///< of contexts of kernels from files
  std::shared_ptr<EventStore> log_store_ = std::make_shared<EventStore>();  ///< of all cores: they repeat each other
};

}  // namespace tilegrid
