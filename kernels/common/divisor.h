// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <stdexcept>

namespace tilegrid {

/// a / b, rounded up; a from 0 on, b positive.
[[nodiscard]] constexpr int ceil_div(int a, int b) { return a / b + (a % b != 0 ? 1 : 0); }

/// Largest divisor of `count` that is at most `limit`; both positive.
[[nodiscard]] constexpr int largest_divisor(int count, int limit) {
#ifdef __cpp_exceptions  // kernels from files, which may include this, are compiled without them
  if (count < 1 || limit < 1) throw std::invalid_argument("largest_divisor: count and limit are positive");
#endif
  int divisor = std::min(count, limit);
  while (count % divisor != 0) --divisor;
  return divisor;
}

}  // namespace tilegrid
