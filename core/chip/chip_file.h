// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/chip/chip.h"

namespace tilegrid {

/// Between a chip and the text of its file.
class ChipFile {
 public:
  [[nodiscard]] static Chip read(const std::string& text, const std::string& where);
  [[nodiscard]] static std::string text_of(const Chip& chip);

  /// Throws UsageError, with the nearest name, for one that no chip has.
  static void require_known(const std::string& where, const std::string& name);
  /// Throws UsageError for a value that a memory or a cycle can't have.
  static void check_value(const std::string& where, const std::string& name, double value);
};

}  // namespace tilegrid
