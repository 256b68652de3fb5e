// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

using uint = unsigned int;  // as the device's C library has it

#define FORCE_INLINE inline __attribute__((always_inline))
#define ALWI inline __attribute__((always_inline))
#define tt_l1_ptr
#define tt_reg_ptr

// What comparisons remember lies in a section whose bounds the linker gives.
#define TILEGRID_SEEN __attribute__((section("tilegrid_seen")))
extern "C" {
// Found by the loader.
const tilegrid_device::Interface* tilegrid_interface __attribute__((visibility("protected"))) TILEGRID_OWN = nullptr;
extern char tilegrid_seen_begin[] __asm__("__start_tilegrid_seen") __attribute__((visibility("hidden")));
extern char tilegrid_seen_end[] __asm__("__stop_tilegrid_seen") __attribute__((visibility("hidden")));
// Until the loader has come, the kernel's own initialisers count for nothing. The object's own code finds it without a
// table.
tilegrid_device::Meter tilegrid_own_meter __attribute__((visibility("hidden")))
TILEGRID_OWN = {std::numeric_limits<int64_t>::max(), 0, 0, tilegrid_seen_begin, tilegrid_seen_end};
extern tilegrid_device::Meter tilegrid_meter __attribute__((alias("tilegrid_own_meter"), visibility("protected")));
}

namespace tilegrid_device {

[[gnu::always_inline]] inline const Interface& tg() { return *tilegrid_interface; }

/// What a comparison at a place of the code saw last: a loop that computes sees new values, one that waits the same.
struct Comparison {
  const void* place;
  uint64_t a, b;
};
static Comparison comparisons[64] TILEGRID_SEEN = {{nullptr, 0, 0}};
#if defined(__clang__)
/// Where the last one was: Clang gives a loop's blocks the line before it.
static const void* last_compared TILEGRID_OWN = nullptr;
#endif

TILEGRID_UNCOUNTED inline void compared(const void* place, uint64_t a, uint64_t b) {
#if defined(__clang__)
  last_compared = place;
#endif
  Comparison& last = comparisons[(reinterpret_cast<uintptr_t>(place) >> 2) & 63U];
  a ^= tilegrid_own_meter.turn;
  if (last.place == place && last.a == a && last.b == b) return;
  last = {place, a, b};
  tilegrid_own_meter.changed = tilegrid_own_meter.left;
}

TILEGRID_UNCOUNTED inline uint64_t bits_of(double value) {
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace tilegrid_device

// The compiler calls these from the kernel's code: at every basic block, and with the operands of every comparison.
#define TILEGRID_HOOK extern "C" __attribute__((visibility("hidden"), noinline)) TILEGRID_UNCOUNTED void
TILEGRID_HOOK tilegrid_slow() {
#if defined(__clang__)
  const void* place = tilegrid_device::last_compared;
#else
  const void* place = nullptr;
#endif
  tilegrid_interface->slow(place != nullptr ? place : __builtin_return_address(0));
}
TILEGRID_HOOK __sanitizer_cov_trace_pc() {
  if (--tilegrid_own_meter.left == 0) tilegrid_slow();
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

#if defined(__x86_64__) && !defined(__clang__)
// GCC knows these hooks as calls only, and a call costs several times what it does here. So the assembler is told what to
// put in the place of one: a block counts down, a comparison remembers at its own place what it saw. A hook may change the
// registers that a call may. What is left of calls (a jump at a function's end, floating point) goes to the functions above.
asm(R"(
.macro tilegrid_see
  xorq tilegrid_own_meter+16(%rip), %rdi
  cmpq %rdi, .Ltilegrid_seen\@(%rip)
  je .Ltilegrid_same\@
  movq %rdi, .Ltilegrid_seen\@(%rip)
  movq tilegrid_own_meter(%rip), %rdi
  movq %rdi, tilegrid_own_meter+8(%rip)
.Ltilegrid_same\@:
  .pushsection tilegrid_seen, "aw", @progbits
  .p2align 3
.Ltilegrid_seen\@:
  .quad 0
  .popsection
.endm
.macro call target:vararg
  .ifc \target,__sanitizer_cov_trace_pc@PLT
  subq $1, tilegrid_own_meter(%rip)
  jnz .Ltilegrid_on\@
  callq tilegrid_slow
.Ltilegrid_on\@:
  .else
  .ifc \target,__sanitizer_cov_trace_const_cmp4@PLT
  movl %esi, %edi
  tilegrid_see
  .else
  .ifc \target,__sanitizer_cov_trace_cmp4@PLT
  movl %esi, %esi
  shlq $32, %rdi
  orq %rsi, %rdi
  tilegrid_see
  .else
  .ifc \target,__sanitizer_cov_trace_const_cmp1@PLT
  movzbl %sil, %edi
  tilegrid_see
  .else
  .ifc \target,__sanitizer_cov_trace_const_cmp8@PLT
  movq %rsi, %rdi
  tilegrid_see
  .else
  .ifc \target,__sanitizer_cov_trace_cmp8@PLT
  imulq $0x61C88647, %rdi, %rdi
  xorq %rsi, %rdi
  tilegrid_see
  .else
  callq \target
  .endif
  .endif
  .endif
  .endif
  .endif
  .endif
.endm
)");
#endif

/// A name of the vendor's API that this emulator does not have: a call is an error of the compiler that names it.
#define TILEGRID_NOT_THERE(name, why) TILEGRID_NOT_THERE_OF(void, name, why)
/// The same, of something that has a type: what is done with it is no error of its own.
#define TILEGRID_NOT_THERE_OF(type, name, why)                                                                          \
  template <auto... A, class... T>                                                                                      \
  [[deprecated]] type name(T&&...) {                                                                                    \
    static_assert(sizeof...(T) > 1000,                                                                                  \
                  #name " is not there: " why "; see kernels/metalium/README.md for what is, and how to ask for more"); \
    return type();                                                                                                      \
  }
