// SPDX-License-Identifier: Apache-2.0
#include "runtime/task.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

#include "core/error.h"

namespace tilegrid {
namespace {

std::map<std::string, TaskFunction>& tasks() {
  static std::map<std::string, TaskFunction> registered;
  return registered;
}

}  // namespace

std::string register_task(const std::string& name, TaskFunction function) {
  const auto [entry, added] = tasks().emplace(name, function);
  if (!added && entry->second != function) throw std::logic_error(fmt::format("two tasks are registered as '{}'", name));
  return name;
}

TaskFunction find_task(const std::string& name) {
  const auto found = tasks().find(name);
  if (found == tasks().end()) throw UsageError(fmt::format("no task is registered as '{}'", name));
  return found->second;
}

}  // namespace tilegrid
