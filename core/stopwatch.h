// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace tilegrid {

/// Host time since it was made. For what a report says of the host, never for a result.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace tilegrid
