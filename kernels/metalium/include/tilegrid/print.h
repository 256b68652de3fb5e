// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/circular_buffer.h"

// DPRINT and DEVICE_PRINT: whole lines, with the core and the RISC in front; none where the host defines TILEGRID_SILENT
// as 1.
#if !defined(TILEGRID_SILENT)
#define TILEGRID_SILENT 0
#endif

extern "C" int snprintf(char*, size_t, const char*, ...) noexcept;

struct ENDL {};
struct HEX {};
struct DEC {};
struct OCT {};
struct FIXED {};
struct DEFAULTFLOAT {};
struct SETW {
  int width;
  constexpr SETW(int w, bool = true) : width(w) {}
};
struct SETPRECISION {
  int digits;
  constexpr SETPRECISION(int d) : digits(d) {}
};
struct F32 {
  float value;
  constexpr F32(float v) : value(v) {}
};
struct U32 {
  uint32_t value;
  constexpr U32(uint32_t v) : value(v) {}
};
struct BF16 {
  uint16_t value;
  constexpr BF16(uint16_t v) : value(v) {}
};

namespace tilegrid_device {

struct Printer {
  int thread = -1;
  int width = 0;
  int precision = -1;
  char base = 'u';
  bool fixed = false;

  TILEGRID_UNCOUNTED void text(const char* start, size_t length) const {
    if constexpr (TILEGRID_SILENT == 0) tg().print(thread, start, length);
  }
  TILEGRID_UNCOUNTED void padded(const char* start, int length) {
    for (; width > length; --width) text(" ", 1);
    width = 0;
    text(start, static_cast<size_t>(length));
  }
  TILEGRID_UNCOUNTED void number(long long value) {
    char buffer[32];
    const char* form = base == 'u' ? "%lld" : base == 'x' ? "%llx" : "%llo";
    padded(buffer, snprintf(buffer, sizeof buffer, form, base == 'u' ? value : value & 0xFFFFFFFFLL));
  }
  TILEGRID_UNCOUNTED void number(unsigned long long value) {
    char buffer[32];
    const char* form = base == 'u' ? "%llu" : base == 'x' ? "%llx" : "%llo";
    padded(buffer, snprintf(buffer, sizeof buffer, form, value));
  }
  TILEGRID_UNCOUNTED void number(double value) {
    char buffer[352];
    const char* form = fixed ? "%.*f" : "%.*g";
    padded(buffer, snprintf(buffer, sizeof buffer, form, precision >= 0 ? precision : 6, value));
  }
};

TILEGRID_UNCOUNTED inline float float_of_bf16(uint16_t bits) {
  const uint32_t word = static_cast<uint32_t>(bits) << 16;
  float value;
  __builtin_memcpy(&value, &word, sizeof value);
  return value;
}

}  // namespace tilegrid_device

// ---- Slices of tiles
struct SliceRange {
  uint8_t h0, h1, hs, w0, w1, ws;
  static constexpr SliceRange hw0_32_16() { return {0, 32, 16, 0, 32, 16}; }
  static constexpr SliceRange hw0_32_8() { return {0, 32, 8, 0, 32, 8}; }
  static constexpr SliceRange hw0_32_4() { return {0, 32, 4, 0, 32, 4}; }
  static constexpr SliceRange h0_w0_32() { return {0, 1, 1, 0, 32, 1}; }
  static constexpr SliceRange h0_32_w0() { return {0, 32, 1, 0, 1, 1}; }
  static constexpr SliceRange hw041() { return {0, 4, 1, 0, 4, 1}; }
};
enum dprint_tslice_ptr_t { TSLICE_RD_PTR = 0, TSLICE_WR_PTR = 1 };
enum dprint_tslice_cb_t { TSLICE_INPUT_CB = 0, TSLICE_OUTPUT_CB = 1 };

namespace tilegrid_device {

struct Slice {
  uint32_t cb, tile;
  SliceRange range;
  bool newlines, tilized, from_write;
  TILEGRID_UNCOUNTED double element(uint32_t address, uint32_t format, uint32_t row, uint32_t column) const {
    const uint32_t face = row / 16 * 2 + column / 16;
    const uint32_t index = tilized ? face * 256 + row % 16 * 16 + column % 16 : row * 32 + column;
    const auto at = [&](uint32_t bytes) {
      return reinterpret_cast<const void*>(static_cast<uintptr_t>(address + index * bytes));
    };
    switch (static_cast<DataFormat>(format)) {
      case DataFormat::Float32:
      case DataFormat::Tf32:
        return *static_cast<const float*>(at(4));
      case DataFormat::Int32:
        return *static_cast<const int32_t*>(at(4));
      case DataFormat::UInt32:
        return *static_cast<const uint32_t*>(at(4));
      case DataFormat::UInt16:
        return *static_cast<const uint16_t*>(at(2));
      case DataFormat::UInt8:
        return *static_cast<const uint8_t*>(at(1));
      case DataFormat::Int8:
        return *static_cast<const int8_t*>(at(1));
      default:
        return float_of_bf16(*static_cast<const uint16_t*>(at(2)));
    }
  }
  TILEGRID_UNCOUNTED void print(Printer& out) const {
    const Line here = Line::here();
    const uint32_t format = tg().cb_fact(cb, 5, here);
    if (format == 1 || format == 6 || format == 7) return out.text("<tile of a format that is not printed>", 38);
    const uint32_t address = tg().cb_fact(cb, from_write ? 1 : 0, here) + tile * tile_bytes(format);
    for (uint32_t row = range.h0; row < range.h1; row += range.hs) {
      for (uint32_t column = range.w0; column < range.w1; column += range.ws) {
        if (column != range.w0) out.text(" ", 1);
        out.number(element(address, format, row, column));
      }
      if (newlines && row + range.hs < range.h1) out.text("\n", 1);
    }
  }
};

}  // namespace tilegrid_device

template <int most = 64>
struct TileSliceHostDev : tilegrid_device::Slice {
  TileSliceHostDev(uint32_t cb_, uint32_t tile_, const SliceRange& range_, bool newlines_ = true, bool tilized_ = true)
      : Slice{cb_, tile_, range_, newlines_, tilized_, false} {}
  TileSliceHostDev(uint32_t cb_, uint32_t tile_, const SliceRange& range_, dprint_tslice_cb_t type, dprint_tslice_ptr_t ptr,
                   bool newlines_ = true, bool tilized_ = true)
      : Slice{cb_, tile_, range_, newlines_, tilized_, ptr == TSLICE_WR_PTR} {}
};
template <int most = 64>
using TileSlice = TileSliceHostDev<most>;
template <class... T>
inline TileSliceHostDev<64> TSLICE(uint32_t cb, uint32_t tile, const SliceRange& range, T... rest) {
  return {cb, tile, range, rest...};
}

struct DebugPrinter : tilegrid_device::Printer {};

template <class T>
TILEGRID_UNCOUNTED inline DebugPrinter operator<<(DebugPrinter out, const T& value) {
  if constexpr (requires { out << value; } && false) {
  } else if constexpr (__is_same(T, ENDL)) {
    out.text("\n", 1);
  } else if constexpr (__is_same(T, HEX)) {
    out.base = 'x';
  } else if constexpr (__is_same(T, OCT)) {
    out.base = 'o';
  } else if constexpr (__is_same(T, DEC)) {
    out.base = 'u';
  } else if constexpr (__is_same(T, FIXED)) {
    out.fixed = true;
  } else if constexpr (__is_same(T, DEFAULTFLOAT)) {
    out.fixed = false;
  } else if constexpr (__is_same(T, SETW)) {
    out.width = value.width;
  } else if constexpr (__is_same(T, SETPRECISION)) {
    out.precision = value.digits;
  } else if constexpr (__is_same(T, BF16)) {
    out.number(static_cast<double>(tilegrid_device::float_of_bf16(value.value)));
  } else if constexpr (requires { value.print(out); }) {
    value.print(out);
  } else if constexpr (__is_same(T, F32)) {
    out.number(static_cast<double>(value.value));
  } else if constexpr (__is_same(T, U32)) {
    out.number(static_cast<unsigned long long>(value.value));
  } else if constexpr (__is_same(T, char)) {
    out.padded(&value, 1);
  } else if constexpr (__is_enum(T)) {
    out.number(static_cast<long long>(value));
  } else if constexpr (requires { static_cast<const char*>(value); }) {
    const char* text = value;
    out.padded(text, static_cast<int>(__builtin_strlen(text)));
  } else if constexpr (requires { reinterpret_cast<uintptr_t>(&*value); }) {
    out.number(static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(value)));
  } else if constexpr (static_cast<T>(0.5) != static_cast<T>(0)) {
    if constexpr (__is_same(T, bool)) {
      out.number(static_cast<unsigned long long>(value));
    } else {
      out.number(static_cast<double>(value));
    }
  } else if constexpr (static_cast<T>(-1) < static_cast<T>(0)) {
    out.number(static_cast<long long>(value));
  } else {
    out.number(static_cast<unsigned long long>(value));
  }
  return out;
}

namespace tilegrid_device {

/// "{}" forms: a value in place of each; a colon and what follows it in the braces sets base, width and precision.
TILEGRID_UNCOUNTED inline const char* to_brace(DebugPrinter& out, const char* form) {
  const char* start = form;
  for (;; ++form) {
    const bool doubled = (*form == '{' || *form == '}') && form[1] == *form;
    if (*form == 0 || doubled || *form == '{') {
      out.text(start, static_cast<size_t>(form - start) + (doubled ? 1 : 0));
      if (*form == 0) return nullptr;
      if (!doubled) break;
      start = ++form + 1;
    }
  }
  for (++form; *form != 0 && *form != '}'; ++form) {
    if (*form == 'x' || *form == 'o') out.base = *form;
    if (*form == 'f') out.fixed = true;
    if (*form == '.') {
      out.precision = 0;
      while (form[1] >= '0' && form[1] <= '9') out.precision = out.precision * 10 + *++form - '0';
    } else if (*form >= '1' && *form <= '9') {
      out.width = *form - '0';
      while (form[1] >= '0' && form[1] <= '9') out.width = out.width * 10 + *++form - '0';
    }
  }
  return *form == 0 ? form : form + 1;
}
TILEGRID_UNCOUNTED inline void print_form(DebugPrinter out, const char* form) { to_brace(out, form); }
template <class First, class... Rest>
TILEGRID_UNCOUNTED inline void print_form(DebugPrinter out, const char* form, const First& first, const Rest&... rest) {
  const DebugPrinter plain = out;
  form = to_brace(out, form);
  if (form == nullptr) return;
  out << first;
  print_form(plain, form, rest...);
}
/// Kernels write DPRINT << ..., DPRINT("..{}..", ...) and DPRINT_DATA0(DPRINT << ...).
struct PrintStart {
  int thread;
  template <class T>
  TILEGRID_UNCOUNTED DebugPrinter operator<<(const T& value) const {
    return DebugPrinter{{thread}} << value;
  }
  template <class... T>
  TILEGRID_UNCOUNTED void operator()(const char* form, const T&... values) const {
    print_form(DebugPrinter{{thread}}, form, values...);
  }
};
static int print_thread TILEGRID_OWN = -1;
TILEGRID_UNCOUNTED inline PrintStart print_start() { return {print_thread}; }
TILEGRID_UNCOUNTED inline PrintStart print_as(int thread) { return {thread}; }

}  // namespace tilegrid_device

#define DPRINT ::tilegrid_device::print_start()
#define DEVICE_PRINT(...) ::tilegrid_device::print_start()(__VA_ARGS__)
#define TILEGRID_PRINT_AS(number, ...)        \
  do {                                        \
    ::tilegrid_device::print_thread = number; \
    __VA_ARGS__;                              \
    ::tilegrid_device::print_thread = -1;     \
  } while (false)
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
#define WAYPOINT(text) static_cast<void>(0)
#define DEBUG_STATUS(...) static_cast<void>(0)
#define PAUSE() static_cast<void>(0)
#define RECORD_NOC_EVENT(...) static_cast<void>(0)
#define DEBUG_SANITIZE_NOC_ADDR(...) static_cast<void>(0)
#define WATCHER_RING_BUFFER_PUSH(value) static_cast<void>(value)
#define ASSERT(condition, ...)                                                                  \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      ::tilegrid_device::tg().refuse("ASSERT(" #condition ") failed", "the kernel asks for it", \
                                     ::tilegrid_device::Line::here());                          \
    }                                                                                           \
  } while (false)
