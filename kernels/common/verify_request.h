// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace tilegrid {

/// How much of an output is compared with the reference.
enum class VerifyMode : std::uint8_t { choose, off, sample, full };
struct VerifyRequest {
  VerifyMode mode = VerifyMode::choose;
  std::uint64_t sample_rows = 256;
  /// Replaces `choose`, by full for at most `limit` multiply-adds of the reference, and a sample of all rows by full.
  [[nodiscard]] VerifyRequest resolved(double work, double limit, double rows) const;
};
/// Rows of a flat order of `total` that a sample of `count` takes: evenly spread, the middle one of each stretch.
[[nodiscard]] std::vector<std::uint64_t> sample_rows(std::uint64_t count, std::uint64_t total);

}  // namespace tilegrid
