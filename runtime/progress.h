// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/stopwatch.h"

namespace tilegrid {

/// One line on standard error that is rewritten as the run goes on and is gone when it ends. Only where somebody can see it:
/// on a terminal, or with TILEGRID_PROGRESS=1 in the environment (mpirun puts a pipe between the ranks and the terminal, so
/// a launcher has to tell). Nothing in the first two seconds.
class Progress {
 public:
  /// `command` begins the line; `expected`: of the whole run, in `unit`.
  Progress(std::string command, std::uint64_t expected, bool wanted, std::string unit = "tile multiplications");
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::uint64_t done);
  void clear();

 private:
  std::string command_;
  std::uint64_t expected_;
  std::string unit_;
  bool visible_;
  std::size_t width_ = 0;  ///< of what stands there now
  Stopwatch watch_;
};

}  // namespace tilegrid
