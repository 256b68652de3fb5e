// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tilegrid {

/// Characters to insert, remove or replace to get from one word to the other: for errors that suggest the nearest name.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);
/// Of `words` the one nearest to `text`; empty when none is near.
[[nodiscard]] std::string nearest_word(const std::string& text, const std::vector<std::string>& words);

}  // namespace tilegrid
