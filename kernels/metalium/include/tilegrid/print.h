// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/circular_buffer.h"

// DPRINT and DEVICE_PRINT: whole lines, with the core and the RISC in front; none where the host defines TILEGRID_SILENT
// as 1.
#if !defined(TILEGRID_SILENT)
#define TILEGRID_SILENT 0
#endif

namespace tilegrid_device {

TILEGRID_UNCOUNTED inline bool print_wanted(int thread) { return TILEGRID_SILENT == 0 && tg().print_wanted(thread); }
TILEGRID_UNCOUNTED inline void print_text(int thread, const char* text, size_t length) { tg().print(thread, text, length); }
TILEGRID_UNCOUNTED inline void print_slice(int thread, const Slice& slice) { tg().print_slice(thread, slice); }

}  // namespace tilegrid_device

#include "tilegrid/print_forms.h"

#if defined(COMPILE_FOR_TRISC)
#define DPRINT_UNPACK(...) TILEGRID_PRINT_AS(0, __VA_ARGS__)
#define DPRINT_MATH(...) TILEGRID_PRINT_AS(1, __VA_ARGS__)
#define DPRINT_PACK(...) TILEGRID_PRINT_AS(2, __VA_ARGS__)
#define DEVICE_PRINT_UNPACK(...) ::tilegrid_device::print_as(0)(__VA_ARGS__)
#define DEVICE_PRINT_MATH(...) ::tilegrid_device::print_as(1)(__VA_ARGS__)
#define DEVICE_PRINT_PACK(...) ::tilegrid_device::print_as(2)(__VA_ARGS__)
#define DPRINT_DATA0(...)
#define DPRINT_DATA1(...)
#define DEVICE_PRINT_DATA0(...)
#define DEVICE_PRINT_DATA1(...)
#else
#define DPRINT_UNPACK(...)
#define DPRINT_MATH(...)
#define DPRINT_PACK(...)
#define DEVICE_PRINT_UNPACK(...)
#define DEVICE_PRINT_MATH(...)
#define DEVICE_PRINT_PACK(...)
#if defined(COMPILE_FOR_NCRISC)
#define DPRINT_DATA0(...)
#define DPRINT_DATA1(...) TILEGRID_PRINT_AS(-1, __VA_ARGS__)
#define DEVICE_PRINT_DATA0(...)
#define DEVICE_PRINT_DATA1(...) DEVICE_PRINT(__VA_ARGS__)
#else
#define DPRINT_DATA0(...) TILEGRID_PRINT_AS(-1, __VA_ARGS__)
#define DPRINT_DATA1(...)
#define DEVICE_PRINT_DATA0(...) DEVICE_PRINT(__VA_ARGS__)
#define DEVICE_PRINT_DATA1(...)
#endif
#endif

// ---- Profiling and debugging. Zones are logged, and shown in timelines and profiles; a failed assertion ends the run with
// its line.
namespace tilegrid_device {

/// Begin and end are calls without a branch and without a place of their own: a kernel with zones takes the same time.
struct ScopedZone {
  int mark;
  uint32_t id;
  TILEGRID_UNCOUNTED ScopedZone(const char* name, int begin, Line at = Line::here())
      : mark(begin), id(tg().scope(begin, name, 0, at)) {}
  TILEGRID_UNCOUNTED ~ScopedZone() { tg().scope_end(mark + 1, id); }
};
TILEGRID_UNCOUNTED inline void note_value(const char* name, uint64_t value, Line at = Line::here()) {
  tg().scope(4, name, value, at);
}
/// By a number, which is its name.
template <class Number>
requires std::is_integral_v<Number> TILEGRID_UNCOUNTED inline void note_value(Number id, uint64_t value,
                                                                              Line at = Line::here()) {
  char text[24] = {};
  char* first = text + 23;
  uint64_t rest = static_cast<uint64_t>(id);
  do {
    *--first = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  tg().scope(4, first, value, at);
}

}  // namespace tilegrid_device

#define TILEGRID_JOIN_AGAIN(a, b) a##b
#define TILEGRID_JOIN(a, b) TILEGRID_JOIN_AGAIN(a, b)
#define TILEGRID_ZONE(name, mark) ::tilegrid_device::ScopedZone TILEGRID_JOIN(tilegrid_zone_, __LINE__)(name, mark)
#define DeviceZoneScopedN(name) TILEGRID_ZONE(name, 0)
#define DeviceZoneScopedMainN(name) TILEGRID_ZONE(name, 0)
#define DeviceZoneScopedMainChildN(name) TILEGRID_ZONE(name, 0)
#define DeviceZoneScopedSumN1(name) TILEGRID_ZONE(name, 2)
#define DeviceZoneScopedSumN2(name) TILEGRID_ZONE(name, 2)
#define DeviceZoneSetCounter(counter) static_cast<void>(counter)
#define DeviceTimestampedData(name, data) ::tilegrid_device::note_value(name, data)
#define DeviceRecordEvent(id) ::tilegrid_device::note_value("event", id)
#define WAYPOINT(text) ::tilegrid_device::tg().waypoint(text)
#define DEBUG_STATUS(...) static_cast<void>(0)
#define PAUSE() static_cast<void>(0)
#define RECORD_NOC_EVENT(...) static_cast<void>(0)
#define DEBUG_SANITIZE_NOC_ADDR(...) static_cast<void>(0)
#define WATCHER_RING_BUFFER_PUSH(value) static_cast<void>(value)
#define ASSERT(condition, ...)                                                               \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      ::tilegrid_device::tg().assertion_failed(#condition, ::tilegrid_device::Line::here()); \
    }                                                                                        \
  } while (false)
