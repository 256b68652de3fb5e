// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "core/format.h"
#include "kernels/api/context.h"

/// Circular buffers and arguments: the part of the kernel API that all kernels share, under TT-Metalium's names
/// (tensix.md 1.5, 7).
namespace tilegrid::api {

/// Blocks until `pages` pages are free. Moves nothing.
void cb_reserve_back(std::uint32_t cb, std::uint32_t pages, Here at = Here::current());
void cb_push_back(std::uint32_t cb, std::uint32_t pages, Here at = Here::current());
/// Blocks until `pages` pages, counted from the current front, are there (waits are cumulative).
void cb_wait_front(std::uint32_t cb, std::uint32_t pages, Here at = Here::current());
void cb_pop_front(std::uint32_t cb, std::uint32_t pages, Here at = Here::current());
/// Probes: their answer depends on the schedule, and each is counted as ambiguous.
[[nodiscard]] bool cb_pages_available_at_front(std::uint32_t cb, std::uint32_t pages, Here at = Here::current());
[[nodiscard]] bool cb_pages_reservable_at_back(std::uint32_t cb, std::uint32_t pages, Here at = Here::current());

/// The same calls without an event in the log: for a body whose events are there already (Rehearsals).
namespace detail {
void reserve_back(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages);
void push_back(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages);
void wait_front(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages);
void pop_front(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages);
}  // namespace detail

/// 32-bit L1 addresses; usable as pointers through l1_pointer() or a cast.
[[nodiscard]] std::uint32_t get_read_ptr(std::uint32_t cb, Here at = Here::current());
[[nodiscard]] std::uint32_t get_write_ptr(std::uint32_t cb, Here at = Here::current());
[[nodiscard]] std::uint32_t get_tile_size(std::uint32_t cb, Here at = Here::current());  ///< bytes of a page
[[nodiscard]] DataFormat get_dataformat(std::uint32_t cb, Here at = Here::current());

/// Arguments; fault "kernel argument" beyond the end.
[[nodiscard]] std::uint32_t get_runtime_word(std::uint32_t index, Here at);
[[nodiscard]] std::uint32_t get_common_word(std::uint32_t index, Here at);
[[nodiscard]] std::uint32_t get_compile_time_arg_val(std::uint32_t index, Here at = Here::current());
/// The same by an index that only the running kernel knows, which a kernel from a file can't give to the function.
struct CompileTimeArgs {
  [[nodiscard]] std::uint32_t operator[](std::uint32_t index) const { return get_compile_time_arg_val(index); }
};
inline constexpr CompileTimeArgs kernel_compile_time_args{};
template <class T>
[[nodiscard]] T get_arg_val(std::uint32_t index, Here at = Here::current()) {
  static_assert(sizeof(T) == 4, "arguments are 32-bit words");
  return std::bit_cast<T>(get_runtime_word(index, at));
}
template <class T>
[[nodiscard]] T get_common_arg_val(std::uint32_t index, Here at = Here::current()) {
  static_assert(sizeof(T) == 4, "arguments are 32-bit words");
  return std::bit_cast<T>(get_common_word(index, at));
}

}  // namespace tilegrid::api
