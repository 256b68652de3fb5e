// SPDX-License-Identifier: Apache-2.0
#include "runtime/task.h"

#include "core/named_registry.h"

namespace tilegrid {
namespace {

NamedRegistry<TaskFunction>& tasks() {
  static NamedRegistry<TaskFunction> registry("task");
  return registry;
}

}  // namespace

std::string register_task(const std::string& name, TaskFunction function) { return tasks().add(name, function); }
TaskFunction find_task(const std::string& name) { return tasks().find(name); }

}  // namespace tilegrid
