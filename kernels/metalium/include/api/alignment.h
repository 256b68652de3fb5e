// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/device.h"

/// The next multiple of a power of two, and of any number.
constexpr uint32_t align_power_of_2(uint32_t address, uint32_t alignment) { return ((address - 1) | (alignment - 1)) + 1; }
constexpr uint32_t align(uint32_t address, uint32_t alignment) { return (address + alignment - 1) / alignment * alignment; }
constexpr bool is_power_of_2(uint32_t n) { return n != 0 && (n & (n - 1)) == 0; }
