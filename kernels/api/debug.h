// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/api/context.h"
#include "kernels/metalium/include/tilegrid/interface.h"

// What kernels are debugged and profiled by, under the vendor's names. Macros, as there: a kernel that includes this file
// wants them. DPRINT << ... << ENDL(), DPRINT("{}\n", ...), TSLICE() and the rest are those of kernels from files.

namespace tilegrid_device {

/// Where print_forms.h asks and writes: `thread` 0 to 2 UNPACK, MATH and PACK, 3 and 4 BRISC and NCRISC alone, -1 the
/// kernel.
[[nodiscard]] bool print_wanted(int thread);
void print_text(int thread, const char* text, std::size_t length);
void print_slice(int thread, const Slice& slice);

}  // namespace tilegrid_device

namespace tilegrid::api::detail {

/// Throws the fault "assert".
[[noreturn]] void assertion_failed(const char* condition, const Here& at);
/// The place of the running kernel in words of its own, a literal: deadlocks and the status view show the last one.
void waypoint(const char* name);

}  // namespace tilegrid::api::detail

#define TILEGRID_UNCOUNTED
#include "kernels/metalium/include/tilegrid/print_forms.h"
#undef TILEGRID_UNCOUNTED

#define DPRINT_UNPACK(...) TILEGRID_PRINT_AS(0, __VA_ARGS__)
#define DPRINT_MATH(...) TILEGRID_PRINT_AS(1, __VA_ARGS__)
#define DPRINT_PACK(...) TILEGRID_PRINT_AS(2, __VA_ARGS__)
#define DPRINT_DATA0(...) TILEGRID_PRINT_AS(3, __VA_ARGS__)
#define DPRINT_DATA1(...) TILEGRID_PRINT_AS(4, __VA_ARGS__)

/// A condition that does not hold ends the run with core, RISC, file and line.
#define ASSERT(condition)                                                                                      \
  do {                                                                                                         \
    if (!(condition)) ::tilegrid::api::detail::assertion_failed(#condition, ::tilegrid::api::Here::current()); \
  } while (false)
#define WAYPOINT(name) ::tilegrid::api::detail::waypoint(name)

#define TILEGRID_JOIN_AGAIN(a, b) a##b
#define TILEGRID_JOIN(a, b) TILEGRID_JOIN_AGAIN(a, b)

/// A zone of this name until the end of the block (api::ScopedZone).
#define DeviceZoneScopedN(name) const ::tilegrid::api::ScopedZone TILEGRID_JOIN(scoped_zone_, __LINE__)(name)
/// Zones whose times are added up.
#define DeviceZoneScopedSumN1(name) const ::tilegrid::api::ScopedZone TILEGRID_JOIN(scoped_zone_, __LINE__)(name, true)
#define DeviceZoneScopedSumN2(name) DeviceZoneScopedSumN1(name)
#define DeviceTimestampedData(name, data) ::tilegrid::api::note_value(name, data)
