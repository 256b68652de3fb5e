// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tilegrid::page {

/// The page as it is when nothing has run: what stands before and after its data, which are JSON in a script element.
[[nodiscard]] std::string_view before_data();
[[nodiscard]] std::string_view after_data();

}  // namespace tilegrid::page
