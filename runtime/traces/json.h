// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tilegrid::traces {

/// The text with quotes, as JSON wants it.
[[nodiscard]] inline std::string json_text(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20U) {
      out += "\\u00";
      (out += digits[byte >> 4U]) += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  return out += '"';
}

}  // namespace tilegrid::traces
