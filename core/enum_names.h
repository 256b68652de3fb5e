// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tilegrid {

/// The values of an enum (or of a bool) with their names, in the order of --help: what parses, prints and goes to JSON.
template <class E>
class EnumNames {
 public:
  /// The name comes first; several names may have one value, the first of them is printed.
  EnumNames(std::initializer_list<std::pair<std::string_view, E>> entries) : entries_(entries) {}
  /// Names that name_of() has.
  template <class NameOf>
  EnumNames(std::initializer_list<E> values, const NameOf& name) {
    for (const E value : values) entries_.emplace_back(name(value), value);
  }

  [[nodiscard]] std::string_view of(E value) const {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.second == value; });
    return found != entries_.end() ? found->first : "?";
  }
  [[nodiscard]] std::optional<E> find(std::string_view name) const {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == name; });
    if (found == entries_.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, value] : entries_) all.emplace_back(name);
    return all;
  }

 private:
  std::vector<std::pair<std::string_view, E>> entries_;
};

}  // namespace tilegrid
