// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/dataflow.h"
#include "kernels/attention/kernel_args.h"

/// What passes a slot of a circular buffer from core to core: the receiver reserves it, empties its flag and gives the
/// sender a credit; the sender, once it has all credits, writes the data and then the flag, which arrive in this order as
/// they take the same way.
namespace tilegrid::attention {

/// Waits until the sender has filled the reserved slot.
inline void receive(CoreArg sender, SemaphoreIndex credit, SemaphoreIndex flag_index) {
  volatile std::uint32_t* flag = api::semaphore_pointer(api::get_semaphore(flag_index));
  api::noc_semaphore_set(flag, flag_empty);
  api::noc_semaphore_inc(api::get_noc_addr(sender.x, sender.y, api::get_semaphore(credit)), 1);
  api::noc_semaphore_wait(flag, flag_filled);
}

/// Waits until all receivers have reserved their slots.
inline void take_credits(SemaphoreIndex index, std::uint32_t receivers) {
  volatile std::uint32_t* credit = api::semaphore_pointer(api::get_semaphore(index));
  api::noc_semaphore_wait(credit, receivers);
  api::noc_semaphore_set(credit, 0);
}

}  // namespace tilegrid::attention
