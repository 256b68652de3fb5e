// SPDX-License-Identifier: Apache-2.0
#pragma once
#pragma GCC system_header

#include <stddef.h>
#include <stdint.h>

#include "interface.h"  // beside this file

// What DPRINT and DEVICE_PRINT take, and how it is written: for kernels from files (print.h) and for those against our own
// API (kernels/api/debug.h), which say by print_wanted(), print_text() and print_slice() where it goes. Nothing is written
// where nobody wants it.

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
struct I32 {
  int32_t value;
  constexpr I32(int32_t v) : value(v) {}
};
struct BF16 {
  uint16_t value;
  constexpr BF16(uint16_t v) : value(v) {}
};

/// Rows h0, h0 + hs, ... below h1 and columns w0, w0 + ws, ... below w1 of a tile.
struct SliceRange {
  uint8_t h0, h1, hs, w0, w1, ws;
  static constexpr SliceRange hw0_32_16() { return {0, 32, 16, 0, 32, 16}; }
  static constexpr SliceRange hw0_32_8() { return {0, 32, 8, 0, 32, 8}; }
  static constexpr SliceRange hw0_32_4() { return {0, 32, 4, 0, 32, 4}; }
  static constexpr SliceRange h0_w0_32() { return {0, 1, 1, 0, 32, 1}; }
  static constexpr SliceRange h0_32_w0() { return {0, 32, 1, 0, 1, 1}; }
  static constexpr SliceRange h0_32_w1() { return {0, 32, 1, 1, 2, 1}; }
  static constexpr SliceRange hw041() { return {0, 4, 1, 0, 4, 1}; }
};
enum dprint_tslice_ptr_t { TSLICE_RD_PTR = 0, TSLICE_WR_PTR = 1 };
enum dprint_tslice_cb_t { TSLICE_INPUT_CB = 0, TSLICE_OUTPUT_CB = 1 };

namespace tilegrid_device {

struct Printer {
  int thread = -1;
  bool wanted = false;
  char base = 'u';
  bool fixed = false;
  int width = 0;
  int precision = -1;

  TILEGRID_UNCOUNTED void text(const char* start, size_t length) const {
    if (wanted) print_text(thread, start, length);
  }
  TILEGRID_UNCOUNTED void padded(const char* start, int length) {
    for (; width > length; --width) text(" ", 1);
    width = 0;
    text(start, static_cast<size_t>(length));
  }
  TILEGRID_UNCOUNTED void number(long long value) {
    if (!wanted) return;
    char buffer[32];
    const char* form = base == 'u' ? "%lld" : base == 'x' ? "%llx" : "%llo";
    padded(buffer, snprintf(buffer, sizeof buffer, form, base == 'u' ? value : value & 0xFFFFFFFFLL));
  }
  TILEGRID_UNCOUNTED void number(unsigned long long value) {
    if (!wanted) return;
    char buffer[32];
    const char* form = base == 'u' ? "%llu" : base == 'x' ? "%llx" : "%llo";
    padded(buffer, snprintf(buffer, sizeof buffer, form, value));
  }
  TILEGRID_UNCOUNTED void number(double value) {
    if (!wanted) return;
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

/// The emulator reads it, as it knows formats and what of the buffer is valid.
struct PrintedSlice : Slice {
  TILEGRID_UNCOUNTED void print(const Printer& out) const {
    if (!out.wanted) return;
    Slice slice = *this;
    slice.width = out.width;
    slice.precision = out.precision;
    slice.fixed = out.fixed;
    slice.base = out.base;
    print_slice(out.thread, slice);
  }
};

}  // namespace tilegrid_device

/// A part of tile `tile` of a buffer: of what was waited for, or, by TSLICE_WR_PTR or in PACK, of what is reserved.
/// `newlines`: a row a line. `untilized`: rows and columns of the tile, else of its memory.
template <int most = 64>
struct TileSliceHostDev : tilegrid_device::PrintedSlice {
  TILEGRID_UNCOUNTED TileSliceHostDev(uint32_t cb_, uint32_t tile_, const SliceRange& r, bool newlines_ = true,
                                      bool untilized_ = true, tilegrid_device::Line at = tilegrid_device::Line::here())
      : TileSliceHostDev(cb_, tile_, r, -1, newlines_, untilized_, at) {}
  TILEGRID_UNCOUNTED TileSliceHostDev(uint32_t cb_, uint32_t tile_, const SliceRange& r, dprint_tslice_cb_t /*type*/,
                                      dprint_tslice_ptr_t pointer, bool newlines_ = true, bool untilized_ = true,
                                      tilegrid_device::Line at = tilegrid_device::Line::here())
      : TileSliceHostDev(cb_, tile_, r, static_cast<int>(pointer), newlines_, untilized_, at) {}

 private:
  TILEGRID_UNCOUNTED TileSliceHostDev(uint32_t cb_, uint32_t tile_, const SliceRange& r, int pointer, bool newlines_,
                                      bool untilized_, tilegrid_device::Line at_)
      : PrintedSlice{{cb_, tile_, {r.h0, r.h1, r.hs, r.w0, r.w1, r.ws}, pointer, newlines_, untilized_, at_}} {}
};
template <int most = 64>
using TileSlice = TileSliceHostDev<most>;
TILEGRID_UNCOUNTED inline TileSliceHostDev<64> TSLICE(uint32_t cb, uint32_t tile, const SliceRange& range,
                                                      bool newlines = true, bool untilized = true,
                                                      tilegrid_device::Line at = tilegrid_device::Line::here()) {
  return {cb, tile, range, newlines, untilized, at};
}
TILEGRID_UNCOUNTED inline TileSliceHostDev<64> TSLICE(uint32_t cb, uint32_t tile, const SliceRange& range,
                                                      dprint_tslice_cb_t type, dprint_tslice_ptr_t pointer,
                                                      bool newlines = true, bool untilized = true,
                                                      tilegrid_device::Line at = tilegrid_device::Line::here()) {
  return {cb, tile, range, type, pointer, newlines, untilized, at};
}

struct DebugPrinter : tilegrid_device::Printer {};

template <class T>
TILEGRID_UNCOUNTED inline DebugPrinter operator<<(DebugPrinter out, const T& value) {
  if constexpr (__is_same(T, ENDL)) {
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
  } else if constexpr (__is_same(T, I32)) {
    out.number(static_cast<long long>(value.value));
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
    return DebugPrinter{{thread, print_wanted(thread)}} << value;
  }
  template <class... T>
  TILEGRID_UNCOUNTED void operator()(const char* form, const T&... values) const {
    print_form(DebugPrinter{{thread, print_wanted(thread)}}, form, values...);
  }
};
#if defined(TILEGRID_OWN)
static int print_thread TILEGRID_OWN = -1;
#else
inline int print_thread = -1;
#endif
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
