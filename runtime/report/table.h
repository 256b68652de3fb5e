// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/types.h"

namespace tilegrid::report {

/// A table of text: columns of fixed width, aligned to the right unless the width is negative. What is wider than its column
/// pushes the others on.
class Table {
 public:
  struct Column {
    std::string title;
    int width = 0;  ///< negative: aligned to the left; 0: as it is
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// The titles, and what follows them on the line.
  [[nodiscard]] std::string head(const std::string& after = {}) const;
  /// A line; there may be fewer cells than columns.
  [[nodiscard]] std::string row(const std::vector<std::string>& cells, const std::string& after = {}) const;

 private:
  std::vector<Column> columns_;
};

/// Words on lines of at most `width` characters that begin with `indent`. `mark` follows each word but the last, and
/// `between` each but the last of a line.
[[nodiscard]] std::string wrapped(const std::vector<std::string>& words, const std::string& mark, const std::string& between,
                                  const std::string& indent, std::size_t width);
/// A count with commas between thousands.
[[nodiscard]] std::string grouped(std::uint64_t value);
[[nodiscard]] std::string grouped(double value);
/// "12.3 KiB"
[[nodiscard]] std::string bytes_text(double bytes);
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// "12.34 us", "0.415 ms"
[[nodiscard]] std::string duration_text(double seconds);
/// "12.3%" of a whole.
[[nodiscard]] std::string percent(double part, double whole = 1);
/// "8x10"
[[nodiscard]] std::string text_of(GridSize grid);

}  // namespace tilegrid::report
