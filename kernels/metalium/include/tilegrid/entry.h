// SPDX-License-Identifier: Apache-2.0
#pragma once

// Comes behind the kernel: what the loader calls. Kernels define kernel_main, or, for compute of the first generation, MAIN
// in namespace NAMESPACE.

namespace tilegrid_entry {
struct None {};
/// What a call finds when the kernel defines none: a function goes before a template. The kernel's may be static, or in a
/// namespace without a name.
template <int = 0>
None kernel_main() {
  return {};
}
}  // namespace tilegrid_entry
using namespace tilegrid_entry;

extern "C" {
__attribute__((visibility("hidden"))) void* __dso_handle TILEGRID_OWN = nullptr;
__attribute__((visibility("protected"))) TILEGRID_UNCOUNTED void tilegrid_kernel() {
  if constexpr (!__is_same(decltype(kernel_main()), tilegrid_entry::None)) return static_cast<void>(kernel_main());
  if (&NAMESPACE::TILEGRID_MAIN != nullptr) return NAMESPACE::TILEGRID_MAIN();
  tilegrid_interface->refuse("the kernel defines neither kernel_main nor NAMESPACE::MAIN", "one of them is its entry",
                             tilegrid_device::Line::here());
}
}
