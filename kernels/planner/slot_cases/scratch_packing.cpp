// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <string_view>

#include "kernels/planner/slot_cases/subblock_tables.h"

namespace tilegrid::planner {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

/// "s9" before "s10".
bool before_by_name(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (!digit(a[0]) || !digit(b[0])) {
      if (a[0] != b[0]) return a[0] < b[0];
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    const auto number = [](std::string_view& text) {
      text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
      const std::string_view digits = text.substr(0, std::find_if_not(text.begin(), text.end(), digit) - text.begin());
      text.remove_prefix(digits.size());
      return digits;
    };
    const std::string_view left = number(a);
    const std::string_view right = number(b);
    if (left.size() != right.size()) return left.size() < right.size();
    if (left != right) return left < right;
  }
  return a.size() < b.size();
}

}  // namespace

ScratchPacking pack_scratch(const std::vector<ScratchSlot>& slots) {
  std::vector<std::size_t> order(slots.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (slots[a].size != slots[b].size) return slots[a].size > slots[b].size;
    return before_by_name(slots[a].name, slots[b].name);
  });
  ScratchPacking packing{.offsets = std::vector<int>(slots.size(), 0)};
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const ScratchSlot& slot = slots[index];
    int offset = 0;
    for (const std::size_t other : placed) {
      const bool together = slots[other].first <= slot.last && slot.first <= slots[other].last;
      const int begin = packing.offsets[other];
      if (!together || begin >= offset + slot.size) continue;
      offset = std::max(offset, begin + slots[other].size);
    }
    packing.offsets[index] = offset;
    packing.peak = std::max(packing.peak, offset + slot.size);
    placed.push_back(index);
    std::sort(placed.begin(), placed.end(),
              [&](std::size_t a, std::size_t b) { return packing.offsets[a] < packing.offsets[b]; });
  }
  return packing;
}

}  // namespace tilegrid::planner
