// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/base.h"

// Arguments. Those of compile time are constants.

namespace tilegrid_device {

inline constexpr std::array<uint32_t, TILEGRID_ARG_COUNT> compile_args = {KERNEL_COMPILE_TIME_ARGS};

struct Named {
  const char* name;
  uint32_t value;
};
inline constexpr Named named_args[] = {TILEGRID_NAMED_ARGS{nullptr, 0}};

constexpr bool same(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

template <uint32_t index>
constexpr uint32_t compile_arg() {
  static_assert(index < TILEGRID_ARG_COUNT, "the host gives the kernel fewer compile-time arguments");
  return compile_args[index];
}

}  // namespace tilegrid_device

inline constexpr auto& kernel_compile_time_args = tilegrid_device::compile_args;
template <uint32_t index>
constexpr uint32_t get_ct_arg() {
  return tilegrid_device::compile_arg<index>();
}
#define get_compile_time_arg_val(arg_idx) ::tilegrid_device::compile_arg<arg_idx>()
constexpr uint32_t num_compile_time_args() { return TILEGRID_ARG_COUNT; }

namespace tilegrid_device {
void the_host_gives_no_compile_time_argument_of_this_name();  // not there: the compiler says its name
}

consteval uint32_t get_named_compile_time_arg_val(const char* name) {
  if (name == nullptr) return 0;  // else there would be no way through when the host gives none
  for (const tilegrid_device::Named& arg : tilegrid_device::named_args) {
    if (arg.name != nullptr && tilegrid_device::same(arg.name, name)) return arg.value;
  }
  tilegrid_device::the_host_gives_no_compile_time_argument_of_this_name();
  return 0;
}

consteval uint32_t get_named_ct_arg(const char* name) { return get_named_compile_time_arg_val(name); }

namespace tilegrid_device {

template <class T>
inline T argument_of(uint32_t word) {
  if constexpr (std::is_pointer_v<T>) return reinterpret_cast<T>(static_cast<uintptr_t>(word));
  static_assert(std::is_pointer_v<T> || sizeof(T) <= 4, "arguments are 32-bit words");
  T value;
  __builtin_memcpy(&value, &word, sizeof value);
  return value;
}

}  // namespace tilegrid_device

template <class T>
inline T get_arg_val(int index, tilegrid_device::Line at = tilegrid_device::Line::here()) {
  return tilegrid_device::argument_of<T>(tilegrid_device::tg().runtime_arg(static_cast<uint32_t>(index), at));
}
template <class T>
inline T get_common_arg_val(int index, tilegrid_device::Line at = tilegrid_device::Line::here()) {
  return tilegrid_device::argument_of<T>(tilegrid_device::tg().common_arg(static_cast<uint32_t>(index), at));
}
inline uintptr_t get_arg_addr(int index, tilegrid_device::Line at = tilegrid_device::Line::here()) {
  return reinterpret_cast<uintptr_t>(tilegrid_device::tg().arg_address(false, static_cast<uint32_t>(index), at));
}
inline uintptr_t get_common_arg_addr(int index, tilegrid_device::Line at = tilegrid_device::Line::here()) {
  return reinterpret_cast<uintptr_t>(tilegrid_device::tg().arg_address(true, static_cast<uint32_t>(index), at));
}
