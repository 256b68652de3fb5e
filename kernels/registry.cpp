// SPDX-License-Identifier: Apache-2.0
#include "kernels/registry.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

#include "core/error.h"

namespace tilegrid {
namespace {

// Filled before main() by namespace-scope constants, hence a function-local static.
std::map<std::string, KernelFunction>& kernels() {
  static std::map<std::string, KernelFunction> registered;
  return registered;
}

}  // namespace

std::string register_kernel(const std::string& name, KernelFunction function) {
  const auto [entry, added] = kernels().emplace(name, function);
  if (!added && entry->second != function) {
    throw std::logic_error(fmt::format("two kernels are registered as '{}'", name));
  }
  return name;
}

KernelFunction find_kernel(const std::string& name) {
  const auto found = kernels().find(name);
  if (found == kernels().end()) throw UsageError(fmt::format("no kernel is registered as '{}'", name));
  return found->second;
}

}  // namespace tilegrid
