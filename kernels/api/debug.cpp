// SPDX-License-Identifier: Apache-2.0
#include "kernels/api/debug.h"

namespace tilegrid::api::detail {

void scope(ScopeMark mark, std::uint32_t name, std::uint64_t value) {
  const KernelContext& kernel = running_kernel();
  kernel.core->log.append(
      kernel.risc, events::Scope{mark, name, static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32U)});
}

std::uint32_t scope_name(const char* name, const Here& at) { return running_kernel().scopes->add(name, at); }

}  // namespace tilegrid::api::detail
