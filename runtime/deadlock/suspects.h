// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/types.h"
#include "runtime/deadlock/wait_graph.h"

namespace tilegrid {

/// Equal kernels of several cores.
struct KernelGroup {
  Risc risc = Risc::trisc;
  std::string name;
  std::vector<int> cores;  ///< in order
};

/// Kernels wait, and none of those whose part it is can do it: they have finished, or there are none.
struct Suspicion {
  KernelGroup waiting;
  std::string object;  ///< e.g. "semaphore 0"
  std::string never;   ///< what nobody has done to it, empty when the finished ones have: "pushed", ...
  std::vector<KernelGroup> finished;
};

/// In order of the first waiting core.
[[nodiscard]] std::vector<Suspicion> suspicions_of(const WaitGraph& graph);
[[nodiscard]] std::string suspicion_text(const Suspicion& suspicion, GridSize grid);

}  // namespace tilegrid
