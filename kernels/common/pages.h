// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <ranges>

#include "core/tile.h"
#include "kernels/api/dataflow.h"

/// What kernels that move data do again and again.
namespace tilegrid::api {

/// Reads `count` pages of a buffer in DRAM, from `first` on, to a circular buffer; they are there when it returns.
inline void read_pages(std::uint32_t cb, const InterleavedAddrGen& buffer, std::uint32_t first, std::uint32_t count,
                       Here at = Here::current()) {
  cb_reserve_back(cb, count, at);
  const std::uint32_t base = get_write_ptr(cb);
  for (std::uint32_t i = 0; i < count; ++i) {
    noc_async_read_page(first + i, buffer, base + i * buffer.page_size, default_noc, at);
  }
  noc_async_read_barrier(default_noc, at);
  cb_push_back(cb, count, at);
}

/// The reverse.
inline void write_pages(std::uint32_t cb, const InterleavedAddrGen& buffer, std::uint32_t first, std::uint32_t count,
                        Here at = Here::current()) {
  cb_wait_front(cb, count, at);
  const std::uint32_t base = get_read_ptr(cb);
  for (std::uint32_t i = 0; i < count; ++i) {
    noc_async_write_page(first + i, buffer, base + i * buffer.page_size, default_noc, at);
  }
  noc_async_write_barrier(default_noc, at);
  cb_pop_front(cb, count, at);
}

/// What deal() has given the core that asks: its items' numbers, one after the other.
inline auto dealt(Here at = Here::current()) {
  const auto first = get_arg_val<std::uint32_t>(0, at);
  return std::views::iota(first, first + get_arg_val<std::uint32_t>(1, at));
}

/// A finite number in the 16 bits of a buffer's format, bf16 or, for numbers in its range, fp16. Half away from zero, as the
/// packer does. No function of the library: a kernel from a file has none.
inline std::uint16_t half_word(DataFormat format, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (format != DataFormat::fp16) return static_cast<std::uint16_t>((bits + 0x8000U) >> 16U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const std::uint32_t rebiased = magnitude == 0 ? 0 : magnitude + 0x1000U - (112U << 23U);
  return static_cast<std::uint16_t>(rebiased >> 13U | (bits & 0x80000000U) >> 16U);
}

/// Makes the tile of bf16 or fp16 that reductions multiply by: `value`, a finite number, in the first row of each face
/// (tensix.md 2.2).
inline void make_scaler(std::uint32_t cb, float value = 1, Here at = Here::current()) {
  cb_reserve_back(cb, 1, at);
  if (!is_dry(at)) {
    std::byte* tile = l1_pointer(get_write_ptr(cb));
    std::memset(tile, 0, get_tile_size(cb));
    const std::uint16_t bits = half_word(get_dataformat(cb, at), value);
    for (int row = 0; row < tile_side; row += face_side) {
      for (int column = 0; column < tile_side; ++column) {
        std::memcpy(tile + tile_index(row, column) * 2, &bits, sizeof bits);
      }
    }
  }
  note_generated(cb, get_tile_size(cb), at);
  cb_push_back(cb, 1, at);
}

}  // namespace tilegrid::api
