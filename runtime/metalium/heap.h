// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace tilegrid::metalium {

/// Addresses of one bank, which all banks share: the first gap that is large enough, from one end on.
class Heap {
 public:
  Heap() = default;
  Heap(std::uint64_t first, std::uint64_t last, std::uint64_t alignment)
      : first_(first), last_(last), alignment_(alignment) {}

  /// None when no gap is large enough.
  [[nodiscard]] std::optional<std::uint64_t> take(std::uint64_t bytes, bool bottom_up);
  void give_back(std::uint64_t address);
  /// Ends of what is in use: `first` and `last` without any.
  [[nodiscard]] std::uint64_t highest() const {
    return used_.empty() ? first_ : used_.rbegin()->first + used_.rbegin()->second;
  }
  [[nodiscard]] std::uint64_t lowest() const { return used_.empty() ? last_ : used_.begin()->first; }
  [[nodiscard]] std::uint64_t first() const { return first_; }
  [[nodiscard]] std::uint64_t last() const { return last_; }
  [[nodiscard]] std::uint64_t largest_gap() const;

 private:
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t alignment_ = 32;
  std::map<std::uint64_t, std::uint64_t> used_;  ///< bytes by address
};

}  // namespace tilegrid::metalium
