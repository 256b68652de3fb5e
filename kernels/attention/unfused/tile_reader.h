// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/dataflow.h"

namespace tilegrid::unfused {

/// Reads tiles with a barrier every `batch` of them, which limits what is in flight (attention.md 1.1).
class TileReader {
 public:
  explicit TileReader(std::uint32_t batch) : batch_(batch) {}

  void read(std::uint32_t page, const api::InterleavedAddrGen& tensor, std::uint32_t l1_address) {
    api::noc_async_read_page(page, tensor, l1_address);
    if (++in_flight_ == batch_) barrier();
  }
  void barrier() {
    if (in_flight_ == 0) return;
    api::noc_async_read_barrier();
    in_flight_ = 0;
  }

 private:
  std::uint32_t batch_;
  std::uint32_t in_flight_ = 0;
};

}  // namespace tilegrid::unfused
