// SPDX-License-Identifier: Apache-2.0
// Small types of the vendor's standard library: a vector for a few elements, strong types, visitors made of functions.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace ttsl {

/// Keeps no elements within itself here: that only saves an allocation.
template <class T, std::size_t = 8>
class SmallVector : public std::vector<T> {
 public:
  using std::vector<T>::vector;
  SmallVector(std::vector<T> values) : std::vector<T>(std::move(values)) {}
};

/// A value that mixes with no other kind of the same type.
template <class T, class Tag>
class StrongType {
 public:
  using value_type = T;
  constexpr explicit StrongType(T value) : value_(std::move(value)) {}
  constexpr const T& operator*() const { return value_; }
  [[nodiscard]] constexpr const T& get() const { return value_; }
  friend auto operator<=>(const StrongType&, const StrongType&) = default;

 private:
  T value_;
};

template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

}  // namespace ttsl

namespace tt::stl {
using ttsl::overloaded;
using ttsl::SmallVector;
using ttsl::StrongType;
}  // namespace tt::stl

template <class T, class Tag>
struct std::hash<ttsl::StrongType<T, Tag>> {
  std::size_t operator()(const ttsl::StrongType<T, Tag>& value) const { return std::hash<T>()(*value); }
};
