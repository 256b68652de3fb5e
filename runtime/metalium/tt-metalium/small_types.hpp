// SPDX-License-Identifier: Apache-2.0
// Small types of the vendor's standard library: a vector for a few elements, strong types, visitors made of functions,
// what runs at a scope's end, what is never destroyed, comparison without case.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <functional>
#include <new>
#include <string_view>
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

/// Runs a function at the end of its scope, unless cancelled.
template <class Function>
class Cleanup {
 public:
  explicit Cleanup(Function function) : function_(std::move(function)) {}
  ~Cleanup() {
    if (wanted_) function_();
  }
  Cleanup(const Cleanup&) = delete;
  Cleanup& operator=(const Cleanup&) = delete;
  void cancel() { wanted_ = false; }

 private:
  Function function_;
  bool wanted_ = true;
};
template <class Function>
[[nodiscard]] Cleanup<Function> make_cleanup(Function function) {
  return Cleanup<Function>(std::move(function));
}

/// A value that lives to the end of the process.
template <class T>
class Indestructible {
 public:
  template <class... Args>
  explicit Indestructible(Args&&... args) {
    new (memory_) T(std::forward<Args>(args)...);
  }
  Indestructible(const Indestructible&) = delete;
  Indestructible& operator=(const Indestructible&) = delete;
  [[nodiscard]] T& get() { return *std::launder(reinterpret_cast<T*>(memory_)); }
  [[nodiscard]] const T& get() const { return *std::launder(reinterpret_cast<const T*>(memory_)); }

 private:
  alignas(T) std::byte memory_[sizeof(T)];
};

[[nodiscard]] inline bool ascii_caseless_comp(std::string_view a, std::string_view b) {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace ttsl

namespace tt::stl {
using ttsl::ascii_caseless_comp;
using ttsl::Indestructible;
using ttsl::make_cleanup;
using ttsl::overloaded;
using ttsl::SmallVector;
using ttsl::StrongType;
}  // namespace tt::stl

/// Aligned as any vector is: writes to the device need no more here.
template <class T>
using vector_aligned = std::vector<T>;
namespace tt::tt_metal {
using ::vector_aligned;
}

template <class T, class Tag>
struct std::hash<ttsl::StrongType<T, Tag>> {
  std::size_t operator()(const ttsl::StrongType<T, Tag>& value) const { return std::hash<T>()(*value); }
};
