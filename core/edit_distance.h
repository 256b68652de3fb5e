// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace tilegrid {

/// Characters to insert, remove or replace to get from one word to the other: for errors that suggest the nearest name.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace tilegrid
