// SPDX-License-Identifier: Apache-2.0
// Division and rounding of sizes.
#pragma once

#include <cstdint>
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

}  // namespace tt

namespace tt::tt_metal {
using tt::align;
}
