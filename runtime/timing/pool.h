// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace tilegrid::timing {

/// Objects by number. take() hands out the number that was given back last, with the value that it had, since its memory is
/// still in the cache. References are good until the next take().
template <class T>
class Pool {
 public:
  std::uint32_t take() {
    if (free_.empty()) {
      items_.emplace_back();
      return static_cast<std::uint32_t>(items_.size() - 1);
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  void give_back(std::uint32_t number) { free_.push_back(number); }
  [[nodiscard]] T& operator[](std::uint32_t number) { return items_[number]; }
  [[nodiscard]] const T& operator[](std::uint32_t number) const { return items_[number]; }

 private:
  std::vector<T> items_;
  std::vector<std::uint32_t> free_;
};

}  // namespace tilegrid::timing
