// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/types/string.hpp>
#include <cstdint>
#include <string>

#include "core/ids.h"

namespace tilegrid {

/// What becomes of numbers without a word from the hardware, or with a sticky bit alone (tensix.md 2.3).
enum class NumberEvent : std::uint8_t {
  infinity,      ///< a result is infinite where what stood there, or went in, was not
  nan,           ///< the same for NaN; the packer makes infinities of them
  denormal,      ///< an operand or a packed value other than zero that counts as zero
  saturation,    ///< a value is packed as the largest one that its format has
  stopped_sum,   ///< a sum that stays as it was, although what was added has its sign
  negative_exp,  ///< a negative exponential: of an input below what the unclamped fast one can do
};
template <>
inline constexpr int enum_size<NumberEvent> = count_to(NumberEvent::negative_exp);
[[nodiscard]] const char* name_of(NumberEvent event);

/// An element of a tile.
struct NumberPlace {
  int cb = -1;             ///< circular buffer; -1: DST
  std::uint32_t tile = 0;  ///< of the buffer's pages as the call counts them, or a slot of DST
  int row = 0, column = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cb, tile, row, column);
  }
};

/// How often something became of the numbers of an operation on one core.
struct NumberRecord {
  std::string operation;  ///< call of the kernel API
  NumberEvent event = NumberEvent::infinity;
  std::uint64_t count = 0;  ///< elements
  NumberPlace first;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(operation, event, count, first);
  }
};

}  // namespace tilegrid
