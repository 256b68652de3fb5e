// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <memory>
#include <vector>

#include "kernels/api/printout.h"

namespace tilegrid {

/// What kernels print is handed in when the program is over. While this lives it is not lost when the process ends before
/// that, by SIGINT, SIGTERM or an exception: then it is written to the descriptor as it is, of this rank's kernels.
class PrintRescue {
 public:
  /// `printouts` must outlive it.
  PrintRescue(const std::vector<std::unique_ptr<Printout>>& printouts, int descriptor);
  ~PrintRescue();
  PrintRescue(const PrintRescue&) = delete;
  PrintRescue& operator=(const PrintRescue&) = delete;

 private:
  int exceptions_;
};

/// Writes what the kernels of this rank have printed, once; also from a signal handler that ends the process.
void rescue_output() noexcept;

}  // namespace tilegrid
