// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/device.h"

// Helpers that the vendor's operations library has beside the device API, and that kernels of others include from there:
// tiles of a scalar for reductions, broadcasts and matmuls, and moves within L1.

namespace tilegrid_device {

/// The next tile of the buffer as zeros: BF16, `bytes` long, in faces of 512 bytes.
inline volatile uint16_t* zeroed_tile(uint32_t cb, uint32_t bytes, Line at) {
  tg().cb_reserve_back(cb, 1, at);
  const uint32_t tile = tg().cb_fact(cb, 1, at);
  tg().read_set_state(::get_noc_addr(MEM_ZEROS_BASE), MEM_ZEROS_SIZE, noc_index, at);
  for (uint32_t done = 0; done < bytes; done += MEM_ZEROS_SIZE) {
    tg().read_with_state(MEM_ZEROS_BASE, tile + done, 0, noc_index, at);
  }
  tg().barrier(0, -1, noc_index, at);
  return reinterpret_cast<volatile uint16_t*>(static_cast<uintptr_t>(tile));
}

/// Row 0 of `faces` faces, one in `step`, as the scalar.
inline void fill_first_rows(volatile uint16_t* tile, uint16_t scalar, uint32_t faces, uint32_t step = 1) {
  for (uint32_t face = 0; face < faces; face += step) {
    for (uint32_t column = 0; column < 16; ++column) tile[face * 256 + column] = scalar;
  }
}
/// Column 0 of the left faces.
inline void fill_first_column(volatile uint16_t* tile, uint16_t scalar) {
  for (uint32_t face = 0; face < 4; face += 2) {
    for (uint32_t row = 0; row < 16; ++row) tile[face * 256 + row * 16] = scalar;
  }
}
inline volatile uint16_t* reserved_tile(uint32_t cb, Line at) {
  tg().cb_reserve_back(cb, 1, at);
  return reinterpret_cast<volatile uint16_t*>(static_cast<uintptr_t>(tg().cb_fact(cb, 1, at)));
}

}  // namespace tilegrid_device

/// A tile for reduce_tile: `scaler` (a BF16 value, twice in a word) in the first row of each face.
template <bool half_tile = false>
inline void generate_reduce_scaler(uint32_t cb, uint32_t scaler, TG_AT) {
  auto* tile = tilegrid_device::zeroed_tile(cb, half_tile ? 1024 : 2048, at);
  if (scaler != 0) tilegrid_device::fill_first_rows(tile, static_cast<uint16_t>(scaler), half_tile ? 2 : 4);
  tilegrid_device::tg().cb_push_back(cb, 1, at);
}
template <bool needs_zeroing = true>
inline void wh_generate_reduce_scaler(uint32_t cb, uint32_t scaler, TG_AT) {
  auto* tile = needs_zeroing ? tilegrid_device::zeroed_tile(cb, 2048, at) : tilegrid_device::reserved_tile(cb, at);
  if (scaler != 0 || !needs_zeroing) tilegrid_device::fill_first_rows(tile, static_cast<uint16_t>(scaler), 4);
  tilegrid_device::tg().cb_push_back(cb, 1, at);
}
/// A tile that a matmul sums columns with.
inline void generate_mm_scaler(uint32_t cb, uint32_t scaler, TG_AT) {
  tilegrid_device::fill_first_column(tilegrid_device::zeroed_tile(cb, 2048, at), static_cast<uint16_t>(scaler));
  tilegrid_device::tg().cb_push_back(cb, 1, at);
}
/// Tiles for broadcasts of columns, of rows and of a scalar. What a broadcast does not look at stays as it is.
inline void generate_bcast_col_scalar(uint32_t cb, uint32_t scalar, TG_AT) {
  tilegrid_device::fill_first_column(tilegrid_device::reserved_tile(cb, at), static_cast<uint16_t>(scalar >> 16));
  tilegrid_device::tg().cb_push_back(cb, 1, at);
}
inline void generate_bcast_row_scalar(uint32_t cb, uint32_t scalar, TG_AT) {
  tilegrid_device::fill_first_rows(tilegrid_device::reserved_tile(cb, at), static_cast<uint16_t>(scalar), 2);
  tilegrid_device::tg().cb_push_back(cb, 1, at);
}
inline void generate_bcast_unary_scalar(uint32_t cb, uint32_t scalar, TG_AT) {
  auto* tile = tilegrid_device::reserved_tile(cb, at);
  tile[0] = static_cast<uint16_t>(scalar >> 16);
  tile[1] = 0;
  tilegrid_device::tg().cb_push_back(cb, 1, at);
}

inline constexpr uint64_t ALIGN_REQ_64 = 64, MASK_64 = ~uint64_t{63}, OFFSET_64 = 63;
inline constexpr uint64_t ALIGN_REQ_16 = 16, MASK_16 = ~uint64_t{15}, OFFSET_16 = 15;

namespace tt::data_movement::common {

template <uint32_t max_transfer_size, bool only_reads>
inline void enhanced_noc_async_read(uint64_t source, uint32_t l1, uint32_t bytes, TG_AT) {
  constexpr bool one_packet = only_reads && max_transfer_size <= NOC_MAX_BURST_SIZE;
  tilegrid_device::tg().read(source, l1, bytes, one_packet, noc_index, at);
}
template <uint32_t max_transfer_size, bool only_writes>
inline void enhanced_noc_async_write(uint32_t l1, uint64_t destination, uint32_t bytes, TG_AT) {
  constexpr bool one_packet = only_writes && max_transfer_size <= NOC_MAX_BURST_SIZE;
  tilegrid_device::tg().write(l1, destination, bytes, one_packet, noc_index, at);
}
/// A copy within L1: by the NoC where both ends are aligned alike, else by the RISC.
template <bool guaranteed_16B_aligned, bool copy_async, bool use_read_datamover, uint32_t max_transfer_size>
inline void tt_memmove(uint32_t target, uint32_t source, uint32_t bytes, TG_AT) {
  if (!guaranteed_16B_aligned && (target & OFFSET_16) != (source & OFFSET_16)) {
    __builtin_memmove(reinterpret_cast<void*>(static_cast<uintptr_t>(target)),
                      reinterpret_cast<const void*>(static_cast<uintptr_t>(source)), bytes);
    return;
  }
  if constexpr (use_read_datamover) {
    enhanced_noc_async_read<max_transfer_size, false>(::get_noc_addr(source), target, bytes, at);
  } else {
    enhanced_noc_async_write<max_transfer_size, false>(source, ::get_noc_addr(target), bytes, at);
  }
  if (!copy_async) tilegrid_device::tg().barrier(use_read_datamover ? 0 : 1, -1, noc_index, at);
}

inline float bfloat16_to_float32(uint16_t bits) {
  const uint32_t word = uint32_t{bits} << 16U;
  float value;
  __builtin_memcpy(&value, &word, sizeof value);
  return value;
}
template <class T = uint32_t>
inline void fill_with_val(uint32_t begin, uint32_t count, T value) {
  auto* values = reinterpret_cast<volatile T*>(static_cast<uintptr_t>(begin));
  for (uint32_t i = 0; i < count; ++i) values[i] = value;
}
template <uint32_t a, uint32_t b>
constexpr uint32_t div_up() {
  return (a + b - 1) / b;
}
template <uint32_t a, uint32_t b>
constexpr uint32_t round_up() {
  return b * div_up<a, b>();
}
constexpr uint32_t div_up(uint32_t a, uint32_t b) { return (a + b - 1) / b; }
constexpr uint32_t round_up(uint32_t a, uint32_t b) { return b * div_up(a, b); }
template <size_t count>
inline void swap_elements(uint32_t (&array)[count], size_t i, size_t j) {
  std::swap(array[i], array[j]);
}
/// Rows and columns of elements change places; rows begin a page apart.
inline void transpose_2d(uint32_t from, uint32_t to, uint32_t rows, uint32_t columns, uint32_t element_size,
                         uint32_t from_page, uint32_t to_page) {
  const auto* source = reinterpret_cast<const volatile uint8_t*>(static_cast<uintptr_t>(from));
  auto* target = reinterpret_cast<volatile uint8_t*>(static_cast<uintptr_t>(to));
  for (uint32_t row = 0; row < rows; ++row) {
    for (uint32_t column = 0; column < columns; ++column) {
      for (uint32_t byte = 0; byte < element_size; ++byte) {
        target[column * to_page + row * element_size + byte] = source[row * from_page + column * element_size + byte];
      }
    }
  }
}
template <uint32_t alignment>
constexpr uint32_t align_address(uint32_t address, uint64_t mask) {
  return static_cast<uint32_t>(address & mask) + alignment;
}
inline void spin(uint32_t cycles, TG_AT) { tilegrid_device::tg().idle(cycles, at); }
template <uint32_t bytes>
struct ByteSizeAddressType {
  using type = std::conditional_t<bytes == 4, uint32_t, std::conditional_t<bytes == 2, uint16_t, uint8_t>>;
};
template <class Generator>
inline void noc_async_write_sharded(uint32_t l1, const Generator& tensor, uint32_t page, uint32_t offset, uint32_t bytes,
                                    TG_AT) {
  tensor.each_part(page, offset, bytes, [&](uint64_t address, uint32_t done, uint32_t part) {
    tilegrid_device::tg().write(l1 + done, address, part, false, noc_index, at);
  });
}
template <class Generator>
inline void noc_async_read_sharded(uint32_t l1, const Generator& tensor, uint32_t page, uint32_t offset, uint32_t bytes,
                                   TG_AT) {
  tensor.each_part(page, offset, bytes, [&](uint64_t address, uint32_t done, uint32_t part) {
    tilegrid_device::tg().read(address, l1 + done, part, false, noc_index, at);
  });
}

// ---- Pages of L1, printed.
template <class T, class Print>
inline void tilegrid_print_pages(uint32_t address, uint32_t elements, uint32_t pages, uint32_t start, const Print& print) {
  const auto* next = reinterpret_cast<const volatile T*>(static_cast<uintptr_t>(address)) + start * elements;
  for (uint32_t page = start; page < start + pages; ++page) {
    DPRINT << page << ": ";
    for (uint32_t i = 0; i < elements; ++i) print(static_cast<T>(*next++));
    DPRINT << ENDL();
  }
}
inline void print_bf16_pages(uint32_t address, uint32_t elements, uint32_t pages, uint32_t start = 0) {
  tilegrid_print_pages<uint16_t>(address, elements, pages, start, [](uint16_t bits) { DPRINT << BF16(bits) << " "; });
}
inline void print_f32_pages(uint32_t address, uint32_t elements, uint32_t pages, uint32_t start = 0) {
  tilegrid_print_pages<float>(address, elements, pages, start, [](float value) { DPRINT << F32(value) << " "; });
}
inline void print_u8_pages(uint32_t address, uint32_t elements, uint32_t pages, uint32_t start = 0) {
  tilegrid_print_pages<uint8_t>(address, elements, pages, start,
                                [](uint8_t value) { DPRINT << HEX() << "0x" << uint32_t{value} << " " << DEC(); });
}
inline void print_u16_pages(uint32_t address, uint32_t elements, uint32_t pages, uint32_t start = 0) {
  tilegrid_print_pages<uint16_t>(address, elements, pages, start, [](uint16_t value) { DPRINT << uint32_t{value} << " "; });
}
inline void print_u32_pages(uint32_t address, uint32_t elements, uint32_t pages, uint32_t start = 0) {
  tilegrid_print_pages<uint32_t>(address, elements, pages, start, [](uint32_t value) { DPRINT << value << " "; });
}

}  // namespace tt::data_movement::common

inline void print_cb_details(uint32_t cb) {
  const auto facts = get_local_cb_interface(cb);
  DPRINT << "cb_id " << cb << ": { size: " << facts.fifo_size << ", limit: " << facts.fifo_limit
         << ", page_size: " << facts.fifo_page_size << ", num_pages: " << facts.fifo_num_pages
         << ", rd_ptr: " << facts.fifo_rd_ptr << ", wr_ptr: " << facts.fifo_wr_ptr
         << ", wr_tile_ptr: " << facts.fifo_wr_tile_ptr << " }" << ENDL();
}
