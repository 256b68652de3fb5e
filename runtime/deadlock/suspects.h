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

/// Kernels wait for something that nobody can do any more: those that could end the wait have finished, or there are none.
struct Suspicion {
  KernelGroup waiting;
  std::string object;  ///< e.g. "semaphore 0"
  std::string never;   ///< "pushed by another kernel", if nobody ever did; else empty
  std::vector<KernelGroup> finished;
};

/// In order of the first waiting core.
[[nodiscard]] std::vector<Suspicion> suspicions_of(const WaitGraph& graph);
[[nodiscard]] std::string suspicion_text(const Suspicion& suspicion, GridSize grid);

}  // namespace tilegrid
