// SPDX-License-Identifier: Apache-2.0
#include "runtime/metalium/heap.h"

#include <algorithm>
#include <iterator>

namespace tilegrid::metalium {

std::optional<std::uint64_t> Heap::take(std::uint64_t bytes, bool bottom_up) {
  // A buffer of nothing has an address of its own, too.
  const std::uint64_t size = (std::max<std::uint64_t>(bytes, 1) + alignment_ - 1) / alignment_ * alignment_;
  if (size > last_ - first_) return std::nullopt;
  std::optional<std::uint64_t> address;
  if (bottom_up) {
    std::uint64_t gap = first_;
    for (const auto& [begin, length] : used_) {
      if (begin - gap >= size) break;
      gap = begin + length;
    }
    if (gap + size <= last_) address = gap;
  } else {
    std::uint64_t end = last_;
    for (auto used = used_.rbegin(); used != used_.rend(); ++used) {
      if (end - (used->first + used->second) >= size) break;
      end = used->first;
    }
    if (end - first_ >= size) address = (end - size) / alignment_ * alignment_;
  }
  if (address) used_.emplace(*address, size);
  return address;
}

void Heap::give_back(std::uint64_t address) { used_.erase(address); }

std::uint64_t Heap::largest_gap() const {
  std::uint64_t largest = 0;
  std::uint64_t gap = first_;
  for (const auto& [begin, length] : used_) {
    largest = std::max(largest, begin - gap);
    gap = begin + length;
  }
  return std::max(largest, last_ - gap);
}

}  // namespace tilegrid::metalium
