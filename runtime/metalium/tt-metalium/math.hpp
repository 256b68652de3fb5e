// SPDX-License-Identifier: Apache-2.0
// Division and rounding of sizes; hashes and enumerations as numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>

namespace tt {

template <class A, class B>
[[nodiscard]] constexpr std::common_type_t<A, B> div_up(A a, B b) {
  return (a + b - 1) / b;
}
template <class A, class B>
[[nodiscard]] constexpr std::common_type_t<A, B> round_up(A a, B b) {
  return b * div_up(a, b);
}
template <class A, class B>
[[nodiscard]] constexpr std::common_type_t<A, B> round_down(A a, B b) {
  return b * (a / b);
}
template <class A, class B>
[[nodiscard]] constexpr std::common_type_t<A, B> align(A a, B b) {
  return round_up(a, b);
}

namespace utils {

template <class T>
void hash_combine(std::size_t& seed, const T& value) {
  constexpr std::size_t golden_ratio = 0x9e3779b9;
  seed ^= std::hash<T>()(value) + golden_ratio + (seed << 6U) + (seed >> 2U);
}
template <class E>
requires std::is_enum_v<E>
[[nodiscard]] constexpr auto underlying_type(E value) { return static_cast<std::underlying_type_t<E>>(value); }

}  // namespace utils

}  // namespace tt

namespace tt::tt_metal {
using tt::align;
}
