// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/verify_request.h"

#include <algorithm>

namespace tilegrid {

VerifyRequest VerifyRequest::resolved(double work, double limit, double rows) const {
  VerifyRequest request = *this;
  if (mode == VerifyMode::choose) request.mode = work <= limit ? VerifyMode::full : VerifyMode::sample;
  if (request.mode == VerifyMode::sample && static_cast<double>(sample_rows) >= rows) request.mode = VerifyMode::full;
  return request;
}

std::vector<std::uint64_t> sample_rows(std::uint64_t count, std::uint64_t total) {
  count = std::min(count, total);
  std::vector<std::uint64_t> rows;
  rows.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    // Whole steps and the remainder apart, so that nothing overflows.
    const std::uint64_t step = total / count;
    const std::uint64_t rest = total % count;
    rows.push_back(i * step + i * rest / count + step / 2);
  }
  return rows;
}

}  // namespace tilegrid
