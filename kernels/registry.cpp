// SPDX-License-Identifier: Apache-2.0
#include "kernels/registry.h"

#include "core/named_registry.h"

namespace tilegrid {
namespace {

NamedRegistry<KernelFunction>& kernels() {
  static NamedRegistry<KernelFunction> registry("kernel");
  return registry;
}

}  // namespace

std::string register_kernel(const std::string& name, KernelFunction function) { return kernels().add(name, function); }
KernelFunction find_kernel(const std::string& name) { return kernels().find(name); }

}  // namespace tilegrid
