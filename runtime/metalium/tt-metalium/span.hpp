// SPDX-License-Identifier: Apache-2.0
// The vendor's name for a span, which can be made of a list in braces and of a temporary, too.
#pragma once

#include <initializer_list>
#include <span>
#include <type_traits>
#include <vector>

namespace ttsl {

template <class T>
class Span : public std::span<T> {
 public:
  using std::span<T>::span;
  Span(std::span<T> other) : std::span<T>(other) {}
  Span(std::initializer_list<std::remove_const_t<T>> list) requires std::is_const_v<T>
      : std::span<T>(list.begin(), list.size()) {}
};

template <class T>
[[nodiscard]] Span<const T> make_const_span(const std::vector<T>& values) {
  return Span<const T>(values);
}
template <class T>
[[nodiscard]] Span<T> make_span(std::vector<T>& values) {
  return Span<T>(values);
}

}  // namespace ttsl

namespace tt::stl {
using ttsl::make_const_span;
using ttsl::make_span;
using ttsl::Span;
}  // namespace tt::stl
namespace stl = tt::stl;
namespace tt {
namespace ttsl = ::ttsl;
}
