// SPDX-License-Identifier: Apache-2.0
// Adds a number to each word of the core's shard, in place, through a plain pointer, and counts its launches in L1.
#include "dataflow_api.h"
#include "tools/profiler/kernel_profiler.hpp"

namespace {
uint32_t calls = 0;  // each core its own
}

void kernel_main() {
  const uint32_t words = get_arg_val<uint32_t>(0);
  const uint32_t counter = get_arg_val<uint32_t>(1);
  const uint32_t number = get_common_arg_val<uint32_t>(0);
  constexpr uint32_t cb = get_compile_time_arg_val(0);
  uint32_t* data = reinterpret_cast<uint32_t*>(get_read_ptr(cb));
  {
    DeviceZoneScopedN("words");
    for (uint32_t i = 0; i < words; ++i) data[i] += number + calls;
  }
  ++calls;
  *reinterpret_cast<volatile uint32_t*>(counter) += 1;
}
