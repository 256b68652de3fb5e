// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cereal/types/array.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/types.h"

namespace tilegrid {

/// A line of a kernel's source. std::source_location would do, but clang 14, whose clang-tidy we use, lacks it.
struct SourceLine {
  const char* file = "";
  unsigned line = 0;
  [[nodiscard]] static constexpr SourceLine current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

/// Source lines of a core's events, for findings in the logs. Only events that move data or order it (moves_or_orders) have
/// one; number(risc, i) is that of the i-th of these in the RISC's sequence. Two bytes an event.
class EventLines {
 public:
  /// From now on add() takes the RISC's line from `where`, which the kernel API keeps up to date.
  void follow(Risc risc, const SourceLine* where) { where_[risc] = where; }
  void add(Risc risc) {
    const SourceLine* where = where_[risc];
    if (where == nullptr) return;
    if (where->line != last_.line || where->file != last_.file) last_number_ = number_of(*where);
    numbers_[risc].push_back(last_number_);
  }
  void clear() { *this = {}; }

  struct Line {
    std::string file;
    std::uint32_t line = 0;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(file, line);
    }
  };
  /// Number of the line of event `index`, which also names it: lines()[number].
  [[nodiscard]] std::uint16_t number(Risc risc, std::size_t index) const { return numbers_[risc].at(index); }
  [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(lines_, numbers_);
  }

 private:
  std::uint16_t number_of(const SourceLine& where);

  EnumArray<Risc, const SourceLine*> where_{};
  SourceLine last_;
  std::uint16_t last_number_ = 0;
  std::vector<Line> lines_;
  std::vector<const char*> files_;  ///< of lines_, to find them by address
  EnumArray<Risc, std::vector<std::uint16_t>> numbers_;
};

}  // namespace tilegrid
