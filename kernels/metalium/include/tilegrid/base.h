// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>
#if __has_include(<bits/stl_algobase.h>)
#include <bits/stl_algobase.h>  // std::min, std::max, std::copy: a tenth of <algorithm>
#else
#include <algorithm>
#endif

#include "tilegrid/interface.h"

// The way to the emulator. Everything that the headers keep lies in a section of its own, so that the loader can tell it
// from a kernel's variables: it is the same for all cores, or of no meaning from one call to the next.
#define TILEGRID_OWN __attribute__((section(".tilegrid")))
#if defined(__clang__)
#define TILEGRID_UNCOUNTED __attribute__((no_sanitize("coverage")))
#else
#define TILEGRID_UNCOUNTED __attribute__((no_sanitize_coverage))
#endif

#define FORCE_INLINE inline __attribute__((always_inline))
#define ALWI inline __attribute__((always_inline))
#define tt_l1_ptr
#define tt_reg_ptr

// Until the loader has come, the kernel's own initialisers count for nothing.
static tilegrid_device::Meter tilegrid_no_meter TILEGRID_OWN = {0, ~0ULL, 0, 0};
// Found by the loader, and the object's own: reached without a table.
#define TILEGRID_FOUND __attribute__((visibility("protected"))) TILEGRID_OWN
extern "C" {
const tilegrid_device::Interface* tilegrid_interface TILEGRID_FOUND = nullptr;
tilegrid_device::Meter* tilegrid_meter TILEGRID_FOUND = &tilegrid_no_meter;
}

namespace tilegrid_device {

[[gnu::always_inline]] inline const Interface& tg() { return *tilegrid_interface; }

/// What a comparison at a place of the code saw last: a loop that computes sees new values, one that waits the same.
struct Comparison {
  const void* place;
  uint64_t a, b;
};
static Comparison comparisons[64] TILEGRID_OWN = {{nullptr, 0, 0}};
#if defined(__clang__)
/// Where the last one was: Clang gives a loop's blocks the line before it.
static const void* last_compared TILEGRID_OWN = nullptr;
#endif

TILEGRID_UNCOUNTED inline void compared(const void* place, uint64_t a, uint64_t b) {
#if defined(__clang__)
  last_compared = place;
#endif
  Comparison& last = comparisons[(reinterpret_cast<uintptr_t>(place) >> 2) & 63U];
  if (last.place == place && last.a == a && last.b == b) return;
  last = {place, a, b};
  tilegrid_meter->last_change = tilegrid_meter->blocks;
}

TILEGRID_UNCOUNTED inline uint64_t bits_of(double value) {
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace tilegrid_device

// The compiler calls these from the kernel's code: at every basic block, and with the operands of every comparison.
#define TILEGRID_HOOK extern "C" __attribute__((visibility("hidden"), noinline)) TILEGRID_UNCOUNTED void
TILEGRID_HOOK __sanitizer_cov_trace_pc() {
  tilegrid_device::Meter& meter = *tilegrid_meter;
#if defined(__clang__)
  const void* place = tilegrid_device::last_compared;
#else
  const void* place = nullptr;
#endif
  if (++meter.blocks >= meter.alarm) tilegrid_interface->slow(place != nullptr ? place : __builtin_return_address(0));
}
#define TILEGRID_COMPARE(name, type) \
  TILEGRID_HOOK name(type a, type b) { tilegrid_device::compared(__builtin_return_address(0), a, b); }
TILEGRID_COMPARE(__sanitizer_cov_trace_cmp1, uint8_t)
TILEGRID_COMPARE(__sanitizer_cov_trace_cmp2, uint16_t)
TILEGRID_COMPARE(__sanitizer_cov_trace_cmp4, uint32_t)
TILEGRID_COMPARE(__sanitizer_cov_trace_cmp8, uint64_t)
TILEGRID_COMPARE(__sanitizer_cov_trace_const_cmp1, uint8_t)
TILEGRID_COMPARE(__sanitizer_cov_trace_const_cmp2, uint16_t)
TILEGRID_COMPARE(__sanitizer_cov_trace_const_cmp4, uint32_t)
TILEGRID_COMPARE(__sanitizer_cov_trace_const_cmp8, uint64_t)
TILEGRID_HOOK __sanitizer_cov_trace_cmpf(float a, float b) {
  tilegrid_device::compared(__builtin_return_address(0), tilegrid_device::bits_of(a), tilegrid_device::bits_of(b));
}
TILEGRID_HOOK __sanitizer_cov_trace_cmpd(double a, double b) {
  tilegrid_device::compared(__builtin_return_address(0), tilegrid_device::bits_of(a), tilegrid_device::bits_of(b));
}
TILEGRID_HOOK __sanitizer_cov_trace_switch(uint64_t value, void*) {
  tilegrid_device::compared(__builtin_return_address(0), value, 0);
}
#undef TILEGRID_COMPARE
#undef TILEGRID_HOOK

/// A name of the vendor's API that this emulator does not have: a call is an error of the compiler that names it.
#define TILEGRID_NOT_THERE(name, why)                                                                                   \
  template <auto... A, class... T>                                                                                      \
  [[deprecated]] void name(T&&...) {                                                                                    \
    static_assert(sizeof...(T) > 1000,                                                                                  \
                  #name " is not there: " why "; see kernels/metalium/README.md for what is, and how to ask for more"); \
  }
