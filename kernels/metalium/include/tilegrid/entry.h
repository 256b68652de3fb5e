// SPDX-License-Identifier: Apache-2.0
#pragma once

// Comes behind the kernel: what the loader calls. Kernels define kernel_main, or, for compute of the first generation, MAIN
// in namespace NAMESPACE.

extern "C" {
__attribute__((visibility("hidden"))) void* __dso_handle TILEGRID_OWN = nullptr;
__attribute__((visibility("protected"))) TILEGRID_UNCOUNTED void tilegrid_kernel() {
  if (&kernel_main != nullptr) return kernel_main();
  if (&NAMESPACE::TILEGRID_MAIN != nullptr) return NAMESPACE::TILEGRID_MAIN();
  tilegrid_interface->refuse("the kernel defines neither kernel_main nor NAMESPACE::MAIN", "one of them is its entry",
                             tilegrid_device::Line::here());
}
}
