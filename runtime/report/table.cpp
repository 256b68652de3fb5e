// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/table.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace tilegrid::report {

std::string Table::head(const std::string& after) const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  return row(titles, after);
}

std::string Table::row(const std::vector<std::string>& cells, const std::string& after) const {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const int width = columns_.at(i).width;
    line += width < 0 ? fmt::format("{:<{}}", cells[i], -width) : fmt::format("{:>{}}", cells[i], width);
  }
  return line + after + "\n";
}

std::string wrapped(const std::vector<std::string>& words, const std::string& mark, const std::string& between,
                    const std::string& indent, std::size_t width) {
  std::string text, line = indent;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i] + (i + 1 < words.size() ? mark : "");
    if (i > 0 && line.size() + between.size() + word.size() > width) {
      text += line + "\n";
      line = indent + word;
    } else {
      line += (i > 0 ? between : "") + word;
    }
  }
  return text + line;
}

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}
std::string grouped(double value) { return grouped(static_cast<std::uint64_t>(std::llround(value))); }

std::string bytes_text(double bytes) {
  if (bytes < 10 * 1024) return fmt::format("{:.0f} B", bytes);
  if (bytes < 10 * 1024 * 1024) return fmt::format("{:.1f} KiB", bytes / 1024);
  return fmt::format("{:.1f} MiB", bytes / (1024 * 1024));
}

std::string bytes_text(std::uint64_t bytes) { return bytes_text(static_cast<double>(bytes)); }

std::string duration_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.2f} us", seconds * 1e6);
  return fmt::format("{:.4g} ms", seconds * 1e3);
}

std::string percent(double part, double whole) { return fmt::format("{:.1f}%", whole > 0 ? 100 * part / whole : 0); }

std::string text_of(GridSize grid) { return fmt::format("{}x{}", grid.x, grid.y); }

}  // namespace tilegrid::report
