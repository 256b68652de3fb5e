// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels/api/circular_buffer.h"
#include "kernels/common/from_words.h"

/// Structures of 32-bit words as a kernel's compile-time arguments.
namespace tilegrid {

/// All fields are 32-bit words.
template <class Args>
[[nodiscard]] std::vector<std::uint32_t> to_words(const Args& args) {
  static_assert(std::is_trivially_copyable_v<Args> && sizeof(Args) % sizeof(std::uint32_t) == 0);
  std::vector<std::uint32_t> words(sizeof(Args) / sizeof(std::uint32_t));
  std::memcpy(words.data(), &args, sizeof args);
  return words;
}

/// The arguments of the running kernel.
template <class Args>
[[nodiscard]] Args args_of_this_kernel() {
  return from_words<Args>([](std::uint32_t i) { return api::get_compile_time_arg_val(i); });
}

}  // namespace tilegrid
