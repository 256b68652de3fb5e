// SPDX-License-Identifier: Apache-2.0
#include "core/events/event_lines.h"

#include <limits>

namespace tilegrid {

std::uint16_t EventLines::number_of(const SourceLine& where) {
  last_ = where;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i] == where.file && lines_[i].line == where.line) return static_cast<std::uint16_t>(i);
  }
  if (lines_.size() >= std::numeric_limits<std::uint16_t>::max()) return static_cast<std::uint16_t>(lines_.size() - 1);
  lines_.push_back({where.file, where.line});
  files_.push_back(where.file);
  return static_cast<std::uint16_t>(lines_.size() - 1);
}

}  // namespace tilegrid
