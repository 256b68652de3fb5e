// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <tt-metalium/buffer.hpp>
#include <vector>

#include "noc/address.h"

namespace tt::tt_metal {

/// Where the pages of a buffer lie. Throws std::runtime_error for shards that do not fit together.
struct BufferMap {
  struct Place {
    tilegrid::noc::Target target;
    std::uint64_t offset = 0;
  };
  explicit BufferMap(const Buffer& buffer);
  /// Of the page that is there in the host's order.
  [[nodiscard]] Place operator()(std::uint64_t page) const;

 private:
  const Buffer& buffer_;
  std::uint64_t page_;  ///< bytes from one page of a bank to the next
  std::uint64_t banks_ = 0;
  std::array<std::uint32_t, 2> shard_{}, tensor_{};  ///< in pages
  std::uint32_t shards_across_ = 0;
  std::vector<CoreCoord> cores_;  ///< of the shards
};

}  // namespace tt::tt_metal
