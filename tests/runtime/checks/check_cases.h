// SPDX-License-Identifier: Apache-2.0
// Kernels that are wrong in one way each, and the same kernels put right.
#pragma once

#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include "core/checks/classes.h"
#include "kernels/api/compute.h"
#include "kernels/api/dataflow.h"
#include "kernels/common/dst_section.h"
#include "kernels/registry.h"

namespace tilegrid::test::check_cases {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so
using checks::Class;
using checks::Severity;

inline constexpr GridSize grid{3, 2};
inline constexpr LogicalCore one{1, 0};
inline constexpr LogicalCore other{2, 1};

struct Part {
  Risc risc;
  LogicalCore core;
  KernelFunction kernel;
};

struct Case {
  std::string name;
  Class check;
  LogicalCore core;  ///< where it is found
  Risc risc;
  int line_before;  ///< lines between which it is found
  int line_after;
  std::vector<Part> broken;
  std::vector<Part> fixed;
  bool can_go_on = true;  ///< with the class off
};
inline std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

inline std::uint32_t l1(std::uint32_t offset) { return get_semaphore(0) - l1_semaphore_base + offset; }
inline std::uint64_t on_core(LogicalCore at, std::uint32_t offset) {
  return get_noc_addr(static_cast<std::uint32_t>(at.x + noc::virtual_base),
                      static_cast<std::uint32_t>(at.y + noc::virtual_base), offset);
}
inline std::uint64_t semaphore_on(LogicalCore at, std::uint32_t id) { return on_core(at, get_semaphore(id)); }
inline volatile std::uint32_t* semaphore(std::uint32_t id) { return semaphore_pointer(get_semaphore(id)); }
inline std::uint64_t on_all_cores(std::uint32_t offset) {
  constexpr std::uint32_t first = noc::virtual_base;
  return get_noc_multicast_addr(first, first, first + grid.x - 1, first + grid.y - 1, offset);
}
/// A page of DRAM that the host wrote, 1024 bytes.
inline InterleavedAddrGen written_pages() { return {get_common_arg_val<std::uint32_t>(0), 1024}; }
/// A page of DRAM that nobody wrote.
inline InterleavedAddrGen unwritten_pages() { return {get_compile_time_arg_val(0), 1024}; }

/// Pages with numbers in them, pushed and waited for.
inline void fill(std::uint32_t cb, std::uint32_t pages) {
  cb_reserve_back(cb, pages);
  std::memset(l1_pointer(get_write_ptr(cb)), 0, std::size_t{pages} * get_tile_size(cb));
  cb_push_back(cb, pages);
  cb_wait_front(cb, pages);
}

inline constexpr std::uint32_t user = l1_user_base + 512 * 1024;  // L1 that belongs to no buffer of these programs
inline constexpr std::uint32_t page = 2048;

inline std::vector<Part> on_one(Risc risc, KernelFunction kernel) { return {{risc, one, kernel}}; }

/// Of one kernel on core `one`.
inline Case single(const char* name, Class check, Risc risc, int before, int after, KernelFunction broken,
                   KernelFunction fixed, bool can_go_on = true) {
  return {name, check, one, risc, before, after, on_one(risc, broken), on_one(risc, fixed), can_go_on};
}

/// In check_transfer_cases.cpp.
std::vector<Case> read_target_cases();
std::vector<Case> read_target_semaphore_cases();
std::vector<Case> idle_wait_cases();
/// In check_memory_cases.cpp.
std::vector<Case> memory_cases();
std::vector<Case> dst_cases();
std::vector<Case> format_cases();
/// What is legal and looks suspicious: nothing is broken.
std::vector<Case> legal_cases();

}  // namespace tilegrid::test::check_cases
