// SPDX-License-Identifier: Apache-2.0
// Sizes and alignments of the chip, as programs ask for them before they have a device.
#pragma once

#include <tt-metalium/base_types.hpp>

#include <cstdint>
#include <string>

namespace tt::tt_metal::hal {

[[nodiscard]] ARCH get_arch();
[[nodiscard]] std::string get_arch_name();
[[nodiscard]] std::uint32_t get_l1_size();
[[nodiscard]] std::uint32_t get_l1_alignment();
[[nodiscard]] std::uint32_t get_dram_alignment();
[[nodiscard]] std::uint32_t get_max_worker_l1_unreserved_size();
/// Ids of a core.
[[nodiscard]] std::uint32_t get_arch_num_circular_buffers();
/// No Ethernet cores are emulated.
[[nodiscard]] inline std::uint32_t get_erisc_l1_unreserved_base() { return 0; }
[[nodiscard]] inline std::uint32_t get_erisc_l1_unreserved_size() { return 0; }

}  // namespace tt::tt_metal::hal
