// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/arguments.h"
#include "tilegrid/formats.h"

namespace tilegrid_device {

#define TG_AT ::tilegrid_device::Line at = ::tilegrid_device::Line::here()

/// A copy of what the firmware knows of a buffer; to change it moves nothing.
struct BufferFacts {
  uint32_t fifo_size, fifo_limit, fifo_page_size, fifo_num_pages, fifo_rd_ptr, fifo_wr_ptr;
  uint32_t fifo_wr_tile_ptr, tiles_acked, tiles_received;
};

}  // namespace tilegrid_device

inline void cb_reserve_back(uint32_t cb, uint32_t pages, TG_AT) { tilegrid_device::tg().cb_reserve_back(cb, pages, at); }
inline void cb_push_back(uint32_t cb, uint32_t pages, TG_AT) { tilegrid_device::tg().cb_push_back(cb, pages, at); }
inline void cb_wait_front(uint32_t cb, uint32_t pages, TG_AT) { tilegrid_device::tg().cb_wait_front(cb, pages, at); }
inline void cb_pop_front(uint32_t cb, uint32_t pages, TG_AT) { tilegrid_device::tg().cb_pop_front(cb, pages, at); }
inline bool cb_pages_available_at_front(uint32_t cb, uint32_t pages, TG_AT) {
  return tilegrid_device::tg().cb_pages_available(cb, pages, at);
}
inline bool cb_pages_reservable_at_back(uint32_t cb, uint32_t pages, TG_AT) {
  return tilegrid_device::tg().cb_pages_reservable(cb, pages, at);
}
inline uint32_t get_read_ptr(uint32_t cb, TG_AT) { return tilegrid_device::tg().cb_fact(cb, 0, at); }
inline uint32_t get_write_ptr(uint32_t cb, TG_AT) { return tilegrid_device::tg().cb_fact(cb, 1, at); }
inline const tilegrid_device::BufferFacts get_local_cb_interface(uint32_t cb, TG_AT) {
  const auto fact = [&](int what) { return tilegrid_device::tg().cb_fact(cb, what, at); };
  const uint32_t bytes = fact(2) * fact(3);
  return {bytes, fact(4) + bytes, fact(2), fact(3), fact(0), fact(1), 0, fact(7), fact(6)};
}

using LocalCBInterface = const tilegrid_device::BufferFacts;

/// Facts of buffers are bytes for every processor.
inline constexpr uint32_t cb_addr_shift = 0;
#define CB_RD_PTR(id) get_read_ptr(id)
#define CB_WR_PTR(id) get_write_ptr(id)
#define CB_RD_SZ(id) get_local_cb_interface(id).fifo_size
#define CB_PAGE_SIZE(id) get_local_cb_interface(id).fifo_page_size
#define CB_PAGE_COUNT(id) get_local_cb_interface(id).fifo_num_pages

namespace tt {
/// Names of the buffers in the first years' compute kernels.
enum HlkOperand : uint8_t {
  in0 = 0,
  in1,
  in2,
  in3,
  in4,
  in5,
  in6,
  in7,
  param0 = 8,
  param1,
  param2,
  param3,
  param4,
  param5,
  param6,
  param7,
  out0 = 16,
  out1,
  out2,
  out3,
  out4,
  out5,
  out6,
  out7,
  intermed0 = 24,
  intermed1,
  intermed2,
  intermed3,
  intermed4,
  intermed5,
  intermed6,
  intermed7,
};
}  // namespace tt
