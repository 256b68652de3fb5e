// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/context.h"
#include "kernels/metalium/foreign_kernel.h"

/// The parts of the interface of kernels from files, for those who fill it in.
namespace tilegrid::metalium {

using tilegrid_device::Interface;
using tilegrid_device::Line;

[[nodiscard]] inline api::Here here(const Line& at) { return {at.file, at.line}; }

/// Every call begins here: what the kernel did since the last one is charged, and the call becomes its place.
KernelContext& enter(const Line& at);

/// An L1 address as a pointer into the core's slot: hosts name offsets in L1, calls give addresses in the slot.
[[nodiscard]] inline std::uint32_t in_slot(const KernelContext& kernel, std::uint32_t address) {
  return address < l1_slot_bytes ? address + kernel.core->l1_base : address;
}

/// Whether the host has configured the buffer; else check cb-unknown has been told of it, and the call has no effect.
[[nodiscard]] bool configured(KernelContext& kernel, std::uint32_t cb, const char* who);

void fill_data_calls(Interface& table);
void fill_compute_calls(Interface& table);
void fill_vector_calls(Interface& table);

}  // namespace tilegrid::metalium
