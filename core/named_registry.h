// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <stdexcept>
#include <string>

#include "core/error.h"

namespace tilegrid {

/// Functions by name: how ranks that run the same binary agree on what a message calls for. Filled before main() by
/// namespace-scope constants, so that its users hold it in a function-local static.
template <class Function>
class NamedRegistry {
 public:
  /// `kind` is for messages: "kernel", "task".
  explicit NamedRegistry(std::string kind) : kind_(std::move(kind)) {}

  /// Returns the name. Throws std::logic_error when the name is taken by another function.
  std::string add(const std::string& name, Function function) {
    const auto [entry, added] = functions_.emplace(name, function);
    if (!added && entry->second != function)
      throw std::logic_error("two functions are registered as " + kind_ + " '" + name + "'");
    return name;
  }
  /// Throws UsageError when nothing has this name.
  [[nodiscard]] Function find(const std::string& name) const {
    const auto found = functions_.find(name);
    if (found == functions_.end()) throw UsageError("no " + kind_ + " is registered as '" + name + "'");
    return found->second;
  }

 private:
  std::string kind_;
  std::map<std::string, Function> functions_;
};

}  // namespace tilegrid
