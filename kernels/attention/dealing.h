// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/attention/config.h"

namespace tilegrid::attention {

[[nodiscard]] constexpr int ceil_div(int a, int b) { return a / b + (a % b != 0 ? 1 : 0); }

/// The flat order of all Q chunks (batch, then head, then chunk) and how its runs go to the cores, in closed form: what
/// split_work lists, and what the choice of chunks needs without a list (attention.md 1.2).
class Dealing {
 public:
  /// Throws std::logic_error when config.q_chunk is not set.
  explicit Dealing(const Config& config);

  [[nodiscard]] int chunks_per_head() const { return chunks_; }
  [[nodiscard]] std::int64_t items() const { return units_ * items_per_unit_; }
  /// Flat position of the first item of a core; the run ends where the next core's begins.
  [[nodiscard]] std::int64_t first_item(int core) const {
    const std::int64_t extra = units_ % cores_;
    return items_per_unit_ * (core * (units_ / cores_) + (core < extra ? core : extra));
  }
  /// Most items of a core; the first core has them.
  [[nodiscard]] std::int64_t most_items() const { return first_item(1); }
  /// Q chunk at a place (0..chunks_per_head()-1) of a head's order.
  [[nodiscard]] int chunk_at(int place) const {
    if (!zigzag_) return place;
    return place % 2 == 0 ? place / 2 : chunks_ - 1 - place / 2;
  }

 private:
  std::int64_t units_ = 0;  ///< pairs or single chunks
  int items_per_unit_ = 1;
  int chunks_ = 0;
  int cores_ = 1;
  bool zigzag_ = false;
};

}  // namespace tilegrid::attention
