// SPDX-License-Identifier: Apache-2.0
// Formatting of containers, optional values, variants and enumerations by fmt.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fmt/std.h>

#include <string_view>
#include <tt-metalium/magic_enum.hpp>
#include <type_traits>

/// Scoped enumerations by the names of their values.
template <class E>
requires(std::is_enum_v<E> && !std::is_convertible_v<E, int>) struct fmt::formatter<E> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(E value, Context& context) const {
    return fmt::formatter<std::string_view>::format(magic_enum::enum_name(value), context);
  }
};
