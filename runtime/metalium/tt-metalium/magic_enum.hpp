// SPDX-License-Identifier: Apache-2.0
// Names and values of enumerations, as far as programs for TT-Metalium ask a library for them.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace magic_enum {

namespace detail {

/// What the compiler calls the value: its name, or a number in a cast for a value that is none of the enumeration's.
template <auto value>
constexpr std::string_view pretty_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text = text.substr(text.find("value = ") + 8);
  text = text.substr(0, text.find_first_of(";]"));
  if (text.empty() || text.front() == '(') return {};
  const std::size_t colon = text.rfind(':');
  return colon == std::string_view::npos ? text : text.substr(colon + 1);
}

template <class E>
inline constexpr int first_value = std::is_signed_v<std::underlying_type_t<E>> ? -8 : 0;
inline constexpr int last_value = 127;

template <class E, int... offsets>
constexpr auto all_names(std::integer_sequence<int, offsets...>) {
  return std::array<std::string_view, sizeof...(offsets)>{pretty_name<static_cast<E>(first_value<E> + offsets)>()...};
}
template <class E>
inline constexpr auto names = all_names<E>(std::make_integer_sequence<int, last_value - first_value<E> + 1>());

template <class E>
constexpr std::size_t count() {
  std::size_t found = 0;
  for (const std::string_view name : names<E>) found += name.empty() ? 0 : 1;
  return found;
}

}  // namespace detail

template <class E>
constexpr std::size_t enum_count() {
  return detail::count<E>();
}

template <class E>
constexpr std::array<E, detail::count<E>()> enum_values() {
  std::array<E, detail::count<E>()> values{};
  std::size_t next = 0;
  for (std::size_t i = 0; i < detail::names<E>.size(); ++i) {
    if (!detail::names<E>[i].empty()) values[next++] = static_cast<E>(static_cast<int>(i) + detail::first_value<E>);
  }
  return values;
}

template <class E>
constexpr std::string_view enum_name(E value) {
  const int at = static_cast<int>(value) - detail::first_value<E>;
  if (at < 0 || at >= static_cast<int>(detail::names<E>.size())) return {};
  return detail::names<E>[static_cast<std::size_t>(at)];
}

}  // namespace magic_enum
